import { Secret } from 'relayapi-token';
import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeTime, type FakeTime, settle } from '../../test/support/fake-time.ts';
import {
  type CallParts,
  callWith,
  createCountingTap,
  createMemorySink,
  createScriptedTransport,
  type MemorySink,
  plainErrors,
  plainFrames,
  type ScriptedTransport,
} from '../../test/support/forwarding.ts';
import { KEY } from '../../test/support/route.ts';
import { deny } from '../errors.ts';
import type { Outcome, PreparedBody } from '../exchange.ts';
import { BodyAborted, BodyDenied, BodyIdle } from '../io.ts';
import { createForwarding, type Forwarding } from './forwarding.ts';
import type { ForwardingOptions } from './options.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const SSE_TYPE = { 'content-type': 'text/event-stream' };
const encoder = new TextEncoder();

let time: FakeTime;
let transport: ScriptedTransport;
let sink: MemorySink;
let forwarding: Forwarding;
let tap: ReturnType<typeof createCountingTap>;

function create(options: Partial<ForwardingOptions> = {}): void {
  forwarding = createForwarding(
    { relayId: 'here', idempotencySecret: new Secret('demo-secret'), ...options },
    {
      transport,
      clock: time.clock,
      setTimer: time.setTimer,
      renderError: plainErrors,
      errorFrame: plainFrames,
    },
  );
}

beforeEach(() => {
  time = createFakeTime();
  transport = createScriptedTransport();
  sink = createMemorySink();
  tap = createCountingTap();
  create();
});

interface Running {
  readonly outcome: Outcome | null;
  readonly ends: number;
}

/** Starts a call and lets it reach the transport. */
async function start(parts: CallParts = {}, to: MemorySink = sink): Promise<Running> {
  let outcome: Outcome | null = null;
  let ends = 0;
  void forwarding.forward(callWith(parts), to, tap).then((value) => {
    outcome = value;
    ends++;
  });
  await settle();
  return {
    get outcome() {
      return outcome;
    },
    get ends() {
      return ends;
    },
  };
}

const streamed = (
  chunks: () => AsyncIterable<Uint8Array>,
  declaredBytes: number | null = null,
): PreparedBody => ({
  kind: 'stream',
  chunks,
  declaredBytes,
});

function iterateBody(): AsyncIterator<Uint8Array> {
  const request = transport.requests.at(-1);
  if (!request) throw new Error('nothing was sent');
  return (request.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
}

/** Reads the body that went to the transport, as undici would. */
async function readBody(): Promise<{ bytes: number; error: unknown }> {
  let bytes = 0;
  try {
    const iterator = iterateBody();
    for (let next = await iterator.next(); !next.done; next = await iterator.next())
      bytes += next.value.length;
    return { bytes, error: null };
  } catch (error) {
    return { bytes, error };
  }
}

describe('a call that goes well', () => {
  test('is sent to the route’s destination and answered with status, allowed headers and the very bytes', async () => {
    const running = await start({ remaining: 9, path: '/v1/chat/completions?x=1' });
    expect(transport.requests[0]).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions?x=1',
      body: null,
    });
    await time.advance(40);
    transport.answer(200, { ...JSON_TYPE, 'X-Request-Id': 'up-1', Server: 'x' }, '{"a":', '1}');
    transport.events.onEnd();
    await settle();
    expect(sink.status).toBe(200);
    expect(sink.text).toBe('{"a":1}');
    expect(sink.ended).toBe(true);
    expect(sink.headers).toEqual([
      ['cache-control', 'no-store'],
      ['content-type', 'application/json'],
      ['request-id', 'up-1'],
      ['x-request-id', 'req-1'],
      ['relay-calls-remaining', '9'],
    ]);
    expect(running.outcome).toEqual({
      upstreamStatus: 200,
      status: 200,
      written: true,
      bodyPassed: true,
      callerGone: false,
      cut: false,
      denial: null,
      ageMs: 40,
      requestBytes: 0,
      responseBytes: 7,
      usage: { inputTokens: 1 },
    });
    expect(tap).toMatchObject({ bytes: 7, finished: 1 });
    expect(time.pending()).toBe(0);
    expect(forwarding.live()).toBe(0);
  });

  test('bytes reach the caller as they come, none is held back', async () => {
    await start();
    transport.answer(200, SSE_TYPE, 'data: 1\n\n');
    expect(sink.text).toBe('data: 1\n\n');
    transport.events.onData(encoder.encode('d'));
    expect(sink.text).toBe('data: 1\n\nd');
  });

  test('an answer without a body ends without one', async () => {
    const running = await start();
    transport.answer(204, {});
    transport.events.onEnd();
    await settle();
    expect(sink).toMatchObject({ status: 204, ended: true, text: '' });
    expect(running.outcome).toMatchObject({ status: 204, bodyPassed: false });
  });

  test('events that come after the end change nothing', async () => {
    const running = await start();
    transport.answer(200, JSON_TYPE, '{}');
    transport.events.onEnd();
    transport.events.onData(encoder.encode('x'));
    transport.events.onEnd();
    transport.fail('reset');
    await settle();
    expect(running.ends).toBe(1);
    expect(sink.text).toBe('{}');
  });
});

