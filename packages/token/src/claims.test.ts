import fc from 'fast-check';
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

  test('an http origin is accepted exactly where the platform writes it as it stands', () => {
    const piece = fc.constantFrom(
      ...'a b1 0 7 255 0x7f 00 example com localhost xn--p1ai xn--a xn-- a-b a--b -a a- aa_b A é . .. : :80 :443 :8080 :0 [::1] @ % %41 * / '.split(
        ' ',
      ),
    );
    const hosts = fc.array(piece, { maxLength: 7 }).map((parts) => parts.join(''));
    const dotted = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
    const long = fc.nat({ max: 100 }).map((n) => `${'a'.repeat(n)}.example.com`);
    let accepted = 0;
    fc.assert(
      fc.property(fc.constantFrom('http', 'https'), fc.oneof(hosts, dotted, long), (scheme, host) => {
        const origin = `${scheme}://${host}`;
        let expected = false;
        try {
          expected =
            /^[\x21-\x7e]{1,128}$/.test(origin) && new URL(origin).origin === origin && !host.includes('*');
        } catch {}
        expect(accepts(origin), origin).toBe(expected);
        if (expected) accepted++;
      }),
      { numRuns: 4_000, seed: 20_281_130 },
    );
    expect(accepted).toBeGreaterThan(400);
  });
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

describe('a fault says what the claim should be', () => {
  const LIST = 'must be a list of at most 64 items of at most 128 printable characters';
  const NAME = 'must be 1 to 128 printable ASCII characters without spaces';
  const TIME = 'must be a time in whole seconds';
  const COUNT = 'must be a whole number from 0 to 2^53 - 1';
  const UPSTREAM =
    'must be an object (or a list of them) with provider, exactly one of key, credential and vault, and at most vars and an https base beside';
  const JKT = 'must be an object with a jkt of 43 base64url characters and nothing else';
  const key = 'sk-demo-not-a-key';
  const faultOf = (value: JsonValue) => {
    const checked = checkClaims(value);
    return 'fault' in checked ? checked.fault : null;
  };

  test.each<[string, JsonValue, string]>([
    ['iss', 'a b', NAME],
    ['aud', '', NAME],
    ['sub', 7, NAME],
    ['jti', 'short', 'must be 16 to 64 base64url characters, at least 96 bits of them random'],
    ['iat', '1', TIME],
    ['exp', 1.5, TIME],
    ['nbf', -1, TIME],
    ['cnf', { jkt: 'x' }, JKT],
    ['upstream', { provider: 'openai' }, UPSTREAM],
    ['models', ['a*b'], `${LIST}, a star only at an item's end`],
    ['paths', ['/x'], `${LIST}, each a method and a path, exact or ending in /*`],
    ['features', ['a b'], LIST],
    ['origins', ['null'], `${LIST}, each an exact origin or "none"`],
    ['ips', ['x'], `${LIST}, each an address or a block, or the word "first"`],
    ['set', [], 'must be an object of at most 64 body members'],
    ['cap', { n: 'x' }, 'must be an object of at most 64 body members, each a whole number'],
    ['countries', [], `${LIST}, at least one, each two capital letters`],
    ['replay', 'never', 'must be "nonce" or "idempotency", and needs limits.calls or limits.attempts'],
    ['store_down', 'ajar', 'must be "closed" or "open"'],
    ['meta', 'x'.repeat(600), 'must be at most 512 bytes of JSON'],
    ['limits', [], 'must be an object'],
  ])('%s', (claim, value, reason) => {
    const fault = faultOf(plain({ [claim]: value }));
    expect(fault?.claim.split('.')[0]).toBe(claim);
    expect(fault?.reason).toBe(reason);
  });

  test.each<[string, JsonValue, string]>([
    ['calls', -1, COUNT],
    ['attempts', 1.5, COUNT],
    ['rate', [0, 1], 'must be [count, seconds], both whole numbers above 0'],
    ['concurrency', '1', COUNT],
    ['tokens', null, COUNT],
    ['micro_usd', 2 ** 53, COUNT],
    ['request_bytes', [], COUNT],
    ['response_bytes', {}, COUNT],
    ['stream_seconds', true, COUNT],
  ])('limits.%s', (limit, value, reason) => {
    expect(faultOf(plain({ limits: { [limit]: value } }))).toEqual({ claim: `limits.${limit}`, reason });
  });

  test.each<[string, JsonValue]>([
    ['upstream.provider', { key }],
    ['upstream.provider', { provider: '-x', key }],
    ['upstream.key', { provider: 'openai', key: 'a b' }],
    ['upstream.credential', { provider: 'aws', credential: {} }],
    ['upstream.credential.id', { provider: 'aws', credential: { id: '' } }],
    ['upstream.vault', { provider: 'openai', vault: 'a/b' }],
    ['upstream.vars.a', { provider: 'openai', key, vars: { a: '.' } }],
    ['upstream.base', { provider: 'openai', key, base: 'http://a.example' }],
    ['upstream.base', { provider: 'openai', vault: 'main', base: 'https://a.example' }],
    ['upstream.more', { provider: 'openai', key, more: 1 }],
    ['upstream', { provider: 'openai', key, vault: 'main' }],
    ['upstream', []],
    ['upstream', 'openai'],
    [
      'upstream.key',
      [
        { provider: 'openai', key },
        { provider: 'openai', key: '' },
      ],
    ],
  ])('%s is named as the part at fault in %j', (claim, value) => {
    expect(faultOf(plain({ upstream: value }))).toEqual({ claim, reason: UPSTREAM });
  });

  test.each<[string, Record<string, JsonValue>, string]>([
    ['exp', { iat: 200 }, 'must be after iat'],
    ['nbf', { nbf: 200 }, 'must be before exp'],
    ['replay', { replay: 'nonce' }, 'needs limits.calls or limits.attempts'],
    ['replay', { replay: 'nonce', limits: { rate: [1, 1] } }, 'needs limits.calls or limits.attempts'],
  ])('%s against another claim', (claim, extra, reason) => {
    expect(faultOf(plain(extra))).toEqual({ claim, reason });
  });

  test.each(['iss', 'aud', 'jti', 'iat', 'exp', 'upstream'])('%s is required', (claim) => {
    const { [claim]: _, ...rest } = plain();
    expect(faultOf(rest)).toEqual({ claim, reason: 'is missing' });
  });

  test('claims that are no object', () => {
    for (const value of [null, [], 'x', 7]) {
      expect(faultOf(value)).toEqual({ claim: 'claims', reason: 'must be an object' });
    }
  });
});

