/**
 * Rate windows in the shared table: the same rules and the same arithmetic as memory-rate.ts, which also does what is rare
 * (another rule). A window is one cell, its log of exact times a chain of cells with seven each.
 */
import {
  createRateWindow,
  fitRateWindow,
  MAX_EXACT_COUNT,
  type RateWindow,
  timesInOrder,
} from './memory-rate.ts';
import { beyondPromise, canGrow, giveFor, NEXT, takeFor } from './shared-cells.ts';
import { CELL_DOUBLES, CELL_WORDS, type SharedTable } from './shared-table.ts';

/** Words of a window: the log's first cell, the cell and index of its oldest time, the cell of its last, how many there are. */
const FIRST = 2;
const OLDEST_CELL = 3;
const OLDEST = 4;
const LAST_CELL = 5;
const LOGGED = 6;
/** Doubles of a window. */
const COUNT = 4;
const WINDOW_MS = 5;
const ARRIVAL_MS = 6;
/** The time logged last. */
const LAST_MS = 7;

/** Times in one cell of the log, behind its first double. */
const TIMES = CELL_DOUBLES - 1;

type Rate = { readonly count: number; readonly windowMs: number };

/** Cells that an admission may take: a window and a cell of its log. */
export const RATE_CELLS = 2;

/** Whether the window in `cell` follows this rule. */
function servesRate(table: SharedTable, cell: number, rate: Rate): boolean {
  const at = cell * CELL_DOUBLES;
  return table.doubles[at + COUNT] === rate.count && table.doubles[at + WINDOW_MS] === rate.windowMs;
}

/** When the next admission fits, as `nextAdmissionMs` in memory-rate.ts; `cell` 0 is a window that remembers nothing. */
export function nextSharedAdmissionMs(table: SharedTable, cell: number, rate: Rate): number {
  if (rate.count === 0) return Number.POSITIVE_INFINITY;
  if (cell === 0) return Number.NEGATIVE_INFINITY;
  const { words, doubles } = table;
  if (rate.count > MAX_EXACT_COUNT) {
    const gapMs = rate.windowMs / rate.count;
    return (doubles[cell * CELL_DOUBLES + ARRIVAL_MS] as number) + gapMs - rate.windowMs - 1e-6;
  }
  const at = cell * CELL_WORDS;
  if ((words[at + LOGGED] as number) < rate.count) return Number.NEGATIVE_INFINITY;
  const oldest = words[at + OLDEST] as number;
  const oldestAt = (words[at + OLDEST_CELL] as number) * CELL_DOUBLES + 1 + (oldest % TIMES);
  return (doubles[oldestAt] as number) + rate.windowMs;
}

/** A window without history on this account. */
export function createSharedRate(table: SharedTable, account: number, rate: Rate): number {
  const cell = takeFor(table, account);
  const { words, doubles } = table;
  const at = cell * CELL_WORDS;
  words.fill(0, at + FIRST, at + LOGGED + 1);
  doubles[cell * CELL_DOUBLES + COUNT] = rate.count;
  doubles[cell * CELL_DOUBLES + WINDOW_MS] = rate.windowMs;
  doubles[cell * CELL_DOUBLES + ARRIVAL_MS] = Number.NEGATIVE_INFINITY;
  doubles[cell * CELL_DOUBLES + LAST_MS] = Number.NEGATIVE_INFINITY;
  return cell;
}

function log(table: SharedTable, account: number, cell: number, timeMs: number): void {
  const { words, doubles } = table;
  const at = cell * CELL_WORDS;
  const logged = words[at + LOGGED] as number;
  if (logged % TIMES === 0) {
    const added = takeFor(table, account);
    words[added * CELL_WORDS + NEXT] = 0;
    if (logged === 0) {
      words[at + FIRST] = added;
      words[at + OLDEST_CELL] = added;
      words[at + OLDEST] = 0;
    } else words[(words[at + LAST_CELL] as number) * CELL_WORDS + NEXT] = added;
    words[at + LAST_CELL] = added;
  }
  doubles[(words[at + LAST_CELL] as number) * CELL_DOUBLES + 1 + (logged % TIMES)] = timeMs;
  words[at + LOGGED] = logged + 1;
}

