/**
 * Rate windows of the memory store: an exact sliding log up to 1,000 admissions, GCRA above (behaviour spec §2).
 * Times are monotonic milliseconds; nothing here reads a clock. Windows are half open: `[t, t + windowMs)`.
 */

/** Largest count that is kept as an exact log. */
export const MAX_EXACT_COUNT = 1000;

/** State of one window: `times` is a ring of the latest admissions, `arrivalMs` GCRA's theoretical arrival time. */
export interface RateWindow {
  count: number;
  windowMs: number;
  times: number[];
  /** Index of the oldest time once the ring is full. */
  oldest: number;
  arrivalMs: number;
}

/** At most `count` admissions in any `windowMs`; approximate above MAX_EXACT_COUNT (two bursts may meet in one window). */
export function createRateWindow(count: number, windowMs: number): RateWindow {
  return { count, windowMs, times: [], oldest: 0, arrivalMs: Number.NEGATIVE_INFINITY };
}

/** Bytes that a window may grow to: an engine lets an array grow by half and 16 places at a time. */
export function rateWindowBytes(count: number): number {
  return 160 + (count <= MAX_EXACT_COUNT ? 8 * (1.5 * count + 16) : 0);
}

/** When the next admission fits; `nowMs` or earlier means at once. Infinity when none ever does. */
export function nextAdmissionMs(window: RateWindow): number {
  if (window.count === 0) return Number.POSITIVE_INFINITY;
  if (window.count > MAX_EXACT_COUNT) {
    const gapMs = window.windowMs / window.count;
    // A millionth of a millisecond takes up the rounding of `count` additions of the gap.
    return window.arrivalMs + gapMs - window.windowMs - 1e-6;
  }
  if (window.times.length < window.count) return Number.NEGATIVE_INFINITY;
  return (window.times[window.oldest] as number) + window.windowMs;
}

/** Counts an admission at `nowMs`. The caller has asked `nextAdmissionMs` before. */
export function countAdmission(window: RateWindow, nowMs: number): void {
  if (window.count > MAX_EXACT_COUNT) {
    window.arrivalMs = Math.max(window.arrivalMs, nowMs) + window.windowMs / window.count;
  } else if (window.times.length < window.count) {
    window.times.push(nowMs);
  } else {
    window.times[window.oldest] = nowMs;
    window.oldest = (window.oldest + 1) % window.count;
  }
}

/** The latest moment at which the window still remembers something. */
export function forgottenAtMs(window: RateWindow): number {
  if (window.count > MAX_EXACT_COUNT) return window.arrivalMs;
  const last = timesInOrder(window).at(-1);
  return last === undefined ? Number.NEGATIVE_INFINITY : last + window.windowMs;
}

/** The logged admissions, oldest first. */
export function timesInOrder(window: RateWindow): number[] {
  return [...window.times.slice(window.oldest), ...window.times.slice(0, window.oldest)];
}

/** The same history under another rule (a reloaded key file): nothing that was admitted is forgotten. */
function changeRateWindow(window: RateWindow, count: number, windowMs: number, nowMs: number): RateWindow {
  const changed = createRateWindow(count, windowMs);
  const times = timesInOrder(window);
  const pending = Math.ceil((Math.max(0, window.arrivalMs - nowMs) * window.count) / window.windowMs);
  if (count > MAX_EXACT_COUNT) {
    const known = pending + times.filter((timeMs) => nowMs - timeMs < windowMs).length;
    changed.arrivalMs = nowMs + (known * windowMs) / count;
  } else {
    for (let i = 0; i < Math.min(pending, count); i++) times.push(nowMs);
    changed.times = count === 0 ? [] : times.slice(-count);
  }
  return changed;
}

/** The window that serves this rule: the given one, a changed one with its history, or a fresh one; null without a rule. */
export function fitRateWindow(
  window: RateWindow | null,
  rate: { readonly count: number; readonly windowMs: number } | undefined,
  nowMs: number,
): RateWindow | null {
  if (rate === undefined) return null;
  if (window === null) return createRateWindow(rate.count, rate.windowMs);
  if (window.count === rate.count && window.windowMs === rate.windowMs) return window;
  return changeRateWindow(window, rate.count, rate.windowMs, nowMs);
}
