import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isIpBlock } from './ip-syntax.ts';

test.each([
  '0.0.0.0',
  '255.255.255.255',
  '10.0.0.0/8',
  '1.2.3.4/0',
  '1.2.3.4/32',
  '::',
  '::1',
  '1::',
  '1:2:3:4:5:6:7:8',
  '::ffff:1.2.3.4',
  '1:2:3:4:5:6:1.2.3.4',
  '2001:db8::/32',
  '::/0',
  '::1/128',
  'ABCD::',
])('%s is an address or block', (text) => {
  expect(isIpBlock(text)).toBe(true);
});

test.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '01.2.3.4',
  '256.1.1.1',
  '1.2.3.4/33',
  '1.2.3.4/',
  '1.2.3.4/08',
  '1.2.3.4/-1',
  '1.2.3.4/8/8',
  '0x7f.0.0.1',
  '127.1',
  '2130706433',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::8:9',
  '12345::',
  'g::',
  'fe80::1%eth0',
  '::1.2.3',
  '1.2.3.4::',
  '::1/129',
  '[::1]',
  ' ::1',
  'localhost',
])('%j is none', (text) => {
  expect(isIpBlock(text)).toBe(false);
});

test('addresses agree with the platform', () => {
  const part = fc.oneof(
    fc.constantFrom('0', '00', '1', '255', '256', 'ffff', 'fffff', '', 'g'),
    fc.stringMatching(/^[0-9a-f]{1,4}$/),
  );
  const text = fc.oneof(
    fc.array(part, { minLength: 1, maxLength: 9 }).map((p) => p.join(':')),
    fc.array(part, { minLength: 3, maxLength: 5 }).map((p) => p.join('.')),
    fc.tuple(fc.array(part, { maxLength: 7 }), fc.ipV4()).map(([p, v4]) => [...p, v4].join(':')),
    fc.ipV6(),
    fc.ipV4(),
  );
  fc.assert(
    fc.property(text, (address) => {
      expect(isIpBlock(address), address).toBe(isIP(address) !== 0);
    }),
    { numRuns: 3000 },
  );
});
