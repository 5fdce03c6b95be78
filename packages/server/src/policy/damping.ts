/** Failure damping: an address that has failed to open too many tokens gets no further cryptography for a while (behaviour spec §10). */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';

/** Addresses remembered; forgetting one costs some openings, no counter. */
const MAX_ADDRESSES = 16_384;

/** Counts failed openings per address over a sliding window. */
export interface Damping {
  /** Whether an address has used up its failures. */
  isDamped(clientGroup: string | null): boolean;
  /** Counts one failed opening. */
  countFailure(clientGroup: string | null): void;
}

/** `failures` within `windowMs` damp an address; 0 = off. Callers without an address are never damped: they may be anybody. */
export function createDamping(failures: number, windowMs: number, clock: Clock): Damping {
  /** Times of the latest failures, a ring per address. */
  const byGroup = new LRUCache<string, { times: number[]; next: number }>({ max: MAX_ADDRESSES });
  return {
    isDamped(clientGroup) {
      if (failures === 0 || clientGroup === null) return false;
      const ring = byGroup.get(clientGroup);
      if (ring === undefined || ring.times.length < failures) return false;
      return clock.monotonicMs() - (ring.times[ring.next] as number) < windowMs;
    },
    countFailure(clientGroup) {
      if (failures === 0 || clientGroup === null) return;
      let ring = byGroup.get(clientGroup);
      if (ring === undefined) {
        ring = { times: [], next: 0 };
        byGroup.set(clientGroup, ring);
      }
      ring.times[ring.next] = clock.monotonicMs();
      ring.next = (ring.next + 1) % failures;
    },
  };
}
