/** Request headers that are the relay's own business: no caller's line of these names goes up, and no entry or config may open one. */

const NAMES: ReadonlySet<string> = new Set([
  // credentials and identity
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'cookie',
  'openai-organization',
  'openai-project',
  'origin',
  'referer',
  'idempotency-key',
  // framing and hop by hop (RFC 9110 §7.6.1)
  'host',
  'connection',
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'accept-encoding',
  // where a call came from
  'cdn-loop',
  'forwarded',
  'via',
  'x-real-ip',
  // what signatures are sent in
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-content-sha256',
  'x-date',
  'x-security-token',
  'x-tc-timestamp',
  'x-tc-token',
]);
const PREFIXES: readonly string[] = ['relay-', 'sec-', 'x-forwarded-', 'proxy-'];

/** Whether a header (lower case) is one of them. */
export function isOwnedHeader(name: string): boolean {
  return NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Whether a rule of an entry (`x-name`, `x-name-*`) lets one of them through. */
export function reachesOwnedHeader(rule: string): boolean {
  if (!rule.endsWith('*')) return isOwnedHeader(rule);
  const beginning = rule.slice(0, -1);
  if (PREFIXES.some((prefix) => prefix.startsWith(beginning) || beginning.startsWith(prefix))) return true;
  for (const name of NAMES) if (name.startsWith(beginning)) return true;
  return false;
}
