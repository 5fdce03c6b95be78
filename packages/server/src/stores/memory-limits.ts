/** Which limit of a reservation fails first, and what a settlement gives back (behaviour spec §2). Judges entries; changes none. */
import type { RateWindow } from './memory-rate.ts';
import { nextAdmissionMs } from './memory-rate.ts';
import type { SubjectEntry, TokenEntry } from './memory-state.ts';
import { leasesFull } from './memory-state.ts';
import type { ReservationRefusal, ReservationRequest, Settlement } from './store.ts';

/** Later 5xx answers are given back only when they came within this time of sending. */
const QUICK_5XX_MS = 5000;
/** 5xx answers that a token gets back whenever they come. */
const FREE_5XX = 2;

/** Both clocks at one moment, in milliseconds. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

function refuseRate(window: RateWindow | null, now: Moment): ReservationRefusal | null {
  if (window === null) return null;
  const waitMs = nextAdmissionMs(window) - now.monotonicMs;
  if (waitMs <= 0) return null;
  return Number.isFinite(waitMs)
    ? { refused: 'rate', retryAtMs: Math.ceil(now.wallMs + waitMs) }
    : { refused: 'rate' };
}

/** The first limit of the token itself that a further call would break, or null. */
export function refuseToken(
  request: ReservationRequest,
  entry: TokenEntry,
  now: Moment,
): ReservationRefusal | null {
  const { calls, attempts, concurrency, once } = request;
  if (calls !== undefined && entry.used >= calls) return { refused: 'calls' };
  if (attempts !== undefined && entry.attempts >= attempts) return { refused: 'attempts' };
  const rate = refuseRate(entry.rate, now);
  if (rate !== null) return rate;
  if (concurrency !== undefined && leasesFull(entry.leases, concurrency, now.monotonicMs)) {
    return { refused: 'concurrency' };
  }
  if (once !== undefined && entry.once?.has(once.hash)) return { refused: once.kind };
  return null;
}

/** The first ceiling of the subject that a further call of this token would break, or null. */
export function refuseSubject(
  request: ReservationRequest,
  entry: TokenEntry,
  subject: SubjectEntry,
  now: Moment,
): ReservationRefusal | null {
  const { tokens, calls, concurrency } = request.perSubject ?? {};
  const newcomer = entry.subject !== subject;
  if (newcomer && tokens !== undefined && subject.tokens >= tokens) {
    return { refused: 'subject-tokens', perSubject: true };
  }
  const used = subject.calls + (newcomer ? entry.used : 0);
  if (calls !== undefined && used >= calls) return { refused: 'calls', perSubject: true };
  const rate = refuseRate(subject.rate, now);
  if (rate !== null) return { ...rate, perSubject: true };
  if (concurrency !== undefined && leasesFull(subject.leases, concurrency, now.monotonicMs)) {
    return { refused: 'concurrency', perSubject: true };
  }
  return null;
}

/** Whether a settlement gives the call (and its nonce) back. `serverErrors` counts the token's 5xx answers before this one. */
export function givesBack(settlement: Settlement, serverErrors: number): boolean {
  if (settlement.calls !== 'refund-5xx') return settlement.calls === 'refund';
  return serverErrors < FREE_5XX || (settlement.ageMs ?? Number.POSITIVE_INFINITY) <= QUICK_5XX_MS;
}

/** Calls left, never below 0; null without a limit. */
export function callsLeft(calls: number | null, entry: TokenEntry): number | null {
  return calls === null ? null : Math.max(0, calls - entry.used);
}
