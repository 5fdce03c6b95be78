/**
 * The memory store for several threads of one process: the counters of memory.ts, with the same answers, in one table of shared memory
 * that every thread enters by itself, under one lock (behaviour spec §2, §3; docs/decisions/0026). Not for several processes.
 * A thread that dies inside leaves the lock taken: the process must end then, and no thread may be terminated while others serve.
 */
import type { Clock } from '../clock.ts';
import { type MemoryStore, type MemoryStorePorts, promiseOf } from './memory.ts';
import { givesBack } from './memory-limits.ts';
import { readSnapshot, writeSnapshot } from './memory-snapshot.ts';
import { subjectBytes, subjectKey, tokenBytes, tokenKey } from './memory-state.ts';
import { beyondPromise, canGrow } from './shared-cells.ts';
import {
  accountOf,
  addEntry,
  attachToken,
  COUNT,
  canAdd,
  ENTRY,
  findEntry,
  fitsCharge,
  generationOf,
  hasDigest,
  KIND,
  type NewEntry,
} from './shared-entries.ts';
import { refuseSharedSubject, refuseSharedToken } from './shared-limits.ts';
import {
  anchoredMs,
  readTableMs,
  restoreOrigin,
  startOrigin,
  tableMayHaveLost,
  tableSinceSeconds,
} from './shared-origin.ts';
import { countSharedAdmission, createSharedRate, fitSharedRate, RATE_CELLS } from './shared-rate.ts';
import { fillTable, readTable } from './shared-snapshot.ts';
import { sweepTable } from './shared-sweep.ts';
import {
  CELL_DOUBLES,
  CELL_WORDS,
  DOUBLE,
  enterTable,
  leaveTable,
  type SharedTable,
  WORD,
} from './shared-table.ts';
import { addLease, addOnce, giveLease, giveOnce, moveLease, packOnce } from './shared-uses.ts';
import type { Reservation, ReservationRefusal, ReservationRequest, Settlement } from './store.ts';

/** Options of the store, alike in every thread; its capacity is the table's. */
export interface SharedMemoryStoreOptions {
  /** What becomes of tokens whose counters a crash took: `refuse` (default) or `reset`, which hands their quota out again. */
  readonly volatile?: 'refuse' | 'reset';
}

/** Stages of a table. */
const FILLED = 1;
const CLOSED = 2;

/** Entries that a thread remembers the place of; forgotten all at once when there are more. */
const REMEMBERED = 8192;
/** Cells that an admission may take on one account: a window and its log, a lease, a nonce. */
const MOST_CELLS = RATE_CELLS + 2;

/** Where an entry was found last: right as long as its cell has this generation. */
interface Known {
  readonly issuer: string;
  readonly digest: string;
  readonly cell: number;
  readonly generation: number;
}

/** What the store knows of a reservation that it gave out: cells (0: none) and their generations. */
interface Held {
  readonly entry: number;
  readonly entryGeneration: number;
  readonly calls: number | null;
  lease: number;
  leaseGeneration: number;
  subjectLease: number;
  subjectLeaseGeneration: number;
  once: number;
  onceGeneration: number;
  /** Calls left when the entry was last seen. */
  left: number | null;
  settled: boolean;
}

const HELD = Symbol('held');

interface HeldReservation extends Reservation {
  readonly [HELD]?: Held;
}

interface State {
  readonly table: SharedTable;
  readonly clock: Clock;
  readonly reset: boolean;
  readonly tokens: Map<string, Known>;
  readonly subjects: Map<string, Known>;
  closed: boolean;
}

function isClosed({ table, closed }: State): boolean {
  return closed || Atomics.load(table.words, WORD.stage) === CLOSED;
}

/** The cell that a thread remembers under this name of this issuer, or 0. */
function recall(table: SharedTable, known: Known | undefined, issuer: string): number {
  if (known === undefined || known.issuer !== issuer) return 0;
  return generationOf(table, known.cell) === known.generation ? known.cell : 0;
}

function remember(known: Map<string, Known>, name: string, entry: Known): void {
  if (known.size >= REMEMBERED) known.clear();
  known.set(name, entry);
}

/** The token's entry; 0 when it has none, null when it has one with other claims. */
function findToken({ table, tokens }: State, request: ReservationRequest): number | null {
  const { issuer, jti, claimsDigest: digest } = request;
  const known = tokens.get(jti);
  const recalled = recall(table, known, issuer);
  if (recalled !== 0) return known?.digest === digest ? recalled : null;
  const cell = findEntry(table, KIND.token, tokenKey(request));
  if (cell === 0) return 0;
  if (!hasDigest(table, cell, digest)) return null;
  remember(tokens, jti, { issuer, digest, cell, generation: generationOf(table, cell) });
  return cell;
}

