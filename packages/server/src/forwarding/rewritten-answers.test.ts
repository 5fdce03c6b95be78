/** Answers that are rewritten, seen from the caller's end: length, limits, timing, back-pressure and the search for the key (0033). */
import { describe, expect, test } from 'vitest';
import { settle } from '../../test/support/fake-time.ts';
import { createForwardingRig, JSON_TYPE, SSE_TYPE } from '../../test/support/forwarding-rig.ts';
import { KEY } from '../../test/support/route.ts';
import type { RouteIds } from '../exchange.ts';
import { MAX_REWRITTEN } from './answer-rewrite.ts';

const ids: RouteIds = {
  takes: [],
  makes: [{ kind: 'job', at: ['id'] }],
  urls: [],
  seal: (_, id) => `rai_${id}_sealed`,
  open: () => null,
  relayPath: () => null,
};
const parts = { route: { ids } };

describe('a JSON answer', () => {
  test('begins when it is whole, and declares the length that it has then', async () => {
    const rig = createForwardingRig();
    const call = await rig.start(parts);
    rig.transport.answer(201, { ...JSON_TYPE, 'content-length': '10' }, '{"id":');
    expect(rig.sink.started).toBe(false);
    rig.transport.events.onData(new TextEncoder().encode('"a"}'));
    rig.transport.events.onEnd();
    await Promise.resolve();
    expect([rig.sink.status, rig.sink.text, rig.sink.ended]).toEqual([201, '{"id":"rai_a_sealed"}', true]);
    expect(rig.sink.header('content-length')).toBe('21');
    expect(call.outcome).toMatchObject({ status: 201, responseBytes: 21, denial: null, bodyPassed: true });
    expect(rig.tap.bytes).toBe(21);
  });

  test('is over once the caller has read it, or has left: until then its memory and its place are taken', async () => {
    for (const leaves of [false, true]) {
      const rig = createForwardingRig();
      const call = await rig.start(parts);
      rig.sink.setReady(false);
      rig.transport.answer(200, JSON_TYPE, '{"id":"a"}');
      rig.transport.events.onEnd();
      await settle();
      expect([rig.sink.text, rig.sink.ended, call.ends]).toEqual(['{"id":"rai_a_sealed"}', false, 0]);
      if (leaves) rig.sink.leave();
      else rig.sink.setReady(true);
      await settle();
      expect([rig.sink.ended, call.ends, call.outcome?.callerGone]).toEqual([!leaves, 1, leaves]);
    }
  });

  test('that cannot be read, breaks off, stays silent or is too long for the token is a plain refusal', async () => {
    const ends: [string, (rig: ReturnType<typeof createForwardingRig>) => void, number][] = [
      ['upstream_invalid', (rig) => rig.transport.events.onEnd(), 502],
      ['upstream_unreachable', (rig) => rig.transport.fail('reset'), 201],
      ['upstream_timeout', (rig) => rig.time.advance(300_001), 504],
    ];
    for (const [denied, end] of ends) {
      const rig = createForwardingRig();
      const call = await rig.start(parts);
      rig.transport.answer(201, JSON_TYPE, '{"id":"a"');
      end(rig);
      await Promise.resolve();
      expect(call.outcome?.denial?.denied).toBe(denied);
      expect(rig.sink.text).toBe(`{"code":"${denied}"}`);
      expect(rig.sink.destroyed).toBe(false);
    }
    const rig = createForwardingRig();
    const call = await rig.start({ ...parts, claims: { limits: { response_bytes: 20 } } });
    rig.transport.answer(200, JSON_TYPE, '{"id":"a"}');
    rig.transport.events.onEnd();
    await Promise.resolve();
    expect(call.outcome).toMatchObject({ status: 402, denial: { denied: 'budget_exhausted' } });
  });

  test('of an untrusted host is searched for the key as ever', async () => {
    const rig = createForwardingRig();
    const call = await rig.start({ ...parts, route: { ids, trusted: false } });
    rig.transport.answer(200, JSON_TYPE, `{"id":"a","echo":"${KEY}"}`);
    rig.transport.events.onEnd();
    await Promise.resolve();
    expect(call.outcome?.denial?.denied).toBe('upstream_invalid');
    expect(rig.sink.text).not.toContain(KEY);
  });

  test('of an error is passed on as it is, and so is one without a body', async () => {
    const rig = createForwardingRig();
    await rig.start(parts);
    rig.transport.answer(404, JSON_TYPE, '{"id":"a"}');
    rig.transport.events.onEnd();
    expect([rig.sink.status, rig.sink.text]).toEqual([404, '{"id":"a"}']);
    const other = createForwardingRig();
    await other.start(parts);
    other.transport.answer(204, {});
    other.transport.events.onEnd();
    expect([other.sink.status, other.sink.text, other.sink.ended]).toEqual([204, '', true]);
  });
});

describe('an event stream', () => {
  test('begins at once, declares no length, and each line goes on when it ends', async () => {
    const rig = createForwardingRig();
    await rig.start(parts);
    rig.transport.answer(200, { ...SSE_TYPE, 'content-length': '40' }, 'data: {"id":"a"}\n\nda');
    expect(rig.sink.header('content-length')).toBeNull();
    expect(rig.sink.text).toBe('data: {"id":"rai_a_sealed"}\n\n');
    rig.transport.events.onData(new TextEncoder().encode('ta: {"id":"b"}'));
    rig.transport.events.onEnd();
    expect(rig.sink.text).toBe('data: {"id":"rai_a_sealed"}\n\ndata: {"id":"rai_b_sealed"}');
    expect(rig.sink.ended).toBe(true);
  });

  test('stops the upstream while the caller reads more slowly', async () => {
    const rig = createForwardingRig();
    await rig.start(parts);
    rig.sink.setReady(false);
    rig.transport.answer(200, SSE_TYPE, 'data: {"id":"a"}\n\n');
    expect(rig.transport.paused).toBe(true);
    rig.sink.setReady(true);
    expect(rig.transport.paused).toBe(false);
  });

  test('is cut, with the dialect’s frame, where a line has no room', async () => {
    const rig = createForwardingRig();
    const call = await rig.start(parts);
    rig.transport.answer(200, SSE_TYPE, 'data: {"id":"a"}\n\n');
    rig.transport.events.onData(new Uint8Array(MAX_REWRITTEN + 1).fill(0x61));
    await rig.time.advance(50);
    expect(call.outcome).toMatchObject({ cut: true, denial: { denied: 'upstream_invalid' } });
    expect(rig.sink.destroyed).toBe(true);
    expect(rig.sink.text).toContain('data: {"error":"upstream_invalid"}');
  });
});
