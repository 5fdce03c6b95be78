/** What forwarding can be told. Values come from `upstream` in config.json (config/sections.ts), turned into milliseconds by the composition root. */
import type { Secret } from 'relayapi-token';

/** Options of the forwarding stage. */
export interface ForwardingOptions {
  /** Name of this relay in `CDN-Loop: relayapi-<relayId>` (RFC 8586); letters, digits, `.`, `_`, `-`. Must differ between relays that may stand behind each other. */
  readonly relayId: string;
  /** Key of the HMAC over idempotency keys. Replicas must share it, or a retry on another replica counts as new upstream. */
  readonly idempotencySecret: Secret;
  /** Passes the provider's rate-limit headers on. Default false: they show what the account has left. */
  readonly passRateLimitHeaders?: boolean;
  /** Longest wait for the status after the last byte of the request went up, milliseconds. Default 600,000. */
  readonly headersTimeoutMs?: number;
  /** Longest silence of the upstream within an answer, milliseconds. Default 300,000. */
  readonly idleTimeoutMs?: number;
  /** How long an answer may go on after the token's `exp`, seconds, where the token sets no `stream_seconds`. Default 600. */
  readonly defaultStreamSeconds?: number;
  /** Silence of an event stream after which the relay sends a comment, milliseconds; 0 = never. Default 0. */
  readonly keepAliveCommentMs?: number;
}

/** An error body is read whole, up to this many bytes, before any of it is passed on. */
export const ERROR_BODY_BYTES = 64 * 1024;

/** A caller that is still uploading when its answer is ready may send this much more before the connection closes (behaviour.md §6). */
export const DISCARD_BYTES = 1024 * 1024;
/** And for this long, milliseconds. */
export const DISCARD_MS = 1000;

/** How long a refused credential rests, milliseconds (behaviour.md §5). */
export const CREDENTIAL_REST_MS = 30_000;

/** An error body has to be complete within this time, milliseconds. */
export const ERROR_BODY_MS = 30_000;
