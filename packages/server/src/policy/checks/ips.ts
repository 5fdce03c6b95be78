/**
 * `ips`: the caller's address against the token's list of addresses and blocks (token spec §5).
 * Both are read into 128 bits, IPv4 as the IPv6 addresses that map it, so that each address has one reading.
 */
import type { Claims } from 'relayapi-token';
import { type Denial, deny } from '../../errors.ts';

interface Block {
  readonly bits: bigint;
  readonly prefix: number;
}

const V4_PART = /^(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])$/;
const V6_GROUP = /^[0-9A-Fa-f]{1,4}$/;
const MAPPED = 0xffffn;

/** Four decimal parts as two hexadecimal groups; null for `127.1`, octal and the like. */
function readDotted(text: string): readonly [string, string] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => V4_PART.test(part))) return null;
  const hex = parts.map((part) => Number(part).toString(16).padStart(2, '0'));
  return [`${hex[0]}${hex[1]}`, `${hex[2]}${hex[3]}`];
}

/** Groups of one side of `::`, a dotted tail unfolded; null when malformed. */
function readGroups(text: string): readonly string[] | null {
  if (text === '') return [];
  const groups = text.split(':');
  const tail = groups.at(-1) as string;
  const dotted = tail.includes('.') ? readDotted(tail) : [tail];
  if (dotted === null) return null;
  groups.splice(-1, 1, ...dotted);
  return groups.every((group) => V6_GROUP.test(group)) ? groups : null;
}

/** An address as 128 bits; null when it is not one. */
function readAddress(text: string): bigint | null {
  const full = text.includes(':') ? text : `::ffff:${text}`;
  if (full !== text && !text.includes('.')) return null;
  const [left = '', right, ...more] = full.split('::');
  const head = readGroups(left);
  const tail = right === undefined ? [] : readGroups(right);
  if (head === null || tail === null || more.length > 0 || (right !== undefined && left.includes('.')))
    return null;
  const missing = 8 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function readBlock(text: string): Block | null {
  const [base = '', length, ...more] = text.split('/');
  const bits = readAddress(base);
  if (bits === null || more.length > 0) return null;
  if (length === undefined) return { bits, prefix: 128 };
  if (!/^(?:0|[1-9]\d{0,2})$/.test(length)) return null;
  const prefix = Number(length) + (base.includes(':') ? 0 : 96);
  return prefix > 128 ? null : { bits, prefix };
}

const blocksOf = new WeakMap<readonly string[], readonly Block[]>();

function readBlocks(entries: readonly string[]): readonly Block[] {
  const known = blocksOf.get(entries);
  if (known !== undefined) return known;
  // What cannot be read admits nobody.
  const blocks = entries.map(readBlock).filter((block) => block !== null);
  blocksOf.set(entries, blocks);
  return blocks;
}

function isMapped(bits: bigint): boolean {
  return bits >> 32n === MAPPED;
}

function holds({ bits, prefix }: Block, address: bigint): boolean {
  // `::/0` is all of IPv6 and none of IPv4.
  if (isMapped(address) && !(isMapped(bits) && prefix >= 96)) return false;
  const shift = BigInt(128 - prefix);
  return bits >> shift === address >> shift;
}

/** `ip_denied` unless the address is on the list; also when it is unknown, and for `first`, which this release cannot hold. */
export function checkIps(claims: Claims, client: string | null): Denial | null {
  if (claims.ips === undefined) return null;
  const address = client === null ? null : readAddress(client);
  if (address === null || typeof claims.ips === 'string') return deny('ip_denied');
  return readBlocks(claims.ips).some((block) => holds(block, address)) ? null : deny('ip_denied');
}
