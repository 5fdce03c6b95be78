/** Times of two threads must mean the same. house: real time, since the clocks of real threads are compared. */
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { createThreadClock } from './worker-clock.ts';

const MODULE = new URL('./worker-clock.ts', import.meta.url).href;

/** Asks a thread for its time, over and over, and answers with what it said between two looks at our own clock. */
function askThread(): Promise<{ before: number; theirs: number; after: number; ownStart: number }[]> {
  const source = `
    import { parentPort } from 'node:worker_threads';
    import { createThreadClock } from ${JSON.stringify(MODULE)};
    const clock = createThreadClock();
    parentPort.on('message', () => parentPort.postMessage([clock.monotonicMs(), performance.now()]));
    parentPort.postMessage(null);
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  const clock = createThreadClock();
  const answers: { before: number; theirs: number; after: number; ownStart: number }[] = [];
  let before = 0;
  return new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (answer: [number, number] | null) => {
      if (answer !== null) {
        answers.push({ before, theirs: answer[0], after: clock.monotonicMs(), ownStart: answer[1] });
      }
      if (answers.length === 20) return void worker.terminate().then(() => resolve(answers));
      before = clock.monotonicMs();
      worker.postMessage(null);
    });
  });
}

it('gives two threads one monotonic time: what one reads lies between two readings of the other', async () => {
  for (const { before, theirs, after, ownStart } of await askThread()) {
    expect(theirs).toBeGreaterThanOrEqual(before);
    expect(theirs).toBeLessThanOrEqual(after);
    // and not the thread's own time, which began when the thread did
    expect(Math.abs(ownStart - theirs)).toBeGreaterThan(after - before);
  }
});

it('counts milliseconds out of seconds and nanoseconds, over the edge of a second', () => {
  const readings: [number, number][] = [
    [7, 999_500_000],
    [8, 500_000],
  ];
  const clock = createThreadClock(() => readings.shift() ?? [0, 0]);
  const [first, second] = [clock.monotonicMs(), clock.monotonicMs()];
  expect([first, second]).toEqual([7999.5, 8000.5]);
});

it('tells wall time as the machine does', () => {
  const before = Date.now();
  const now = createThreadClock().nowMs();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
});
