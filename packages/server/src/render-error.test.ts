/** Error answers: one table in five shapes, retry advice that no SDK can misread. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorShape } from './dialects/dialect.ts';
import { type Denial, deny, ERRORS, type ErrorCode } from './errors.ts';
import { renderError } from './render-error.ts';

const NOW = 1_800_000_000_000;
const CODES = Object.keys(ERRORS) as ErrorCode[];
const SHAPES: ErrorShape[] = ['openai', 'anthropic', 'google', 'jsonrpc', 'text', 'union'];

function render(
  denial: Denial,
  shape: ErrorShape = 'union',
  more: { problemJson?: boolean; requestId?: string } = {},
) {
  const audience = { shape, problemJson: more.problemJson ?? false, requestId: more.requestId ?? 'req-1' };
  const { status, headers, body } = renderError(denial, audience, NOW);
  const text = new TextDecoder().decode(body);
  return {
    status,
    headers: Object.fromEntries(headers),
    names: headers.map(([name]) => name),
    text,
    json: JSON.parse(text),
  };
}

describe('shapes', () => {
  test('openai', () => {
    expect(render(deny('model_denied', { param: 'models' }), 'openai').json).toEqual({
      error: {
        message: 'This relay URL does not allow this model. (models)',
        type: 'permission_error',
        param: 'models',
        code: 'model_denied',
      },
      message: 'This relay URL does not allow this model. (models)',
    });
  });

  test('anthropic', () => {
    expect(render(deny('calls_exhausted'), 'anthropic').json).toEqual({
      type: 'error',
      error: {
        type: 'billing_error',
        message: 'All calls of this relay URL are used up.',
        code: 'calls_exhausted',
        param: null,
      },
      message: 'All calls of this relay URL are used up.',
      request_id: 'req-1',
    });
  });

  test('google: the code is the status, RetryInfo stands on 429 only', () => {
    const limited = render(deny('rate_limited', { retryAtMs: NOW + 12_300 }), 'google').json;
    expect(limited).toEqual({
      error: {
        code: 429,
        message: 'Too many requests.',
        status: 'RESOURCE_EXHAUSTED',
        details: [
          { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'RATE_LIMITED', domain: 'relayapi' },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '13s' },
        ],
      },
    });
    expect(render(deny('token_expired'), 'google').json.error).toMatchObject({
      code: 401,
      status: 'UNAUTHENTICATED',
    });
    expect(render(deny('capacity', { retryAtMs: NOW + 5000 }), 'google').text).not.toContain('RetryInfo');
  });

  test('union', () => {
    expect(render(deny('token_expired')).json).toEqual({
      type: 'error',
      error: {
        type: 'authentication_error',
        message: 'The relay URL has expired.',
        code: 'token_expired',
        status: 401,
        param: null,
      },
      message: 'The relay URL has expired.',
      request_id: 'req-1',
    });
  });

  test('text: the message itself is the error', () => {
    expect(render(deny('token_expired'), 'text').json).toEqual({
      error: 'The relay URL has expired.',
      code: 'token_expired',
      type: 'authentication_error',
      status: 401,
      param: null,
      request_id: 'req-1',
    });
  });

  test('problem details only where Accept names them and the union body would stand', () => {
    const problem = render(deny('path_denied', { param: 'paths' }), 'union', { problemJson: true });
    expect(problem.headers['content-type']).toBe('application/problem+json');
    expect(problem.json).toEqual({
      type: 'urn:relayapi:error:path_denied',
      title: 'This relay URL does not open this endpoint.',
      status: 403,
      detail: 'This relay URL does not open this endpoint. (paths)',
      code: 'path_denied',
      param: 'paths',
      request_id: 'req-1',
    });
    for (const shape of ['openai', 'anthropic', 'google', 'jsonrpc', 'text'] as const) {
      const kept = render(deny('path_denied'), shape, { problemJson: true });
      expect(kept.headers['content-type']).toBe('application/json');
    }
  });

  test('MCP: a 401 becomes 403 without a challenge, in JSON-RPC', () => {
    const refused = render(deny('token_expired'), 'jsonrpc');
    expect(refused.status).toBe(403);
    expect(refused.names).not.toContain('www-authenticate');
    expect(refused.headers['x-should-retry']).toBe('false');
    expect(refused.json).toMatchObject({
      jsonrpc: '2.0',
      id: null,
      error: { message: 'The relay URL has expired.', data: { code: 'token_expired' } },
    });
    expect(render(deny('rate_limited'), 'jsonrpc').status).toBe(429);
  });

  test.each(SHAPES)('%s: every code renders with its status, its message and its length', (shape) => {
    for (const code of CODES) {
      const { status, headers, text } = render(deny(code), shape);
      expect(status).toBe(shape === 'jsonrpc' && ERRORS[code].status === 401 ? 403 : ERRORS[code].status);
      expect(headers['content-length']).toBe(String(Buffer.byteLength(text)));
      expect(text).toContain(ERRORS[code].message);
      expect(text.toLowerCase()).toContain(code);
    }
  });

  test('the message tells a name and nothing but printable characters of it', () => {
    expect(render(deny('claim_not_allowed', { param: 'max_ttl_seconds' })).json.message).toContain(
      '(max_ttl_seconds)',
    );
    const odd = render(deny('token_unsupported', { param: `a\u0007\u00e9${'x'.repeat(300)}` })).json.error
      .param;
    expect(odd).toMatch(/^a\?\?x{125}$/);
  });

  test('what is for the log stays there', () => {
    for (const shape of SHAPES) {
      const { text, headers } = render(deny('destination_denied', { reason: 'ten-dot-something' }), shape);
      expect(text + JSON.stringify(headers)).not.toContain('ten-dot-something');
    }
  });
});

describe('A1 token_invalid', () => {
  test.each(SHAPES)('%s: identical for any request, and without its id', (shape) => {
    const one = renderError(
      deny('token_invalid', { reason: 'shape' }),
      { shape, problemJson: false, requestId: 'one' },
      NOW,
    );
    const two = renderError(
      deny('token_invalid', { reason: 'aead' }),
      { shape, problemJson: false, requestId: 'two' },
      NOW + 5,
    );
    expect(Buffer.compare(one.body, two.body)).toBe(0);
    expect(one.headers).toEqual(two.headers);
    expect(new TextDecoder().decode(one.body)).not.toContain('one');
  });
});

describe('retry advice', () => {
  const advice = (denial: Denial) => {
    const { headers } = render(denial);
    return ['retry-after', 'retry-after-ms', 'relay-retry-at', 'x-should-retry'].map(
      (name) => headers[name] ?? null,
    );
  };

  test.each([
    ['unknown wait', undefined, ['1', '1000', null, null]],
    ['past', NOW - 5000, ['1', '1', '1799999995', null]],
    ['now', NOW, ['1', '1', '1800000000', null]],
    ['250 ms', NOW + 250, ['1', '250', '1800000001', null]],
    ['1,001 ms rounds up', NOW + 1001, ['2', '1001', '1800000002', null]],
    ['60 s', NOW + 60_000, ['60', '60000', '1800000060', null]],
    ['longer: capped, and hopeless for now', NOW + 60_001, ['60', '60000', '1800000061', 'false']],
    ['a day', NOW + 86_400_000, ['60', '60000', '1800086400', 'false']],
  ])('429, %s', (_why, retryAtMs, expected) => {
    expect(advice(deny('rate_limited', retryAtMs === undefined ? {} : { retryAtMs }))).toEqual(expected);
  });

  test('503 is capped alike, but worth a retry', () => {
    expect(advice(deny('store_down', { retryAtMs: NOW + 600_000 }))).toEqual([
      '60',
      '60000',
      '1800000600',
      null,
    ]);
    expect(advice(deny('draining'))).toEqual(['1', '1000', null, null]);
  });

  test('Retry-After stands on 429 and 503 and nowhere else', () => {
    const waiting = CODES.filter((code) => 'retry-after' in render(deny(code)).headers);
    expect(waiting).toEqual(['rate_limited', 'concurrency_limited', 'capacity', 'store_down', 'draining']);
  });

  test('x-should-retry: false on each hopeless error that some SDK would repeat', () => {
    const told = CODES.filter((code) => render(deny(code)).headers['x-should-retry'] === 'false');
    const expected = CODES.filter((code) => [401, 402, 403].includes(ERRORS[code].status));
    expected.push(
      'idempotency_replayed',
      'upstream_auth',
      'upstream_redirect',
      'upstream_encoding',
      'upstream_invalid',
      'upstream_timeout',
    );
    expect(told.sort()).toEqual(expected.sort());
  });

  test('401 challenges; without a token the challenge names no error', () => {
    expect(render(deny('token_missing')).headers['www-authenticate']).toBe('Bearer realm="relayapi"');
    expect(render(deny('token_expired')).headers['www-authenticate']).toBe(
      'Bearer realm="relayapi", error="invalid_token"',
    );
    const challenged = CODES.filter((code) => 'www-authenticate' in render(deny(code)).headers);
    expect(challenged).toEqual(CODES.filter((code) => ERRORS[code].status === 401));
  });

  test('headers of the denial are kept', () => {
    expect(render(deny('method_not_allowed', { headers: [['allow', 'GET']] })).headers.allow).toBe('GET');
  });
});

describe('official SDKs', () => {
  let next: Denial = deny('internal');
  let shape: ErrorShape = 'union';
  let calls = 0;
  const server = createServer((_req, res) => {
    calls++;
    const { status, headers, body } = renderError(next, { shape, problemJson: false, requestId: 'req-9' });
    res.writeHead(status, [...headers, ['x-request-id', 'req-9']].flat() as string[]).end(body);
  });
  let base = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const messages = [{ role: 'user' as const, content: 'hi' }];
  async function failOf(denial: Denial, as: ErrorShape, call: () => PromiseLike<unknown>) {
    next = denial;
    shape = as;
    calls = 0;
    try {
      await call();
    } catch (error) {
      return error as Error & { status?: number; code?: string; requestID?: string; type?: string };
    }
    throw new Error('the SDK took an error for success');
  }
  const openai = () =>
    new OpenAI({ apiKey: 'relay', baseURL: `${base}/v1` }).chat.completions.create({ model: 'm', messages });
  const anthropic = () =>
    new Anthropic({ apiKey: 'relay', baseURL: base }).messages.create({
      model: 'm',
      max_tokens: 1,
      messages,
    });
  const google = () =>
    new GoogleGenAI({ apiKey: 'relay', httpOptions: { baseUrl: base } }).models.generateContent({
      model: 'm',
      contents: 'hi',
    });

  const hopeless: ErrorCode[] = [
    'token_expired',
    'calls_exhausted',
    'model_denied',
    'request_too_large',
    'token_unsupported',
    'upstream_timeout',
  ];

  test.each(hopeless)('openai reads %s and does not try again', async (code) => {
    const error = await failOf(deny(code), 'openai', openai);
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ status: ERRORS[code].status, code, requestID: 'req-9' });
    expect(error.message).toBe(`${ERRORS[code].status} ${ERRORS[code].message}`);
    expect(calls).toBe(1);
  });

  test.each(hopeless)('anthropic reads %s and does not try again', async (code) => {
    const error = await failOf(deny(code), 'anthropic', anthropic);
    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect(error.status).toBe(ERRORS[code].status);
    expect(error.message).toBe(`${ERRORS[code].status} ${ERRORS[code].message}`);
    expect(calls).toBe(1);
  });

  test.each(hopeless)('google reads %s', async (code) => {
    const error = await failOf(deny(code), 'google', google);
    expect(error.status).toBe(ERRORS[code].status);
    expect(error.message).toContain(ERRORS[code].message);
    expect(calls).toBe(1);
  });

  test('openai waits as told and tries a rate limit again', async () => {
    const error = await failOf(deny('rate_limited', { retryAtMs: Date.now() }), 'openai', openai);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(calls).toBe(3);
  });

  test('a rate limit that lasts longer than any SDK should sleep is not tried again', async () => {
    const denial = deny('rate_limited', { retryAtMs: Date.now() + 3_600_000 });
    expect(await failOf(denial, 'openai', openai)).toBeInstanceOf(OpenAI.RateLimitError);
    expect(calls).toBe(1);
    expect(await failOf(denial, 'anthropic', anthropic)).toBeInstanceOf(Anthropic.RateLimitError);
    expect(calls).toBe(1);
  });

  test('the union body reads well in openai and anthropic too', async () => {
    for (const call of [openai, anthropic]) {
      const error = await failOf(deny('ip_denied'), 'union', call);
      expect(error.message).toBe(`403 ${ERRORS.ip_denied.message}`);
    }
  });
});