function findSubject({ table, subjects }: State, issuer: string, subject: string, name: string): number {
  const recalled = recall(table, subjects.get(subject), issuer);
  if (recalled !== 0) return recalled;
  const cell = findEntry(table, KIND.subject, name);
  if (cell !== 0) {
    remember(subjects, subject, { issuer, digest: '', cell, generation: generationOf(table, cell) });
  }
  return cell;
}

function newToken(request: ReservationRequest): NewEntry {
  return {
    kind: KIND.token,
    name: tokenKey(request),
    issuer: request.issuer,
    digest: request.claimsDigest,
    bytes: tokenBytes(request),
    expiresAtMs: request.expiresAtSeconds * 1000,
  };
}

function newSubject(request: ReservationRequest, name: string): NewEntry {
  const { issuer } = request;
  return { kind: KIND.subject, name, issuer, digest: '', bytes: subjectBytes(request), expiresAtMs: 0 };
}

/** Brings an entry's window under the request's rule; false when it does not fit. */
function fitRate(
  table: SharedTable,
  entry: number,
  rate: ReservationRequest['rate'],
  nowMs: number,
): boolean {
  const at = entry * CELL_WORDS + ENTRY.rate;
  const window = table.words[at] as number;
  if (window === 0) return true;
  const fitting = fitSharedRate(table, accountOf(table, entry), window, rate, nowMs);
  if (fitting === -1) return false;
  table.words[at] = fitting;
  return true;
}

/** Whether an admission finds its cells: what was charged always does. */
function hasCells(
  table: SharedTable,
  newcomers: readonly NewEntry[],
  entry: number,
  subject: number,
): boolean {
  let beyond = 0;
  if (entry !== 0) beyond += beyondPromise(table, accountOf(table, entry), MOST_CELLS);
  if (subject !== 0) beyond += beyondPromise(table, accountOf(table, subject), MOST_CELLS);
  if (beyond > 0 && !canGrow(table, beyond)) return false;
  return newcomers.length === 0 || canAdd(table, newcomers, beyond + newcomers.length * MOST_CELLS);
}

function countRate(table: SharedTable, entry: number, rate: ReservationRequest['rate'], nowMs: number): void {
  if (rate === undefined) return;
  const account = accountOf(table, entry);
  const at = entry * CELL_WORDS + ENTRY.rate;
  if (table.words[at] === 0) table.words[at] = createSharedRate(table, account, rate);
  countSharedAdmission(table, account, table.words[at] as number, nowMs);
}

/** Counts an admission everywhere at once; every limit has passed, and there is room. */
function admit(
  table: SharedTable,
  request: ReservationRequest,
  entry: number,
  subject: number,
  nowMs: number,
): Held {
  const { doubles } = table;
  const { perSubject, once, calls = null } = request;
  const held: Held = {
    entry,
    entryGeneration: generationOf(table, entry),
    calls,
    lease: 0,
    leaseGeneration: 0,
    subjectLease: 0,
    subjectLeaseGeneration: 0,
    once: 0,
    onceGeneration: 0,
    left: null,
    settled: false,
  };
  if (subject !== 0) {
    attachToken(table, entry, subject);
    (doubles[subject * CELL_DOUBLES + COUNT.used] as number) += 1;
    countRate(table, subject, perSubject?.rate, nowMs);
    if (perSubject?.concurrency !== undefined) {
      held.subjectLease = addLease(table, subject, nowMs + request.leaseMs);
      held.subjectLeaseGeneration = generationOf(table, held.subjectLease);
    }
  }
  (doubles[entry * CELL_DOUBLES + COUNT.used] as number) += 1;
  (doubles[entry * CELL_DOUBLES + COUNT.attempts] as number) += 1;
  countRate(table, entry, request.rate, nowMs);
  if (request.concurrency !== undefined) {
    held.lease = addLease(table, entry, nowMs + request.leaseMs);
    held.leaseGeneration = generationOf(table, held.lease);
  }
  if (once !== undefined) {
    held.once = addOnce(table, entry, once.hash.length);
    held.onceGeneration = generationOf(table, held.once);
  }
  held.left = callsLeft(table, held);
  return held;
}

