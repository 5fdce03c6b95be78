/** A call from the transport's side and the caller's: what goes up, what comes down, what is refused, cut or ends in a bug. */
import { Secret } from 'relayapi-token';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { settle } from '../../test/support/fake-time.ts';
import {
  callWith,
  createMemorySink,
  noMaker,
  plainErrors,
  plainFrames,
} from '../../test/support/forwarding.ts';
import {
  createForwardingRig,
  type ForwardingRig,
  JSON_TYPE,
  SSE_TYPE,
  streamed,
} from '../../test/support/forwarding-rig.ts';
import { deny } from '../errors.ts';
import { createForwarding } from './forwarding.ts';

const encode = (text: string) => new TextEncoder().encode(text);
let rig: ForwardingRig;
beforeEach(() => {
  rig = createForwardingRig();
});

describe('a call that goes well', () => {
  test('is sent to the route’s destination and answered with status, allowed headers and the very bytes', async () => {
    await rig.time.advance(500);
    const running = await rig.start({ remaining: 9, path: '/v1/chat/completions?x=1' });
    expect(rig.transport.requests[0]).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions?x=1',
      body: null,
    });
    await rig.time.advance(40);
    rig.transport.answer(200, { ...JSON_TYPE, 'X-Request-Id': 'up-1', Server: 'x' }, '{"a":', '1}');
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink.status).toBe(200);
    expect(rig.sink.text).toBe('{"a":1}');
    expect(rig.sink.ended).toBe(true);
    expect(rig.sink.headers).toEqual([
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
    expect(rig.tap).toMatchObject({ bytes: 7, finished: 1 });
    expect(rig.time.pending()).toBe(0);
    expect(rig.forwarding.live()).toBe(0);
  });

  test('bytes reach the caller as they come, none is held back', async () => {
    await rig.start();
    rig.transport.answer(200, SSE_TYPE, 'data: 1\n\n');
    expect(rig.sink.text).toBe('data: 1\n\n');
    rig.transport.events.onData(encode('d'));
    expect(rig.sink.text).toBe('data: 1\n\nd');
  });

  test('an answer without a body ends without one', async () => {
    const running = await rig.start();
    rig.transport.answer(204, {});
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink).toMatchObject({ status: 204, ended: true, text: '' });
    expect(running.outcome).toMatchObject({ status: 204, bodyPassed: false });
  });

  test('events that come after the end change nothing', async () => {
    const running = await rig.start();
    rig.transport.answer(200, JSON_TYPE, '{}');
    rig.transport.events.onEnd();
    rig.transport.events.onData(encode('x'));
    rig.transport.events.onEnd();
    rig.transport.fail('reset');
    await settle();
    expect(running.ends).toBe(1);
    expect(rig.sink.text).toBe('{}');
  });
});

describe('what is refused before anything is sent', () => {
  test('a request that names this relay in CDN-Loop', async () => {
    const running = await rig.start({ rawHeaders: ['CDN-Loop', 'a, relayapi-here'] });
    expect(rig.transport.requests).toHaveLength(0);
    expect(rig.sink.status).toBe(400);
    expect(running.outcome).toMatchObject({ written: false, denial: { denied: 'loop_detected' } });
  });

  test('a body in an encoding whose header would not go up', async () => {
    await rig.start({ rawHeaders: ['Content-Encoding', 'gzip'] });
    expect(rig.sink.status).toBe(415);
    expect(rig.transport.requests).toHaveLength(0);
    for (const raw of [
      ['Content-Encoding', 'identity, br'],
      ['Content-Encoding', 'identity', 'content-encoding', 'GZIP'],
      ['Content-Encoding', 'gzip,'],
    ]) {
      const refused = createMemorySink();
      await rig.start({ rawHeaders: raw }, refused);
      expect(refused.status).toBe(415);
    }
    expect(rig.transport.requests).toHaveLength(0);
    for (const coding of ['identity', ' Identity , ', 'identity,identity', ''])
      await rig.start(
        { rawHeaders: ['Content-Encoding', coding, 'content-encoding', 'identity'] },
        createMemorySink(),
      );
    expect(rig.transport.requests).toHaveLength(4);
  });

  test('checkHead says the same without a call', () => {
    const { arrival, opened, route } = callWith({ rawHeaders: ['cdn-loop', 'relayapi-here'] });
    expect(rig.forwarding.checkHead(arrival, opened, route)).toMatchObject({ denied: 'loop_detected' });
    expect(rig.forwarding.checkHead(callWith().arrival, opened, route)).toBeNull();
  });
});

