/** A snapshot's counters into the shared table and out of it, by the thread that owns it; format and checks are memory-snapshot.ts's. */
import type { SnapshotContent } from './memory-snapshot.ts';
import type { SubjectEntry, TokenEntry } from './memory-state.ts';
import { canPromise, NEXT } from './shared-cells.ts';
import {
  accountOf,
  addEntry,
  attachToken,
  COUNT,
  ENTRY,
  issuerCells,
  KIND,
  type NewEntry,
  promiseOfEntry,
  readEntry,
} from './shared-entries.ts';
import { rateCells, readSharedRate, writeSharedRate } from './shared-rate.ts';
import { CELL_DOUBLES, CELL_WORDS, type SharedTable } from './shared-table.ts';
import { addOnce, isOnce, packOnce, readOnces } from './shared-uses.ts';

function newToken(entry: TokenEntry): NewEntry {
  const { issuer, digest, bytes, expiresAtMs } = entry;
  return { kind: KIND.token, name: entry.key, issuer, digest, bytes, expiresAtMs };
}

function newSubject(entry: SubjectEntry): NewEntry {
  const { issuer, bytes } = entry;
  return { kind: KIND.subject, name: entry.key, issuer, digest: '', bytes, expiresAtMs: 0 };
}

/** Cells that an entry takes at most, whatever it was charged. */
function mostCells(entry: NewEntry, rate: TokenEntry['rate'], nonces: number): number {
  const grown = (rate === null ? 0 : rateCells(rate)) + nonces;
  return promiseOfEntry(entry) + issuerCells(entry.issuer) + grown;
}

/** Whether each key is there once, each nonce is one, and all of it has room. */
function canHold(table: SharedTable, content: SnapshotContent): boolean {
  const { subjects, tokens } = content;
  if (new Set(subjects.map((one) => one.key)).size !== subjects.length) return false;
  if (new Set(tokens.map((one) => one.entry.key)).size !== tokens.length) return false;
  let cells = 0;
  for (const subject of subjects) cells += mostCells(newSubject(subject), subject.rate, 0);
  for (const { entry } of tokens) {
    const onces = [...(entry.once ?? [])];
    if (!onces.every(isOnce)) return false;
    cells += mostCells(newToken(entry), entry.rate, onces.length);
  }
  return canPromise(table, cells);
}

function writeRate(table: SharedTable, cell: number, rate: TokenEntry['rate']): void {
  if (rate !== null) {
    table.words[cell * CELL_WORDS + ENTRY.rate] = writeSharedRate(table, accountOf(table, cell), rate);
  }
}

/** Puts a snapshot's counters into an empty table; false, and nothing is changed, when they do not fit. */
export function fillTable(table: SharedTable, content: SnapshotContent): boolean {
  if (!canHold(table, content)) return false;
  const { doubles } = table;
  const cells = new Map<SubjectEntry, number>();
  for (const subject of content.subjects) {
    const cell = addEntry(table, newSubject(subject));
    writeRate(table, cell, subject.rate);
    cells.set(subject, cell);
  }
  for (const { entry, subject } of content.tokens) {
    const cell = addEntry(table, newToken(entry));
    doubles[cell * CELL_DOUBLES + COUNT.used] = entry.used;
    doubles[cell * CELL_DOUBLES + COUNT.attempts] = entry.attempts;
    doubles[cell * CELL_DOUBLES + COUNT.serverErrors] = entry.serverErrors;
    writeRate(table, cell, entry.rate);
    for (const hash of entry.once ?? []) {
      packOnce(hash);
      addOnce(table, cell, hash.length);
    }
    if (subject !== null) attachToken(table, cell, cells.get(subject) as number);
  }
  return true;
}

function* listEntries(table: SharedTable, kind: number): Iterable<number> {
  const { words } = table;
  for (let chain = 0; chain <= table.chainMask; chain++) {
    for (let cell = words[table.chainsAt + chain] as number; cell !== 0; ) {
      if (words[cell * CELL_WORDS + ENTRY.kind] === kind) yield cell;
      cell = words[cell * CELL_WORDS + NEXT] as number;
    }
  }
}

function readRate(table: SharedTable, cell: number): TokenEntry['rate'] {
  const rate = table.words[cell * CELL_WORDS + ENTRY.rate] as number;
  return rate === 0 ? null : readSharedRate(table, rate);
}

/** The table's counters as the snapshot writes them. */
export function readTable(table: SharedTable): {
  readonly subjects: ReadonlyMap<string, SubjectEntry>;
  readonly tokens: ReadonlyMap<string, TokenEntry>;
} {
  const { words, doubles } = table;
  const double = (cell: number, which: number) => doubles[cell * CELL_DOUBLES + which] as number;
  const byCell = new Map<number, SubjectEntry>();
  for (const cell of listEntries(table, KIND.subject)) {
    const { name, issuer, bytes } = readEntry(table, cell);
    const [tokens, calls] = [double(cell, COUNT.attempts), double(cell, COUNT.used)];
    const rate = readRate(table, cell);
    byCell.set(cell, { key: name, issuer, bytes, tokens, calls, rate, leases: null, duePage: null });
  }
  const tokens = new Map<string, TokenEntry>();
  for (const cell of listEntries(table, KIND.token)) {
    const { name, issuer, digest, bytes, expiresAtMs } = readEntry(table, cell);
    tokens.set(name, {
      key: name,
      issuer,
      digest,
      bytes,
      expiresAtMs,
      used: double(cell, COUNT.used),
      attempts: double(cell, COUNT.attempts),
      serverErrors: double(cell, COUNT.serverErrors),
      rate: readRate(table, cell),
      leases: null,
      once: new Set(readOnces(table, cell)),
      subject: byCell.get(words[cell * CELL_WORDS + ENTRY.subject] as number) ?? null,
    });
  }
  return { subjects: new Map([...byCell.values()].map((one) => [one.key, one])), tokens };
}
