/** The configured limits before authentication: one token bucket for all callers, one per client address (interfaces spec §2 `rate_limit`). */
import type { Clock } from '../clock.ts';
import { type Denial, deny } from '../errors.ts';
import { createLateLru } from '../late-lru.ts';
import type { FloodLimit } from './options.ts';

/** Addresses remembered; one that is forgotten starts with a full bucket, which the limit over all callers bounds. */
const MAX_ADDRESSES = 65_536;

interface Bucket {
  level: number;
  atMs: number;
}

function capacityOf(limit: FloodLimit): number {
  return limit.burst > 0 ? limit.burst : Math.max(1, limit.perSecond);
}

/** Milliseconds until the bucket holds a whole request; 0 when it does. Brings the level up to `nowMs`. */
function waitMs(bucket: Bucket, limit: FloodLimit, nowMs: number): number {
  const gained = ((nowMs - bucket.atMs) * limit.perSecond) / 1000;
  bucket.level = Math.min(capacityOf(limit), bucket.level + gained);
  bucket.atMs = nowMs;
  return bucket.level >= 1 ? 0 : ((1 - bucket.level) * 1000) / limit.perSecond;
}

/** Both buckets of a request, taken from in one step. A port: several threads of a process share theirs. */
export interface FloodBuckets {
  /**
   * Takes one request out of both buckets and returns 0, or takes nothing and returns the milliseconds to wait. `clientGroup` null: the
   * bucket for all alone. `nowMs` is monotonic.
   */
  take(clientGroup: string | null, nowMs: number): number;
}

/** Both limits, as the options have them. */
export interface FloodLimits {
  readonly flood: FloodLimit;
  readonly addressFlood: FloodLimit;
}

/** Buckets of this thread's own. */
function createFloodBuckets({ flood, addressFlood }: FloodLimits, nowMs: number): FloodBuckets {
  const everybody: Bucket = { level: capacityOf(flood), atMs: nowMs };
  const addresses = createLateLru<string, Bucket>({ max: MAX_ADDRESSES });

  function bucketOf(group: string, atMs: number): Bucket {
    const known = addresses.get(group);
    if (known !== undefined) return known;
    const bucket = { level: capacityOf(addressFlood), atMs };
    addresses.set(group, bucket);
    return bucket;
  }

  return {
    take(clientGroup, atMs) {
      const own = addressFlood.perSecond > 0 && clientGroup !== null ? bucketOf(clientGroup, atMs) : null;
      const all = flood.perSecond > 0 ? everybody : null;
      // An address that is over its own limit must not use up everybody's.
      const ownWait = own === null ? 0 : waitMs(own, addressFlood, atMs);
      const wait = ownWait > 0 || all === null ? ownWait : waitMs(all, flood, atMs);
      if (wait > 0) return wait;
      if (own !== null) own.level -= 1;
      if (all !== null) all.level -= 1;
      return 0;
    },
  };
}

/** Makes the check; it takes the address's client group, null where unknown, and counts the request when it passes. */
export function createFloodCheck(
  limits: FloodLimits,
  clock: Clock,
  shared?: FloodBuckets,
): (clientGroup: string | null) => Denial | null {
  if (limits.flood.perSecond === 0 && limits.addressFlood.perSecond === 0) return () => null;
  const buckets = shared ?? createFloodBuckets(limits, clock.monotonicMs());
  return (clientGroup) => {
    const wait = buckets.take(clientGroup, clock.monotonicMs());
    return wait > 0 ? deny('rate_limited', { retryAtMs: Math.ceil(clock.nowMs() + wait) }) : null;
  };
}
