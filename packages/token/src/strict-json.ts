/**
 * Strict JSON (RFC 8259 grammar, nothing looser) on bytes: fatal UTF-8, no BOM, no duplicate members, bounded depth.
 * Two forms, a tree for small texts (headers, claims, files) and events with byte offsets for request bodies.
 */

/** Anything JSON can say. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [k: string]: JsonValue };

/** Why a text was refused. */
export type StrictJsonReason =
  | 'utf8'
  | 'bom'
  | 'syntax'
  | 'duplicate'
  | 'depth'
  | 'forbidden_name'
  | 'members'
  | 'number';

/** A text that is not strict JSON. The message holds no content, only reason and offset. */
export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError';
  /** Byte offset of the fault. */
  readonly offset: number;
  readonly reason: StrictJsonReason;

  constructor(reason: StrictJsonReason, offset: number) {
    super(`not strict JSON (${reason}) at byte ${offset}`);
    this.reason = reason;
    this.offset = offset;
  }
}

/** Bounds of both forms. */
export interface StrictJsonOptions {
  /** Deepest nesting of objects and arrays; default 16. */
  maxDepth?: number;
  /** Most members in one object; default 65,536. */
  maxMembers?: number;
  /** Lets `__proto__`, `constructor`, `prototype` stand as member names; default false. */
  allowForbiddenNames?: boolean;
}

/** Receives a JSON text as events, in order. `path` is one reused array: copy it if kept. Offsets are bytes. */
export interface JsonVisitor {
  /** A member name; `start`..`end` includes the quotes. `path` already ends with it. */
  name?(path: readonly (string | number)[], decodedName: string, start: number, end: number): void;
  /** A scalar; `text()` decodes lazily (a string's content, else the literal). */
  value?(
    path: readonly (string | number)[],
    kind: 'string' | 'number' | 'true' | 'false' | 'null',
    start: number,
    end: number,
    text: () => string,
  ): void;
  /** An opening bracket at `start`. */
  enter?(path: readonly (string | number)[], kind: 'object' | 'array', start: number): void;
  /** The offset after the closing bracket, and how many members or items it held. */
  leave?(path: readonly (string | number)[], kind: 'object' | 'array', end: number, members: number): void;
}

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERALS = { true: bytesOf('true'), false: bytesOf('false'), null: bytesOf('null') } as const;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Up to this many names are compared one by one; beyond, a Set is built. */
const FEW_NAMES = 8;

interface Scan {
  readonly bytes: Uint8Array;
  /** The whole text when it is ASCII, so that offsets of bytes and characters agree; else null. */
  readonly ascii: string | null;
  readonly visitor: JsonVisitor;
  readonly maxDepth: number;
  readonly maxMembers: number;
  readonly allowForbidden: boolean;
  readonly path: (string | number)[];
  at: number;
  depth: number;
}

/** Walks a whole text and tells `visitor`; builds no tree. Throws StrictJsonError, possibly after some events. */
export function scanStrictJson(
  bytes: Uint8Array,
  visitor: JsonVisitor,
  options: StrictJsonOptions = {},
): void {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw new StrictJsonError('bom', 0);
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new StrictJsonError('utf8', 0);
  }
  const scan: Scan = {
    bytes,
    ascii: text.length === bytes.length ? text : null,
    visitor,
    maxDepth: options.maxDepth ?? 16,
    maxMembers: options.maxMembers ?? 65_536,
    allowForbidden: options.allowForbiddenNames ?? false,
    path: [],
    at: 0,
    depth: 0,
  };
  skipSpace(scan);
  scanValue(scan);
  skipSpace(scan);
  if (scan.at !== bytes.length) fail(scan, 'syntax');
}

