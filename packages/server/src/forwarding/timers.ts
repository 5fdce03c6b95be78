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
  return new Watch(clock, setTimer, onSilence, deadline, roundMs);
}

/** A class, as its methods are shared: each call has one of these. */
class Watch implements SilenceWatch {
  readonly #clock: Clock;
  readonly #setTimer: SetTimer;
  readonly #onSilence: () => void;
  readonly #deadline: Deadline | null;
  readonly #roundMs: number;
  readonly #endsAtMs: number;
  #patienceMs = 0;
  #lastMs = 0;
  #suspended = true;
  #stopped = false;
  #cancel: (() => void) | null = null;
  /** When the running timer fires. One that fires early sets another: cheaper than a new one each time the patience changes. */
  #firesAtMs = 0;

  constructor(
    clock: Clock,
    setTimer: SetTimer,
    onSilence: () => void,
    deadline: Deadline | null,
    roundMs: number,
  ) {
    this.#clock = clock;
    this.#setTimer = setTimer;
    this.#onSilence = onSilence;
    this.#deadline = deadline;
    this.#roundMs = roundMs;
    this.#endsAtMs = Number.POSITIVE_INFINITY;
    if (deadline === null) return;
    const nowMs = clock.monotonicMs();
    this.#endsAtMs = nowMs + deadline.inMs;
    this.#arm(nowMs);
  }

  start(ms: number): void {
    if (this.#stopped) return;
    this.#patienceMs = ms;
    this.#lastMs = this.#clock.monotonicMs();
    this.#suspended = false;
    this.#arm(this.#lastMs);
  }

  feed(): void {
    this.#lastMs = this.#clock.monotonicMs();
    // fed once more after its end it must not wake up
    if (!this.#suspended || this.#stopped || this.#patienceMs === 0) return;
    this.#suspended = false;
    this.#arm(this.#lastMs);
  }

  suspend(): void {
    this.#suspended = true;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  #check(): void {
    this.#cancel = null;
    const nowMs = this.#clock.monotonicMs();
    if (this.#endsAtMs <= nowMs) return this.#deadline?.action();
    if (!this.#suspended && this.#lastMs + this.#patienceMs <= nowMs) return this.#onSilence();
    this.#arm(nowMs);
  }

  /** Sets the timer for what comes first; none where nothing is waited for. */
  #arm(nowMs: number): void {
    const silentAtMs = this.#suspended ? Number.POSITIVE_INFINITY : this.#lastMs + this.#patienceMs;
    const dueMs = Math.min(this.#endsAtMs, silentAtMs);
    if (dueMs === Number.POSITIVE_INFINITY || (this.#cancel !== null && this.#firesAtMs <= dueMs)) return;
    this.#cancel?.();
    const ms = Math.min(this.#roundMs, dueMs - nowMs);
    this.#firesAtMs = nowMs + ms;
    this.#cancel = startTimer(this.#setTimer, ms, () => this.#check());
  }
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