describe('request bodies', () => {
  test('up to 64 KiB of declared length go up as one piece', async () => {
    async function* chunks() {
      yield new Uint8Array(40_000).fill(1);
      yield new Uint8Array(25_536).fill(2);
    }
    const running = await start({ body: streamed(chunks, 65_536) });
    const { body, bodyBytes } = transport.requests[0] ?? {};
    expect(body).toBeInstanceOf(Uint8Array);
    expect([(body as Uint8Array).length, bodyBytes]).toEqual([65_536, 65_536]);
    expect((body as Uint8Array)[40_000]).toBe(2);
    transport.answer(200, JSON_TYPE);
    transport.events.onEnd();
    await settle();
    expect(running.outcome?.requestBytes).toBe(65_536);
  });

  test('larger ones and those of unknown length are streamed, pulled one chunk at a time', async () => {
    let pulled = 0;
    async function* chunks() {
      for (; pulled < 3; pulled++) yield new Uint8Array(30_000);
    }
    for (const declared of [90_000, null]) {
      pulled = 0;
      const running = await start({ body: streamed(chunks, declared) }, createMemorySink());
      expect(pulled).toBe(0);
      expect(transport.requests.at(-1)?.bodyBytes).toBe(declared);
      expect(await readBody()).toEqual({ bytes: 90_000, error: null });
      transport.answer(200, JSON_TYPE);
      transport.events.onEnd();
      await settle();
      expect(running.outcome?.requestBytes).toBe(90_000);
    }
  });

  test.each([
    [new BodyIdle(), 408, 'request_timeout'],
    [new BodyDenied(deny('request_too_large')), 413, 'request_too_large'],
  ])('%s while collecting is answered and nothing is sent', async (error, status, code) => {
    let discarded = 0;
    const running = await start({
      body: streamed(async function* () {
        yield new Uint8Array(1);
        throw error;
      }, 10),
      onDiscard: () => discarded++,
    });
    expect(transport.requests).toHaveLength(0);
    expect(sink.status).toBe(status);
    expect(running.outcome).toMatchObject({ written: false, denial: { denied: code }, upstreamStatus: null });
    expect(discarded).toBe(1);
  });

  test('A34 a body over the limit while streaming aborts the upstream and is answered with 413', async () => {
    let discarded = 0;
    const running = await start({
      body: streamed(async function* () {
        yield new Uint8Array(100_000);
        throw new BodyDenied(deny('request_too_large'));
      }),
      onDiscard: () => discarded++,
    });
    transport.write();
    const { error } = await readBody();
    transport.fail('body', error);
    await settle();
    expect(sink.status).toBe(413);
    expect(running.outcome).toMatchObject({ written: true, requestBytes: 100_000, upstreamStatus: null });
    expect(discarded).toBe(1);
  });

  test('a body that fails after the answer began breaks the answer off', async () => {
    const running = await start({
      body: streamed(async function* () {
        yield new Uint8Array(100_000);
        throw new BodyIdle();
      }),
    });
    transport.answer(200, JSON_TYPE, '{');
    transport.fail('body', (await readBody()).error);
    await settle();
    expect(sink).toMatchObject({ status: 200, destroyed: true, ended: false });
    expect(running.outcome).toMatchObject({ cut: true, denial: { denied: 'request_timeout' } });
  });

  test('a caller that leaves while uploading is gone, not timed out', async () => {
    const running = await start({
      body: streamed(async function* () {
        yield* [];
        throw new BodyAborted();
      }, 10),
    });
    expect(running.outcome).toMatchObject({ callerGone: true, written: false, status: null });
    expect(sink.started).toBe(false);
  });

  test('an upstream that answers before the upload is done is heard, and the rest is dropped', async () => {
    let discarded = 0;
    const running = await start({
      body: streamed(async function* () {
        yield new Uint8Array(100_000);
        await new Promise(() => {});
      }),
      onDiscard: () => discarded++,
    });
    void readBody();
    await settle();
    transport.answer(400, JSON_TYPE, '{"error":1}');
    transport.events.onEnd();
    await settle();
    expect(sink).toMatchObject({ status: 400, text: '{"error":1}', ended: true });
    expect(discarded).toBe(1);
    expect(running.outcome).toMatchObject({ status: 400, requestBytes: 100_000 });
  });
});

