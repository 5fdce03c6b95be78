/**
 * Entries of the shared table: tokens, subjects and issuers by key, what each was charged and promised, and what hangs on it.
 * The counterpart of memory-books.ts and memory-state.ts; their rules, in cells.
 */
import { KEEP_AFTER_EXPIRY_MS } from './memory-books.ts';
import { scheduleEntry, unscheduleEntry } from './shared-calendar.ts';
import {
  ACCOUNT,
  canPromise,
  createEncoded,
  type Encoded,
  encodeText,
  GENERATION,
  giveCell,
  giveFor,
  hashBytes,
  isText,
  NEXT,
  promiseCells,
  readText,
  takeCell,
  takeFor,
  textCells,
  writeText,
} from './shared-cells.ts';
import { giveSharedRate } from './shared-rate.ts';
import { CELL_BYTES, CELL_DOUBLES, CELL_WORDS, DOUBLE, type SharedTable, WORD } from './shared-table.ts';

/** What a cell in a hash chain is. */
export const KIND = { token: 1, subject: 2, issuer: 3, once: 4 } as const;

/** Words of an entry's first cell; an issuer has its key where others have their account. */
export const ENTRY = {
  hash: 2,
  kind: 3,
  account: 4,
  rate: 5,
  leases: 6,
  leaseCount: 7,
  /** A token's nonces, or an issuer's length of key. */
  once: 8,
  /** A token's subject, 0: none. */
  subject: 9,
} as const;

/** Doubles of an entry's first cell. */
export const COUNT = {
  /** A token's or a subject's calls; an issuer's bytes. */
  used: 5,
  /** A token's attempts, a subject's live tokens, an issuer's entries. */
  attempts: 6,
  serverErrors: 7,
} as const;

/** Words and doubles of an entry's second cell, its account; the words of `ACCOUNT` and of the calendar stand there, too. */
const OWN = { issuer: 2, key: 3, keyLength: 4, digest: 5, digestLength: 6 } as const;
const OWN_BYTES = 6;
const OWN_EXPIRES = 7;

/** Cells that are in the charge of every entry, whatever its limits (memory-state.ts charges 640 bytes). */
const CHARGED_CELLS = 10;

const scratch = createEncoded();
const second = createEncoded();

function chainOf(table: SharedTable, hash: number): number {
  return table.chainsAt + (hash & table.chainMask);
}

/** Puts a cell with hash and kind into its chain. */
export function linkCell(table: SharedTable, cell: number, hash: number, kind: number): void {
  const { words } = table;
  const at = cell * CELL_WORDS;
  const chain = chainOf(table, hash);
  words[at + ENTRY.hash] = hash;
  words[at + ENTRY.kind] = kind;
  words[at + NEXT] = words[chain] as number;
  words[chain] = cell;
}

/** Takes a cell out of its chain. */
export function unlinkCell(table: SharedTable, cell: number): void {
  const { words } = table;
  let at = chainOf(table, words[cell * CELL_WORDS + ENTRY.hash] as number);
  while (words[at] !== cell) at = (words[at] as number) * CELL_WORDS + NEXT;
  words[at] = words[cell * CELL_WORDS + NEXT] as number;
}

/** The first cell of a chain. */
export function firstInChain(table: SharedTable, hash: number): number {
  return table.words[chainOf(table, hash)] as number;
}

/** The hash of a key, by which its chain is found. */
export function hashKey(table: SharedTable, kind: number, key: Encoded): number {
  return hashBytes(key, (table.words[WORD.seed] as number) ^ Math.imul(kind, 0x9e3779b1));
}

function findEncoded(table: SharedTable, kind: number, key: Encoded, hash: number): number {
  const { words } = table;
  for (let cell = firstInChain(table, hash); cell !== 0; cell = words[cell * CELL_WORDS + NEXT] as number) {
    const at = cell * CELL_WORDS;
    if (words[at + ENTRY.hash] !== hash || words[at + ENTRY.kind] !== kind) continue;
    const account = (words[at + ENTRY.account] as number) * CELL_WORDS;
    const [text, length] =
      kind === KIND.issuer
        ? [words[at + ENTRY.account], words[at + ENTRY.once]]
        : [words[account + OWN.key], words[account + OWN.keyLength]];
    if (isText(table, text as number, length as number, key)) return cell;
  }
  return 0;
}

/** The entry with this key, 0: none. */
export function findEntry(table: SharedTable, kind: number, name: string): number {
  encodeText(scratch, name);
  return findEncoded(table, kind, scratch, hashKey(table, kind, scratch));
}

/** The generation of a cell, for those who come back to it later. */
export function generationOf(table: SharedTable, cell: number): number {
  return table.words[cell * CELL_WORDS + GENERATION] as number;
}

/** The cell that keeps an entry's account. */
export function accountOf(table: SharedTable, entry: number): number {
  return table.words[entry * CELL_WORDS + ENTRY.account] as number;
}

