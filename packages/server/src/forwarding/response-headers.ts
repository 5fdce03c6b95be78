/** The header list that a relayed answer carries: the relay's own lines, then an allow-list of the upstream's (behaviour.md §5). */
import { exposeAlso } from '../base-headers.ts';
import type { AdmittedCall, Arrival, RouteIds } from '../exchange.ts';
import { type HeaderList, headerValue, type RawHeaders } from '../io.ts';
import { isHeaderText } from './header-text.ts';

/** Passed on as they came. `content-length` and `retry-after` have rules of their own. */
const PASSED = ['content-type', 'content-disposition', 'content-range', 'accept-ranges'] as const;

const RATE_LIMIT = /^(?:x-ratelimit-|anthropic-ratelimit-|ratelimit-|ratelimit$)/;
const MAX_RATE_LIMIT_HEADERS = 32;
const MAX_RETRY_SECONDS = 60;

/** What the list depends on besides the upstream's lines. */
export interface PassedHeaderOptions {
  readonly passRateLimitHeaders: boolean;
  /** Body length to declare; null when it is not known. */
  readonly contentLength: number | null;
  /** Wall time, for `Retry-After` as a date. */
  readonly nowMs: number;
}

/** The upstream's lines that may be passed on, lower-case names. */
export function pickResponseHeaders(
  status: number,
  rawHeaders: RawHeaders,
  requestIdHeader: string | null,
  options: PassedHeaderOptions,
): [string, string][] {
  const picked: [string, string][] = [];
  const pick = (name: string, value: string | null, max = 1024) => {
    if (value !== null && value !== '' && value.length <= max && isHeaderText(value)) {
      picked.push([name, value]);
    }
  };
  for (const name of PASSED) pick(name, headerValue(rawHeaders, name));
  if (options.contentLength !== null) picked.push(['content-length', String(options.contentLength)]);
  if (requestIdHeader) pick('request-id', headerValue(rawHeaders, requestIdHeader.toLowerCase()), 256);
  picked.push(...retryHeaders(status, headerValue(rawHeaders, 'retry-after'), options.nowMs));
  if (options.passRateLimitHeaders) {
    const names = new Set<string>();
    for (let i = 0; i + 1 < rawHeaders.length && names.size < MAX_RATE_LIMIT_HEADERS; i += 2) {
      const name = (rawHeaders[i] as string).toLowerCase();
      if (!RATE_LIMIT.test(name) || names.has(name)) continue;
      names.add(name);
      pick(name, rawHeaders[i + 1] as string, 256);
    }
  }
  return picked;
}

/** Lines of the row's own: a URL that leads to the provider is led through the relay, or not passed on. */
export function rowHeaders(
  rawHeaders: RawHeaders,
  names: readonly string[],
  ids: RouteIds | null,
  { base, tokenPlace }: { readonly base: string | null; readonly tokenPlace: Arrival['tokenPlace'] },
): [string, string][] {
  const lines: [string, string][] = [];
  for (const name of names) {
    let value = headerValue(rawHeaders, name);
    if (value === null || value === '' || value.length > 4096 || !isHeaderText(value)) continue;
    if (ids?.urls.some((url) => 'header' in url && url.header === name)) {
      const there = ids.relayPath(value, tokenPlace);
      value = base === null || there === null ? null : base + there;
    }
    if (value !== null) lines.push([name, value]);
  }
  return lines;
}

/** Joins the lines that stand on every answer with those of this one; a name that stands already is not doubled. */
export function joinAnswerHeaders(
  call: AdmittedCall,
  own: HeaderList,
  callsRemaining: number | null,
): HeaderList {
  const standing = call.answerHeaders;
  const list = standing.slice();
  const shown: string[] = [];
  const more = call.route.endpoint?.answerHeaders;
  for (const line of own) {
    if (!holds(standing, line[0])) list.push(line);
    if (isRateLimit(line[0]) || more?.includes(line[0])) shown.push(line[0]);
  }
  if (!holds(standing, 'x-request-id')) list.push(['x-request-id', call.arrival.requestId]);
  if (callsRemaining !== null) list.push(['relay-calls-remaining', String(callsRemaining)]);
  // A script reads such a header only where it is exposed by its full name (behaviour.md §4).
  return exposeAlso(list, shown);
}

function holds(lines: HeaderList, name: string): boolean {
  for (const line of lines) if (line[0] === name) return true;
  return false;
}

/** Most names fall out by their first letter. */
function isRateLimit(name: string): boolean {
  const first = name[0];
  return (first === 'x' || first === 'a' || first === 'r') && RATE_LIMIT.test(name);
}

/**
 * `Retry-After` within 1 to 60 s, since some SDKs sleep however long they are told. A longer true wait on a 429 is told
 * in `relay-retry-at` (epoch seconds) and not to be retried by itself.
 */
function retryHeaders(status: number, value: string | null, nowMs: number): [string, string][] {
  if (value === null) return [];
  const text = value.trim();
  let seconds = Number.NaN;
  if (/^\d{1,10}$/.test(text)) seconds = Number(text);
  else if (text.endsWith(' GMT')) seconds = Math.ceil((Date.parse(text) - nowMs) / 1000);
  if (!Number.isFinite(seconds)) return [];
  const headers: [string, string][] = [
    ['retry-after', String(Math.min(MAX_RETRY_SECONDS, Math.max(1, seconds)))],
  ];
  if (status === 429 && seconds > MAX_RETRY_SECONDS) {
    headers.push(['x-should-retry', 'false'], ['relay-retry-at', String(Math.ceil(nowMs / 1000) + seconds)]);
  }
  return headers;
}