describe('what is refused before anything is sent', () => {
  test('a request that names this relay in CDN-Loop', async () => {
    const running = await start({ rawHeaders: ['CDN-Loop', 'a, relayapi-here'] });
    expect(transport.requests).toHaveLength(0);
    expect(sink.status).toBe(400);
    expect(running.outcome).toMatchObject({ written: false, denial: { denied: 'loop_detected' } });
  });

  test('a body in an encoding whose header would not go up', async () => {
    await start({ rawHeaders: ['Content-Encoding', 'gzip'] });
    expect(sink.status).toBe(415);
    expect(transport.requests).toHaveLength(0);
    const other = createMemorySink();
    await start({ rawHeaders: ['Content-Encoding', 'identity'] }, other);
    expect(transport.requests).toHaveLength(1);
  });

  test('checkHead says the same without a call', () => {
    const { arrival, opened, route } = callWith({ rawHeaders: ['cdn-loop', 'relayapi-here'] });
    expect(forwarding.checkHead(arrival, opened, route)).toMatchObject({ denied: 'loop_detected' });
    expect(forwarding.checkHead(callWith().arrival, opened, route)).toBeNull();
  });
});

describe('A27 a refused credential is never the caller’s', () => {
  test.each([401, 402, 403, 407, 456])('%i becomes 502 with our own body', async (status) => {
    const running = await start();
    transport.answer(status, { ...JSON_TYPE, 'www-authenticate': 'Bearer' }, `{"error":"bad ${KEY}"}`);
    await settle();
    expect(sink).toMatchObject({ status: 502, text: '{"code":"upstream_auth"}' });
    expect(sink.header('x-should-retry')).toBe('false');
    expect(sink.header('www-authenticate')).toBeNull();
    expect(transport.aborted).toBe(1);
    expect(running.outcome).toMatchObject({
      upstreamStatus: status,
      status: 502,
      bodyPassed: false,
      denial: { denied: 'upstream_auth' },
    });
  });

  test('and rests for 30 s at that origin, without being sent again', async () => {
    await start();
    transport.answer(401, JSON_TYPE);
    await time.advance(29_999);
    const resting = createMemorySink();
    const running = await start({}, resting);
    expect(resting.status).toBe(502);
    expect(running.outcome).toMatchObject({ written: false, denial: { denied: 'upstream_auth' } });
    expect(transport.requests).toHaveLength(1);

    await start(
      { route: { credential: { name: 'authorization', value: new Secret('Bearer other') } } },
      createMemorySink(),
    );
    await start({ origin: 'https://other.example.com' }, createMemorySink());
    await start({ route: { credential: null } }, createMemorySink());
    expect(transport.requests).toHaveLength(4);

    await time.advance(1);
    await start({}, createMemorySink());
    expect(transport.requests).toHaveLength(5);
  });

  test.each([402, 403])(
    'after %i, which a caller can provoke, it rests for that token alone',
    async (status) => {
      const other = { claims: { jti: 'BBBBBBBBBBBBBBBBBBBBBB' } };
      await start();
      transport.answer(status, JSON_TYPE);
      await start({}, createMemorySink());
      expect(transport.requests).toHaveLength(1);
      await start(other, createMemorySink());
      expect(transport.requests).toHaveLength(2);
      transport.answer(401, JSON_TYPE);
      await start({ claims: { jti: 'CCCCCCCCCCCCCCCCCCCCCC' } }, createMemorySink());
      expect(transport.requests).toHaveLength(2);
    },
  );

  test('a provider without a credential has none that could rest', async () => {
    const route = { credential: null };
    await start({ route });
    transport.answer(403, JSON_TYPE);
    await start({ route }, createMemorySink());
    expect(transport.requests).toHaveLength(2);
  });
});

