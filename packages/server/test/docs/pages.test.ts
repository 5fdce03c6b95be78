/** SECURITY.md and the index of the documents say nothing that the tree does not hold. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8');

/** Acceptance numbers that some test's name starts with. */
function listTestedNumbers(): Set<string> {
  const files = globSync(['packages/*/{src,test}/**/*.test.ts', 'packages/*/test/contract/*.ts'], {
    cwd: root,
  });
  const names = files.flatMap((path) => [
    ...read(path).matchAll(
      /\b(?:it|test|describe)(?:\.[\w.]+(?:\((?:[^()]|\([^()]*\))*\))?)?\(\s*['"`]((?:A\d+ )+)/g,
    ),
  ]);
  return new Set(names.flatMap(([, numbers = '']) => numbers.trim().split(' ')));
}

describe('SECURITY.md', () => {
  it('names for each guarantee only tests that exist', () => {
    const [, section = ''] = read('SECURITY.md').split('\n## Guarantees\n');
    const rows = (section.split('\n## ')[0] ?? '')
      .split('\n')
      .filter((line) => line.startsWith('| ') && line !== '| promise | tests |');
    expect(rows.filter((row) => !/\| A\d/.test(row))).toEqual([]);
    const tested = listTestedNumbers();
    expect(rows.length).toBeGreaterThanOrEqual(25);
    const named = rows.flatMap((row) => row.split('|').at(-2)?.match(/A\d+/g) ?? []);
    expect(named.filter((number) => !tested.has(number))).toEqual([]);
  });

  it('gives no address to write to but the private report', () => {
    expect(read('SECURITY.md')).not.toMatch(/[\w.]+@[\w.]+\.\w+/);
  });
});

describe('docs/README.md', () => {
  it('leads to every document', () => {
    const index = read('docs/README.md');
    const documents = globSync('docs/**/*.md', { cwd: root })
      .map((path) => path.slice('docs/'.length))
      .filter((path) => path !== 'README.md' && !path.startsWith('decisions/'));
    expect(documents.length).toBeGreaterThanOrEqual(10);
    expect(documents.filter((path) => !index.includes(`(${path})`))).toEqual([]);
  });
});

describe('docs/decisions', () => {
  it('has context, choice and consequences on every page, and its own number', () => {
    const pages = globSync('docs/decisions/*.md', { cwd: root }).sort();
    for (const path of pages) {
      const [number] = /\d{4}/.exec(path) ?? [];
      const text = read(path);
      expect(text, path).toMatch(new RegExp(`^# ${number} `));
      const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
      expect(headings, path).toEqual(expect.arrayContaining(['Context', 'Choice', 'Consequences']));
    }
  });
});
