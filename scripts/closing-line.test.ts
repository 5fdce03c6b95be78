// `npm test` from the inside: what the reporter writes for a real run, and the last line that scripts/test.ts prints.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'relayapi-closing-'));

afterAll(() => rmSync(folder, { recursive: true }));

function runTests(
  args: readonly string[],
  env: Record<string, string> = {},
): { status: number | null; lines: string[] } {
  const { RELAYAPI_TEST_TALLY: _file, RELAYAPI_TEST_REQUIRE: _require, ...outside } = process.env;
  const script = join(ROOT, 'scripts/test.ts');
  const { status, stdout } = spawnSync(process.execPath, [script, ...args], {
    cwd: ROOT,
    env: { ...outside, ...env },
    encoding: 'utf8',
  });
  return { status, lines: stdout.trimEnd().split('\n') };
}

test('the reporter counts passes, failures, skips with their reasons, files that do not load and hooks that throw', () => {
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const write = (name: string, text: string) =>
    writeFileSync(join(folder, name), `import { beforeAll, describe, test } from 'vitest';\n${text}`);
  write('a.test.ts', "test('good', () => {});\ntest('bad', () => { throw new Error('no'); });\n");
  write(
    'b.test.ts',
    "test('lacks', (context) => context.skip(true, 'redis-server is missing'));\ntest.skip('off', () => {});\n",
  );
  write('c.test.ts', "import './nowhere.ts';\ntest('never', () => {});\n");
  write(
    'd.test.ts',
    "describe('hook', () => { beforeAll(() => { throw new Error('no'); }); test('never', () => {}); });\n",
  );
  const file = join(folder, 'tally.json');
  const vitest = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder];
  const reporter = `--reporter=${join(ROOT, 'scripts/tally-reporter.ts')}`;
  const env = { ...process.env, RELAYAPI_TEST_TALLY: file };
  const { status } = spawnSync(process.execPath, [...vitest, reporter], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  const tally = JSON.parse(readFileSync(file, 'utf8'));
  expect(tally.passed).toBe(1);
  // bad, the file that does not load, the hook that throws
  expect(tally.failed).toBe(3);
  expect(tally.skipped).toContainEqual({ name: 'b.test.ts > lacks', reason: 'redis-server is missing' });
  expect(tally.skipped).toContainEqual({ name: 'b.test.ts > off', reason: 'no reason given' });
});

test('the last line stands alone and says what ran', () => {
  const { status, lines } = runTests(['scripts/tally.test.ts']);
  expect(lines.at(-1)).toBe('9 passed, 0 failed, 0 skipped');
  expect(status).toBe(0);
});

test('a run that finds no test fails', () => {
  const { status, lines } = runTests(['no/such/test']);
  expect(lines.at(-1)).toMatch(/^0 passed, \d failed, 0 skipped$/);
  expect(status).toBe(1);
});
