/**
 * The shared table's calendar: which entry may go in which minute, as lists by minute modulo their number, linked both ways, so that
 * an entry stands in it once. The counterpart of the calendar in memory-books.ts.
 */
import { CALENDAR_PAGES, CELL_WORDS, DOUBLE, type SharedTable } from './shared-table.ts';

/** Entries are dropped by the minute. Milliseconds. */
export const PAGE_MS = 60_000;

/** Words of an entry's account cell: its neighbours in the list, the minute (0: in no list), the entry's own cell. */
const LATER = 7;
const EARLIER = 8;
const PAGE = 9;
/** The account's second word is free for the way back: accounts are in no chain. */
const ENTRY_CELL = 1;

const LAST_PAGE = 0x7fffffff;

function headOf(table: SharedTable, page: number): number {
  return table.calendarAt + (page & (CALENDAR_PAGES - 1));
}

/** Takes an entry's account out of its list, if it is in one. */
export function unscheduleEntry(table: SharedTable, account: number): void {
  const { words } = table;
  const at = account * CELL_WORDS;
  const page = words[at + PAGE] as number;
  if (page === 0) return;
  const [later, earlier] = [words[at + LATER] as number, words[at + EARLIER] as number];
  if (earlier === 0) words[headOf(table, page)] = later;
  else words[earlier * CELL_WORDS + LATER] = later;
  if (later !== 0) words[later * CELL_WORDS + EARLIER] = earlier;
  words[at + PAGE] = 0;
}

/** Has an entry looked at in the minute after `atMs`, or in the next; one that is due sooner stays so. */
export function scheduleEntry(table: SharedTable, entry: number, account: number, atMs: number): void {
  const { words } = table;
  const next = (table.doubles[DOUBLE.sweptPage] as number) + 1;
  const page = Math.min(LAST_PAGE, Math.max(Math.ceil(atMs / PAGE_MS), next, 1));
  const at = account * CELL_WORDS;
  const known = words[at + PAGE] as number;
  if (known !== 0 && known <= page) return;
  unscheduleEntry(table, account);
  const head = headOf(table, page);
  const later = words[head] as number;
  words[at + ENTRY_CELL] = entry;
  words[at + PAGE] = page;
  words[at + EARLIER] = 0;
  words[at + LATER] = later;
  if (later !== 0) words[later * CELL_WORDS + EARLIER] = account;
  words[head] = account;
}

/** Moves on to the minute of `nowMs`; returns the entries that are due, no longer in a list, or null within the same minute. */
export function takeDue(table: SharedTable, nowMs: number): number[] | null {
  const { words, doubles } = table;
  const page = Math.floor(nowMs / PAGE_MS);
  const swept = doubles[DOUBLE.sweptPage] as number;
  if (page <= swept) return null;
  doubles[DOUBLE.sweptPage] = page;
  const due: number[] = [];
  for (let one = Math.max(swept + 1, page - CALENDAR_PAGES + 1); one <= page; one++) {
    for (let account = words[headOf(table, one)] as number; account !== 0; ) {
      const at = account * CELL_WORDS;
      const later = words[at + LATER] as number;
      if ((words[at + PAGE] as number) <= page) {
        unscheduleEntry(table, account);
        due.push(words[at + ENTRY_CELL] as number);
      }
      account = later;
    }
  }
  return due;
}
