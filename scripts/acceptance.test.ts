// docs/acceptance.md and the tests that carry acceptance numbers say the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  findDrift,
  findNumberedTitles,
  listRepositoryTitles,
  numbersOf,
  type Report,
  readHandRuns,
  readPage,
  renderPage,
  resultsOf,
} from './acceptance.ts';
import { ACCEPTANCE } from './acceptance-items.ts';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/acceptance.md'), 'utf8');
const handRuns = readHandRuns(readFileSync(join(root, 'docs/acceptance-by-hand.json'), 'utf8'));

test('the page names every numbered test, and every number it names has one or is marked as later', () => {
  expect(findDrift(page, listRepositoryTitles(root), handRuns)).toEqual([]);
});

test('the items are sixty, each once and in order', () => {
  const numbers = ACCEPTANCE.flatMap(([, items]) => items.map(({ number }) => number));
  expect(numbers).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
});

test('no test on the page has failed', () => {
  expect([...readPage(page).values()].filter((result) => result.includes('failed'))).toEqual([]);
});

test('numbers are read from the front of a title only', () => {
  expect(numbersOf('A7 one')).toEqual([7]);
  expect(numbersOf('A26 A27 two')).toEqual([26, 27]);
  expect(numbersOf('A11 to A16')).toEqual([11, 12, 13, 14, 15, 16]);
  expect(numbersOf('see A7')).toEqual([]);
});

const source = (text: string) => [{ path: 'packages/x/a.test.ts', text }];

test('titles are found in every quoting, on one line or the next, and nowhere else', () => {
  const text = [
    "it('A1 one', () => {});",
    'test("A2 isn\'t", () => {});',
    'describe.each(TABLE)(`A3 over $' + '{scheme}`, () => {});',
    "it.each([['x']])(\n  'A4 next line',\n  () => {});",
    "const word = 'A5 is only a word';",
    "it('a test of A6', () => {});",
    "it('A7 isn\\'t either', () => {});",
  ].join('\n');
  const titles = findNumberedTitles(source(text)).map(({ title }) => title);
  expect(titles).toEqual(['A1 one', "A2 isn't", 'A3 over $' + '{scheme}', 'A4 next line', "A7 isn't either"]);
  expect(findNumberedTitles([{ path: 'src/a.ts', text }])).toEqual([]);
});

test('results are those of the title itself and of all tests below it, placeholders filled in', () => {
  const titles = findNumberedTitles(
    source(
      "it.each(X)('A1 %s', f); it('A1 the only (a)', f); describe('A2 $name.x group', f); it('A3 never', f);",
    ),
  );
  const assertion = (title: string, status: string, ...ancestorTitles: string[]) => ({
    title,
    status,
    ancestorTitles,
  });
  const report: Report = {
    testResults: [
      {
        name: '/r/packages/x/a.test.ts',
        assertionResults: [
          assertion('A1 one', 'passed', 'some group'),
          assertion('A1 two', 'failed'),
          assertion('A1 the only (a)', 'passed'),
          assertion('inner', 'pending', 'A2 the group', 'deeper'),
        ],
      },
      { name: '/r/packages/y/a.test.ts', assertionResults: [assertion('A1 one', 'passed')] },
    ],
  };
  const results = resultsOf(titles, [report], '/r');
  expect(titles.map((title) => results.get(title))).toEqual([
    { passed: 1, failed: 1, skipped: 0 },
    { passed: 1, failed: 0, skipped: 0 },
    { passed: 0, failed: 0, skipped: 1 },
    null,
  ]);
});

test('a page keeps its results without a run, and drift of any kind is told', () => {
  const titles = listRepositoryTitles(root);
  const [first, ...rest] = titles;
  if (first === undefined) throw new Error('there are numbered tests');
  const made = renderPage(titles, new Map([[first, { passed: 3, failed: 0, skipped: 1 }]]), new Map());
  expect(made).toContain(`${first.title} \`\`: 3 passed, 1 skipped`);
  expect(renderPage(titles, new Map(), readPage(made))).toBe(made);
  expect(findDrift(made, rest).join('\n')).toContain('stale:');
  expect(findDrift(renderPage(rest, new Map(), new Map()), titles).join('\n')).toContain('missing:');
  const stray = { path: 'a.test.ts', title: 'A61 x', numbers: [61] };
  expect(findDrift(made, [...titles, stray]).join('\n')).toContain('A61, which is no item');
  const without = titles.filter(({ numbers }) => !numbers.includes(60));
  expect(findDrift(made, without)).toContain('A60 has no test and is not marked as later');
});

test('a run by hand stands under its number, and drops out with its row', () => {
  const run = { number: 58, date: '2026-11-20', count: '5 things', command: 'run it', result: 'All well.' };
  const [read] = readHandRuns(JSON.stringify({ runs: [run] }));
  expect(read).toEqual(run);
  const made = renderPage([], new Map(), new Map(), [run]);
  const [, below = ''] = made.split('### A58\n');
  expect(below.split('### A59')[0]).toContain('- By hand, 2026-11-20: 5 things. All well. (`run it`)');
  expect(findDrift(made, [], []).join('\n')).toContain('stale: - By hand');
  expect(findDrift(renderPage([], new Map(), new Map()), [], [run]).join('\n')).toContain(
    'missing: - By hand',
  );
});

test.each([
  ['a number that is none', { number: 61 }],
  ['a date that is none', { date: 'today' }],
  ['a result without words', { result: '' }],
  ['a member too many', { note: 'x' }],
])('a run by hand with %s is refused', (_what, wrong) => {
  const run = { number: 1, date: '2026-11-20', count: '1', command: 'x', result: 'y', ...wrong };
  expect(() => readHandRuns(JSON.stringify({ runs: [run] }))).toThrow('run 0');
});
