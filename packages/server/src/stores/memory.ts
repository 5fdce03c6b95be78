/**
 * Counters in this process's memory: exact, synchronous, bounded in bytes, never evicted (behaviour spec §2, §3).
 * Not for several processes. A clean stop writes a snapshot; after a crash older tokens are refused, not reset.
 */
import type { Clock } from '../clock.ts';
import { createAnchoredTime } from '../clock.ts';
import {
  addSubject,
  addToken,
  attach,
  createMemoryBooks,
  fits,
  type MemoryBooks,
  sweep,
} from './memory-books.ts';
import { callsLeft, givesBack, type Moment, refuseSubject, refuseToken } from './memory-limits.ts';
import { type CounterOrigin, createCounterOrigin } from './memory-origin.ts';
import { countAdmission, fitRateWindow } from './memory-rate.ts';
import { readSnapshot, writeSnapshot } from './memory-snapshot.ts';
import {
  createSubjectEntry,
  createTokenEntry,
  type SubjectEntry,
  subjectBytes,
  subjectKey,
  type TokenEntry,
  tokenBytes,
  tokenKey,
} from './memory-state.ts';
import type { Reservation, ReservationRefusal, ReservationRequest, Settlement, Store } from './store.ts';

/** Bounds of the memory store. */
export interface MemoryStoreOptions {
  /** Bytes that all entries may grow to, at most half of it for one issuer; default 256 MiB. */
  readonly capacityBytes?: number;
  /** What becomes of tokens whose counters a crash took: `refuse` (default) or `reset`, which hands their quota out again. */
  readonly volatile?: 'refuse' | 'reset';
}

/** Where a snapshot lives between two runs. */
export interface SnapshotPort {
  /** Takes the snapshot and removes it; null when there is none. */
  read(): string | null;
  /** Keeps a snapshot, readable by nobody else. */
  write(text: string): void | Promise<void>;
}

/** What the memory store needs from outside. */
export interface MemoryStorePorts {
  readonly clock: Clock;
  /** Absent: nothing survives a stop. */
  readonly snapshot?: SnapshotPort;
  /** Told once, in words for the operator, when a snapshot could not be used. */
  readonly warn?: (message: string) => void;
}

/** The memory store, and how full it is. */
export interface MemoryStore extends Store {
  /** Tokens with counters, and the bytes charged for them and their subjects. */
  size(): { readonly storeEntries: number; readonly storeBytes: number };
}

/** What the store knows of a reservation that it gave out. */
interface Held {
  readonly entry: TokenEntry;
  readonly subject: SubjectEntry | null;
  readonly calls: number | null;
  readonly once: string | null;
  settled: boolean;
}

/** Where a reservation keeps what the store knows of it: not in its JSON, gone with it, and no table of reservations to grow. */
const HELD = Symbol('held');

interface HeldReservation extends Reservation {
  readonly [HELD]?: Held;
}

interface MemoryState {
  readonly books: MemoryBooks;
  readonly origin: CounterOrigin;
  readonly anchoredMs: () => number;
  readonly clock: Clock;
  issued: number;
  closed: boolean;
}

/** What such a store promises, with and without a snapshot port, with and without `volatile: reset`. */
export function promiseOf(snapshot: boolean, reset: boolean): string {
  const clean = snapshot ? 'counters survive a clean stop' : 'counters end with the process';
  const crash = reset
    ? 'after a crash every quota starts anew (volatile: reset)'
    : 'tokens issued before a start without them are refused';
  return `memory: exact in one process; ${clean}; ${crash}`;
}

function readMoment(clock: Clock): Moment {
  return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
}

/** Puts the last run's counters into the books; returns since when they are complete, null without a usable snapshot. */
function restore(books: MemoryBooks, ports: MemoryStorePorts, reset: boolean): number | null {
  const text = ports.snapshot?.read() ?? null;
  if (text === null) return null;
  const content = readSnapshot(text, readMoment(ports.clock));
  if (content === null) {
    const then = reset ? 'all counters start anew' : 'tokens issued before this start are refused';
    ports.warn?.(`The counter snapshot is damaged and was dropped; ${then}, as after a crash.`);
    return null;
  }
  for (const subject of content.subjects) addSubject(books, subject);
  for (const { entry, subject } of content.tokens) {
    addToken(books, entry);
    if (subject !== null) attach(books, entry, subject);
  }
  return content.sinceSeconds;
}

function addLease(entry: TokenEntry | SubjectEntry, id: string, expiresMs: number): void {
  entry.leases ??= new Map();
  entry.leases.set(id, expiresMs);
}

