/** The header list that goes up: an allow-list, never "all but" (behaviour.md §5). The caller's credentials have no way through. */
import type { AdmittedCall } from '../exchange.ts';
import type { Provider } from '../providers/provider.ts';
import { appendLoop } from './cdn-loop.ts';
import { headerValues, isHeaderText } from './header-text.ts';
import { sealIdempotencyKey } from './idempotency-key.ts';
import type { ForwardingOptions } from './options.ts';

/**
 * Never passed on whatever a provider entry says: credentials, framing, hop-by-hop fields, client addresses,
 * and what the relay sets itself.
 */
const NEVER = new Set([
  'accept-encoding',
  'api-key',
  'authorization',
  'cdn-loop',
  'connection',
  'content-encoding',
  'content-length',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'idempotency-key',
  'keep-alive',
  'openai-organization',
  'openai-project',
  'origin',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-api-key',
  'x-goog-api-key',
]);
const NEVER_PREFIX = ['relay-', 'sec-', 'x-forwarded-', 'proxy-'];

/** Flat header list for the upstream request, lower-case names; length and host are the transport's. */
export function buildRequestHeaders(
  call: AdmittedCall,
  name: string,
  options: Pick<ForwardingOptions, 'idempotencySecret'>,
): string[] {
  const { arrival, route, body, opened } = call;
  const { provider, credential } = route;
  const raw = arrival.request.rawHeaders;
  const headers: string[] = [];
  const credentialName = credential?.name.toLowerCase() ?? null;

  const rebuiltAs = body.kind === 'bytes' ? body.contentType : null;
  if (body.kind !== 'none') push(headers, 'content-type', rebuiltAs ?? headerValues(raw, 'content-type')[0]);
  push(headers, 'accept', headerValues(raw, 'accept').join(', '));
  push(headers, 'user-agent', headerValues(raw, 'user-agent')[0]);

  const passed = new Set<string>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const field = (raw[i] as string).toLowerCase();
    if (passed.has(field) || field === credentialName || !mayPass(field, provider)) continue;
    passed.add(field);
    push(headers, field, headerValues(raw, field).join(', '));
  }
  for (const [field, value] of provider.defaultHeaders) {
    if (!headers.some((item, index) => index % 2 === 0 && item === field) && field !== credentialName) {
      push(headers, field, value);
    }
  }

  const idempotencyKey = headerValues(raw, 'idempotency-key')[0];
  if (idempotencyKey) {
    const { iss, jti } = opened.claims;
    headers.push('idempotency-key', sealIdempotencyKey(options.idempotencySecret, iss, jti, idempotencyKey));
  }
  headers.push('accept-encoding', 'identity');
  push(headers, 'cdn-loop', appendLoop(raw, name));
  if (credential) headers.push(credential.name.toLowerCase(), credential.value.reveal());
  return headers;
}

/** True when the provider's entry lets this request header (lower case) through. */
function mayPass(field: string, provider: Provider): boolean {
  if (NEVER.has(field) || NEVER_PREFIX.some((prefix) => field.startsWith(prefix))) return false;
  if (field === 'content-type' || field === 'accept' || field === 'user-agent') return false;
  return provider.passHeaders.some((rule) =>
    rule.endsWith('*') ? field.startsWith(rule.slice(0, -1)) : field === rule,
  );
}

function push(headers: string[], name: string, value: string | undefined): void {
  if (value !== undefined && value !== '' && isHeaderText(value)) headers.push(name, value);
}
