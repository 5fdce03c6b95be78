import { expect, test } from 'vitest';
import { findToken, isLoopbackUrl, joinRelayUrl } from './relay-url.ts';
import { isTokenShaped, MAX_TOKEN_LENGTH } from './token-shape.ts';

const token = 'eyJh.AAAA.BBBB.CCCC.DDDD';

test('a token is joined with exactly one slash', () => {
  expect(joinRelayUrl('https://a.example/relayapi/', token)).toBe(`https://a.example/relayapi/${token}`);
  expect(joinRelayUrl('https://a.example/relayapi', token)).toBe(`https://a.example/relayapi/${token}`);
});

test.each([
  [token, 'bare'],
  [`ek_${token}`, 'with the prefix of realtime keys'],
  [` ${token}\n`, 'as pasted'],
  [`https://a.example/relayapi/${token}`, 'as a base URL'],
  [`https://a.example/relayapi/${token}/v1/chat/completions?a=1`, 'as a whole URL'],
  [`http://127.0.0.1:8840/${token}#x`, 'under the root'],
])('the token in %s is found (%s)', (text) => {
  expect(findToken(text)?.reveal()).toBe(token);
});

test.each([
  '',
  'sk-demo-not-a-key',
  'https://a.example/',
  `https://a.example/?t=${token}`,
  `https://a.example/#${token}`,
  `https://${token}/`,
  `${token}.EEEE`,
])('no token is found in %j', (text) => {
  expect(findToken(text)).toBeNull();
});

test('the shape of a token has five parts and a length', () => {
  expect(isTokenShaped(token)).toBe(true);
  expect(isTokenShaped(`${token}\n`)).toBe(false);
  const filled = (n: number): string => `A.A.A.A.${'A'.repeat(n - 8)}`;
  expect(isTokenShaped(filled(MAX_TOKEN_LENGTH))).toBe(true);
  expect(isTokenShaped(filled(MAX_TOKEN_LENGTH + 1))).toBe(false);
});

test.each([
  ['http://localhost:8840/', true],
  ['http://app.localhost/', true],
  ['http://127.0.0.1/', true],
  ['http://127.8.9.10/', true],
  ['http://[::1]:1/', true],
  ['http://relay.example.com/', false],
  ['http://127.0.0.1.example.com/', false],
  ['http://localhost.example.com/', false],
  ['http://10.0.0.1/', false],
  ['http://0.0.0.0/', false],
])('%s is this machine: %s', (url, expected) => {
  expect(isLoopbackUrl(url)).toBe(expected);
});
