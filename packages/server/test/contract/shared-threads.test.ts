/** Counters that four worker threads and the main one hammer at the same time stay exact (acceptance A36, A39, A40, A43, A48). */
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSharedBuckets } from '../../src/stores/shared-buckets.ts';
import {
  createSharedDamping,
  openSharedDamping,
  type SharedDamping,
} from '../../src/stores/shared-damping.ts';
import { enterLock, leaveLock } from '../../src/stores/shared-lock.ts';
import { createSharedMemoryStore } from '../../src/stores/shared-memory.ts';
import { createSharedTable, type SharedTable } from '../../src/stores/shared-table.ts';
import type { ReservationRequest, Store } from '../../src/stores/store.ts';
import { countSums, readSums } from '../support/shared-audit.ts';
import type { StepClock } from '../support/step-clock.ts';
import type { Round, TakeRound, Tally, ThreadStart } from './shared-thread.ts';
import { requestAt, verdict } from './store-contract.ts';

const THREADS = 4;

/** The clock of all threads. */
function createSharedClock(): StepClock & { readonly times: SharedArrayBuffer } {
  const times = new SharedArrayBuffer(16);
  const now = new Float64Array(times);
  now.set([1_800_000_000_000, 5000]);
  return {
    times,
    nowMs: () => now[0] as number,
    monotonicMs: () => now[1] as number,
    advance(ms) {
      now.set([(now[0] as number) + ms, (now[1] as number) + ms]);
    },
    stepWall(ms) {
      now[0] = (now[0] as number) + ms;
    },
  };
}

interface Crew {
  readonly clock: StepClock;
  readonly table: SharedTable;
  readonly owner: Store;
  /** All threads run the same round at the same time. */
  run(round: Omit<Round, 'round'> | Omit<TakeRound, 'round'>): Promise<Tally[]>;
  readonly damping: SharedDamping;
  end(): Promise<void>;
}

function startCrew(capacityBytes?: number): Crew {
  const clock = createSharedClock();
  const table = createSharedTable(capacityBytes === undefined ? {} : { capacityBytes });
  const owner = createSharedMemoryStore(table, {}, { clock });
  const damping = createSharedDamping(64);
  const flags = new SharedArrayBuffer(12);
  const words = new Int32Array(flags);
  const workerData: ThreadStart = {
    handle: table.handle,
    times: clock.times,
    flags,
    buckets: createSharedBuckets(),
    damping,
  };
  const workers = Array.from(
    { length: THREADS },
    () => new Worker(new URL('./shared-thread.ts', import.meta.url), { workerData }),
  );
  let round = 0;
  return {
    clock,
    table,
    owner,
    damping: openSharedDamping(damping, 1000, clock),
    async run(asked) {
      round += 1;
      const done = workers.map(
        (worker) =>
          new Promise<Tally>((resolve, reject) => {
            worker.once('message', resolve);
            worker.once('error', reject);
          }),
      );
      for (const worker of workers) worker.postMessage({ ...asked, round });
      await expect.poll(() => Atomics.load(words, 0)).toBe(THREADS * round);
      Atomics.store(words, 2, 0);
      Atomics.store(words, 1, round);
      Atomics.notify(words, 1);
      const tallies = await Promise.all(done);
      for (const worker of workers) worker.removeAllListeners('error');
      return tallies;
    },
    async end() {
      await Promise.all(workers.map((worker) => worker.terminate()));
      expect(countSums(table)).toEqual(readSums(table));
    },
  };
}

function sum(tallies: readonly Tally[], which: string): number {
  return tallies.reduce((all, one) => all + (one.verdicts[which] ?? 0), 0);
}