/** Counts an admission at `nowMs`, as `countAdmission` in memory-rate.ts; may take one cell. */
export function countSharedAdmission(table: SharedTable, account: number, cell: number, nowMs: number): void {
  const { words, doubles } = table;
  const own = cell * CELL_DOUBLES;
  const count = doubles[own + COUNT] as number;
  if (count > MAX_EXACT_COUNT) {
    const arrivalMs = doubles[own + ARRIVAL_MS] as number;
    doubles[own + ARRIVAL_MS] = Math.max(arrivalMs, nowMs) + (doubles[own + WINDOW_MS] as number) / count;
    return;
  }
  doubles[own + LAST_MS] = nowMs;
  const at = cell * CELL_WORDS;
  if ((words[at + LOGGED] as number) < count) {
    log(table, account, cell, nowMs);
    return;
  }
  const index = words[at + OLDEST] as number;
  const oldestCell = words[at + OLDEST_CELL] as number;
  doubles[oldestCell * CELL_DOUBLES + 1 + (index % TIMES)] = nowMs;
  if (index + 1 === count) {
    words[at + OLDEST] = 0;
    words[at + OLDEST_CELL] = words[at + FIRST] as number;
  } else {
    words[at + OLDEST] = index + 1;
    if ((index + 1) % TIMES === 0) words[at + OLDEST_CELL] = words[oldestCell * CELL_WORDS + NEXT] as number;
  }
}

/** The latest moment at which the window still remembers something. */
export function sharedForgottenAtMs(table: SharedTable, cell: number): number {
  const { doubles } = table;
  const own = cell * CELL_DOUBLES;
  if ((doubles[own + COUNT] as number) > MAX_EXACT_COUNT) return doubles[own + ARRIVAL_MS] as number;
  return (doubles[own + LAST_MS] as number) + (doubles[own + WINDOW_MS] as number);
}

/** Gives a window and its log back. */
export function giveSharedRate(table: SharedTable, account: number, cell: number): void {
  const { words } = table;
  for (let at = words[cell * CELL_WORDS + FIRST] as number; at !== 0; ) {
    const next = words[at * CELL_WORDS + NEXT] as number;
    giveFor(table, account, at);
    at = next;
  }
  giveFor(table, account, cell);
}

/** The window as memory-rate.ts knows it. */
export function readSharedRate(table: SharedTable, cell: number): RateWindow {
  const { words, doubles } = table;
  const at = cell * CELL_WORDS;
  const own = cell * CELL_DOUBLES;
  const window = createRateWindow(doubles[own + COUNT] as number, doubles[own + WINDOW_MS] as number);
  window.arrivalMs = doubles[own + ARRIVAL_MS] as number;
  let block = words[at + FIRST] as number;
  for (let i = 0; i < (words[at + LOGGED] as number); i++) {
    window.times.push(doubles[block * CELL_DOUBLES + 1 + (i % TIMES)] as number);
    if (i % TIMES === TIMES - 1) block = words[block * CELL_WORDS + NEXT] as number;
  }
  window.oldest = words[at + OLDEST] as number;
  return window;
}

/** Cells that such a window takes. */
export function rateCells(window: RateWindow): number {
  return 1 + (window.count > MAX_EXACT_COUNT ? 0 : Math.ceil(window.times.length / TIMES));
}

/** Writes a window; the caller knows that there is room for `rateCells`. */
export function writeSharedRate(table: SharedTable, account: number, window: RateWindow): number {
  const cell = createSharedRate(table, account, window);
  table.doubles[cell * CELL_DOUBLES + ARRIVAL_MS] = window.arrivalMs;
  if (window.count > MAX_EXACT_COUNT) return cell;
  for (const timeMs of timesInOrder(window)) {
    log(table, account, cell, timeMs);
    table.doubles[cell * CELL_DOUBLES + LAST_MS] = timeMs;
  }
  return cell;
}

/**
 * The window that serves this rule, as `fitRateWindow` in memory-rate.ts; 0 without a rule, and where there was no window: it is made
 * with the first admission. Returns -1, and changes nothing, when the changed window does not fit into the table.
 */
export function fitSharedRate(
  table: SharedTable,
  account: number,
  cell: number,
  rate: Rate | undefined,
  nowMs: number,
): number {
  if (cell === 0) return 0;
  if (rate !== undefined && servesRate(table, cell, rate)) return cell;
  if (rate === undefined) {
    giveSharedRate(table, account, cell);
    return 0;
  }
  const window = readSharedRate(table, cell);
  const before = rateCells(window);
  const changed = fitRateWindow(window, rate, nowMs) as RateWindow;
  const more = Math.max(0, rateCells(changed) - before);
  if (!canGrow(table, beyondPromise(table, account, more))) return -1;
  giveSharedRate(table, account, cell);
  return writeSharedRate(table, account, changed);
}