describe('answers that are not passed on', () => {
  test.each([301, 302, 303, 307, 308])('A20 %i ends in upstream_redirect', async (status) => {
    const running = await start();
    transport.answer(status, { ...JSON_TYPE, location: 'https://evil.example/' });
    await settle();
    expect(sink).toMatchObject({ status: 502, text: '{"code":"upstream_redirect"}' });
    expect(sink.header('location')).toBeNull();
    expect(transport.requests).toHaveLength(1);
    expect(running.outcome).toMatchObject({ upstreamStatus: status, status: 502 });
  });

  test('A57 a compressed answer is dropped unread', async () => {
    await start();
    transport.answer(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }, 'x'.repeat(1000));
    await settle();
    expect(sink).toMatchObject({ status: 502, text: '{"code":"upstream_encoding"}' });
    expect(transport.aborted).toBe(1);
    expect(tap.bytes).toBe(0);
  });

  test('a page of HTML keeps its status and loses its body, and advice on retrying stays the status’s own', async () => {
    await start();
    transport.answer(503, { 'content-type': 'text/html', 'retry-after': '5' }, '<script>');
    await settle();
    expect(sink).toMatchObject({ status: 503, text: '{"code":"upstream_invalid"}' });
    expect(sink.header('retry-after')).toBe('5');
    expect(sink.header('x-should-retry')).toBeNull();
    expect(sink.header('content-type')).toBe('application/json');
  });

  test('HEAD is answered without a body, refusals included', async () => {
    await start({ method: 'HEAD' });
    transport.answer(200, { 'content-type': 'text/html', 'content-length': '5' });
    await settle();
    expect(sink).toMatchObject({ status: 200, text: '', ended: true });
  });
});

describe('A26 the key does not come back', () => {
  test('in an error body, in whatever encoding and chunking', async () => {
    for (const shown of [KEY, Buffer.from(`a${KEY}`).toString('base64'), encodeURIComponent(KEY)]) {
      const to = createMemorySink();
      const running = await start({}, to);
      transport.answer(400, JSON_TYPE, ...`{"m":"${shown}"}`);
      expect(to.started).toBe(false);
      transport.events.onEnd();
      await settle();
      expect(to).toMatchObject({ status: 400, text: '{"code":"upstream_invalid"}' });
      expect(running.outcome).toMatchObject({ upstreamStatus: 400, denial: { denied: 'upstream_invalid' } });
    }
  });

  test('in a header that is passed on', async () => {
    for (const [status, shown] of [
      [200, 502],
      [429, 429],
    ] as const) {
      const to = createMemorySink();
      await start({}, to);
      transport.answer(status, { ...JSON_TYPE, 'x-request-id': `for-${KEY}` }, '{}');
      transport.events.onEnd();
      await settle();
      expect(to.status).toBe(shown);
      expect(JSON.stringify(to.headers)).not.toContain(KEY);
    }
  });

  test('in the body of an origin that is not trusted: nothing of the key leaves, the stream is cut', async () => {
    const text = `data: {"x":"${KEY}"}\n\n`;
    for (let cut = 1; cut < text.length; cut++) {
      const to = createMemorySink();
      const running = await start({ route: { trusted: false } }, to);
      transport.answer(200, SSE_TYPE, text.slice(0, cut), text.slice(cut));
      await time.advance(1000);
      expect(to.destroyed).toBe(true);
      expect(to.text).not.toContain('sk-');
      const passed = to.text.replace(/\n\ndata: \{"error":"upstream_invalid"\}\n\n$/, '');
      expect('data: {"x":"'.startsWith(passed)).toBe(true);
      expect(running.outcome).toMatchObject({ cut: true, denial: { denied: 'upstream_invalid' } });
    }
    expect(transport.aborted).toBe(text.length - 1);
  });

  test('what only began like the key is passed on, at the latest at the end', async () => {
    await start({ route: { trusted: false } });
    transport.answer(200, { 'content-type': 'text/plain' }, 'x sk-demo-not');
    expect(sink.text).toBe('x ');
    transport.events.onEnd();
    await settle();
    expect(sink).toMatchObject({ text: 'x sk-demo-not', ended: true });
  });

  test('a trusted origin’s body is not looked into', async () => {
    await start();
    transport.answer(200, { 'content-type': 'text/plain' }, `so ${KEY}`);
    expect(sink.text).toBe(`so ${KEY}`);
  });

  test('the credential itself is searched for even where the route lists no secrets', async () => {
    await start({ route: { secrets: [] } });
    transport.answer(500, JSON_TYPE, `"${KEY}"`);
    transport.events.onEnd();
    await settle();
    expect(sink.text).not.toContain(KEY);
  });
});

