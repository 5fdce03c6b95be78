/**
 * Finds a secret in bytes that arrive in any chunking, as itself and in the encodings it is likely to be echoed in:
 * base64 and base64url at each alignment, hex, and each of these percent-encoded or JSON-escaped, mixed as they come.
 * Not a defence against an upstream that hides the key on purpose: it has the key already.
 */
import { encodeBase64Url, encodeUtf8, type Secret } from 'relayapi-token';

/** A search over one stream of bytes. */
export interface KeySearch {
  /**
   * Takes the next bytes. Returns those that can be let go now (possibly earlier ones, in order), or null when the secret
   * was found; nothing of it has been let go then, and the search must not be used any more.
   */
  push(chunk: Uint8Array): readonly Uint8Array[] | null;
  /** The bytes still held back, once no more will come. */
  flush(): readonly Uint8Array[];
}

/** Secrets shorter than this are not searched for: as parts of ordinary text they would break honest answers. */
export const SHORTEST_SEARCHED = 8;

/** Encoded bytes per character beyond which a partial match is given up: bounds what is held back. */
const LONGEST_SPELLING = 12;

/** One pattern: at each place either of two bytes may stand (`+` and `-` in base64, upper and lower case in hex). */
interface Pattern {
  readonly first: Uint8Array;
  readonly second: Uint8Array;
  readonly longest: number;
}

/** Where a partial match stands inside one character's spelling. */
const PLAIN = 0; // nothing of the character read
const HIGH = 1; // after `%`, `\u00` or `\x`: the high hex digit comes
const LOW = 2; // the low hex digit comes
const BACKSLASH = 3;
const UNICODE = 4; // after `\u`
const UNICODE_ZERO = 5; // after `\u0`
const PERCENT_TWO = 6; // after `%2`, which may be the start of a nested `%25`
const STEPS = 8;

const PERCENT = 0x25;
const ESCAPE = 0x5c;
const ESCAPABLE = new Set(Array.from('"/\\', (character) => character.charCodeAt(0)));

/** Looks for a call's secrets; what that takes is made when the first text is long enough to hold one. */
export interface KeyFinder {
  /** False when no secret is long enough to be searched for. */
  readonly searchable: boolean;
  /** True when `text` (a header value) holds a secret. */
  inText(text: string): boolean;
  /** True when the whole of `bytes` holds a secret. */
  inBytes(bytes: Uint8Array): boolean;
  /** Starts a search over a stream. */
  search(): KeySearch;
}

/** Makes the finder of one call. */
export function createKeyFinder(secrets: readonly Secret[]): KeyFinder {
  const searched = secrets.filter((secret) => secret.length >= SHORTEST_SEARCHED);
  const shortest = Math.min(...searched.map((secret) => secret.length));
  let prepared: Prepared | null = null;
  const search = () => {
    prepared ??= prepare(searched);
    return createKeySearch(prepared);
  };
  // no spelling is shorter than the secret itself
  const inBytes = (bytes: Uint8Array) => bytes.length >= shortest && search().push(bytes) === null;
  return {
    searchable: searched.length > 0,
    inText: (text) => text.length >= shortest && inBytes(encodeUtf8(text)),
    inBytes,
    search,
  };
}

interface Prepared {
  readonly patterns: readonly Pattern[];
  /** By byte: 1 where it can begin a pattern in whatever spelling. */
  readonly starters: Uint8Array;
  /** Codes per pattern. */
  readonly width: number;
}

function prepare(secrets: readonly Secret[]): Prepared {
  const patterns = secrets.flatMap(patternsOf);
  const starters = new Uint8Array(256);
  if (patterns.length > 0) starters[PERCENT] = starters[ESCAPE] = 1;
  for (const { first, second } of patterns) {
    starters[first[0] as number] = 1;
    starters[second[0] as number] = 1;
  }
  return { patterns, starters, width: Math.max(1, ...patterns.map(({ first }) => first.length)) * STEPS };
}

