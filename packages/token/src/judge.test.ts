import { describe, expect, test } from 'vitest';
import { makeClaims, makePair, NOW } from '../test/support/pairs.ts';
import { type Claims, CORE_FEATURES } from './claims.ts';
import { findExcess, judgeToken } from './judge.ts';
import { createKeyring, type Keyring } from './keyring.ts';
import { openToken } from './open.ts';
import type { OpenedToken } from './open-checks.ts';
import { parseRai } from './rai.ts';
import type { Allow } from './rai-allow.ts';
import { sealToken } from './seal.ts';

type Loose = Record<string, unknown>;
const at = (now: number) => ({ now, supported: CORE_FEATURES });

const grant = (more: Partial<Allow> = {}): Allow => ({
  hosts: [],
  vault: [],
  paths: [],
  max_ttl_seconds: 600,
  require: [],
  ...more,
});
const claims = (more: Partial<Claims> = {}): Claims => ({
  iss: 'shop',
  aud: 'relay.example.com',
  jti: 'AAECAwQFBgcICQoL',
  iat: 1000,
  exp: 1600,
  upstream: [{ provider: 'openai' }],
  limits: {},
  ...more,
});

describe('a key file grants', () => {
  test('A16 a life up to max_ttl_seconds, to the second', () => {
    expect(findExcess(claims(), grant())).toBeNull();
    expect(findExcess(claims({ exp: 1601 }), grant())).toBe('exp');
  });

  test('up to max_calls, and nothing to a token that names no number', () => {
    const allow = grant({ max_calls: 5 });
    expect(findExcess(claims({ limits: { calls: 5 } }), allow)).toBeNull();
    expect(findExcess(claims({ limits: { calls: 6 } }), allow)).toBe('limits.calls');
    expect(findExcess(claims(), allow)).toBe('limits.calls');
    expect(findExcess(claims({ limits: { attempts: 1 } }), allow)).toBe('limits.calls');
    expect(findExcess(claims({ limits: { calls: 0 } }), grant({ max_calls: 0 }))).toBeNull();
  });

  test('nothing without the claims and limits that it requires', () => {
    const allow = grant({ require: ['rate', 'origins'] });
    expect(findExcess(claims(), allow)).toBe('limits.rate');
    expect(findExcess(claims({ limits: { rate: [1, 1] } }), allow)).toBe('origins');
    expect(findExcess(claims({ limits: { rate: [1, 1] }, origins: [] }), allow)).toBeNull();
  });

  test('a sub of bounds to those alone who name one', () => {
    const allow = grant({ per_sub: { calls: 1 } });
    expect(findExcess(claims(), allow)).toBe('sub');
    expect(findExcess(claims({ sub: 'user-42' }), allow)).toBeNull();
  });

  test('listed vault names, and hosts with the port as they stand', () => {
    const vault = claims({ upstream: [{ provider: 'openai', vault: 'main' }] });
    expect(findExcess(vault, grant())).toBe('upstream.vault');
    expect(findExcess(vault, grant({ vault: ['main'] }))).toBeNull();
    const base = claims({ upstream: [{ provider: 'openai', base: 'https://llm.example:8443/v1' }] });
    expect(findExcess(base, grant({ hosts: ['llm.example'] }))).toBe('upstream.base');
    expect(findExcess(base, grant({ hosts: ['llm.example:8443'] }))).toBeNull();
  });

  test('every upstream of a list, or the token is refused', () => {
    const two = claims({ upstream: [{ provider: 'openai' }, { provider: 'groq' }] });
    expect(findExcess(two, grant({ providers: ['openai'] }))).toBe('upstream.provider');
    expect(findExcess(two, grant({ providers: ['openai', 'groq'] }))).toBeNull();
  });

  test.each<[string, Partial<Claims>]>([
    ['money', { limits: { micro_usd: 1 } }],
    ['model tokens', { limits: { tokens: 1 } }],
    ['replay', { limits: { calls: 1 }, replay: 'nonce' }],
    ['the first address', { ips: 'first' }],
  ])('no open store for %s, whatever it says', (_what, more) => {
    const open = { ...more, store_down: 'open' as const };
    expect(findExcess(claims(open), grant({ store_down: true }))).toBe('store_down');
    expect(findExcess(claims({ ...more, store_down: 'closed' }), grant())).toBeNull();
  });

  test('an open store where it says so', () => {
    const open = claims({ store_down: 'open', ips: ['192.0.2.1'], limits: { calls: 1 } });
    expect(findExcess(open, grant())).toBe('store_down');
    expect(findExcess(open, grant({ store_down: true }))).toBeNull();
  });
});

