/** What browsers are told (behaviour §4): preflights are answered for anybody, relayed answers name the token's own origin. Credentials never. */
import type { Claims } from 'relayapi-token';
import { BASE_HEADERS, OPEN_HEADERS, RELAYED_METHODS } from '../base-headers.ts';
import type { Arrival } from '../exchange.ts';
import type { HeaderList } from '../io.ts';

const FIELD_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const MAX_ASKED = 128;

/** The headers a page wants to send, as far as they are header names. */
function readAsked(value: string | null): string {
  if (value === null) return '';
  const names = value.split(',', MAX_ASKED).map((name) => name.trim());
  return names.filter((name) => FIELD_NAME.test(name)).join(', ');
}

/** Headers of the 204 that answers a preflight. */
export function preflightHeaders(arrival: Arrival, privateNetwork: boolean): HeaderList {
  const headers: Array<readonly [string, string]> = [
    ...OPEN_HEADERS,
    ['access-control-allow-methods', RELAYED_METHODS],
    ['access-control-max-age', '600'],
    ['x-request-id', arrival.requestId],
  ];
  const asked = readAsked(arrival.header('access-control-request-headers'));
  if (asked !== '') headers.push(['access-control-allow-headers', asked]);
  if (privateNetwork && arrival.header('access-control-request-private-network') === 'true') {
    headers.push(['access-control-allow-private-network', 'true']);
  }
  return headers;
}

/** Headers of any other answer. With claims (a relayed answer) they name the token's origin and expiry; without, any page may read the refusal. */
export function answerHeaders(arrival: Arrival, claims: Claims | null): HeaderList {
  const id = ['x-request-id', arrival.requestId] as const;
  if (claims === null) return [...OPEN_HEADERS, id];
  const expires = ['relay-expires', String(claims.exp)] as const;
  if (claims.origins === undefined) return [...OPEN_HEADERS, id, expires];
  const { origin } = arrival;
  // `none` in the list stands for a missing Origin, never for one spelt so.
  const listed = origin !== null && origin !== 'none' && claims.origins.includes(origin);
  if (!listed) return [...BASE_HEADERS, id, expires];
  return [['access-control-allow-origin', origin], ...BASE_HEADERS, id, expires];
}
