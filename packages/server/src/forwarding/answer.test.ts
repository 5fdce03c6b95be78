/** The endings that the relay writes itself: what a refusal carries, and how a running answer is broken off. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeTime, type FakeTime } from '../../test/support/fake-time.ts';
import { callWith, createMemorySink, type MemorySink } from '../../test/support/forwarding.ts';
import { deny } from '../errors.ts';
import type { HeaderList } from '../io.ts';
import { answerDenial, breakStream } from './answer.ts';

const BODY = '{"error":"kein Schlüssel"}';
const LINES: HeaderList = [
  ['content-type', 'application/json'],
  ['content-length', '27'],
  ['x-should-retry', 'false'],
];
let sink: MemorySink;
let time: FakeTime;
beforeEach(() => {
  sink = createMemorySink();
  time = createFakeTime();
});

function refuse(
  method: string,
  kept: { status: number; headers: HeaderList } | null,
  body: Uint8Array | string = BODY,
): number {
  const call = callWith({ method });
  const render = () => ({ status: 502, headers: LINES, body });
  return answerDenial(call, sink, deny('upstream_invalid'), render, kept, 4);
}

describe('a refusal', () => {
  test.each([
    ['text', BODY],
    ['bytes', new TextEncoder().encode(BODY)],
  ])('made of %s carries its status, its lines and its body', (_what, body) => {
    expect(refuse('POST', null, body)).toBe(502);
    expect(sink).toMatchObject({ status: 502, text: BODY, ended: true });
    expect(sink.headers).toEqual([
      ['cache-control', 'no-store'],
      ...LINES,
      ['x-request-id', 'req-1'],
      ['relay-calls-remaining', '4'],
    ]);
  });

  test('under the upstream’s status keeps the lines that go with it, and gives no advice on retrying', () => {
    expect(refuse('POST', { status: 429, headers: [['retry-after', '9']] })).toBe(429);
    expect(sink).toMatchObject({ status: 429, text: BODY });
    expect(sink.headers).toEqual([
      ['cache-control', 'no-store'],
      ['content-type', 'application/json'],
      ['content-length', '27'],
      ['retry-after', '9'],
      ['x-request-id', 'req-1'],
      ['relay-calls-remaining', '4'],
    ]);
  });

  test.each([
    ['to HEAD', 'HEAD', 502],
    ['with 204', 'POST', 204],
    ['with 205', 'GET', 205],
  ])('%s has neither a body nor lines that speak of one', (_what, method, status) => {
    refuse(method, status === 502 ? null : { status, headers: [] });
    expect(sink).toMatchObject({ status, ended: true });
    expect(sink.chunks).toEqual([]);
    expect(sink.header('content-type')).toBeNull();
    expect(sink.header('content-length')).toBeNull();
    expect(sink.header('x-should-retry')).toBe(status === 502 ? 'false' : null);
    expect(sink.header('relay-calls-remaining')).toBe('4');
  });
});

describe('an answer that is broken off', () => {
  beforeEach(() => {
    sink.start(200, []);
  });

  test('without a frame is destroyed at once', async () => {
    await breakStream(sink, null, time.setTimer);
    expect(sink).toMatchObject({ destroyed: true, text: '' });
    expect(time.pending()).toBe(0);
  });

  test('for a caller that has left gets no frame', async () => {
    sink.leave();
    await breakStream(sink, 'data: x\n\n', time.setTimer);
    expect(sink).toMatchObject({ destroyed: true, text: '' });
    expect(time.pending()).toBe(0);
  });

  test('gives its frame 20 ms to leave, whatever an earlier piece of the answer does', async () => {
    const broken = breakStream(sink, 'data: x\n\n', time.setTimer);
    sink.setReady(true);
    await time.advance(19);
    expect(sink).toMatchObject({ destroyed: false, text: '\n\ndata: x\n\n' });
    await time.advance(1);
    expect(sink.destroyed).toBe(true);
    await broken;
  });

  test('whose caller reads slowly is destroyed as soon as the frame has left', async () => {
    sink.setReady(false);
    const broken = breakStream(sink, 'data: x\n\n', time.setTimer);
    await time.advance(500);
    expect(sink.destroyed).toBe(false);
    sink.setReady(true);
    expect(sink.destroyed).toBe(true);
    expect(time.pending()).toBe(0);
    await broken;
  });
});
