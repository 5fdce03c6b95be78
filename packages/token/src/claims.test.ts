import { describe, expect, test } from 'vitest';
import { CORE_FEATURES, checkClaims, effectiveAttempts, findUnsupported, parseClaims } from './claims.ts';
import { Secret } from './secret.ts';
import type { JsonValue } from './strict-json.ts';

const plain = (extra: Record<string, JsonValue> = {}): Record<string, JsonValue> => ({
  iss: 'shop',
  aud: 'relay',
  jti: 'AAECAwQFBgcICQoL',
  iat: 100,
  exp: 200,
  upstream: { provider: 'openai', key: 'sk-demo-not-a-key' },
  ...extra,
});
const parse = (value: JsonValue) => parseClaims(new TextEncoder().encode(JSON.stringify(value)));

test('one upstream and a list of one come out alike, keys as secrets', () => {
  const one = parse(plain());
  const list = parse(plain({ upstream: [{ provider: 'openai', key: 'sk-demo-not-a-key' }] }));
  expect(one?.claims.upstream[0]?.key).toBeInstanceOf(Secret);
  expect(one?.claims.upstream[0]?.key?.reveal()).toBe('sk-demo-not-a-key');
  expect(JSON.stringify(one)).toBe(JSON.stringify(list));
  expect(JSON.stringify(one)).not.toContain('sk-demo');
});

test('every part of a credential is a secret', () => {
  const parsed = parse(
    plain({ upstream: { provider: 'aws', credential: { id: 'AKIADEMO', secret: 'demo' } } }),
  );
  const credential = parsed?.claims.upstream[0]?.credential ?? {};
  expect(Object.values(credential).every((part) => part instanceof Secret)).toBe(true);
  expect(credential.id?.reveal()).toBe('AKIADEMO');
  expect(JSON.stringify(parsed)).not.toContain('AKIA');
});

test('unknown names are set aside, in claims and limits, and are no claims', () => {
  const parsed = parse(plain({ foo: 1, limits: { calls: 1, bar: 'x' } }));
  expect(parsed?.unknown).toEqual(['foo', 'limits.bar']);
  expect(parsed?.claims).not.toHaveProperty('foo');
  expect(parsed?.claims.limits).toEqual({ calls: 1 });
});

test('names of Object.prototype are unknown names like any other', () => {
  const parsed = parse(plain({ toString: 1, hasOwnProperty: 2, limits: { valueOf: 3 } }));
  expect(parsed?.unknown).toEqual(['toString', 'hasOwnProperty', 'limits.valueOf']);
});

test('a fault names the claim and never the value', () => {
  const checked = checkClaims(plain({ upstream: { provider: 'openai', key: 'sk demo with spaces' } }));
  if (!('fault' in checked)) throw new Error('accepted');
  expect(checked.fault.claim).toBe('upstream.key');
  expect(checked.fault.reason).not.toContain('sk demo');
});

test('absent limits are an empty object', () => {
  expect(parse(plain())?.claims.limits).toEqual({});
});

describe('attempts', () => {
  test.each([
    [{}, undefined],
    [{ calls: 0 }, 8],
    [{ calls: 1 }, 10],
    [{ calls: 92 }, 192],
    [{ calls: 93 }, 193],
    [{ calls: 1000 }, 1100],
    [{ calls: Number.MAX_SAFE_INTEGER }, Number.MAX_SAFE_INTEGER],
    [{ calls: 5, attempts: 6 }, 6],
    [{ attempts: 3 }, 3],
  ])('%j gives %s', (limits, expected) => {
    expect(effectiveAttempts(limits)).toBe(expected);
  });
});

describe('what a relay does not support', () => {
  const find = (extra: Record<string, JsonValue>, supported = {}): string | null => {
    const parsed = parse(plain(extra));
    if (parsed === null) throw new Error('malformed');
    return findUnsupported(parsed, { ...CORE_FEATURES, ...supported });
  };
  test.each([
    [{ cnf: { jkt: 'A'.repeat(43) } }, 'cnf', 'proofOfPossession'],
    [{ limits: { tokens: 1 } }, 'limits.tokens', 'modelTokens'],
    [{ limits: { micro_usd: 1 } }, 'limits.micro_usd', 'money'],
    [{ ips: 'first' }, 'ips', 'ipsFirst'],
    [{ countries: ['DE'] }, 'countries', 'countries'],
    [
      {
        upstream: [
          { provider: 'a', vault: 'v' },
          { provider: 'b', vault: 'v' },
        ],
      },
      'upstream',
      'upstreamList',
    ],
  ] as [Record<string, JsonValue>, string, string][])('%j names %s unless %s', (extra, claim, feature) => {
    expect(find(extra)).toBe(claim);
    expect(find(extra, { [feature]: true })).toBeNull();
  });

  test('a list of addresses and plain limits are supported by the core', () => {
    expect(find({ ips: ['10.0.0.0/8'], limits: { calls: 1 } })).toBeNull();
  });

  test('a strange name is not repeated', () => {
    expect(find({ '\u001b[31m': 1 })).toBe('(a claim with an unusual name)');
    expect(find({ ['x'.repeat(65)]: 1 })).toBe('(a claim with an unusual name)');
  });

  test('the core supports none of the features, and cannot be changed', () => {
    expect(Object.values(CORE_FEATURES).some(Boolean)).toBe(false);
    expect(Object.isFrozen(CORE_FEATURES)).toBe(true);
  });
});

describe('origins', () => {
  const accepts = (origin: string) => parse(plain({ origins: [origin] })) !== null;
  test.each([
    'chrome-extension://abcdefgh',
    'app://local',
    'http://[::1]:8080',
    'https://xn--bcher-kva.example',
    'none',
  ])('%s is as a browser sends it', (origin) => expect(accepts(origin)).toBe(true));
  test.each([
    'chrome-extension://ABCDEFGH',
    'app://lo\\cal',
    'app://local/',
    'https://bücher.example',
    'https://example.com.:443',
    'https://*.example.com',
    'null',
  ])('%s is not', (origin) => expect(accepts(origin)).toBe(false));
});
