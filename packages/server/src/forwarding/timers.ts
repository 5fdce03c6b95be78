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

/** An end that comes whatever happens. */
export interface Deadline {
  /** Milliseconds from now. */
  readonly inMs: number;
  readonly action: () => void;
}

/**
 * Makes a watch that calls `onSilence` once when nothing has happened for the patience it was given, and a deadline's action when that
 * comes first. Its timer is never set for longer than `roundMs`, so that the timers of all calls have few different lengths: a platform
 * keeps a list for each, and a new length costs more than the timer.
 */
export function createSilenceWatch(
  clock: Clock,
  setTimer: SetTimer,
  onSilence: () => void,
  deadline: Deadline | null = null,
  roundMs: number = Number.POSITIVE_INFINITY,
): SilenceWatch {
  const endsAtMs = deadline === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() + deadline.inMs;
  let patienceMs = 0;
  let lastMs = 0;
  let suspended = true;
  let stopped = false;
  let cancel: (() => void) | null = null;
  /** When the running timer fires. One that fires early sets another: cheaper than a new one each time the patience changes. */
  let firesAtMs = 0;

  function check(): void {
    cancel = null;
    const nowMs = clock.monotonicMs();
    if (endsAtMs <= nowMs) return deadline?.action();
    if (!suspended && lastMs + patienceMs <= nowMs) return onSilence();
    arm(nowMs);
  }

  /** Sets the timer for what comes first; none where nothing is waited for. */
  function arm(nowMs: number): void {
    const dueMs = Math.min(endsAtMs, suspended ? Number.POSITIVE_INFINITY : lastMs + patienceMs);
    if (dueMs === Number.POSITIVE_INFINITY || (cancel !== null && firesAtMs <= dueMs)) return;
    cancel?.();
    const ms = Math.min(roundMs, dueMs - nowMs);
    firesAtMs = nowMs + ms;
    cancel = startTimer(setTimer, ms, check);
  }

  if (deadline !== null) arm(clock.monotonicMs());
  return {
    start(ms) {
      if (stopped) return;
      patienceMs = ms;
      lastMs = clock.monotonicMs();
      suspended = false;
      arm(lastMs);
    },
    feed() {
      lastMs = clock.monotonicMs();
      // fed once more after its end it must not wake up
      if (!suspended || stopped || patienceMs === 0) return;
      suspended = false;
      arm(lastMs);
    },
    suspend() {
      suspended = true;
    },
    stop() {
      stopped = true;
      cancel?.();
      cancel = null;
    },
  };
}

/** Starts a timer of whole milliseconds, clamped to what the platform can hold. */
export function startTimer(setTimer: SetTimer, ms: number, action: () => void): () => void {
  return setTimer(Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(ms))), action);
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