describe('bounds', () => {
  const accepts = (extra: Record<string, JsonValue>) => parse(plain(extra)) !== null;
  const names = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`n${i}`, 1]));
  const upstream = (more: Record<string, JsonValue>) => ({
    upstream: { provider: 'openai', key: 'sk-demo-not-a-key', ...more },
  });
  const list = (n: number) => Array.from({ length: n }, (_, i) => `m${i}`);

  test.each<[string, Record<string, JsonValue>, Record<string, JsonValue>]>([
    ['a name', { iss: 'x'.repeat(128) }, { iss: 'x'.repeat(129) }],
    ['a token id', { jti: 'x'.repeat(64) }, { jti: 'x'.repeat(65) }],
    ['a short token id', { jti: 'x'.repeat(16) }, { jti: 'x'.repeat(15) }],
    ['a list', { models: list(64) }, { models: list(65) }],
    ['an item', { models: ['x'.repeat(128)] }, { models: ['x'.repeat(129)] }],
    ['an empty item', { models: ['x'] }, { models: [''] }],
    ['a key', upstream({ key: 'x'.repeat(512) }), upstream({ key: 'x'.repeat(513) })],
    ['a base', upstream({ base: 'https://a.example/x' }), upstream({ base: 'https://a.example/ x' })],
    ['a provider', upstream({ provider: 'x'.repeat(64) }), upstream({ provider: 'x'.repeat(65) })],
    ['variables', upstream({ vars: mapped(16) }), upstream({ vars: mapped(17) })],
    ['set', { set: names(64) }, { set: names(65) }],
    ['a member of set', { set: { ['x'.repeat(128)]: 1 } }, { set: { ['x'.repeat(129)]: 1 } }],
    ['a nameless member of cap', { cap: { a: 1 } }, { cap: { '': 1 } }],
    ['meta', { meta: 'x'.repeat(510) }, { meta: 'x'.repeat(511) }],
    ['the first address', { ips: 'first/32,128' }, { ips: 'first/33,128' }],
    ['the first block', { ips: 'first/24,48' }, { ips: 'first/24,129' }],
    ['the word first', { ips: 'first' }, { ips: 'first/0,48' }],
    ['a rate', { limits: { rate: [1, 1] } }, { limits: { rate: [1, 1, 1] } }],
    ['a rate of nothing', { limits: { rate: [1, 1] } }, { limits: { rate: [1, 0] } }],
    ['upstreams', { upstream: vaults(64) }, { upstream: vaults(65) }],
    ['a life', { iat: 199, exp: 200 }, { iat: 200, exp: 200 }],
    ['a begin', { nbf: 199 }, { nbf: 200 }],
  ])('%s', (_what, within, beyond) => {
    expect(accepts(within)).toBe(true);
    expect(accepts(beyond)).toBe(false);
  });

  test('replay needs a count that can run out: either of the two', () => {
    for (const limits of [{ calls: 1 }, { attempts: 1 }]) {
      expect(accepts({ replay: 'nonce', limits })).toBe(true);
      expect(accepts({ replay: 'idempotency', limits })).toBe(true);
    }
  });
});

function mapped(n: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: n }, (_, i) => [`n${i}`, 'x']));
}

function vaults(n: number): JsonValue {
  return Array.from({ length: n }, () => ({ provider: 'openai', vault: 'main' }));
}
