/**
 * The clock of a relay that serves from several threads. `performance.now()` counts from each thread's own start, so times that
 * one thread writes into a shared table mean nothing to another; the system's monotonic clock is one and the same for all.
 */
import type { Clock } from '../../clock.ts';

/** Reads the system's monotonic clock: seconds and nanoseconds since some moment before the process. `process.hrtime` without an argument. */
export type HighResolutionTime = () => readonly [seconds: number, nanoseconds: number];

/** A clock whose monotonic milliseconds are comparable between all threads of a process. */
export function createThreadClock(hrtime: HighResolutionTime = () => process.hrtime()): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs() {
      const [seconds, nanoseconds] = hrtime();
      return seconds * 1000 + nanoseconds / 1_000_000;
    },
  };
}
