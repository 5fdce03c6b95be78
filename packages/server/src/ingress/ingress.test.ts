/** The ingress stage as the spine uses it: arrivals, denials, preflights, headers of answers. */
import type { Claims } from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { type InboundParts, makeInbound, SHAPED } from '../../test/support/inbound.ts';
import type { Clock } from '../clock.ts';
import type { HeaderList } from '../io.ts';
import { createIngress } from './ingress.ts';
import { createIngressOptions, type IngressConfig } from './options.ts';

const clock: Clock = { nowMs: () => 1_800_000_000_000, monotonicMs: () => 1234 };
const TARGET = `/relayapi/${SHAPED}/v1/chat/completions`;

function make(config: IngressConfig = {}) {
  let ids = 0;
  return createIngress(createIngressOptions(config), { clock, newRequestId: () => `id-${++ids}` });
}
const receive = (parts: InboundParts, config?: IngressConfig) =>
  make(config).receive(makeInbound({ target: TARGET, ...parts }));
const value = (headers: HeaderList, name: string) => headers.filter(([n]) => n === name).map(([, v]) => v);

test('the relay answers below its base path, the shell elsewhere', () => {
  expect(make().matches(TARGET)).toBe(true);
  expect(make().matches('/health')).toBe(false);
});

test('each request gets an id of its own', () => {
  const ingress = createIngress(createIngressOptions({}), { clock });
  const [one, two] = [1, 2].map(() => ingress.receive(makeInbound({})).arrival.requestId);
  expect(one).toMatch(/^[0-9a-f-]{36}$/);
  expect(two).not.toBe(one);
});