describe('a caller that leaves', () => {
  test('before the status: the upstream is aborted at once and nothing is answered', async () => {
    const running = await rig.start();
    rig.transport.write();
    rig.sink.leave();
    await settle();
    expect(rig.transport.aborted).toBe(1);
    expect(rig.sink.started).toBe(false);
    expect(running.outcome).toMatchObject({
      callerGone: true,
      written: true,
      status: null,
      cut: false,
      denial: null,
    });
  });

  test('after the first byte: the same, and the usage so far is accounted', async () => {
    const running = await rig.start();
    rig.transport.answer(200, SSE_TYPE, 'data: 1\n\n');
    rig.sink.leave();
    await settle();
    expect(rig.transport.aborted).toBe(1);
    expect(running.outcome).toMatchObject({
      callerGone: true,
      cut: true,
      bodyPassed: true,
      usage: { inputTokens: 1 },
    });
    expect(rig.time.pending()).toBe(0);
  });

  test('before the call was started: nothing is sent at all', async () => {
    rig.sink.leave();
    const running = await rig.start();
    expect(rig.transport.requests).toHaveLength(0);
    expect(running.outcome).toMatchObject({ callerGone: true, written: false });
    expect(rig.forwarding.live()).toBe(0);
    expect(rig.time.pending()).toBe(0);
  });
});

test('where no timers are handed in, those of the platform hold and are called off at the end', async () => {
  vi.useFakeTimers();
  try {
    const forwarding = createForwarding(
      { relayId: 'here', idempotencySecret: new Secret('demo-secret'), headersTimeoutMs: 5000 },
      {
        transport: rig.transport,
        maker: noMaker,
        clock: rig.time.clock,
        renderError: plainErrors,
        errorFrame: plainFrames,
      },
    );
    const done = forwarding.forward(callWith(), rig.sink, rig.tap);
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    await rig.time.advance(5000);
    vi.advanceTimersByTime(5000);
    expect((await done).denial).toMatchObject({ denied: 'upstream_unreachable' });
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

describe('cut', () => {
  test('ends exactly the calls that match, with the reason', async () => {
    const waiting = await rig.start({ claims: { sub: 'a' } });
    const streaming = createMemorySink();
    const other = createMemorySink();
    const second = await rig.start({ claims: { sub: 'a' } }, streaming);
    rig.transport.answer(200, SSE_TYPE, 'data: 1\n\n');
    const third = await rig.start({ claims: { sub: 'b' } }, other);
    expect(rig.forwarding.live()).toBe(3);

    expect(rig.forwarding.cut((call) => call.opened.claims.sub === 'a', deny('token_revoked'))).toBe(2);
    await rig.time.advance(20);
    expect(rig.sink).toMatchObject({ status: 403, text: '{"code":"token_revoked"}' });
    expect(streaming.text).toContain('token_revoked');
    expect(streaming.destroyed).toBe(true);
    expect(waiting.outcome).toMatchObject({ denial: { denied: 'token_revoked' } });
    expect(second.outcome).toMatchObject({ cut: true });
    expect(third.outcome).toBeNull();
    expect(rig.forwarding.live()).toBe(1);
    expect(rig.transport.aborted).toBe(2);
  });

  test('reaches a call whose body is still being collected', async () => {
    const running = await rig.start({
      body: streamed(async function* () {
        await new Promise(() => {});
      }, 10),
    });
    expect(rig.forwarding.cut(() => true, deny('draining'))).toBe(1);
    await settle();
    expect(rig.sink.status).toBe(503);
    expect(running.outcome).toMatchObject({ written: false });
    expect(rig.transport.requests).toHaveLength(0);
  });
});

describe('a bug costs its call alone', () => {
  const bug = new Error('a bug');

  test('in the body: the promise rejects, the answer is left to the spine', async () => {
    const body = streamed(async function* () {
      yield* [];
      throw bug;
    }, 10);
    await expect(rig.forwarding.forward(callWith({ body }), rig.sink, rig.tap)).rejects.toBe(bug);
    expect(rig.sink.started).toBe(false);
    expect(rig.forwarding.live()).toBe(0);
    expect(rig.time.pending()).toBe(0);
  });

  test('in the tap: the transport is not hit by it and the upstream is let go', async () => {
    const broken = {
      ...rig.tap,
      onData() {
        throw bug;
      },
    };
    const result = expect(rig.forwarding.forward(callWith(), rig.sink, broken)).rejects.toBe(bug);
    await settle();
    rig.transport.answer(200, JSON_TYPE, '{}');
    await result;
    expect(rig.transport.aborted).toBe(1);
    expect(rig.forwarding.live()).toBe(0);
    expect(rig.time.pending()).toBe(0);
  });
});
