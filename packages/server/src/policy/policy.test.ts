import { describe, expect, it } from 'vitest';
import { held } from '../../test/contract/store-contract.ts';
import {
  type ArrivalParts,
  makeArrival,
  makeEndpoint,
  makePolicy,
  makeProvider,
  makeRoute,
  type PolicyBench,
} from '../../test/support/policy.ts';
import { type Denial, isDenial } from '../errors.ts';
import type { Opened } from '../exchange.ts';
import type { ReservationRefusal, ReservationRequest, Store } from '../stores/store.ts';

const HOUR_MS = 3_600_000;
const NONCE = '0123456789abcdef';

async function reserve(bench: PolicyBench, opened: Opened, parts: ArrivalParts = {}): Promise<string> {
  const result = await bench.policy.reserve(opened, makeArrival(parts));
  return isDenial(result) ? result.denied : result.reservation === null ? 'stateless' : 'reserved';
}

/** A store that answers as told, and remembers what it was asked. */
function createFakeStore(answer: () => ReservationRefusal | Promise<ReservationRefusal> | null) {
  const asked: ReservationRequest[] = [];
  const settled: string[] = [];
  const store = {
    type: 'memory',
    reserve(request: ReservationRequest) {
      asked.push(request);
      return answer() ?? { id: '1', callsRemaining: null };
    },
    settle(_reservation: unknown, settlement: { calls: string }) {
      settled.push(settlement.calls);
      return null;
    },
  } as unknown as Store;
  return { store, asked, settled };
}

