/**
 * Accounting: ends each reservation exactly once, by the outcome table, and keeps its lease alive until then (behaviour spec §1 step 7, §2).
 * The entry file of the stage. Counts nothing itself: the store does.
 */
import type { Clock } from '../clock.ts';
import type { AdmittedCall, Outcome } from '../exchange.ts';
import type { MaybePromise } from '../io.ts';
import { createRoster, type Seat } from '../roster.ts';
import type { Reservation, Settlement, Store } from '../stores/store.ts';
import { REFUND, settlementFor, settlementForStatus } from './outcome.ts';
import { createUsageRecord, type UsageRecord } from './usage-record.ts';

/** Options of the accounting stage. */
export interface AccountingOptions {
  /** Life that a renewal gives a concurrency lease; default 30 s, so that a dead process's leases lapse within 35 s. */
  readonly leaseMs?: number;
  /** Time between renewals; default 10 s. */
  readonly renewEveryMs?: number;
}

/** What accounting needs from outside. */
export interface AccountingPorts {
  readonly store: Store;
  readonly clock: Clock;
  /** Calls `work` every `everyMs` until the returned function is called; must not keep a process alive. Default: setInterval. */
  readonly every?: (everyMs: number, work: () => void) => () => void;
  /** Takes one record per settled call; must not throw. Default: nowhere. */
  readonly record?: (record: UsageRecord) => void;
}

/** The accounting stage. */
export interface Accounting {
  /** Renews the call's lease while it runs; the returned function stops that. */
  keepAlive(call: AdmittedCall): () => void;
  /** What `relay-calls-remaining` says if the upstream answers with this status now, or (status null) was sent nothing; null without a limit. */
  remainingFor(reservation: Reservation | null, status: number | null): number | null;
  /** Ends the call's reservation; only the first time does anything. A null outcome means that forwarding itself failed. */
  settle(call: AdmittedCall, outcome: Outcome | null): MaybePromise<void>;
  /** Resolves once every call that was kept alive is settled; before that a store must not be closed. */
  idle(): Promise<void>;
}

function everyInterval(everyMs: number, work: () => void): () => void {
  const timer: unknown = setInterval(work, everyMs);
  // Node keeps a process alive for its timers; other runtimes have no unref.
  if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref();
  return () => clearInterval(timer as Parameters<typeof clearInterval>[0]);
}

/** What is noted of a call stands with it, not in a table, which would be filled and emptied with every request (roster.ts). */
const SEAT = Symbol('seat');
const SETTLED = Symbol('settled');
const SENT_AT_MS = Symbol('sent at');

type BookedCall = AdmittedCall & { [SEAT]?: Seat<AdmittedCall>; [SETTLED]?: boolean };
type SentReservation = Reservation & { [SENT_AT_MS]?: number };

const NOTHING_TO_STOP = (): void => {};

/** Makes the accounting stage. */
export function createAccounting(options: AccountingOptions, ports: AccountingPorts): Accounting {
  const { store, clock, every = everyInterval, record } = ports;
  const leaseMs = options.leaseMs ?? 30_000;
  const renewEveryMs = options.renewEveryMs ?? 10_000;
  const open = createRoster<AdmittedCall>();
  /** Reservations with a lease; one timer for all of them, running while there is one. */
  const leased = createRoster<Reservation>();
  let stopRenewing: (() => void) | null = null;
  const waiting: Array<() => void> = [];

  function ageOf(reservation: SentReservation): number | null {
    const startMs = reservation[SENT_AT_MS];
    return startMs === undefined ? null : clock.monotonicMs() - startMs;
  }

  function renewAll(): void {
    for (const reservation of leased.all()) void store.renew(reservation, leaseMs);
  }

  function letGo(seat: Seat<Reservation>): void {
    leased.leave(seat);
    if (leased.size > 0) return;
    stopRenewing?.();
    stopRenewing = null;
  }

  function finish(call: AdmittedCall, outcome: Outcome | null, settlement: Settlement, left: number | null) {
    record?.(createUsageRecord(call, outcome, settlement, left, clock.nowMs()));
    leave(call);
  }

  function leave(call: BookedCall): void {
    if (call[SEAT] !== undefined) open.leave(call[SEAT]);
    if (open.size === 0) for (const resolve of waiting.splice(0)) resolve();
  }

  return {
    keepAlive(call: BookedCall) {
      const reservation: SentReservation | null = call.reservation;
      call[SEAT] ??= open.join(call);
      if (reservation === null) return NOTHING_TO_STOP;
      reservation[SENT_AT_MS] = clock.monotonicMs();
      if (reservation.leased === false) return NOTHING_TO_STOP;
      const seat = leased.join(reservation);
      stopRenewing ??= every(renewEveryMs, renewAll);
      return () => letGo(seat);
    },
    remainingFor(reservation, status) {
      if (reservation === null) return null;
      const settlement = status === null ? REFUND : settlementForStatus(status, ageOf(reservation));
      return store.preview(reservation, settlement);
    },
    settle(call: BookedCall, outcome) {
      if (call[SETTLED]) return;
      call[SETTLED] = true;
      const settlement = settlementFor(outcome);
      if (call.reservation === null) return finish(call, outcome, settlement, null);
      const left = store.settle(call.reservation, settlement);
      if (!(left instanceof Promise)) return finish(call, outcome, settlement, left);
      return left.then((value) => finish(call, outcome, settlement, value)).finally(() => leave(call));
    },
    idle: () => new Promise((resolve) => (open.size === 0 ? resolve() : waiting.push(resolve))),
  };
}
