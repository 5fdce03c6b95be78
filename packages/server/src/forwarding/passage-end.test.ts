/** How an upstream that fails ends a call, before the status and within the answer. */
import { Secret } from 'relayapi-token';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { settle } from '../../test/support/fake-time.ts';
import { callWith, createMemorySink, noMaker, plainErrors } from '../../test/support/forwarding.ts';
import {
  createForwardingRig,
  type ForwardingRig,
  JSON_TYPE,
  SSE_TYPE,
  streamed,
} from '../../test/support/forwarding-rig.ts';
import { deny } from '../errors.ts';
import { BodyAborted } from '../io.ts';
import { createForwarding } from './forwarding.ts';

let rig: ForwardingRig;
beforeEach(() => {
  rig = createForwardingRig();
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
      const running = await rig.start({ remaining: 5 });
      if (written) rig.transport.write();
      rig.transport.fail(kind);
      await settle();
      expect(rig.sink).toMatchObject({ status, text: `{"code":"${code}"}` });
      expect(running.outcome).toMatchObject({ written, upstreamStatus: null, status, cut: false });
      expect(rig.sink.header('relay-calls-remaining')).toBe(written ? '5' : '6');
      // no status of the upstream is kept, so the advice on retrying is the relay's
      expect(rig.sink.header('x-should-retry')).toBe('false');
    },
  );

  test('an event stream that dies ends with the dialect’s frame after a blank line, then a destroyed socket', async () => {
    const running = await rig.start();
    rig.transport.answer(200, SSE_TYPE, 'data: {"half');
    rig.transport.fail('reset');
    await settle();
    expect(rig.sink.destroyed).toBe(false);
    await rig.time.advance(20);
    expect(rig.sink.text).toBe('data: {"half\n\ndata: {"error":"upstream_unreachable"}\n\n');
    expect(rig.sink).toMatchObject({ destroyed: true, ended: false });
    expect(running.outcome).toMatchObject({ cut: true, status: 200, bodyPassed: true });
  });

  test.each([
    ['a Google stream', 'gemini', SSE_TYPE],
    ['a JSON body', 'openai-chat', JSON_TYPE],
    ['an event stream of declared length', 'openai-chat', { ...SSE_TYPE, 'content-length': '100' }],
  ] as const)('%s is destroyed without a frame', async (_name, dialect, headers) => {
    const running = await rig.start({ dialect });
    rig.transport.answer(200, headers, '{"half');
    rig.transport.fail('reset');
    await settle();
    expect(rig.sink).toMatchObject({ text: '{"half', destroyed: true, ended: false });
    expect(running.outcome).toMatchObject({ cut: true });
  });

  test('a frame for a caller that does not read waits for it, at most a second', async () => {
    await rig.start();
    rig.transport.answer(200, SSE_TYPE, 'data: 1\n\n');
    rig.sink.setReady(false);
    rig.transport.fail('reset');
    await rig.time.advance(999);
    expect(rig.sink.destroyed).toBe(false);
    await rig.time.advance(1);
    expect(rig.sink.destroyed).toBe(true);
  });
});

describe('a caller that is no longer there', () => {
  test('when the relay ends the call is counted as gone, and nothing is written to it', async () => {
    const running = await rig.start();
    rig.sink.destroy();
    rig.transport.fail('reset');
    await settle();
    expect(rig.sink.started).toBe(false);
    expect(running.outcome).toMatchObject({ callerGone: true, cut: false, status: null });
  });

  test('and leaves twice, as connection and as body, is gone once', async () => {
    const running = await rig.start({
      body: streamed(async function* () {
        yield new Uint8Array(100_000);
      }),
    });
    rig.transport.answer(200, JSON_TYPE, '{}');
    rig.transport.events.onEnd();
    rig.transport.fail('body', new BodyAborted());
    await settle();
    expect(running.outcome).toMatchObject({ callerGone: false, status: 200 });
    expect(rig.tap.finished).toBe(1);
    expect(rig.transport.aborted).toBe(0);
  });
});

