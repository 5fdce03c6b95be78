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
const NO_VISITOR: JsonVisitor = {};

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
  const scan = startScan(bytes, visitor, options);
  skipSpace(scan);
  scanValue(scan);
  endScan(scan);
}

/** The value of a whole text. Throws StrictJsonError. Objects have no prototype; a number beyond IEEE 754 is refused. */
export function parseStrictJson(bytes: Uint8Array, options: StrictJsonOptions = {}): JsonValue {
  const scan = startScan(bytes, NO_VISITOR, options);
  skipSpace(scan);
  const value = readValue(scan);
  endScan(scan);
  return value;
}

function startScan(bytes: Uint8Array, visitor: JsonVisitor, options: StrictJsonOptions): Scan {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw new StrictJsonError('bom', 0);
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new StrictJsonError('utf8', 0);
  }
  return {
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
}

function endScan(scan: Scan): void {
  skipSpace(scan);
  if (scan.at !== scan.bytes.length) fail(scan, 'syntax');
}

/** The tree's way through a value: the steps of `scanValue` without events, which cost more than the rest. */
function readValue(scan: Scan): JsonValue {
  const start = scan.at;
  switch (scan.bytes[start]) {
    case 0x7b:
      return readObject(scan);
    case 0x5b:
      return readArray(scan);
    case 0x22: {
      const escaped = skipString(scan);
      return stringAt(scan, start, scan.at, escaped);
    }
    case 0x74:
      skipLiteral(scan, 'true');
      return true;
    case 0x66:
      skipLiteral(scan, 'false');
      return false;
    case 0x6e:
      skipLiteral(scan, 'null');
      return null;
    default:
      return readNumber(scan, start);
  }
}

function readNumber(scan: Scan, start: number): number {
  const whole = readSmallWhole(scan, start);
  if (whole >= 0) return whole;
  skipNumber(scan);
  const value = Number(sliceText(scan, start, scan.at));
  if (!Number.isFinite(value)) throw new StrictJsonError('number', start);
  return value;
}

/** Digits alone, at most 15, without a leading zero: most numbers are so. Any other: -1, and nothing is read. */
function readSmallWhole(scan: Scan, start: number): number {
  const { bytes } = scan;
  let value = 0;
  let at = start;
  for (; at - start < 16; at++) {
    const c = bytes[at] as number;
    if (!(c >= 0x30 && c <= 0x39)) break;
    value = value * 10 + (c - 0x30);
  }
  const length = at - start;
  if (length === 0 || length > 15 || (bytes[start] === 0x30 && length > 1)) return -1;
  const next = bytes[at];
  // ".", "e", "E", "+", "-" would go on, rightly or not
  if (next === 0x2e || next === 0x65 || next === 0x45 || next === 0x2b || next === 0x2d) return -1;
  scan.at = at;
  return value;
}

function readArray(scan: Scan): JsonValue[] {
  if (++scan.depth > scan.maxDepth) fail(scan, 'depth');
  scan.at++;
  const items: JsonValue[] = [];
  skipSpace(scan);
  if (scan.bytes[scan.at] !== 0x5d) {
    for (;;) {
      skipSpace(scan);
      items.push(readValue(scan));
      skipSpace(scan);
      const c = scan.bytes[scan.at];
      if (c === 0x5d) break;
      if (c !== 0x2c) fail(scan, 'syntax');
      scan.at++;
    }
  }
  scan.at++;
  scan.depth--;
  return items;
}

function readObject(scan: Scan): { [k: string]: JsonValue } {
  if (++scan.depth > scan.maxDepth) fail(scan, 'depth');
  scan.at++;
  const members = Object.create(null) as { [k: string]: JsonValue };
  let count = 0;
  skipSpace(scan);
  if (scan.bytes[scan.at] !== 0x7d) {
    for (;;) {
      skipSpace(scan);
      const start = scan.at;
      const name = readName(scan, ++count);
      // without a prototype, what is in the object has been put there
      if (name in members) throw new StrictJsonError('duplicate', start);
      skipSpace(scan);
      if (scan.bytes[scan.at] !== 0x3a) fail(scan, 'syntax');
      scan.at++;
      skipSpace(scan);
      members[name] = readValue(scan);
      skipSpace(scan);
      const c = scan.bytes[scan.at];
      if (c === 0x7d) break;
      if (c !== 0x2c) fail(scan, 'syntax');
      scan.at++;
    }
  }
  scan.at++;
  scan.depth--;
  return members;
}

/** The `count`th name of an object, its quotes passed: what every object's names are held to. */
function readName(scan: Scan, count: number): string {
  const start = scan.at;
  if (scan.bytes[start] !== 0x22) fail(scan, 'syntax');
  if (count > scan.maxMembers) fail(scan, 'members');
  const escaped = skipString(scan);
  const name = stringAt(scan, start, scan.at, escaped);
  if (!scan.allowForbidden && FORBIDDEN.has(name)) throw new StrictJsonError('forbidden_name', start);
  return name;
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
    const c = bytes[scan.at] as number;
    // most often there is none
    if (c > 0x20) return;
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
  skipLiteral(scan, word);
  tell(scan, word, start, false);
}

function skipLiteral(scan: Scan, word: 'true' | 'false' | 'null'): void {
  const expected = LITERALS[word];
  for (let i = 0; i < expected.length; i++) {
    if (scan.bytes[scan.at + i] !== expected[i]) fail(scan, 'syntax');
  }
  scan.at += expected.length;
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
  for (let at = scan.at + 1; ; at++) {
    const c = bytes[at];
    if (c === 0x22) {
      scan.at = at + 1;
      return escaped;
    }
    if (c === undefined || c < 0x20) {
      scan.at = at;
      fail(scan, 'syntax');
    }
    if (c === 0x5c) {
      escaped = true;
      scan.at = at;
      skipEscape(scan);
      at = scan.at;
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
  const name = readName(scan, count);
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
