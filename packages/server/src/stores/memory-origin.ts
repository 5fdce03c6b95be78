/** Since when the memory store's counters are complete: who may have lost counters in a crash is refused (behaviour spec §3). */
import type { Clock } from '../clock.ts';
import { createAnchoredTime } from '../clock.ts';
import { KEEP_AFTER_EXPIRY_MS } from './memory-books.ts';

/** A start that seems to have moved by more than this means that the clock was stepped. Milliseconds. */
export const CLOCK_STEP_MS = 2000;

/** Judges whether a token that the store does not know may have had counters. */
export interface CounterOrigin {
  /** Counters of tokens issued at or after this time, in seconds, are complete. */
  sinceSeconds(): number;
  /** True when the token's counters may be gone: it is past its life, or older than the counters. */
  mayHaveLost(issuedAtSeconds: number, expiresAtSeconds: number): boolean;
}

/** `restoredSinceSeconds`: as a snapshot says, null when there was none. `reset`: older tokens start anew. */
export function createCounterOrigin(
  clock: Clock,
  restoredSinceSeconds: number | null,
  reset: boolean,
): CounterOrigin {
  const anchoredMs = createAnchoredTime(clock);
  const startMonotonicMs = clock.monotonicMs();
  let startWallMs = clock.nowMs();

  /** A clock that was behind at the start and put right later moves the start on; nothing moves it back. */
  function sinceSeconds(): number {
    if (restoredSinceSeconds !== null) return restoredSinceSeconds;
    const impliedMs = clock.nowMs() - (clock.monotonicMs() - startMonotonicMs);
    if (impliedMs > startWallMs + CLOCK_STEP_MS) startWallMs = impliedMs;
    return Math.floor(startWallMs / 1000);
  }

  return {
    sinceSeconds,
    mayHaveLost(issuedAtSeconds, expiresAtSeconds) {
      // Its entry may have been dropped already: a clock set back must not bring the quota back.
      if (expiresAtSeconds * 1000 + KEEP_AFTER_EXPIRY_MS <= anchoredMs()) return true;
      return !reset && issuedAtSeconds < sinceSeconds();
    },
  };
}
