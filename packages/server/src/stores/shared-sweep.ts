/** Drops what has expired from the shared table: the counterpart of `sweep` in memory-books.ts, with the same rules. */
import { scheduleEntry, takeDue } from './shared-calendar.ts';
import { accountOf, COUNT, detachToken, ENTRY, KIND, removeEntry } from './shared-entries.ts';
import { sharedForgottenAtMs } from './shared-rate.ts';
import { CELL_DOUBLES, CELL_WORDS, type SharedTable } from './shared-table.ts';
import { giveAllOnce, lastLeaseMs } from './shared-uses.ts';

function dropToken(table: SharedTable, entry: number): void {
  detachToken(table, entry);
  giveAllOnce(table, entry);
  removeEntry(table, entry);
}

function dropSubject(table: SharedTable, entry: number, nowMs: number, monotonicMs: number): void {
  const { words, doubles } = table;
  // In use again: its last token will schedule it anew.
  if ((doubles[entry * CELL_DOUBLES + COUNT.attempts] as number) > 0) return;
  const rate = words[entry * CELL_WORDS + ENTRY.rate] as number;
  const rateMs = rate === 0 ? monotonicMs : sharedForgottenAtMs(table, rate);
  const untilMs = Math.max(rateMs, lastLeaseMs(table, entry));
  if (untilMs > monotonicMs) {
    scheduleEntry(table, entry, accountOf(table, entry), nowMs + (untilMs - monotonicMs));
  } else removeEntry(table, entry);
}

/** Drops what has expired. `nowMs` is anchored wall time, `monotonicMs` judges leases and windows. Cheap within one minute. */
export function sweepTable(table: SharedTable, nowMs: number, monotonicMs: number): void {
  const due = takeDue(table, nowMs);
  if (due === null) return;
  const isToken = (entry: number) => table.words[entry * CELL_WORDS + ENTRY.kind] === KIND.token;
  const subjects = due.filter((entry) => !isToken(entry));
  for (const entry of due) if (isToken(entry)) dropToken(table, entry);
  for (const entry of subjects) dropSubject(table, entry, nowMs, monotonicMs);
}
