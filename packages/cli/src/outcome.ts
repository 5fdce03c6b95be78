/**
 * What a command ends in: done, refused or misused, as values; and how each is shown. The exit codes stand here alone.
 */
import { type Problem, RaiError } from 'relayapi-token';
import type { Terminal } from './terminal.ts';

/** A problem and the file it stands in. */
export interface FileProblem extends Problem {
  readonly source: string;
}

/** The command did what was asked: exit 0. */
export interface Done {
  readonly kind: 'done';
  /** For `--json`. */
  readonly data: object;
  /** The result for standard output; ends in a line break, or is empty. */
  readonly text: string;
  /** Sentences for standard error. */
  readonly notes: readonly string[];
}

/** The command was understood and refused: exit 1. */
export interface Refused {
  readonly kind: 'refused';
  readonly problems: readonly FileProblem[];
  /** What can be said all the same. */
  readonly data?: object;
  readonly text?: string;
}

/** The command line was not understood: exit 2. */
export interface Misused {
  readonly kind: 'misused';
  readonly message: string;
}

/** How a command ends. */
export type Outcome = Done | Refused | Misused;

/** Exit codes by outcome. */
export const EXIT_CODES = { done: 0, refused: 1, misused: 2 } as const;

/** The command did what was asked. */
export function done(data: object, text: string, notes: readonly string[] = []): Done {
  return { kind: 'done', data, text, notes };
}

/** One reason to refuse. */
export function refuse(source: string, message: string, fix: string, path = '$'): Refused {
  return { kind: 'refused', problems: [{ source, path, message, fix }] };
}

/** The command line was not understood; `message` says why and how to write it. Holds no value of an argument. */
export function misuse(message: string): Misused {
  const made: Misused = { kind: 'misused', message };
  misuses.add(made);
  return made;
}

/** Known by identity: a user's own JSON may look like one. */
const misuses = new WeakSet<object>();

/** Whether a value is a misuse instead of what was asked for. */
export function isMisused(value: unknown): value is Misused {
  return typeof value === 'object' && value !== null && misuses.has(value);
}

/** Problems of a key file as a refusal; anything but a RaiError is a bug and thrown on. */
export function refuseRai(source: string, error: unknown): Refused {
  if (!(error instanceof RaiError)) throw error;
  return { kind: 'refused', problems: error.problems.map((problem) => ({ ...problem, source })) };
}

/** One line: file, JSON path where it is not the whole file, what is wrong, what to do. */
export function problemLine({ source, path, message, fix }: FileProblem): string {
  const place = path === '$' ? source : `${source} ${path}`;
  const told = message.startsWith(`${source} `) ? message.slice(source.length + 1) : message;
  return `${place}: ${told}; ${fix}`;
}

/** Shows an outcome; returns the exit code. With `json`, standard output holds one JSON object and nothing else. */
export function report(outcome: Outcome, terminal: Terminal, json: boolean): number {
  if (json) terminal.stdout(`${JSON.stringify(asData(outcome))}\n`);
  else if (outcome.kind !== 'misused' && outcome.text) terminal.stdout(outcome.text);
  if (outcome.kind === 'done' && !json) for (const note of outcome.notes) terminal.stderr(`${note}\n`);
  if (outcome.kind === 'refused') terminal.stderr(refusalText(outcome.problems));
  if (outcome.kind === 'misused') terminal.stderr(`relayapi: ${outcome.message}\n`);
  return EXIT_CODES[outcome.kind];
}

function refusalText(problems: readonly FileProblem[]): string {
  const [first] = problems;
  if (problems.length === 1 && first) return `relayapi: ${problemLine(first)}\n`;
  return `relayapi: ${problems.length} problems\n${problems.map((each) => `  ${problemLine(each)}\n`).join('')}`;
}

function asData(outcome: Outcome): object {
  if (outcome.kind === 'done') {
    return { ok: true, ...outcome.data, ...(outcome.notes.length > 0 && { notes: outcome.notes }) };
  }
  if (outcome.kind === 'refused') return { ok: false, ...outcome.data, problems: outcome.problems };
  return { ok: false, usage: outcome.message };
}