/** Inside the table: what `reserve` in memory.ts does, step by step. */
function reserveInside(state: State, request: ReservationRequest): Held | ReservationRefusal {
  // Asked inside: what comes after the snapshot must not be admitted.
  if (isClosed(state)) return { refused: 'down' };
  const { table, clock } = state;
  const nowMs = readTableMs(table, clock);
  sweepTable(table, anchoredMs(table, nowMs), nowMs);
  const known = findToken(state, request);
  if (known === null) return { refused: 'mismatch' };
  if (known === 0 && tableMayHaveLost(table, clock, nowMs, request, state.reset))
    return { refused: 'restarted' };
  if (known !== 0 && !fitRate(table, known, request.rate, nowMs)) return { refused: 'capacity' };
  const refusal = refuseSharedToken(table, request, known, nowMs, clock);
  if (refusal !== null) return refusal;

  const ofSubject = subjectKey(request);
  let knownSubject = 0;
  if (ofSubject !== null && request.perSubject !== undefined) {
    knownSubject = findSubject(state, request.issuer, request.perSubject.subject, ofSubject);
    if (knownSubject !== 0 && !fitRate(table, knownSubject, request.perSubject.rate, nowMs)) {
      return { refused: 'capacity' };
    }
    const ceiling = refuseSharedSubject(table, request.perSubject, known, knownSubject, nowMs, clock);
    if (ceiling !== null) return ceiling;
  }
  const newcomers: NewEntry[] = [];
  if (known === 0) newcomers.push(newToken(request));
  if (ofSubject !== null && knownSubject === 0) newcomers.push(newSubject(request, ofSubject));
  if (known === 0) {
    const bytes = newcomers.reduce((sum, one) => sum + one.bytes, 0);
    if (!fitsCharge(table, request.issuer, bytes)) return { refused: 'capacity' };
  }
  if (!hasCells(table, newcomers, known, knownSubject)) return { refused: 'capacity' };
  let [entry, subject] = [known, knownSubject];
  for (const one of newcomers) {
    const cell = addEntry(table, one);
    if (one.kind === KIND.token) entry = cell;
    else subject = cell;
  }
  (table.doubles[DOUBLE.issued] as number) += 1;
  return admit(table, request, entry, subject, nowMs);
}

function reserve(state: State, request: ReservationRequest): Reservation | ReservationRefusal {
  if (request.once !== undefined) packOnce(request.once.hash);
  const { table } = state;
  let result: Held | ReservationRefusal;
  let issued: number;
  enterTable(table);
  try {
    result = reserveInside(state, request);
    issued = table.doubles[DOUBLE.issued] as number;
  } finally {
    leaveTable(table);
  }
  if ('refused' in result) return result;
  const reservation: HeldReservation = {
    id: issued.toString(36),
    callsRemaining: result.left,
    [HELD]: result,
  };
  return reservation;
}

/** Calls left, never below 0; null without a limit. The entry is there. */
function callsLeft({ doubles }: SharedTable, { calls, entry }: Held): number | null {
  return calls === null ? null : Math.max(0, calls - (doubles[entry * CELL_DOUBLES + COUNT.used] as number));
}

function isAt(table: SharedTable, cell: number, generation: number): boolean {
  return cell !== 0 && generationOf(table, cell) === generation;
}

function giveCallBack(table: SharedTable, held: Held): void {
  const { words, doubles } = table;
  (doubles[held.entry * CELL_DOUBLES + COUNT.used] as number) -= 1;
  const subject = words[held.entry * CELL_WORDS + ENTRY.subject] as number;
  if (subject !== 0) (doubles[subject * CELL_DOUBLES + COUNT.used] as number) -= 1;
  if (isAt(table, held.once, held.onceGeneration)) giveOnce(table, held.once);
}

function settleInside(table: SharedTable, held: Held, settlement: Settlement): void {
  if (!held.settled) {
    held.settled = true;
    if (isAt(table, held.lease, held.leaseGeneration)) giveLease(table, held.lease);
    if (isAt(table, held.subjectLease, held.subjectLeaseGeneration)) giveLease(table, held.subjectLease);
    if (!isAt(table, held.entry, held.entryGeneration)) {
      // Dropped: nobody counts it any more, and its cell may be another's.
      if (held.left !== null && givesBack(settlement, 0)) held.left += 1;
      return;
    }
    const own = held.entry * CELL_DOUBLES + COUNT.serverErrors;
    if (givesBack(settlement, table.doubles[own] as number)) giveCallBack(table, held);
    if (settlement.calls === 'refund-5xx') (table.doubles[own] as number) += 1;
  }
  if (isAt(table, held.entry, held.entryGeneration)) held.left = callsLeft(table, held);
}

function settle({ table }: State, reservation: HeldReservation, settlement: Settlement): number | null {
  const held = reservation[HELD];
  if (held === undefined) return null;
  enterTable(table);
  try {
    settleInside(table, held, settlement);
  } finally {
    leaveTable(table);
  }
  return held.left;
}

