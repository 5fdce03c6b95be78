/** What minting refuses, in the words its caller reads, and what stands in a sealed token's open part. */
import { describe, expect, test } from 'vitest';
import { makeClaims } from '../test/support/pairs.ts';
import { decodeBase64Url, decodeUtf8 } from './bytes.ts';
import { MintError } from './errors.ts';
import { parseRai } from './rai.ts';
import type { RaiFile } from './rai-file.ts';
import { createRai } from './rai-make.ts';
import { type MintClaims, sealToken } from './seal.ts';

const relay = 'https://relay.example.com/relayapi/';
const make = (more: Partial<Parameters<typeof createRai>[0]> = {}) =>
  createRai({ method: 'aes', relay, iss: 'shop', ...more }) as {
    issuer: object;
    relay: object;
    shared: object;
  };

function refusalOf(file: RaiFile, extra: Partial<MintClaims> = {}): string {
  try {
    sealToken(file, makeClaims(extra));
  } catch (error) {
    if (error instanceof MintError) return error.message;
    throw error;
  }
  return 'sealed';
}
const issuer = () => parseRai(make().issuer);

describe('minting refuses, and says why', () => {
  test.each<[string, () => RaiFile, Partial<MintClaims>]>([
    ["rai: is a relay's file: mint with the issuer's", () => parseRai(make().relay), {}],
    [
      'relay: is reached over http and is not this machine: tokens would travel in clear',
      () => parseRai(make({ relay: 'http://relay.example.com/' }).issuer),
      {},
    ],
    ['iss: is not the issuer of the .rai file', issuer, { iss: 'other' }],
    ['aud: is not the relay of the .rai file', issuer, { aud: 'other.example.com' }],
    ['limits.tokens: is not supported by this release of the relay', issuer, { limits: { tokens: 1 } }],
    [
      'claims: are not JSON that a relay reads (depth)',
      issuer,
      { meta: JSON.parse('['.repeat(20) + ']'.repeat(20)) },
    ],
    [
      'claims: are not JSON that a relay reads (forbidden name)',
      issuer,
      { set: { a: JSON.parse('{"__proto__":1}') } },
    ],
    [
      "exp: asks for more than the .rai file's allow grants",
      () => parseRai(make({ role: 'shared', allow: { max_ttl_seconds: 60 } }).shared),
      {},
    ],
    ['limits.calls: must be a whole number from 0 to 2^53 - 1', issuer, { limits: { calls: -1 } }],
  ])('%s', (message, file, extra) => {
    expect(refusalOf(file(), extra)).toBe(message);
  });

  test('a token that is too long, with its length and what helps', () => {
    expect(refusalOf(issuer(), { set: { prompt: 'x'.repeat(3500) } })).toMatch(
      /^token: is \d{4} characters long, 4096 is the most: shorten the lists, or keep the key at the relay and name it with "vault"$/,
    );
  });

  test('a file whose "use" names none of its keys', () => {
    for (const method of ['aes', 'ecc'] as const) {
      const file = parseRai(make({ method }).issuer);
      expect(refusalOf({ ...file, use: 'gone' } as RaiFile)).toBe(
        'rai: has no key with the kid that "use" names',
      );
    }
  });

  test('A7 nothing up to 4,096 characters', () => {
    const file = issuer();
    const lengthWith = (n: number) => sealToken(file, makeClaims({ set: { a: 'x'.repeat(n) } })).length;
    const spare = Math.floor(((4096 - lengthWith(0)) * 3) / 4);
    expect(lengthWith(spare)).toBeGreaterThanOrEqual(4094);
    expect(refusalOf(file, { set: { a: 'x'.repeat(spare + 3) } })).toContain('token: is');
  });
});

describe('the open part of a token', () => {
  const headerOf = (token: string) =>
    JSON.parse(decodeUtf8(decodeBase64Url(token.split('.')[0] as string) as Uint8Array) as string);

  test('aes: algorithm, key id and type, nothing else', () => {
    const file = issuer();
    if (file.role === 'relay') throw new Error('an issuer file');
    expect(headerOf(sealToken(file, makeClaims()))).toEqual({
      alg: 'A256KW',
      enc: 'A256GCM',
      kid: file.use,
      typ: 'rai+jwt',
    });
  });

  test('ecc: the same with a key of its own for each token', () => {
    const file = parseRai(make({ method: 'ecc' }).issuer);
    if (file.role === 'relay') throw new Error('an issuer file');
    const [one, two] = [1, 2].map(() => headerOf(sealToken(file, makeClaims())));
    expect(one).toEqual({
      alg: 'ECDH-ES+A256KW',
      enc: 'A256GCM',
      kid: file.use,
      typ: 'rai+jwt',
      cty: 'JWT',
      epk: { kty: 'EC', crv: 'P-256', x: expect.any(String), y: expect.any(String) },
    });
    expect(two.epk.x).not.toBe(one.epk.x);
  });

  test('key, IV and text differ between two tokens of the same claims', () => {
    const file = issuer();
    const [one, two] = [1, 2].map(() => sealToken(file, makeClaims()).split('.')) as [string[], string[]];
    expect(two[0]).toBe(one[0]);
    for (const i of [1, 2, 3, 4]) expect(two[i]).not.toBe(one[i]);
  });
});
