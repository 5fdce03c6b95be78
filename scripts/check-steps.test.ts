// The runner of check steps: a failed step is named, shown, and does not stop the others; a flag that it does not know stops it.
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runSteps, type Step } from './check-steps.ts';

const node = (code: string) => [process.execPath, '-e', code];
let printed: string[];

beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
});

afterEach(() => vi.restoreAllMocks());

test('a failed step is named, its output is shown, and the steps after it still run', () => {
  const steps: Step[] = [
    { name: 'good', commands: [node('console.log("first"); console.log("12 files read")')] },
    {
      name: 'bad',
      commands: [node('console.log("what is wrong"); process.exit(3)'), node('console.log("goes on")')],
    },
    { name: 'last', commands: [node('')] },
  ];
  expect(runSteps(steps)).toEqual(['bad']);
  const text = printed.join('\n');
  expect(text).toContain('what is wrong');
  expect(text).toContain('goes on');
  expect(text).toMatch(/== bad: FAILED \(\d+\.\d s\)/);
  expect(text).toMatch(/== last: ok/);
});

test('of a step that went well only the last line is shown', () => {
  runSteps([{ name: 'good', commands: [node('console.log("first"); console.log("12 files read")')] }]);
  expect(printed.join('\n')).toContain('12 files read');
  expect(printed.join('\n')).not.toContain('first');
});

test('a program that is not there fails its step', () => {
  expect(runSteps([{ name: 'lost', commands: [['no-such-program']] }])).toEqual(['lost']);
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
