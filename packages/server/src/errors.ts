/**
 * The one table of everything the relay refuses or fails with: code, status, public words, retry advice, log level.
 * Codes are public API and frozen once released; docs/errors.md is held to this table by a test.
 */

/** How a caller's own retry logic should take an error. */
export type Retry = 'never' | 'later';

/** One row of the error table. */
export interface ErrorRow {
  /** HTTP status (RFC 9110 §15). */
  readonly status: number;
  /** What the caller reads; never holds a secret or anything of the request. */
  readonly message: string;
  /** `never` sends `x-should-retry: false` on the statuses that SDKs would retry or loop on. */
  readonly retry: Retry;
  /** OpenAI's and Anthropic's `error.type`. */
  readonly type: string;
  /** Google's `error.status` (google.rpc.Code). */
  readonly rpc: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
}

function row(
  status: number,
  type: string,
  rpc: string,
  message: string,
  more: Partial<ErrorRow> = {},
): ErrorRow {
  return { status, type, rpc, message, retry: 'never', level: 'info', ...more };
}

const AUTH = 'authentication_error';
const INVALID = 'invalid_request_error';
const DENIED = 'permission_error';
const LIMIT = 'rate_limit_error';
const API = 'api_error';
const LATER = { retry: 'later' } as const;

/** Every error code with its row. The order is that of the status. */
export const ERRORS = {
  nonce_missing: row(
    400,
    INVALID,
    'INVALID_ARGUMENT',
    'This relay URL needs a fresh Relay-Nonce or Idempotency-Key header on each request.',
  ),
  token_unsupported: row(
    400,
    INVALID,
    'INVALID_ARGUMENT',
    'This relay URL carries a limit that this relay does not know.',
  ),
  provider_unknown: row(
    400,
    INVALID,
    'INVALID_ARGUMENT',
    'This relay does not know the provider that the relay URL names.',
  ),
  bad_target: row(400, INVALID, 'INVALID_ARGUMENT', 'The request path is not one that can be relayed.'),
  bad_framing: row(400, INVALID, 'INVALID_ARGUMENT', 'The request is not framed as HTTP/1.1 requires.'),
  bad_body: row(
    400,
    INVALID,
    'INVALID_ARGUMENT',
    'The request body is not the strict JSON or form data that this relay URL needs.',
  ),
  bad_credentials: row(
    400,
    INVALID,
    'INVALID_ARGUMENT',
    'The request carries more than one relay token or a malformed credential header.',
  ),
  loop_detected: row(400, INVALID, 'INVALID_ARGUMENT', 'The request has already passed through this relay.', {
    level: 'warn',
  }),
  token_missing: row(401, AUTH, 'UNAUTHENTICATED', 'No relay token in the path or in a credential header.'),
  token_invalid: row(401, AUTH, 'UNAUTHENTICATED', 'The relay token is not valid.'),
  token_expired: row(401, AUTH, 'UNAUTHENTICATED', 'The relay URL has expired.'),
  token_not_yet_valid: row(401, AUTH, 'UNAUTHENTICATED', 'The relay URL is not valid yet.'),
  relay_restarted: row(
    401,
    AUTH,
    'UNAUTHENTICATED',
    'The relay lost its counters; ask for a new relay URL.',
    { level: 'warn' },
  ),
  calls_exhausted: row(
    402,
    'insufficient_quota',
    'RESOURCE_EXHAUSTED',
    'All calls of this relay URL are used up.',
  ),
  attempts_exhausted: row(
    402,
    'insufficient_quota',
    'RESOURCE_EXHAUSTED',
    'All attempts of this relay URL are used up.',
  ),
  budget_exhausted: row(
    402,
    'insufficient_quota',
    'RESOURCE_EXHAUSTED',
    'The budget of this relay URL is used up.',
  ),
  claim_not_allowed: row(
    403,
    DENIED,
    'PERMISSION_DENIED',
    'The relay URL asks for more than its key may grant.',
    { level: 'warn' },
  ),
  ip_denied: row(403, DENIED, 'PERMISSION_DENIED', 'This relay URL may not be used from this address.'),
  origin_denied: row(403, DENIED, 'PERMISSION_DENIED', 'This relay URL may not be used from this origin.'),
  method_denied: row(
    403,
    DENIED,
    'PERMISSION_DENIED',
    'This relay URL may not be used for this kind of request.',
  ),
  path_denied: row(403, DENIED, 'PERMISSION_DENIED', 'This relay URL does not open this endpoint.'),
  model_denied: row(403, DENIED, 'PERMISSION_DENIED', 'This relay URL does not allow this model.'),
  feature_denied: row(
    403,
    DENIED,
    'PERMISSION_DENIED',
    'This relay URL does not allow a feature that the body uses.',
  ),
  destination_denied: row(
    403,
    DENIED,
    'PERMISSION_DENIED',
    'The upstream address is not one this relay may call.',
    { level: 'warn' },
  ),
  token_revoked: row(403, DENIED, 'PERMISSION_DENIED', 'This relay URL has been revoked.'),
  nonce_replayed: row(403, DENIED, 'PERMISSION_DENIED', 'This Relay-Nonce was used before.'),
  not_found: row(404, INVALID, 'NOT_FOUND', 'Nothing here.', { level: 'debug' }),
  method_not_allowed: row(405, INVALID, 'INVALID_ARGUMENT', 'This method cannot be relayed.'),
  request_timeout: row(408, INVALID, 'DEADLINE_EXCEEDED', 'The request arrived too slowly.', LATER),
  idempotency_replayed: row(409, INVALID, 'ABORTED', 'This Idempotency-Key was used before.'),
  request_too_large: row(
    413,
    'request_too_large',
    'INVALID_ARGUMENT',
    'The request body is larger than allowed.',
  ),
  uri_too_long: row(414, INVALID, 'INVALID_ARGUMENT', 'The request URL is longer than 8 KiB.'),
  unsupported_body: row(
    415,
    INVALID,
    'INVALID_ARGUMENT',
    'The request body has a type or encoding that this relay URL cannot check.',
  ),
  upgrade_required: row(426, INVALID, 'FAILED_PRECONDITION', 'WebSocket is not relayed here; use HTTP.'),
  rate_limited: row(429, LIMIT, 'RESOURCE_EXHAUSTED', 'Too many requests.', LATER),
  concurrency_limited: row(429, LIMIT, 'RESOURCE_EXHAUSTED', 'Too many requests at the same time.', LATER),
  headers_too_large: row(431, INVALID, 'INVALID_ARGUMENT', 'The request headers are larger than allowed.'),
  internal: row(500, API, 'INTERNAL', 'The relay failed.', { retry: 'later', level: 'error' }),
  upstream_unreachable: row(502, API, 'UNAVAILABLE', 'The provider could not be reached.', {
    retry: 'later',
    level: 'warn',
  }),
  upstream_auth: row(502, API, 'UNAVAILABLE', 'The provider refused the credential of this relay.', {
    level: 'error',
  }),
  upstream_redirect: row(
    502,
    API,
    'UNAVAILABLE',
    'The provider answered with a redirect, which is not followed.',
    { level: 'warn' },
  ),
  upstream_encoding: row(
    502,
    API,
    'UNAVAILABLE',
    'The provider answered in an encoding that was not asked for.',
    { level: 'warn' },
  ),
  upstream_invalid: row(502, API, 'UNAVAILABLE', 'The provider gave an answer that cannot be passed on.', {
    level: 'warn',
  }),
  capacity: row(503, API, 'UNAVAILABLE', 'The relay is at capacity.', { retry: 'later', level: 'warn' }),
  store_down: row(503, API, 'UNAVAILABLE', 'The relay cannot reach its counters.', {
    retry: 'later',
    level: 'error',
  }),
  draining: row(503, API, 'UNAVAILABLE', 'The relay is shutting down.', LATER),
  upstream_timeout: row(504, API, 'DEADLINE_EXCEEDED', 'The provider took too long to answer.', {
    level: 'warn',
  }),
} as const satisfies Record<string, ErrorRow>;

/** A code of the error table. */
export type ErrorCode = keyof typeof ERRORS;

/** Why a request goes no further. A value, never thrown. */
export interface Denial {
  readonly denied: ErrorCode;
  /** What may be added for the caller: a claim's or limit's NAME, never a value of the token. */
  readonly param?: string;
  /** When a retry can succeed, wall time in milliseconds. */
  readonly retryAtMs?: number;
  /** For the operator's log only: no secrets here either. */
  readonly reason?: string;
  /** Extra headers the status asks for, e.g. `allow` with 405. */
  readonly headers?: ReadonlyArray<readonly [string, string]>;
}

/** Makes a denial. */
export function deny(code: ErrorCode, more: Omit<Denial, 'denied'> = {}): Denial {
  return { denied: code, ...more };
}

/** Tells a denial from any other value a stage may return. */
export function isDenial(value: unknown): value is Denial {
  return typeof value === 'object' && value !== null && (value as Partial<Denial>).denied !== undefined;
}