describe('error answers', () => {
  test.each([400, 404, 429, 500, 503])('%i passes with its body once it is whole', async (status) => {
    const running = await start({ remaining: 3 });
    transport.answer(status, { ...JSON_TYPE, 'retry-after': '90' }, '{"error":', '"x"}');
    expect(sink.started).toBe(false);
    transport.events.onEnd();
    await settle();
    expect(sink).toMatchObject({ status, text: '{"error":"x"}', ended: true });
    expect(sink.header('content-length')).toBe('13');
    expect(sink.header('retry-after')).toBe('60');
    expect(sink.header('relay-calls-remaining')).toBe('3');
    expect(running.outcome).toMatchObject({
      upstreamStatus: status,
      status,
      bodyPassed: false,
      denial: null,
    });
  });

  test('one that is too long to be searched keeps its status and loses its body', async () => {
    await start();
    transport.answer(500, JSON_TYPE, 'x'.repeat(64 * 1024), 'y');
    await settle();
    expect(sink).toMatchObject({ status: 500, text: '{"code":"upstream_invalid"}' });
    expect(transport.aborted).toBe(1);
  });

  test('one that breaks off or drips keeps its status too', async () => {
    await start();
    transport.answer(500, JSON_TYPE, '{');
    transport.fail('reset');
    await settle();
    expect(sink).toMatchObject({ status: 500, text: '{"code":"upstream_unreachable"}' });

    const dripping = createMemorySink();
    await start({}, dripping);
    transport.answer(500, JSON_TYPE);
    for (let i = 0; i < 31; i++) {
      transport.events.onData(encoder.encode('x'));
      await time.advance(1000);
    }
    expect(dripping.text).toBe('{"code":"upstream_timeout"}');
  });
});

