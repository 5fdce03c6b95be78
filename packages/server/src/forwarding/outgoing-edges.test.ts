/** The edges of a body on its way up: pieces against the declared length, the least rate, and a reader that stops early. */
import { describe, expect, test } from 'vitest';
import { createFakeTime } from '../../test/support/fake-time.ts';
import { streamed } from '../../test/support/forwarding-rig.ts';
import { BodyDenied } from '../io.ts';
import { openOutgoingBody } from './outgoing-body.ts';

const { clock } = createFakeTime();
const bytes = (...values: number[]) => Uint8Array.from(values);

async function* each(...pieces: Uint8Array[]) {
  yield* pieces;
}
const open = (body: Parameters<typeof openOutgoingBody>[0]) => openOutgoingBody(body, clock, () => {});

describe('a body that goes up in one piece', () => {
  test('and came in one is that very piece', async () => {
    const piece = bytes(1, 2, 3);
    const opened = await open(streamed(() => each(piece), 3));
    expect((opened.take() as Uint8Array).buffer).toBe(piece.buffer);
    expect([opened.bytes, opened.handed(), opened.complete()]).toEqual([3, 3, true]);
    // a long answer holds nothing of what went up
    expect(opened.take()).toBeNull();
  });

  test('and came in several is all of them in order, in one buffer of the declared size', async () => {
    const opened = await open(streamed(() => each(bytes(1, 2), bytes(3), bytes(4, 5, 6)), 6));
    const body = opened.take() as Uint8Array;
    expect(body).toEqual(bytes(1, 2, 3, 4, 5, 6));
    expect(body.buffer.byteLength).toBe(6);
  });

  test('and fell short of its length or ran past it goes up with the bytes that came', async () => {
    for (const pieces of [
      [bytes(1, 2), bytes(3)],
      [bytes(1, 2), bytes(3, 4), bytes(5, 6, 7)],
    ]) {
      const opened = await open(streamed(() => each(...pieces), 4));
      const all = pieces.flatMap((piece) => [...piece]);
      expect([...(opened.take() as Uint8Array)]).toEqual(all);
      expect(opened.bytes).toBe(all.length);
    }
  });

  test('is not refused for the pace of a last piece with which it is complete', async () => {
    const own = createFakeTime();
    async function* late() {
      yield bytes(1);
      await own.advance(60_000);
      yield bytes(2);
    }
    const opened = await openOutgoingBody(streamed(late, 2), own.clock, () => {});
    expect(opened.take()).toEqual(bytes(1, 2));
  });

  test('has its pace judged from its own beginning, not from the relay’s', async () => {
    const own = createFakeTime();
    await own.advance(3_600_000);
    const opened = await openOutgoingBody(
      streamed(() => each(bytes(1), bytes(2)), 2),
      own.clock,
      () => {},
    );
    expect(opened.bytes).toBe(2);
    async function* slow() {
      await own.advance(11_000);
      yield bytes(1);
    }
    await expect(openOutgoingBody(streamed(slow, 2), own.clock, () => {})).rejects.toThrow(BodyDenied);
  });

  test('is not gathered when its length is not known', async () => {
    const body = { kind: 'stream', chunks: () => each(bytes(1)), declaredBytes: null, gather: true } as const;
    expect((await open(body)).take()).not.toBeInstanceOf(Uint8Array);
  });
});

describe('a body that is streamed', () => {
  const opening = (chunks: () => AsyncIterable<Uint8Array>) =>
    open({ kind: 'stream', chunks, declaredBytes: null, gather: false });
  const iterate = (body: unknown) => (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();

  test('is complete once its end was read, and not with its last byte', async () => {
    const opened = await opening(() => each(bytes(1, 2)));
    const iterator = iterate(opened.take());
    expect(await iterator.next()).toEqual({ done: false, value: bytes(1, 2) });
    expect([opened.handed(), opened.complete()]).toEqual([2, false]);
    expect((await iterator.next()).done).toBe(true);
    expect([opened.handed(), opened.complete()]).toEqual([2, true]);
  });

  test('tells its source at once when nobody reads on', async () => {
    let returned = 0;
    const source = {
      next: () => new Promise<never>(() => {}),
      return: async () => {
        returned++;
        return { done: true as const, value: undefined };
      },
    };
    const opened = await opening(() => ({ [Symbol.asyncIterator]: () => source }));
    const iterator = iterate(opened.take());
    void iterator.next();
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(returned).toBe(1);
  });

  test('ends for its reader also where the source cannot be told', async () => {
    const source = { next: () => new Promise<never>(() => {}) };
    const opened = await opening(() => ({ [Symbol.asyncIterator]: () => source }));
    expect(await iterate(opened.take()).return?.()).toEqual({ done: true, value: undefined });
  });
});

test('what is held whole is complete from the start', async () => {
  for (const body of [{ kind: 'none' }, { kind: 'bytes', bytes: bytes(1), contentType: null }] as const)
    expect((await open(body)).complete()).toBe(true);
});
