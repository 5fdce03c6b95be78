/**
 * Several files together: uniqueness, rejection of one alone, revocation, and what judging does with a later keyring.
 */
import {
  allowOf,
  CORE_FEATURES,
  createKeyring,
  createRai,
  judgeToken,
  openToken,
  parseRai,
  type RaiPair,
  sealToken,
} from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { makeClaims, makePair, NOW } from './support/pairs.ts';

const pairFor = (iss: string, method: 'aes' | 'ecc' = 'aes'): RaiPair =>
  createRai({ method, relay: 'https://relay.example.com/', iss });
const at = { now: NOW, supported: CORE_FEATURES };
type Loose = Record<string, unknown>;

describe('A10 files that do not fit together', () => {
  test('A10 a file with the kid of a loaded one is rejected alone', async () => {
    const first = pairFor('first');
    const second = pairFor('second');
    const key = ((first.relay as Loose).keys as object[])[0];
    const clash = { ...second.relay, keys: [key] };
    const third = pairFor('third', 'ecc');
    const files = [first.relay, clash, third.relay].map((file, i) => ({
      name: `${i}.rai`,
      file: parseRai(file),
    }));
    const { keyring, rejected } = await createKeyring(files, { generation: 7 });
    expect(keyring.generation).toBe(7);
    expect([...keyring.issuers].sort()).toEqual(['first', 'third']);
    expect(rejected.map((r) => r.name)).toEqual(['1.rai']);
    expect(rejected[0]?.problems[0]?.path).toBe('$.keys[0].kid');
    expect(keyring.kids.length).toBe(3);
  });

  test('A10 a file with the iss of a loaded one is rejected alone, of any method', async () => {
    const files = [pairFor('same').relay, pairFor('same', 'ecc').relay, pairFor('other').relay];
    const { keyring, rejected } = await createKeyring(
      files.map((file, i) => ({ name: `${i}.rai`, file: parseRai(file) })),
      { generation: 1 },
    );
    expect(rejected).toHaveLength(1);
    expect(rejected[0]?.problems.map((p) => p.path)).toEqual(['$.issuers[0].iss']);
    expect([...keyring.issuers].sort()).toEqual(['other', 'same']);
  });

  test("an issuer's file is not loaded by a relay, and the reason says which one to give it", async () => {
    const { keyring, rejected } = await createKeyring(
      [{ name: 'i.rai', file: parseRai(pairFor('a').issuer) }],
      { generation: 1 },
    );
    expect(keyring.kids).toEqual([]);
    expect(rejected[0]?.problems[0]?.path).toBe('$.role');
  });

  test('two files of the same name do not share signers', async () => {
    const one = pairFor('one', 'ecc');
    const two = pairFor('two', 'ecc');
    const files = [one.relay, two.relay].map((file) => ({ name: 'same.rai', file: parseRai(file) }));
    const { keyring } = await createKeyring(files, { generation: 1 });
    const crossed = { ...one.issuer, iss: 'two', sign: (two.issuer as Loose).sign };
    expect(await openToken(sealToken(parseRai(crossed), makeClaims({ iss: 'two' })), keyring, at)).toBeNull();
    expect(
      await openToken(sealToken(parseRai(two.issuer), makeClaims({ iss: 'two' })), keyring, at),
    ).not.toBeNull();
  });

  test('a keyring shows no key and cannot be changed', async () => {
    const { keyring, raw } = await makePair('aes');
    const k = (raw.issuer.keys as { k: string }[])[0]?.k as string;
    expect(JSON.stringify(keyring)).not.toContain(k);
    expect(
      Object.isFrozen(keyring) && Object.isFrozen(keyring.entries) && Object.isFrozen(keyring.entries[0]),
    ).toBe(true);
    await expect(openToken('a.b.c.d.e', { ...keyring }, at)).resolves.toBeNull();
  });
});

