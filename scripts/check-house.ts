// The house rules that no linter has: file sizes, folder names, file headers, the spine's length, tests that outweigh code.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A file that must be split past this many lines (data aside). */
export const MAX_FILE_LINES = 500;
/** A function past this many lines of its own wants a reason, in a comment `house: long, because …` inside it. */
export const MAX_FUNCTION_LINES = 60;
/** `relay.ts` is the table of contents: two screens. */
export const MAX_SPINE_LINES = 150;

const FORBIDDEN_FOLDERS = [
  'utils',
  'util',
  'helpers',
  'common',
  'shared',
  'misc',
  'lib',
  'manager',
  'managers',
];
const CODE = /\.(ts|mts|js|mjs|sh)$/;

/** A tracked file with its text. */
export interface RepositoryFile {
  path: string;
  text: string;
}

/** How many lines of code and of tests there are; blank lines aside. */
export interface Weights {
  code: number;
  tests: number;
}

/** Lists the files that git tracks or would track at `root`. */
export function listRepositoryFiles(root: string): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return [...new Set(listed.split('\0'))]
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .sort();
}

/** Files whose size or shape no person chose: data, vectors, lock files. */
function isData(path: string): boolean {
  return /(^|\/)(vectors|fixtures|results)\//.test(path) || !CODE.test(path);
}

/** True for a test file, for its support and for everything else below a package's `test/`. */
export function isTest(path: string): boolean {
  return /\.test\.ts$/.test(path) || /^(packages\/[^/]+|scripts)\/test\//.test(path);
}

/** Finds what breaks a house rule; each problem is one line that starts with the path. */
export function findHouseProblems(files: readonly RepositoryFile[]): string[] {
  const problems: string[] = [];
  for (const { path, text } of files) {
    const folder = path
      .split('/')
      .slice(0, -1)
      .find((segment) => FORBIDDEN_FOLDERS.includes(segment));
    if (folder !== undefined)
      problems.push(`${path}: a folder named "${folder}" says nothing: name the room`);
    if (isData(path)) continue;
    const lines = countLines(text);
    if (lines > MAX_FILE_LINES)
      problems.push(`${path}: ${lines} lines, split it (${MAX_FILE_LINES} at most)`);
    if (path === 'packages/server/src/relay.ts' && lines > MAX_SPINE_LINES) {
      problems.push(`${path}: ${lines} lines, the spine must fit on two screens (${MAX_SPINE_LINES})`);
    }
    if (
      /^packages\/[^/]+\/src\/.*\.ts$/.test(path) &&
      !/(\/index|\.test)\.ts$/.test(path) &&
      !hasHeader(text)
    ) {
      problems.push(`${path}: no header comment (what it is, what it is not, the spec and its section)`);
    }
    if (/^packages\/[^/]+\/src\/.*\.ts$/.test(path) && !isTest(path)) {
      for (const name of findUndocumented(text)) problems.push(`${path}: export ${name} has no doc comment`);
      problems.push(...findLongFunctions(path, text));
    }
    if (
      isTest(path) &&
      /\b(?:await\s+sleep|setTimeout\(resolve|node:timers\/promises)\b/.test(text) &&
      !/\/(support|fixtures)\//.test(path)
    ) {
      if (!text.includes('house: real time')) {
        problems.push(`${path}: a sleep in a test; use a fake clock, or say why with "house: real time"`);
      }
    }
  }
  return problems;
}

function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

function hasHeader(text: string): boolean {
  return /^(#!.*\n)?\s*(\/\/|\/\*)/.test(text);
}

// A function that makes an object holds its methods: only the lines outside inner functions are its own.
function findLongFunctions(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const problems: string[] = [];
  const linesOf = (node: ts.Node) =>
    source.getLineAndCharacterOfPosition(node.end).line -
    source.getLineAndCharacterOfPosition(node.getStart()).line +
    1;
  const visit = (node: ts.Node): number => {
    let inner = 0;
    node.forEachChild((child) => {
      inner += visit(child);
    });
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return inner;
    const lines = linesOf(node);
    if (lines - inner > MAX_FUNCTION_LINES && !node.getFullText().includes('house: long, because')) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      problems.push(
        `${path}:${line}: a function of ${lines - inner} lines (${MAX_FUNCTION_LINES} without a reason)`,
      );
    }
    // what is nested counts once, as a whole, against the function around it
    return lines;
  };
  visit(source);
  return problems;
}

// A line that opens an export of its own, with the line above it closing a comment.
function findUndocumented(text: string): string[] {
  const lines = text.split('\n');
  const names: string[] = [];
  const seen = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const match =
      /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|const|let|class|interface|type) ([A-Za-z_$][\w$]*)/.exec(
        line,
      );
    const name = match?.[1];
    if (name === undefined) continue;
    let above = index - 1;
    while (/^\s*\/\/ biome-ignore/.test(lines[above] ?? '')) above -= 1;
    const documented = /\*\/\s*$/.test(lines[above] ?? '') || /^\s*\/\//.test(lines[above] ?? '');
    // later signatures of an overloaded function, and a value beside the type of the same name, share one comment
    if (!documented && !seen.has(name)) names.push(name);
    seen.add(name);
  }
  return names;
}

/** Weighs tests against code, in lines that are not blank; data aside. */
export function weigh(files: readonly RepositoryFile[]): Weights {
  const weights: Weights = { code: 0, tests: 0 };
  for (const { path, text } of files) {
    if (!/^packages\/[^/]+\/(src|test)\/.*\.ts$/.test(path) || isData(path)) continue;
    const lines = text.split('\n').filter((line) => line.trim() !== '').length;
    if (isTest(path)) weights.tests += lines;
    else weights.code += lines;
  }
  return weights;
}

if (import.meta.main) {
  const files = listRepositoryFiles('.').map((path) => ({ path, text: readFileSync(path, 'utf8') }));
  const problems = findHouseProblems(files);
  const { code, tests } = weigh(files);
  if (tests < code)
    problems.push(`packages: ${tests} lines of test for ${code} lines of code; at least as many are asked`);
  for (const problem of problems) console.log(problem);
  console.log(
    `${files.length} files, ${tests} lines of test, ${code} lines of code (${(tests / Math.max(code, 1)).toFixed(2)})`,
  );
  process.exitCode = problems.length > 0 ? 1 : 0;
}