/** Whether a token's claims have this digest. */
export function hasDigest(table: SharedTable, entry: number, digest: string): boolean {
  const at = accountOf(table, entry) * CELL_WORDS;
  encodeText(scratch, digest);
  return isText(
    table,
    table.words[at + OWN.digest] as number,
    table.words[at + OWN.digestLength] as number,
    scratch,
  );
}

/** Whether this many more bytes may be charged, altogether and for the issuer: as in memory-books.ts. */
export function fitsCharge(table: SharedTable, issuer: string, bytes: number): boolean {
  const { doubles } = table;
  const capacityBytes = doubles[DOUBLE.capacityBytes] as number;
  const known = findEntry(table, KIND.issuer, issuer);
  const ofIssuer = (known === 0 ? 0 : (doubles[known * CELL_DOUBLES + COUNT.used] as number)) + bytes;
  return (doubles[DOUBLE.bytes] as number) + bytes <= capacityBytes && ofIssuer <= capacityBytes / 2;
}

/** What a new entry is made of. */
export interface NewEntry {
  readonly kind: number;
  readonly name: string;
  readonly issuer: string;
  /** Empty for a subject. */
  readonly digest: string;
  /** Bytes charged. */
  readonly bytes: number;
  /** 0 for a subject. */
  readonly expiresAtMs: number;
}

/** Cells that a text takes at most: known before it is encoded. */
function mostTextCells(text: string): number {
  return textCells(text.length * 3);
}

/** Cells that are promised to an entry: its charge, and what its names take beyond what the charge has for them. */
export function promiseOfEntry({ name, digest, bytes }: NewEntry): number {
  const names = 2 + mostTextCells(name) + mostTextCells(digest);
  return Math.floor(bytes / CELL_BYTES) + Math.max(0, names - CHARGED_CELLS);
}

/** Cells that an issuer's own record takes at most. */
export function issuerCells(issuer: string): number {
  return 1 + mostTextCells(issuer);
}

function findOrAddIssuer(table: SharedTable, issuer: string): number {
  encodeText(second, issuer);
  const hash = hashKey(table, KIND.issuer, second);
  const known = findEncoded(table, KIND.issuer, second, hash);
  if (known !== 0) return known;
  const cell = takeCell(table);
  const at = cell * CELL_WORDS;
  const first = writeText(table, second, () => takeCell(table));
  promiseCells(table, 1 + textCells(second.length));
  table.words[at + ENTRY.account] = first;
  table.words[at + ENTRY.once] = second.length;
  table.doubles[cell * CELL_DOUBLES + COUNT.used] = 0;
  table.doubles[cell * CELL_DOUBLES + COUNT.attempts] = 0;
  linkCell(table, cell, hash, KIND.issuer);
  return cell;
}

function giveList(table: SharedTable, first: number, give: (cell: number) => void): void {
  for (let cell = first; cell !== 0; ) {
    const next = table.words[cell * CELL_WORDS + NEXT] as number;
    give(cell);
    cell = next;
  }
}

/** Charges an entry to its issuer, or gives its bytes back (below 0); an issuer without entries is forgotten. */
function charge(table: SharedTable, issuer: number, bytes: number, entries: 1 | -1): void {
  const { words, doubles } = table;
  (doubles[DOUBLE.bytes] as number) += bytes;
  const own = issuer * CELL_DOUBLES;
  (doubles[own + COUNT.used] as number) += bytes;
  const left = (doubles[own + COUNT.attempts] as number) + entries;
  doubles[own + COUNT.attempts] = left;
  if (left !== 0) return;
  const at = issuer * CELL_WORDS;
  promiseCells(table, -1 - textCells(words[at + ENTRY.once] as number));
  unlinkCell(table, issuer);
  giveList(table, words[at + ENTRY.account] as number, (cell) => giveCell(table, cell));
  giveCell(table, issuer);
}

/** Makes an entry that counts nothing yet; the caller knows that its promise and its issuer's record fit. Returns its cell. */
export function addEntry(table: SharedTable, entry: NewEntry): number {
  const { words, doubles } = table;
  const cell = takeCell(table);
  const account = takeCell(table);
  const at = account * CELL_WORDS;
  const promised = promiseOfEntry(entry);
  words.fill(0, at + NEXT, at + CELL_WORDS);
  words[at + ACCOUNT.promised] = promised;
  words[at + ACCOUNT.used] = 2;
  promiseCells(table, Math.max(promised, 2));
  words.fill(0, cell * CELL_WORDS + NEXT, cell * CELL_WORDS + CELL_WORDS);
  words[cell * CELL_WORDS + ENTRY.account] = account;
  const take = () => takeFor(table, account);
  encodeText(scratch, entry.digest);
  words[at + OWN.digest] = writeText(table, scratch, take);
  words[at + OWN.digestLength] = scratch.length;
  encodeText(scratch, entry.name);
  words[at + OWN.key] = writeText(table, scratch, take);
  words[at + OWN.keyLength] = scratch.length;
  linkCell(table, cell, hashKey(table, entry.kind, scratch), entry.kind);
  const issuer = findOrAddIssuer(table, entry.issuer);
  words[at + OWN.issuer] = issuer;
  doubles[account * CELL_DOUBLES + OWN_BYTES] = entry.bytes;
  doubles[account * CELL_DOUBLES + OWN_EXPIRES] = entry.expiresAtMs;
  charge(table, issuer, entry.bytes, 1);
  if (entry.kind === KIND.token) {
    doubles[DOUBLE.tokens] = (doubles[DOUBLE.tokens] as number) + 1;
    scheduleEntry(table, cell, account, entry.expiresAtMs + KEEP_AFTER_EXPIRY_MS);
  } else scheduleEntry(table, cell, account, Number.NEGATIVE_INFINITY);
  return cell;
}

