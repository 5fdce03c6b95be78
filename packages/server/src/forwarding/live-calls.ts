/** The calls under way, so that revoked keys, revoked tokens and a shutdown can end them. */
import type { Denial } from '../errors.ts';
import type { AdmittedCall } from '../exchange.ts';

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
  const live = new Map<symbol, { call: AdmittedCall; end: (reason: Denial) => void }>();
  return {
    enter(call, end) {
      const id = Symbol('call');
      live.set(id, { call, end });
      return () => live.delete(id);
    },
    cut(matches, reason) {
      const chosen = [...live.values()].filter((entry) => matches(entry.call));
      for (const entry of chosen) entry.end(reason);
      return chosen.length;
    },
    size: () => live.size,
  };
}