/** The value of a whole text. Throws StrictJsonError. Objects have no prototype; a number beyond IEEE 754 is refused. */
export function parseStrictJson(bytes: Uint8Array, options: StrictJsonOptions = {}): JsonValue {
  const stack: (JsonValue[] | { [k: string]: JsonValue })[] = [];
  let root: JsonValue = null;
  const put = (path: readonly (string | number)[], value: JsonValue): void => {
    const parent = stack[stack.length - 1];
    if (parent === undefined) root = value;
    else if (Array.isArray(parent)) parent.push(value);
    else parent[path[path.length - 1] as string] = value;
  };
  const visitor: JsonVisitor = {
    enter(path, kind) {
      const value = kind === 'array' ? [] : (Object.create(null) as { [k: string]: JsonValue });
      put(path, value);
      stack.push(value);
    },
    leave() {
      stack.pop();
    },
    value(path, kind, start, _end, text) {
      put(path, scalarOf(kind, start, text));
    },
  };
  scanStrictJson(bytes, visitor, options);
  return root;
}

function scalarOf(
  kind: 'string' | 'number' | 'true' | 'false' | 'null',
  start: number,
  text: () => string,
): JsonValue {
  if (kind === 'string') return text();
  if (kind === 'null') return null;
  if (kind !== 'number') return kind === 'true';
  const value = Number(text());
  if (!Number.isFinite(value)) throw new StrictJsonError('number', start);
  return value;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function fail(scan: Scan, reason: StrictJsonReason): never {
  throw new StrictJsonError(reason, scan.at);
}

function skipSpace(scan: Scan): void {
  const { bytes } = scan;
  for (;;) {
    const c = bytes[scan.at];
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
    scan.at++;
  }
}

function scanValue(scan: Scan): void {
  const start = scan.at;
  switch (scan.bytes[start]) {
    case 0x7b:
      return scanObject(scan);
    case 0x5b:
      return scanArray(scan);
    case 0x22: {
      const escaped = skipString(scan);
      return tell(scan, 'string', start, escaped);
    }
    case 0x74:
      return scanLiteral(scan, 'true');
    case 0x66:
      return scanLiteral(scan, 'false');
    case 0x6e:
      return scanLiteral(scan, 'null');
    default:
      skipNumber(scan);
      return tell(scan, 'number', start, false);
  }
}

function tell(
  scan: Scan,
  kind: 'string' | 'number' | 'true' | 'false' | 'null',
  start: number,
  escaped: boolean,
): void {
  const end = scan.at;
  if (scan.visitor.value === undefined) return;
  const text =
    kind === 'string'
      ? (): string => stringAt(scan, start, end, escaped)
      : (): string => sliceText(scan, start, end);
  scan.visitor.value(scan.path, kind, start, end, text);
}

function scanLiteral(scan: Scan, word: 'true' | 'false' | 'null'): void {
  const start = scan.at;
  const expected = LITERALS[word];
  for (let i = 0; i < expected.length; i++) {
    if (scan.bytes[start + i] !== expected[i]) fail(scan, 'syntax');
  }
  scan.at += expected.length;
  tell(scan, word, start, false);
}

function skipNumber(scan: Scan): void {
  const { bytes } = scan;
  const start = scan.at;
  let end = start;
  for (; end < bytes.length; end++) {
    const c = bytes[end] as number;
    // digits, "+", "-", ".", "e", "E"
    if (!((c >= 0x30 && c <= 0x39) || c === 0x2b || c === 0x2d || c === 0x2e || c === 0x65 || c === 0x45))
      break;
  }
  NUMBER.lastIndex = 0;
  const text = sliceText(scan, start, end);
  if (end === start || NUMBER.exec(text)?.[0].length !== end - start) fail(scan, 'syntax');
  scan.at = end;
}

/** Moves behind the closing quote; whether the string holds an escape. */
function skipString(scan: Scan): boolean {
  const { bytes } = scan;
  let escaped = false;
  for (scan.at++; ; scan.at++) {
    const c = bytes[scan.at];
    if (c === undefined || c < 0x20) fail(scan, 'syntax');
    if (c === 0x22) {
      scan.at++;
      return escaped;
    }
    if (c === 0x5c) {
      escaped = true;
      skipEscape(scan);
    }
  }
}

/** From the backslash to the escape's last byte. */
function skipEscape(scan: Scan): void {
  const { bytes } = scan;
  scan.at++;
  switch (bytes[scan.at]) {
    case 0x22: // quote
    case 0x5c: // backslash
    case 0x2f: // slash
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return;
    case 0x75: // u
      for (let i = 0; i < 4; i++) {
        scan.at++;
        if (!isHex(bytes[scan.at])) fail(scan, 'syntax');
      }
      return;
    default:
      fail(scan, 'syntax');
  }
}

function isHex(c: number | undefined): boolean {
  return (
    c !== undefined && ((c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66))
  );
}

function sliceText(scan: Scan, start: number, end: number): string {
  return scan.ascii === null ? decoder.decode(scan.bytes.subarray(start, end)) : scan.ascii.slice(start, end);
}

/** The content of a string whose quotes stand at `start` and `end - 1`. */
function stringAt(scan: Scan, start: number, end: number, escaped: boolean): string {
  if (!escaped) return sliceText(scan, start + 1, end - 1);
  // the grammar has been checked: the platform's parser may decode the escapes
  return JSON.parse(sliceText(scan, start, end)) as string;
}

function scanArray(scan: Scan): void {
  open(scan, 'array');
  let count = 0;
  skipSpace(scan);
  if (scan.bytes[scan.at] !== 0x5d) {
    const level = scan.path.push(0) - 1;
    for (;;) {
      scan.path[level] = count++;
      skipSpace(scan);
      scanValue(scan);
      skipSpace(scan);
      const c = scan.bytes[scan.at];
      if (c === 0x5d) break;
      if (c !== 0x2c) fail(scan, 'syntax');
      scan.at++;
    }
    scan.path.pop();
  }
  close(scan, 'array', count);
}

function scanObject(scan: Scan): void {
  open(scan, 'object');
  const seen = createNames();
  let count = 0;
  skipSpace(scan);
  if (scan.bytes[scan.at] !== 0x7d) {
    const level = scan.path.push('') - 1;
    for (;;) {
      skipSpace(scan);
      scan.path[level] = scanName(scan, level, seen, ++count);
      skipSpace(scan);
      if (scan.bytes[scan.at] !== 0x3a) fail(scan, 'syntax');
      scan.at++;
      skipSpace(scan);
      scanValue(scan);
      skipSpace(scan);
      const c = scan.bytes[scan.at];
      if (c === 0x7d) break;
      if (c !== 0x2c) fail(scan, 'syntax');
      scan.at++;
    }
    scan.path.pop();
  }
  close(scan, 'object', count);
}

function scanName(scan: Scan, level: number, seen: Names, count: number): string {
  const start = scan.at;
  if (scan.bytes[start] !== 0x22) fail(scan, 'syntax');
  if (count > scan.maxMembers) fail(scan, 'members');
  const escaped = skipString(scan);
  const name = stringAt(scan, start, scan.at, escaped);
  if (!scan.allowForbidden && FORBIDDEN.has(name)) throw new StrictJsonError('forbidden_name', start);
  if (!addName(seen, name)) throw new StrictJsonError('duplicate', start);
  scan.path[level] = name;
  scan.visitor.name?.(scan.path, name, start, scan.at);
  return name;
}

function open(scan: Scan, kind: 'object' | 'array'): void {
  if (++scan.depth > scan.maxDepth) fail(scan, 'depth');
  scan.visitor.enter?.(scan.path, kind, scan.at);
  scan.at++;
}

function close(scan: Scan, kind: 'object' | 'array', members: number): void {
  scan.at++;
  scan.depth--;
  scan.visitor.leave?.(scan.path, kind, scan.at, members);
}

interface Names {
  few: string[];
  many: Set<string> | null;
}

function createNames(): Names {
  return { few: [], many: null };
}

/** Whether the name is new. */
function addName(names: Names, name: string): boolean {
  if (names.many !== null) {
    if (names.many.has(name)) return false;
    names.many.add(name);
    return true;
  }
  if (names.few.includes(name)) return false;
  names.few.push(name);
  if (names.few.length > FEW_NAMES) names.many = new Set(names.few);
  return true;
}
