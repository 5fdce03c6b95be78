/**
 * The country that a proxy in front names, in the header that config names. Believed from a trusted peer alone, by the rule that holds for
 * `X-Forwarded-For`; from anybody else the header is as if absent. Not here: whether the country may call (policy).
 */
import { isCountryCode } from 'relayapi-token';
import type { ProxyCountry } from '../exchange.ts';

/** Letters of ASCII alone: upper-casing makes `SS` of `ß`. */
const CODE = /^[A-Za-z]{2}$/;

/**
 * What the header lines say; null when there are none. Anything but one line with one country's code is no country: a proxy that adds
 * its line beside the caller's own must not let the caller choose.
 */
export function readProxyCountry(lines: readonly string[] | undefined): ProxyCountry | null {
  if (lines === undefined || lines.length === 0) return null;
  const [line, ...more] = lines as [string, ...string[]];
  const text = line.replace(/^[ \t]+|[ \t]+$/g, '');
  if (more.length > 0 || !CODE.test(text)) return { code: null };
  const code = text.toUpperCase();
  return { code: isCountryCode(code) ? code : null };
}
