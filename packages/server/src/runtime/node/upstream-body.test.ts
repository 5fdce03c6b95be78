import { expect, test } from 'vitest';
import { createRestartableBody } from './upstream-body.ts';

const chunk = (value: number) => new Uint8Array([value]);

async function readAll(from: AsyncIterable<Uint8Array>, onChunk = () => {}): Promise<number[]> {
  const seen: number[] = [];
  for await (const piece of from) {
    seen.push(piece[0] as number);
    onChunk();
  }
  return seen;
}

test('chunks come in order, each once, empty ones not at all', async () => {
  const body = createRestartableBody(
    (async function* () {
      yield chunk(1);
      yield new Uint8Array(0);
      yield new Uint8Array(0);
      yield chunk(2);
    })(),
  );
  expect(await readAll(body.open(), () => body.confirm())).toEqual([1, 2]);
  expect(body.failure()).toBeNull();
});

test('a chunk that was given out but not written is given to the next attempt', async () => {
  const body = createRestartableBody(
    (async function* () {
      yield chunk(1);
      yield chunk(2);
    })(),
  );
  const first = body.open()[Symbol.asyncIterator]();
  expect((await first.next()).value).toEqual(chunk(1));
  const second = body.open();
  await expect(first.next()).rejects.toThrow();
  expect(await readAll(second, () => body.confirm())).toEqual([1, 2]);
});

test('a pull that was under way at the time of the change is not lost', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const body = createRestartableBody(
    (async function* () {
      await promise;
      yield chunk(1);
    })(),
  );
  const waiting = body.open()[Symbol.asyncIterator]().next();
  const second = body.open();
  await expect(waiting).rejects.toThrow();
  const read = readAll(second, () => body.confirm());
  resolve();
  expect(await read).toEqual([1]);
});

test('what the source throws is remembered and passed on', async () => {
  const cause = new Error('gone');
  const body = createRestartableBody(
    (async function* () {
      yield chunk(1);
      throw cause;
    })(),
  );
  await expect(readAll(body.open(), () => body.confirm())).rejects.toBe(cause);
  expect(body.failure()).toEqual({ cause });
  await expect(readAll(body.open())).rejects.toBe(cause);
});

test('stopping wakes the reader and tells the source', async () => {
  let returned = 0;
  const body = createRestartableBody({
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: async () => {
        returned++;
        return { done: true, value: undefined };
      },
    }),
  });
  const waiting = body.open()[Symbol.asyncIterator]().next();
  body.stop();
  body.stop();
  await expect(waiting).rejects.toThrow('no longer wanted');
  expect(returned).toBe(1);
});
