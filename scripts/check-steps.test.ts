// The runner of check steps: a failed step is named, shown, and does not stop the others; a flag that it does not know stops it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { runSteps, type Step } from './check-steps.ts';

const node = (code: string) => [process.execPath, '-e', code];
let printed: string[];

beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
});

afterEach(() => vi.restoreAllMocks());

test('a failed step is named, its output is shown, and the steps after it still run', async () => {
  const steps: Step[] = [
    { name: 'good', commands: [node('console.log("first"); console.log("12 files read")')] },
    {
      name: 'bad',
      commands: [node('console.log("what is wrong"); process.exit(3)'), node('console.log("goes on")')],
    },
    { name: 'last', commands: [node('')] },
  ];
  expect(await runSteps(steps)).toEqual(['bad']);
  const text = printed.join('\n');
  expect(text).toContain('what is wrong');
  expect(text).toContain('goes on');
  expect(text).toMatch(/== bad: FAILED \(\d+\.\d s\)/);
  expect(text).toMatch(/== last: ok/);
});

test('of a step that went well only the last line is shown', async () => {
  await runSteps([{ name: 'good', commands: [node('console.log("first"); console.log("12 files read")')] }]);
  expect(printed.join('\n')).toContain('12 files read');
  expect(printed.join('\n')).not.toContain('first');
});

test('steps run side by side, each with its own words together; commands of one step one after another', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'relayapi-steps-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = (name: string) => JSON.stringify(join(folder, name));
  // each waits for what the other writes: one after another, neither would end well
  const meet = (own: string, other: string) =>
    node(
      `const { existsSync, writeFileSync } = fs; writeFileSync(${file(own)}, ''); const end = Date.now() + 10_000; while (!existsSync(${file(other)})) if (Date.now() > end) process.exit(1); console.log('met ${other}')`,
    );
  const inOrder = [
    node(`fs.writeFileSync(${file('c')}, '')`),
    node(`process.exit(fs.existsSync(${file('c')}) ? 0 : 1)`),
  ];
  const steps = [
    { name: 'one', commands: [meet('a', 'b')] },
    { name: 'two', commands: [meet('b', 'a')] },
    { name: 'three', commands: inOrder },
  ];
  expect(await runSteps(steps)).toEqual([]);
  expect(printed.join('\n')).toMatch(/== one\nmet b\n== one: ok/);
});

test('independent commands of a step run at once, and one that fails fails it', async () => {
  const commands = [node('process.exit(3)'), node('console.log("goes on")')];
  expect(await runSteps([{ name: 'apart', commands, independent: true }])).toEqual(['apart']);
  expect(printed.join('\n')).toContain('goes on');
});

test('a program that is not there fails its step', async () => {
  expect(await runSteps([{ name: 'lost', commands: [['no-such-program']] }])).toEqual(['lost']);
});

test.each(['--help', '--no-test', 'house'])(
  'an argument that is not known (%s) runs nothing and names the known ones',
  (argument) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/check.ts', argument], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(`check: unknown argument ${argument}; known: --no-tests\n`);
  },
);
