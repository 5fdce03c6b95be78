/**
 * Since when the counters of a shared table are complete: one origin for all threads, kept in the table (the counterpart of
 * memory-origin.ts). What one thread's clock shows moves it on for all, and nothing moves it back. Called inside the table only.
 */
import type { Clock } from '../clock.ts';
import { KEEP_AFTER_EXPIRY_MS } from './memory-books.ts';
import { CLOCK_STEP_MS } from './memory-origin.ts';
import { PAGE_MS } from './shared-calendar.ts';
import { DOUBLE, type SharedTable } from './shared-table.ts';

/** Sets the start, in the owner's thread. `restoredSinceSeconds`: as a snapshot says, null when there was none. */
export function startOrigin(table: SharedTable, clock: Clock): void {
  const { doubles } = table;
  const [wallMs, monotonicMs] = [clock.nowMs(), clock.monotonicMs()];
  doubles[DOUBLE.startWallMs] = wallMs;
  doubles[DOUBLE.startMonotonicMs] = monotonicMs;
  doubles[DOUBLE.anchorMs] = wallMs - monotonicMs;
  doubles[DOUBLE.restoredSinceSeconds] = Number.NaN;
  doubles[DOUBLE.sweptPage] = Math.floor(wallMs / PAGE_MS) - 1;
}

/** Takes over since when a snapshot's counters are complete. Seconds. */
export function restoreOrigin(table: SharedTable, sinceSeconds: number): void {
  table.doubles[DOUBLE.restoredSinceSeconds] = sinceSeconds;
}

/** The table's monotonic time: the clock's, but never before what another thread has brought. Milliseconds. */
export function readTableMs(table: SharedTable, clock: Clock): number {
  const { doubles } = table;
  const ms = Math.max(clock.monotonicMs(), doubles[DOUBLE.latestMs] as number);
  doubles[DOUBLE.latestMs] = ms;
  return ms;
}

/** Wall milliseconds as they were when the table was made, moved on by monotonic time alone. */
export function anchoredMs(table: SharedTable, monotonicMs: number): number {
  return (table.doubles[DOUBLE.anchorMs] as number) + monotonicMs;
}

/** Counters of tokens issued at or after this time, in seconds, are complete. */
export function tableSinceSeconds(table: SharedTable, clock: Clock, monotonicMs: number): number {
  const { doubles } = table;
  const restored = doubles[DOUBLE.restoredSinceSeconds] as number;
  if (!Number.isNaN(restored)) return restored;
  const impliedMs = clock.nowMs() - (monotonicMs - (doubles[DOUBLE.startMonotonicMs] as number));
  const startMs = doubles[DOUBLE.startWallMs] as number;
  if (impliedMs > startMs + CLOCK_STEP_MS) doubles[DOUBLE.startWallMs] = impliedMs;
  return Math.floor((doubles[DOUBLE.startWallMs] as number) / 1000);
}

/** True when an unknown token's counters may be gone: it is past its life, or older than the counters. */
export function tableMayHaveLost(
  table: SharedTable,
  clock: Clock,
  monotonicMs: number,
  token: { readonly issuedAtSeconds: number; readonly expiresAtSeconds: number },
  reset: boolean,
): boolean {
  if (token.expiresAtSeconds * 1000 + KEEP_AFTER_EXPIRY_MS <= anchoredMs(table, monotonicMs)) return true;
  return !reset && token.issuedAtSeconds < tableSinceSeconds(table, clock, monotonicMs);
}