/** Whether an entry of this promise fits, and its issuer's record with it. */
export function canAdd(table: SharedTable, entries: readonly NewEntry[], more: number): boolean {
  let cells = more;
  for (const entry of entries) cells += promiseOfEntry(entry) + issuerCells(entry.issuer);
  return canPromise(table, cells);
}

/** Takes an entry out of the table, with everything that hangs on it but its nonces, which are in chains of their own. */
export function removeEntry(table: SharedTable, entry: number): void {
  const { words, doubles } = table;
  const at = entry * CELL_WORDS;
  const account = accountOf(table, entry);
  const own = account * CELL_WORDS;
  const give = (cell: number) => giveFor(table, account, cell);
  unlinkCell(table, entry);
  unscheduleEntry(table, account);
  if (words[at + ENTRY.kind] === KIND.token) {
    doubles[DOUBLE.tokens] = (doubles[DOUBLE.tokens] as number) - 1;
  }
  if (words[at + ENTRY.rate] !== 0) giveSharedRate(table, account, words[at + ENTRY.rate] as number);
  giveList(table, words[at + ENTRY.leases] as number, give);
  giveList(table, words[own + OWN.key] as number, give);
  giveList(table, words[own + OWN.digest] as number, give);
  charge(
    table,
    words[own + OWN.issuer] as number,
    -(doubles[account * CELL_DOUBLES + OWN_BYTES] as number),
    -1,
  );
  // Only the two cells of the entry itself are left on its account.
  promiseCells(
    table,
    -Math.max(words[own + ACCOUNT.promised] as number, words[own + ACCOUNT.used] as number),
  );
  giveCell(table, account);
  giveCell(table, entry);
}

function detach(table: SharedTable, entry: number, subject: number): void {
  const { words, doubles } = table;
  const own = subject * CELL_DOUBLES;
  words[entry * CELL_WORDS + ENTRY.subject] = 0;
  const tokens = (doubles[own + COUNT.attempts] as number) - 1;
  doubles[own + COUNT.attempts] = tokens;
  (doubles[own + COUNT.used] as number) -= doubles[entry * CELL_DOUBLES + COUNT.used] as number;
  if (tokens === 0) scheduleEntry(table, subject, accountOf(table, subject), Number.NEGATIVE_INFINITY);
}

/** Takes a token off its subject, if it has one. */
export function detachToken(table: SharedTable, entry: number): void {
  const subject = table.words[entry * CELL_WORDS + ENTRY.subject] as number;
  if (subject !== 0) detach(table, entry, subject);
}

/** Makes a token one of a subject's live tokens; its calls count there from now on. */
export function attachToken(table: SharedTable, entry: number, subject: number): void {
  const { words, doubles } = table;
  if (words[entry * CELL_WORDS + ENTRY.subject] === subject) return;
  detachToken(table, entry);
  words[entry * CELL_WORDS + ENTRY.subject] = subject;
  const own = subject * CELL_DOUBLES;
  (doubles[own + COUNT.attempts] as number) += 1;
  (doubles[own + COUNT.used] as number) += doubles[entry * CELL_DOUBLES + COUNT.used] as number;
}

/** An entry's names and charge, as a snapshot needs them. */
export function readEntry(table: SharedTable, entry: number): NewEntry {
  const { words, doubles } = table;
  const account = accountOf(table, entry);
  const at = account * CELL_WORDS;
  const issuer = (words[at + OWN.issuer] as number) * CELL_WORDS;
  const text = (first: number, length: number) =>
    readText(table, words[first] as number, words[length] as number);
  return {
    kind: words[entry * CELL_WORDS + ENTRY.kind] as number,
    name: text(at + OWN.key, at + OWN.keyLength),
    issuer: text(issuer + ENTRY.account, issuer + ENTRY.once),
    digest: text(at + OWN.digest, at + OWN.digestLength),
    bytes: doubles[account * CELL_DOUBLES + OWN_BYTES] as number,
    expiresAtMs: doubles[account * CELL_DOUBLES + OWN_EXPIRES] as number,
  };
}
