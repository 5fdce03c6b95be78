/** Timers of one call: a watch that is fed and fires on silence. Time and timers come in as ports, so tests need no sleep. */
import type { Clock } from '../clock.ts';

/** Runs `action` once after `ms`; the returned function calls it off. */
export type SetTimer = (ms: number, action: () => void) => () => void;

/** The longest time that a timer of the platform can hold, milliseconds; later deadlines never matter for a call. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A watch over silence. One timer runs at a time however often it is fed. */
export interface SilenceWatch {
  /** Starts over, now with this patience. */
  start(patienceMs: number): void;
  /** Something happened. */
  feed(): void;
  /** No longer the watched side's turn. */
  suspend(): void;
  stop(): void;
}

/** Makes a watch that calls `onSilence` once when nothing has happened for the patience it was given. */
export function createSilenceWatch(clock: Clock, setTimer: SetTimer, onSilence: () => void): SilenceWatch {
  let patienceMs = 0;
  let lastMs = 0;
  let suspended = true;
  let cancel: (() => void) | null = null;

  function check(): void {
    cancel = null;
    if (suspended) return;
    const leftMs = lastMs + patienceMs - clock.monotonicMs();
    if (leftMs > 0) arm(leftMs);
    else onSilence();
  }

  function arm(ms: number): void {
    cancel?.();
    cancel = startTimer(setTimer, ms, check);
  }

  return {
    start(ms) {
      patienceMs = ms;
      lastMs = clock.monotonicMs();
      suspended = false;
      arm(ms);
    },
    feed() {
      lastMs = clock.monotonicMs();
      if (!suspended) return;
      suspended = false;
      if (cancel === null && patienceMs > 0) arm(patienceMs);
    },
    suspend() {
      suspended = true;
    },
    stop() {
      // fed once more it must not wake up
      patienceMs = 0;
      cancel?.();
      cancel = null;
    },
  };
}

/** Starts a timer, clamped to what the platform can hold. */
export function startTimer(setTimer: SetTimer, ms: number, action: () => void): () => void {
  return setTimer(Math.min(LONGEST_TIMER_MS, Math.max(0, ms)), action);
}

/**
 * When an answer has to end, milliseconds from now: `stream_seconds` after sending where the token sets it, else
 * `defaultStreamSeconds` after `exp`. A GET, which could be a long poll, ends at `exp` (behaviour.md §6).
 */
export function answerDeadlineMs(
  call: { readonly method: string; readonly expSeconds: number; readonly streamSeconds: number | undefined },
  defaultStreamSeconds: number,
  nowMs: number,
): number {
  const toExpMs = call.expSeconds * 1000 - nowMs;
  const streamMs =
    call.streamSeconds === undefined ? toExpMs + defaultStreamSeconds * 1000 : call.streamSeconds * 1000;
  return call.method === 'GET' ? Math.min(toExpMs, streamMs) : streamMs;
}