describe('the rest of the caller’s body', () => {
  async function discardedBy(parts: Parameters<ForwardingRig['start']>[0], play: () => unknown) {
    const asked: [number, number][] = [];
    await rig.start({ ...parts, onDiscard: (bytes, ms) => asked.push([bytes, ms]) }, rig.sink);
    await play();
    await settle();
    return asked;
  }
  const endless = streamed(async function* () {
    yield new Uint8Array(100_000);
    await new Promise(() => {});
  });

  test('is dropped up to 1 MiB for up to a second, so that a caller still uploading reads its answer', async () => {
    expect(await discardedBy({ body: endless }, () => rig.transport.answer(302, {}))).toEqual([
      [1_048_576, 1000],
    ]);
  });

  test('is left alone when there is none: read to its end, held whole, never declared, or the caller has left', async () => {
    const short = streamed(async function* () {
      yield new Uint8Array(100_000);
    });
    const readAll = async () => {
      await rig.readBody();
      rig.transport.answer(302, {});
    };
    expect(await discardedBy({ body: short }, readAll)).toEqual([]);
    for (const body of [
      { kind: 'none' },
      { kind: 'bytes', bytes: new Uint8Array(3), contentType: null },
    ] as const) {
      rig = createForwardingRig();
      expect(await discardedBy({ body }, () => rig.transport.answer(302, {}))).toEqual([]);
    }
    rig = createForwardingRig();
    expect(await discardedBy({ body: endless }, () => rig.sink.leave())).toEqual([]);
    // refused before the body was looked at: nothing that is not a stream has a rest
    rig = createForwardingRig();
    const refused = { rawHeaders: ['cdn-loop', 'relayapi-here'], body: { kind: 'none' } } as const;
    expect(await discardedBy(refused, () => {})).toEqual([]);
  });
});

test('a route without an endpoint is broken off in the opaque dialect', async () => {
  const asked: string[] = [];
  const errorFrame = (dialect: string) => {
    asked.push(dialect);
    return null;
  };
  const forwarding = createForwarding(
    { relayId: 'here', idempotencySecret: new Secret('demo-secret') },
    {
      ...rig,
      maker: noMaker,
      clock: rig.time.clock,
      setTimer: rig.time.setTimer,
      renderError: plainErrors,
      errorFrame,
    },
  );
  const done = forwarding.forward(callWith({ route: { endpoint: null } }), rig.sink, rig.tap);
  await settle();
  rig.transport.answer(200, SSE_TYPE, 'data: 1\n\n');
  rig.transport.fail('reset');
  expect((await done).cut).toBe(true);
  expect(asked).toEqual(['opaque']);
});

describe('a bug', () => {
  test('after which the transport goes on changes nothing more', async () => {
    const bug = new Error('a bug');
    const onData = vi.fn(() => {
      throw bug;
    });
    const result = expect(rig.forwarding.forward(callWith(), rig.sink, { ...rig.tap, onData })).rejects.toBe(
      bug,
    );
    await settle();
    rig.transport.answer(200, SSE_TYPE, 'data: 1\n\n', 'data: 2\n\n');
    rig.transport.events.onEnd();
    await result;
    expect(onData).toHaveBeenCalledTimes(1);
    expect(rig.sink).toMatchObject({ text: '', ended: false });
  });

  test('in what is asked before sending rejects as well', async () => {
    const bug = new Error('a bug');
    vi.spyOn(rig.transport, 'dispatch').mockImplementation(() => {
      throw bug;
    });
    await expect(rig.forwarding.forward(callWith(), createMemorySink(), rig.tap)).rejects.toBe(bug);
    expect(rig.forwarding.live()).toBe(0);
    expect(rig.time.pending()).toBe(0);
  });
});

test('a call that has ended takes no second reason', async () => {
  const running = await rig.start();
  rig.transport.answer(200, SSE_TYPE, 'data: 1\n\n');
  rig.sink.setReady(false);
  rig.forwarding.cut(() => true, deny('draining'));
  rig.forwarding.cut(() => true, deny('token_revoked'));
  rig.transport.events.onData(new TextEncoder().encode('data: 2\n\n'));
  rig.transport.fail('reset');
  rig.transport.events.onEnd();
  await rig.time.advance(1000);
  expect(running.outcome).toMatchObject({ denial: { denied: 'draining' }, responseBytes: 9 });
  expect(rig.sink.text).toBe('data: 1\n\n\n\ndata: {"error":"draining"}\n\n');
});