describe('a token that was opened before', () => {
  async function openOne(method: 'aes' | 'ecc') {
    const { issuer, keyring, raw } = await makePair(method);
    const token = sealToken(issuer, makeClaims());
    const opened = (await openToken(token, keyring, { now: NOW })) as OpenedToken;
    return { token, opened, relay: structuredClone(raw.relay) };
  }
  const load = async (relay: object): Promise<Keyring> =>
    (await createKeyring([{ name: 'r.rai', file: parseRai(relay) }], { generation: 2 })).keyring;
  const invalid = { code: 'token_invalid' };

  test.each(['aes', 'ecc'] as const)('is void where the %s file now has another relay id', async (method) => {
    const { opened, relay } = await openOne(method);
    expect(judgeToken(opened, await load(relay), at(NOW))).toBeNull();
    expect(judgeToken(opened, await load({ ...relay, aud: 'other' }), at(NOW))).toEqual(invalid);
  });

  test('is void where its key now belongs to another issuer', async () => {
    const aes = await openOne('aes');
    expect(judgeToken(aes.opened, await load({ ...aes.relay, iss: 'other' }), at(NOW))).toEqual(invalid);
    const ecc = await openOne('ecc');
    const issuers = (ecc.relay.issuers as Loose[]).map((issuer) => ({ ...issuer, iss: 'other' }));
    expect(judgeToken(ecc.opened, await load({ ...ecc.relay, issuers }), at(NOW))).toEqual(invalid);
  });

  const endKeys = (keys: unknown) => (keys as Loose[]).map((key) => ({ ...key, until: NOW }));
  test.each<[string, 'aes' | 'ecc', (relay: Loose) => Loose]>([
    ['the shared key', 'aes', (relay) => ({ ...relay, keys: endKeys(relay.keys) })],
    ["the relay's encryption key", 'ecc', (relay) => ({ ...relay, keys: endKeys(relay.keys) })],
    [
      "the issuer's signing key",
      'ecc',
      (relay) => ({
        ...relay,
        issuers: (relay.issuers as Loose[]).map((issuer) => ({ ...issuer, keys: endKeys(issuer.keys) })),
      }),
    ],
  ])('A9 ends with %s alone, to the second, and opens no more', async (_which, method, end) => {
    const { token, opened, relay } = await openOne(method);
    const keyring = await load(end(relay));
    expect(judgeToken(opened, keyring, at(NOW - 1))).toBeNull();
    expect(judgeToken(opened, keyring, at(NOW))).toEqual(invalid);
    expect(await openToken(token, keyring, { now: NOW - 1 })).not.toBeNull();
    expect(await openToken(token, keyring, { now: NOW })).toBeNull();
  });

  test.each<[string, Partial<Parameters<typeof makeClaims>[0]>, number, unknown]>([
    ['lives until the second before its exp', { exp: NOW + 10 }, NOW + 9, null],
    ['ends with its exp', { exp: NOW + 10 }, NOW + 10, { code: 'token_expired', claim: 'exp' }],
    ['may come a minute early', { nbf: NOW + 60 }, NOW, null],
    ['may come no earlier', { nbf: NOW + 61 }, NOW, { code: 'token_not_yet_valid', claim: 'nbf' }],
    ['is past its nbf', { nbf: NOW - 5 }, NOW, null],
  ])('%s', async (_rule, extra, now, denial) => {
    const { issuer, keyring } = await makePair('aes');
    const opened = await openToken(sealToken(issuer, makeClaims(extra)), keyring, { now: NOW });
    expect(judgeToken(opened as OpenedToken, keyring, at(now))).toEqual(denial);
  });

  test.each<[string, object, unknown]>([
    ['by its sub, when older', { sub: { 'user-42': NOW - 9 } }, { code: 'token_revoked', claim: 'sub' }],
    ['not by its sub, when as old', { sub: { 'user-42': NOW - 10 } }, null],
    ['not by another sub', { sub: { 'user-43': NOW } }, null],
    ['by its age', { iat_before: NOW - 9 }, { code: 'token_revoked', claim: 'iat' }],
    ['not by an age it has not', { iat_before: NOW - 10 }, null],
    ['by its id', { jti: ['x', 'AAECAwQFBgcICQoL'] }, { code: 'token_revoked', claim: 'jti' }],
    ['not by another id', { jti: ['AAECAwQFBgcICQoM'] }, null],
    ['not by another key', { kid: ['other'] }, null],
  ])('is revoked %s', async (_how, revoke, denial) => {
    const { issuer, keyring, raw } = await makePair('aes');
    const claims = makeClaims({ sub: 'user-42' });
    const opened = await openToken(sealToken(issuer, claims), keyring, { now: NOW });
    const later = await load({ ...raw.relay, revoke });
    expect(judgeToken(opened as OpenedToken, later, at(NOW))).toEqual(denial);
  });

  test('of nobody in particular is no one’s whom a sub revokes', async () => {
    const { issuer, keyring, raw } = await makePair('aes');
    const opened = await openToken(sealToken(issuer, makeClaims()), keyring, { now: NOW });
    const later = await load({ ...raw.relay, revoke: { sub: { undefined: NOW } } });
    expect(judgeToken(opened as OpenedToken, later, at(NOW))).toBeNull();
  });
});

