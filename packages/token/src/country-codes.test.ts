/** The list of country codes: complete by Unicode's data, and free of what is no country. */
import { describe, expect, test } from 'vitest';
import { findStrangeCountry, isCountryCode } from './country-codes.ts';

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const PAIRS = LETTERS.flatMap((first) => LETTERS.map((second) => first + second));

/** Regions with a name in Unicode's data that are no officially assigned code: reserved, groups, private use, and codes of countries that are gone. */
const NOT_ASSIGNED = new Set([
  ...['AC', 'CP', 'CQ', 'DG', 'EA', 'EU', 'EZ', 'IC', 'QO', 'TA', 'UN', 'XA', 'XB', 'ZZ'],
  ...['AN', 'BU', 'CS', 'DD', 'FX', 'NT', 'QU', 'SU', 'TP', 'UK', 'YD', 'YU', 'ZR'],
]);

describe('country codes', () => {
  test('are those to which Unicode gives a name, less what is reserved, gone or a group: 249, and Kosovo', () => {
    const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
    const named = PAIRS.filter((code) => {
      // an old code is given as the one that took its place
      const same = new Intl.Locale(`und-${code}`).region === code;
      return same && names.of(code) !== undefined && !NOT_ASSIGNED.has(code);
    });
    const known = PAIRS.filter(isCountryCode);
    expect(known).toEqual(named);
    expect(known.length).toBe(249 + 1);
    expect(isCountryCode('XK')).toBe(true);
  });

  test.each([
    'XX',
    'ZZ',
    'T1',
    'A1',
    'A2',
    'O1',
    'AP',
    'EU',
    'UK',
    'EL',
    'AN',
    'CS',
    'SU',
    'de',
    'De',
    'DEU',
    '',
  ])('%j is no country', (code) => {
    expect(isCountryCode(code)).toBe(false);
  });

  test('what is meant by a strange code is said', () => {
    expect(findStrangeCountry(['DE', 'AT', 'XK'])).toBeNull();
    expect(findStrangeCountry([])).toBeNull();
    expect(findStrangeCountry(['DE', 'UK'])).toBe(
      'holds UK, which is no ISO 3166-1 code of a country; write GB',
    );
    expect(findStrangeCountry(['EL'])).toMatch(/write GR$/);
    expect(findStrangeCountry(['EU'])).toMatch(/one by one$/);
    expect(findStrangeCountry(['XX'])).toBe('holds XX, which is no ISO 3166-1 code of a country');
  });
});
