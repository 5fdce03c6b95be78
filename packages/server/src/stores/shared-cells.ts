/**
 * Cells of the shared table: taken and given back one by one, and promised to entries ahead of their use, so that an entry that was
 * charged for something finds room for it. Every cell starts with its generation, which tells a cell from the one that was there before.
 */
import { CELL_BYTES, CELL_WORDS, DOUBLE, type SharedTable, WORD } from './shared-table.ts';

/** First word of every cell: counts how often it was given back. */
export const GENERATION = 0;
/** Second word of every cell: the next one of its list or chain, 0: none. */
export const NEXT = 1;
/** Bytes behind those two. */
const TEXT_BYTES = CELL_BYTES - 8;

/** Words of the cell that keeps an entry's account. */
export const ACCOUNT = { promised: 10, used: 11 } as const;

/** Takes a cell. There is always one: nobody takes what was not promised to him. */
export function takeCell(table: SharedTable): number {
  const { words, doubles } = table;
  (doubles[DOUBLE.used] as number) += 1;
  const cell = words[WORD.free] as number;
  if (cell !== 0) {
    words[WORD.free] = words[cell * CELL_WORDS + NEXT] as number;
    return cell;
  }
  const fresh = words[WORD.fresh] as number;
  words[WORD.fresh] = fresh + 1;
  return fresh;
}

/** Gives a cell back; whoever still points at it sees another generation. */
export function giveCell(table: SharedTable, cell: number): void {
  const { words, doubles } = table;
  const at = cell * CELL_WORDS;
  (doubles[DOUBLE.used] as number) -= 1;
  words[at + GENERATION] = ((words[at + GENERATION] as number) + 1) | 0;
  words[at + NEXT] = words[WORD.free] as number;
  words[WORD.free] = cell;
}

/** Whether this many more cells can be promised. */
export function canPromise(table: SharedTable, cells: number): boolean {
  return (table.doubles[DOUBLE.promised] as number) + cells <= table.cells;
}

/**
 * Whether this many cells may be taken beyond all promises (what memory-state.ts does not charge: leases past the 64th, a rule
 * that was changed). Never what newcomers may still be charged, nor what their names may need.
 */
export function canGrow(table: SharedTable, cells: number): boolean {
  const capacityBytes = table.doubles[DOUBLE.capacityBytes] as number;
  const unchargedBytes = capacityBytes - (table.doubles[DOUBLE.bytes] as number);
  return canPromise(table, cells + Math.ceil((unchargedBytes + capacityBytes / 8) / CELL_BYTES));
}

/** Promises cells, or takes a promise back (below 0). */
export function promiseCells(table: SharedTable, cells: number): void {
  (table.doubles[DOUBLE.promised] as number) += cells;
}

/** How many of `cells` more for this account are beyond its promise. */
export function beyondPromise(table: SharedTable, account: number, cells: number): number {
  const { words } = table;
  const at = account * CELL_WORDS;
  const [promised, used] = [words[at + ACCOUNT.promised] as number, words[at + ACCOUNT.used] as number];
  return Math.max(0, used + cells - Math.max(promised, used));
}

/** Takes a cell on an entry's account. Beyond its promise only after `canGrow`. */
export function takeFor(table: SharedTable, account: number): number {
  const { words } = table;
  const at = account * CELL_WORDS;
  const used = words[at + ACCOUNT.used] as number;
  words[at + ACCOUNT.used] = used + 1;
  if (used >= (words[at + ACCOUNT.promised] as number)) promiseCells(table, 1);
  return takeCell(table);
}

/** Gives a cell of an entry's account back. */
export function giveFor(table: SharedTable, account: number, cell: number): void {
  const { words } = table;
  const at = account * CELL_WORDS;
  const used = (words[at + ACCOUNT.used] as number) - 1;
  words[at + ACCOUNT.used] = used;
  if (used >= (words[at + ACCOUNT.promised] as number)) promiseCells(table, -1);
  giveCell(table, cell);
}

/** A text as bytes: each UTF-16 unit by itself in one to three of them, so that no two texts are alike, broken ones included. */
export interface Encoded {
  bytes: Uint8Array;
  length: number;
}

/** Room to encode into. */
export function createEncoded(): Encoded {
  return { bytes: new Uint8Array(512), length: 0 };
}

/** Encodes a text into `to`. */
export function encodeText(to: Encoded, text: string): void {
  if (to.bytes.length < text.length * 3) to.bytes = new Uint8Array(text.length * 3);
  const { bytes } = to;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes[length++] = unit;
    else if (unit < 0x800) {
      bytes[length++] = 0xc0 | (unit >> 6);
      bytes[length++] = 0x80 | (unit & 0x3f);
    } else {
      bytes[length++] = 0xe0 | (unit >> 12);
      bytes[length++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[length++] = 0x80 | (unit & 0x3f);
    }
  }
  to.length = length;
}

/** A hash for finding a chain, never for telling keys apart (FNV-1a, mixed at the end). */
export function hashBytes({ bytes, length }: Encoded, seed: number): number {
  let hash = seed;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Cells that a text of so many bytes takes. */
export function textCells(length: number): number {
  return Math.ceil(length / TEXT_BYTES);
}

/** Writes a text into cells that `take` brings; returns the first, 0 for an empty text. */
export function writeText(table: SharedTable, text: Encoded, take: () => number): number {
  let first = 0;
  let last = 0;
  for (let from = 0; from < text.length; from += TEXT_BYTES) {
    const cell = take();
    table.words[cell * CELL_WORDS + NEXT] = 0;
    table.bytes.set(
      text.bytes.subarray(from, Math.min(text.length, from + TEXT_BYTES)),
      cell * CELL_BYTES + 8,
    );
    if (first === 0) first = cell;
    else table.words[last * CELL_WORDS + NEXT] = cell;
    last = cell;
  }
  return first;
}

/** Whether the text that starts at `cell`, `length` bytes long, is this one. */
export function isText(table: SharedTable, cell: number, length: number, text: Encoded): boolean {
  if (length !== text.length) return false;
  let at = cell;
  for (let from = 0; from < length; from += TEXT_BYTES) {
    const start = at * CELL_BYTES + 8 - from;
    const end = Math.min(length, from + TEXT_BYTES);
    for (let i = from; i < end; i++) if (table.bytes[start + i] !== text.bytes[i]) return false;
    at = table.words[at * CELL_WORDS + NEXT] as number;
  }
  return true;
}

/** The text that starts at `cell`, `length` bytes long. */
export function readText(table: SharedTable, cell: number, length: number): string {
  const bytes = new Uint8Array(length);
  let at = cell;
  for (let from = 0; from < length; from += TEXT_BYTES) {
    const start = at * CELL_BYTES + 8;
    bytes.set(table.bytes.subarray(start, start + Math.min(TEXT_BYTES, length - from)), from);
    at = table.words[at * CELL_WORDS + NEXT] as number;
  }
  const units: string[] = [];
  for (let i = 0; i < length; ) {
    const head = bytes[i++] as number;
    const tail = () => (bytes[i++] as number) & 0x3f;
    if (head < 0x80) units.push(String.fromCharCode(head));
    else if (head < 0xe0) units.push(String.fromCharCode(((head & 0x1f) << 6) | tail()));
    else units.push(String.fromCharCode(((head & 0x0f) << 12) | (tail() << 6) | tail()));
  }
  return units.join('');
}
