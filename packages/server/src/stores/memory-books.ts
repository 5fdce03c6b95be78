/**
 * The memory store's shelf: entries by key, bytes by issuer, and the calendar by which expired entries are dropped.
 * Maps and not a cache, because nothing here may be evicted; fullness is answered by refusing newcomers.
 */
import { forgottenAtMs } from './memory-rate.ts';
import type { SubjectEntry, TokenEntry } from './memory-state.ts';

/** Entries stay this long past `exp`, so that no two readings of a clock disagree about a live token. Milliseconds. */
export const KEEP_AFTER_EXPIRY_MS = 60_000;
const PAGE_MS = 60_000;

type Entry = TokenEntry | SubjectEntry;

/** All entries. Changed by the functions below only. */
export interface MemoryBooks {
  readonly capacityBytes: number;
  readonly tokens: Map<string, TokenEntry>;
  readonly subjects: Map<string, SubjectEntry>;
  readonly issuerBytes: Map<string, number>;
  /** Entries by the minute in which they may go. */
  readonly calendar: Map<number, Entry[]>;
  /** Bytes charged. */
  bytes: number;
  sweptPage: number;
}

/** Empty books that hold at most `capacityBytes`, half of it for one issuer. */
export function createMemoryBooks(capacityBytes: number): MemoryBooks {
  return {
    capacityBytes,
    tokens: new Map(),
    subjects: new Map(),
    issuerBytes: new Map(),
    calendar: new Map(),
    bytes: 0,
    sweptPage: Number.NEGATIVE_INFINITY,
  };
}

function charge(books: MemoryBooks, issuer: string, bytes: number): void {
  books.bytes += bytes;
  const ofIssuer = (books.issuerBytes.get(issuer) ?? 0) + bytes;
  if (ofIssuer === 0) books.issuerBytes.delete(issuer);
  else books.issuerBytes.set(issuer, ofIssuer);
}

function isSubject(entry: Entry): entry is SubjectEntry {
  return !('digest' in entry);
}

function schedule(books: MemoryBooks, entry: Entry, atMs: number): void {
  const page = Math.max(Math.ceil(atMs / PAGE_MS), books.sweptPage + 1);
  if (isSubject(entry)) {
    if (entry.duePage !== null && entry.duePage <= page) return;
    entry.duePage = page;
  }
  const list = books.calendar.get(page);
  if (list === undefined) books.calendar.set(page, [entry]);
  else list.push(entry);
}

function detach(books: MemoryBooks, entry: TokenEntry, subject: SubjectEntry): void {
  entry.subject = null;
  subject.tokens -= 1;
  subject.calls -= entry.used;
  if (subject.tokens === 0) schedule(books, subject, Number.NEGATIVE_INFINITY);
}

/** Whether this many more bytes fit, altogether and for the issuer. */
export function fits(books: MemoryBooks, issuer: string, bytes: number): boolean {
  const ofIssuer = (books.issuerBytes.get(issuer) ?? 0) + bytes;
  return books.bytes + bytes <= books.capacityBytes && ofIssuer <= books.capacityBytes / 2;
}

/** Keeps a token's entry until its `exp` has passed. */
export function addToken(books: MemoryBooks, entry: TokenEntry): void {
  books.tokens.set(entry.key, entry);
  charge(books, entry.issuer, entry.bytes);
  schedule(books, entry, entry.expiresAtMs + KEEP_AFTER_EXPIRY_MS);
}

/** Keeps a subject's entry while it has live tokens, running leases or an open rate window. */
export function addSubject(books: MemoryBooks, entry: SubjectEntry): void {
  books.subjects.set(entry.key, entry);
  charge(books, entry.issuer, entry.bytes);
  // Comes to nothing when a token is attached, as it is but for subjects of a snapshot.
  schedule(books, entry, Number.NEGATIVE_INFINITY);
}

/** Makes a token one of a subject's live tokens; its calls count there from now on. */
export function attach(books: MemoryBooks, entry: TokenEntry, subject: SubjectEntry): void {
  if (entry.subject === subject) return;
  if (entry.subject !== null) detach(books, entry, entry.subject);
  entry.subject = subject;
  subject.tokens += 1;
  subject.calls += entry.used;
}

function dropToken(books: MemoryBooks, entry: TokenEntry): void {
  books.tokens.delete(entry.key);
  charge(books, entry.issuer, -entry.bytes);
  if (entry.subject !== null) detach(books, entry, entry.subject);
}

function dropSubject(books: MemoryBooks, entry: SubjectEntry, nowMs: number, monotonicMs: number): void {
  // In use again (its last token will schedule it anew), or already gone.
  if (entry.tokens > 0 || books.subjects.get(entry.key) !== entry) return;
  let untilMs = entry.rate === null ? monotonicMs : forgottenAtMs(entry.rate);
  for (const expiresMs of entry.leases?.values() ?? []) untilMs = Math.max(untilMs, expiresMs);
  if (untilMs > monotonicMs) {
    schedule(books, entry, nowMs + (untilMs - monotonicMs));
    return;
  }
  books.subjects.delete(entry.key);
  charge(books, entry.issuer, -entry.bytes);
}

/** Drops what has expired. `nowMs` is anchored wall time, `monotonicMs` judges leases and windows. Cheap within one minute. */
export function sweep(books: MemoryBooks, nowMs: number, monotonicMs: number): void {
  const page = Math.floor(nowMs / PAGE_MS);
  if (page <= books.sweptPage) return;
  books.sweptPage = page;
  const subjects: SubjectEntry[] = [];
  const tokens: TokenEntry[] = [];
  for (const [key, entries] of books.calendar) {
    if (key > page) continue;
    books.calendar.delete(key);
    for (const entry of entries) {
      if (!isSubject(entry)) tokens.push(entry);
      else if (entry.duePage === key) {
        entry.duePage = null;
        subjects.push(entry);
      }
    }
  }
  // Tokens first, so that what goes in a minute does not depend on the order in which it came.
  for (const entry of tokens) dropToken(books, entry);
  for (const entry of subjects) dropSubject(books, entry, nowMs, monotonicMs);
}
