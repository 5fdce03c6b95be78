/** How an upstream that fails ends a call, before the status and within the answer. */
import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../test/support/fake-time.ts';
import {
  createForwardingRig,
  type ForwardingRig,
  JSON_TYPE,
  SSE_TYPE,
} from '../../test/support/forwarding-rig.ts';

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
