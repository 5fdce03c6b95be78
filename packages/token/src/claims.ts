/**
 * The claims of a token: their types and the shape part of opening (token spec §4 step 8, §5).
 * Not here: anything that needs the clock or the key file (open.ts, judge.ts).
 */
import type { Secret } from './secret.ts';
import type { JsonValue } from './strict-json.ts';

/** Where a token's calls may go, and with which credential: exactly one of `key`, `credential`, `vault`. */
export interface UpstreamClaim {
  provider: string;
  key?: Secret;
  credential?: Readonly<Record<string, Secret>>;
  vault?: string;
  vars?: Readonly<Record<string, string>>;
  base?: string;
}

/** Ceilings over a token's life; an absent one does not apply. */
export interface Limits {
  calls?: number;
  attempts?: number;
  rate?: readonly [count: number, seconds: number];
  concurrency?: number;
  tokens?: number;
  micro_usd?: number;
  request_bytes?: number;
  response_bytes?: number;
  stream_seconds?: number;
}

/** Claims as opened: `upstream` is always a list, `limits` always there, keys are `Secret`s. Times are whole seconds. */
export interface Claims {
  iss: string;
  aud: string;
  jti: string;
  iat: number;
  exp: number;
  nbf?: number;
  sub?: string;
  cnf?: { jkt: string };
  upstream: readonly UpstreamClaim[];
  limits: Limits;
  models?: readonly string[];
  paths?: readonly string[];
  features?: readonly string[];
  origins?: readonly string[];
  /** CIDR list, or `first`, or `first/24,48`. */
  ips?: readonly string[] | string;
  set?: Readonly<Record<string, JsonValue>>;
  cap?: Readonly<Record<string, number>>;
  countries?: readonly string[];
  replay?: 'nonce' | 'idempotency';
  store_down?: 'closed' | 'open';
  meta?: JsonValue;
}

/** Well-formed claims and the names in them that this release does not know (`foo`, `limits.bar`). */
export interface ParsedClaims {
  claims: Claims;
  unknown: readonly string[];
}

/** What a relay can enforce beyond the core; a claim that needs more is `token_unsupported`. */
export interface TokenFeatures {
  countries: boolean;
  ipsFirst: boolean;
  modelTokens: boolean;
  money: boolean;
  proofOfPossession: boolean;
  upstreamList: boolean;
}

/** What this release supports: none of the optional features. */
export const CORE_FEATURES: TokenFeatures = Object.freeze({
  countries: false,
  ipsFirst: false,
  modelTokens: false,
  money: false,
  proofOfPossession: false,
  upstreamList: false,
});

/** Claims from their UTF-8 JSON; null when any rule of shape is broken. */
export function parseClaims(_bytes: Uint8Array): ParsedClaims | null {
  throw new Error('not built yet');
}

/** Attempts a token has: as claimed, else min(2·calls+8, calls+100), else undefined (no bound). */
export function effectiveAttempts(limits: Limits): number | undefined {
  if (limits.attempts !== undefined || limits.calls === undefined) return limits.attempts;
  return Math.min(2 * limits.calls + 8, limits.calls + 100, Number.MAX_SAFE_INTEGER);
}

/** The first claim that a relay with `supported` cannot enforce, or null. Used when minting and when opening. */
export function findUnsupported(_parsed: ParsedClaims, _supported: TokenFeatures): string | null {
  throw new Error('not built yet');
}
