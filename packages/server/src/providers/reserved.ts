/** Names that no entry and no config may open: where credentials stand, and the headers that the relay itself sets upstream. */

/** Query names that are dropped whatever an entry says (behaviour §5), lower case. */
export const NEVER_PASSED_QUERY: ReadonlySet<string> = new Set(['key', 'api_key', 'token', 'access_token']);

/** Request headers that a provider entry may neither pass on nor preset: credentials, hop-by-hop, identity, framing. */
export const RELAY_OWNED_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'cookie',
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'accept-encoding',
  'cdn-loop',
  'idempotency-key',
  'openai-organization',
  'openai-project',
  'origin',
  'referer',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]);
