/** The order of a call's events: what counts in which phase, what is stale, and what a full, gone or limited caller changes. */
import { Secret } from 'relayapi-token';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { settle } from '../../test/support/fake-time.ts';
import { callWith, createMemorySink, headerCredential } from '../../test/support/forwarding.ts';
import {
  createForwardingRig,
  type ForwardingRig,
  JSON_TYPE,
  SSE_TYPE,
  streamed,
} from '../../test/support/forwarding-rig.ts';
import { KEY } from '../../test/support/route.ts';
import { deny } from '../errors.ts';

const TEXT_TYPE = { 'content-type': 'text/plain' };
const encode = (text: string) => new TextEncoder().encode(text);
let rig: ForwardingRig;
beforeEach(() => {
  rig = createForwardingRig();
});

describe('what goes up', () => {
  test('is the call’s method, path, destination, headers and bytes', async () => {
    const bytes = encode('{"a":1}');
    const running = await rig.start({
      method: 'PUT',
      path: '/v1/x',
      allowPrivate: true,
      body: { kind: 'bytes', bytes, contentType: 'application/json' },
    });
    expect(rig.transport.requests).toEqual([
      {
        destination: { origin: 'https://api.example.com', allowPrivate: true },
        method: 'PUT',
        path: '/v1/x',
        headers: [
          ...['content-type', 'application/json', 'accept-encoding', 'identity'],
          ...['cdn-loop', 'relayapi-here', 'authorization', `Bearer ${KEY}`],
        ],
        body: bytes,
        bodyBytes: 7,
      },
    ]);
    rig.transport.answer(204, {});
    rig.transport.events.onEnd();
    await settle();
    expect(running.outcome?.requestBytes).toBe(7);
  });

  test('an empty body goes up as none', async () => {
    await rig.start({ body: { kind: 'bytes', bytes: new Uint8Array(0), contentType: null } });
    expect(rig.transport.requests[0]).toMatchObject({ body: null, bodyBytes: 0 });
  });

  test('a body of which nothing went up counts for nothing', async () => {
    const bytes = encode('{"a":1}');
    const running = await rig.start({ body: { kind: 'bytes', bytes, contentType: null } });
    rig.transport.fail('unreachable');
    await settle();
    expect(running.outcome).toMatchObject({ written: false, requestBytes: 0 });
  });
});

describe('a transport that answers from inside dispatch', () => {
  test('is let go when that ended the call, and left alone when it did not', async () => {
    const { dispatch } = rig.transport;
    let status = 302;
    vi.spyOn(rig.transport, 'dispatch').mockImplementation((request, events) => {
      const call = dispatch(request, events);
      rig.transport.answer(status, JSON_TYPE);
      return call;
    });
    await rig.start();
    expect(rig.sink.text).toBe('{"code":"upstream_redirect"}');
    expect(rig.transport.aborted).toBe(1);
    status = 200;
    const open = createMemorySink();
    await rig.start({}, open);
    expect(open.status).toBe(200);
    expect(rig.transport.aborted).toBe(1);
  });
});

test('a transport that answers from inside dispatch may do so to a caller that is full', async () => {
  const { dispatch } = rig.transport;
  rig.sink.setReady(false);
  vi.spyOn(rig.transport, 'dispatch').mockImplementation((request, events) => {
    const call = dispatch(request, events);
    rig.transport.answer(200, TEXT_TYPE, 'x');
    events.onEnd();
    return call;
  });
  const running = await rig.start();
  expect(running.outcome).toMatchObject({ status: 200, cut: false });
  expect(rig.sink).toMatchObject({ text: 'x', ended: true });
});

test('pieces are passed on as they are, not copied', async () => {
  const piece = encode('abc');
  await rig.start({ claims: { limits: { response_bytes: 3 } } });
  rig.transport.answer(200, TEXT_TYPE);
  rig.transport.events.onData(piece);
  expect(rig.sink.chunks[0]).toBe(piece);
});