/** Counts an admission everywhere at once; every limit has passed. */
function admit(
  state: MemoryState,
  request: ReservationRequest,
  entry: TokenEntry,
  subject: SubjectEntry | null,
  nowMs: number,
): Reservation {
  const { books } = state;
  if (!books.tokens.has(entry.key)) addToken(books, entry);
  state.issued += 1;
  const id = state.issued.toString(36);
  if (subject !== null) {
    if (!books.subjects.has(subject.key)) addSubject(books, subject);
    attach(books, entry, subject);
    subject.calls += 1;
    if (subject.rate !== null) countAdmission(subject.rate, nowMs);
    if (request.perSubject?.concurrency !== undefined) addLease(subject, id, nowMs + request.leaseMs);
  }
  entry.used += 1;
  entry.attempts += 1;
  if (entry.rate !== null) countAdmission(entry.rate, nowMs);
  if (request.concurrency !== undefined) addLease(entry, id, nowMs + request.leaseMs);
  if (request.once !== undefined) {
    entry.once ??= new Set();
    entry.once.add(request.once.hash);
  }
  const calls = request.calls ?? null;
  const held: Held = { entry, subject, calls, once: request.once?.hash ?? null, settled: false };
  const leased = request.concurrency !== undefined || request.perSubject?.concurrency !== undefined;
  const reservation: HeldReservation = { id, callsRemaining: callsLeft(calls, entry), leased, [HELD]: held };
  return reservation;
}

function reserve(state: MemoryState, request: ReservationRequest): Reservation | ReservationRefusal {
  if (state.closed) return { refused: 'down' };
  const { books, origin } = state;
  const now = readMoment(state.clock);
  sweep(books, state.anchoredMs(), now.monotonicMs);
  const known = books.tokens.get(tokenKey(request));
  if (known !== undefined && known.digest !== request.claimsDigest) return { refused: 'mismatch' };
  if (known === undefined && origin.mayHaveLost(request.issuedAtSeconds, request.expiresAtSeconds)) {
    return { refused: 'restarted' };
  }
  const entry = known ?? createTokenEntry(request);
  entry.rate = fitRateWindow(entry.rate, request.rate, now.monotonicMs);
  const refusal = refuseToken(request, entry, now);
  if (refusal !== null) return refusal;

  const ofSubject = subjectKey(request);
  const knownSubject = ofSubject === null ? undefined : books.subjects.get(ofSubject);
  let subject: SubjectEntry | null = null;
  if (ofSubject !== null) {
    subject = knownSubject ?? createSubjectEntry(ofSubject, request.issuer, subjectBytes(request));
    subject.rate = fitRateWindow(subject.rate, request.perSubject?.rate, now.monotonicMs);
    const ceiling = refuseSubject(request, entry, subject, now);
    if (ceiling !== null) return ceiling;
  }
  if (known === undefined) {
    const bytes = tokenBytes(request) + (knownSubject === undefined ? subjectBytes(request) : 0);
    if (!fits(books, request.issuer, bytes)) return { refused: 'capacity' };
  }
  return admit(state, request, entry, subject, now.monotonicMs);
}

function settle(reservation: HeldReservation, settlement: Settlement): number | null {
  const held = reservation[HELD];
  if (held === undefined) return null;
  const { entry, subject } = held;
  if (!held.settled) {
    held.settled = true;
    entry.leases?.delete(reservation.id);
    subject?.leases?.delete(reservation.id);
    if (givesBack(settlement, entry.serverErrors)) {
      entry.used -= 1;
      if (entry.subject !== null) entry.subject.calls -= 1;
      if (held.once !== null) entry.once?.delete(held.once);
    }
    if (settlement.calls === 'refund-5xx') entry.serverErrors += 1;
  }
  return callsLeft(held.calls, entry);
}

function renew(state: MemoryState, reservation: HeldReservation, leaseMs: number): void {
  const held = reservation[HELD];
  if (held === undefined || held.settled) return;
  const expiresMs = state.clock.monotonicMs() + leaseMs;
  for (const leases of [held.entry.leases, held.subject?.leases]) {
    // A lease that was let go is not taken back: another request may stand in its place.
    if (leases?.has(reservation.id)) leases.set(reservation.id, expiresMs);
  }
}

function preview(reservation: HeldReservation, settlement: Settlement): number | null {
  const held = reservation[HELD];
  if (held === undefined) return null;
  const left = callsLeft(held.calls, held.entry);
  if (left === null || held.settled) return left;
  return left + (givesBack(settlement, held.entry.serverErrors) ? 1 : 0);
}

async function close(state: MemoryState, snapshot: SnapshotPort | undefined): Promise<void> {
  if (state.closed) return;
  state.closed = true;
  if (snapshot === undefined) return;
  const now = readMoment(state.clock);
  sweep(state.books, state.anchoredMs(), now.monotonicMs);
  await snapshot.write(writeSnapshot(state.books, state.origin.sinceSeconds(), now));
}

/** Makes a memory store, with the counters of the last clean stop if a snapshot holds them. */
export function createMemoryStore(options: MemoryStoreOptions, ports: MemoryStorePorts): MemoryStore {
  const { clock, snapshot } = ports;
  const reset = options.volatile === 'reset';
  const books = createMemoryBooks(options.capacityBytes ?? 256 * 1024 * 1024);
  const state: MemoryState = {
    books,
    origin: createCounterOrigin(clock, restore(books, ports, reset), reset),
    anchoredMs: createAnchoredTime(clock),
    clock,
    issued: 0,
    closed: false,
  };
  return {
    type: 'memory',
    promise: promiseOf(snapshot !== undefined, reset),
    reserve: (request) => reserve(state, request),
    settle,
    renew: (reservation, leaseMs) => renew(state, reservation, leaseMs),
    preview,
    reachable: () => !state.closed,
    close: () => close(state, snapshot),
    size: () => ({ storeEntries: books.tokens.size, storeBytes: books.bytes }),
  };
}
