// The house rules bite, each on a small made-up file, and stay silent on files that keep them.
import { describe, expect, test } from 'vitest';
import { findHouseProblems, isTest, listRepositoryFiles, MAX_FILE_LINES, weigh } from './check-house.ts';

const header = '// What it is.\n';
const problemsOf = (path: string, text: string) => findHouseProblems([{ path, text }]);

describe('folders', () => {
  test.each(['utils', 'helpers', 'common', 'shared', 'misc', 'lib', 'manager'])('%s is refused', (name) => {
    expect(problemsOf(`packages/server/src/${name}/a.ts`, header)).toEqual([
      expect.stringContaining(`"${name}" says nothing`),
    ]);
  });

  test('a file of such a name is no folder', () => {
    expect(problemsOf('packages/server/src/policy/shared.ts', header)).toEqual([]);
  });
});

describe('sizes', () => {
  test('a source of 500 lines passes and one more is refused', () => {
    const lines = (count: number) => header + 'x\n'.repeat(count - 1);
    expect(problemsOf('packages/token/src/a.ts', lines(MAX_FILE_LINES))).toEqual([]);
    expect(problemsOf('packages/token/src/a.ts', lines(MAX_FILE_LINES + 1))).toEqual([
      expect.stringContaining('501 lines'),
    ]);
  });

  test('data may be long', () => {
    const text = 'x\n'.repeat(9_000);
    expect(problemsOf('packages/token/vectors/good.json', text)).toEqual([]);
    expect(problemsOf('packages/server/src/providers/prices.json', text)).toEqual([]);
    expect(problemsOf('packages/token/vectors/generate/a.ts', text)).toEqual([]);
  });

  test('the spine has two screens and no more', () => {
    const spine = `${header}${'x\n'.repeat(200)}`;
    expect(problemsOf('packages/server/src/relay.ts', spine)).toEqual([
      expect.stringContaining('two screens'),
    ]);
  });
});

describe('comments', () => {
  test('a source without a header is refused, an index and a shebang before the header are not', () => {
    expect(problemsOf('packages/cli/src/a.ts', 'const a = 1;\n')).toEqual([
      expect.stringContaining('no header'),
    ]);
    expect(problemsOf('packages/cli/src/index.ts', "export { a } from './a.ts';\n")).toEqual([]);
    expect(problemsOf('packages/cli/src/main.ts', '#!/usr/bin/env node\n// The command.\n')).toEqual([]);
  });

  test('an export without a doc comment is named', () => {
    const text = `${header}\nexport function seal(): void {}\n\nexport interface Box {}\n`;
    expect(problemsOf('packages/token/src/a.ts', text)).toEqual([
      'packages/token/src/a.ts: export seal has no doc comment',
      'packages/token/src/a.ts: export Box has no doc comment',
    ]);
  });

  test('a documented export passes, so do overloads that share one comment', () => {
    const text = `${header}
/** Seals. */
export function seal(a: string): void;
export function seal(a: number): void;
export function seal(): void {}

/**
 * A box.
 */
export class Box {}
`;
    expect(problemsOf('packages/token/src/a.ts', text)).toEqual([]);
  });

  test('tests need no doc comments on what they export', () => {
    expect(problemsOf('packages/token/src/a.test.ts', `${header}export const a = 1;\n`)).toEqual([]);
  });
});

describe('functions', () => {
  const body = (count: number) => '  step();\n'.repeat(count);

  test('61 lines of its own want a reason', () => {
    const text = (inside: string) => `${header}\nfunction long(): void {\n${inside}}\n`;
    expect(problemsOf('packages/token/src/a.ts', text(body(58)))).toEqual([]);
    expect(problemsOf('packages/token/src/a.ts', text(body(59)))).toEqual([
      'packages/token/src/a.ts:3: a function of 61 lines (60 without a reason)',
    ]);
    expect(
      problemsOf('packages/token/src/a.ts', text(`  // house: long, because it is one table\n${body(60)}`)),
    ).toEqual([]);
  });

  test('a function that makes an object is not charged for its methods, yet a long method is', () => {
    const method = (count: number) => `  const a = () => {\n${body(count)}  };\n`;
    const text = (inside: string) => `${header}\nfunction createIt(): void {\n${inside}}\n`;
    expect(problemsOf('packages/token/src/a.ts', text(method(40) + method(40)))).toEqual([]);
    expect(problemsOf('packages/token/src/a.ts', text(method(40) + method(70)))).toHaveLength(1);
  });
});

describe('sleeps', () => {
  const sleep = `${header}await new Promise((resolve) => setTimeout(resolve, 50));\n`;

  test('a sleep in a test is refused unless it says why', () => {
    expect(problemsOf('packages/server/src/a.test.ts', sleep)).toEqual([expect.stringContaining('a sleep')]);
    expect(
      problemsOf('packages/server/src/a.test.ts', `// house: real time, a socket must go quiet\n${sleep}`),
    ).toEqual([]);
    const delay = `${header}import { setTimeout as delay } from 'node:timers/promises';\n`;
    expect(problemsOf('packages/server/src/a.test.ts', delay)).toEqual([expect.stringContaining('a sleep')]);
  });

  test('the support of tests may wait for real things', () => {
    expect(problemsOf('packages/server/test/support/wait.ts', sleep)).toEqual([]);
  });
});

describe('weights', () => {
  test('tests and their support weigh against code, blank lines and data aside', () => {
    const text = 'a\n\nb\n';
    expect(
      weigh([
        { path: 'packages/token/src/a.ts', text },
        { path: 'packages/token/src/a.test.ts', text },
        { path: 'packages/server/test/support/b.ts', text },
        { path: 'packages/token/vectors/a.json', text },
        { path: 'packages/server/test/fixtures/a.ts', text },
        { path: 'packages/server/tsup.config.ts', text },
      ]),
    ).toEqual({ code: 2, tests: 4 });
  });

  test('what is a test', () => {
    expect(isTest('packages/server/test/support/start-relay.ts')).toBe(true);
    expect(isTest('packages/server/src/policy/policy.test.ts')).toBe(true);
    expect(isTest('packages/server/src/policy/policy.ts')).toBe(false);
  });
});

test('the list of files holds what git knows and nothing ignored', () => {
  const files = listRepositoryFiles('.');
  expect(files).toContain('get_relayapi.sh');
  expect(files.some((path) => path.includes('node_modules/'))).toBe(false);
});
