/** Where the lines of an answer end: lengths, counts, notations and edges of what is passed on of an upstream's headers. */
import { describe, expect, test } from 'vitest';
import { callWith } from '../../test/support/forwarding.ts';
import { joinAnswerHeaders, type PassedHeaderOptions, pickResponseHeaders } from './response-headers.ts';
import { contentType, declaredLength, isPassableType, judgeResponse } from './response-rules.ts';

const NOW = Date.UTC(2026, 10, 20, 12, 0, 0);
const options: PassedHeaderOptions = { passRateLimitHeaders: true, contentLength: null, nowMs: NOW };
const pick = (raw: string[], more: Partial<PassedHeaderOptions> = {}, status = 200) =>
  Object.fromEntries(pickResponseHeaders(status, raw, 'X-Request-Id', { ...options, ...more }));

describe('lengths of passed lines', () => {
  test.each([
    ['content-disposition', 1024],
    ['x-request-id', 256],
    ['x-ratelimit-reset', 256],
  ])('%s passes with %i characters and not with one more', (name, longest) => {
    const field = name === 'x-request-id' ? 'request-id' : name;
    expect(pick([name, 'x'.repeat(longest)])).toEqual({ [field]: 'x'.repeat(longest) });
    expect(pick([name, 'x'.repeat(longest + 1)])).toEqual({});
  });

  test('an empty line is none', () => {
    expect(pick(['content-type', '', 'x-request-id', '', 'x-ratelimit-reset', ''])).toEqual({});
  });

  test('without a name for it, no request id is passed', () => {
    expect(pickResponseHeaders(200, ['x-request-id', 'a', '', 'b'], null, options)).toEqual([]);
  });

  test('a body of length 0 is declared as such', () => {
    expect(pick([], { contentLength: 0 })).toEqual({ 'content-length': '0' });
  });
});

describe('rate-limit lines', () => {
  test.each(['x-ratelimit-limit', 'anthropic-ratelimit-tokens-reset', 'ratelimit-policy', 'RateLimit'])(
    '%s is one',
    (name) => {
      expect(pick([name, '1'])).toEqual({ [name.toLowerCase()]: '1' });
    },
  );

  test.each([
    'my-x-ratelimit-limit',
    'x-anthropic-ratelimit-a',
    'a-ratelimit-b',
    'ratelimits',
    'not-ratelimit',
  ])('%s is none', (name) => {
    expect(pick([name, '1'])).toEqual({});
  });

  test('32 of them pass and no more; a name without a value is none', () => {
    const raw = Array.from({ length: 33 }, (_, i) => [`x-ratelimit-${i}`, 'v']).flat();
    expect(Object.keys(pick(raw))).toEqual(Array.from({ length: 32 }, (_, i) => `x-ratelimit-${i}`));
    expect(pick(['x-ratelimit-a', '1', 'x-ratelimit-b'])).toEqual({ 'x-ratelimit-a': '1' });
  });

  test('nothing else is exposed with them', () => {
    const call = callWith({ answerHeaders: [['access-control-expose-headers', 'retry-after']] });
    const own = [
      ['content-type', 'text/plain'],
      ['x-ratelimit-a', '1'],
    ] as const;
    expect(joinAnswerHeaders(call, own, null)).toEqual([
      ['access-control-expose-headers', 'retry-after, x-ratelimit-a'],
      ['content-type', 'text/plain'],
      ['x-ratelimit-a', '1'],
      ['x-request-id', 'req-1'],
    ]);
  });
});

describe('Retry-After', () => {
  const after = (value: string, status = 503, nowMs = NOW) => pick(['retry-after', value], { nowMs }, status);

  test.each([' 30 ', '30'])('%j is thirty seconds', (value) => {
    expect(after(value)).toEqual({ 'retry-after': '30' });
  });

  test.each([
    'x30',
    '30x',
    '3.5',
    '12345678901',
    '',
    '2026-11-20T12:00:20Z',
    'Fri, 20 Nov 2026 12:00:20',
    'nonsense GMT',
  ])('%j is no time that is passed on', (value) => {
    expect(after(value)).toEqual({});
  });

  test('a part of a second counts as a whole one, in seconds to wait and in the time that is told', () => {
    expect(after('Fri, 20 Nov 2026 12:00:20 GMT', 503, NOW + 1)).toEqual({ 'retry-after': '20' });
    expect(after('61', 429, NOW + 1)['relay-retry-at']).toBe(String(NOW / 1000 + 1 + 61));
    expect(after('1234567890', 429)['relay-retry-at']).toBe(String(NOW / 1000 + 1_234_567_890));
  });

  test('a wait of 60 s on a 429 may be retried by itself, one of 61 s may not', () => {
    expect(after('60', 429)).toEqual({ 'retry-after': '60' });
    expect(after('61', 429)).toMatchObject({ 'retry-after': '60', 'x-should-retry': 'false' });
  });
});

