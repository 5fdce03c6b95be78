import { describe, expect, test } from 'vitest';
import { callWith } from '../../test/support/forwarding.ts';
import { joinAnswerHeaders, type PassedHeaderOptions, pickResponseHeaders } from './response-headers.ts';
import { contentType, declaredLength, isPassableType, judgeResponse } from './response-rules.ts';

const NOW = Date.UTC(2026, 10, 20, 12, 0, 0);
const options: PassedHeaderOptions = { passRateLimitHeaders: false, contentLength: null, nowMs: NOW };
const pick = (raw: string[], more: Partial<PassedHeaderOptions> = {}, status = 200) =>
  Object.fromEntries(pickResponseHeaders(status, raw, 'X-Request-Id', { ...options, ...more }));

/** Sixty lines of a hostile upstream; what may pass stands among them. */
const HOSTILE = [
  ['Content-Type', 'application/json'],
  ['Content-Disposition', 'attachment; filename="a.json"'],
  ['Content-Range', 'bytes 0-1/2'],
  ['Accept-Ranges', 'bytes'],
  ['Retry-After', '7'],
  ['X-Request-Id', 'req_upstream'],
  ['Content-Length', '12'],
  ...[
    'set-cookie',
    'set-cookie2',
    'server',
    'via',
    'date',
    'connection',
    'keep-alive',
    'proxy-connection',
    'upgrade',
    'trailer',
    'transfer-encoding',
    'te',
    'proxy-authenticate',
    'www-authenticate',
    'authorization',
    'location',
    'refresh',
    'link',
    'alt-svc',
    'access-control-allow-origin',
    'access-control-allow-credentials',
    'access-control-expose-headers',
    'access-control-max-age',
    'cache-control',
    'expires',
    'pragma',
    'etag',
    'last-modified',
    'age',
    'vary',
    'strict-transport-security',
    'content-security-policy',
    'x-frame-options',
    'x-content-type-options',
    'referrer-policy',
    'permissions-policy',
    'clear-site-data',
    'service-worker-allowed',
    'sourcemap',
    'x-powered-by',
    'openai-organization',
    'openai-project',
    'openai-processing-ms',
    'anthropic-organization-id',
    'cf-ray',
    'x-amzn-requestid',
    'x-accel-redirect',
    'x-sendfile',
    'x-should-retry',
    'retry-after-ms',
    'relay-calls-remaining',
    'relay-expires',
    'x-ratelimit-remaining-requests',
    'content-encoding',
    'content-language',
    'report-to',
  ].map((name) => [name, 'hostile']),
].flat(); // prettier-ignore

describe('A25 response headers are exactly the allow-list', () => {
  test('of sixty lines six pass, the length only when the body is untouched', () => {
    expect(HOSTILE.length / 2).toBeGreaterThanOrEqual(60);
    const passed = {
      'content-type': 'application/json',
      'content-disposition': 'attachment; filename="a.json"',
      'content-range': 'bytes 0-1/2',
      'accept-ranges': 'bytes',
      'retry-after': '7',
      'request-id': 'req_upstream',
    };
    expect(pick(HOSTILE)).toEqual(passed);
    expect(pick(HOSTILE, { contentLength: 12 })).toEqual({ ...passed, 'content-length': '12' });
  });

  test('rate limits pass where configured, the first of each, and are exposed by name', () => {
    const raw = [
      'x-ratelimit-remaining',
      '3',
      'X-RateLimit-Remaining',
      '4',
      'anthropic-ratelimit-requests-limit',
      '5',
    ];
    expect(pick(raw)).toEqual({});
    const picked = pickResponseHeaders(200, raw, null, { ...options, passRateLimitHeaders: true });
    expect(picked).toEqual([
      ['x-ratelimit-remaining', '3'],
      ['anthropic-ratelimit-requests-limit', '5'],
    ]);
    const call = callWith({ answerHeaders: [['access-control-expose-headers', 'retry-after']] });
    expect(joinAnswerHeaders(call, picked, null)).toContainEqual([
      'access-control-expose-headers',
      'retry-after, x-ratelimit-remaining, anthropic-ratelimit-requests-limit',
    ]);
  });

  test('the relay’s own lines win over the upstream’s and none stands twice', () => {
    const call = callWith({
      answerHeaders: [
        ['vary', 'Origin'],
        ['x-request-id', 'ours'],
      ],
    });
    const own = [
      ['vary', 'theirs'],
      ['content-type', 'text/plain'],
    ] as const;
    expect(joinAnswerHeaders(call, own, 4)).toEqual([
      ['vary', 'Origin'],
      ['x-request-id', 'ours'],
      ['content-type', 'text/plain'],
      ['relay-calls-remaining', '4'],
    ]);
  });

  test('values that are no header text or far too long are left out', () => {
    expect(
      pick([
        'content-disposition',
        'a\nb',
        'accept-ranges',
        'x'.repeat(2000),
        'x-request-id',
        'x'.repeat(300),
      ]),
    ).toEqual({});
  });
});

