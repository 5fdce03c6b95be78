/**
 * Whether a text is an IP address or block (CIDR), v4 or v6, in the strict forms alone: no leading zeros,
 * no short IPv4, no zone. Says nothing about which addresses are public: that is the server's.
 */

const V4_PART = /^(?:0|[1-9][0-9]{0,2})$/;
const V6_GROUP = /^[0-9a-fA-F]{1,4}$/;
const PREFIX = /^(?:0|[1-9][0-9]{0,2})$/;

/** `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`; bits beyond the prefix may be set. */
export function isIpBlock(text: string): boolean {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const v6 = address.includes(':');
  if (!(v6 ? isIpv6(address) : isIpv4(address))) return false;
  if (slash < 0) return true;
  const prefix = text.slice(slash + 1);
  return PREFIX.test(prefix) && Number(prefix) <= (v6 ? 128 : 32);
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => V4_PART.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const counts = halves.map((half, i) => countGroups(half, i === halves.length - 1));
  if (counts.includes(-1)) return false;
  const total = counts.reduce((sum, n) => sum + n, 0);
  return halves.length === 2 ? total <= 7 : total === 8;
}

/** How many 16-bit groups a half holds, -1 when it is malformed; the last half may end in dotted IPv4. */
function countGroups(half: string, last: boolean): number {
  if (half === '') return 0;
  const groups = half.split(':');
  const tail = groups[groups.length - 1] as string;
  const dotted = last && tail.includes('.');
  if (dotted && !isIpv4(tail)) return -1;
  const plain = dotted ? groups.slice(0, -1) : groups;
  return plain.every((group) => V6_GROUP.test(group)) ? plain.length + (dotted ? 2 : 0) : -1;
}