describe('an upstream that fails', () => {
  test.each([
    ['unreachable', false, 502, 'upstream_unreachable'],
    ['destination_denied', false, 403, 'destination_denied'],
    ['timeout', false, 502, 'upstream_unreachable'],
    ['timeout', true, 504, 'upstream_timeout'],
    ['reset', true, 502, 'upstream_unreachable'],
    ['protocol', true, 502, 'upstream_invalid'],
  ] as const)(
    '%s (written: %s) before the status is answered with %i',
    async (kind, written, status, code) => {
      const running = await start({ remaining: 5 });
      if (written) transport.write();
      transport.fail(kind);
      await settle();
      expect(sink).toMatchObject({ status, text: `{"code":"${code}"}` });
      expect(running.outcome).toMatchObject({ written, upstreamStatus: null, status, cut: false });
      expect(sink.header('relay-calls-remaining')).toBe(written ? '5' : null);
    },
  );

  test('an event stream that dies ends with the dialect’s frame after a blank line, then a destroyed socket', async () => {
    const running = await start();
    transport.answer(200, SSE_TYPE, 'data: {"half');
    transport.fail('reset');
    await settle();
    expect(sink.destroyed).toBe(false);
    await time.advance(20);
    expect(sink.text).toBe('data: {"half\n\ndata: {"error":"upstream_unreachable"}\n\n');
    expect(sink).toMatchObject({ destroyed: true, ended: false });
    expect(running.outcome).toMatchObject({ cut: true, status: 200, bodyPassed: true });
  });

  test.each([
    ['a Google stream', 'gemini', SSE_TYPE],
    ['a JSON body', 'openai-chat', JSON_TYPE],
    ['an event stream of declared length', 'openai-chat', { ...SSE_TYPE, 'content-length': '100' }],
  ] as const)('%s is destroyed without a frame', async (_name, dialect, headers) => {
    const running = await start({ dialect });
    transport.answer(200, headers, '{"half');
    transport.fail('reset');
    await settle();
    expect(sink).toMatchObject({ text: '{"half', destroyed: true, ended: false });
    expect(running.outcome).toMatchObject({ cut: true });
  });

  test('a frame for a caller that does not read waits for it, at most a second', async () => {
    await start();
    transport.answer(200, SSE_TYPE, 'data: 1\n\n');
    sink.setReady(false);
    transport.fail('reset');
    await time.advance(999);
    expect(sink.destroyed).toBe(false);
    await time.advance(1);
    expect(sink.destroyed).toBe(true);
  });
});

describe('a caller that leaves', () => {
  test('before the status: the upstream is aborted at once and nothing is answered', async () => {
    const running = await start();
    transport.write();
    sink.leave();
    await settle();
    expect(transport.aborted).toBe(1);
    expect(sink.started).toBe(false);
    expect(running.outcome).toMatchObject({
      callerGone: true,
      written: true,
      status: null,
      cut: false,
      denial: null,
    });
  });

  test('after the first byte: the same, and the usage so far is accounted', async () => {
    const running = await start();
    transport.answer(200, SSE_TYPE, 'data: 1\n\n');
    sink.leave();
    await settle();
    expect(transport.aborted).toBe(1);
    expect(running.outcome).toMatchObject({
      callerGone: true,
      cut: true,
      bodyPassed: true,
      usage: { inputTokens: 1 },
    });
    expect(time.pending()).toBe(0);
  });

  test('before the call was started: nothing is sent at all', async () => {
    sink.leave();
    const running = await start();
    expect(transport.requests).toHaveLength(0);
    expect(running.outcome).toMatchObject({ callerGone: true, written: false });
    expect(forwarding.live()).toBe(0);
  });
});

test('an upload that moves on after the call has ended arms no timer', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await start({
    body: streamed(async function* () {
      await promise;
      yield new Uint8Array(100_000);
    }),
  });
  const next = iterateBody().next();
  sink.leave();
  resolve();
  await next;
  await settle();
  expect(time.pending()).toBe(0);
});

describe('back-pressure', () => {
  test('a caller that reads slowly pauses the upstream and its silence is not the upstream’s', async () => {
    create({ idleTimeoutMs: 1000 });
    const running = await start();
    transport.answer(200, SSE_TYPE);
    sink.setReady(false);
    transport.events.onData(encoder.encode('data: 1\n\n'));
    expect(transport.paused).toBe(true);
    await time.advance(10_000);
    expect(running.outcome).toBeNull();
    sink.setReady(true);
    expect(transport.paused).toBe(false);
    await time.advance(999);
    expect(running.outcome).toBeNull();
    await time.advance(50);
    expect(running.outcome).toMatchObject({ denial: { denied: 'upstream_timeout' }, cut: true });
  });
});

