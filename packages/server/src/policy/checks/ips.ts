/** `ips`: the caller's address against the token's list of addresses and blocks (token spec §5). The one file that uses ipaddr.js. */
import ipaddr from 'ipaddr.js';
import type { Claims } from 'relayapi-token';
import { type Denial, deny } from '../../errors.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Block = readonly [Address, number];

/** An address, IPv4 within IPv6 unwrapped; null when it is not one. Dotted IPv4 has four decimal parts, nothing shorter or octal. */
function readAddress(text: string): Address | null {
  const plain = text.includes(':') ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text);
  return plain ? ipaddr.process(text) : null;
}

function readBlock(text: string): Block | null {
  const [base = '', length, ...more] = text.split('/');
  const address = readAddress(base);
  if (address === null || more.length > 0) return null;
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  if (length === undefined) return [address, bits];
  if (!/^\d{1,3}$/.test(length)) return null;
  // `::ffff:192.0.2.0/120` is 192.0.2.0/24.
  const prefix = Number(length) - (bits === 32 && base.includes(':') ? 96 : 0);
  return prefix < 0 || prefix > bits ? null : [address, prefix];
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

function holds([base, prefix]: Block, address: Address): boolean {
  return base.kind() === address.kind() && address.match(base as never, prefix);
}

/** `ip_denied` unless the address is on the list; also when it is unknown, and for `first`, which this release cannot hold. */
export function checkIps(claims: Claims, client: string | null): Denial | null {
  if (claims.ips === undefined) return null;
  const address = client === null ? null : readAddress(client);
  if (address === null || typeof claims.ips === 'string') return deny('ip_denied');
  return readBlocks(claims.ips).some((block) => holds(block, address)) ? null : deny('ip_denied');
}
