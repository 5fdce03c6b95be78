/**
 * src runs anywhere: it compiles without Node's and a browser's types, imports no node: module, and noble by sub-path alone.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const require = (await import('node:module')).createRequire(import.meta.url);
const tsc = join(require.resolve('typescript/package.json'), '..', 'bin', 'tsc');

function compile(project: string): { ok: boolean; output: string } {
  const done = spawnSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' });
  return { ok: done.status === 0, output: done.stdout };
}

test('src compiles against platform.d.ts alone, and a planted use of Node does not', {
  timeout: 60_000,
}, () => {
  const config = join(root, 'tsconfig.src.json');
  expect(compile(config).output).toBe('');
  const dir = mkdtempSync(join(tmpdir(), 'relayapi-token-'));
  try {
    for (const planted of ['export const a = Buffer.alloc(1);', 'export const a = document.title;']) {
      writeFileSync(join(dir, 'planted.ts'), planted);
      const include = [join(dir, 'planted.ts'), join(root, 'platform.d.ts')];
      writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ extends: config, include, exclude: [] }));
      expect(compile(join(dir, 'tsconfig.json')).output, planted).toContain('Cannot find name');
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('src imports its own files and the four libraries, noble by sub-path', () => {
  const allowed = /^(?:\.\/[a-z0-9-]+\.ts|jose|@noble\/(?:ciphers|curves|hashes)\/[a-z0-9]+\.js)$/;
  const files = readdirSync(join(root, 'src')).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  );
  expect(files.length).toBeGreaterThan(15);
  for (const name of files) {
    const text = readFileSync(join(root, 'src', name), 'utf8');
    const specifiers = [...text.matchAll(/from '([^']+)'/g)].map((match) => match[1] as string);
    for (const specifier of specifiers) expect(specifier, name).toMatch(allowed);
    if (name !== 'open.ts') expect(specifiers, name).not.toContain('jose');
    expect(text.startsWith('/**'), `${name} has a header`).toBe(true);
  }
});
