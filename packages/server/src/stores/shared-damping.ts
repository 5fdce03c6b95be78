/**
 * Failure damping for several threads of one process: failed openings per client group and per /48 around it over a sliding window, in
 * shared memory (behaviour spec §10). The rules of policy/damping.ts, whose `Damping` this is.
 */
import { siteOf } from '../address.ts';
import type { Clock } from '../clock.ts';
import { enterLock, leaveLock } from './shared-lock.ts';
import {
  addSlot,
  findSlot,
  type LruShape,
  lruBytes,
  lruSize,
  openLru,
  type SharedLru,
  seedLru,
  slotDoubles,
} from './shared-lru.ts';

/** Counts failed openings per address over a sliding window. */
export interface SharedDamping {
  /** Whether an address, or the site around it, has used up its failures. Never for null: that may be anybody. */
  isDamped(clientGroup: string | null): boolean;
  /** Counts one failed opening. */
  countFailure(clientGroup: string | null): void;
  /** Addresses and sites remembered, and the times kept for them all. */
  size(): { readonly groups: number; readonly times: number };
}

/** What a thread needs to find them; goes through `workerData` or `postMessage`. */
export interface SharedDampingHandle {
  readonly memory: SharedArrayBuffer;
  /** Failures that damp an address; 0 = off. */
  readonly failures: number;
}

const MAX_ADDRESSES = 16_384;
const MAX_SITES = 4_096;
/** Failures of a /48 for each that a /64 has. */
const SITE_FACTOR = 10;
/** Times kept per address; where more failures are allowed, a time stands for several. */
const MAX_TIMES = 128;

const LOCK = 0;
/** Doubles of the head: the latest time that any thread brought, the times kept. */
const LATEST_MS = 8;
const TIMES_KEPT = 9;
const HEAD_BYTES = 128;
/** Doubles of a slot: the ring's next place, its length, failures that wait to become a time; then the times. */
const NEXT = 0;
const LENGTH = 1;
const UNCOUNTED = 2;
const TIMES = 3;

interface Rule {
  /** Failures that one time stands for. */
  readonly step: number;
  /** Times of a full ring. */
  readonly most: number;
}

function ruleOf(failures: number): Rule {
  const step = Math.ceil(failures / MAX_TIMES);
  return { step, most: Math.ceil(failures / step) };
}

function shapesOf(failures: number): readonly [addresses: LruShape, sites: LruShape] {
  const addresses = { atBytes: HEAD_BYTES, slots: MAX_ADDRESSES, doubles: TIMES + ruleOf(failures).most };
  const doubles = TIMES + ruleOf(failures * SITE_FACTOR).most;
  return [addresses, { atBytes: HEAD_BYTES + lruBytes(addresses), slots: MAX_SITES, doubles }];
}

/** Makes the memory; up to 20 MiB when all addresses have failed, next to nothing before. */
export function createSharedDamping(failures: number): SharedDampingHandle {
  if (failures === 0) return { memory: new SharedArrayBuffer(0), failures };
  const [addresses, sites] = shapesOf(failures);
  const memory = new SharedArrayBuffer(sites.atBytes + lruBytes(sites));
  seedLru(openLru(memory, addresses));
  seedLru(openLru(memory, sites));
  return { memory, failures };
}

/** Whether the ring of this name is full of times that are not yet `windowMs` old. */
function isFull(rings: SharedLru, { most }: Rule, name: string, windowMs: number, nowMs: number): boolean {
  const slot = findSlot(rings, name);
  if (slot === 0) return false;
  const { doubles } = rings;
  const at = slotDoubles(rings, slot);
  if ((doubles[at + LENGTH] as number) < most) return false;
  return nowMs - (doubles[at + TIMES + (doubles[at + NEXT] as number)] as number) < windowMs;
}

function countIn(rings: SharedLru, { step, most }: Rule, name: string, nowMs: number): void {
  const { doubles } = rings;
  const startAnew = (slot: number) => {
    const at = slotDoubles(rings, slot);
    (doubles[TIMES_KEPT] as number) -= doubles[at + LENGTH] as number;
    doubles.fill(0, at, at + TIMES);
  };
  const at = slotDoubles(rings, findSlot(rings, name) || addSlot(rings, name, startAnew));
  const uncounted = (doubles[at + UNCOUNTED] as number) + 1;
  doubles[at + UNCOUNTED] = uncounted < step ? uncounted : 0;
  if (uncounted < step) return;
  if ((doubles[at + LENGTH] as number) < most) {
    doubles[at + LENGTH] = (doubles[at + LENGTH] as number) + 1;
    (doubles[TIMES_KEPT] as number) += 1;
  }
  const next = doubles[at + NEXT] as number;
  doubles[at + TIMES + next] = nowMs;
  doubles[at + NEXT] = (next + 1) % most;
}

/** Damping in one thread. `windowMs` is the same in all, and `clock.monotonicMs` must be the same clock. */
export function openSharedDamping(
  handle: SharedDampingHandle,
  windowMs: number,
  clock: Pick<Clock, 'monotonicMs'>,
): SharedDamping {
  const { memory, failures } = handle;
  if (failures === 0) {
    return { isDamped: () => false, countFailure: () => {}, size: () => ({ groups: 0, times: 0 }) };
  }
  const [addresses, sites] = shapesOf(failures).map((shape) => openLru(memory, shape)) as [
    SharedLru,
    SharedLru,
  ];
  const [ofAddress, ofSite] = [ruleOf(failures), ruleOf(failures * SITE_FACTOR)];
  const { words, doubles } = addresses;

  function inside<T>(use: (nowMs: number) => T): T {
    enterLock(words, LOCK);
    try {
      const nowMs = Math.max(clock.monotonicMs(), doubles[LATEST_MS] as number);
      doubles[LATEST_MS] = nowMs;
      return use(nowMs);
    } finally {
      leaveLock(words, LOCK);
    }
  }

  return {
    isDamped(clientGroup) {
      if (clientGroup === null) return false;
      const site = siteOf(clientGroup);
      return inside(
        (nowMs) =>
          isFull(addresses, ofAddress, clientGroup, windowMs, nowMs) ||
          (site !== null && isFull(sites, ofSite, site, windowMs, nowMs)),
      );
    },
    countFailure(clientGroup) {
      if (clientGroup === null) return;
      const site = siteOf(clientGroup);
      inside((nowMs) => {
        countIn(addresses, ofAddress, clientGroup, nowMs);
        if (site !== null) countIn(sites, ofSite, site, nowMs);
      });
    },
    size: () =>
      inside(() => ({
        groups: lruSize(addresses) + lruSize(sites),
        times: doubles[TIMES_KEPT] as number,
      })),
  };
}
