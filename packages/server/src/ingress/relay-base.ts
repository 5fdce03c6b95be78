/** This relay's own URL as a caller reaches it, for URLs in answers that must lead back to it: configured, or what the request itself says. */
import { joinRelayUrl } from 'relayapi-token';
import type { Arrival } from '../exchange.ts';
import { headerValue, headerValues, type InboundRequest } from '../io.ts';
import { isTrustedPeer } from './client-address.ts';
import type { IngressOptions } from './options.ts';

const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** URL up to where a path is appended, with the token where the caller has it: in the path, else `-`. Null when no host is known. */
export function relayBaseOf(
  { request, token, tokenPlace }: Pick<Arrival, 'request' | 'token' | 'tokenPlace'>,
  options: Pick<IngressOptions, 'basePath' | 'publicUrl' | 'trustedProxies'>,
): string | null {
  const place = tokenPlace === 'path' ? token?.reveal() : '-';
  if (place === undefined) return null;
  if (options.publicUrl !== null) return joinRelayUrl(options.publicUrl, place);
  const origin = request.origin ?? originByHeaders(request, options);
  return origin === null ? null : `${origin}${options.basePath}${place}`;
}

function originByHeaders(
  { rawHeaders, peerAddress }: InboundRequest,
  { trustedProxies }: Pick<IngressOptions, 'trustedProxies'>,
): string | null {
  const host = headerValue(rawHeaders, 'host');
  if (host === null || !HOST.test(host)) return null;
  const said = isTrustedPeer(peerAddress, trustedProxies)
    ? headerValues(rawHeaders, 'x-forwarded-proto')
    : [];
  // the last entry is the nearest proxy's; without one the caller speaks to this listener, which has no TLS
  const nearest = said.join(',').split(',').at(-1)?.trim().toLowerCase();
  return `${nearest === 'https' ? 'https' : 'http'}://${host}`;
}
