/** Time as a port: wall time for claims and logs, monotonic time for windows and leases. Tests hand in a fake one. */
export interface Clock {
  /** Wall time in milliseconds since the epoch. May step; used for `exp`, `iat`, logs. */
  nowMs(): number;
  /** Monotonic time in milliseconds from an arbitrary start. Never steps; used for rates, leases, timeouts. */
  monotonicMs(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
