/**
 * Whose request it is when proxies stand in front: `X-Forwarded-For`, read from the right and only through trusted peers.
 * `Forwarded` (RFC 7239) is ignored on purpose: a proxy that appends to one of the two and passes the other on would let a caller choose its address.
 */
import { LRUCache } from 'lru-cache';
import {
  type Address,
  type AddressRange,
  formatAddress,
  groupOf,
  parseAddress,
  rangeHolds,
} from '../address.ts';
import type { Head } from './head.ts';

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

/** A client as limits and logs know it. */
export interface Client {
  /** Canonical text; null where unknown. */
  readonly client: string | null;
  /** What limits count: IPv4 whole, IPv6 its /64; null where unknown. */
  readonly group: string | null;
}

/** Peers whose texts are remembered; one that is forgotten is read anew. */
const MAX_PEERS = 4096;
const NO_LINES: readonly string[] = [];

function describe(address: Address | null): Client {
  return { client: address && formatAddress(address), group: address && groupOf(address) };
}

/** Finds whose a request is. A peer that no header can speak for is read once: its connections bring many requests. */
export function createClientFinder(trusted: readonly AddressRange[]): {
  find(peer: string | null, head: Head): Client;
} {
  const peers = new LRUCache<string, Client>({ max: MAX_PEERS });
  return {
    find(peer, head) {
      const forwardedFor = trusted.length === 0 ? NO_LINES : (head.get('x-forwarded-for') ?? NO_LINES);
      if (peer === null || forwardedFor.length > 0) return describe(findClient(peer, forwardedFor, trusted));
      const known = peers.get(peer);
      if (known !== undefined) return known;
      const client = describe(findClient(peer, NO_LINES, trusted));
      peers.set(peer, client);
      return client;
    },
  };
}
