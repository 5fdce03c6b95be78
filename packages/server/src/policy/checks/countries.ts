/**
 * `countries`: where the caller is, by the proxy in front, by the operator's file, or by both (token spec §5).
 * With both, each that knows a country must name one of the list: neither may widen what the other would refuse.
 */
import { type Claims, isCountryCode } from 'relayapi-token';
import { type Address, type AddressRange, parseAddress, parseRange, rangeHolds } from '../../address.ts';
import { type Denial, deny } from '../../errors.ts';
import type { Arrival } from '../../exchange.ts';
import type { CountryLookup } from '../country-lookup.ts';

/**
 * IPv6 addresses with an IPv4 one inside: compatible and translated ones, 6to4, Teredo. A file answers for the address inside, which is
 * some server's or anybody's guess: with Teredo it is the server's, and callers choose theirs.
 */
const EMBEDDING = ['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '2001::/32', '2002::/16'].map(
  (text) => parseRange(text) as AddressRange,
);

function look(lookup: CountryLookup, client: string | null): string | null {
  const address: Address | null = client === null ? null : parseAddress(client);
  if (address === null || EMBEDDING.some((range) => rangeHolds(range, address))) return null;
  const code = lookup.find(address);
  return code !== null && isCountryCode(code) ? code : null;
}

function refuse(reason: string): Denial {
  return deny('ip_denied', { param: 'countries', reason });
}

/** `ip_denied` unless the caller's country is known and on the list. `lookup`: the operator's file, null without one. */
export function checkCountries(
  claims: Claims,
  arrival: Pick<Arrival, 'client' | 'proxyCountry'>,
  lookup: CountryLookup | null,
): Denial | null {
  const { countries } = claims;
  if (countries === undefined) return null;
  const told = arrival.proxyCountry();
  // a proxy that answers "unknown" (XX, T1, two lines) has answered: the file does not overrule it
  if (told !== null && told.code === null) return refuse('country unknown to the proxy');
  const found = lookup === null ? null : look(lookup, arrival.client);
  const known = [told?.code ?? null, found].filter((code) => code !== null);
  if (known.length === 0) return refuse('country unknown');
  const other = known.find((code) => !countries.includes(code));
  return other === undefined ? null : refuse(`country ${other}`);
}
