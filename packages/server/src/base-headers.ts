/**
 * Headers that stand on every answer of the relay, refusals and Node's own 400, 408 and 431 included (behaviour §4).
 * Not here: what depends on the caller or the token; ingress adds that.
 */
import type { HeaderList } from './io.ts';

/** Methods that are relayed, as CORS and `Allow` list them. */
export const RELAYED_METHODS = 'GET, POST, PUT, PATCH, DELETE, HEAD';

// What a page may read beyond the few that CORS always shows; full names, since `*` is a literal for some requests.
const EXPOSED_NAMES: readonly string[] = [
  'relay-calls-remaining',
  'relay-expires',
  'relay-budget-remaining',
  'relay-retry-at',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-request-id',
  'request-id',
  'www-authenticate',
  'mcp-session-id',
];

const EXPOSE = 'access-control-expose-headers';

/** Cache, framing and privacy headers of every answer, and the names that pages may read. Without `access-control-allow-origin`. */
export const BASE_HEADERS: HeaderList = [
  ['cache-control', 'private, no-store, no-transform'],
  ['x-accel-buffering', 'no'],
  ['referrer-policy', 'no-referrer'],
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; sandbox"],
  ['x-robots-tag', 'noindex'],
  ['vary', 'Origin'],
  [EXPOSE, EXPOSED_NAMES.join(', ')],
];

/** Headers of an answer that is the relay's own (refusals, preflights): any page may read it. */
export const OPEN_HEADERS: HeaderList = [['access-control-allow-origin', '*'], ...BASE_HEADERS];

/** The same headers with more names exposed; for headers passed on from the upstream, such as `x-ratelimit-*`. */
export function exposeAlso(headers: HeaderList, names: readonly string[]): HeaderList {
  if (names.length === 0) return headers;
  return headers.map(([name, value]) =>
    name === EXPOSE ? ([name, [value, ...names].join(', ')] as const) : ([name, value] as const),
  );
}