describe('one table of counters under four threads', () => {
  let crew: Crew;
  const at = (more: Partial<ReservationRequest>) => requestAt(crew.clock, more);
  beforeAll(() => {
    crew = startCrew();
  });
  afterAll(() => crew.end());

  it('A36 lets exactly 100 of 20,000 requests have a token of 100 calls, ten times', async () => {
    for (let run = 0; run < 10; run++) {
      const request = at({ jti: `run-${run}-AAAAAAAAAAAAAAAA`, calls: 100, attempts: 200 });
      const tallies = await crew.run({ request, times: 5000, settle: 'commit' });
      expect(sum(tallies, 'ok')).toBe(100);
      expect(sum(tallies, 'calls')).toBe(THREADS * 5000 - 100);
      const ids = tallies.flatMap((one) => one.ids);
      expect(new Set(ids).size).toBe(100);
    }
  });

  it('A37 gives every refunded call back, whichever thread had it', async () => {
    const request = at({ jti: 'refunds', calls: 10, attempts: 100_000 });
    const tallies = await crew.run({ request, times: 5000, settle: 'refund' });
    expect(sum(tallies, 'ok')).toBeGreaterThan(5000);
    const after = await crew.run({ request, times: 50, settle: 'keep' });
    expect(sum(after, 'ok')).toBe(10);
  });

  it('A39 admits n in each window, over all threads', async () => {
    const rate = { count: 7, windowMs: 1000 };
    const admitted: number[] = [];
    for (let step = 0; step < 12; step++) {
      const tallies = await crew.run({ request: at({ jti: 'windows', rate }), times: 200, settle: 'commit' });
      admitted.push(sum(tallies, 'ok'));
      expect(sum(tallies, 'ok') + sum(tallies, 'rate')).toBe(THREADS * 200);
      crew.clock.advance(250);
    }
    expect(admitted).toEqual([7, 0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0]);
  });

  it('A40 never has more calls running than a token may', async () => {
    const tallies = await crew.run({
      request: at({ jti: 'leases', concurrency: 2, perSubject: { subject: 'user-1', concurrency: 3 } }),
      times: 5000,
      settle: 'commit',
    });
    expect(Math.max(...tallies.map((one) => one.most))).toBeLessThanOrEqual(2);
    expect(sum(tallies, 'ok') + sum(tallies, 'concurrency')).toBe(THREADS * 5000);
    const kept = await crew.run({
      request: at({ jti: 'leases', concurrency: 2 }),
      times: 100,
      settle: 'keep',
    });
    expect(sum(kept, 'ok')).toBe(2);
  });

  it('A43 admits each of 500 nonces once', async () => {
    for (const numbered of [false, true]) {
      const request = at({
        jti: `once-${numbered}`,
        calls: 9000,
        once: { kind: 'nonce', hash: 'n'.repeat(22) },
      });
      const tallies = await crew.run({ request, times: 500, numbered, settle: 'commit' });
      expect(sum(tallies, 'ok')).toBe(numbered ? 500 : 1);
      expect(sum(tallies, 'nonce')).toBe(THREADS * 500 - (numbered ? 500 : 1));
    }
  });

  it('adds up a subject’s calls over all its tokens and all threads', async () => {
    const request = at({ jti: 'of-subject', calls: 3, perSubject: { subject: 'user-2', calls: 250 } });
    const tallies = await crew.run({ request, times: 400, numbered: true, settle: 'commit' });
    expect(sum(tallies, 'ok')).toBe(250);
  });
});

describe('limits before authentication under four threads', () => {
  it('are those of one, not four times as much', async () => {
    const crew = startCrew();
    const first = await crew.run({ take: '192.0.2.1', times: 1000 });
    expect(sum(first, 'passed')).toBe(100);
    const second = await crew.run({ take: '192.0.2.2', times: 1000 });
    expect(sum(second, 'passed')).toBe(50);
    crew.clock.advance(3000);
    const third = await crew.run({ take: '192.0.2.3', times: 1000 });
    expect(sum(third, 'passed')).toBe(3);
    await crew.end();
  });

  it('damp an address after the failures that all threads saw together', async () => {
    const crew = startCrew();
    await crew.run({ take: '192.0.2.1', times: 15 });
    expect(crew.damping.isDamped('192.0.2.1')).toBe(false);
    await crew.run({ take: '192.0.2.1', times: 1 });
    expect(crew.damping.isDamped('192.0.2.1')).toBe(true);
    expect(crew.damping.size()).toEqual({ groups: 1, times: 64 });
    await crew.end();
  });
});

describe('a full table under four threads', () => {
  it('A48 gets newcomers refused and loses no counter of the known', async () => {
    const crew = startCrew(400_000);
    const request = requestAt(crew.clock, { jti: 'flood', calls: 3, attempts: 99 });
    const tallies = await crew.run({ request, times: 2000, numbered: true, settle: 'keep' });
    expect(sum(tallies, 'capacity')).toBeGreaterThan(1000);
    const counts = new Map<number, number>();
    for (const n of tallies.flatMap((one) => one.numbers)) counts.set(n, (counts.get(n) ?? 0) + 1);
    expect(counts.size).toBeGreaterThan(200);
    for (const [n, used] of counts) {
      expect(used).toBeLessThanOrEqual(3);
      for (let left = 3 - used; left >= 0; left--) {
        const asked = await crew.owner.reserve({ ...request, jti: `flood-${n}` });
        expect(verdict(asked)).toBe(left > 0 ? 'ok' : 'calls');
      }
    }
    await crew.end();
  });
});

describe('the lock', () => {
  it('gives up on a holder that is dead instead of waiting for ever', () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    enterLock(words, 0);
    expect(() => enterLock(words, 0, 40)).toThrow('locked');
    leaveLock(words, 0);
    enterLock(words, 0, 40);
    leaveLock(words, 0);
    expect(words[0]).toBe(0);
  });
});