function createKeySearch({ patterns, starters, width }: Prepared): KeySearch {
  // partial matches, oldest first: what is matched so far, and where in the stream it began
  let codes: number[] = [];
  let starts: number[] = [];
  let offset = 0;
  let held: Uint8Array[] = [];
  let heldFrom = 0;

  /** Reads one byte. True when a secret is complete. */
  function read(byte: number): boolean {
    const nextCodes: number[] = [];
    const nextStarts: number[] = [];
    const seen = new Set<number>();
    const keep = (code: number, start: number) => {
      if (seen.has(code)) return;
      seen.add(code);
      nextCodes.push(code);
      nextStarts.push(start);
    };

    const step = (index: number, place: number, state: number, start: number): boolean => {
      const pattern = patterns[index] as Pattern;
      const first = pattern.first[place] as number;
      const second = pattern.second[place] as number;
      if (offset - start > pattern.longest) return false;
      const stay = (next: number) => keep(index * width + place * STEPS + next, start);
      const advance = () => {
        if (place + 1 === pattern.first.length) return true;
        keep(index * width + (place + 1) * STEPS + PLAIN, start);
        return false;
      };
      const digit = hexValue(byte);
      switch (state) {
        case PLAIN:
          if (byte === PERCENT) stay(HIGH);
          if (byte === ESCAPE) stay(BACKSLASH);
          return (byte === first || byte === second) && advance();
        case HIGH:
          if (byte === 0x32) stay(PERCENT_TWO);
          else if (digit === first >> 4 || digit === second >> 4) stay(LOW);
          return false;
        case PERCENT_TWO:
          if (byte === 0x35) stay(HIGH);
          return isLow(digit, first, 2) || isLow(digit, second, 2) ? advance() : false;
        case LOW:
          return (digit === (first & 15) || digit === (second & 15)) && advance();
        case BACKSLASH:
          if (byte === 0x75) stay(UNICODE);
          if (byte === 0x78) stay(HIGH);
          // a doubled backslash: the text was escaped more than once
          if (byte === ESCAPE && place > 0) stay(BACKSLASH);
          return ESCAPABLE.has(byte) && (byte === first || byte === second) && advance();
        case UNICODE:
          if (byte === 0x30) stay(UNICODE_ZERO);
          return false;
        default: // UNICODE_ZERO
          if (byte === 0x30) stay(HIGH);
          return false;
      }
    };

    let found = false;
    for (let i = 0; i < codes.length && !found; i++) {
      const code = codes[i] as number;
      const rest = code % width;
      found = step((code / width) | 0, (rest / STEPS) | 0, rest % STEPS, starts[i] as number);
    }
    for (let index = 0; starters[byte] === 1 && index < patterns.length; index++) {
      found ||= step(index, 0, PLAIN, offset);
    }
    codes = nextCodes;
    starts = nextStarts;
    return found;
  }

  return {
    push(chunk) {
      for (let i = 0; i < chunk.length; i++, offset++) {
        const byte = chunk[i] as number;
        if (codes.length === 0 && starters[byte] === 0) continue;
        if (read(byte)) {
          held = [];
          return null;
        }
      }
      held.push(chunk);
      const released = release(held, (starts.length > 0 ? Math.min(...starts) : offset) - heldFrom);
      held = released.rest;
      heldFrom += released.count;
      return released.ready;
    },
    flush: () => held,
  };
}

/** Splits off the first `count` bytes of a list of chunks. */
function release(
  chunks: readonly Uint8Array[],
  count: number,
): { ready: Uint8Array[]; rest: Uint8Array[]; count: number } {
  const ready: Uint8Array[] = [];
  const rest: Uint8Array[] = [];
  let left = count;
  for (const chunk of chunks) {
    if (left > 0) ready.push(left >= chunk.length ? chunk : chunk.subarray(0, left));
    if (left < chunk.length) rest.push(left > 0 ? chunk.subarray(left) : chunk);
    left = Math.max(0, left - chunk.length);
  }
  return { ready, rest, count };
}

function patternsOf(secret: Secret): Pattern[] {
  const bytes = encodeUtf8(secret.reveal());
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const texts = [
    [bytes, bytes],
    [encodeUtf8(hex), encodeUtf8(hex.toUpperCase())],
    ...[0, 1, 2].map((before) => base64Middle(bytes, before)),
  ] as const;
  return texts.map(([first, second]) => ({
    first: first as Uint8Array,
    second: second as Uint8Array,
    longest: (first as Uint8Array).length * LONGEST_SPELLING,
  }));
}

/** The characters of the base64 of any text that holds `bytes` after `before` (mod 3) others: those that depend on `bytes` alone. */
function base64Middle(bytes: Uint8Array, before: number): readonly [Uint8Array, Uint8Array] {
  const padded = new Uint8Array(before + bytes.length);
  padded.set(bytes, before);
  const from = Math.ceil((before * 8) / 6);
  const to = Math.floor((padded.length * 8) / 6);
  const url = encodeBase64Url(padded).slice(from, to);
  return [encodeUtf8(url), encodeUtf8(url.replaceAll('-', '+').replaceAll('_', '/'))];
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function isLow(digit: number, wanted: number, high: number): boolean {
  return wanted >> 4 === high && digit === (wanted & 15);
}
