/** Places per key, and the line before them. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSlots } from './slots.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('as many as there are places get one at once; keys do not disturb each other', async () => {
  const slots = createSlots(2, 1000);
  const taken = await Promise.all([slots.take('a'), slots.take('a'), slots.take('b')]);
  expect(taken.every((give) => give !== null)).toBe(true);
  expect(slots.size).toBe(2);
  for (const give of taken) give?.();
  expect(slots.size).toBe(0);
});

test('the next in line gets the place that comes free, in order', async () => {
  const slots = createSlots(1, 1000);
  const first = await slots.take('a');
  const order: string[] = [];
  const queue = async (name: string) => {
    const give = await slots.take('a');
    order.push(name);
    return give;
  };
  const second = queue('second');
  const third = queue('third');
  first?.();
  const give = await second;
  expect(order).toEqual(['second']);
  give?.();
  (await third)?.();
  expect(order).toEqual(['second', 'third']);
  expect(slots.size).toBe(0);
});

test('giving back twice frees one place', async () => {
  const slots = createSlots(1, 1000);
  const first = await slots.take('a');
  first?.();
  const second = await slots.take('a');
  first?.();
  const third = slots.take('a');
  await vi.advanceTimersByTimeAsync(1000);
  expect(await third).toBeNull();
  second?.();
});

test('giving back twice lets one of those who wait go on, not two', async () => {
  const slots = createSlots(1, 1000);
  const first = await slots.take('a');
  const second = slots.take('a');
  const third = slots.take('a');
  first?.();
  first?.();
  expect(await second).not.toBeNull();
  await vi.advanceTimersByTimeAsync(1000);
  expect(await third).toBeNull();
});

test('one place given back leaves the others counted', async () => {
  const slots = createSlots(2, 1000);
  const [first] = await Promise.all([slots.take('a'), slots.take('a')]);
  first?.();
  expect(await slots.take('a')).not.toBeNull();
  const fourth = slots.take('a');
  await vi.advanceTimersByTimeAsync(1000);
  expect(await fourth).toBeNull();
});

test('whoever got a place in time leaves no timer behind', async () => {
  const slots = createSlots(1, 1000);
  const first = await slots.take('a');
  const second = slots.take('a');
  first?.();
  await second;
  expect(vi.getTimerCount()).toBe(0);
});

test('whoever waits too long gets none and leaves the line', async () => {
  const slots = createSlots(1, 1000);
  const first = await slots.take('a');
  const second = slots.take('a');
  await vi.advanceTimersByTimeAsync(1000);
  expect(await second).toBeNull();
  first?.();
  expect(slots.size).toBe(0);
  expect(await slots.take('a')).not.toBeNull();
});

test('the line is bounded', async () => {
  const slots = createSlots(1, 1000);
  await slots.take('a');
  for (let i = 0; i < 1024; i++) void slots.take('a');
  expect(await slots.take('a')).toBeNull();
  await vi.advanceTimersByTimeAsync(1000);
});
