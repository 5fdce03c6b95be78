/** What a worker thread of `shared-threads.test.ts` runs: a store on the table that it is handed, and rounds of requests as it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { openSharedBuckets, type SharedBucketsHandle } from '../../src/stores/shared-buckets.ts';
import { openSharedDamping, type SharedDampingHandle } from '../../src/stores/shared-damping.ts';
import { createSharedMemoryStore } from '../../src/stores/shared-memory.ts';
import { openSharedTable, type SharedTableHandle } from '../../src/stores/shared-table.ts';
import type { ReservationRequest, Settlement, Store } from '../../src/stores/store.ts';
import { isRefusal } from '../../src/stores/store.ts';

/** What a thread starts with. */
export interface ThreadStart {
  readonly handle: SharedTableHandle;
  /** Wall and monotonic milliseconds: the clock of all threads, moved by the test. */
  readonly times: SharedArrayBuffer;
  /** Word 0: threads at the line; word 1: rounds begun; word 2: calls running now. */
  readonly flags: SharedArrayBuffer;
  readonly buckets: SharedBucketsHandle;
  readonly damping: SharedDampingHandle;
}

/** One round: `times` requests, alike or with a number from 0. */
export interface Round {
  readonly request: ReservationRequest;
  readonly times: number;
  /** The number of the request is its nonce, or where it has none is put behind its `jti`. */
  readonly numbered?: boolean;
  readonly settle: Settlement['calls'] | 'keep';
  /** Rounds begun, this one included. */
  readonly round: number;
}

/** A round of requests before authentication: each takes from the buckets, and each that may not fails to open a token. */
export interface TakeRound {
  readonly take: string;
  readonly times: number;
  readonly round: number;
}

/** How a round ended. */
export interface Tally {
  readonly verdicts: Readonly<Record<string, number>>;
  /** Ids of reservations, and numbers of those requests. */
  readonly ids: readonly string[];
  readonly numbers: readonly number[];
  /** The most calls that ran at once as this thread saw it. */
  readonly most: number;
}

function numberRequest(request: ReservationRequest, i: number): ReservationRequest {
  const { once, jti } = request;
  if (once === undefined) return { ...request, jti: `${jti}-${i}` };
  return { ...request, once: { ...once, hash: `${i}`.padEnd(22, 'A') } };
}

function runRound(store: Store, running: Int32Array, round: Round): Tally {
  const verdicts: Record<string, number> = {};
  const ids: string[] = [];
  const numbers: number[] = [];
  let most = 0;
  for (let i = 0; i < round.times; i++) {
    const result = store.reserve(round.numbered ? numberRequest(round.request, i) : { ...round.request });
    if (result instanceof Promise) throw new Error('the store is synchronous');
    const verdict = isRefusal(result) ? result.refused : 'ok';
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    if (isRefusal(result)) continue;
    ids.push(result.id);
    numbers.push(i);
    most = Math.max(most, Atomics.add(running, 2, 1) + 1);
    if (round.settle === 'keep') continue;
    Atomics.sub(running, 2, 1);
    store.settle(result, { calls: round.settle });
  }
  return { verdicts, ids, numbers, most };
}

/** The limits before authentication in the tests of threads. */
const LIMITS = { flood: { perSecond: 1, burst: 150 }, addressFlood: { perSecond: 1, burst: 100 } };

if (parentPort !== null && workerData !== null && 'handle' in (workerData as object)) {
  const { handle, times, flags, ...guards } = workerData as ThreadStart;
  const [clock, words] = [new Float64Array(times), new Int32Array(flags)];
  const time = { nowMs: () => clock[0] as number, monotonicMs: () => clock[1] as number };
  const store = createSharedMemoryStore(openSharedTable(handle), {}, { clock: time });
  const buckets = openSharedBuckets(guards.buckets, LIMITS);
  const damping = openSharedDamping(guards.damping, 1000, time);

  function takeRound({ take, times: most }: TakeRound): Tally {
    const verdicts = { passed: 0, failed: 0 };
    for (let i = 0; i < most; i++) {
      if (buckets.take(take, time.monotonicMs()) === 0) verdicts.passed += 1;
      damping.countFailure(take);
      verdicts.failed += 1;
    }
    return { verdicts, ids: [], numbers: [], most: 0 };
  }

  const port = parentPort;
  port.on('message', (round: Round | TakeRound) => {
    // All leave the line together.
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    while (Atomics.load(words, 1) < round.round) Atomics.wait(words, 1, round.round - 1, 1000);
    port.postMessage('take' in round ? takeRound(round) : runRound(store, words, round));
  });
}
