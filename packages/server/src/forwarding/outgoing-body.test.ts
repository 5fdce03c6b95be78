/** Bodies on their way up: collected or streamed, failing before or after the answer began. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { settle } from '../../test/support/fake-time.ts';
import { createMemorySink } from '../../test/support/forwarding.ts';
import {
  createForwardingRig,
  type ForwardingRig,
  JSON_TYPE,
  streamed,
} from '../../test/support/forwarding-rig.ts';
import { deny } from '../errors.ts';
import { BodyAborted, BodyDenied, BodyIdle } from '../io.ts';

let rig: ForwardingRig;
beforeEach(() => {
  rig = createForwardingRig();
});

describe('request bodies', () => {
  test('up to 64 KiB of declared length go up as one piece', async () => {
    async function* chunks() {
      yield new Uint8Array(40_000).fill(1);
      yield new Uint8Array(25_536).fill(2);
    }
    const running = await rig.start({ body: streamed(chunks, 65_536) });
    const { body, bodyBytes } = rig.transport.requests[0] ?? {};
    expect(body).toBeInstanceOf(Uint8Array);
    expect([(body as Uint8Array).length, bodyBytes]).toEqual([65_536, 65_536]);
    expect((body as Uint8Array)[40_000]).toBe(2);
    rig.transport.answer(200, JSON_TYPE);
    rig.transport.events.onEnd();
    await settle();
    expect(running.outcome?.requestBytes).toBe(65_536);
  });

  test('one that may not be gathered is streamed, however short', async () => {
    async function* chunks() {
      yield Uint8Array.of(1, 2);
    }
    await rig.start({ body: { kind: 'stream', chunks, declaredBytes: 2, gather: false } });
    expect(rig.transport.requests[0]?.body).not.toBeInstanceOf(Uint8Array);
    expect(rig.transport.requests[0]?.bodyBytes).toBe(2);
  });

  test('one that comes byte by byte costs one buffer of its size', async () => {
    async function* chunks() {
      for (let i = 0; i < 300; i++) yield Uint8Array.of(i % 256);
    }
    await rig.start({ body: streamed(chunks, 300) });
    await settle();
    await vi.waitFor(() => expect(rig.transport.requests).toHaveLength(1));
    const body = rig.transport.requests[0]?.body as Uint8Array;
    expect([...body]).toEqual(Array.from({ length: 300 }, (_, i) => i % 256));
    expect(body.buffer.byteLength).toBe(300);
  });

  test.each([
    ['10,000 bytes within 10 s', 10_000, 10_000, null],
    ['10,251 bytes within 10,010 ms', 10_251, 10_010, null],
    ['10,250 bytes within 10,010 ms', 10_250, 10_010, 408],
    ['one byte within 14 s', 1, 14_000, 408],
  ])(
    'one of which there are only %s: the least rate is 1 KiB/s after 10 s',
    async (_what, bytes, ms, status) => {
      async function* chunks() {
        yield new Uint8Array(bytes - 1);
        await rig.time.advance(ms);
        yield new Uint8Array(1);
        yield new Uint8Array(20_000 - bytes);
      }
      const running = await rig.start({ body: streamed(chunks, 20_000) });
      await vi.waitFor(() =>
        expect(rig.transport.requests.length > 0 || running.outcome !== null).toBe(true),
      );
      expect(running.outcome?.status ?? null).toBe(status);
      expect(rig.transport.requests).toHaveLength(status === null ? 1 : 0);
    },
  );

  test('larger ones and those of unknown length are streamed, pulled one chunk at a time', async () => {
    let pulled = 0;
    async function* chunks() {
      for (; pulled < 3; pulled++) yield new Uint8Array(30_000);
    }
    for (const declared of [90_000, null]) {
      pulled = 0;
      const running = await rig.start({ body: streamed(chunks, declared) }, createMemorySink());
      expect(pulled).toBe(0);
      expect(rig.transport.requests.at(-1)?.bodyBytes).toBe(declared);
      expect(await rig.readBody()).toEqual({ bytes: 90_000, error: null });
      rig.transport.answer(200, JSON_TYPE);
      rig.transport.events.onEnd();
      await settle();
      expect(running.outcome?.requestBytes).toBe(90_000);
    }
  });

  test.each([
    [new BodyIdle(), 408, 'request_timeout'],
    [new BodyDenied(deny('request_too_large')), 413, 'request_too_large'],
  ])('%s while collecting is answered and nothing is sent', async (error, status, code) => {
    let discarded = 0;
    const running = await rig.start({
      body: streamed(async function* () {
        yield new Uint8Array(1);
        throw error;
      }, 10),
      onDiscard: () => discarded++,
    });
    expect(rig.transport.requests).toHaveLength(0);
    expect(rig.sink.status).toBe(status);
    expect(running.outcome).toMatchObject({ written: false, denial: { denied: code }, upstreamStatus: null });
    expect(discarded).toBe(1);
  });

  test('A34 a body over the limit while streaming aborts the upstream and is answered with 413', async () => {
    let discarded = 0;
    const running = await rig.start({
      body: streamed(async function* () {
        yield new Uint8Array(100_000);
        throw new BodyDenied(deny('request_too_large'));
      }),
      onDiscard: () => discarded++,
    });
    rig.transport.write();
    const { error } = await rig.readBody();
    rig.transport.fail('body', error);
    await settle();
    expect(rig.sink.status).toBe(413);
    expect(running.outcome).toMatchObject({ written: true, requestBytes: 100_000, upstreamStatus: null });
    expect(discarded).toBe(1);
  });

  test('a body that fails after the answer began breaks the answer off', async () => {
    const running = await rig.start({
      body: streamed(async function* () {
        yield new Uint8Array(100_000);
        throw new BodyIdle();
      }),
    });
    rig.transport.answer(200, JSON_TYPE, '{');
    rig.transport.fail('body', (await rig.readBody()).error);
    await settle();
    expect(rig.sink).toMatchObject({ status: 200, destroyed: true, ended: false });
    expect(running.outcome).toMatchObject({ cut: true, denial: { denied: 'request_timeout' } });
  });

  test('a caller that leaves while uploading is gone, not timed out', async () => {
    const running = await rig.start({
      body: streamed(async function* () {
        yield* [];
        throw new BodyAborted();
      }, 10),
    });
    expect(running.outcome).toMatchObject({ callerGone: true, written: false, status: null });
    expect(rig.sink.started).toBe(false);
  });

  test('an upstream that answers before the upload is done is heard, and the rest is dropped', async () => {
    let discarded = 0;
    const running = await rig.start({
      body: streamed(async function* () {
        yield new Uint8Array(100_000);
        await new Promise(() => {});
      }),
      onDiscard: () => discarded++,
    });
    void rig.readBody();
    await settle();
    rig.transport.answer(400, JSON_TYPE, '{"error":1}');
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink).toMatchObject({ status: 400, text: '{"error":1}', ended: true });
    expect(discarded).toBe(1);
    expect(running.outcome).toMatchObject({ status: 400, requestBytes: 100_000 });
  });
});

test('an upload that moves on after the call has ended arms no timer', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await rig.start({
    body: streamed(async function* () {
      await promise;
      yield new Uint8Array(100_000);
    }),
  });
  const next = rig.iterateBody().next();
  rig.sink.leave();
  resolve();
  await next;
  await settle();
  expect(rig.time.pending()).toBe(0);
});

test('a call that is cut while its body is collected is not sent once the body is there', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const body = streamed(async function* () {
    await promise;
    yield new Uint8Array(10);
  }, 10);
  await rig.start({ body });
  rig.forwarding.cut(() => true, deny('draining'));
  resolve();
  await settle();
  expect(rig.transport.requests).toHaveLength(0);
  expect(rig.time.pending()).toBe(0);
});
