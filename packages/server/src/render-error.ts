/**
 * A denial as an answer: status, headers and a body in the words that the caller's SDK reads (behaviour §7).
 * Pure. The headers of every answer (CORS, cache; base-headers.ts) are merged in by the caller.
 */
import type { ErrorShape } from './dialects/dialect.ts';
import { type Denial, ERRORS, type ErrorCode, type ErrorRow } from './errors.ts';
import type { HeaderList } from './io.ts';

/** What of a request decides how its error looks; an `Arrival` fits. */
export interface ErrorAudience {
  readonly shape: ErrorShape;
  /** True when `Accept` names application/problem+json; counts only where the union body would stand. */
  readonly problemJson: boolean;
  readonly requestId: string;
}

/** An error answer, complete but for the headers of every answer. */
export interface RenderedError {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/** What a body is made of. */
interface Parts {
  readonly code: ErrorCode;
  readonly row: ErrorRow;
  readonly status: number;
  readonly message: string;
  readonly param: string | null;
  /** Null where bodies must be alike for all requests. */
  readonly requestId: string | null;
  readonly waitMs: number | null;
}

const MAX_WAIT_MS = 60_000;
/** Statuses that SDKs retry or agents loop on unless told not to. */
const RETRIED = new Set([401, 402, 403, 408, 409, 429]);
const encoder = new TextEncoder();

/** Renders a denial for an audience. `nowMs` is the wall time that `retryAtMs` is measured against. Never throws. */
export function renderError(
  denial: Denial,
  audience: ErrorAudience,
  nowMs: number = Date.now(),
): RenderedError {
  const code = denial.denied;
  const row: ErrorRow = ERRORS[code];
  // A 401 would start an OAuth dance in MCP clients.
  const hidden401 = row.status === 401 && audience.shape === 'jsonrpc';
  const status = hidden401 ? 403 : row.status;
  const wait = readWait(denial, status, nowMs);
  const param = denial.param === undefined ? null : printable(denial.param);
  const parts: Parts = {
    code,
    row,
    status,
    message: param === null ? row.message : `${row.message} (${param})`,
    param,
    requestId: code === 'token_invalid' ? null : audience.requestId,
    waitMs: wait?.ms ?? null,
  };
  const problem = audience.shape === 'union' && audience.problemJson;
  const body = bodyOf(parts, problem ? problemBody : BODIES[audience.shape]);
  const headers: Array<readonly [string, string]> = [
    ['content-type', problem ? 'application/problem+json' : 'application/json'],
    ['content-length', String(body.length)],
    ...(denial.headers ?? []),
  ];
  if (status === 401) headers.push(['www-authenticate', challenge(code)]);
  if (wait !== null) {
    headers.push(['retry-after', String(Math.ceil(wait.ms / 1000))], ['retry-after-ms', String(wait.ms)]);
  }
  if (denial.retryAtMs !== undefined) {
    headers.push(['relay-retry-at', String(Math.ceil(denial.retryAtMs / 1000))]);
  }
  const hopeless = row.retry === 'never' || wait?.capped === true;
  if (hopeless && (RETRIED.has(status) || status >= 500)) headers.push(['x-should-retry', 'false']);
  return { status, headers, body };
}

type MakeBody = (parts: Parts) => object;

/** Bodies of `token_invalid`: alike for all requests, and what a flood of guesses is answered with. */
const identical = new Map<MakeBody, Uint8Array>();

function bodyOf(parts: Parts, make: MakeBody): Uint8Array {
  const same = parts.code === 'token_invalid' && parts.param === null;
  const known = same ? identical.get(make) : undefined;
  if (known !== undefined) return known;
  const body = encoder.encode(JSON.stringify(make(parts)));
  if (same) identical.set(make, body);
  return body;
}

/** How long to wait, for 429 and 503: 1 to 60 s, since some SDKs sleep however long they are told. */
function readWait(denial: Denial, status: number, nowMs: number): { ms: number; capped: boolean } | null {
  if (status !== 429 && status !== 503) return null;
  const ms = denial.retryAtMs === undefined ? 1000 : Math.ceil(denial.retryAtMs - nowMs);
  if (!(ms > 1)) return { ms: 1, capped: false };
  return { ms: Math.min(ms, MAX_WAIT_MS), capped: status === 429 && ms > MAX_WAIT_MS };
}

/** RFC 6750 §3: without credentials the challenge names no error. */
function challenge(code: ErrorCode): string {
  return code === 'token_missing'
    ? 'Bearer realm="relayapi"'
    : 'Bearer realm="relayapi", error="invalid_token"';
}

/** Names come from authentic tokens, but may still hold anything. */
function printable(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?').slice(0, 128);
}

const BODIES: Readonly<Record<ErrorShape, MakeBody>> = {
  openai: openaiBody,
  anthropic: anthropicBody,
  google: googleBody,
  jsonrpc: jsonrpcBody,
  text: textBody,
  union: unionBody,
};

/** OpenAI's shape; the top-level message is what SDKs of compatible providers (groq, together) print. */
function openaiBody({ message, row, code, param }: Parts): object {
  return { error: { message, type: row.type, param, code }, message };
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  402: 'billing_error',
  404: 'not_found_error',
  504: 'timeout_error',
};

/** Anthropic's shape; its SDK prints a clean text only for a top-level message. */
function anthropicBody({ message, row, code, param, requestId }: Parts): object {
  const type = ANTHROPIC_TYPES[row.status] ?? row.type;
  return { type: 'error', error: { type, message, code, param }, message, ...requestIdMember(requestId) };
}

/** Google's shape (google.rpc.Status): `code` is the status as a number; the relay's code stands in ErrorInfo. */
function googleBody({ message, row, code, status, waitMs }: Parts): object {
  const details: object[] = [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: code.toUpperCase(),
      domain: 'relayapi',
    },
  ];
  if (status === 429 && waitMs !== null) {
    const retryDelay = `${Math.ceil(waitMs / 1000)}s`;
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay });
  }
  return { error: { code: status, message, status: row.rpc, details } };
}

/** JSON-RPC 2.0 for MCP routes; the id is unknown, since the body is not read. */
function jsonrpcBody({ message, code, status, requestId }: Parts): object {
  const data = { code, status, ...requestIdMember(requestId) };
  return { jsonrpc: '2.0', id: null, error: { code: -32000, message, data } };
}

/** The message itself as `error`. */
function textBody({ message, row, code, status, param, requestId }: Parts): object {
  return { error: message, code, type: row.type, status, param, ...requestIdMember(requestId) };
}

/** Everything that nearly every SDK looks for, in one body. */
function unionBody({ message, row, code, status, param, requestId }: Parts): object {
  return {
    type: 'error',
    error: { type: row.type, message, code, status, param },
    message,
    ...requestIdMember(requestId),
  };
}

/** Problem details (RFC 9457). */
function problemBody({ message, code, status, param, requestId }: Parts): object {
  return {
    type: `urn:relayapi:error:${code}`,
    title: ERRORS[code].message,
    status,
    detail: message,
    code,
    param,
    ...requestIdMember(requestId),
  };
}

function requestIdMember(requestId: string | null): { request_id?: string } {
  return requestId === null ? {} : { request_id: requestId };
}
