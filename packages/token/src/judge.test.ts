import { describe, expect, test } from 'vitest';
import { makeClaims, makePair, NOW } from '../test/support/pairs.ts';
import { type Claims, CORE_FEATURES } from './claims.ts';
import { findExcess, judgeToken } from './judge.ts';
import { createKeyring, type Keyring } from './keyring.ts';
import { type OpenedToken, openToken } from './open.ts';
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
  test('a life up to max_ttl_seconds, to the second', () => {
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
});
