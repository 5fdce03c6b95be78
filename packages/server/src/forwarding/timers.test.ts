/** Time limits of a call, on fake time, and whose silence they count. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeTime, type FakeTime } from '../../test/support/fake-time.ts';
import { type CallParts, createMemorySink } from '../../test/support/forwarding.ts';
import {
  createForwardingRig,
  type ForwardingRig,
  SSE_TYPE,
  streamed,
} from '../../test/support/forwarding-rig.ts';
import { answerDeadlineMs, createSilenceWatch, type SilenceWatch, startTimer } from './timers.ts';

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

  test('comments stand after any of the blank lines that end an event, and wait for silence', async () => {
    for (const [event, between] of [
      ['data: 1\n\n', true],
      ['data: 1\r\r', true],
      ['data: 1\r\n\r\n', true],
      ['data: 1\r\n', false],
      ['data: 1\n\nd', false],
      ['\n\ndat', false],
    ] as const) {
      rig = createForwardingRig({ keepAliveCommentMs: 1000 });
      await rig.start();
      rig.transport.answer(200, SSE_TYPE, 'a: much longer line\n', event);
      await rig.time.advance(1000);
      expect(rig.sink.text.endsWith(': keep-alive\n\n')).toBe(between);
    }
    rig = createForwardingRig({ keepAliveCommentMs: 1000 });
    await rig.start();
    rig.transport.answer(200, SSE_TYPE);
    for (let i = 0; i < 3; i++) {
      await rig.time.advance(900);
      rig.transport.events.onData(encode('data: 1\n\n'));
    }
    expect(rig.sink.text).not.toContain('keep-alive');
  });

  test('no comment stands behind the frame that ends a broken stream', async () => {
    rig = createForwardingRig({ keepAliveCommentMs: 1000 });
    await rig.start();
    rig.transport.answer(200, SSE_TYPE, 'data: 1\n\n');
    await rig.time.advance(990);
    rig.sink.setReady(false);
    rig.transport.fail('reset');
    await rig.time.advance(500);
    expect(rig.sink.text.endsWith('data: {"error":"upstream_unreachable"}\n\n')).toBe(true);
  });

  test('no comment is sent where none is configured', async () => {
    await rig.start();
    rig.transport.answer(200, SSE_TYPE);
    await rig.time.advance(200_000);
    expect(rig.sink.text).toBe('');
  });

  test('no comment goes into a body that is not an event stream', async () => {
    rig = createForwardingRig({ keepAliveCommentMs: 1000 });
    await rig.start();
    rig.transport.answer(200, { 'content-type': 'text/plain' }, 'x\n\n');
    await rig.time.advance(5000);
    expect(rig.sink.text).toBe('x\n\n');
  });
});

describe('a watch over silence', () => {
  let time: FakeTime;
  let fired: number;
  let watch: SilenceWatch;
  beforeEach(() => {
    time = createFakeTime();
    fired = 0;
    watch = createSilenceWatch(time.clock, time.setTimer, () => fired++);
  });

  test('fires once, when the patience is over and not before', async () => {
    watch.start(1000);
    await time.advance(999);
    expect(fired).toBe(0);
    await time.advance(1);
    expect(fired).toBe(1);
    watch.feed();
    await time.advance(10_000);
    expect(fired).toBe(1);
  });

  test('that is fed counts anew from there, with one timer however often it is fed', async () => {
    watch.start(1000);
    for (let i = 0; i < 5; i++) {
      await time.advance(600);
      watch.feed();
      watch.feed();
      expect(time.pending()).toBe(1);
    }
    await time.advance(999);
    expect(fired).toBe(0);
    await time.advance(1);
    expect(fired).toBe(1);
  });

  test('that starts over goes by the new patience alone', async () => {
    watch.start(1000);
    await time.advance(900);
    watch.start(3000);
    expect(time.pending()).toBe(1);
    await time.advance(2999);
    expect(fired).toBe(0);
    await time.advance(1);
    expect(fired).toBe(1);
  });

  test('that is suspended keeps still until it is fed, and then has its whole patience again', async () => {
    watch.start(1000);
    watch.suspend();
    await time.advance(5000);
    expect(fired).toBe(0);
    watch.feed();
    expect(time.pending()).toBe(1);
    await time.advance(999);
    expect(fired).toBe(0);
    await time.advance(1);
    expect(fired).toBe(1);
  });

  test('that is fed before its timer ran out needs no second timer', async () => {
    let armed = 0;
    const counting = (ms: number, action: () => void) => {
      armed++;
      return time.setTimer(ms, action);
    };
    watch = createSilenceWatch(time.clock, counting, () => fired++);
    watch.start(1000);
    watch.suspend();
    await time.advance(400);
    watch.feed();
    expect(armed).toBe(1);
    expect(time.pending()).toBe(1);
    await time.advance(999);
    expect(fired).toBe(0);
    await time.advance(1);
    expect(fired).toBe(1);
  });

  test('that is stopped while it was suspended does not wake up either', () => {
    watch.start(1000);
    watch.suspend();
    watch.stop();
    watch.feed();
    expect(time.pending()).toBe(0);
  });

  test('that was never started watches nothing when it is fed', () => {
    watch.feed();
    expect(time.pending()).toBe(0);
  });

  test('that is stopped has no timer left and stays silent', async () => {
    watch.start(1000);
    watch.stop();
    expect(time.pending()).toBe(0);
    watch.stop();
    watch.feed();
    expect(time.pending()).toBe(0);
    await time.advance(5000);
    expect(fired).toBe(0);
  });
});

test('a timer runs for no less than nothing and no longer than the platform can hold', () => {
  const asked: number[] = [];
  const setTimer = (ms: number) => {
    asked.push(ms);
    return () => {};
  };
  for (const ms of [-5, 0, 7, 2 ** 31 - 1, 2 ** 31]) startTimer(setTimer, ms, () => {});
  expect(asked).toEqual([0, 0, 7, 2 ** 31 - 1, 2 ** 31 - 1]);
});

describe('when an answer has to end', () => {
  const NOW_MS = 1_000_000;
  test.each([
    ['without stream_seconds: so much after exp', 'POST', undefined, 60_000 + 600_000],
    ['with it: so much after sending', 'POST', 5, 5000],
    ['with it past exp', 'POST', 900, 900_000],
    ['a GET: at exp', 'GET', undefined, 60_000],
    ['a GET with stream_seconds before exp', 'GET', 5, 5000],
    ['a GET with stream_seconds past exp', 'GET', 900, 60_000],
  ])('%s', (_what, method, streamSeconds, expected) => {
    const call = { method, expSeconds: NOW_MS / 1000 + 60, streamSeconds };
    expect(answerDeadlineMs(call, 600, NOW_MS)).toBe(expected);
  });
});
