/**
 * IP addresses as text: strict reading (RFC 3986 §3.2.2 forms, no `127.1`, no octal), canonical writing (RFC 5952), ranges, groups.
 * Not here: which address is the client's (ingress/client-address.ts), nor which may be called (runtime/node/addresses.ts).
 */

/** An address as a number; IPv4-mapped IPv6 is read as the IPv4 address it stands for. */
export interface Address {
  readonly version: 4 | 6;
  readonly value: bigint;
}

/** A CIDR range, or one address with the full prefix. */
export interface AddressRange {
  readonly version: 4 | 6;
  readonly value: bigint;
  readonly prefix: number;
}

const V4_PART = /^(?:0|[1-9]\d{0,2})$/;
const V6_PART = /^[0-9A-Fa-f]{1,4}$/;
const MAPPED = 0xffffn;

function parseV4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0n;
  for (const part of parts) {
    const number = Number(part);
    if (!V4_PART.test(part) || number > 255) return null;
    value = (value << 8n) | BigInt(number);
  }
  return value;
}

/** The 16-bit groups of one side of `::`; null when malformed. A dotted tail counts as two groups. */
function parseGroups(text: string, dottedAllowed: boolean): bigint[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: bigint[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const tail = dottedAllowed && index === parts.length - 1 ? parseV4(part) : null;
      if (tail === null) return null;
      groups.push(tail >> 16n, tail & 0xffffn);
    } else if (V6_PART.test(part)) groups.push(BigInt(`0x${part}`));
    else return null;
  }
  return groups;
}

function parseV6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const open = halves.length === 2;
  const head = parseGroups(halves[0] as string, !open);
  const tail = open ? parseGroups(halves[1] as string, true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (open ? missing < 1 : missing !== 0) return null;
  const groups = [...head, ...Array<bigint>(missing).fill(0n), ...tail];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/** Reads an address without port or brackets; a zone id (`%eth0`) is dropped. Null when it is not one. */
export function parseAddress(text: string): Address | null {
  if (text.length > 64) return null;
  if (!text.includes(':')) {
    const value = parseV4(text);
    return value === null ? null : { version: 4, value };
  }
  const zone = text.indexOf('%');
  if (zone !== -1 && !/^%[A-Za-z0-9._~-]+$/.test(text.slice(zone))) return null;
  const value = parseV6(zone === -1 ? text : text.slice(0, zone));
  if (value === null) return null;
  return value >> 32n === MAPPED ? { version: 4, value: value & 0xffffffffn } : { version: 6, value };
}

/** Reads an address or a CIDR range; host bits are ignored. Null when malformed. */
export function parseRange(text: string): AddressRange | null {
  const slash = text.indexOf('/');
  const base = slash === -1 ? text : text.slice(0, slash);
  const address = base.includes('%') ? null : parseAddress(base);
  if (address === null) return null;
  const bits = address.version === 4 ? 32 : 128;
  if (slash === -1) return { ...address, prefix: bits };
  const length = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(length)) return null;
  const prefix = Number(length) - (address.version === 4 && base.includes(':') ? 96 : 0);
  return prefix < 0 || prefix > bits ? null : { ...address, prefix };
}

/** Whether a range holds an address. */
export function rangeHolds(range: AddressRange, address: Address): boolean {
  if (range.version !== address.version) return false;
  const shift = BigInt((range.version === 4 ? 32 : 128) - range.prefix);
  return range.value >> shift === address.value >> shift;
}

/** Canonical text: dotted IPv4; IPv6 in lower case, its longest run of zeros shortened. */
export function formatAddress(address: Address): string {
  if (address.version === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => (address.value >> shift) & 255n).join('.');
  }
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((address.value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  let [start, length] = [0, 1];
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (groups[i + run] === '0') run++;
    if (run > length) [start, length] = [i, run];
  }
  if (length === 1) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** `64:ff9b::/96` (RFC 6052) without its last 32 bits: a translator's IPv4 callers all come from this one /64. */
const TRANSLATED = 0x64ff9bn << 64n;

/** What limits per address count by: an IPv4 address whole, an IPv6 address by its /64, a translated one as the IPv4 address in it. */
export function groupOf(address: Address): string {
  if (address.version === 4) return formatAddress(address);
  if (address.value >> 32n === TRANSLATED) {
    return formatAddress({ version: 4, value: address.value & 0xffffffffn });
  }
  return `${formatAddress({ version: 6, value: (address.value >> 64n) << 64n })}/64`;
}

/** The /48 around an IPv6 group of `groupOf`, about what one customer may hold; null for IPv4. */
export function siteOf(group: string): string | null {
  const range = group.endsWith('/64') ? parseRange(group) : null;
  return range && `${formatAddress({ version: 6, value: (range.value >> 80n) << 80n })}/48`;
}
