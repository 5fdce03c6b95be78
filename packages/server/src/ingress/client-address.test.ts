/** The client's address behind proxies: the table of A52. */
import { expect, test } from 'vitest';
import { type AddressRange, formatAddress, parseRange } from '../address.ts';
import { findClient } from './client-address.ts';

const TRUSTED = ['10.0.0.0/8', '127.0.0.1', '2001:db8:aaaa::/48'].map(
  (text) => parseRange(text) as AddressRange,
);

const cases: [why: string, peer: string | null, lines: string[], client: string | null][] = [
  ['no header', '203.0.113.7', [], '203.0.113.7'],
  ['an untrusted peer is never believed', '203.0.113.7', ['198.51.100.1'], '203.0.113.7'],
  ['a trusted peer names the client', '10.0.0.1', ['198.51.100.1'], '198.51.100.1'],
  ['spoofed entries on the left are not reached', '10.0.0.1', ['1.1.1.1, 198.51.100.1'], '198.51.100.1'],
  ['a chain of trusted proxies', '10.0.0.1', ['198.51.100.1, 10.0.0.9, 10.0.0.8'], '198.51.100.1'],
  [
    'a spoofed trusted address left of the client',
    '10.0.0.1',
    ['10.0.0.5, 198.51.100.1, 10.0.0.9'],
    '198.51.100.1',
  ],
  ['two header lines are one list in order', '10.0.0.1', ['1.1.1.1', '198.51.100.1'], '198.51.100.1'],
  ['two lines, the last one a trusted hop', '10.0.0.1', ['198.51.100.1', '10.0.0.9'], '198.51.100.1'],
  ['an IPv4 port', '10.0.0.1', ['198.51.100.1:51234'], '198.51.100.1'],
  ['an IPv6 port', '10.0.0.1', ['[2001:db8::7]:443'], '2001:db8::7'],
  ['brackets without a port', '10.0.0.1', ['[2001:db8::7]'], '2001:db8::7'],
  ['IPv6 bare', '10.0.0.1', ['2001:DB8:0::7'], '2001:db8::7'],
  ['a zone id', '10.0.0.1', ['fe80::7%eth0'], 'fe80::7'],
  ['a zone id of the peer', 'fe80::7%eth0', ['198.51.100.1'], 'fe80::7'],
  ['mapped IPv6 as an entry', '10.0.0.1', ['::ffff:198.51.100.1'], '198.51.100.1'],
  ['a mapped peer is trusted as IPv4', '::ffff:10.0.0.1', ['198.51.100.1'], '198.51.100.1'],
  ['an IPv6 proxy', '2001:db8:aaaa::1', ['198.51.100.1'], '198.51.100.1'],
  ['malformed: the address to its right stands', '10.0.0.1', ['198.51.100.1, unknown'], '10.0.0.1'],
  ['malformed behind a trusted hop', '10.0.0.1', ['198.51.100.1, _hidden, 10.0.0.9'], '10.0.0.9'],
  ['an empty entry', '10.0.0.1', ['198.51.100.1,'], '10.0.0.1'],
  ['an empty header', '10.0.0.1', [''], '10.0.0.1'],
  ['a short form', '10.0.0.1', ['127.1'], '10.0.0.1'],
  ['a quoted entry', '10.0.0.1', ['"198.51.100.1"'], '10.0.0.1'],
  ['a bad port', '10.0.0.1', ['198.51.100.1:http'], '10.0.0.1'],
  ['a port of six digits', '10.0.0.1', ['198.51.100.1:443443'], '10.0.0.1'],
  ['a port with text before it', '10.0.0.1', ['198.51.100.1:x443'], '10.0.0.1'],
  ['a port with text behind it', '10.0.0.1', ['198.51.100.1:443x'], '10.0.0.1'],
  ['a bracket with a bad port', '10.0.0.1', ['[2001:db8::7]:http'], '10.0.0.1'],
  ['a bracket with digits but no colon', '10.0.0.1', ['[2001:db8::7]x443'], '10.0.0.1'],
  ['a blank within an address', '10.0.0.1', ['198.51 .100.1'], '10.0.0.1'],
  ['a blank within the port', '10.0.0.1', ['198.51.100.1: 443'], '10.0.0.1'],
  ['an open bracket', '10.0.0.1', ['[2001:db8::7'], '10.0.0.1'],
  ['IPv4 in brackets', '10.0.0.1', ['[198.51.100.1]'], '10.0.0.1'],
  ['text after the bracket', '10.0.0.1', ['[2001:db8::7]x'], '10.0.0.1'],
  ['tabs and spaces around', '10.0.0.1', [' \t198.51.100.1\t '], '198.51.100.1'],
  ['only proxies: the leftmost', '10.0.0.1', ['10.0.0.3, 10.0.0.2'], '10.0.0.3'],
  ['an unknown peer believes nothing', null, ['198.51.100.1'], null],
  ['a malformed peer', 'pipe', ['198.51.100.1'], null],
];

test.each(cases)('A52 %s', (_why, peer, lines, client) => {
  const found = findClient(peer, lines, TRUSTED);
  expect(found && formatAddress(found)).toBe(client);
});

test('A52 without trusted proxies no header counts', () => {
  const found = findClient('127.0.0.1', ['198.51.100.1'], []);
  expect(found && formatAddress(found)).toBe('127.0.0.1');
});

test('A52 ten thousand entries cost no more than a walk', () => {
  const line = Array<string>(10_000).fill('10.0.0.2').join(',');
  const found = findClient('10.0.0.1', [`198.51.100.1,${line}`], TRUSTED);
  expect(found && formatAddress(found)).toBe('198.51.100.1');
});
