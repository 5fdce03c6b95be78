/** Which limit of a reservation fails first, judged on cells of the shared table: the counterpart of memory-limits.ts, in its order. */
import type { Clock } from '../clock.ts';
import { COUNT, ENTRY } from './shared-entries.ts';
import { nextSharedAdmissionMs } from './shared-rate.ts';
import { CELL_DOUBLES, CELL_WORDS, type SharedTable } from './shared-table.ts';
import { hasOnce, leasesAreFull } from './shared-uses.ts';
import type { ReservationRefusal, ReservationRequest } from './store.ts';

function countOf(table: SharedTable, entry: number, which: number): number {
  return entry === 0 ? 0 : (table.doubles[entry * CELL_DOUBLES + which] as number);
}

function refuseRate(
  table: SharedTable,
  entry: number,
  rate: ReservationRequest['rate'],
  nowMs: number,
  clock: Clock,
): ReservationRefusal | null {
  if (rate === undefined) return null;
  const window = entry === 0 ? 0 : (table.words[entry * CELL_WORDS + ENTRY.rate] as number);
  const waitMs = nextSharedAdmissionMs(table, window, rate) - nowMs;
  if (waitMs <= 0) return null;
  return Number.isFinite(waitMs)
    ? { refused: 'rate', retryAtMs: Math.ceil(clock.nowMs() + waitMs) }
    : { refused: 'rate' };
}

/** The first limit of the token itself that a further call would break, or null. `entry` 0 has counted nothing. The nonce is packed. */
export function refuseSharedToken(
  table: SharedTable,
  request: ReservationRequest,
  entry: number,
  nowMs: number,
  clock: Clock,
): ReservationRefusal | null {
  const { calls, attempts, concurrency, once } = request;
  if (calls !== undefined && countOf(table, entry, COUNT.used) >= calls) return { refused: 'calls' };
  if (attempts !== undefined && countOf(table, entry, COUNT.attempts) >= attempts) {
    return { refused: 'attempts' };
  }
  const rate = refuseRate(table, entry, request.rate, nowMs, clock);
  if (rate !== null) return rate;
  if (concurrency !== undefined && leasesAreFull(table, entry, concurrency, nowMs)) {
    return { refused: 'concurrency' };
  }
  if (once !== undefined && entry !== 0 && hasOnce(table, entry, once.hash.length)) {
    return { refused: once.kind };
  }
  return null;
}

/** The first ceiling of the subject that a further call of this token would break, or null. Entries 0 have counted nothing. */
export function refuseSharedSubject(
  table: SharedTable,
  ceilings: NonNullable<ReservationRequest['perSubject']>,
  entry: number,
  subject: number,
  nowMs: number,
  clock: Clock,
): ReservationRefusal | null {
  const { tokens, calls, concurrency } = ceilings;
  const newcomer =
    entry === 0 || subject === 0 || table.words[entry * CELL_WORDS + ENTRY.subject] !== subject;
  if (newcomer && tokens !== undefined && countOf(table, subject, COUNT.attempts) >= tokens) {
    return { refused: 'subject-tokens', perSubject: true };
  }
  const used = countOf(table, subject, COUNT.used) + (newcomer ? countOf(table, entry, COUNT.used) : 0);
  if (calls !== undefined && used >= calls) return { refused: 'calls', perSubject: true };
  const rate = refuseRate(table, subject, ceilings.rate, nowMs, clock);
  if (rate !== null) return { ...rate, perSubject: true };
  if (concurrency !== undefined && leasesAreFull(table, subject, concurrency, nowMs)) {
    return { refused: 'concurrency', perSubject: true };
  }
  return null;
}
