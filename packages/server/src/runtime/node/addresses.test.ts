import { describe, expect, test } from 'vitest';
import { rowsOf } from '../../../test/hostile/corpora/rows.ts';
import { classifyAddress, createAddressGuard } from './addresses.ts';

interface Row {
  readonly address: string;
  readonly what: string;
  readonly must: 'denied' | 'dialled';
}
const ROWS = rowsOf<Row>('addresses');
const HOSTILE = ROWS.filter(({ must }) => must === 'denied');
const PUBLIC = ROWS.filter(({ must }) => must === 'dialled');
/** What is no address in the plain form that a resolver gives. */
const MALFORMED = [
  ...['127.1', '0177.0.0.1', '0x7f.0.0.1', '2130706433', 'localhost', '', '8.8.8.8.', '[::1]', '8.8.8.8/8'],
  ...['fe80::1%lo', '2606:4700:4700::1111%lo', ' 1.1.1.1', '1.1.1.1:443', '１.1.1.1', '1.1.1.1\0'],
];

test('A18 there are over a hundred addresses that the guard is tried on', () => {
  expect(HOSTILE.length).toBeGreaterThan(300);
  expect(PUBLIC.length).toBeGreaterThan(50);
});

describe('A18 only public unicast may be dialled', () => {
  const guard = createAddressGuard();
  test.each(HOSTILE)('$address ($group, $what) is refused', ({ address }) => {
    expect(guard.refuse(address, 443, false)).not.toBeNull();
    expect(classifyAddress(address)).not.toBe('public');
  });
  test.each(PUBLIC)('$address ($what) may be', ({ address }) => {
    expect(guard.refuse(address, 443, false)).toBeNull();
  });
  test.each(MALFORMED)('%j is no address', (text) => {
    expect(guard.refuse(text, 443, false)).toBe('malformed');
    expect(guard.refuse(text, 443, true)).toBe('malformed');
    expect(classifyAddress(text)).toBe('malformed');
  });
});

test('the list for net.connect matches public addresses as little as the guard does', () => {
  const list = createAddressGuard().blockList(false);
  for (const { address } of PUBLIC) {
    expect(list?.check(address, address.includes(':') ? 'ipv6' : 'ipv4')).toBe(false);
  }
  // a second wall of its own: all but what only the form of the bytes gives away, and mapped public addresses, which it reads as IPv4
  const passed = HOSTILE.filter(
    ({ address }) => !list?.check(address, address.includes(':') ? 'ipv6' : 'ipv4'),
  );
  const others = passed.map(({ address }) => address).filter((address) => !address.includes(':5efe:'));
  expect(others.sort()).toEqual(
    [
      '80::',
      'ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      '::ffff:8.8.8.8',
      '::ffff:808:808',
      '::ffff:8000:0',
    ].sort(),
  );
  expect(list?.check('127.0.0.1')).toBe(true);
  expect(list?.check('::ffff:127.0.0.1', 'ipv6')).toBe(true);
  expect(createAddressGuard().blockList(true)).toBeNull();
});

describe('a destination that config lists', () => {
  const ownListeners = () => [
    { address: '127.0.0.1', port: 8840 },
    { address: '::', port: 8841 },
  ];
  const guard = createAddressGuard({ ownListeners, localAddresses: () => ['192.0.2.7', 'fe80::2%eth0'] });

  test('may be private', () => {
    expect(guard.refuse('127.0.0.1', 11_434, true)).toBeNull();
    expect(guard.refuse('10.0.0.1', 8840, true)).toBeNull();
    expect(guard.refuse('::1', 8840, true)).toBeNull();
    expect(guard.refuse('fe80::1%eth0', 80, true)).toBe('malformed');
    expect(guard.refuse('not an address', 80, true)).toBe('malformed');
  });

  test.each([
    ['127.0.0.1', 8840],
    ['::ffff:127.0.0.1', 8840],
    ['::ffff:7f00:1', 8840],
    ['0.0.0.0', 8840],
    ['::', 8840],
    ['127.0.0.1', 8841],
    ['127.9.9.9', 8841],
    ['::1', 8841],
    ['192.0.2.7', 8841],
    ['::ffff:192.0.2.7', 8841],
    ['fe80::2', 8841],
  ])('may not be the relay itself: %s port %i', (address, port) => {
    expect(guard.refuse(address, port, true)).toBe('own-listener');
    expect(guard.refuse(address, port, false)).not.toBeNull();
  });

  test('a listener on all addresses is found on this machine’s own interfaces', () => {
    const real = createAddressGuard({ ownListeners: () => [{ address: '0.0.0.0', port: 80 }] });
    expect(real.refuse('127.0.0.1', 80, true)).toBe('own-listener');
    expect(real.refuse('10.99.99.99', 80, true)).toBeNull();
  });
});