describe('an arrival', () => {
  test('holds what later stages ask for', () => {
    const { arrival, denial, preflight } = receive({
      method: 'POST',
      target: `${TARGET}?alt=sse`,
      headers: [
        'Origin',
        'https://app.example.com',
        'Content-Type',
        'application/json',
        'content-type',
        'text/plain',
      ],
      peer: '2001:db8::1:2',
    });
    expect({ denial, preflight }).toEqual({ denial: null, preflight: false });
    expect(arrival).toMatchObject({
      requestId: 'id-1',
      startedAtMs: 1234,
      method: 'POST',
      client: '2001:db8::1:2',
      clientGroup: '2001:db8::/64',
      origin: 'https://app.example.com',
      sameOrigin: false,
      tokenPlace: 'path',
      rest: '/v1/chat/completions',
      query: 'alt=sse',
      shape: 'openai',
      problemJson: false,
    });
    expect(arrival.token?.reveal()).toBe(SHAPED);
    expect(arrival.header('content-type')).toBe('application/json');
    expect(arrival.header('x-missing')).toBeNull();
  });

  test('prints no token', () => {
    const { arrival } = receive({});
    const { request: _, ...rest } = arrival;
    expect(JSON.stringify(rest)).not.toContain(SHAPED);
  });

  test('a path token wins: tokens and doubtful credentials beside it are not looked at', () => {
    const { arrival, denial } = receive({
      headers: ['authorization', 'Bearer v.w.x.y.z', 'authorization', 'a,b', 'x-api-key', 'q.w.e.r.t'],
    });
    expect(denial).toBeNull();
    expect(arrival.token?.reveal()).toBe(SHAPED);
  });

  test('a bad path token never falls back to a header', () => {
    const { arrival, denial } = receive({
      target: '/relayapi/nope/v1/models',
      headers: ['authorization', `Bearer ${SHAPED}`],
    });
    expect(denial?.denied).toBe('token_invalid');
    expect(arrival.token).toBeNull();
  });

  test('a header token on the dash and on plain paths', () => {
    for (const target of ['/relayapi/-/v1/models', '/v1/models']) {
      const { arrival, denial } = receive({ target, headers: ['authorization', `Bearer ek_${SHAPED}`] });
      expect(denial).toBeNull();
      expect(arrival).toMatchObject({ tokenPlace: 'header', rest: '/v1/models' });
      expect(arrival.token?.reveal()).toBe(SHAPED);
    }
  });

  test('a token in the query is none', () => {
    expect(receive({ target: `/v1/models?key=${SHAPED}` }).denial?.denied).toBe('token_missing');
  });

  test.each([
    ['Sec-Fetch-Site: same-origin without an Origin', ['sec-fetch-site', 'same-origin'], true, null],
    ['cross-site', ['sec-fetch-site', 'cross-site'], false, null],
    ['nothing', [], false, null],
    [
      'an Origin beside it',
      ['sec-fetch-site', 'same-origin', 'origin', 'https://a.example'],
      false,
      'https://a.example',
    ],
    [
      'two Origins match no list',
      ['origin', 'https://a.example', 'origin', 'https://a.example'],
      false,
      'https://a.example, https://a.example',
    ],
    ['null', ['origin', 'null'], false, 'null'],
  ])('A53 same origin: %s', (_why, headers, sameOrigin, origin) => {
    expect(receive({ headers }).arrival).toMatchObject({ sameOrigin, origin });
  });

  test.each([
    ['application/problem+json', true],
    ['application/json, Application/Problem+JSON;q=0.5', true],
    ['application/problem+jsonx', false],
    ['application/json', false],
    ['*/*', false],
  ])('Accept: %s', (accept, problemJson) => {
    expect(receive({ headers: ['accept', accept] }).arrival.problemJson).toBe(problemJson);
  });

  test('A52 the client is found through trusted proxies only', () => {
    const parts = {
      peer: '10.0.0.1',
      headers: ['x-forwarded-for', '198.51.100.7', 'forwarded', 'for=203.0.113.1'],
    };
    expect(receive(parts).arrival.client).toBe('10.0.0.1');
    expect(receive(parts, { trusted_proxies: ['10.0.0.0/8'] }).arrival.client).toBe('198.51.100.7');
    expect(receive({ peer: null }).arrival).toMatchObject({ client: null, clientGroup: null });
  });

  test('a country is what a trusted peer says in the header that config names, and nobody else', () => {
    const config = { trusted_proxies: ['10.0.0.0/8'], country_header: 'CF-IPCountry' };
    const headers = ['cf-ipcountry', 'DE', 'x-country', 'FR'];
    const seen = (peer: string | null, more: IngressConfig) =>
      receive({ peer, headers }, more).arrival.proxyCountry();
    expect(seen('10.0.0.1', config)).toEqual({ code: 'DE' });
    expect(seen('203.0.113.7', config)).toBeNull();
    expect(seen(null, config)).toBeNull();
    expect(seen('10.0.0.1', { ...config, trusted_proxies: [] })).toBeNull();
    expect(seen('10.0.0.1', { trusted_proxies: ['10.0.0.0/8'] })).toBeNull();
    expect(seen('10.0.0.1', { ...config, country_header: 'x-other' })).toBeNull();
  });

  test('a bad trusted proxy is named', () => {
    expect(() => createIngressOptions({ trusted_proxies: ['10.0.0.0/99'] })).toThrow('10.0.0.0/99');
  });
});

