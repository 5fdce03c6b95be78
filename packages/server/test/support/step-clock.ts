/** A clock that moves when told to, and whose wall time can be stepped as an operator or NTP would. */
import type { Clock } from '../../src/clock.ts';

/** Both clocks under a test's control. */
export interface StepClock extends Clock {
  /** Time passes: both clocks go on. Milliseconds. */
  advance(ms: number): void;
  /** Somebody sets the wall clock; the monotonic one does not notice. */
  stepWall(ms: number): void;
}

/** Starts at wall time `wallMs`, a whole second by default. */
export function createStepClock(wallMs = 1_800_000_000_000): StepClock {
  let wall = wallMs;
  let monotonic = 5_000;
  return {
    nowMs: () => wall,
    monotonicMs: () => monotonic,
    advance(ms) {
      wall += ms;
      monotonic += ms;
    },
    stepWall(ms) {
      wall += ms;
    },
  };
}