describe('events out of turn', () => {
  test('body bytes before the status are dropped, and an end before it is a broken upstream', async () => {
    const running = await rig.start();
    rig.transport.write();
    rig.transport.events.onData(encode('early'));
    expect(rig.sink.started).toBe(false);
    expect(running.outcome).toBeNull();
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink).toMatchObject({ status: 502, text: '{"code":"upstream_unreachable"}' });
  });

  test('a status after the end changes nothing, and the usage is not told of it', async () => {
    const onHeaders = vi.spyOn(rig.tap, 'onHeaders');
    const running = await rig.start();
    rig.transport.answer(200, { 'content-type': 'application/json; charset=utf-8' }, '{}');
    rig.transport.events.onEnd();
    rig.transport.answer(401, JSON_TYPE, '{}');
    await settle();
    expect(onHeaders.mock.calls).toEqual([[200, 'application/json']]);
    expect(running.outcome).toMatchObject({ upstreamStatus: 200, responseBytes: 2 });
    expect(rig.transport.aborted).toBe(0);
    await rig.start({}, createMemorySink());
    expect(rig.transport.requests).toHaveLength(2);
  });

  test('what comes after the caller has left reaches nobody and decides nothing', async () => {
    const running = await rig.start({ route: { trusted: false } });
    rig.transport.answer(200, SSE_TYPE, 'data: sk-demo-not');
    rig.sink.leave();
    rig.transport.events.onData(encode('-a-key'));
    rig.transport.events.onEnd();
    rig.forwarding.cut(() => true, deny('draining'));
    await settle();
    expect(rig.time.pending()).toBe(0);
    expect(rig.sink).toMatchObject({ text: 'data: ', ended: false, destroyed: false });
    expect(running.outcome).toMatchObject({ callerGone: true, cut: true, denial: null, responseBytes: 6 });
  });

  test('a caller that leaves after its answer was complete is not gone', async () => {
    const running = await rig.start();
    rig.transport.answer(200, JSON_TYPE, '{}');
    rig.transport.events.onEnd();
    rig.sink.leave();
    await settle();
    expect(running.outcome).toMatchObject({ callerGone: false, cut: false });
    expect(rig.transport.aborted).toBe(0);
  });
});

describe('an error answer', () => {
  test('that was given takes nothing more, neither a leaving caller nor a failing body', async () => {
    const running = await rig.start();
    rig.transport.answer(500, JSON_TYPE, '{}');
    rig.transport.events.onEnd();
    rig.sink.leave();
    rig.transport.fail('body', new Error('a bug'));
    rig.transport.events.onEnd();
    await settle();
    expect(running.outcome).toMatchObject({ status: 500, callerGone: false });
    expect(rig.transport.aborted).toBe(0);
    expect(rig.tap.finished).toBe(1);
  });

  test('that was too long is answered once, also when its end comes after all', async () => {
    const start = vi.spyOn(rig.sink, 'start');
    await rig.start();
    rig.transport.answer(500, JSON_TYPE, 'x'.repeat(65_537));
    rig.transport.events.onEnd();
    await settle();
    expect(start).toHaveBeenCalledTimes(1);
  });
});

describe('the silence that counts', () => {
  test('is the upstream’s own once it has answered, also while the request still goes up', async () => {
    rig = createForwardingRig({ headersTimeoutMs: 9000, idleTimeoutMs: 1000 });
    const running = await rig.start({
      body: streamed(async function* () {
        yield new Uint8Array(100_000);
        await new Promise(() => {});
      }),
    });
    rig.transport.answer(200, SSE_TYPE);
    void rig.iterateBody().next();
    await settle();
    await rig.time.advance(1020);
    expect(running.outcome).toMatchObject({ cut: true, denial: { denied: 'upstream_timeout' } });
  });

  test('before the status is not broken by a caller that is ready for more', async () => {
    rig = createForwardingRig({ headersTimeoutMs: 5000 });
    await rig.start();
    rig.transport.write();
    await rig.time.advance(4000);
    rig.sink.setReady(true);
    await rig.time.advance(1000);
    expect(rig.sink.text).toBe('{"code":"upstream_timeout"}');
  });

  test('of an upstream that answered before a byte went up is not called a lack of connection', async () => {
    rig = createForwardingRig({ idleTimeoutMs: 1000 });
    const running = await rig.start();
    rig.transport.events.onHeaders(200, ['content-type', 'text/plain']);
    await rig.time.advance(1000);
    expect(running.outcome).toMatchObject({ cut: true, denial: { denied: 'upstream_timeout' } });
  });

  test('of an error body is followed for 30 s in all, however it drips', async () => {
    await rig.start();
    rig.transport.answer(500, JSON_TYPE);
    await rig.time.advance(29_999);
    rig.transport.events.onData(encode('x'));
    expect(rig.sink.started).toBe(false);
    await rig.time.advance(1);
    expect(rig.sink).toMatchObject({ status: 504, text: '{"code":"upstream_timeout"}' });
    expect(rig.transport.aborted).toBe(1);
  });

  test('is 600 s before the status and 300 s within an answer where nothing is configured', async () => {
    const limits = { stream_seconds: 100_000 };
    const waiting = await rig.start({ claims: { limits } });
    rig.transport.write();
    await rig.time.advance(599_999);
    expect(waiting.outcome).toBeNull();
    await rig.time.advance(1);
    expect(rig.sink.status).toBe(504);
    const open = createMemorySink();
    const silent = await rig.start({ claims: { limits } }, open);
    rig.transport.answer(200, TEXT_TYPE);
    await rig.time.advance(299_999);
    expect(silent.outcome).toBeNull();
    await rig.time.advance(1);
    expect(silent.outcome).toMatchObject({ cut: true });
  });
});

