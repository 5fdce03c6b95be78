/** Writes small MaxMind DB files (format 2.0) for tests, sound ones and, on request, strange ones. Not for use with large data. */
import { type AddressRange, parseRange } from '../../src/address.ts';

/** Plain data of a record: texts, whole numbers, lists and objects. */
export type MmdbValue =
  | string
  | number
  | boolean
  | readonly MmdbValue[]
  | { readonly [name: string]: MmdbValue };

export interface MmdbContent {
  /** Record by network in CIDR notation; the more precise network wins. In an IPv6 tree IPv4 stands below ::/96. */
  readonly networks: Readonly<Record<string, MmdbValue>>;
  readonly ipVersion?: 4 | 6;
  readonly recordBits?: 24 | 28 | 32;
  readonly type?: string;
  /** Laid over the metadata; undefined takes a member away. */
  readonly metadata?: Readonly<Record<string, MmdbValue | undefined>>;
  /** Networks that lead to the IPv4 part of the tree, as MaxMind's own files have them. */
  readonly aliases?: readonly string[];
  /** The data section, in place of what `networks` would give; each record then stands at offset 0. */
  readonly data?: Buffer;
}

/** A record of a country as MaxMind writes it. */
export function countryRecord(code: string): MmdbValue {
  return { country: { iso_code: code, names: { en: code } }, registered_country: { iso_code: 'US' } };
}

/** A file of countries by network. */
export function writeCountries(
  countries: Readonly<Record<string, string>>,
  more: Partial<MmdbContent> = {},
): Buffer {
  const networks = Object.fromEntries(
    Object.entries(countries).map(([network, code]) => [network, countryRecord(code)]),
  );
  return writeMmdb({ networks, ...more });
}

function head(type: number, size: number): Buffer {
  const low = size < 29 ? size : size < 285 ? 29 : 30;
  const extra =
    low === 29 ? [size - 29] : low === 30 ? [(size - 285) >> 8, (size - 285) & 255] : ([] as number[]);
  return Buffer.from(type < 8 ? [(type << 5) | low, ...extra] : [low, type - 7, ...extra]);
}

/** One value in the file's own notation. */
export function encodeValue(value: MmdbValue): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([head(2, bytes.length), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.from([value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255]);
    return Buffer.concat([head(6, 4), bytes]);
  }
  if (typeof value === 'boolean') return head(14, value ? 1 : 0);
  if (Array.isArray(value)) return Buffer.concat([head(11, value.length), ...value.map(encodeValue)]);
  const entries = Object.entries(value);
  return Buffer.concat([head(7, entries.length), ...entries.flat().map((each) => encodeValue(each))]);
}

type Slot = number | TreeNode | 'v4' | null;
interface TreeNode {
  slots: [Slot, Slot];
}

function place(root: TreeNode, bits: readonly number[], slot: Slot): void {
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const below = node.slots[bit as 0 | 1];
    if (typeof below === 'object' && below !== null) node = below;
    else {
      const split: TreeNode = { slots: [below, below] };
      node.slots[bit as 0 | 1] = split;
      node = split;
    }
  }
  node.slots[bits.at(-1) as 0 | 1] = slot;
}

function bitsOf({ version, value, prefix }: AddressRange, ipVersion: 4 | 6): number[] {
  const length = version === 4 ? 32 : 128;
  const own = Array.from({ length: prefix }, (_, i) => Number((value >> BigInt(length - 1 - i)) & 1n));
  return version === 4 && ipVersion === 6 ? [...Array<number>(96).fill(0), ...own] : own;
}

function nodesOf(root: TreeNode): TreeNode[] {
  const nodes = [root];
  for (let i = 0; i < nodes.length; i++) {
    for (const slot of (nodes[i] as TreeNode).slots) {
      if (typeof slot === 'object' && slot !== null) nodes.push(slot);
    }
  }
  return nodes;
}

function pack(left: number, right: number, bits: 24 | 28 | 32): Buffer {
  if (bits === 32) {
    const node = Buffer.alloc(8);
    node.writeUInt32BE(left, 0);
    node.writeUInt32BE(right, 4);
    return node;
  }
  const node = Buffer.alloc(bits === 24 ? 6 : 7);
  node.writeUIntBE(left & 0xffffff, 0, 3);
  node.writeUIntBE(right & 0xffffff, bits === 24 ? 3 : 4, 3);
  if (bits === 28) node[3] = ((left >>> 24) << 4) | (right >>> 24);
  return node;
}

/** Writes a file. */
export function writeMmdb(content: MmdbContent): Buffer {
  const { ipVersion = 6, recordBits = 28, type = 'Test-Country', aliases = [] } = content;
  const root: TreeNode = { slots: [null, null] };
  const offsets: number[] = [];
  const pieces: Buffer[] = [];
  const ranges = Object.entries(content.networks).map(([text, value]) => ({ range: range(text), value }));
  ranges.sort((a, b) => bitsOf(a.range, ipVersion).length - bitsOf(b.range, ipVersion).length);
  for (const { range: network, value } of ranges) {
    offsets.push(Buffer.concat(pieces).length);
    pieces.push(encodeValue(value));
    place(root, bitsOf(network, ipVersion), offsets.length - 1);
  }
  for (const alias of aliases) place(root, bitsOf(range(alias), ipVersion), 'v4');
  const nodes = nodesOf(root);
  let v4: Slot = root;
  for (let i = 0; i < 96 && typeof v4 === 'object' && v4 !== null; i++) v4 = v4.slots[0];
  const number = (slot: Slot): number => {
    if (slot === null) return nodes.length;
    if (slot === 'v4') return number(v4);
    if (typeof slot === 'object') return nodes.indexOf(slot);
    return nodes.length + 16 + (content.data ? 0 : (offsets[slot] as number));
  };
  const metadata: Record<string, MmdbValue | undefined> = {
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_790_000_000,
    database_type: type,
    description: { en: 'a test' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.length,
    record_size: recordBits,
    ...content.metadata,
  };
  const kept = Object.entries(metadata).filter(
    (entry): entry is [string, MmdbValue] => entry[1] !== undefined,
  );
  return Buffer.concat([
    ...nodes.map(({ slots }) => pack(number(slots[0]), number(slots[1]), recordBits)),
    Buffer.alloc(16),
    ...(content.data ? [content.data] : pieces),
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    encodeValue(Object.fromEntries(kept)),
  ]);
}

function range(text: string): AddressRange {
  const parsed = parseRange(text);
  if (parsed === null) throw new Error(`${text} is no network`);
  return parsed;
}