describe('the order of refusals', () => {
  it('judges an opened token: expired, not yet valid, unsupported, not allowed, each with the claim', async () => {
    const bench = await makePolicy(
      {},
      { allow: { max_ttl_seconds: 7200, max_calls: 5, require: ['calls'] } },
    );
    const now = Math.floor(bench.clock.nowMs() / 1000);
    const refusal = async (claims: object) => {
      const result = await bench.policy.open(makeArrival({ token: bench.seal(claims) }));
      return isDenial(result) ? `${result.denied} ${result.param ?? ''}`.trim() : 'ok';
    };
    const limits = { calls: 5 };
    expect(await refusal({ limits })).toBe('ok');
    expect(await refusal({ limits, nbf: now + 61 })).toBe('token_not_yet_valid nbf');
    expect(await refusal({ limits, nbf: now + 60 })).toBe('ok');
    expect(await refusal({ limits: { calls: 6 } })).toBe('claim_not_allowed limits.calls');
    expect(await refusal({})).toBe('claim_not_allowed limits.calls');
    expect(await refusal({ limits, exp: now + 7201 })).toBe('claim_not_allowed exp');
    bench.clock.advance(HOUR_MS);
    expect(await refusal({ limits, iat: now, exp: now + 3600 })).toBe('token_expired exp');
  });

  it('on the head: address, origin, kind of request', async () => {
    const bench = await makePolicy();
    const opened = await bench.open({ ips: ['192.0.2.0/24'], origins: ['https://app.example.com'] });
    const bad: ArrivalParts = {
      client: '203.0.113.1',
      origin: 'https://evil.example',
      headers: ['Sec-Fetch-Dest', 'document'],
    };
    const fixes: ArrivalParts[] = [
      { client: '192.0.2.9' },
      { origin: 'https://app.example.com' },
      { headers: [] },
    ];
    let parts = bad;
    const refusals = [bench.policy.checkHead(opened, makeArrival(parts))?.denied];
    for (const fix of fixes) {
      parts = { ...parts, ...fix };
      refusals.push(bench.policy.checkHead(opened, makeArrival(parts))?.denied);
    }
    expect(refusals).toEqual(['ip_denied', 'origin_denied', 'method_denied', undefined]);
  });

  it('on the route: path, then nonce, then declared size', async () => {
    const bench = await makePolicy({ maxBodyBytes: 1000 });
    const opened = await bench.open({ replay: 'nonce', limits: { calls: 5, request_bytes: 10 } });
    const check = (route: ReturnType<typeof makeRoute>, parts: ArrivalParts) =>
      bench.policy.checkRoute(opened, makeArrival(parts), route)?.denied;
    const closed = makeRoute(makeEndpoint({ kind: 'account', models: null }));
    const open = makeRoute(makeEndpoint());
    const headers = ['Relay-Nonce', NONCE];
    expect(check(closed, { declaredBytes: 11 })).toBe('path_denied');
    expect(check(open, { declaredBytes: 11 })).toBe('nonce_missing');
    expect(check(open, { headers, declaredBytes: 11 })).toBe('request_too_large');
    expect(check(open, { headers, declaredBytes: 10 })).toBeUndefined();
    expect(bench.policy.maxRequestBytes(opened)).toBe(10);
  });

  it('on the route: path, then model, then the encoding of a body that must be read', async () => {
    const bench = await makePolicy();
    const opened = await bench.open({ models: ['gpt-4o-mini'] });
    const check = (route: ReturnType<typeof makeRoute>, headers: readonly string[] = []) =>
      bench.policy.checkRoute(opened, makeArrival({ headers }), route)?.denied ?? 'ok';
    const gzip = ['Content-Encoding', 'gzip'];
    expect(check(makeRoute(makeEndpoint({ kind: 'account', models: null })), gzip)).toBe('path_denied');
    expect(check(makeRoute(makeEndpoint({ models: null })), gzip)).toBe('model_denied');
    expect(check(makeRoute(makeEndpoint()), gzip)).toBe('unsupported_body');
    expect(check(makeRoute(makeEndpoint()))).toBe('ok');
    expect(check(makeRoute(makeEndpoint({ models: [] })), gzip)).toBe('ok');
  });

  it('on the body: form, model, feature', async () => {
    const bench = await makePolicy();
    const opened = await bench.open({ models: ['gpt-4o-mini'], features: [] });
    const route = makeRoute(makeEndpoint({ features: [{ feature: 'n', at: ['n'], when: 'above-one' }] }));
    const check = (body: string) =>
      bench.policy.checkBody(opened, route, new TextEncoder().encode(body), 'application/json')?.denied ??
      'ok';
    expect(bench.policy.needsBody(opened, route)).toBe(true);
    expect(check('{"model":"x","n":2')).toBe('bad_body');
    expect(check('{"model":"x","n":2}')).toBe('model_denied');
    expect(check('{"model":"gpt-4o-mini","n":2}')).toBe('feature_denied');
    expect(check('{"model":"gpt-4o-mini","n":1}')).toBe('ok');
  });

  it('a token whose paths reach further than its key file grants is refused when it is opened', async () => {
    const provider = makeProvider([makeEndpoint(), makeEndpoint({ path: '/files', kind: 'account' })]);
    const catalog = { find: () => provider };
    const closed = await makePolicy({}, { catalog });
    const claims = { paths: ['POST /files'] };
    expect(await closed.policy.open(makeArrival({ token: closed.seal(claims) }))).toEqual({
      denied: 'claim_not_allowed',
      param: 'paths',
    });
    expect(isDenial(await closed.open({ paths: ['POST /chat/completions'] }))).toBe(false);
    const open = await makePolicy({}, { catalog, allow: { paths: ['POST /files'] } });
    expect(isDenial(await open.open(claims))).toBe(false);
  });

  it('on the route: the features claim, then a body where none belongs', async () => {
    const bench = await makePolicy();
    const opened = await bench.open({ features: [], paths: ['POST /chat/completions', 'GET /models'] });
    const check = (route: ReturnType<typeof makeRoute>, parts: ArrivalParts) =>
      bench.policy.checkRoute(opened, makeArrival(parts), route)?.denied ?? 'ok';
    expect(check(makeRoute(makeEndpoint()), {})).toBe('feature_denied');
    const list = makeRoute(makeEndpoint({ method: 'GET', path: '/models', kind: 'models', body: 'none' }));
    expect(check(list, { method: 'GET', declaredBytes: 5 })).toBe('unsupported_body');
    expect(check(list, { method: 'GET' })).toBe('ok');
  });

  it('a token with countries is refused where no country can be known, and held to them where it can', async () => {
    const claims = { countries: ['DE'] };
    const blind = await makePolicy();
    expect(await blind.policy.open(makeArrival({ token: blind.seal(claims) }))).toMatchObject({
      denied: 'token_unsupported',
    });
    const find = () => 'FR';
    const bench = await makePolicy({ countries: true }, { ports: { countryLookup: { find } } });
    const opened = await bench.open(claims);
    expect(bench.policy.checkHead(opened, makeArrival())).toMatchObject({ denied: 'ip_denied' });
    const other = await bench.open({ countries: ['FR'] });
    expect(bench.policy.checkHead(other, makeArrival())).toBeNull();
    const told = await makePolicy({ countries: true });
    const german = makeArrival({ proxyCountry: { code: 'DE' } });
    expect(told.policy.checkHead(await told.open(claims), german)).toBeNull();
  });

  it('a build may enforce claims of its own choice', async () => {
    const { CORE_FEATURES } = await import('relayapi-token');
    const supported = { ...CORE_FEATURES, countries: true };
    const bench = await makePolicy({ countries: false }, { ports: { supported } });
    expect(isDenial(await bench.open({ countries: ['DE'] }))).toBe(false);
  });

  it('no key file, no leave: once a token’s key is gone nothing of it passes', async () => {
    let gone = false;
    let looks = 0;
    const { allowOf } = await import('relayapi-token');
    const bench = await makePolicy(
      {},
      {
        ports: {
          judge: () => null,
          allowOf: (token, keys) => {
            looks += 1;
            return gone ? null : allowOf(token, keys);
          },
        },
      },
    );
    const token = bench.seal({ limits: { calls: 1 } });
    const opened = await bench.open({ limits: { calls: 1 } });
    const route = makeRoute(makeEndpoint());
    expect(bench.policy.checkRoute(opened, makeArrival(), route)).toBeNull();
    gone = true;
    await bench.reload(() => {});
    looks = 0;
    const invalid = { denied: 'token_invalid' };
    expect(await bench.policy.open(makeArrival({ token }))).toEqual(invalid);
    expect(bench.policy.stillValid(opened)).toEqual(invalid);
    expect(bench.policy.checkRoute(opened, makeArrival(), route)).toEqual(invalid);
    expect(await bench.policy.reserve(opened, makeArrival())).toEqual(invalid);
    // once for each opened token under the keys in force
    expect(looks).toBe(2);
    expect(bench.store.size().storeEntries).toBe(0);
  });

  it('tells which claim was refused where the judge says so, and of an invalid token never', async () => {
    for (const [refusal, denial] of [
      [
        { code: 'token_expired', claim: 'exp' },
        { denied: 'token_expired', param: 'exp' },
      ],
      [{ code: 'token_revoked' }, { denied: 'token_revoked' }],
      [{ code: 'token_invalid', claim: 'kid' }, { denied: 'token_invalid' }],
    ] as const) {
      const bench = await makePolicy({}, { ports: { judge: () => refusal } });
      expect(await bench.policy.open(makeArrival({ token: bench.seal() }))).toStrictEqual(denial);
    }
  });

  it('the limits before authentication stand in front of all', async () => {
    const bench = await makePolicy({ flood: { perSecond: 1, burst: 1 } });
    expect(bench.policy.checkFlood(makeArrival())).toBeNull();
    expect(bench.policy.checkFlood(makeArrival())).toMatchObject({ denied: 'rate_limited' });
  });
});