describe('refusals', () => {
  test.each<[string, InboundParts, string]>([
    ['TRACE', { method: 'TRACE' }, 'method_not_allowed'],
    ['an invented method', { method: 'PURGE' }, 'method_not_allowed'],
    ['a lower-case method', { method: 'get' }, 'method_not_allowed'],
    [
      'a WebSocket',
      { upgrade: true, headers: ['upgrade', 'WebSocket', 'connection', 'Upgrade'] },
      'upgrade_required',
    ],
    ['framing before all else', { host: false, method: 'TRACE', target: '*' }, 'bad_framing'],
    ['the target before the method', { method: 'TRACE', target: '*' }, 'bad_target'],
    ['the method before the token', { method: 'TRACE', target: '/relayapi/x' }, 'method_not_allowed'],
    [
      'two tokens',
      { target: '/v1/models', headers: ['x-api-key', SHAPED, 'api-key', 'v.w.x.y.z'] },
      'bad_credentials',
    ],
  ])('%s', (_why, parts, denied) => {
    expect(receive(parts).denial?.denied).toBe(denied);
  });

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'])('%s is relayed', (method) => {
    expect(receive({ method }).denial).toBeNull();
  });

  test('a refused head or target leaves the token unread, so that nothing can be done with it', () => {
    const { arrival } = receive({ headers: ['host', 'again'] });
    expect(arrival.token).toBeNull();
    expect(receive({ method: 'OPTIONS' }).arrival.token).toBeNull();
  });

  test('too many fields are told as such', () => {
    const fields = Array.from({ length: 65 }, (_, i) => [`x-${i}`, '1']).flat();
    expect(receive({ headers: fields }).denial?.reason).toBe('fields');
  });

  test('a WebSocket is told where to go: HTTP/1.1, where the runtime can say so', () => {
    const upgrade = { upgrade: true, headers: ['upgrade', 'websocket'] };
    expect(receive(upgrade).denial?.headers).toEqual([
      ['upgrade', 'HTTP/1.1'],
      ['connection', 'close, upgrade'],
    ]);
    expect(receive({ ...upgrade, exact: false }).denial?.headers).toEqual([]);
  });

  test('405 names the methods', () => {
    expect(receive({ method: 'TRACE' }).denial?.headers).toEqual([
      ['allow', 'GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS'],
    ]);
  });

  test('an offer of h2c is passed over', () => {
    expect(
      receive({ upgrade: true, headers: ['upgrade', 'h2c', 'connection', 'upgrade, http2-settings'] }).denial,
    ).toBeNull();
  });
});

describe('A51 preflights', () => {
  const ASK = ['origin', 'https://a.example', 'access-control-request-method', 'POST'];

  test('are answered whatever the token', () => {
    for (const target of [TARGET, '/relayapi/bad/v1', '/v1/models', '/relayapi/']) {
      expect(receive({ method: 'OPTIONS', target, headers: ASK })).toMatchObject({
        denial: null,
        preflight: true,
      });
    }
  });

  test('succeed where only the real request must be told: too long a URL, too many fields', () => {
    const long = { method: 'OPTIONS', target: TARGET.padEnd(9000, 'x'), headers: ASK };
    expect(receive(long)).toMatchObject({ denial: null, preflight: true });
    expect(receive({ ...long, method: 'POST' }).denial?.denied).toBe('uri_too_long');
  });

  test('succeed with too many fields', () => {
    const fields = Array.from({ length: 65 }, (_, i) => [`x-${i}`, '1']).flat();
    const many = { method: 'OPTIONS', headers: [...ASK, ...fields] };
    expect(receive(many)).toMatchObject({ denial: null, preflight: true });
  });

  test('carry the id of the request', () => {
    expect(value(answer(ASK), 'x-request-id')).toEqual(['id-1']);
  });

  test('do not excuse framing or an odd target', () => {
    expect(receive({ method: 'OPTIONS', headers: [...ASK, 'host', 'b'] })).toMatchObject({
      preflight: false,
      denial: { denied: 'bad_framing' },
    });
    expect(receive({ method: 'OPTIONS', target: '*' })).toMatchObject({
      preflight: false,
      denial: { denied: 'bad_target' },
    });
  });

  function answer(headers: string[], config?: IngressConfig) {
    const ingress = make(config);
    return ingress.preflightHeaders(
      ingress.receive(makeInbound({ method: 'OPTIONS', target: TARGET, headers })).arrival,
    );
  }

  test('reflect the asked headers and name methods and age', () => {
    const asked = 'authorization, content-type, x-stainless-lang,anthropic-version';
    const headers = answer([...ASK, 'access-control-request-headers', asked]);
    expect(value(headers, 'access-control-allow-headers')).toEqual([
      'authorization, content-type, x-stainless-lang, anthropic-version',
    ]);
    expect(value(headers, 'access-control-allow-methods')).toEqual(['GET, POST, PUT, PATCH, DELETE, HEAD']);
    expect(value(headers, 'access-control-max-age')).toEqual(['600']);
    expect(value(headers, 'access-control-allow-origin')).toEqual(['*']);
    expect(value(headers, 'vary')).toEqual(['Origin']);
    expect(value(headers, 'access-control-allow-credentials')).toEqual([]);
  });

  test('reflect names only', () => {
    const headers = answer([...ASK, 'access-control-request-headers', 'x-a, b c, x"y, \u00e9, x-b']);
    expect(value(headers, 'access-control-allow-headers')).toEqual(['x-a, x-b']);
    expect(value(answer(ASK), 'access-control-allow-headers')).toEqual([]);
  });

  test('allow a private network only if config says so and the browser asks', () => {
    const name = 'access-control-allow-private-network';
    const asks = [...ASK, 'access-control-request-private-network', 'true'];
    expect(value(answer(asks), name)).toEqual([]);
    expect(value(answer(asks, { private_network: true }), name)).toEqual(['true']);
    expect(value(answer(ASK, { private_network: true }), name)).toEqual([]);
  });
});

