/** Time limits of a call, on fake time, and whose silence they count. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeTime } from '../../test/support/fake-time.ts';
import { type CallParts, createMemorySink } from '../../test/support/forwarding.ts';
import {
  createForwardingRig,
  type ForwardingRig,
  SSE_TYPE,
  streamed,
} from '../../test/support/forwarding-rig.ts';

const encode = (text: string) => new TextEncoder().encode(text);
let rig: ForwardingRig;
beforeEach(() => {
  rig = createForwardingRig();
});

describe('back-pressure', () => {
  test('a caller that reads slowly pauses the upstream and its silence is not the upstream’s', async () => {
    rig = createForwardingRig({ idleTimeoutMs: 1000 });
    const running = await rig.start();
    rig.transport.answer(200, SSE_TYPE);
    rig.sink.setReady(false);
    rig.transport.events.onData(encode('data: 1\n\n'));
    expect(rig.transport.paused).toBe(true);
    await rig.time.advance(10_000);
    expect(running.outcome).toBeNull();
    rig.sink.setReady(true);
    expect(rig.transport.paused).toBe(false);
    await rig.time.advance(999);
    expect(running.outcome).toBeNull();
    await rig.time.advance(50);
    expect(running.outcome).toMatchObject({ denial: { denied: 'upstream_timeout' }, cut: true });
  });
});

describe('time', () => {
  test('no status in time is 504 once the request was written, 502 before', async () => {
    rig = createForwardingRig({ headersTimeoutMs: 5000 });
    const running = await rig.start();
    rig.transport.write();
    await rig.time.advance(4999);
    expect(running.outcome).toBeNull();
    await rig.time.advance(1);
    expect(rig.sink).toMatchObject({ status: 504, text: '{"code":"upstream_timeout"}' });
    expect(rig.transport.aborted).toBe(1);

    const queued = createMemorySink();
    await rig.start({}, queued);
    await rig.time.advance(5000);
    expect(queued.text).toBe('{"code":"upstream_unreachable"}');
  });

  test('an upload that moves is not cut by the wait for the status', async () => {
    rig = createForwardingRig({ headersTimeoutMs: 5000 });
    const running = await rig.start({
      body: streamed(async function* () {
        for (let i = 0; i < 5; i++) yield new Uint8Array(20_000);
      }),
    });
    rig.transport.write();
    const iterator = rig.iterateBody();
    for (let i = 0; i < 5; i++) {
      await rig.time.advance(4000);
      await iterator.next();
    }
    expect(running.outcome).toBeNull();
    await rig.time.advance(5000);
    expect(running.outcome).toMatchObject({ denial: { denied: 'upstream_timeout' } });
  });

  test('an upstream that falls silent within an answer is cut, one that drips is not', async () => {
    rig = createForwardingRig({ idleTimeoutMs: 3000 });
    const running = await rig.start();
    rig.transport.answer(200, SSE_TYPE);
    for (let i = 0; i < 10; i++) {
      await rig.time.advance(2900);
      rig.transport.events.onData(encode(':\n\n'));
    }
    expect(running.outcome).toBeNull();
    await rig.time.advance(3100);
    expect(running.outcome).toMatchObject({ cut: true, denial: { denied: 'upstream_timeout' } });
    expect(rig.sink.text.endsWith('data: {"error":"upstream_timeout"}\n\n')).toBe(true);
  });

  /** Feeds the stream each second until it ends; returns for how many seconds it ran. */
  async function lifeOf(parts: CallParts, headers: Record<string, string> = SSE_TYPE): Promise<number> {
    const running = await rig.start(parts);
    rig.transport.answer(200, headers);
    for (let second = 1; second < 10_000; second++) {
      await rig.time.advance(1000);
      if (rig.sink.destroyed || running.outcome) return second;
      rig.transport.events.onData(encode(':\n\n'));
    }
    return Number.POSITIVE_INFINITY;
  }
  const NOW = 1_700_000_000;

  test('a stream outlives exp by at most 600 s', async () => {
    expect(await lifeOf({ claims: { exp: NOW + 60 } })).toBeCloseTo(660, -1);
    expect(rig.sink.text).toContain('token_expired');
  });

  test('a clock that was set back an hour since the start lengthens no stream', async () => {
    const time = createFakeTime();
    let backMs = 0;
    const clock = { ...time.clock, nowMs: () => time.clock.nowMs() - backMs };
    rig = createForwardingRig({}, { ...time, clock });
    backMs = 3_600_000;
    expect(await lifeOf({ claims: { exp: NOW + 60 } })).toBeCloseTo(660, -1);
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
    const time = createFakeTime();
    rig = createForwardingRig(
      {},
      {
        ...time,
        setTimer: (ms, action) => {
          asked.push(ms);
          return time.setTimer(ms, action);
        },
      },
    );
    await rig.start({ claims: { exp: NOW + 10 ** 9 } });
    expect(Math.max(...asked)).toBeLessThan(2 ** 31);
  });

  test('comments keep a silent event stream open, but never stand inside an event', async () => {
    rig = createForwardingRig({ keepAliveCommentMs: 1000 });
    await rig.start();
    rig.transport.answer(200, SSE_TYPE);
    await rig.time.advance(1000);
    expect(rig.sink.text).toBe(': keep-alive\n\n');
    rig.transport.events.onData(encode('data: half'));
    await rig.time.advance(3000);
    expect(rig.sink.text).toBe(': keep-alive\n\ndata: half');
    rig.transport.events.onData(encode('\n'));
    rig.transport.events.onData(encode('\n'));
    await rig.time.advance(1000);
    expect(rig.sink.text).toBe(': keep-alive\n\ndata: half\n\n: keep-alive\n\n');
    rig.transport.events.onEnd();
    await rig.time.advance(5000);
    expect(rig.sink.text.match(/keep-alive/g)).toHaveLength(2);
  });

  test('no comment goes into a body that is not an event stream', async () => {
    rig = createForwardingRig({ keepAliveCommentMs: 1000 });
    await rig.start();
    rig.transport.answer(200, { 'content-type': 'text/plain' }, 'x\n\n');
    await rig.time.advance(5000);
    expect(rig.sink.text).toBe('x\n\n');
  });
});
