import { describe, expect, it } from 'vitest';
import { makeArrival, makeClaims } from '../../../test/support/policy.ts';
import { formatAddress } from '../../address.ts';
import type { CountryLookup } from '../country-lookup.ts';
import { checkCountries } from './countries.ts';

type Told = string | null | undefined;

/** `told`: what the proxy says (undefined nothing, null unknown); `found`: what the file says (undefined: no file). */
function verdict(
  countries: readonly string[] | undefined,
  told: Told,
  found: Told,
  client: string | null = '192.0.2.1',
) {
  const lookup: CountryLookup | null = found === undefined ? null : { find: () => found };
  const arrival = makeArrival({ client, proxyCountry: told === undefined ? null : { code: told } });
  const denial = checkCountries(makeClaims(countries === undefined ? {} : { countries }), arrival, lookup);
  return denial === null ? 'ok' : `${denial.denied}: ${denial.reason}`;
}

describe('countries', () => {
  it('admits anybody without the claim, and asks nobody', () => {
    const lookup: CountryLookup = {
      find() {
        throw new Error('asked');
      },
    };
    expect(checkCountries(makeClaims(), makeArrival(), lookup)).toBeNull();
    expect(verdict(undefined, null, null)).toBe('ok');
  });

  it.each<[Told, Told, string]>([
    ['DE', undefined, 'ok'],
    ['AT', undefined, 'ok'],
    ['FR', undefined, 'ip_denied: country FR'],
    [undefined, 'DE', 'ok'],
    [undefined, 'FR', 'ip_denied: country FR'],
    ['DE', 'AT', 'ok'],
    ['DE', 'FR', 'ip_denied: country FR'],
    ['FR', 'DE', 'ip_denied: country FR'],
    ['DE', null, 'ok'],
    ['FR', null, 'ip_denied: country FR'],
    [null, 'DE', 'ip_denied: country unknown to the proxy'],
    [null, undefined, 'ip_denied: country unknown to the proxy'],
    [undefined, null, 'ip_denied: country unknown'],
    [undefined, undefined, 'ip_denied: country unknown'],
    ['DE', 'XX', 'ok'],
    [undefined, 'XX', 'ip_denied: country unknown'],
    [undefined, 'de', 'ip_denied: country unknown'],
    [undefined, '', 'ip_denied: country unknown'],
  ])('DE and AT allowed, the proxy says %j, the file %j: %s', (told, found, expected) => {
    expect(verdict(['DE', 'AT'], told, found)).toBe(expected);
  });

  it('names the claim that refused', () => {
    const arrival = makeArrival({ proxyCountry: { code: 'FR' } });
    expect(checkCountries(makeClaims({ countries: ['DE'] }), arrival, null)).toEqual({
      denied: 'ip_denied',
      param: 'countries',
      reason: 'country FR',
    });
  });

  it('admits nobody by codes that are no country’s, nor by an empty list', () => {
    for (const code of ['XX', 'EU', 'T1', 'ZZ'])
      expect(verdict([code], undefined, code)).toMatch(/^ip_denied/);
    expect(verdict([], 'DE', 'DE')).toMatch(/^ip_denied/);
  });

  it.each([
    null,
    '',
    'localhost',
    '127.1',
    '::203.0.113.5',
    '::1',
    '::',
    '64:ff9b::203.0.113.5',
    '64:ff9b:1:ffff::1',
    '2001::1',
    '2001:0:ffff:ffff:ffff:ffff:ffff:ffff',
    '2002::1',
    '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ])('asks no file about %j', (client) => {
    expect(verdict(['DE'], undefined, 'DE', client)).toBe('ip_denied: country unknown');
    expect(verdict(['DE'], 'DE', 'FR', client)).toBe('ok');
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:1::1', '2001:1::1'],
    ['2003::1', '2003::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['10.0.0.1', '10.0.0.1'],
    ['::1:0:0', '::1:0:0'],
  ])('asks it about %s as %s', (client, asked) => {
    const seen: string[] = [];
    const lookup: CountryLookup = {
      find(address) {
        seen.push(formatAddress(address));
        return 'DE';
      },
    };
    expect(checkCountries(makeClaims({ countries: ['DE'] }), makeArrival({ client }), lookup)).toBeNull();
    expect(seen).toEqual([asked]);
  });
});
