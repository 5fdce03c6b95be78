/**
 * `ips`: the caller's address against the token's list of addresses and blocks (token spec §5).
 * Not here: how addresses and blocks are read (address.ts), nor which address is the caller's.
 */
import type { Claims } from 'relayapi-token';
import { type AddressRange, parseAddress, parseRange, rangeHolds } from '../../address.ts';
import { type Denial, deny } from '../../errors.ts';

const rangesOf = new WeakMap<readonly string[], readonly AddressRange[]>();

function readRanges(entries: readonly string[]): readonly AddressRange[] {
  const known = rangesOf.get(entries);
  if (known !== undefined) return known;
  // What cannot be read admits nobody.
  const ranges = entries.map(parseRange).filter((range) => range !== null);
  rangesOf.set(entries, ranges);
  return ranges;
}

/** `ip_denied` unless the address is on the list; also when it is unknown, and for `first`, which this release cannot hold. */
export function checkIps(claims: Claims, client: string | null): Denial | null {
  if (claims.ips === undefined) return null;
  const address = client === null ? null : parseAddress(client);
  if (address === null || typeof claims.ips === 'string') return deny('ip_denied');
  return readRanges(claims.ips).some((range) => rangeHolds(range, address)) ? null : deny('ip_denied');
}