describe('paths that reach a whole account', () => {
  const reaches = () => true;
  const withPaths = (paths: string[], granted: string[]) =>
    findExcess(claims({ paths }), grant({ paths: granted }), reaches);

  test.each<[string[], string[]]>([
    [['GET /files'], ['GET /files']],
    [['GET /files/a'], ['GET /files/*']],
    [['GET /files/*'], ['GET /files/*']],
    [['GET /files/a/*'], ['POST /x', 'GET /files/*']],
    [[], []],
  ])('%j is within %j', (paths, granted) => {
    expect(withPaths(paths, granted)).toBeNull();
  });

  test.each<[string[], string[]]>([
    [['GET /files'], []],
    [['GET /files/*'], ['GET /files']],
    [['GET /files'], ['GET /files/*']],
    [['GET /filesx'], ['GET /files/*']],
    [['GET /files', 'GET /batches'], ['GET /files']],
  ])('%j is beyond %j', (paths, granted) => {
    expect(withPaths(paths, granted)).toBe('paths');
  });

  test('are judged where the relay knows what reaches it, for any upstream that they reach', () => {
    const asked = claims({ paths: ['GET /files'], upstream: [{ provider: 'a' }, { provider: 'b' }] });
    expect(findExcess(asked, grant())).toBeNull();
    expect(findExcess(asked, grant(), () => false)).toBeNull();
    expect(findExcess(asked, grant(), ({ provider }) => provider === 'b')).toBe('paths');
  });
});

test('a features claim may hold what the file grants, and must be there', () => {
  const allow = grant({ features: ['tools'] });
  expect(findExcess(claims({ features: ['tools'] }), allow)).toBeNull();
  expect(findExcess(claims({ features: [] }), allow)).toBeNull();
  expect(findExcess(claims({ features: ['tools', 'vision'] }), allow)).toBe('features');
  expect(findExcess(claims(), allow)).toBe('features');
  expect(findExcess(claims(), grant())).toBeNull();
});
