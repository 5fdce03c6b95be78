/**
 * The memory in which the counters of all threads live: a header, a calendar, hash chains and cells of 64 bytes (one size, so that
 * nothing is ever too fragmented to be used). Where things stand and who may go in; what they mean is in the files beside.
 */
import { enterLock, leaveLock } from './shared-lock.ts';

/** Bytes of a cell: everything is stored in these, chained where one is not enough. */
export const CELL_BYTES = 64;
/** 32-bit words and 64-bit words of a cell. */
export const CELL_WORDS = 16;
/** See CELL_WORDS. */
export const CELL_DOUBLES = 8;

/** Minutes that the calendar has lists for; what expires later waits in the list of its minute, further rounds on. */
export const CALENDAR_PAGES = 4096;

const LOCK = 0;
const HEADER_CELLS = 8;
/** What uncharged growth (leases past the 64th, a rule that was changed) and long names may use beyond the capacity. */
const SPARE_BYTES = 1024 * 1024;
/** Written first, so that other memory is not taken for a table. */
const MARK = 0x52434e31;

/** Header words of 32 bits. */
export const WORD = {
  mark: 16,
  /** First cell of the free list, 0: none. */
  free: 17,
  /** First cell that was never used. */
  fresh: 18,
  /** 1 once the owner has filled the table, 2 once it was closed. */
  stage: 19,
  /** Secret start of all hashes, so that nobody can choose keys of one chain. */
  seed: 20,
  chains: 21,
  cells: 22,
} as const;

/** Header words of 64 bits. */
export const DOUBLE = {
  capacityBytes: 16,
  bytes: 17,
  tokens: 18,
  /** Cells that entries have been promised; never more than there are. */
  promised: 19,
  /** Reservations given out. */
  issued: 20,
  sweptPage: 21,
  /** The latest monotonic time that any thread brought: time in the table never runs back. */
  latestMs: 22,
  anchorMs: 24,
  startWallMs: 25,
  startMonotonicMs: 26,
  /** NaN without a snapshot. */
  restoredSinceSeconds: 27,
  /** Cells in use. */
  used: 28,
} as const;

/** What a thread needs to find the table; goes through `workerData` or `postMessage`. */
export interface SharedTableHandle {
  readonly memory: SharedArrayBuffer;
}

/** The table as one thread sees it. */
export interface SharedTable {
  readonly handle: SharedTableHandle;
  /** True in the thread that made it: that one reads and writes snapshots. */
  readonly owner: boolean;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
  /** Index of the first word of the calendar, and of the hash chains. */
  readonly calendarAt: number;
  readonly chainsAt: number;
  readonly chainMask: number;
  /** All cells, and the first one that is not header. */
  readonly cells: number;
}

/** Bounds of a table. */
export interface SharedTableOptions {
  /** Bytes that all entries may grow to, at most half of it for one issuer; default 256 MiB. Only what is used takes memory. */
  readonly capacityBytes?: number;
}

function view(memory: SharedArrayBuffer, owner: boolean): SharedTable {
  const words = new Int32Array(memory);
  const chains = words[WORD.chains] as number;
  const calendarAt = HEADER_CELLS * CELL_WORDS;
  return {
    handle: { memory },
    owner,
    words,
    doubles: new Float64Array(memory),
    bytes: new Uint8Array(memory),
    calendarAt,
    chainsAt: calendarAt + CALENDAR_PAGES,
    chainMask: chains - 1,
    cells: words[WORD.cells] as number,
  };
}

/** Makes the memory, in the thread that owns it. Empty pages are the operating system's zeros and take no memory. */
export function createSharedTable(options: SharedTableOptions = {}): SharedTable {
  const capacityBytes = options.capacityBytes ?? 256 * 1024 * 1024;
  // An entry is charged 640 bytes at least: about one per chain when full.
  const chains = 2 ** Math.max(6, Math.ceil(Math.log2(capacityBytes / 512)));
  const first = HEADER_CELLS + (CALENDAR_PAGES + chains) / CELL_WORDS;
  const cells = first + Math.ceil((1.25 * capacityBytes + SPARE_BYTES) / CELL_BYTES);
  const memory = new SharedArrayBuffer(cells * CELL_BYTES);
  const words = new Int32Array(memory);
  words[WORD.mark] = MARK;
  words[WORD.fresh] = first;
  words[WORD.seed] = crypto.getRandomValues(new Int32Array(1))[0] as number;
  words[WORD.chains] = chains;
  words[WORD.cells] = cells;
  const doubles = new Float64Array(memory);
  doubles[DOUBLE.capacityBytes] = capacityBytes;
  doubles[DOUBLE.promised] = first;
  doubles[DOUBLE.used] = first;
  doubles[DOUBLE.latestMs] = Number.NEGATIVE_INFINITY;
  return view(memory, true);
}

/** The table in another thread. Throws when the handle is not one of `createSharedTable`. */
export function openSharedTable(handle: SharedTableHandle): SharedTable {
  const words = new Int32Array(handle.memory);
  if (words[WORD.mark] !== MARK) throw new Error('The memory handed to this thread holds no counters.');
  return view(handle.memory, false);
}

/** Takes the table for this thread alone. What follows must not wait for anything, and ends with `leaveTable`. */
export function enterTable(table: SharedTable): void {
  enterLock(table.words, LOCK);
}

/** Lets other threads in. */
export function leaveTable(table: SharedTable): void {
  leaveLock(table.words, LOCK);
}
