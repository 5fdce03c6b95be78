/**
 * Every knob over real sockets, judged by the bytes that come back.
 * house: real time, a few milliseconds of it: silence and pace on a socket cannot be seen on a fake clock.
 */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DemoProvider, startDemoProvider } from '../src/index.ts';
import { chatRequest, talk } from './wire.ts';

const KEY = 'sk-demo-not-a-key';
let provider: DemoProvider;
beforeAll(async () => {
  provider = await startDemoProvider();
});
afterAll(() => provider.close());
beforeEach(() => provider.reset());

const ask = (model: string, more: object = {}, init: RequestInit = {}): Promise<Response> =>
  fetch(`${provider.origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'two words' }], ...more }),
    ...init,
  });
const textOf = async (response: Response): Promise<string> => {
  const body = (await response.json()) as { choices: { message: { content: string } }[] };
  return body.choices[0]?.message.content ?? '';
};
const raw = (model: string, more: object = {}) => talk(provider.port, chatRequest(model, more));
const stream = { stream: true };

describe('reading the request', () => {
  test('slowread pauses between chunks and still gets the whole body', async () => {
    const started = performance.now();
    const response = await ask('demo-slowread-4000000', { filler: 'x'.repeat(200_000) });
    expect(response.status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(40);
    expect(provider.requests[0]).toMatchObject({ complete: true, bodyBytes: expect.any(Number) });
    expect(provider.requests[0]?.bodyBytes).toBeGreaterThan(200_000);
  });

  test('noread takes the first chunk and leaves the rest with the sender', async () => {
    const sender = connect(provider.port, '127.0.0.1', () => {
      sender.write(chatRequest('demo-noread', { filler: 'x'.repeat(20_000_000) }));
    });
    await provider.waitFor((one) => one.bodyBytes > 0);
    let before = -1;
    await expect
      .poll(() => {
        const stalled = sender.writableLength === before;
        before = sender.writableLength;
        return stalled;
      })
      .toBe(true);
    expect(before).toBeGreaterThan(0);
    expect(provider.requests[0]).toMatchObject({ complete: false, status: null, closedAt: null });
    expect(provider.requests[0]?.bodyBytes).toBeLessThan(1_000_000);
    sender.destroy();
  });

  test('early answers before the body has been sent', async () => {
    const head = chatRequest('demo-early+error-413').replace(/content-length: \d+/, 'content-length: 999999');
    const { text } = await talk(provider.port, head, (seen) => seen.includes('request_too_large'));
    expect(text).toContain('HTTP/1.1 413');
    expect(provider.requests[0]?.complete).toBe(false);
  });
});

test('early answers normally too where the body has not come to its end', async () => {
  const head = chatRequest('demo-early')
    .replace(/content-length: \d+/, 'content-length: 999999')
    .slice(0, -3);
  const { text } = await talk(provider.port, head, (seen) => seen.endsWith('}'));
  expect(text).toContain('an unfinished body');
});

describe('instead of an answer', () => {
  test('hang reads everything and stays silent until the caller leaves', async () => {
    const gone = new AbortController();
    const response = ask('demo-hang', {}, { signal: gone.signal });
    await provider.waitFor((request) => request.complete);
    gone.abort();
    await expect(response).rejects.toThrow();
    const request = await provider.waitFor((one) => one.closedAt !== null);
    expect(request).toMatchObject({ closedEarly: true, status: null });
  });

  test('reset-before resets without a byte', async () => {
    expect(await raw('demo-reset-before')).toEqual({ text: '', ending: 'ECONNRESET' });
    expect(provider.requests[0]).toMatchObject({ complete: true, cut: true, closedEarly: false });
  });

  test('close-before ends without a byte', async () => {
    expect(await raw('demo-close-before')).toEqual({ text: '', ending: 'end' });
  });

  test('close-after answers in full and then closes', async () => {
    const { text, ending } = await raw('demo-close-after');
    expect(text).toContain('two words');
    expect(text.toLowerCase()).toContain('connection: close');
    expect(ending).toBe('end');
  });

  test('garbage is not HTTP', async () => {
    expect((await raw('demo-garbage')).text).toMatch(/^SSH-2\.0/);
    await expect(ask('demo-garbage')).rejects.toThrow();
  });
});

describe('before the answer', () => {
  test('delay waits', async () => {
    const started = performance.now();
    expect((await ask('demo-delay-60')).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(55);
  });

  test('a caller that leaves during a delay ends it', async () => {
    await expect(ask('demo-delay-100000', {}, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
    expect(await provider.waitFor((request) => request.closedAt !== null)).toMatchObject({
      closedEarly: true,
    });
  });

  test('1xx sends that many informational heads', async () => {
    const { text } = await raw('demo-1xx-40+close-after');
    expect(text.match(/HTTP\/1\.1 103 /g)).toHaveLength(40);
    expect(text).toContain('HTTP/1.1 200 OK');
  });
});

describe('in place of the answer', () => {
  test.each([
    ['demo-error-503', 503, null],
    ['demo-status-429-retry-3', 429, '3'],
    ['demo-error-529-retry-Fri, 01 Jan 2100 00:00:00 GMT', 529, 'Fri, 01 Jan 2100 00:00:00 GMT'],
  ])('%s', async (model, status, retryAfter) => {
    const response = await ask(model);
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    expect(await response.json()).toHaveProperty('error.message');
  });

  test('status below 400 is the normal answer with that status', async () => {
    const response = await ask('demo-status-201');
    expect(response.status).toBe(201);
    expect(await textOf(response)).toContain('two words');
  });

  test('flaky fails so many times, for each model name apart', async () => {
    const statuses = [];
    for (const model of [
      'demo-flaky-2',
      'demo-flaky-2',
      'demo-flaky-1-500',
      'demo-flaky-2',
      'demo-flaky-1-500',
    ]) {
      statuses.push((await ask(model)).status);
    }
    expect(statuses).toEqual([503, 503, 500, 200, 200]);
  });

  test('redirect names the decoded location', async () => {
    const response = await ask(
      'demo-redirect-307-http%3A%2F%2Fother.example%2Fa-b',
      {},
      { redirect: 'manual' },
    );
    expect(response.status).toBe(307);
    expect(response.headers.get('location')).toBe('http://other.example/a-b');
  });

  test('html is a page with a script', async () => {
    const response = await ask('demo-html');
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(await response.text()).toContain('<script>');
  });

  test('bomb inflates to so many MiB out of a few KiB', async () => {
    const { text } = await raw('demo-bomb-3+close-after');
    expect(text).toContain('content-encoding: gzip');
    expect(text.length).toBeLessThan(30_000);
    const body = Buffer.from(await (await ask('demo-bomb-3')).arrayBuffer());
    expect(body.length).toBe(3 * 1024 * 1024);
  });
});

describe('inside the answer', () => {
  test('echo tells every header, the credential and the body', async () => {
    const echo = JSON.parse(await textOf(await ask('demo-echo', { n: 1 }))) as Record<string, unknown>;
    expect(echo).toMatchObject({
      method: 'POST',
      target: '/v1/chat/completions',
      headers: { authorization: `Bearer ${KEY}` },
      body: expect.stringContaining('"n":1'),
    });
    expect(echo.rawHeaders).toContain(`Bearer ${KEY}`);
  });

  test('echo-raw is the whole body, echo-headers stand in the head, echo with an error in its message', async () => {
    expect(await (await ask('demo-echo-raw')).json()).toHaveProperty(
      'headers.authorization',
      `Bearer ${KEY}`,
    );
    expect((await ask('demo-echo-headers')).headers.get('request-id')).toBe(`echo ${KEY}`);
    expect(await (await ask('demo-echo+error-400')).text()).toContain(KEY);
  });

  test.each([
    ['plain', KEY],
    ['base64', Buffer.from(KEY).toString('base64')],
    ['base64url', Buffer.from(KEY).toString('base64url')],
    ['hex', Buffer.from(KEY).toString('hex')],
    ['percent', '%73%6B%2D'],
    ['json', '\\u0073\\u006b\\u002d'],
  ])(
    'leak-%s holds the credential in that form, plain, streamed and in errors',
    async (encoding, expected) => {
      const model = `demo-leak-${encoding}`;
      expect(await (await ask(model)).text()).toContain(expected);
      expect(await (await ask(`${model}+error-500`)).text()).toContain(expected);
      const frames = await (await ask(model, stream)).text();
      expect(frames).toContain(expected);
    },
  );

  test('say, words, chunks, nousage and usage shape the text and the counts', async () => {
    expect(await textOf(await ask('demo-say-%C3%A4%20b-c'))).toBe('ä b-c');
    expect((await textOf(await ask('demo-words-7'))).split(' ')).toHaveLength(7);
    expect((await textOf(await ask('demo-chunks-5'))).split(' ')).toHaveLength(5);
    expect(await (await ask('demo-nousage')).json()).not.toHaveProperty('usage');
    expect(await (await ask('demo-usage-12-34')).json()).toMatchObject({
      usage: { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 },
    });
  });

  test('chunks come one by one with the gap between them', async () => {
    const started = performance.now();
    const frames = (await (await ask('demo-chunks-4-10', stream)).text()).split('\n\n').filter(Boolean);
    expect(frames.filter((frame) => /"content":" ?chunk\d/.test(frame))).toHaveLength(4);
    expect(performance.now() - started).toBeGreaterThan(50);
  });

  test('huge is so many MiB, plain and streamed', async () => {
    const text = await textOf(await ask('demo-huge-2'));
    expect(text.length).toBe(2 * 1024 * 1024);
    const frames = await (await ask('demo-huge-2', stream)).text();
    expect(frames.length).toBeGreaterThan(2 * 1024 * 1024);
    expect(frames.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  test('huge waits for a reader that has stopped', async () => {
    let sending: Socket | undefined;
    provider.script((exchange) => {
      sending = exchange.socket;
      return undefined;
    });
    const socket = connect(provider.port, '127.0.0.1', () =>
      socket.write(chatRequest('demo-huge-200', stream)),
    );
    await new Promise((resolve) => socket.once('readable', resolve));
    let before = -1;
    await expect
      .poll(() => {
        const stalled = sending?.bytesWritten === before;
        before = sending?.bytesWritten ?? 0;
        return stalled;
      })
      .toBe(true);
    expect(sending?.writableLength).toBeLessThan(1024 * 1024);
    expect(before).toBeLessThan(50 * 1024 * 1024);
    socket.destroy();
    expect(await provider.waitFor((request) => request.closedAt !== null)).toMatchObject({
      closedEarly: true,
    });
  });
});

describe('the head of the answer', () => {
  test('setcookie adds sixty odd headers', async () => {
    const { headers } = await ask('demo-setcookie');
    expect([...headers].length).toBeGreaterThanOrEqual(60);
    expect(headers.getSetCookie()).toHaveLength(2);
    expect(headers.get('x-api-key')).toBe(KEY);
  });

  test('bighead adds one long header', async () => {
    const { text } = await raw('demo-bighead-20+close-after');
    expect(/x-big: (b+)\r\n/.exec(text)?.[1]).toHaveLength(20 * 1024);
  });

  test('type and encoding say what is not so', async () => {
    expect((await ask('demo-type-image%2Fsvg%2Bxml')).headers.get('content-type')).toBe('image/svg+xml');
    const { text } = await raw('demo-encoding-br+close-after');
    expect(text).toContain('content-encoding: br\r\n');
    expect(text).toContain('two words');
  });

  test('gzip encodes a plain answer and a stream', async () => {
    const { text } = await raw('demo-gzip+close-after');
    expect(text).toContain('content-encoding: gzip');
    expect(text).not.toContain('two words');
    expect(await textOf(await ask('demo-gzip'))).toContain('two words');
    expect(await (await ask('demo-gzip', stream)).text()).toContain('[DONE]');
  });
});

describe('the bytes of the answer', () => {
  test('bytes writes one byte to a chunk', async () => {
    const { text } = await raw('demo-bytes+say-%C3%A4+close-after', stream);
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    const sizes = body.split('\r\n').filter((_, i) => i % 2 === 0);
    expect(sizes.length).toBeGreaterThan(100);
    expect(new Set(sizes)).toEqual(new Set(['1', '0', '']));
    expect(await (await ask('demo-bytes+say-%C3%A4', stream)).text()).toContain('"ä"');
  });

  test('crlf ends the lines of a stream with CRLF, comments puts one before each frame', async () => {
    const text = await (await ask('demo-crlf', stream)).text();
    expect(text.replaceAll('\r\n', '')).not.toContain('\n');
    const commented = await (await ask('demo-comments', stream)).text();
    expect(commented.match(/^: /gm)?.length).toBe(commented.match(/^data: /gm)?.length);
  });

  test('gap waits between frames', async () => {
    const started = performance.now();
    await (await ask('demo-gap-15+say-x', stream)).text();
    expect(performance.now() - started).toBeGreaterThan(40);
  });

  test('die closes after so many frames, without a clean end', async () => {
    const { text, ending } = await raw('demo-die-3', stream);
    expect(text.match(/data: /g)).toHaveLength(3);
    expect(text.endsWith('0\r\n\r\n')).toBe(false);
    expect(ending).toBe('end');
    expect(provider.requests[0]).toMatchObject({ cut: true, closedEarly: false });
  });

  test('die-0 sends the head alone, die-n-rst resets, a plain answer dies half way', async () => {
    const nothing = await raw('demo-die-0', stream);
    expect(nothing.text).toMatch(/^HTTP\/1\.1 200[\s\S]*\r\n\r\n$/);
    expect((await raw('demo-die-1-rst', stream)).ending).toBe('ECONNRESET');
    const half = await raw('demo-die-1');
    expect(half.text).toContain('"id"');
    expect(half.text).not.toContain('finish_reason');
  });

  test('stall goes silent and keeps the connection', async () => {
    const response = await ask('demo-stall-2', stream, {});
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let seen = '';
    while ((seen.match(/data: /g) ?? []).length < 2)
      seen += Buffer.from((await reader.read()).value ?? []).toString();
    const next = await Promise.race([
      reader.read(),
      new Promise((resolve) => setTimeout(resolve, 40, 'silence')),
    ]);
    expect(next).toBe('silence');
    expect(provider.requests[0]?.closedAt).toBeNull();
    await reader.cancel();
    expect(await provider.waitFor((request) => request.closedAt !== null)).toMatchObject({
      closedEarly: true,
    });
  });

  test('truncate ends cleanly in the middle', async () => {
    const text = await (await ask('demo-truncate', stream)).text();
    expect(text).toContain('data: ');
    expect(text).not.toContain('[DONE]');
    expect(text).not.toContain('"stop"');
    await expect((await ask('demo-truncate')).json()).rejects.toThrow(SyntaxError);
  });

  test('midframe closes inside the second frame', async () => {
    const { text } = await raw('demo-midframe', stream);
    expect(text.match(/data: /g)).toHaveLength(2);
    expect(text.match(/\n\n/g)).toHaveLength(1);
  });

  test('errorframe sends the error of the dialect and ends', async () => {
    const text = await (await ask('demo-errorframe-1', stream)).text();
    const frames = text.split('\n\n').filter(Boolean);
    expect(frames).toHaveLength(2);
    expect(frames[1]).toMatch(/^data: \{"error":\{"message"/);
  });

  test('trailer ends with trailers, one of them the credential', async () => {
    const { text } = await raw('demo-trailer+close-after', stream);
    expect(text).toContain(`0\r\nx-demo-trailer: the end\r\nx-demo-credential: ${KEY}\r\n\r\n`);
  });

  test('contentlength-lie claims too much, with short too little', async () => {
    const claimAndBody = async (model: string): Promise<[number, number]> => {
      const { text, ending } = await raw(model);
      expect(ending).toBe('end');
      return [Number(/content-length: (\d+)/.exec(text)?.[1]), text.length - text.indexOf('\r\n\r\n') - 4];
    };
    const [longClaim, longBody] = await claimAndBody('demo-contentlength-lie');
    expect(longClaim).toBe(longBody + 100);
    const [shortClaim, shortBody] = await claimAndBody('demo-contentlength-lie-short');
    expect(shortClaim).toBe(shortBody - 10);
  });
});

describe('where knobs can stand', () => {
  test('in a Gemini path, decoded', async () => {
    const response = await fetch(`${provider.origin}/v1beta/models/demo-say-a%2520b:generateContent`, {
      method: 'POST',
      headers: { 'x-goog-api-key': KEY },
      body: '{"contents":[{"parts":[{"text":"x"}]}]}',
    });
    expect(await response.json()).toHaveProperty('candidates.0.content.parts.0.text', 'a b');
  });

  test('behind a hash in the credential, where a request has no model', async () => {
    const response = await fetch(`${provider.origin}/v1/models`, {
      headers: { authorization: `Bearer ${KEY}#demo-error-418` },
    });
    expect(response.status).toBe(418);
  });

  test('in a header, for direct calls', async () => {
    const headers = { authorization: `Bearer ${KEY}`, 'x-demo-knobs': 'demo-error-418' };
    expect((await ask('gpt-4o-mini', {}, { headers })).status).toBe(418);
  });

  test('behind a vendor prefix, and several joined by plus', async () => {
    const response = await ask('openai/demo-status-203+say-both');
    expect([response.status, await textOf(response)]).toEqual([203, 'both']);
  });

  test('an unknown knob or a bad number is 400 and says so', async () => {
    const unknown = await ask('demo-explode');
    expect([unknown.status, await unknown.text()]).toEqual([
      400,
      expect.stringContaining('no knob \\"explode\\"'),
    ]);
    const bad = await ask('demo-delay-soon');
    expect([bad.status, await bad.text()]).toEqual([400, expect.stringContaining('demo-delay-ms')]);
  });
});

test('the digest is of the whole body, also where only a part is kept', async () => {
  const body = JSON.stringify({
    model: 'demo',
    messages: [{ role: 'user', content: 'x' }],
    filler: 'y'.repeat(3_000_000),
  });
  await ask('', {}, { body });
  const request = provider.requests[0];
  expect(request?.sha256).toBe(createHash('sha256').update(body).digest('hex'));
  expect(request?.body.length).toBe(1024 * 1024);
  expect(request?.bodyBytes).toBe(body.length);
});

test('gunzip of the raw bytes gives the answer', async () => {
  const { text } = await raw('demo-gzip+close-after');
  const chunked = text.slice(text.indexOf('\r\n\r\n') + 4);
  const size = Number.parseInt(chunked, 16);
  const start = chunked.indexOf('\r\n') + 2;
  expect(gunzipSync(Buffer.from(chunked.slice(start, start + size), 'latin1')).toString()).toContain(
    'two words',
  );
});
