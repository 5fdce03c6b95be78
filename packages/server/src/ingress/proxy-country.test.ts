import { isCountryCode } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { readProxyCountry } from './proxy-country.ts';

describe('the country that a proxy names', () => {
  it('is nothing without a line', () => {
    expect(readProxyCountry(undefined)).toBeNull();
    expect(readProxyCountry([])).toBeNull();
  });

  it('is one code in one line, in any case, with blanks around', () => {
    for (const line of ['DE', 'de', 'De', ' DE', 'DE\t', '\t de '])
      expect(readProxyCountry([line])).toEqual({ code: 'DE' });
  });

  it.each([
    '',
    ' ',
    'X',
    'XX',
    'T1',
    'EU',
    'DEU',
    'DE,',
    'DE,DE',
    'D E',
    '"DE"',
    'DE\u00a0',
    '\u00df',
    'ſu',
    'ı',
    '日本',
    '١٢',
  ])('is unknown for %j', (line) => {
    expect(readProxyCountry([line])).toEqual({ code: null });
  });

  it('is unknown for several lines, even equal ones', () => {
    for (const lines of [
      ['DE', 'FR'],
      ['DE', 'DE'],
      ['DE', ''],
      ['', 'DE'],
      ['DE', 'DE', 'DE'],
    ]) {
      expect(readProxyCountry(lines)).toEqual({ code: null });
    }
  });

  it('takes no text of one or two characters but a code', () => {
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        const line = String.fromCharCode(first, second);
        const told = readProxyCountry([line]);
        const ascii = /^[A-Za-z]{2}$/.test(line) && isCountryCode(line.toUpperCase());
        if (told?.code !== (ascii ? line.toUpperCase() : null)) throw new Error(JSON.stringify(line));
      }
      if (readProxyCountry([String.fromCharCode(first)])?.code !== null) throw new Error(String(first));
    }
  });
});