describe('headers of answers', () => {
  const claims = (origins?: string[]) =>
    ({ exp: 1_800_000_060, ...(origins && { origins }) }) as unknown as Claims;

  function answer(origin: string | null, given: Claims | null) {
    const ingress = make();
    const headers = origin === null ? [] : ['origin', origin];
    return ingress.answerHeaders(ingress.receive(makeInbound({ target: TARGET, headers })).arrival, given);
  }
  const allowed = (headers: HeaderList) => value(headers, 'access-control-allow-origin');

  test('A53 refusals carry *, relayed answers of a token with origins that exact origin', () => {
    const own = 'https://app.example.com';
    expect(allowed(answer(own, null))).toEqual(['*']);
    expect(allowed(answer(own, claims()))).toEqual(['*']);
    expect(allowed(answer(own, claims([own, 'none'])))).toEqual([own]);
    expect(allowed(answer(null, claims([own, 'none'])))).toEqual([]);
  });

  test('A53 an answer that names no origin still says its id, its end, and what protects it', () => {
    const headers = answer('https://evil.example', claims(['https://app.example.com']));
    expect(value(headers, 'x-request-id')).toEqual(['id-1']);
    expect(value(headers, 'relay-expires')).toEqual(['1800000060']);
    expect(value(headers, 'cache-control')).toEqual(['private, no-store, no-transform']);
  });

  test.each([
    'https://app.example.com.evil.example',
    'https://evil-app.example.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.',
    'https://APP.example.com',
    'null',
    'none',
    'https://app.example.com, https://app.example.com',
  ])('A53 %s gets no allowance', (origin) => {
    expect(allowed(answer(origin, claims(['https://app.example.com', 'none'])))).toEqual([]);
  });

  test('A53 always Vary: Origin, never credentials, exactly one of each', () => {
    for (const given of [null, claims(), claims(['https://a.example'])]) {
      const headers = answer('https://a.example', given);
      expect(value(headers, 'vary')).toEqual(['Origin']);
      const names = headers.map(([name]) => name);
      expect(names).not.toContain('access-control-allow-credentials');
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test('what always stands there', () => {
    expect(Object.fromEntries(answer(null, claims()))).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers':
        'relay-calls-remaining, relay-expires, relay-budget-remaining, relay-retry-at, retry-after, retry-after-ms, x-should-retry, x-request-id, request-id, www-authenticate, mcp-session-id',
      'cache-control': 'private, no-store, no-transform',
      'content-security-policy': "default-src 'none'; sandbox",
      'referrer-policy': 'no-referrer',
      'relay-expires': '1800000060',
      vary: 'Origin',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      'x-request-id': 'id-1',
      'x-robots-tag': 'noindex',
    });
  });
});