describe('Retry-After stays within 1 to 60 s', () => {
  test.each([
    ['0', { 'retry-after': '1' }],
    ['30', { 'retry-after': '30' }],
    ['60', { 'retry-after': '60' }],
    ['Fri, 20 Nov 2026 12:00:20 GMT', { 'retry-after': '20' }],
    ['Fri, 20 Nov 2026 11:00:00 GMT', { 'retry-after': '1' }],
    ['soon', {}],
    ['-5', {}],
  ])('%s on a 503', (value, expected) => {
    expect(pick(['retry-after', value], {}, 503)).toEqual(expected);
  });

  test('a longer wait on a 429 is told in relay-retry-at and not to be retried blindly', () => {
    expect(pick(['retry-after', '3600'], {}, 429)).toEqual({
      'retry-after': '60',
      'x-should-retry': 'false',
      'relay-retry-at': String(NOW / 1000 + 3600),
    });
    expect(pick(['retry-after', '3600'], {}, 503)).toEqual({ 'retry-after': '60' });
  });
});

describe('how an answer is judged', () => {
  const judge = (status: number, headers: Record<string, string> = {}, method = 'POST', allowPdf = false) =>
    judgeResponse(status, Object.entries(headers).flat(), { method, allowPdf });
  const json = { 'Content-Type': 'application/json; charset=utf-8' };

  test.each([401, 402, 403, 407, 456])('A27 %i is the operator’s matter, never the caller’s', (status) => {
    expect(judge(status, json)).toMatchObject({
      kind: 'replace',
      denial: { denied: 'upstream_auth' },
      keepStatus: false,
      rest: status === 402 || status === 403 ? 'token' : 'credential',
    });
  });

  test.each([300, 301, 302, 303, 304, 307, 308, 399])('A20 %i is not followed', (status) => {
    expect(judge(status, { ...json, location: 'https://evil.example/' })).toMatchObject({
      kind: 'replace',
      denial: { denied: 'upstream_redirect' },
    });
  });

  test.each(['gzip', 'br', 'identity, gzip', 'GZIP', 'x-unheard-of'])(
    'A57 encoding %s was not asked for',
    (coding) => {
      for (const status of [200, 500]) {
        expect(judge(status, { ...json, 'content-encoding': coding })).toMatchObject({
          denial: { denied: 'upstream_encoding' },
        });
      }
      expect(judge(200, { ...json, 'content-encoding': 'identity' }).kind).toBe('stream');
    },
  );

  test.each([
    'text/html',
    'text/html; charset=utf-8',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/javascript',
    'application/javascript',
    'text/css',
    'application/xml',
    'multipart/mixed; boundary=x',
    'application/pdf',
    'application/wasm',
    'audio/x+xml',
    'nonsense',
    '',
  ])('%j is not passed on, the status stays', (type) => {
    for (const status of [200, 503]) {
      expect(judge(status, { 'content-type': type })).toMatchObject({
        kind: 'replace',
        denial: { denied: 'upstream_invalid' },
        keepStatus: true,
      });
    }
  });

  test.each([
    'application/json',
    'application/problem+json',
    'application/x-ndjson',
    'text/event-stream; charset=utf-8',
    'TEXT/PLAIN',
    'audio/mpeg',
    'video/mp4',
    'image/png',
    'application/octet-stream',
    'application/vnd.amazon.eventstream',
    'model/gltf-binary',
  ])('%s passes', (type) => {
    expect(judge(200, { 'content-type': type }).kind).toBe('stream');
    expect(judge(500, { 'content-type': type }).kind).toBe('collect');
  });

  test('PDF passes where the token names it', () => {
    expect(judge(200, { 'content-type': 'application/pdf' }, 'POST', true).kind).toBe('stream');
    expect(isPassableType('application/pdf', false)).toBe(false);
  });

  test('two content types are as good as none', () => {
    expect(contentType(['content-type', 'text/plain', 'Content-Type', 'text/html'])).toBeNull();
  });

  test('an answer without a body needs no type', () => {
    expect(judge(204).kind).toBe('empty');
    expect(judge(202, { 'content-length': '0' }).kind).toBe('empty');
    expect(judge(200, json, 'HEAD').kind).toBe('empty');
    expect(judge(200).kind).toBe('replace');
  });

  test('a status outside of HTTP is not passed on', () => {
    expect(judge(600, json)).toMatchObject({ denial: { denied: 'upstream_invalid' }, keepStatus: false });
    expect(judge(999, json)).toMatchObject({ keepStatus: false });
  });

  test('a length is plain digits or nothing', () => {
    expect(declaredLength(['Content-Length', '12'])).toBe(12);
    for (const value of ['', '-1', '1e3', '0x10', '1, 1', '9'.repeat(20)]) {
      expect(declaredLength(['content-length', value])).toBeNull();
    }
  });
});
