/** Addresses as text (src/address.ts) and the chain of forwarding headers, against node:net. */
import { isIP, SocketAddress } from 'node:net';
import { formatAddress, groupOf, parseAddress, parseRange, rangeHolds } from '../../../../src/address.ts';
import { findClient } from '../../../../src/ingress/client-address.ts';
import { type FuzzTarget, hold } from '../target.ts';

const TRUSTED = ['10.0.0.0/8', '2001:db8::/32', '127.0.0.1']
  .map((text) => parseRange(text))
  .filter((range) => range !== null);
const PEER = '10.1.2.3';

function checkAddress(text: string): string {
  const address = parseAddress(text);
  const plain = text.split('%', 1)[0] as string;
  if (address === null) {
    hold(text.includes('%') || text.length > 64 || isIP(text) === 0, 'node reads an address here');
    return 'no address';
  }
  hold(isIP(plain) !== 0, 'node reads no address here');
  const written = formatAddress(address);
  hold(isIP(written) === address.version, 'written as something else');
  const again = parseAddress(written);
  hold(
    again !== null && again.value === address.value && again.version === address.version,
    'read back differently',
  );
  hold(formatAddress(again) === written, 'no one spelling');
  const family = isIP(plain) === 4 ? 'ipv4' : 'ipv6';
  const theirs = new SocketAddress({ address: plain, family }).address;
  // node writes mapped addresses in their own form; they are IPv4 here
  hold(
    theirs.replace(/^::ffff:(?=\d+\.)/i, '') === written || parseAddress(theirs)?.value === address.value,
    'node reads another address',
  );
  hold(
    groupOf(address).startsWith(address.version === 4 ? written : '') &&
      parseRange(groupOf(address)) !== null,
    'a group that is no range',
  );
  return `v${address.version}${family === 'ipv6' && address.version === 4 ? ' mapped' : ''}`;
}

function checkRange(text: string): string {
  const range = parseRange(text);
  if (range === null) return 'no range';
  hold(range.prefix >= 0 && range.prefix <= (range.version === 4 ? 32 : 128), 'prefix');
  hold(rangeHolds(range, range), 'a range without its own base');
  const bits = BigInt((range.version === 4 ? 32 : 128) - range.prefix);
  if (bits > 0n)
    hold(rangeHolds(range, { version: range.version, value: range.value ^ 1n }), 'the neighbour within');
  if (range.prefix > 0)
    hold(
      !rangeHolds(range, { version: range.version, value: range.value ^ (1n << bits) }),
      'the neighbour without',
    );
  return `range ${range.version}`;
}

function checkChain(text: string): string {
  const lines = text.split('\n');
  const found = findClient(PEER, lines, TRUSTED);
  hold(found !== null, 'nobody');
  const written = formatAddress(found);
  hold(findClient(PEER, [lines.join(',')], TRUSTED)?.value === found.value, 'lines and one line differ');
  hold(
    findClient('192.0.2.1', lines, TRUSTED)?.value === parseAddress('192.0.2.1')?.value,
    'an untrusted peer was believed',
  );
  // whatever stands further left, the caller may have written it
  hold(
    findClient(PEER, [`6.6.6.6, ${lines[0]}`, ...lines.slice(1)], TRUSTED)?.value === found.value ||
      TRUSTED.some((range) => rangeHolds(range, found)),
    'an entry on the left changed the client',
  );
  if (written === PEER) return 'peer';
  const entries = lines
    .join(',')
    .split(',')
    .map((entry) => entry.trim());
  hold(
    entries.some(
      (entry) =>
        entry !== '' &&
        parseAddress(entry.replace(/^\[([^\]]*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1'))
          ?.value === found.value,
    ),
    'an address that nobody named',
  );
  return 'named';
}

export const addressTarget: FuzzTarget = {
  name: 'address',
  sources: /server\/src\/(?:address|ingress\/client-address)\.ts$/,
  seeds: [
    '127.0.0.1',
    '::1',
    '2001:db8::ff00:42:8329',
    '::ffff:10.0.0.1',
    '1:2:3:4:5:6:7:8',
    'fe80::1%eth0',
    '10.0.0.0/8',
    '2001:db8::/32',
    '203.0.113.7, [2001:db8::1]:443, 10.0.0.1:80',
    '::ffff:0:0/96',
    '1.2.3.4\n10.0.0.9',
  ],
  dictionary: [
    ...': :: . / % , [ ] %eth0 %25 0 00 1 127 255 256 0x7f 0177 ffff 10000 ::ffff: 64:ff9b:: 10.0.0.1 127.1 2001:db8:: :80 :99999 /0 /32 /33 /96 /128 /129 -1 + e 127.0.0.1. \u0660'.split(
      ' ',
    ),
    ' ',
    '\t',
    '\n',
    '"',
  ],
  maxLength: 300,
  check: (input) => `${checkAddress(input)}, ${checkRange(input)}, ${checkChain(input)}`,
};
