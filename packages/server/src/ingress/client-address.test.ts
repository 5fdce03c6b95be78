/** The client's address behind proxies: every row of test/hostile/corpora/forwarded-for. */
import { expect, test } from 'vitest';
import { rowsOf } from '../../test/hostile/corpora/rows.ts';
import { type AddressRange, formatAddress, parseRange } from '../address.ts';
import { findClient, isTrustedPeer } from './client-address.ts';

interface Row {
  readonly what: string;
  readonly peer: string | null;
  readonly lines: readonly string[];
  readonly client: string | null;
}
const TRUSTED = ['10.0.0.0/8', '127.0.0.1', '2001:db8:aaaa::/48'].map(
  (text) => parseRange(text) as AddressRange,
);
const ROWS = rowsOf<Row>('forwarded-for');

test('A52 there are over forty chains', () => {
  expect(ROWS.length).toBeGreaterThan(80);
});

test.each(ROWS)('A52 $what', ({ peer, lines, client }) => {
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

test.each<[string | null, boolean]>([
  ['10.0.0.1', true],
  ['::ffff:10.0.0.1', true],
  ['127.0.0.1', true],
  ['203.0.113.7', false],
  ['11.0.0.1', false],
  ['pipe', false],
  ['', false],
  [null, false],
])('A52 the other end %s is a trusted proxy: %s', (peer, trusted) => {
  const ranges = ['10.0.0.0/8', '127.0.0.1'].map((text) => parseRange(text) as AddressRange);
  expect(isTrustedPeer(peer, ranges)).toBe(trusted);
  expect(isTrustedPeer(peer, [])).toBe(false);
});

test('A52 digits behind a bracket are a port after a colon alone', () => {
  const ranges = [parseRange('10.0.0.0/8') as AddressRange];
  const found = findClient('10.0.0.1', ['[2001:db8::7]x443'], ranges);
  expect(found && formatAddress(found)).toBe('10.0.0.1');
});
