/**
 * What the memory store holds: one entry per token and one per subject, and how many bytes each may grow to.
 * Entries are charged in full when they are made, so that a known token never meets the capacity limit.
 */
import type { RateWindow } from './memory-rate.ts';
import { rateWindowBytes } from './memory-rate.ts';
import type { ReservationRequest } from './store.ts';

/** Lease id to expiry, monotonic milliseconds. */
export type Leases = Map<string, number>;

/** Counters of all live tokens of one subject. */
export interface SubjectEntry {
  readonly key: string;
  readonly issuer: string;
  readonly bytes: number;
  /** Live tokens that were used at least once. */
  tokens: number;
  /** Calls used by those tokens. */
  calls: number;
  rate: RateWindow | null;
  /** Null until there is one, as in a token's entry. */
  leases: Leases | null;
  /** The minute in which it is looked at next; null when in none. */
  duePage: number | null;
}

/** Counters of one token. */
export interface TokenEntry {
  readonly key: string;
  readonly issuer: string;
  readonly digest: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** Calls reserved and committed. */
  used: number;
  attempts: number;
  /** 5xx answers of the upstream so far. */
  serverErrors: number;
  rate: RateWindow | null;
  /** Null until there is one: empty collections would double an entry. */
  leases: Leases | null;
  /** Nonces or idempotency keys, hashed; null until there is one. */
  once: Set<string> | null;
  /** Null also once dropped: late settlements then leave the subject alone. */
  subject: SubjectEntry | null;
}

/** An entry with its own objects, before anything grows (measured on Node 26, rounded up). */
const ENTRY_BYTES = 640;
/** One nonce: a 22-character string and its slot in a growing Set. */
const ONCE_BYTES = 96;
/** One lease: id, number, slot. */
const LEASE_BYTES = 96;
/** Leases live no longer than the requests that hold them; more than these are the requests' own cost. */
const CHARGED_LEASES = 64;

/** Keys by request: a token's calls share one request, and a text that was looked up before is found faster than one put together anew. */
const tokenKeys = new WeakMap<ReservationRequest, string>();

/** Map key of a token: an issuer holds no space, so no two pairs share a key. */
export function tokenKey(request: ReservationRequest): string {
  const known = tokenKeys.get(request);
  if (known !== undefined) return known;
  const key = `${request.issuer} ${request.jti}`;
  tokenKeys.set(request, key);
  return key;
}

/** Map key of a subject, null when the key file sets no ceiling per subject. */
export function subjectKey(request: ReservationRequest): string | null {
  return request.perSubject === undefined ? null : `${request.issuer} ${request.perSubject.subject}`;
}

/** Bytes that a token's entry may grow to under its own limits. */
export function tokenBytes(request: ReservationRequest): number {
  const most = Math.min(request.calls ?? Number.POSITIVE_INFINITY, request.attempts ?? 0x1_0000);
  return (
    ENTRY_BYTES +
    tokenKey(request).length +
    request.claimsDigest.length +
    (request.rate === undefined ? 0 : rateWindowBytes(request.rate.count)) +
    (request.once === undefined ? 0 : ONCE_BYTES * most) +
    LEASE_BYTES * Math.min(request.concurrency ?? 0, CHARGED_LEASES)
  );
}

/** Bytes that a subject's entry may grow to. */
export function subjectBytes(request: ReservationRequest): number {
  const ceiling = request.perSubject;
  if (ceiling === undefined) return 0;
  return (
    ENTRY_BYTES +
    request.issuer.length +
    ceiling.subject.length +
    (ceiling.rate === undefined ? 0 : rateWindowBytes(ceiling.rate.count)) +
    LEASE_BYTES * Math.min(ceiling.concurrency ?? 0, CHARGED_LEASES)
  );
}

/** A fresh entry; counts nothing yet. */
export function createTokenEntry(request: ReservationRequest): TokenEntry {
  return {
    key: tokenKey(request),
    issuer: request.issuer,
    digest: request.claimsDigest,
    bytes: tokenBytes(request),
    expiresAtMs: request.expiresAtSeconds * 1000,
    used: 0,
    attempts: 0,
    serverErrors: 0,
    rate: null,
    leases: null,
    once: null,
    subject: null,
  };
}

/** A fresh entry; counts nothing yet. */
export function createSubjectEntry(key: string, issuer: string, bytes: number): SubjectEntry {
  return { key, issuer, bytes, tokens: 0, calls: 0, rate: null, leases: null, duePage: null };
}

/** Whether all `most` leases are held at `nowMs`; lapsed ones are let go. */
export function leasesFull(leases: Leases | null, most: number, nowMs: number): boolean {
  if (leases === null) return most === 0;
  if (leases.size < most) return false;
  for (const [id, expiresMs] of leases) if (expiresMs <= nowMs) leases.delete(id);
  return leases.size >= most;
}
