/**
 * Which network addresses the relay may call: public unicast only, judged on the address that is dialled (behaviour.md §5).
 * Not the dialling itself: see upstream-connector.ts.
 */
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

/** An address and port that this process listens on. `0.0.0.0` and `::` mean every local address. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** What the guard needs to know of this process. */
export interface AddressGuardOptions {
  /** The relay's own listeners, asked anew for each connection since ports may be bound late. Default: none. */
  readonly ownListeners?: () => readonly ListenAddress[];
  /** Addresses of this machine, which a wildcard listener answers on. Default: those of its network interfaces. */
  readonly localAddresses?: () => readonly string[];
}

/** Judges addresses before a connection is made. */
export interface AddressGuard {
  /** Why `address` must not be dialled, as one word for the log, or null when it may. `allowPrivate` opens all but the relay's own listeners. */
  refuse(address: string, port: number, allowPrivate: boolean): string | null;
  /** The same ranges for `net.connect`, as a second wall; null for destinations that are exempt. */
  blockList(allowPrivate: boolean): BlockList | null;
}

/**
 * Ranges that are not plain public unicast. `::ffff:0:0/96` is missing on purpose: in a BlockList it matches all of IPv4;
 * mapped addresses are matched there by their IPv4 rule and refused by `classify` in any case.
 */
const BLOCKED: readonly (readonly [prefix: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // Azure's host agent: public by number, answers inside every virtual machine
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 96],
  ['::ffff:0:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  // what lies outside 2000::/3, the only global unicast handed out (RFC 4291 §2.4); `::/8` holds the mapped ones
  ['100::', 8],
  ['200::', 7],
  ['400::', 6],
  ['800::', 5],
  ['1000::', 4],
  ['4000::', 2],
  ['8000::', 1],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];

const blocked = new BlockList();
for (const [prefix, bits] of BLOCKED) blocked.addSubnet(prefix, bits, isIP(prefix) === 6 ? 'ipv6' : 'ipv4');

/** `public`, or the kind of range that `address` belongs to. Anything that is not a plain textual address is `malformed`. */
export function classifyAddress(address: string): string {
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return 'malformed';
  let parsed: ipaddr.IPv4 | ipaddr.IPv6;
  try {
    parsed = ipaddr.parse(address);
  } catch {
    return 'malformed';
  }
  const range = parsed.range();
  if (range !== 'unicast') return range;
  if (blocked.check(address, family === 6 ? 'ipv6' : 'ipv4')) return 'reserved';
  if (parsed.kind() === 'ipv6') {
    const bytes = parsed.toByteArray();
    // 2000::/3 is all that is handed out as global unicast (RFC 4291 §2.5.4)
    if (((bytes[0] ?? 0) & 0xe0) !== 0x20) return 'reserved';
    if (embedsIsatap(bytes)) return 'isatap';
  }
  return 'public';
}

/** ISATAP (RFC 5214 §6.1) holds an IPv4 address in the interface part of any prefix. */
function embedsIsatap(bytes: readonly number[]): boolean {
  return (bytes[8] === 0 || bytes[8] === 2) && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe;
}

/** Makes the guard. */
export function createAddressGuard(options: AddressGuardOptions = {}): AddressGuard {
  const ownListeners = options.ownListeners ?? (() => []);
  const localAddresses = options.localAddresses ?? readLocalAddresses;

  function isOwn(address: string, port: number): boolean {
    const listeners = ownListeners().filter((listener) => listener.port === port);
    if (listeners.length === 0) return false;
    const target = plain(address);
    if (isWildcard(target)) return true;
    return listeners.some((listener) => {
      const own = plain(listener.address);
      if (own === target) return true;
      if (!isWildcard(own)) return false;
      return (
        target === '::1' || target.startsWith('127.') || localAddresses().some((a) => plain(a) === target)
      );
    });
  }

  return {
    refuse(address, port, allowPrivate) {
      if (isIP(address) === 0 || address.includes('%')) return 'malformed';
      if (isOwn(address, port)) return 'own-listener';
      if (allowPrivate) return null;
      const kind = classifyAddress(address);
      return kind === 'public' ? null : kind;
    },
    blockList: (allowPrivate) => (allowPrivate ? null : blocked),
  };
}

/** One spelling per address; an IPv4 address inside `::ffff:` counts as that IPv4 address. */
function plain(address: string): string {
  const bare = address.replace(/%.*$/, '');
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : bare;
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function readLocalAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((entry) => entry.address));
}
