/**
 * What one access-log line says of an exchange: OpenTelemetry's names where there are some (behaviour spec §9).
 * Every text that a caller or a provider chose is masked, cut and freed of control characters here.
 */
import type { Denial } from '../errors.ts';
import type { AdmittedCall, Arrival, Opened, Outcome } from '../exchange.ts';
import { maskTarget, printable, redact } from '../redact.ts';
import type { LogFields } from './logger.ts';

/** A caller's text for the log, at most `length` characters. */
function safe(text: string, length: number): string {
  return redact(printable(text)).slice(0, length);
}

function optional(text: string | null | undefined, length: number): string | undefined {
  return text == null ? undefined : safe(text, length);
}

const round = (ms: number) => Math.round(ms * 10) / 10;

/** Who asked for what, and how long it took until `nowMs` (monotonic). */
export function arrivalFields(arrival: Arrival, opened: Opened | null, nowMs: number): LogFields {
  return {
    request_id: arrival.requestId,
    'http.request.method': safe(arrival.method, 16),
    'url.path': maskTarget(arrival.request.rawTarget),
    'client.address': arrival.client ?? undefined,
    origin: optional(arrival.origin, 256),
    token: opened?.name,
    issuer: opened?.claims.iss,
    sub: optional(opened?.claims.sub, 128),
    duration_ms: round(nowMs - arrival.startedAtMs),
  };
}

/** Why it went no further. */
export function denialFields(denial: Denial): LogFields {
  return {
    'error.type': denial.denied,
    param: optional(denial.param, 128),
    reason: optional(denial.reason, 512),
  };
}

/** What came of a forwarded call. */
export function outcomeFields({ route }: AdmittedCall, outcome: Outcome | null): LogFields {
  const usage = outcome?.usage;
  return {
    'gen_ai.provider.name': route.provider.id,
    'server.address': route.destination.origin,
    'http.response.status_code': outcome?.status ?? undefined,
    upstream_status: outcome?.upstreamStatus ?? undefined,
    upstream_ms: outcome?.ageMs == null ? undefined : round(outcome.ageMs),
    'http.request.body.size': outcome?.requestBytes,
    'http.response.body.size': outcome?.responseBytes,
    'gen_ai.usage.input_tokens': usage?.inputTokens,
    'gen_ai.usage.output_tokens': usage?.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': usage?.cachedInputTokens,
    caller_gone: outcome?.callerGone || undefined,
    cut: outcome?.cut || undefined,
    ...(outcome?.denial ? denialFields(outcome.denial) : {}),
  };
}

/** An exception, masked: kind, message, first lines of its stack, kind and message of its cause. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { 'exception.message': safe(String(error), 512) };
  const stack = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const cause = error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : undefined;
  return {
    'exception.type': error.name,
    'exception.message': safe(error.message, 2048),
    'exception.stacktrace': safe(
      stack
        .slice(0, 12)
        .map((line) => line.trim())
        .join(' | '),
      4096,
    ),
    'exception.cause': optional(cause, 512),
  };
}
