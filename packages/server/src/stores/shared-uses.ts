/**
 * What requests leave on an entry of the shared table: leases of those that run, nonces of those that came. Each is a cell on the
 * entry's account; nonces stand in the table's hash chains besides, by their entry and their text.
 */
import { giveFor, NEXT, takeFor } from './shared-cells.ts';
import { accountOf, ENTRY, firstInChain, KIND, linkCell, unlinkCell } from './shared-entries.ts';
import { CELL_DOUBLES, CELL_WORDS, type SharedTable, WORD } from './shared-table.ts';

/** Words of a lease, behind its generation and the next one. */
const EARLIER = 2;
const OWNER = 3;
const EXPIRES = 2;

/** Words of a nonce: `ENTRY.hash` and `ENTRY.kind` stand before these, its text behind them. */
const ONCE_OWNER = 4;
const ONCE_NEXT = 5;
const ONCE_EARLIER = 6;
const ONCE_LENGTH = 7;
const ONCE_TEXT = 8;
const ONCE_WORDS = 8;

/** Adds a lease until `expiresMs` to an entry; takes one cell. */
export function addLease(table: SharedTable, entry: number, expiresMs: number): number {
  const { words } = table;
  const at = entry * CELL_WORDS;
  const cell = takeFor(table, words[at + ENTRY.account] as number);
  const own = cell * CELL_WORDS;
  const first = words[at + ENTRY.leases] as number;
  words[own + NEXT] = first;
  words[own + EARLIER] = 0;
  words[own + OWNER] = entry;
  table.doubles[cell * CELL_DOUBLES + EXPIRES] = expiresMs;
  if (first !== 0) words[first * CELL_WORDS + EARLIER] = cell;
  words[at + ENTRY.leases] = cell;
  words[at + ENTRY.leaseCount] = (words[at + ENTRY.leaseCount] as number) + 1;
  return cell;
}

/** Lets a lease go. */
export function giveLease(table: SharedTable, cell: number): void {
  const { words } = table;
  const own = cell * CELL_WORDS;
  const at = (words[own + OWNER] as number) * CELL_WORDS;
  const [next, earlier] = [words[own + NEXT] as number, words[own + EARLIER] as number];
  if (earlier === 0) words[at + ENTRY.leases] = next;
  else words[earlier * CELL_WORDS + NEXT] = next;
  if (next !== 0) words[next * CELL_WORDS + EARLIER] = earlier;
  words[at + ENTRY.leaseCount] = (words[at + ENTRY.leaseCount] as number) - 1;
  giveFor(table, words[at + ENTRY.account] as number, cell);
}

/** Prolongs a lease. */
export function moveLease(table: SharedTable, cell: number, expiresMs: number): void {
  table.doubles[cell * CELL_DOUBLES + EXPIRES] = expiresMs;
}

/** Whether all `most` leases of an entry are held at `nowMs`; lapsed ones are let go. `entry` 0 holds none. */
export function leasesAreFull(table: SharedTable, entry: number, most: number, nowMs: number): boolean {
  if (entry === 0) return most <= 0;
  const { words, doubles } = table;
  const at = entry * CELL_WORDS;
  if ((words[at + ENTRY.leaseCount] as number) < most) return false;
  for (let cell = words[at + ENTRY.leases] as number; cell !== 0; ) {
    const next = words[cell * CELL_WORDS + NEXT] as number;
    if ((doubles[cell * CELL_DOUBLES + EXPIRES] as number) <= nowMs) giveLease(table, cell);
    cell = next;
  }
  return (words[at + ENTRY.leaseCount] as number) >= most;
}

/** The latest end of an entry's leases; -Infinity without one. */
export function lastLeaseMs(table: SharedTable, entry: number): number {
  const { words, doubles } = table;
  let untilMs = Number.NEGATIVE_INFINITY;
  for (let cell = words[entry * CELL_WORDS + ENTRY.leases] as number; cell !== 0; ) {
    untilMs = Math.max(untilMs, doubles[cell * CELL_DOUBLES + EXPIRES] as number);
    cell = words[cell * CELL_WORDS + NEXT] as number;
  }
  return untilMs;
}

/** A nonce's text in words, as it stands in its cell. */
const packed = new Int32Array(ONCE_WORDS);