describe('judging against a later keyring', () => {
  const reload = async (relay: object, change: Loose) =>
    (await createKeyring([{ name: 'r.rai', file: parseRai({ ...relay, ...change }) }], { generation: 2 }))
      .keyring;

  test('a token whose key is gone is token_invalid, and has no allow', async () => {
    const { issuer, keyring } = await makePair('aes');
    const opened = await openToken(sealToken(issuer, makeClaims()), keyring, at);
    if (opened === null) throw new Error('refused');
    const other = await makePair('aes');
    expect(judgeToken(opened, keyring, at)).toBeNull();
    expect(judgeToken(opened, other.keyring, at)).toEqual({ code: 'token_invalid' });
    expect(allowOf(opened, keyring)?.max_ttl_seconds).toBe(86_400);
    expect(allowOf(opened, other.keyring)).toBeNull();
  });

  test.each([
    [{ iat_before: NOW, sub: {}, jti: [] }, 'iat'],
    [{ iat_before: 0, sub: {}, jti: ['AAECAwQFBgcICQoL'] }, 'jti'],
    [{ iat_before: 0, sub: { 'user-42': NOW }, jti: [] }, 'sub'],
  ])('%j revokes by %s', async (revoke, claim) => {
    const { issuer, keyring, raw } = await makePair('aes');
    const opened = await openToken(sealToken(issuer, makeClaims({ sub: 'user-42' })), keyring, at);
    if (opened === null) throw new Error('refused');
    const later = await reload(raw.relay, { revoke });
    expect(judgeToken(opened, later, at)).toEqual({ code: 'token_revoked', claim });
  });

  test('a kid is revoked, outer or signing', async () => {
    const { issuer, keyring, raw } = await makePair('ecc');
    const opened = await openToken(sealToken(issuer, makeClaims()), keyring, at);
    if (opened === null) throw new Error('refused');
    const entry = (raw.relay.issuers as Loose[])[0] as Loose;
    for (const kid of [opened.kid, opened.signerKid]) {
      const issuers = [{ ...entry, revoke: { kid: [kid] } }];
      expect(judgeToken(opened, await reload(raw.relay, { issuers }), at)).toEqual({
        code: 'token_revoked',
        claim: 'kid',
      });
    }
  });

  test('a file that now grants less is heeded', async () => {
    const { issuer, keyring, raw } = await makePair('aes');
    const opened = await openToken(sealToken(issuer, makeClaims()), keyring, at);
    if (opened === null) throw new Error('refused');
    const later = await reload(raw.relay, { allow: { providers: ['groq'] } });
    expect(judgeToken(opened, later, at)).toEqual({ code: 'claim_not_allowed', claim: 'upstream.provider' });
  });

  test('account-wide paths need the leave of the file', async () => {
    const { issuer, keyring } = await makePair('aes', { paths: ['GET /files/*', 'GET /batches'] });
    const reachesAccount = (_upstream: unknown, path: string): boolean => !path.startsWith('POST /chat');
    const judge = async (...paths: string[]): Promise<unknown> => {
      const opened = await openToken(sealToken(issuer, makeClaims({ paths })), keyring, at);
      if (opened === null) throw new Error('refused');
      return judgeToken(opened, keyring, { ...at, reachesAccount });
    };
    const no = { code: 'claim_not_allowed', claim: 'paths' };
    expect(
      await judge('POST /chat/completions', 'GET /files/abc', 'GET /files/*', 'GET /batches'),
    ).toBeNull();
    expect(await judge('GET /files')).toEqual(no);
    expect(await judge('DELETE /files/abc')).toEqual(no);
    expect(await judge('GET /batches/*')).toEqual(no);
    expect(await judge('GET /*')).toEqual(no);
  });

  test('the digest of the claims tells two tokens of one jti apart', async () => {
    const { issuer, keyring } = await makePair('aes');
    const open = async (sub: string) => openToken(sealToken(issuer, makeClaims({ sub })), keyring, at);
    const [a, b, again] = [await open('a'), await open('b'), await open('a')];
    expect(a?.claimsDigest).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(a?.claimsDigest).not.toBe(b?.claimsDigest);
    expect(a?.claimsDigest).toBe(again?.claimsDigest);
  });
});
