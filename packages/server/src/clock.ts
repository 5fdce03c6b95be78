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

/** Wall milliseconds as they were at this call, moved on by monotonic time alone: a later step of the clock does not show. */
export function createAnchoredTime(clock: Clock): () => number {
  const offsetMs = clock.nowMs() - clock.monotonicMs();
  return () => offsetMs + clock.monotonicMs();
}

/**
 * The later of wall and anchored time, in milliseconds: what `exp` is judged by. A clock set back can so never
 * lengthen a life, and one that jumped ahead and came back does no lasting harm.
 */
export function createExpiryTime(clock: Clock): () => number {
  const anchoredMs = createAnchoredTime(clock);
  return () => Math.max(clock.nowMs(), anchoredMs());
}
