import { describe, expect, it } from 'vitest';
import { createRandom, fullestWindow } from '../../test/contract/store-contract.ts';
import {
  countAdmission,
  createRateWindow,
  fitRateWindow,
  forgottenAtMs,
  MAX_EXACT_COUNT,
  nextAdmissionMs,
  type RateWindow,
  rateWindowBytes,
  timesInOrder,
} from './memory-rate.ts';

/** Admits at `nowMs` if the window lets it. */
function tryAt(window: RateWindow, nowMs: number): boolean {
  if (nextAdmissionMs(window) > nowMs) return false;
  countAdmission(window, nowMs);
  return true;
}

describe('exact rate windows', () => {
  it('A39 no window holds more than n, and none is refused that would fit: 100,000 random schedules by brute force', () => {
    const random = createRandom(20261120);
    let [admissions, refusals] = [0, 0];
    for (let schedule = 0; schedule < 100_000; schedule++) {
      const count = 1 + Math.floor(random() * 6);
      const windowMs = 1 + Math.floor(random() * 100);
      const window = createRateWindow(count, windowMs);
      const admitted: number[] = [];
      let nowMs = Math.floor(random() * 1000);
      for (let step = 0; step < 30; step++) {
        // Whole milliseconds, so that steps land on the edge of a window often.
        if (random() < 0.7) nowMs += Math.floor((random() * 2 * windowMs) / count);
        const inWindow = admitted.filter((timeMs) => timeMs > nowMs - windowMs).length;
        const admittedNow = tryAt(window, nowMs);
        if (admittedNow !== inWindow < count) throw new Error(`schedule ${schedule}, step ${step}`);
        if (admittedNow) admitted.push(nowMs);
        else refusals += 1;
      }
      admissions += admitted.length;
      if (fullestWindow(admitted, windowMs) > count) throw new Error(`schedule ${schedule}: too many`);
    }
    expect(admissions).toBeGreaterThan(500_000);
    expect(refusals).toBeGreaterThan(500_000);
  });

  it('holds no more than n at n = 1,000, at the turn of the ring too', () => {
    const window = createRateWindow(MAX_EXACT_COUNT, 1000);
    const admitted: number[] = [];
    for (let nowMs = 0; nowMs < 5000; nowMs += 0.25) if (tryAt(window, nowMs)) admitted.push(nowMs);
    expect(fullestWindow(admitted, 1000)).toBe(MAX_EXACT_COUNT);
    expect(admitted).toHaveLength(5 * MAX_EXACT_COUNT);
    expect(window.times).toHaveLength(MAX_EXACT_COUNT);
    expect(timesInOrder(window)).toEqual(admitted.slice(-MAX_EXACT_COUNT));
  });

  it('says to the millisecond when the next one fits', () => {
    const window = createRateWindow(2, 1000);
    countAdmission(window, 100);
    expect(nextAdmissionMs(window)).toBe(Number.NEGATIVE_INFINITY);
    countAdmission(window, 300);
    expect(nextAdmissionMs(window)).toBe(1100);
    countAdmission(window, 1100);
    expect(nextAdmissionMs(window)).toBe(1300);
    expect(forgottenAtMs(window)).toBe(2100);
  });

  it('admits nothing ever at a count of 0', () => {
    expect(nextAdmissionMs(createRateWindow(0, 1000))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('approximate rate windows (GCRA above 1,000)', () => {
  it('admits a burst of exactly n, then n per window, and never 2n in one', () => {
    const random = createRandom(7);
    for (const count of [1001, 1500, 3333]) {
      const window = createRateWindow(count, 60_000);
      const burst = Array.from({ length: 2 * count }, () => tryAt(window, 0)).filter(Boolean).length;
      expect(burst).toBe(count);
      const admitted: number[] = Array(count).fill(0);
      for (let nowMs = 0; nowMs < 200_000; nowMs += random() * 20) {
        if (tryAt(window, nowMs)) admitted.push(nowMs);
      }
      expect(fullestWindow(admitted, 60_000)).toBeLessThan(2 * count + 1);
      const steady = admitted.filter((timeMs) => timeMs >= 100_000 && timeMs < 160_000).length;
      expect(steady).toBeLessThanOrEqual(count + 1);
      expect(steady).toBeGreaterThan(count * 0.95);
    }
  });

  it('takes the same few bytes whatever n is', () => {
    expect(rateWindowBytes(1_000_000)).toBeLessThan(rateWindowBytes(MAX_EXACT_COUNT));
    const window = createRateWindow(5000, 1000);
    for (let i = 0; i < 5000; i++) countAdmission(window, 0);
    expect(window.times).toHaveLength(0);
    expect(forgottenAtMs(window)).toBeCloseTo(1000, 6);
  });
});

describe('a rule that changes with its key file', () => {
  it('keeps the same window for the same rule and makes none without one', () => {
    const window = createRateWindow(2, 1000);
    expect(fitRateWindow(window, { count: 2, windowMs: 1000 }, 0)).toBe(window);
    expect(fitRateWindow(window, undefined, 0)).toBeNull();
    expect(fitRateWindow(null, { count: 2, windowMs: 1000 }, 0)).toEqual(window);
  });

  it('hands nothing out anew: the admissions of the old rule count under the new one', () => {
    const window = createRateWindow(3, 1000);
    for (const nowMs of [0, 10, 20]) countAdmission(window, nowMs);
    const narrower = fitRateWindow(window, { count: 2, windowMs: 1000 }, 30) as RateWindow;
    expect(nextAdmissionMs(narrower)).toBe(1010);
    const wider = fitRateWindow(window, { count: 4, windowMs: 1000 }, 30) as RateWindow;
    expect(tryAt(wider, 30)).toBe(true);
    expect(tryAt(wider, 30)).toBe(false);
    const none = fitRateWindow(window, { count: 0, windowMs: 1000 }, 30) as RateWindow;
    expect(tryAt(none, 30)).toBe(false);
  });

  it('carries over the line between exact and approximate, both ways', () => {
    const exact = createRateWindow(1000, 1000);
    for (let i = 0; i < 1000; i++) countAdmission(exact, 0);
    const above = fitRateWindow(exact, { count: 2000, windowMs: 1000 }, 1) as RateWindow;
    const more = Array.from({ length: 2000 }, () => tryAt(above, 1)).filter(Boolean).length;
    expect(more).toBe(1000);
    const below = fitRateWindow(above, { count: 500, windowMs: 1000 }, 2) as RateWindow;
    expect(tryAt(below, 2)).toBe(false);
    expect(nextAdmissionMs(below)).toBeGreaterThan(1000);
  });
});
