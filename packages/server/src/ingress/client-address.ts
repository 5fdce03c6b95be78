/**
 * Whose request it is when proxies stand in front: `X-Forwarded-For`, read from the right and only through trusted peers.
 * `Forwarded` (RFC 7239) is ignored on purpose: a proxy that appends to one of the two and passes the other on would let a caller choose its address.
 */
import { type Address, type AddressRange, parseAddress, rangeHolds } from '../address.ts';

const PORT = /^\d{1,5}$/;

/** One entry of the list: an address, perhaps with port and brackets. Null when malformed. */
function parseEntry(entry: string): Address | null {
  const text = entry.replace(/^[ \t]+|[ \t]+$/g, '');
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    const inner = end === -1 ? '' : text.slice(1, end);
    const port = text.slice(end + 1);
    if (!inner.includes(':') || (port !== '' && !(port[0] === ':' && PORT.test(port.slice(1))))) return null;
    return parseAddress(inner);
  }
  const colon = text.indexOf(':');
  if (colon !== -1 && colon === text.lastIndexOf(':')) {
    return PORT.test(text.slice(colon + 1)) ? parseAddress(text.slice(0, colon)) : null;
  }
  return parseAddress(text);
}

/** Whether the connection's other end is a trusted proxy. */
export function isTrustedPeer(peer: string | null, trusted: readonly AddressRange[]): boolean {
  const address = peer === null ? null : parseAddress(peer);
  return address !== null && trusted.some((range) => rangeHolds(range, address));
}

/**
 * The client's address. `peer` is the connection's other end; `forwardedFor` holds the header lines in the order of arrival.
 * The walk goes from the peer leftwards as long as each address is a trusted proxy; at a malformed entry it stays at the last good one.
 */
export function findClient(
  peer: string | null,
  forwardedFor: readonly string[],
  trusted: readonly AddressRange[],
): Address | null {
  let current = peer === null ? null : parseAddress(peer);
  if (trusted.length === 0 || forwardedFor.length === 0) return current;
  const entries = forwardedFor.join(',').split(',');
  for (let i = entries.length - 1; i >= 0; i--) {
    const from = current;
    if (from === null || !trusted.some((range) => rangeHolds(range, from))) return current;
    const entry = parseEntry(entries[i] as string);
    if (entry === null) return current;
    current = entry;
  }
  return current;
}
