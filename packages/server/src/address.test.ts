/** Addresses: what is one, how it is written, which range and group it is in. */
import { describe, expect, test } from 'vitest';
import { formatAddress, groupOf, parseAddress, parseRange, rangeHolds, siteOf } from './address.ts';

const canonical = (text: string) => {
  const address = parseAddress(text);
  return address && formatAddress(address);
};

describe('reading and writing', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8::00ff', '2001:db8::ff'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['fe80::1%eth0', 'fe80::1'],
    ['1::8', '1::8'],
  ])('%s is %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  test.each([
    '',
    'localhost',
    '127.1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '0x7f.0.0.1',
    '2130706433',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.-4',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::1',
    '::1.2.3.4:5',
    '1.2.3.4::',
    '::1.2.3',
    'fe80::1%',
    'fe80::1%e/0',
    '[::1]',
    ':1',
    '1:',
    `${'1'.repeat(70)}::`,
  ])('%j is no address', (text) => {
    expect(parseAddress(text)).toBeNull();
  });
});

describe('ranges', () => {
  const holds = (range: string, address: string) => {
    const [r, a] = [parseRange(range), parseAddress(address)];
    if (r === null || a === null) throw new Error('bad test');
    return rangeHolds(r, a);
  };

  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '203.0.113.9', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '::1', true],
    ['::ffff:10.0.0.0/104', '10.1.1.1', true],
    ['10.0.0.0/8', '::ffff:10.1.1.1', true],
  ])('%s against %s: %s', (range, address, expected) => {
    expect(holds(range, address)).toBe(expected);
  });

  test.each([
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/08',
    '::/129',
    '10/8',
    '::ffff:10.0.0.0/8',
    'fe80::%eth0/64',
    'x/8',
  ])('%j is no range', (text) => {
    expect(parseRange(text)).toBeNull();
  });
});

describe('groups', () => {
  test.each([
    ['192.0.2.77', '192.0.2.77'],
    ['::ffff:192.0.2.77', '192.0.2.77'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '::/64'],
    ['64:ff9b::192.0.2.77', '192.0.2.77'],
    ['64:ff9b:1::192.0.2.77', '64:ff9b:1::/64'],
    ['64:ff9b::1:192.0.2.77', '64:ff9b::/64'],
  ])('%s counts as %s', (text, group) => {
    const address = parseAddress(text);
    expect(address && groupOf(address)).toBe(group);
  });

  test.each([
    ['192.0.2.77', null],
    ['2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['2001:db8:1::/64', '2001:db8:1::/48'],
    ['::/64', '::/48'],
  ])('%s belongs to the site %s', (group, site) => {
    expect(siteOf(group)).toBe(site);
  });
});