describe('time', () => {
  test('no status in time is 504 once the request was written, 502 before', async () => {
    create({ headersTimeoutMs: 5000 });
    const running = await start();
    transport.write();
    await time.advance(4999);
    expect(running.outcome).toBeNull();
    await time.advance(1);
    expect(sink).toMatchObject({ status: 504, text: '{"code":"upstream_timeout"}' });
    expect(transport.aborted).toBe(1);

    const queued = createMemorySink();
    await start({}, queued);
    await time.advance(5000);
    expect(queued.text).toBe('{"code":"upstream_unreachable"}');
  });

  test('an upload that moves is not cut by the wait for the status', async () => {
    create({ headersTimeoutMs: 5000 });
    const running = await start({
      body: streamed(async function* () {
        for (let i = 0; i < 5; i++) yield new Uint8Array(20_000);
      }),
    });
    transport.write();
    const iterator = iterateBody();
    for (let i = 0; i < 5; i++) {
      await time.advance(4000);
      await iterator.next();
    }
    expect(running.outcome).toBeNull();
    await time.advance(5000);
    expect(running.outcome).toMatchObject({ denial: { denied: 'upstream_timeout' } });
  });

  test('an upstream that falls silent within an answer is cut, one that drips is not', async () => {
    create({ idleTimeoutMs: 3000 });
    const running = await start();
    transport.answer(200, SSE_TYPE);
    for (let i = 0; i < 10; i++) {
      await time.advance(2900);
      transport.events.onData(encoder.encode(':\n\n'));
    }
    expect(running.outcome).toBeNull();
    await time.advance(3100);
    expect(running.outcome).toMatchObject({ cut: true, denial: { denied: 'upstream_timeout' } });
    expect(sink.text.endsWith('data: {"error":"upstream_timeout"}\n\n')).toBe(true);
  });

  /** Feeds the stream each second until it ends; returns for how many seconds it ran. */
  async function lifeOf(parts: CallParts, headers: Record<string, string> = SSE_TYPE): Promise<number> {
    const running = await start(parts);
    transport.answer(200, headers);
    for (let second = 1; second < 10_000; second++) {
      await time.advance(1000);
      if (sink.destroyed || running.outcome) return second;
      transport.events.onData(encoder.encode(':\n\n'));
    }
    return Number.POSITIVE_INFINITY;
  }
  const NOW = 1_700_000_000;

  test('a stream outlives exp by at most 600 s', async () => {
    expect(await lifeOf({ claims: { exp: NOW + 60 } })).toBeCloseTo(660, -1);
    expect(sink.text).toContain('token_expired');
  });

  test('stream_seconds ends it earlier', async () => {
    expect(await lifeOf({ claims: { exp: NOW + 60, limits: { stream_seconds: 5 } } })).toBe(6);
  });

  test('stream_seconds longer than 600 s holds past exp', async () => {
    expect(await lifeOf({ claims: { exp: NOW + 60, limits: { stream_seconds: 900 } } })).toBeCloseTo(901, -1);
  });

  test('a long-poll GET ends at exp', async () => {
    expect(await lifeOf({ method: 'GET', claims: { exp: NOW + 60 } })).toBe(61);
  });

  test('a token that lives for years needs no timer that the platform cannot hold', async () => {
    const asked: number[] = [];
    const { setTimer } = time;
    time = {
      ...time,
      setTimer: (ms, action) => {
        asked.push(ms);
        return setTimer(ms, action);
      },
    };
    create();
    await start({ claims: { exp: NOW + 10 ** 9 } });
    expect(Math.max(...asked)).toBeLessThan(2 ** 31);
  });

  test('comments keep a silent event stream open, but never stand inside an event', async () => {
    create({ keepAliveCommentMs: 1000 });
    await start();
    transport.answer(200, SSE_TYPE);
    await time.advance(1000);
    expect(sink.text).toBe(': keep-alive\n\n');
    transport.events.onData(encoder.encode('data: half'));
    await time.advance(3000);
    expect(sink.text).toBe(': keep-alive\n\ndata: half');
    transport.events.onData(encoder.encode('\n'));
    transport.events.onData(encoder.encode('\n'));
    await time.advance(1000);
    expect(sink.text).toBe(': keep-alive\n\ndata: half\n\n: keep-alive\n\n');
    transport.events.onEnd();
    await time.advance(5000);
    expect(sink.text.match(/keep-alive/g)).toHaveLength(2);
  });

  test('no comment goes into a body that is not an event stream', async () => {
    create({ keepAliveCommentMs: 1000 });
    await start();
    transport.answer(200, { 'content-type': 'text/plain' }, 'x\n\n');
    await time.advance(5000);
    expect(sink.text).toBe('x\n\n');
  });
});

