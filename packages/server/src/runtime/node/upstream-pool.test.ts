/** Who gets which connection, without a socket. */
import type { Client } from 'undici';
import { expect, test } from 'vitest';
import { type Connection, createConnectionPool, type Waiter, wrapClient } from './upstream-pool.ts';

function makePool(most: number) {
  const closed: number[] = [];
  let made = 0;
  let nowMs = 0;
  const open = () => {
    const number = made++;
    const client = { close: async () => void closed.push(number), destroy: async () => {} };
    return wrapClient(() => client as unknown as Client);
  };
  const pool = createConnectionPool({ open, most, idleMs: 1000, nowMs: () => nowMs });
  const ask = () => {
    const got: Connection[] = [];
    const waiter: Waiter = { use: (connection) => void got.push(connection) };
    const waits = pool.take(waiter);
    return { waiter, got, waits };
  };
  return { pool, ask, closed, made: () => made, pass: (ms: number) => (nowMs += ms) };
}

test('the connection used last is taken first, and no more are opened than are needed at once', () => {
  const { pool, ask, made } = makePool(8);
  const [a, b] = [ask(), ask()];
  pool.give(a.got[0] as Connection);
  pool.give(b.got[0] as Connection);
  expect(ask().got[0]).toBe(b.got[0]);
  expect(ask().got[0]).toBe(a.got[0]);
  expect(made()).toBe(2);
});

test('beyond the bound callers wait in their order, and whoever leaves the line gets nothing', () => {
  const { pool, ask } = makePool(1);
  const first = ask();
  const [left, second, third] = [ask(), ask(), ask()];
  expect([first, left, second, third].map(({ waits }) => waits)).toEqual([false, true, true, true]);
  pool.leave(left.waiter);
  pool.give(first.got[0] as Connection);
  expect([left.got.length, second.got.length, third.got.length]).toEqual([0, 1, 0]);
  pool.give(second.got[0] as Connection);
  expect(third.got).toHaveLength(1);
});

test('connections that nobody needed for a while are let go, the others stay', () => {
  const { pool, ask, closed, pass } = makePool(8);
  const [a, b] = [ask(), ask()];
  pool.give(a.got[0] as Connection);
  pass(999);
  pool.give(b.got[0] as Connection);
  expect(closed).toEqual([]);
  pass(1);
  const c = ask();
  pool.give(c.got[0] as Connection);
  expect(closed).toEqual([0]);
});

test('once closed it lets each connection go as it comes back, and still serves the line', () => {
  const { pool, ask, closed } = makePool(1);
  const first = ask();
  const waiting = ask();
  pool.close();
  pool.give(first.got[0] as Connection);
  expect([waiting.got.length, closed.length]).toEqual([1, 0]);
  pool.give(waiting.got[0] as Connection);
  expect(closed).toEqual([0]);
});