/** Whether a text can stand for a nonce: at most 32 characters of Latin-1. */
export function isOnce(hash: string): boolean {
  if (hash.length > ONCE_WORDS * 4) return false;
  for (let i = 0; i < hash.length; i++) if (hash.charCodeAt(i) > 0xff) return false;
  return true;
}

/** Packs the text of a nonce for the functions below. Throws a TypeError when it is not one (`isOnce`). */
export function packOnce(hash: string): void {
  if (!isOnce(hash)) throw new TypeError('A hash of a nonce is at most 32 characters of Latin-1.');
  packed.fill(0);
  for (let i = 0; i < hash.length; i++) {
    packed[i >> 2] = (packed[i >> 2] as number) | (hash.charCodeAt(i) << ((i & 3) * 8));
  }
}

function hashPacked(table: SharedTable, entry: number): number {
  let hash = (table.words[WORD.seed] as number) ^ Math.imul(entry, 0x9e3779b1);
  for (let i = 0; i < ONCE_WORDS; i++) {
    hash = Math.imul(hash ^ (packed[i] as number), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  return Math.imul(hash, 0xc2b2ae35) ^ (hash >>> 13);
}

/** Whether an entry remembers the packed nonce. */
export function hasOnce(table: SharedTable, entry: number, length: number): boolean {
  const { words } = table;
  const hash = hashPacked(table, entry);
  for (let cell = firstInChain(table, hash); cell !== 0; cell = words[cell * CELL_WORDS + NEXT] as number) {
    const at = cell * CELL_WORDS;
    if (words[at + ENTRY.hash] !== hash || words[at + ENTRY.kind] !== KIND.once) continue;
    if (words[at + ONCE_OWNER] !== entry || words[at + ONCE_LENGTH] !== length) continue;
    let alike = true;
    for (let i = 0; i < ONCE_WORDS; i++) alike &&= words[at + ONCE_TEXT + i] === packed[i];
    if (alike) return true;
  }
  return false;
}

/** Has an entry remember the packed nonce, which it does not yet; takes one cell. */
export function addOnce(table: SharedTable, entry: number, length: number): number {
  const { words } = table;
  const cell = takeFor(table, accountOf(table, entry));
  const at = cell * CELL_WORDS;
  const first = words[entry * CELL_WORDS + ENTRY.once] as number;
  words[at + ONCE_OWNER] = entry;
  words[at + ONCE_NEXT] = first;
  words[at + ONCE_EARLIER] = 0;
  words[at + ONCE_LENGTH] = length;
  words.set(packed, at + ONCE_TEXT);
  if (first !== 0) words[first * CELL_WORDS + ONCE_EARLIER] = cell;
  words[entry * CELL_WORDS + ENTRY.once] = cell;
  linkCell(table, cell, hashPacked(table, entry), KIND.once);
  return cell;
}

/** Forgets a nonce. */
export function giveOnce(table: SharedTable, cell: number): void {
  const { words } = table;
  const at = cell * CELL_WORDS;
  const entry = words[at + ONCE_OWNER] as number;
  const [next, earlier] = [words[at + ONCE_NEXT] as number, words[at + ONCE_EARLIER] as number];
  if (earlier === 0) words[entry * CELL_WORDS + ENTRY.once] = next;
  else words[earlier * CELL_WORDS + ONCE_NEXT] = next;
  if (next !== 0) words[next * CELL_WORDS + ONCE_EARLIER] = earlier;
  unlinkCell(table, cell);
  giveFor(table, accountOf(table, entry), cell);
}

/** Forgets all nonces of an entry. */
export function giveAllOnce(table: SharedTable, entry: number): void {
  for (;;) {
    const cell = table.words[entry * CELL_WORDS + ENTRY.once] as number;
    if (cell === 0) return;
    giveOnce(table, cell);
  }
}

/** The nonces of an entry, in no order. */
export function readOnces(table: SharedTable, entry: number): string[] {
  const { words } = table;
  const texts: string[] = [];
  for (let cell = words[entry * CELL_WORDS + ENTRY.once] as number; cell !== 0; ) {
    const at = cell * CELL_WORDS;
    const length = words[at + ONCE_LENGTH] as number;
    const unit = (i: number) => ((words[at + ONCE_TEXT + (i >> 2)] as number) >>> ((i & 3) * 8)) & 0xff;
    texts.push(String.fromCharCode(...Array.from({ length }, (_, i) => unit(i))));
    cell = words[at + ONCE_NEXT] as number;
  }
  return texts;
}
