/**
 * Reads MaxMind DB files (format 2.0, https://maxmind.github.io/MaxMind-DB/), with a bound on whatever a file can ask for:
 * depth, number of values, bytes of text. Knows nothing of countries; opens no file. Why no library: docs/decisions/0021.
 */
import type { Address } from '../../address.ts';

/** Thrown for a file, or a record in it, that is not as the format asks. */
export class MmdbFault extends Error {
  override readonly name = 'MmdbFault';
}

/** An open file. */
export interface Mmdb {
  /** What its maker calls it: `GeoLite2-Country`. */
  readonly type: string;
  /** When it was built, seconds since 1970. */
  readonly builtSeconds: number;
  readonly ipVersion: 4 | 6;
  /**
   * The record of the network that holds an address, undefined when there is none, and the network's prefix length. Maps are `Map`s;
   * numbers that a country needs none of (floating point, 128 bits, bytes) are null. Throws MmdbFault.
   */
  find(address: Address): { readonly record: unknown; readonly prefix: number };
}

const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
/** How far from its end a file's metadata may begin. */
const METADATA_WITHIN = 128 * 1024;
const SEPARATOR_BYTES = 16;
/** The largest records in use hold some 200 values and 4 KiB of text. */
const MAX_VALUES = 4096;
const MAX_TEXT_BYTES = 64 * 1024;
const MAX_DEPTH = 32;

/** A stretch of the file to which pointers are relative. */
interface Section {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

interface Cursor {
  at: number;
  values: number;
  text: number;
}

/** Moves over `size` bytes and says where they began. */
function take(section: Section, cursor: Cursor, size: number): number {
  const { at } = cursor;
  if (at < section.start || at + size > section.end)
    throw new MmdbFault('a value reaches beyond its section');
  cursor.at = at + size;
  return at;
}

function takeUnsigned(section: Section, cursor: Cursor, size: number): number {
  const start = take(section, cursor, size);
  let value = 0;
  for (let at = start; at < start + size; at++) value = value * 256 + (section.bytes[at] as number);
  return value;
}

function takeSize(section: Section, cursor: Cursor, low: number): number {
  if (low < 29) return low;
  const extra = takeUnsigned(section, cursor, low - 28);
  return extra + (low === 29 ? 29 : low === 30 ? 285 : 65_821);
}

/** What is added to a pointer of 1, 2, 3 or 4 bytes. */
const POINTER_OFFSETS = [0, 2048, 526_336, 0] as const;

function takePointer(section: Section, cursor: Cursor, control: number): number {
  const length = (control >> 3) & 3;
  const rest = takeUnsigned(section, cursor, length + 1);
  const high = length === 3 ? 0 : (control & 7) * 256 ** (length + 1);
  return section.start + high + rest + (POINTER_OFFSETS[length] as number);
}

function readValue(section: Section, cursor: Cursor, depth: number): unknown {
  cursor.values -= 1;
  if (cursor.values < 0) throw new MmdbFault('a record holds too many values');
  if (depth > MAX_DEPTH) throw new MmdbFault('a record is nested too deeply');
  const control = takeUnsigned(section, cursor, 1);
  if (control >> 5 === 1) {
    const target = takePointer(section, cursor, control);
    const after = cursor.at;
    cursor.at = target;
    const value = readValue(section, cursor, depth + 1);
    cursor.at = after;
    return value;
  }
  const type = control >> 5 === 0 ? takeUnsigned(section, cursor, 1) + 7 : control >> 5;
  return readTyped(section, cursor, depth, type, takeSize(section, cursor, control & 31));
}

/** Sizes in bytes of the types that hold plain numbers; `most`: shorter ones are padded with zeros on the left. */
const UNSIGNED_MOST: ReadonlyMap<number, number> = new Map([
  [5, 2],
  [6, 4],
  [9, 8],
]);
const UNREAD_MOST: ReadonlyMap<number, number> = new Map([
  [3, 8],
  [8, 4],
  [10, 16],
  [15, 4],
]);

function readTyped(section: Section, cursor: Cursor, depth: number, type: number, size: number): unknown {
  const most = UNSIGNED_MOST.get(type) ?? UNREAD_MOST.get(type);
  if (most !== undefined) {
    if (size > most) throw new MmdbFault('a number is too long');
    const value = takeUnsigned(section, cursor, size);
    return UNSIGNED_MOST.has(type) ? value : null;
  }
  if (type === 2) return readText(section, cursor, size);
  if (type === 4) {
    take(section, cursor, size);
    return null;
  }
  if (type === 7) {
    const map = new Map<string, unknown>();
    for (let left = size; left > 0; left--) {
      const name = readValue(section, cursor, depth + 1);
      if (typeof name !== 'string') throw new MmdbFault('a map has a key that is no text');
      map.set(name, readValue(section, cursor, depth + 1));
    }
    return map;
  }
  if (type === 11) {
    // grows as it is read: the size that is claimed may be millions
    const list: unknown[] = [];
    while (list.length < size) list.push(readValue(section, cursor, depth + 1));
    return list;
  }
  if (type === 14 && size <= 1) return size === 1;
  throw new MmdbFault('a value has an unknown type');
}

function readText(section: Section, cursor: Cursor, size: number): string {
  cursor.text -= size;
  if (cursor.text < 0) throw new MmdbFault('a record holds too much text');
  const start = take(section, cursor, size);
  return section.bytes.toString('utf8', start, start + size);
}

function readAt(section: Section, at: number): unknown {
  return readValue(section, { at, values: MAX_VALUES, text: MAX_TEXT_BYTES }, 0);
}

interface Metadata {
  readonly type: string;
  readonly builtSeconds: number;
  readonly ipVersion: 4 | 6;
  readonly nodes: number;
  readonly recordBits: 24 | 28 | 32;
}

function readMetadata(bytes: Buffer, start: number): Metadata {
  const map = readAt({ bytes, start, end: bytes.length }, start);
  if (!(map instanceof Map)) throw new MmdbFault('its metadata is no map');
  const [major, ipVersion, nodes, recordBits, type, builtSeconds] = [
    'binary_format_major_version',
    'ip_version',
    'node_count',
    'record_size',
    'database_type',
    'build_epoch',
  ].map((name) => map.get(name));
  if (major !== 2) throw new MmdbFault('it is not of format version 2');
  if (ipVersion !== 4 && ipVersion !== 6) throw new MmdbFault('its metadata names no IP version');
  if (recordBits !== 24 && recordBits !== 28 && recordBits !== 32) {
    throw new MmdbFault('its metadata names no record size');
  }
  if (typeof nodes !== 'number' || nodes === 0) throw new MmdbFault('its search tree is empty');
  return {
    type: typeof type === 'string' ? type : '',
    builtSeconds: typeof builtSeconds === 'number' ? builtSeconds : 0,
    ipVersion,
    nodes,
    recordBits,
  };
}

/** Reads one of the two records of a node. */
function createRecordReader(bytes: Buffer, bits: 24 | 28 | 32): (node: number, right: number) => number {
  if (bits === 24) return (node, right) => bytes.readUIntBE(node * 6 + right * 3, 3);
  if (bits === 32) return (node, right) => bytes.readUInt32BE(node * 8 + right * 4);
  return (node, right) => {
    const at = node * 7;
    const middle = bytes[at + 3] as number;
    const high = right === 1 ? middle & 15 : middle >> 4;
    return high * 2 ** 24 + bytes.readUIntBE(at + right * 4, 3);
  };
}

function bytesOf({ version, value }: Address): number[] {
  const length = version === 4 ? 4 : 16;
  return Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 255n));
}