describe('reservations', () => {
  it('a token without stateful limits never touches the store', async () => {
    const { store, asked } = createFakeStore(() => ({ refused: 'down' }));
    const bench = await makePolicy({}, { ports: { store } });
    const opened = await bench.open({
      limits: { request_bytes: 5, response_bytes: 5, stream_seconds: 5 },
      models: ['x'],
      sub: 'user-42',
    });
    expect(await reserve(bench, opened)).toBe('stateless');
    expect(asked).toEqual([]);
  });

  it('asks for all limits in one step, attempts by default, nonces hashed to 16 bytes', async () => {
    const { store, asked } = createFakeStore(() => null);
    const bench = await makePolicy({}, { ports: { store }, allow: { per_sub: { calls: 7, rate: [3, 60] } } });
    const opened = await bench.open({
      sub: 'user-42',
      replay: 'nonce',
      limits: { calls: 100, rate: [10, 60], concurrency: 2 },
    });
    expect(await reserve(bench, opened, { headers: ['Relay-Nonce', NONCE] })).toBe('reserved');
    const { claims, token } = opened;
    expect(asked).toEqual([
      {
        issuer: 'shop',
        jti: claims.jti,
        claimsDigest: token.claimsDigest,
        issuedAtSeconds: claims.iat,
        expiresAtSeconds: claims.exp,
        calls: 100,
        attempts: 200,
        rate: { count: 10, windowMs: 60_000 },
        concurrency: 2,
        once: { kind: 'nonce', hash: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) },
        perSubject: { subject: 'user-42', calls: 7, rate: { count: 3, windowMs: 60_000 } },
        leaseMs: 30_000,
      },
    ]);
    expect(JSON.stringify(asked)).not.toContain(NONCE);
    await reserve(bench, opened, { headers: ['Relay-Nonce', `${NONCE}x`] });
    expect(asked[0]?.once?.hash).not.toBe(asked[1]?.once?.hash);
  });

  it.each<[ReservationRefusal, Denial]>([
    [{ refused: 'mismatch' }, { denied: 'token_invalid' }],
    [{ refused: 'restarted' }, { denied: 'relay_restarted' }],
    [{ refused: 'capacity' }, { denied: 'capacity', reason: 'the counter store is full' }],
    [{ refused: 'calls' }, { denied: 'calls_exhausted', param: 'limits.calls' }],
    [
      { refused: 'calls', perSubject: true },
      { denied: 'calls_exhausted', param: 'per_sub.calls' },
    ],
    [
      { refused: 'subject-tokens', perSubject: true },
      { denied: 'calls_exhausted', param: 'per_sub.tokens' },
    ],
    [{ refused: 'attempts' }, { denied: 'attempts_exhausted', param: 'limits.attempts' }],
    [
      { refused: 'rate', retryAtMs: 7 },
      { denied: 'rate_limited', param: 'limits.rate', retryAtMs: 7 },
    ],
    [
      { refused: 'rate', perSubject: true },
      { denied: 'rate_limited', param: 'per_sub.rate' },
    ],
    [{ refused: 'concurrency' }, { denied: 'concurrency_limited', param: 'limits.concurrency' }],
    [{ refused: 'nonce' }, { denied: 'nonce_replayed' }],
    [{ refused: 'idempotency' }, { denied: 'idempotency_replayed' }],
    [
      { refused: 'down', retryAtMs: 9 },
      { denied: 'store_down', retryAtMs: 9 },
    ],
  ])('a refusal %j becomes %j', async (refusal, denial) => {
    for (const answer of [refusal, Promise.resolve(refusal)]) {
      const { store } = createFakeStore(() => answer);
      const bench = await makePolicy({}, { ports: { store } });
      const opened = await bench.open({ limits: { calls: 1 } });
      expect(await bench.policy.reserve(opened, makeArrival())).toEqual(denial);
    }
  });

  it('a claim without its nonce is refused before the store is asked', async () => {
    const { store, asked } = createFakeStore(() => null);
    const bench = await makePolicy({}, { ports: { store } });
    const opened = await bench.open({ replay: 'nonce', limits: { calls: 1 } });
    expect(await reserve(bench, opened)).toBe('nonce_missing');
    expect(asked).toEqual([]);
  });

  it('looks at the keys again: a token revoked since it was opened reserves nothing', async () => {
    const bench = await makePolicy();
    const opened = await bench.open({ limits: { calls: 1 } });
    const { jti } = opened.claims;
    await bench.reload((file) => Object.assign(file, { revoke: { iat_before: 0, sub: {}, jti: [jti] } }));
    expect(bench.policy.stillValid(opened)).toMatchObject({ denied: 'token_revoked' });
    expect(await reserve(bench, opened)).toBe('token_revoked');
    expect(bench.store.size().storeEntries).toBe(0);
    await bench.reload((file) => Object.assign((file['keys'] as object[])[0] as object, { kid: 'another1' }));
    expect(bench.policy.stillValid(opened)).toEqual({ denied: 'token_invalid' });
    expect(bench.policy.allowOf(opened)).toBeNull();
  });

  it('gives a reservation back when the token was revoked while a shared store answered', async () => {
    let answer: (value: ReservationRefusal) => void = () => {};
    const waiting = new Promise<ReservationRefusal>((resolve) => {
      answer = resolve;
    });
    const { store, settled } = createFakeStore(() => waiting);
    const bench = await makePolicy({}, { ports: { store } });
    const opened = await bench.open({ limits: { calls: 1 } });
    const result = bench.policy.reserve(opened, makeArrival());
    await bench.reload((file) =>
      Object.assign(file, { revoke: { iat_before: opened.claims.iat + 1, sub: {}, jti: [] } }),
    );
    answer({ id: '1', callsRemaining: 0 } as unknown as ReservationRefusal);
    expect(await result).toMatchObject({ denied: 'token_revoked' });
    expect(settled).toEqual(['refund']);
  });

  it('refuses all the same where the store takes its time to take the reservation back', async () => {
    let revoked = false;
    let judged = 0;
    let answer = (_reservation: unknown) => {};
    const store = {
      reserve: () => new Promise((resolve) => (answer = resolve)),
      settle: () => Promise.resolve(null),
    } as unknown as Store;
    const judge = () => {
      judged += 1;
      return revoked ? ({ code: 'token_revoked' } as const) : null;
    };
    const bench = await makePolicy({}, { ports: { store, judge } });
    const opened = await bench.open({ limits: { calls: 1 } });
    const result = bench.policy.reserve(opened, makeArrival());
    revoked = true;
    await bench.reload(() => {});
    answer({ id: '1', callsRemaining: 0 });
    expect(await result).toEqual({ denied: 'token_revoked' });
    // when it was opened, and under the keys that came while the store answered; between the two nothing it hangs on had changed
    expect(judged).toBe(2);
  });

  it('A36 5,000 requests at once on a token of 100 calls: exactly 100 are admitted', async () => {
    const bench = await makePolicy();
    const token = bench.seal({ limits: { calls: 100 } });
    const admitted = await Promise.all(
      Array.from({ length: 5000 }, async () => {
        const opened = await bench.policy.open(makeArrival({ token }));
        return isDenial(opened) ? opened.denied : reserve(bench, opened);
      }),
    );
    expect(admitted.filter((one) => one === 'reserved')).toHaveLength(100);
    expect(new Set(admitted)).toEqual(new Set(['reserved', 'calls_exhausted']));
  });

  it('A43 one nonce 1,000 times in parallel is admitted once', async () => {
    const bench = await makePolicy();
    const opened = await bench.open({ replay: 'nonce', limits: { calls: 5000 } });
    const headers = ['Relay-Nonce', NONCE];
    const all = await Promise.all(Array.from({ length: 1000 }, () => reserve(bench, opened, { headers })));
    expect(all.filter((one) => one === 'reserved')).toHaveLength(1);
    expect(all.filter((one) => one === 'nonce_replayed')).toHaveLength(999);
  });

  it('A51 whatever is refused before the reservation consumes nothing', async () => {
    const bench = await makePolicy();
    const claims = {
      limits: { calls: 1, rate: [1, 60] as [number, number], concurrency: 1, request_bytes: 10 },
      ips: ['192.0.2.0/24'],
      origins: ['https://app.example.com'],
      models: ['gpt-4o-mini'],
    };
    const opened = await bench.open(claims);
    const route = makeRoute(makeEndpoint());
    const body = new TextEncoder().encode('{"model":"gpt-4o"}');
    for (let i = 0; i < 100; i++) {
      expect(bench.policy.checkHead(opened, makeArrival({ client: '203.0.113.1' }))).not.toBeNull();
      expect(bench.policy.checkHead(opened, makeArrival({ origin: 'https://evil.example' }))).not.toBeNull();
      expect(bench.policy.checkRoute(opened, makeArrival({ method: 'GET' }), route)).not.toBeNull();
      expect(bench.policy.checkBody(opened, route, body, 'application/json')).not.toBeNull();
    }
    expect(bench.store.size().storeEntries).toBe(0);
    const good = makeArrival({ origin: 'https://app.example.com' });
    expect(bench.policy.checkHead(opened, good)).toBeNull();
    expect(bench.policy.checkRoute(opened, good, route)).toBeNull();
    expect(await reserve(bench, opened)).toBe('reserved');
    for (let i = 0; i < 100; i++) expect(await reserve(bench, opened)).toBe('calls_exhausted');
  });
});

