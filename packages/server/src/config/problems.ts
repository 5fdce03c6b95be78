/**
 * What can be wrong with a config: one problem per fault, each with its place and its cure, all of them at once.
 */
import type { z } from 'zod';
import { nearest } from './nearest.ts';

/** One thing wrong. */
export interface ConfigProblem {
  /** Where the value came from: a file name, an environment variable, a flag. */
  readonly source: string;
  /** JSON path, `$.server.port`. */
  readonly path: string;
  /** What is wrong. */
  readonly message: string;
  /** What to do. */
  readonly fix: string;
}

/** A path of names and indexes as a JSON path. */
export function jsonPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = String(part);
    return /^[A-Za-z_$][\w$]*$/.test(name) ? `${text}.${name}` : `${text}[${JSON.stringify(name)}]`;
  }, '$');
}

/** A zod issue, taken apart: where, what, cure. One issue of unknown keys gives one entry per key. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly fix: string;
}

const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text in quotes',
  boolean: 'true or false',
  array: 'a list in [ ]',
  object: 'an object in { }',
  record: 'an object in { }',
};

function kindOf(expected: string): string {
  return KINDS[expected] ?? expected;
}

function shown(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // a text may be a secret put in the wrong place
  return typeof value === 'string' && value.length <= 24 ? JSON.stringify(value) : 'a text';
}

function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, known: readonly string[]): Fault[] {
  return issue.keys.map((key) => {
    const near = nearest(key, known);
    return {
      path: [...issue.path, key],
      message: near ? `unknown key; did you mean "${near}"?` : 'unknown key',
      fix: near
        ? `rename it to "${near}" or remove it`
        : `remove it; known here: ${known.join(', ') || 'none'}`,
    };
  });
}

/** Takes one zod issue apart. `known` answers which names an object may hold; `value` what stands at a path. */
export function faultsOf(
  issue: z.core.$ZodIssue,
  known: (path: readonly PropertyKey[]) => readonly string[],
  value: (path: readonly PropertyKey[]) => unknown,
): Fault[] {
  const { path } = issue;
  const got = value(path);
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue, known(path));
  if (issue.code === 'invalid_type') {
    const missing = got === undefined;
    return [
      {
        path,
        message: missing ? 'is missing' : `must be ${kindOf(issue.expected)}, is ${shown(got)}`,
        fix: missing ? `add it: ${kindOf(issue.expected)}` : `write ${kindOf(issue.expected)}`,
      },
    ];
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const least = issue.code === 'too_small';
    const bound = String(least ? issue.minimum : issue.maximum);
    const length = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' items' : '';
    return [
      {
        path,
        message: `must be ${least ? 'at least' : 'at most'} ${bound}${length}, is ${shown(got)}`,
        fix: `choose ${bound}${length} or ${least ? 'more' : 'less'}`,
      },
    ];
  }
  if (issue.code === 'invalid_value') {
    const choices = issue.values.map((choice) => JSON.stringify(choice));
    const near = typeof got === 'string' ? nearest(got, issue.values.map(String)) : null;
    return [
      {
        path,
        message: `must be ${choices.length > 1 ? 'one of ' : ''}${choices.join(', ')}, is ${shown(got)}`,
        fix: near ? `write "${near}"` : `write ${choices.join(' or ')}`,
      },
    ];
  }
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined && 'options' in issue) {
    const choices = (issue.options ?? []).map((choice) => JSON.stringify(choice)).join(' or ');
    return [{ path, message: `must be ${choices}, is ${shown(got)}`, fix: `write ${choices}` }];
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const flat = issue.errors.flat();
    const first = flat[0];
    if (first) return faultsOf({ ...first, path: [...path, ...first.path] }, known, value);
  }
  if (issue.code === 'invalid_key') {
    const reason = issue.issues[0]?.message ?? 'is no name that can stand here';
    return [{ path, message: `this name ${reason}`, fix: 'rename it' }];
  }
  return [{ path, message: issue.message, fix: 'see docs/options.md for what may stand here' }];
}
