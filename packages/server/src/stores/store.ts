/** The port behind which counters live. One atomic `reserve` over every limit, one `settle` per reservation. */
import type { MaybePromise } from '../io.ts';

/** What one request wants to reserve. Times are wall milliseconds; windows in milliseconds. */
export interface ReservationRequest {
  /** Identity of the token's counters: issuer, `jti` and the digest of the claims. The same pair with another digest is `mismatch`. */
  readonly issuer: string;
  readonly jti: string;
  readonly claimsDigest: string;
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
  readonly calls?: number;
  readonly attempts?: number;
  readonly rate?: { readonly count: number; readonly windowMs: number };
  readonly concurrency?: number;
  /** A nonce or idempotency key, as a 16-byte hash in base64url. */
  readonly once?: { readonly kind: 'nonce' | 'idempotency'; readonly hash: string };
  /** Ceilings per subject from the key file's `allow.per_sub`. */
  readonly perSubject?: {
    readonly subject: string;
    readonly tokens?: number;
    readonly calls?: number;
    readonly rate?: { readonly count: number; readonly windowMs: number };
    readonly concurrency?: number;
  };
  /** Life of the concurrency lease unless renewed. */
  readonly leaseMs: number;
}

/** A held reservation. Opaque but for what a UI may be told. */
export interface Reservation {
  readonly id: string;
  /** Calls left after this one; null without a limit. */
  readonly callsRemaining: number | null;
  /** False when it holds no concurrency lease, which would lapse unless renewed. Default true. */
  readonly leased?: boolean;
}

/** The first failing limit. */
export interface ReservationRefusal {
  readonly refused:
    | 'mismatch'
    | 'restarted'
    | 'capacity'
    | 'calls'
    | 'attempts'
    | 'rate'
    | 'concurrency'
    | 'nonce'
    | 'idempotency'
    /** The subject has as many live tokens as `perSubject.tokens` allows. */
    | 'subject-tokens'
    | 'down';
  /** When a retry can succeed (rate), wall milliseconds. */
  readonly retryAtMs?: number;
  /** True when the ceiling was the subject's, not the token's. */
  readonly perSubject?: boolean;
}

/** How a reservation ends (behaviour.md §2). `refund-5xx` is granted by the store only for the first two of a token, later ones within 5 s of `sentAtMs`. */
export interface Settlement {
  readonly calls: 'commit' | 'refund' | 'refund-5xx';
  /** Monotonic age of the request in ms when the upstream's status came, for `refund-5xx`. */
  readonly ageMs?: number;
}

/** A store of counters. */
export interface Store {
  readonly type: 'memory' | 'file' | 'redis';
  /** One sentence for the start line, /ready and the docs: what survives what. */
  readonly promise: string;
  /** All limits pass and all are reserved, or nothing changes. */
  reserve(request: ReservationRequest): MaybePromise<Reservation | ReservationRefusal>;
  /** Ends a reservation; the second call for the same one does nothing. Returns the calls remaining afterwards. */
  settle(reservation: Reservation, settlement: Settlement): MaybePromise<number | null>;
  /** Prolongs the concurrency lease of a running stream. */
  renew(reservation: Reservation, leaseMs: number): MaybePromise<void>;
  /** What would remain of `calls` if the reservation ended with this settlement now; for the `relay-calls-remaining` header. */
  preview(reservation: Reservation, settlement: Settlement): number | null;
  /** Ready to serve. */
  reachable(): boolean;
  /** Writes what must survive (memory: the snapshot) and lets go. */
  close(): Promise<void>;
}

/** Tells a refusal from a reservation. */
export function isRefusal(value: Reservation | ReservationRefusal): value is ReservationRefusal {
  return (value as Partial<ReservationRefusal>).refused !== undefined;
}
