/** `origins`: which browser origins may use the token (behaviour spec §4). Stops other sites, not programs outside a browser. */
import type { Claims } from 'relayapi-token';
import { type Denial, deny } from '../../errors.ts';
import type { Arrival } from '../../exchange.ts';

/** Where the page that sent a same-origin request stands: configured, or what `Host` names under either scheme. */
function ownOrigins(arrival: Arrival, configured: string | null): readonly string[] {
  if (configured !== null) return [configured];
  const host = arrival.header('host');
  return host === null ? [] : [`https://${host}`, `http://${host}`];
}

/** `origin_denied` unless the origin is listed exactly. `none` in the list admits requests without an `Origin`. */
export function checkOrigin(claims: Claims, arrival: Arrival, ownOrigin: string | null): Denial | null {
  const { origins } = claims;
  if (origins === undefined) return null;
  const { origin } = arrival;
  // `none` is a word of the claim and `null` what sandboxed pages send: neither is an origin that a caller may claim.
  if (origin !== null) {
    return origin !== 'none' && origin !== 'null' && origins.includes(origin) ? null : deny('origin_denied');
  }
  if (origins.includes('none')) return null;
  const own = arrival.sameOrigin && ownOrigins(arrival, ownOrigin).some((text) => origins.includes(text));
  return own ? null : deny('origin_denied');
}
