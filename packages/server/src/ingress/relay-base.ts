/** This relay's own URL as a caller reaches it, for URLs in answers that must lead back to it: configured, or what the request itself says. */
import { joinRelayUrl } from 'relayapi-token';
import type { InboundRequest } from '../io.ts';
import { isTrustedPeer } from './client-address.ts';
import type { Head } from './head.ts';
import type { IngressOptions } from './options.ts';

const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** URL up to where a path is appended; `place` is the token, or `-` where it stands in a header. Null when no host is known. */
export function relayBaseOf(
  request: InboundRequest,
  head: Head,
  place: string,
  options: Pick<IngressOptions, 'basePath' | 'publicUrl' | 'trustedProxies'>,
): string | null {
  if (options.publicUrl !== null) return joinRelayUrl(options.publicUrl, place);
  const origin = request.origin ?? originByHeaders(request, head, options);
  return origin === null ? null : `${origin}${options.basePath}${place}`;
}

function originByHeaders(
  request: InboundRequest,
  head: Head,
  { trustedProxies }: Pick<IngressOptions, 'trustedProxies'>,
): string | null {
  const host = head.first('host');
  if (host === null || !HOST.test(host)) return null;
  const said = isTrustedPeer(request.peerAddress, trustedProxies) ? head.get('x-forwarded-proto') : undefined;
  // the last entry is the nearest proxy's; without one the caller speaks to this listener, which has no TLS
  const nearest = said?.join(',').split(',').at(-1)?.trim().toLowerCase();
  return `${nearest === 'https' ? 'https' : 'http'}://${host}`;
}
