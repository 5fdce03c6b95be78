/** The header list that goes up: an allow-list, never "all but" (behaviour.md §5). The caller's credentials have no way through. */
import type { AdmittedCall } from '../exchange.ts';
import { headerValue, headerValues } from '../io.ts';
import { isOwnedHeader } from '../owned-headers.ts';
import type { Provider } from '../providers/provider.ts';
import { appendLoop } from './cdn-loop.ts';
import { isHeaderText } from './header-text.ts';
import { sealIdempotencyKey } from './idempotency-key.ts';
import type { ForwardingOptions } from './options.ts';

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
  const credentialName = credential?.kind === 'header' ? credential.name.toLowerCase() : null;

  const rebuiltAs = body.kind === 'bytes' ? body.contentType : null;
  if (body.kind !== 'none') push(headers, 'content-type', rebuiltAs ?? headerValue(raw, 'content-type'));
  push(headers, 'accept', headerValues(raw, 'accept').join(', '));
  push(headers, 'user-agent', headerValue(raw, 'user-agent'));

  for (let i = 0; i + 1 < raw.length; i += 2) {
    const field = passedName(raw[i] as string, provider);
    if (field === null || field === credentialName || holds(headers, field)) continue;
    push(headers, field, headerValues(raw, field).join(', '));
  }
  for (const [field, value] of provider.defaultHeaders) {
    if (!holds(headers, field) && field !== credentialName && !isSet(provider, field)) {
      push(headers, field, value);
    }
  }
  for (const [field, value] of provider.setHeaders) push(headers, field, fillVars(value, route.vars));

  const idempotencyKey = headerValue(raw, 'idempotency-key');
  if (idempotencyKey) {
    const { iss, jti } = opened.claims;
    headers.push('idempotency-key', sealIdempotencyKey(options.idempotencySecret, iss, jti, idempotencyKey));
  }
  headers.push('accept-encoding', 'identity');
  push(headers, 'cdn-loop', appendLoop(raw, name));
  if (credential?.kind === 'header') {
    headers.push(credential.name.toLowerCase(), credential.value.reveal());
  }
  return headers;
}

function isSet(provider: Provider, name: string): boolean {
  return provider.setHeaders.some(([field]) => field === name);
}

function fillVars(template: string, vars: Readonly<Record<string, string>>): string {
  return template.replace(/\{([a-z_][a-z0-9_]*)\}/g, (_, name: string) => vars[name] ?? '');
}

/** Whether a flat list has a line of this name. */
function holds(headers: readonly string[], name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return true;
  return false;
}

/** Spellings remembered per provider; callers choose them, so that more than these are judged anew each time. */
const MAX_SPELLINGS = 512;
const passedNames = new WeakMap<Provider, Map<string, string | null>>();

/** A field's name in lower case when the provider's entry lets it through, else null. */
function passedName(field: string, provider: Provider): string | null {
  let names = passedNames.get(provider);
  if (names === undefined) {
    names = new Map();
    passedNames.set(provider, names);
  }
  const known = names.get(field);
  if (known !== undefined) return known;
  const name = field.toLowerCase();
  const passed = mayPass(name, provider) ? name : null;
  if (names.size < MAX_SPELLINGS) names.set(field, passed);
  return passed;
}

/** True when the provider's entry lets this request header (lower case) through. */
function mayPass(field: string, provider: Provider): boolean {
  if (isOwnedHeader(field) || isSet(provider, field)) return false;
  if (field === 'content-type' || field === 'accept' || field === 'user-agent') return false;
  return provider.passHeaders.some((rule) =>
    rule.endsWith('*') ? field.startsWith(rule.slice(0, -1)) : field === rule,
  );
}

function push(headers: string[], name: string, value: string | null): void {
  if (value !== null && value !== '' && isHeaderText(value)) headers.push(name, value);
}
