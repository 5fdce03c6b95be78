import { describe, expect, it } from 'vitest';
import { createStepClock } from '../test/support/step-clock.ts';
import { createAnchoredTime, createExpiryTime, systemClock } from './clock.ts';

const HOUR_MS = 3_600_000;

describe('anchored time', () => {
  it('goes on with the monotonic clock and sees no step', () => {
    const clock = createStepClock(1_000_000);
    const anchoredMs = createAnchoredTime(clock);
    clock.advance(500);
    expect(anchoredMs()).toBe(1_000_500);
    clock.stepWall(HOUR_MS);
    expect(anchoredMs()).toBe(1_000_500);
    clock.stepWall(-5 * HOUR_MS);
    clock.advance(500);
    expect(anchoredMs()).toBe(1_001_000);
  });
});

describe('A59 the time that expiry is judged by', () => {
  it('never goes back when the wall clock does', () => {
    const clock = createStepClock(10 * HOUR_MS);
    const expiryMs = createExpiryTime(clock);
    clock.stepWall(-HOUR_MS);
    expect(expiryMs()).toBe(10 * HOUR_MS);
    clock.advance(1000);
    expect(expiryMs()).toBe(10 * HOUR_MS + 1000);
  });

  it('follows a clock that jumps ahead, and comes back with it', () => {
    const clock = createStepClock(10 * HOUR_MS);
    const expiryMs = createExpiryTime(clock);
    clock.stepWall(HOUR_MS);
    expect(expiryMs()).toBe(11 * HOUR_MS);
    clock.stepWall(-HOUR_MS);
    expect(expiryMs()).toBe(10 * HOUR_MS);
  });
});

describe('the system clock', () => {
  it('tells wall time in milliseconds and a monotonic time that never goes back', () => {
    expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(1000);
    let last = systemClock.monotonicMs();
    for (let i = 0; i < 1000; i++) {
      const now = systemClock.monotonicMs();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });
});