describe('edges of the verdict', () => {
  const judge = (status: number, headers: Record<string, string> = {}, method = 'POST') =>
    judgeResponse(status, Object.entries(headers).flat(), { method, allowPdf: false });
  const json = { 'content-type': 'application/json' };

  test.each([
    [199, 'replace'],
    [200, 'stream'],
    [299, 'stream'],
    [300, 'replace'],
    [399, 'replace'],
    [400, 'collect'],
    [599, 'collect'],
    [600, 'replace'],
  ])('status %i: %s', (status, kind) => {
    expect(judge(status, json).kind).toBe(kind);
  });

  test('only a refused credential lets one rest, and only a bad body keeps the upstream’s status', () => {
    expect(judge(302)).toMatchObject({ keepStatus: false, rest: null });
    expect(judge(199, json)).toMatchObject({ keepStatus: false, rest: null });
    expect(judge(500, { ...json, 'content-encoding': 'br' })).toMatchObject({
      keepStatus: false,
      rest: null,
    });
    expect(judge(500, { 'content-type': 'text/html' })).toMatchObject({ keepStatus: true, rest: null });
  });

  test('an empty coding and identity, however written, are none', () => {
    const twice = [
      'content-type',
      'text/plain',
      'content-encoding',
      'identity',
      'content-encoding',
      'identity',
    ];
    expect(judgeResponse(200, twice, { method: 'POST', allowPdf: false }).kind).toBe('stream');
    for (const coding of ['', ' Identity , ', 'identity,identity'])
      expect(judge(200, { ...json, 'content-encoding': coding }).kind).toBe('stream');
    expect(
      judgeResponse(
        200,
        ['content-type', 'text/plain', 'content-encoding', 'identity', 'content-encoding', 'br'],
        {
          method: 'POST',
          allowPdf: false,
        },
      ),
    ).toMatchObject({ denial: { denied: 'upstream_encoding' } });
  });

  test.each([
    ['204', 204, {}, 'POST'],
    ['205', 205, {}, 'POST'],
    ['length 0', 200, { 'content-length': '0' }, 'POST'],
    ['HEAD', 200, {}, 'HEAD'],
    ['HEAD of an error', 404, {}, 'HEAD'],
  ])(
    '%s has no body, with a type or without, but a type that is not passed on is refused all the same',
    (_what, status, headers, method) => {
      expect(judge(status, headers, method)).toEqual({ kind: 'empty' });
      expect(judge(status, { ...headers, ...json }, method)).toEqual({ kind: 'empty' });
      expect(judge(status, { ...headers, 'content-type': 'text/html' }, method).kind).toBe('replace');
    },
  );

  test.each([
    'application/json',
    'application/jsonl',
    'application/ndjson',
    'application/octet-stream',
    'application/vnd.amazon.eventstream',
    'application/x-json-stream',
    'application/x-jsonlines',
    'application/x-ndjson',
    'image/avif',
    'image/bmp',
    'image/gif',
    'image/jpeg',
    'image/png',
    'image/tiff',
    'image/webp',
    'text/event-stream',
    'text/plain',
    'audio/wav',
    'video/webm',
    'application/vnd.api+json',
  ])('%s is on the list', (type) => {
    expect(isPassableType(type, false)).toBe(true);
  });

  test.each([
    '',
    'text/x+json',
    'x-application/a+json',
    'application/a+jsonx',
    'application/xml',
    'x-audio/mpeg',
    'video/x+xml',
    'audio/x+xml',
    'application/pdf',
  ])('%j is not', (type) => {
    expect(isPassableType(type, false)).toBe(false);
  });

  test('a token that names pdf gets PDF and nothing else besides', () => {
    expect(isPassableType('application/pdf', true)).toBe(true);
    expect(isPassableType('text/html', true)).toBe(false);
  });

  test.each([
    ['Text/Plain', 'text/plain'],
    [' text/plain ; charset=utf-8; x', 'text/plain'],
    ['application/a!#$&^_.+-b', 'application/a!#$&^_.+-b'],
  ])('%j is the type %s', (value, type) => {
    expect(contentType(['content-type', value])).toBe(type);
  });

  test.each([
    'text',
    '/plain',
    'text/',
    'text/plain/x',
    'text /plain',
    'te,xt/plain',
    'text/plain, x/y',
    ';',
  ])('%j is no type', (value) => {
    expect(contentType(['content-type', value])).toBeNull();
  });

  test('no line is no type and no length', () => {
    expect(contentType([])).toBeNull();
    expect(declaredLength([])).toBeNull();
  });

  test('a length has at most fifteen digits and nothing around them', () => {
    expect(declaredLength(['content-length', '9'.repeat(15)])).toBe(999_999_999_999_999);
    for (const value of ['9'.repeat(16), ' 1', '1 ', '1x', 'x1'])
      expect(declaredLength(['content-length', value])).toBeNull();
  });
});