describe('a caller that is full', () => {
  test('is not waited for when it left while it was written to', async () => {
    const write = vi.spyOn(rig.sink, 'write').mockImplementation(() => {
      rig.sink.leave();
      return false;
    });
    await rig.start();
    rig.transport.answer(200, TEXT_TYPE, 'x');
    expect(write).toHaveBeenCalledTimes(1);
    expect(rig.transport.paused).toBe(false);
    expect(rig.transport.aborted).toBe(1);
  });

  test('gets nothing of what was released at once with the piece at which it left', async () => {
    await rig.start({ route: { trusted: false } });
    rig.transport.answer(200, TEXT_TYPE, 'ab sk-demo');
    const write = vi.spyOn(rig.sink, 'write').mockImplementation(() => {
      rig.sink.leave();
      return true;
    });
    rig.transport.events.onData(encode('X'));
    expect(write).toHaveBeenCalledTimes(1);
    expect(rig.tap.bytes).toBe('ab sk-demo'.length);
  });

  test('and has its answer complete resumes nothing when it is ready again', async () => {
    await rig.start();
    rig.transport.answer(200, TEXT_TYPE);
    rig.sink.setReady(false);
    rig.transport.events.onData(encode('x'));
    rig.transport.events.onEnd();
    rig.sink.setReady(true);
    expect(rig.transport.paused).toBe(true);
    expect(rig.time.pending()).toBe(0);
  });

  test('never gets an empty piece', async () => {
    await rig.start({ claims: { limits: { response_bytes: 2 } } });
    rig.transport.answer(200, TEXT_TYPE, '', 'ab', 'c');
    await settle();
    expect(rig.sink.chunks.map((chunk) => chunk.length)).toEqual([2]);
    expect(rig.sink).toMatchObject({ destroyed: true, ended: false });
  });
});

describe('limits.response_bytes', () => {
  test('holds for what was held back to be searched, too', async () => {
    const running = await rig.start({ route: { trusted: false }, claims: { limits: { response_bytes: 5 } } });
    rig.transport.answer(200, TEXT_TYPE, 'x sk-demo');
    expect(rig.sink.text).toBe('x ');
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink).toMatchObject({ text: 'x sk-', destroyed: true, ended: false });
    expect(running.outcome).toMatchObject({ responseBytes: 5, denial: { denied: 'budget_exhausted' } });
  });

  test('ends the answer with the piece that reaches it, whatever was released with it', async () => {
    const running = await rig.start({ route: { trusted: false }, claims: { limits: { response_bytes: 5 } } });
    rig.transport.answer(200, TEXT_TYPE, 'ab sk-demo', 'X');
    await settle();
    expect(rig.sink).toMatchObject({ text: 'ab sk', destroyed: true });
    expect(running.outcome).toMatchObject({ responseBytes: 5, denial: { denied: 'budget_exhausted' } });
    expect(rig.tap.bytes).toBe(5);
  });

  test('does not hold back an answer to HEAD, whose length is not sent', async () => {
    await rig.start({ method: 'HEAD', claims: { limits: { response_bytes: 10 } } });
    rig.transport.answer(200, { ...JSON_TYPE, 'content-length': '11' });
    expect(rig.sink.status).toBe(200);
    expect(rig.sink.header('content-length')).toBe('11');
  });

  test('without it an answer of any length passes', async () => {
    await rig.start();
    rig.transport.answer(200, { ...JSON_TYPE, 'content-length': '5000' }, 'x'.repeat(5000));
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink.text).toHaveLength(5000);
    expect(rig.sink).toMatchObject({ status: 200, ended: true });
  });
});

test('an answer of 204 declares no length, whatever the upstream says', async () => {
  await rig.start();
  rig.transport.answer(204, { 'content-length': '0' });
  expect(rig.sink.header('content-length')).toBeNull();
});

test('PDF passes for a token whose features name it, and for no other', async () => {
  const pdf = { 'content-type': 'application/pdf' };
  for (const [features, status] of [
    [['pdf'], 200],
    [['web_search'], 200],
    [undefined, 200],
  ] as const) {
    const to = createMemorySink();
    await rig.start({ claims: features === undefined ? {} : ({ features: [...features] } as never) }, to);
    rig.transport.answer(status, pdf);
    expect(to.text).toBe(features?.[0] === 'pdf' ? '' : '{"code":"upstream_invalid"}');
  }
});

