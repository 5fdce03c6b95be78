/**
 * A table of so many keyed slots in shared memory, of which the least recently used makes room for a new key: for what may be forgotten
 * (docs/decisions/0015), unlike counters. Not locked by itself: its user holds the lock around each call.
 */
import { createEncoded, encodeText, hashBytes } from './shared-cells.ts';

/** Longest key in bytes: every client group and site fits (address.ts). */
const KEY_BYTES = 40;
/** Bytes of a slot before its own doubles: five words, then the key. */
const FRAME_BYTES = 64;
const KEY_AT = 24;
/** Words of a slot. */
const CHAIN = 0;
const NEWER = 1;
const OLDER = 2;
const HASH = 3;
const LENGTH = 4;
/** Words of the table's head, then its chains. */
const NEWEST = 0;
const OLDEST = 1;
const COUNT = 2;
const SEED = 3;
const HEAD_WORDS = 16;

/** Where such a table lies, and how large it is. */
export interface LruShape {
  /** A multiple of 64. */
  readonly atBytes: number;
  readonly slots: number;
  /** Doubles that each key has for its user. */
  readonly doubles: number;
}

/** The table as one thread sees it. */
export interface SharedLru {
  readonly slots: number;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
  /** Index of the head's first word, of the first chain, and of slot 0, which is never used. */
  readonly headAt: number;
  readonly chainsAt: number;
  readonly chainMask: number;
  readonly slotsAt: number;
  readonly slotWords: number;
}

const scratch = createEncoded();

function chainsFor(slots: number): number {
  return 2 ** Math.max(4, Math.ceil(Math.log2(slots)));
}

function slotBytes(doubles: number): number {
  return FRAME_BYTES + Math.ceil(doubles / 8) * 64;
}

/** Bytes that a table takes. */
export function lruBytes({ slots, doubles }: LruShape): number {
  return 4 * (HEAD_WORDS + chainsFor(slots)) + (slots + 1) * slotBytes(doubles);
}

/** The table in memory that is all zeros, or that another thread has opened so before. */
export function openLru(memory: SharedArrayBuffer, shape: LruShape): SharedLru {
  const headAt = shape.atBytes / 4;
  const chains = chainsFor(shape.slots);
  return {
    slots: shape.slots,
    words: new Int32Array(memory),
    doubles: new Float64Array(memory),
    bytes: new Uint8Array(memory),
    headAt,
    chainsAt: headAt + HEAD_WORDS,
    chainMask: chains - 1,
    slotsAt: headAt + HEAD_WORDS + chains,
    slotWords: slotBytes(shape.doubles) / 4,
  };
}

/** Gives the table its secret start of hashes, once, before others open it. */
export function seedLru({ words, headAt }: SharedLru): void {
  words[headAt + SEED] = crypto.getRandomValues(new Int32Array(1))[0] as number;
}

/** Keys in the table. */
export function lruSize({ words, headAt }: SharedLru): number {
  return words[headAt + COUNT] as number;
}

/** Index of the first of a slot's own doubles. */
export function slotDoubles({ slotsAt, slotWords }: SharedLru, slot: number): number {
  return (slotsAt + slot * slotWords) / 2 + FRAME_BYTES / 8;
}

function unlink({ words, headAt, slotsAt, slotWords }: SharedLru, slot: number): void {
  const at = slotsAt + slot * slotWords;
  const [newer, older] = [words[at + NEWER] as number, words[at + OLDER] as number];
  if (newer === 0) words[headAt + NEWEST] = older;
  else words[slotsAt + newer * slotWords + OLDER] = older;
  if (older === 0) words[headAt + OLDEST] = newer;
  else words[slotsAt + older * slotWords + NEWER] = newer;
}

function linkNewest({ words, headAt, slotsAt, slotWords }: SharedLru, slot: number): void {
  const at = slotsAt + slot * slotWords;
  const newest = words[headAt + NEWEST] as number;
  words[at + NEWER] = 0;
  words[at + OLDER] = newest;
  if (newest === 0) words[headAt + OLDEST] = slot;
  else words[slotsAt + newest * slotWords + NEWER] = slot;
  words[headAt + NEWEST] = slot;
}

function encodeKey(table: SharedLru, name: string): number {
  if (name.length > KEY_BYTES) throw new RangeError('A key of a client group is too long.');
  encodeText(scratch, name);
  if (scratch.length > KEY_BYTES) throw new RangeError('A key of a client group is too long.');
  return hashBytes(scratch, table.words[table.headAt + SEED] as number);
}

function isKey({ words, bytes }: SharedLru, at: number): boolean {
  if (words[at + LENGTH] !== scratch.length) return false;
  const start = at * 4 + KEY_AT;
  for (let i = 0; i < scratch.length; i++) if (bytes[start + i] !== scratch.bytes[i]) return false;
  return true;
}

/** The slot of a key, which is now the one used last; 0 when it is not remembered. Throws a RangeError for a key of more than 40 bytes. */
export function findSlot(table: SharedLru, name: string): number {
  const hash = encodeKey(table, name);
  const { words, headAt, chainsAt, chainMask, slotsAt, slotWords } = table;
  let slot = words[chainsAt + (hash & chainMask)] as number;
  while (slot !== 0) {
    const at = slotsAt + slot * slotWords;
    if (words[at + HASH] === hash && isKey(table, at)) break;
    slot = words[at + CHAIN] as number;
  }
  if (slot !== 0 && words[headAt + NEWEST] !== slot) {
    unlink(table, slot);
    linkNewest(table, slot);
  }
  return slot;
}

function evictOldest(table: SharedLru): number {
  const { words, headAt, chainsAt, chainMask, slotsAt, slotWords } = table;
  const slot = words[headAt + OLDEST] as number;
  const own = slotsAt + slot * slotWords;
  unlink(table, slot);
  let at = chainsAt + ((words[own + HASH] as number) & chainMask);
  while (words[at] !== slot) at = slotsAt + (words[at] as number) * slotWords + CHAIN;
  words[at] = words[own + CHAIN] as number;
  return slot;
}

/** A slot for a key that has none. Its doubles are those of the key it was taken from, or zeros: `dropped` says which. */
export function addSlot(table: SharedLru, name: string, dropped: (slot: number) => void): number {
  const hash = encodeKey(table, name);
  const { words, bytes, headAt, chainsAt, chainMask, slotsAt, slotWords } = table;
  const count = words[headAt + COUNT] as number;
  let slot = count + 1;
  if (count < table.slots) words[headAt + COUNT] = slot;
  else {
    slot = evictOldest(table);
    dropped(slot);
  }
  const at = slotsAt + slot * slotWords;
  const chain = chainsAt + (hash & chainMask);
  words[at + CHAIN] = words[chain] as number;
  words[chain] = slot;
  words[at + HASH] = hash;
  words[at + LENGTH] = scratch.length;
  bytes.set(scratch.bytes.subarray(0, scratch.length), at * 4 + KEY_AT);
  linkNewest(table, slot);
  return slot;
}
