// Writes docs/acceptance.md: per acceptance number the tests that carry it, found in the sources, and how they came out, from vitest's JSON reports.
// `node scripts/acceptance.ts report.json…`; without a report, or for tests that none holds, the page's last results stay.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ACCEPTANCE } from './acceptance-items.ts';
import { listRepositoryFiles, type RepositoryFile } from './check-house.ts';

const PAGE = 'docs/acceptance.md';
const BY_HAND = 'docs/acceptance-by-hand.json';

/** A title in a test file that starts with one or more acceptance numbers. */
export interface NumberedTitle {
  readonly path: string;
  /** As in the source, with its placeholders. */
  readonly title: string;
  readonly numbers: readonly number[];
}

/** How the tests below a title came out. */
export interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of vitest's JSON report that is read here. */
export interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

/** A long form of an item that somebody ran by hand, as docs/acceptance-by-hand.json holds it. */
export interface HandRun {
  /** The acceptance number. */
  readonly number: number;
  /** YYYY-MM-DD. */
  readonly date: string;
  /** How many of what: "10,000,000 requests". */
  readonly count: string;
  /** What to type to run it again. */
  readonly command: string;
  /** What came of it, with its figures. */
  readonly result: string;
}

/** The runs of a file's text, checked: a wrong member throws and names its row. */
export function readHandRuns(text: string): HandRun[] {
  const { runs } = JSON.parse(text) as { runs: Record<string, unknown>[] };
  return runs.map((run, i) => {
    const names = Object.keys(run).sort().join(' ');
    if (names !== 'command count date number result')
      throw new Error(`${BY_HAND}: run ${i} has the members ${names}`);
    const { number, date, count, command, result } = run as unknown as HandRun;
    if (!Number.isInteger(number) || number < 1 || number > 60)
      throw new Error(`${BY_HAND}: run ${i} has no acceptance number`);
    if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw new Error(`${BY_HAND}: run ${i} has no date`);
    for (const words of [count, command, result]) {
      if (typeof words !== 'string' || words === '' || /[\n`]/.test(words))
        throw new Error(`${BY_HAND}: run ${i} has an empty word, a line end or a backtick`);
    }
    return { number, date, count, command, result };
  });
}

/** Finds the numbered titles of test files, each once, by path and place. */
export function findNumberedTitles(files: readonly RepositoryFile[]): NumberedTitle[] {
  const found = new Map<string, NumberedTitle>();
  for (const { path, text } of files) {
    if (!/(?:\.test\.ts|-contract\.ts)$/.test(path)) continue;
    for (const match of text.matchAll(/\(\s*(['"`])(A\d{1,2} (?:\\.|(?!\1)[^\\\n])*)\1/g)) {
      const title = (match[2] ?? '').replace(/\\(['"`])/g, '$1');
      found.set(`${path}\n${title}`, { path, title, numbers: numbersOf(title) });
    }
  }
  return [...found.values()];
}

/** `A26 A27 …` is both, `A5 to A8 …` is all four. */
export function numbersOf(title: string): number[] {
  const range = /^A(\d{1,2}) to A(\d{1,2})(?!\d)/.exec(title);
  if (range) {
    const [from, to] = [Number(range[1]), Number(range[2])];
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  }
  const head = /^(?:A\d{1,2} )+/.exec(title)?.[0] ?? '';
  return [...head.matchAll(/\d+/g)].map(([digits]) => Number(digits));
}

/** The text of a title between its placeholders (`%s`, `$name`, `${…}`). */
function fixedParts(title: string): string[] {
  return title.split(/%[sdifjo#$p]|\$\{[^}]*(?:\{[^}]*\}[^}]*)*\}|\$[A-Za-z_][\w.]*/);
}

/** A title as a pattern of what a run prints. */
function patternOf(title: string): RegExp {
  const fixed = fixedParts(title).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${fixed.join('[\\s\\S]*')}$`);
}

/** What the reports say of each title, null where none of them ran it. Contracts are found under the files that run them. */
export function resultsOf(
  titles: readonly NumberedTitle[],
  reports: readonly Report[],
  root: string,
): Map<NumberedTitle, Result | null> {
  const patterns = titles
    .map((title) => ({
      title,
      pattern: patternOf(title.title),
      fixed: fixedParts(title.title).join('').length,
    }))
    // where two fit, the one that says more is meant
    .sort((a, b) => b.fixed - a.fixed);
  const results = new Map<NumberedTitle, Result | null>(titles.map((title) => [title, null]));
  // of a file that several reports hold, the last one counts
  const files = new Map(reports.flatMap(({ testResults }) => testResults).map((file) => [file.name, file]));
  for (const { name, assertionResults } of files.values()) {
    const path = relative(root, name);
    const here = patterns.filter(({ title }) => title.path === path || !title.path.endsWith('.test.ts'));
    for (const { ancestorTitles, title: own, status } of assertionResults) {
      const word = status === 'passed' || status === 'failed' ? status : 'skipped';
      const meant = [...ancestorTitles, own].map(
        (text) => here.find(({ pattern }) => pattern.test(text))?.title,
      );
      for (const title of new Set(meant)) {
        if (title === undefined) continue;
        const before = results.get(title) ?? { passed: 0, failed: 0, skipped: 0 };
        results.set(title, { ...before, [word]: before[word] + 1 });
      }
    }
  }
  return results;
}

function say(result: Result | null): string {
  if (result === null) return 'not run yet';
  const words = (['passed', 'failed', 'skipped'] as const).filter((word) => result[word] > 0);
  return words.map((word) => `${result[word]} ${word}`).join(', ');
}

/** The line of one title, without its result. */
function entryOf({ path, title }: NumberedTitle): string {
  return `- [${path}](../${path}) \`\` ${title} \`\`: `;
}

/** The results that a page holds, by the line they stand in. */
export function readPage(page: string): Map<string, string> {
  const lines = page.split('\n').flatMap((line) => {
    const match = /^(- \[.* ``: )(.*)$/.exec(line);
    return match ? [[match[1] ?? '', match[2] ?? ''] as const] : [];
  });
  return new Map(lines);
}

/** Writes the page. A title without a result in `results` keeps the one of `before`. */
export function renderPage(
  titles: readonly NumberedTitle[],
  results: ReadonlyMap<NumberedTitle, Result | null>,
  before: ReadonlyMap<string, string>,
  handRuns: readonly HandRun[] = [],
): string {
  const lines = [
    '# Acceptance',
    '',
    'Sixty things that a relay worth trusting must pass, and the tests that carry their numbers. Written by',
    '`node scripts/acceptance.ts` from the test sources and a run; a test holds the list to the sources.',
    '"Later" names the part of the project that brings what is still open, "by hand" a long form that somebody ran',
    '([acceptance-by-hand.json](acceptance-by-hand.json)).',
  ];
  for (const [part, items] of ACCEPTANCE) {
    lines.push('', `## ${part}`);
    for (const { number, says, later } of items) {
      lines.push('', `### A${number}`, '', says + (later === undefined ? '' : ` Later: ${later}.`), '');
      const carried = titles.filter(({ numbers }) => numbers.includes(number));
      for (const title of carried) {
        const entry = entryOf(title);
        const result = results.get(title) ?? null;
        lines.push(entry + (result === null ? (before.get(entry) ?? say(null)) : say(result)));
      }
      if (carried.length === 0) lines.push('No test yet.');
      for (const { number: of, date, count, command, result } of handRuns) {
        if (of === number) lines.push(`- By hand, ${date}: ${count}. ${result} (\`${command}\`)`);
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

/** What keeps a page from being in step with the sources; empty when nothing does. Results are not looked at. */
export function findDrift(
  page: string,
  titles: readonly NumberedTitle[],
  handRuns: readonly HandRun[] = [],
): string[] {
  const items = ACCEPTANCE.flatMap(([, list]) => list);
  const known = new Set(items.map(({ number }) => number));
  const problems = titles.flatMap(({ path, title, numbers }) =>
    numbers
      .filter((number) => !known.has(number))
      .map((number) => `${path}: "${title}" names A${number}, which is no item`),
  );
  for (const { number, later } of items) {
    if (later === undefined && !titles.some(({ numbers }) => numbers.includes(number)))
      problems.push(`A${number} has no test and is not marked as later`);
  }
  const wanted = renderPage(titles, new Map(), readPage(page), handRuns);
  if (wanted !== page) {
    const [there, should] = [new Set(page.split('\n')), new Set(wanted.split('\n'))];
    for (const line of should) if (!there.has(line)) problems.push(`missing: ${line}`);
    for (const line of there) if (!should.has(line)) problems.push(`stale: ${line}`);
    problems.push(`${PAGE} is out of step: run node scripts/acceptance.ts`);
  }
  return problems;
}

/** The numbered titles of the repository's own tests, in the order of their paths. */
export function listRepositoryTitles(root: string): NumberedTitle[] {
  // this script's own test holds titles as data
  const paths = listRepositoryFiles(root).filter(
    (path) => path.endsWith('.ts') && !path.startsWith('scripts/acceptance'),
  );
  return findNumberedTitles(paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })));
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const reports = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')) as Report);
  const titles = listRepositoryTitles(root);
  const path = join(root, PAGE);
  const before = readPage(existsSync(path) ? readFileSync(path, 'utf8') : '');
  const results = resultsOf(titles, reports, root);
  const handRuns = readHandRuns(readFileSync(join(root, BY_HAND), 'utf8'));
  const page = renderPage(titles, results, before, handRuns);
  writeFileSync(path, page);
  const drift = findDrift(page, titles, handRuns);
  for (const problem of drift) console.error(problem);
  const ran = [...results.values()].filter((result) => result !== null).length;
  console.log(`${PAGE}: ${titles.length} numbered titles, ${ran} with a result of this run`);
  process.exitCode = drift.length > 0 ? 1 : 0;
}
