/** The calls under way, so that revoked keys, revoked tokens and a shutdown can end them. */
import type { Denial } from '../errors.ts';
import type { AdmittedCall } from '../exchange.ts';
import { createRoster } from '../roster.ts';

/** The set of calls under way. */
export interface LiveCalls {
  /** Enters a call; `end` breaks it off with a reason. The returned function takes it out. */
  enter(call: AdmittedCall, end: (reason: Denial) => void): () => void;
  /** Breaks off every call that matches; returns how many. */
  cut(matches: (call: AdmittedCall) => boolean, reason: Denial): number;
  size(): number;
}

/** Makes an empty set. */
export function createLiveCalls(): LiveCalls {
  const live = createRoster<{ readonly call: AdmittedCall; readonly end: (reason: Denial) => void }>();
  return {
    enter(call, end) {
      const seat = live.join({ call, end });
      return () => live.leave(seat);
    },
    cut(matches, reason) {
      const chosen = live.all().filter((entry) => matches(entry.call));
      for (const entry of chosen) entry.end(reason);
      return chosen.length;
    },
    size: () => live.size,
  };
}