function renew({ table, clock }: State, reservation: HeldReservation, leaseMs: number): void {
  const held = reservation[HELD];
  if (held === undefined || held.settled || (held.lease === 0 && held.subjectLease === 0)) return;
  enterTable(table);
  try {
    const expiresMs = readTableMs(table, clock) + leaseMs;
    // A lease that was let go is not taken back: another request may stand in its place.
    if (isAt(table, held.lease, held.leaseGeneration)) moveLease(table, held.lease, expiresMs);
    if (isAt(table, held.subjectLease, held.subjectLeaseGeneration)) {
      moveLease(table, held.subjectLease, expiresMs);
    }
  } finally {
    leaveTable(table);
  }
}

function preview({ table }: State, reservation: HeldReservation, settlement: Settlement): number | null {
  const held = reservation[HELD];
  if (held === undefined || held.calls === null) return null;
  let serverErrors = 0;
  enterTable(table);
  try {
    if (isAt(table, held.entry, held.entryGeneration)) {
      held.left = callsLeft(table, held);
      serverErrors = table.doubles[held.entry * CELL_DOUBLES + COUNT.serverErrors] as number;
    }
  } finally {
    leaveTable(table);
  }
  if (held.left === null || held.settled) return held.left;
  return held.left + (givesBack(settlement, serverErrors) ? 1 : 0);
}

/** In the owner's thread, before others have the table: the last run's counters, and since when they are complete. */
function fill(table: SharedTable, ports: MemoryStorePorts, reset: boolean): void {
  const { clock, snapshot, warn } = ports;
  startOrigin(table, clock);
  const text = snapshot?.read() ?? null;
  if (text !== null) {
    const content = readSnapshot(text, { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() });
    if (content !== null && fillTable(table, content)) restoreOrigin(table, content.sinceSeconds);
    else {
      const why = content === null ? 'is damaged' : 'does not fit into store.max_bytes';
      const then = reset ? 'all counters start anew' : 'tokens issued before this start are refused';
      warn?.(`The counter snapshot ${why} and was dropped; ${then}, as after a crash.`);
    }
  }
  Atomics.store(table.words, WORD.stage, FILLED);
}

async function close(state: State, { snapshot }: MemoryStorePorts): Promise<void> {
  const { table, clock } = state;
  if (isClosed(state)) return;
  state.closed = true;
  if (!table.owner) return;
  let text: string;
  enterTable(table);
  try {
    Atomics.store(table.words, WORD.stage, CLOSED);
    if (snapshot === undefined) return;
    const monotonicMs = readTableMs(table, clock);
    sweepTable(table, anchoredMs(table, monotonicMs), monotonicMs);
    const since = tableSinceSeconds(table, clock, monotonicMs);
    text = writeSnapshot(readTable(table), since, { wallMs: clock.nowMs(), monotonicMs });
  } finally {
    leaveTable(table);
  }
  await snapshot.write(text);
}

/**
 * The store of one thread on a shared table. The thread that made the table makes its store first: it reads the snapshot, and its
 * `close`, to be called when the other threads have settled, writes it and closes the table for all. The other threads' `close` closes
 * for themselves; their `ports.snapshot` is never used. `ports.clock.monotonicMs` must be the same clock in all threads:
 * `performance.now()` is not, as it starts anew in each. Throws in another thread when the table has no counters yet.
 */
export function createSharedMemoryStore(
  table: SharedTable,
  options: SharedMemoryStoreOptions,
  ports: MemoryStorePorts,
): MemoryStore {
  const reset = options.volatile === 'reset';
  const state: State = {
    table,
    clock: ports.clock,
    reset,
    tokens: new Map(),
    subjects: new Map(),
    closed: false,
  };
  if (table.owner) fill(table, ports, reset);
  else if (Atomics.load(table.words, WORD.stage) === 0) {
    throw new Error('The owner of the counters has not made its store yet.');
  }
  return {
    type: 'memory',
    promise: promiseOf(ports.snapshot !== undefined, reset),
    reserve: (request) => reserve(state, request),
    settle: (reservation, settlement) => settle(state, reservation, settlement),
    renew: (reservation, leaseMs) => renew(state, reservation, leaseMs),
    preview: (reservation, settlement) => preview(state, reservation, settlement),
    reachable: () => !isClosed(state),
    close: () => close(state, ports),
    size() {
      enterTable(table);
      try {
        const { doubles } = table;
        return {
          storeEntries: doubles[DOUBLE.tokens] as number,
          storeBytes: doubles[DOUBLE.bytes] as number,
        };
      } finally {
        leaveTable(table);
      }
    },
  };
}
