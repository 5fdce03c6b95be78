import { getHeapSpaceStatistics } from 'node:v8';
import { expect, it } from 'vitest';
import { collectYoung, shrinkHeap } from './collector.ts';

/** A weak reference to an object that nothing else holds any more; nor does the frame that made it. */
function makeGarbage(): WeakRef<object> {
  return new WeakRef({ large: new Array(1000).fill(0) });
}

/** Weak references hold their objects until the task that made them ends. */
const nextTask = () => new Promise((resolve) => setImmediate(resolve));

it('collects young objects, and everything, when asked', async () => {
  for (const collect of [collectYoung, shrinkHeap]) {
    const garbage = makeGarbage();
    await nextTask();
    collect();
    expect(garbage.deref(), collect.name).toBeUndefined();
  }
});

it('gives the young space back', async () => {
  const young = () =>
    getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.physical_space_size ?? 0;
  // what survives a few collections makes V8 widen the space
  const held: unknown[] = [];
  for (let round = 0; round < 40; round += 1) {
    for (let i = 0; i < 20_000; i += 1) held.push({ round, i });
    await nextTask();
  }
  const before = young();
  held.length = 0;
  await nextTask();
  shrinkHeap();
  expect(young()).toBeLessThan(before);
  expect(young()).toBeLessThan(4 * 1024 * 1024);
});

it('leaves no collector lying about for others', () => {
  expect((globalThis as { gc?: unknown }).gc).toBeUndefined();
});
