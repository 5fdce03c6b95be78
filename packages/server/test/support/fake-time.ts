/** A clock and timers that move only when told to. Not part of the relay. */
import type { Clock } from '../../src/clock.ts';

/** Fake time: hand `clock` and `setTimer` to what is tested. */
export interface FakeTime {
  readonly clock: Clock;
  setTimer(ms: number, action: () => void): () => void;
  /** Moves on and runs what falls due, in order. Work that waits on promises gets its turn after each timer. */
  advance(ms: number): Promise<void>;
  /** Timers that are armed. */
  pending(): number;
}

/** Starts at wall time `nowMs`. */
export function createFakeTime(nowMs = 1_700_000_000_000): FakeTime {
  let atMs = 0;
  const timers = new Set<{ dueMs: number; action: () => void }>();
  return {
    clock: { nowMs: () => nowMs + atMs, monotonicMs: () => atMs },
    setTimer(ms, action) {
      const timer = { dueMs: atMs + ms, action };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const untilMs = atMs + ms;
      for (;;) {
        const [next] = [...timers]
          .filter((timer) => timer.dueMs <= untilMs)
          .sort((a, b) => a.dueMs - b.dueMs);
        if (!next) break;
        timers.delete(next);
        atMs = Math.max(atMs, next.dueMs);
        next.action();
        await settle();
      }
      atMs = untilMs;
      await settle();
    },
    pending: () => timers.size,
  };
}

/** Lets everything that waits on resolved promises run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