/** Opens the content of a file. Throws MmdbFault. Records are read when they are asked for: a fault in one shows only then. */
export function openMmdb(bytes: Buffer): Mmdb {
  const from = Math.max(0, bytes.length - METADATA_WITHIN);
  const found = bytes.subarray(from).lastIndexOf(MARKER);
  if (found === -1) throw new MmdbFault('it has no MaxMind DB metadata at its end');
  const marker = from + found;
  const { type, builtSeconds, ipVersion, nodes, recordBits } = readMetadata(bytes, marker + MARKER.length);
  const treeBytes = (nodes * recordBits) / 4;
  const start = treeBytes + SEPARATOR_BYTES;
  if (start > marker) throw new MmdbFault('its search tree is longer than the file');
  if (bytes.subarray(treeBytes, start).some((byte) => byte !== 0)) {
    throw new MmdbFault('its search tree does not end where it should');
  }
  const data: Section = { bytes, start, end: marker };
  const readRecord = createRecordReader(bytes, recordBits);

  function descend(from: number, path: readonly number[], bits: number): { node: number; depth: number } {
    let node = from;
    let depth = 0;
    for (; depth < bits && node < nodes; depth++) {
      node = readRecord(node, ((path[depth >> 3] as number) >> (7 - (depth & 7))) & 1);
    }
    return { node, depth };
  }

  // in a tree for both, IPv4 hangs below ::/96
  const v4Root = ipVersion === 4 ? 0 : descend(0, Array(12).fill(0), 96).node;

  return {
    type,
    builtSeconds,
    ipVersion,
    find(address) {
      // the first bits of an IPv6 address would lead to some IPv4 network
      if (address.version === 6 && ipVersion === 4) return { record: undefined, prefix: 0 };
      const path = bytesOf(address);
      const { node, depth } = descend(address.version === 4 ? v4Root : 0, path, path.length * 8);
      if (node < nodes) throw new MmdbFault('the search tree is deeper than an address');
      if (node === nodes) return { record: undefined, prefix: depth };
      // `readAt` refuses what lies outside of the data
      return { record: readAt(data, node - nodes + treeBytes), prefix: depth };
    },
  };
}
