/**
 * The second wall around secrets (behaviour spec §9): masks what looks like a token or a key in texts that go to a log.
 * The first wall is the `Secret` type; this one catches what came in by another way, such as a library's error text.
 */

import { SECRET_FORMATS, traitsOf } from './secret-formats.ts';

const MASK = '[redacted]';
const TOKEN_MASK = '[token]';

/** A text with everything that looks like a token or a key masked. Idempotent. */
export function redact(text: string): string {
  const traits = traitsOf(text);
  let masked = text;
  for (const { kind, pattern, trait } of SECRET_FORMATS) {
    if (!traits[trait]) continue;
    const mask = kind.startsWith('token') ? TOKEN_MASK : MASK;
    masked = masked.replace(pattern, (_whole, ...groups) => around(mask, groups));
  }
  return masked;
}

/** A mask between the groups before and behind it; what follows the groups in `replace`'s arguments is no text or the whole text. */
function around(mask: string, groups: readonly unknown[]): string {
  // the last two arguments are the place and the whole text
  const [before = '', behind = ''] = groups.slice(0, -2) as (string | undefined)[];
  return `${before}${mask}${behind}`;
}

/** Longest path segment that is logged as it is; longer ones may be tokens, whole or cut. */
const MAX_SEGMENT = 64;

/** A raw request target for the log: the path with its token masked, no query, at most 256 characters. */
export function maskTarget(rawTarget: string): string {
  const end = rawTarget.search(/[?#]/);
  const path = end === -1 ? rawTarget : rawTarget.slice(0, end);
  let masked = '';
  let from = 0;
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', from)) {
    masked += `${maskLong(path, from, slash)}/`;
    from = slash + 1;
  }
  // without its token a path is one of few
  return maskShortPath(masked + maskLong(path, from, path.length));
}

function maskLong(path: string, from: number, to: number): string {
  return to - from > MAX_SEGMENT ? TOKEN_MASK : path.slice(from, to);
}

const maskShortPath = remember((path) =>
  printable(
    path
      .split('/')
      .map((segment) => (segment === TOKEN_MASK ? segment : redact(segment)))
      .join('/'),
  ).slice(0, 256),
);

/** Texts remembered, and the longest of them: lines of one relay hold the same few texts again and again. */
const MAX_REMEMBERED = 1024;
const MAX_REMEMBERED_LENGTH = 256;

/** `make` with a memory, in which nothing is kept that had to be masked. It is emptied whenever it is full: callers choose what comes. */
export function remember(make: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    if (text.length > MAX_REMEMBERED_LENGTH) return make(text);
    const before = known.get(text);
    if (before !== undefined) return before;
    const made = make(text);
    if (made.includes(MASK) || made.includes(TOKEN_MASK) !== text.includes(TOKEN_MASK)) return made;
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(text, made);
    return made;
  };
}

/** A text of the caller's made safe for one log line: control characters and the like become `?`. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '?');
}