describe('the count of calls left', () => {
  test('is judged by the upstream’s status where there is one, by 200 where the answer was lost', async () => {
    const asked: (number | null)[] = [];
    const remainingFor = (status: number | null) => {
      asked.push(status);
      return 1;
    };
    const play = async (act: () => void) => {
      void rig.forwarding.forward({ ...callWith(), remainingFor }, createMemorySink(), rig.tap);
      await settle();
      act();
      await settle();
    };
    await play(() => rig.transport.answer(302, {}));
    await play(() => {
      rig.transport.answer(500, JSON_TYPE);
      rig.transport.events.onEnd();
    });
    await play(() => rig.transport.answer(206, JSON_TYPE));
    await play(() => {
      rig.transport.write();
      rig.transport.fail('reset');
    });
    await play(() => rig.transport.fail('unreachable'));
    expect(asked).toEqual([302, 500, 206, 200, null]);
  });
});

describe('A26 the key does not come back', () => {
  test('in a header of an answer without a body: an error keeps its status, a good one does not', async () => {
    for (const [status, shown] of [
      [200, 502],
      [399, 502],
      [400, 400],
      [404, 404],
    ] as const) {
      const to = createMemorySink();
      await rig.start({ method: 'HEAD' }, to);
      rig.transport.answer(status, { ...JSON_TYPE, 'x-request-id': KEY });
      await settle();
      expect(to).toMatchObject({ status: shown, text: '' });
      expect(to.headers.flat()).not.toContain(KEY);
    }
  });

  test('with a status that is kept for its own sake: then none of the upstream’s lines goes with it', async () => {
    await rig.start();
    rig.transport.answer(429, { ...JSON_TYPE, 'retry-after': '5', 'x-request-id': KEY }, '{}');
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink.headers).toEqual([
      ['cache-control', 'no-store'],
      ['content-type', 'application/json'],
      ['x-request-id', 'req-1'],
    ]);
  });

  test('nor any other secret of the route, nor the last word of a credential of several', async () => {
    const route = {
      credential: headerCredential('authorization', 'Token for last-demo-word'),
      secrets: [new Secret('a-second-demo-secret')],
    };
    for (const shown of ['last-demo-word', 'a-second-demo-secret']) {
      const to = createMemorySink();
      await rig.start({ route }, to);
      rig.transport.answer(500, JSON_TYPE, `"${shown}"`);
      rig.transport.events.onEnd();
      await settle();
      expect(to.text).toBe('{"code":"upstream_invalid"}');
    }
    const to = createMemorySink();
    await rig.start({ route }, to);
    rig.transport.answer(500, JSON_TYPE, '"Token for"');
    rig.transport.events.onEnd();
    expect(to.text).toBe('"Token for"');
  });

  test('an origin that is not trusted and takes no credential is passed on as it comes', async () => {
    await rig.start({ route: { trusted: false, credential: null, secrets: [] } });
    rig.transport.answer(200, TEXT_TYPE, 'x sk-demo-not');
    expect(rig.sink.text).toBe('x sk-demo-not');
  });
});

describe('an error body', () => {
  test('of exactly 64 KiB is passed on', async () => {
    const running = await rig.start();
    rig.transport.answer(500, JSON_TYPE, 'x'.repeat(32 * 1024), 'y'.repeat(32 * 1024));
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink.text).toBe('x'.repeat(32 * 1024) + 'y'.repeat(32 * 1024));
    expect(running.outcome).toMatchObject({ responseBytes: 65_536, denial: null });
  });
});

describe('lines that go with a kept status', () => {
  test('are those that do not speak of the body that is dropped', async () => {
    await rig.start();
    rig.transport.answer(503, {
      ...{ 'content-type': 'text/html', 'content-length': '9', 'content-range': 'bytes 0-1/2' },
      ...{ 'content-disposition': 'attachment', 'accept-ranges': 'bytes' },
      ...{ 'retry-after': '5', 'x-request-id': 'up-1' },
    });
    await settle();
    expect(rig.sink.headers).toEqual([
      ['cache-control', 'no-store'],
      ['content-type', 'application/json'],
      ['request-id', 'up-1'],
      ['retry-after', '5'],
      ['x-request-id', 'req-1'],
    ]);
  });

  test('include rate limits where the operator passes them on, and only there', async () => {
    for (const [passRateLimitHeaders, shown] of [
      [true, '3'],
      [false, null],
      [undefined, null],
    ] as const) {
      rig = createForwardingRig(passRateLimitHeaders === undefined ? {} : { passRateLimitHeaders });
      await rig.start();
      rig.transport.answer(200, { ...JSON_TYPE, 'x-ratelimit-remaining': '3' });
      expect(rig.sink.header('x-ratelimit-remaining')).toBe(shown);
    }
  });
});
