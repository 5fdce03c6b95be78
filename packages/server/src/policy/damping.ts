/**
 * Failure damping: an address that has failed to open too many tokens gets no further cryptography for a while (behaviour spec §10).
 * IPv6 counts twice: by /64, and with ten times the failures by /48, since one customer often holds 65,536 of the former.
 */
import { siteOf } from '../address.ts';
import type { Clock } from '../clock.ts';
import { createLateLru } from '../late-lru.ts';

/**
 * Addresses remembered. Making one forgotten takes a failed opening from each of so many others, which is more than it
 * gives back: they could have had a hundred each by themselves. One that goes on guessing is asked about, and so remembered.
 */
const MAX_ADDRESSES = 16_384;
/** IPv6 sites remembered; the same holds. */
const MAX_SITES = 4_096;
/** Failures of a /48 for each that a /64 has: a single /64 can then never damp its neighbours. */
const SITE_FACTOR = 10;
/** Times kept per address; where more failures are allowed, a time stands for several. */
const MAX_TIMES = 128;

/** What damping keeps in memory. */
export interface DampingSize {
  /** Addresses and sites. */
  readonly groups: number;
  /** Times of failures, in all of them. */
  readonly times: number;
}

/** Counts failed openings per address over a sliding window. */
export interface Damping {
  /** Whether an address, or the site around it, has used up its failures. */
  isDamped(clientGroup: string | null): boolean;
  /** Counts one failed opening. */
  countFailure(clientGroup: string | null): void;
  size(): DampingSize;
}

/** Times of the latest failures, in the order of a ring; `uncounted` failures wait to become one of them. */
interface Ring {
  readonly times: number[];
  next: number;
  uncounted: number;
}

interface Rings {
  isFull(name: string): boolean;
  add(name: string): void;
  size(): DampingSize;
}

function createRings(failures: number, windowMs: number, most: number, clock: Clock): Rings {
  const step = Math.ceil(failures / MAX_TIMES);
  const slots = Math.ceil(failures / step);
  let times = 0;
  const rings = createLateLru<string, Ring>({
    max: most,
    dispose: (ring) => {
      times -= ring.times.length;
    },
  });

  return {
    isFull(name) {
      const ring = rings.get(name);
      if (ring === undefined || ring.times.length < slots) return false;
      return clock.monotonicMs() - (ring.times[ring.next] as number) < windowMs;
    },
    add(name) {
      let ring = rings.get(name);
      if (ring === undefined) {
        ring = { times: [], next: 0, uncounted: 0 };
        rings.set(name, ring);
      }
      ring.uncounted += 1;
      if (ring.uncounted < step) return;
      ring.uncounted = 0;
      if (ring.times.length < slots) times += 1;
      ring.times[ring.next] = clock.monotonicMs();
      ring.next = (ring.next + 1) % slots;
    },
    size: () => ({ groups: rings.size, times }),
  };
}

/** `failures` within `windowMs` damp an address; 0 = off. Callers without an address are never damped: they may be anybody. */
export function createDamping(failures: number, windowMs: number, clock: Clock): Damping {
  if (failures === 0) {
    return { isDamped: () => false, countFailure: () => {}, size: () => ({ groups: 0, times: 0 }) };
  }
  const addresses = createRings(failures, windowMs, MAX_ADDRESSES, clock);
  const sites = createRings(failures * SITE_FACTOR, windowMs, MAX_SITES, clock);
  return {
    isDamped(clientGroup) {
      if (clientGroup === null) return false;
      if (addresses.isFull(clientGroup)) return true;
      const site = siteOf(clientGroup);
      return site !== null && sites.isFull(site);
    },
    countFailure(clientGroup) {
      if (clientGroup === null) return;
      addresses.add(clientGroup);
      const site = siteOf(clientGroup);
      if (site !== null) sites.add(site);
    },
    size() {
      const [byAddress, bySite] = [addresses.size(), sites.size()];
      return { groups: byAddress.groups + bySite.groups, times: byAddress.times + bySite.times };
    },
  };
}
