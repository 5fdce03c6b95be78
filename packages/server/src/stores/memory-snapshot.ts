/**
 * The memory store's snapshot: its counters as text, written on a clean stop and read at the next start (behaviour spec §3).
 * Format and checks only; the file itself (mode 0600, removed when taken) is the runtime's.
 */
import type { Moment } from './memory-limits.ts';
import type { RateWindow } from './memory-rate.ts';
import { createRateWindow, timesInOrder } from './memory-rate.ts';
import type { SubjectEntry, TokenEntry } from './memory-state.ts';

const FORMAT = 'relayapi-counters-1';
/** A clock that stepped by up to this while the relay was down must not open a rate window early. */
const CLOCK_DOUBT_MS = 3_600_000;

/** Counters as they stand in a snapshot; times are already moved to the reader's monotonic clock. */
export interface SnapshotContent {
  /** No counter is missing for tokens issued at or after this time, in seconds. */
  readonly sinceSeconds: number;
  readonly subjects: readonly SubjectEntry[];
  /** Each with the subject it is to be attached to. */
  readonly tokens: readonly RestoredToken[];
}

interface RestoredToken {
  readonly entry: TokenEntry;
  readonly subject: SubjectEntry | null;
}

/** What there is to write. */
interface Entries {
  readonly subjects: ReadonlyMap<string, SubjectEntry>;
  readonly tokens: ReadonlyMap<string, TokenEntry>;
}

/** Ages instead of times, since the monotonic clock starts anew with each process: [count, windowMs, backlogMs, ages]. */
type RateRecord = [count: number, windowMs: number, backlogMs: number, agesMs: number[]] | null;

function writeRate(rate: RateWindow | null, nowMs: number): RateRecord {
  if (rate === null) return null;
  // Rounded so that the window is never shorter than it was.
  const agesMs = timesInOrder(rate).map((timeMs) => Math.max(0, Math.floor(nowMs - timeMs)));
  return [rate.count, rate.windowMs, Math.max(0, Math.ceil(rate.arrivalMs - nowMs)), agesMs];
}

/** The text of a snapshot: a head line, then one line per subject and per token. Leases are left out: their streams end with the process. */
export function writeSnapshot(entries: Entries, sinceSeconds: number, now: Moment): string {
  const lines: string[] = [
    JSON.stringify({
      format: FORMAT,
      savedAtMs: now.wallMs,
      sinceSeconds,
      subjects: entries.subjects.size,
      tokens: entries.tokens.size,
    }),
  ];
  const at = now.monotonicMs;
  for (const s of entries.subjects.values())
    lines.push(JSON.stringify([s.key, s.issuer, s.bytes, writeRate(s.rate, at)]));
  for (const t of entries.tokens.values()) {
    const subject = t.subject === null ? null : t.subject.key;
    const counts = [t.bytes, t.expiresAtMs, t.used, t.attempts, t.serverErrors];
    lines.push(
      JSON.stringify([
        t.key,
        t.issuer,
        t.digest,
        counts,
        writeRate(t.rate, at),
        [...(t.once ?? [])],
        subject,
      ]),
    );
  }
  return `${lines.join('\n')}\n`;
}

class SnapshotFault extends Error {}

function must(condition: boolean): asserts condition {
  if (!condition) throw new SnapshotFault();
}

function text(value: unknown): string {
  must(typeof value === 'string');
  return value;
}

function count(value: unknown): number {
  must(typeof value === 'number' && Number.isSafeInteger(value) && value >= 0);
  return value;
}

function list(value: unknown, length?: number): unknown[] {
  must(Array.isArray(value) && (length === undefined || value.length === length));
  return value;
}

function readRate(value: unknown, nowMs: number, elapsedMs: number): RateWindow | null {
  if (value === null) return null;
  const [most, windowMs, backlogMs, ages] = list(value, 4);
  const pendingMs = count(backlogMs) - elapsedMs;
  const times = list(ages).map((ageMs) => nowMs - count(ageMs) - elapsedMs);
  must(times.length <= count(most));
  const window = createRateWindow(count(most), count(windowMs));
  window.times = times;
  if (pendingMs > 0) window.arrivalMs = nowMs + pendingMs;
  return window;
}

function readSubject(line: string, nowMs: number, elapsedMs: number): SubjectEntry {
  const [key, issuer, bytes, rate] = list(JSON.parse(line), 4);
  return {
    key: text(key),
    issuer: text(issuer),
    bytes: count(bytes),
    tokens: 0,
    calls: 0,
    rate: readRate(rate, nowMs, elapsedMs),
    leases: null,
    duePage: null,
  };
}

function readToken(
  line: string,
  subjects: ReadonlyMap<string, SubjectEntry>,
  nowMs: number,
  elapsedMs: number,
): RestoredToken {
  const [key, issuer, digest, counts, rate, once, subject] = list(JSON.parse(line), 7);
  const [bytes, expiresAtMs, used, attempts, serverErrors] = list(counts, 5);
  const ofSubject = subject === null ? null : subjects.get(text(subject));
  must(ofSubject !== undefined);
  const hashes = list(once).map(text);
  const entry: TokenEntry = {
    key: text(key),
    issuer: text(issuer),
    digest: text(digest),
    bytes: count(bytes),
    expiresAtMs: count(expiresAtMs),
    used: count(used),
    attempts: count(attempts),
    serverErrors: count(serverErrors),
    rate: readRate(rate, nowMs, elapsedMs),
    leases: null,
    once: hashes.length === 0 ? null : new Set(hashes),
    subject: null,
  };
  return { entry, subject: ofSubject };
}

/** The counters in a snapshot, or null when any part of it is not as `writeSnapshot` writes it. Subjects do not count their tokens yet. */
export function readSnapshot(snapshot: string, now: Moment): SnapshotContent | null {
  try {
    const lines = snapshot.split('\n');
    must(lines.pop() === '');
    const head: unknown = JSON.parse(lines.shift() ?? '');
    must(typeof head === 'object' && head !== null && 'format' in head && head.format === FORMAT);
    const fields = head as Record<string, unknown>;
    const subjectCount = count(fields.subjects);
    must(lines.length === subjectCount + count(fields.tokens));
    must(typeof fields.savedAtMs === 'number');
    const elapsedMs = Math.max(0, Math.floor(now.wallMs - fields.savedAtMs) - CLOCK_DOUBT_MS);
    const at = now.monotonicMs;
    const subjects = lines.slice(0, subjectCount).map((line) => readSubject(line, at, elapsedMs));
    const byKey = new Map(subjects.map((subject) => [subject.key, subject]));
    const tokens = lines.slice(subjectCount).map((line) => readToken(line, byKey, at, elapsedMs));
    return { sinceSeconds: count(fields.sinceSeconds), subjects, tokens };
  } catch (error) {
    if (error instanceof SnapshotFault || error instanceof SyntaxError) return null;
    throw error;
  }
}