describe('A59 steps of the wall clock', () => {
  it('an hour back lengthens no life; nor does it after the counters were dropped', async () => {
    const bench = await makePolicy();
    const token = bench.seal({ limits: { calls: 1 } });
    const open = async () => {
      const result = await bench.policy.open(makeArrival({ token }));
      return isDenial(result) ? result.denied : reserve(bench, result);
    };
    expect(await open()).toBe('reserved');
    bench.clock.advance(HOUR_MS - 1000);
    bench.clock.stepWall(-HOUR_MS);
    expect(await open()).toBe('calls_exhausted');
    bench.clock.advance(1000);
    expect(await open()).toBe('token_expired');
    bench.clock.advance(10 * 60_000);
    expect(await open()).toBe('token_expired');
  });

  it('an hour ahead and back again leaves every count as it was', async () => {
    const bench = await makePolicy();
    const token = bench.seal({ limits: { calls: 2, rate: [1, 60] } });
    const open = async () => {
      const result = await bench.policy.open(makeArrival({ token }));
      return isDenial(result) ? result.denied : reserve(bench, result);
    };
    expect(await open()).toBe('reserved');
    bench.clock.stepWall(HOUR_MS);
    expect(await open()).toBe('token_expired');
    const other = await bench.open({ limits: { calls: 1 } });
    expect(await reserve(bench, other)).toBe('reserved');
    bench.clock.stepWall(-HOUR_MS);
    expect(await open()).toBe('rate_limited');
    bench.clock.advance(60_000);
    expect(await open()).toBe('reserved');
    expect(await open()).toBe('calls_exhausted');
  });

  it('a reservation keeps its lease through a step', async () => {
    const bench = await makePolicy();
    const opened = await bench.open({ limits: { concurrency: 1 } });
    const result = await bench.policy.reserve(opened, makeArrival());
    if (isDenial(result) || result.reservation === null) throw new Error('refused');
    held(result.reservation);
    for (const step of [HOUR_MS, -2 * HOUR_MS, HOUR_MS]) {
      bench.clock.stepWall(step);
      expect(await reserve(bench, opened)).not.toBe('reserved');
    }
  });
});