describe('limits.response_bytes', () => {
  const claims = { limits: { response_bytes: 10 } };

  test('cuts a stream at exactly that many bytes', async () => {
    const running = await start({ claims });
    transport.answer(200, { 'content-type': 'text/plain' }, '1234567', '89abcdef');
    await settle();
    expect(sink).toMatchObject({ text: '123456789a', destroyed: true, ended: false });
    expect(transport.aborted).toBe(1);
    expect(running.outcome).toMatchObject({
      responseBytes: 10,
      cut: true,
      denial: { denied: 'budget_exhausted', param: 'limits.response_bytes' },
    });
  });

  test('lets an answer of exactly that length pass', async () => {
    await start({ claims });
    transport.answer(200, { ...JSON_TYPE, 'content-length': '10' }, '123456789a');
    transport.events.onEnd();
    expect(sink).toMatchObject({ text: '123456789a', ended: true });
  });

  test('refuses a longer declared length before anything is sent', async () => {
    const running = await start({ claims });
    transport.answer(200, { ...JSON_TYPE, 'content-length': '11' }, '123456789ab');
    await settle();
    expect(sink).toMatchObject({ status: 402, text: '{"code":"budget_exhausted"}' });
    expect(running.outcome).toMatchObject({ upstreamStatus: 200, bodyPassed: false });
  });
});

describe('cut', () => {
  test('ends exactly the calls that match, with the reason', async () => {
    const waiting = await start({ claims: { sub: 'a' } });
    const streaming = createMemorySink();
    const other = createMemorySink();
    const second = await start({ claims: { sub: 'a' } }, streaming);
    transport.answer(200, SSE_TYPE, 'data: 1\n\n');
    const third = await start({ claims: { sub: 'b' } }, other);
    expect(forwarding.live()).toBe(3);

    expect(forwarding.cut((call) => call.opened.claims.sub === 'a', deny('token_revoked'))).toBe(2);
    await time.advance(20);
    expect(sink).toMatchObject({ status: 403, text: '{"code":"token_revoked"}' });
    expect(streaming.text).toContain('token_revoked');
    expect(streaming.destroyed).toBe(true);
    expect(waiting.outcome).toMatchObject({ denial: { denied: 'token_revoked' } });
    expect(second.outcome).toMatchObject({ cut: true });
    expect(third.outcome).toBeNull();
    expect(forwarding.live()).toBe(1);
    expect(transport.aborted).toBe(2);
  });

  test('reaches a call whose body is still being collected', async () => {
    const running = await start({
      body: streamed(async function* () {
        await new Promise(() => {});
      }, 10),
    });
    expect(forwarding.cut(() => true, deny('draining'))).toBe(1);
    await settle();
    expect(sink.status).toBe(503);
    expect(running.outcome).toMatchObject({ written: false });
    expect(transport.requests).toHaveLength(0);
  });
});

test('a call that is cut while its body is collected is not sent once the body is there', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const body = streamed(async function* () {
    await promise;
    yield new Uint8Array(10);
  }, 10);
  await start({ body });
  forwarding.cut(() => true, deny('draining'));
  resolve();
  await settle();
  expect(transport.requests).toHaveLength(0);
  expect(time.pending()).toBe(0);
});

describe('a bug costs its call alone', () => {
  const bug = new Error('a bug');

  test('in the body: the promise rejects, the answer is left to the spine', async () => {
    const body = streamed(async function* () {
      yield* [];
      throw bug;
    }, 10);
    await expect(forwarding.forward(callWith({ body }), sink, tap)).rejects.toBe(bug);
    expect(sink.started).toBe(false);
    expect(forwarding.live()).toBe(0);
    expect(time.pending()).toBe(0);
  });

  test('in the tap: the transport is not hit by it and the upstream is let go', async () => {
    const broken = {
      ...tap,
      onData() {
        throw bug;
      },
    };
    const result = expect(forwarding.forward(callWith(), sink, broken)).rejects.toBe(bug);
    await settle();
    transport.answer(200, JSON_TYPE, '{}');
    await result;
    expect(transport.aborted).toBe(1);
    expect(forwarding.live()).toBe(0);
    expect(time.pending()).toBe(0);
  });
});
