/**
 * The limits before authentication for several threads of one process: one token bucket for all callers, one per client group, in
 * shared memory (interfaces spec §2 `rate_limit`). The rules of policy/flood.ts, which takes its `FloodBuckets` from here by its port.
 */
import { enterLock, leaveLock } from './shared-lock.ts';
import { addSlot, findSlot, type LruShape, lruBytes, openLru, seedLru, slotDoubles } from './shared-lru.ts';

/** A token bucket's rule; `perSecond` 0: no limit. `burst` 0: what one second brings, at least one. */
export interface BucketRule {
  readonly perSecond: number;
  readonly burst: number;
}

/** Both buckets of a request, taken from in one step. */
export interface FloodBuckets {
  /**
   * Takes one request out of both buckets and returns 0, or takes nothing and returns the milliseconds to wait. `clientGroup` null: the
   * bucket for all alone. `nowMs` is monotonic, the same clock in all threads.
   */
  take(clientGroup: string | null, nowMs: number): number;
}

/** What a thread needs to find the buckets; goes through `workerData` or `postMessage`. */
export interface SharedBucketsHandle {
  readonly memory: SharedArrayBuffer;
}

/** Client groups remembered; one that is forgotten starts with a full bucket, which the limit over all callers bounds. */
const MAX_GROUPS = 65_536;
const LOCK = 0;
/** Doubles of the bucket for all, and of a group's slot: level, time of the level (0 in a bucket not yet used). */
const EVERYBODY = 8;
const LEVEL = 0;
const AT_MS = 1;
const USED = 2;
const SHAPE: LruShape = { atBytes: 128, slots: MAX_GROUPS, doubles: 3 };

/** Makes the memory for the buckets; 8 MiB when 65,536 groups were seen, next to nothing before. */
export function createSharedBuckets(): SharedBucketsHandle {
  const memory = new SharedArrayBuffer(SHAPE.atBytes + lruBytes(SHAPE));
  seedLru(openLru(memory, SHAPE));
  return { memory };
}

function capacityOf(rule: BucketRule): number {
  return rule.burst > 0 ? rule.burst : Math.max(1, rule.perSecond);
}

/** Milliseconds until the bucket holds a whole request; 0 when it does. Brings the level up to `nowMs`. */
function waitMs(doubles: Float64Array, at: number, rule: BucketRule, nowMs: number): number {
  if (doubles[at + USED] === 0) {
    doubles[at + USED] = 1;
    doubles[at + LEVEL] = capacityOf(rule);
    doubles[at + AT_MS] = nowMs;
  }
  // A thread may have read its clock before another that came first.
  const passedMs = Math.max(0, nowMs - (doubles[at + AT_MS] as number));
  const level = Math.min(
    capacityOf(rule),
    (doubles[at + LEVEL] as number) + (passedMs * rule.perSecond) / 1000,
  );
  doubles[at + LEVEL] = level;
  doubles[at + AT_MS] = (doubles[at + AT_MS] as number) + passedMs;
  return level >= 1 ? 0 : ((1 - level) * 1000) / rule.perSecond;
}

/** The buckets in one thread; `flood` and `addressFlood` are the same in all. */
export function openSharedBuckets(
  handle: SharedBucketsHandle,
  limits: { readonly flood: BucketRule; readonly addressFlood: BucketRule },
): FloodBuckets {
  const { flood, addressFlood } = limits;
  const groups = openLru(handle.memory, SHAPE);
  const { words, doubles } = groups;
  const startAnew = (slot: number) => {
    doubles[slotDoubles(groups, slot) + USED] = 0;
  };

  function takeInside(clientGroup: string | null, nowMs: number): number {
    let own = -1;
    if (clientGroup !== null) {
      const slot = findSlot(groups, clientGroup) || addSlot(groups, clientGroup, startAnew);
      own = slotDoubles(groups, slot);
      // A group that is over its own limit must not use up everybody's.
      const ownWait = waitMs(doubles, own, addressFlood, nowMs);
      if (ownWait > 0) return ownWait;
    }
    if (flood.perSecond > 0) {
      const wait = waitMs(doubles, EVERYBODY, flood, nowMs);
      if (wait > 0) return wait;
      doubles[EVERYBODY + LEVEL] = (doubles[EVERYBODY + LEVEL] as number) - 1;
    }
    if (own !== -1) doubles[own + LEVEL] = (doubles[own + LEVEL] as number) - 1;
    return 0;
  }

  return {
    take(clientGroup, nowMs) {
      const group = addressFlood.perSecond > 0 ? clientGroup : null;
      if (group === null && flood.perSecond <= 0) return 0;
      enterLock(words, LOCK);
      try {
        return takeInside(group, nowMs);
      } finally {
        leaveLock(words, LOCK);
      }
    },
  };
}
