/**
 * What one access-log line says of an exchange: OpenTelemetry's names where there are some (behaviour spec §9).
 * Every text that a caller or a provider chose is masked, cut and freed of control characters here.
 */
import type { Denial } from '../errors.ts';
import type { AdmittedCall, Arrival, Opened, Outcome } from '../exchange.ts';
import { maskTarget } from '../redact.ts';
import { type LogFields, safeText } from './logger.ts';

function optional(text: string | null | undefined, length: number): string | undefined {
  return text == null ? undefined : safeText(text, length);
}

/** A scheme and a host, of labels that a name can have; nothing that a token or a key would fit into. */
const ORIGIN =
  /^[a-z][a-z0-9+.-]{0,31}:\/\/(?=.{1,260}$)\[?[A-Za-z0-9_-]{0,63}(?:[.:][A-Za-z0-9_-]{0,63})*\]?(?::\d{1,5})?$/;

/** The origin as sent when it is one: whoever puts something else there may have put a token. */
function originField(origin: string | null): string | undefined {
  if (origin === null || origin === 'null') return origin ?? undefined;
  return ORIGIN.test(origin) ? optional(origin, 256) : '(not an origin)';
}

const round = (ms: number) => Math.round(ms * 10) / 10;

/** Who asked for what, and how long it took until `nowMs` (monotonic). */
export function arrivalFields(arrival: Arrival, opened: Opened | null, nowMs: number): LogFields {
  return {
    request_id: arrival.requestId,
    'http.request.method': safeText(arrival.method, 16),
    'url.path': maskTarget(arrival.request.rawTarget),
    'client.address': arrival.client ?? undefined,
    origin: originField(arrival.origin),
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
