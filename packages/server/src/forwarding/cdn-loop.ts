/** Loop detection by the CDN-Loop header, RFC 8586: every relay adds its name, and refuses what already bears it. */
import { headerValues, type RawHeaders } from '../io.ts';
import { isHeaderText } from './header-text.ts';

/** This relay's name in CDN-Loop. Throws a TypeError when `relayId` is not a plain word, which would be a bug of the caller. */
export function loopName(relayId: string): string {
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(relayId)) {
    throw new TypeError('relayId must be 1 to 128 of A-Z a-z 0-9 . _ -');
  }
  return `relayapi-${relayId}`;
}

/** True when any CDN-Loop line names this relay; parameters after `;` do not matter and case does not either. */
export function hasPassedUs(rawHeaders: RawHeaders, name: string): boolean {
  const own = name.toLowerCase();
  return headerValues(rawHeaders, 'cdn-loop').some((value) =>
    value.split(',').some((entry) => (entry.split(';', 1)[0] as string).trim().toLowerCase() === own),
  );
}

/** The value that goes up: what came, then our name. A line that could not be sent on is left out, lest it take our name with it. */
export function appendLoop(rawHeaders: RawHeaders, name: string): string {
  const lines = headerValues(rawHeaders, 'cdn-loop');
  if (lines.length === 0) return name;
  const passed = lines.filter((value) => value.trim() !== '' && isHeaderText(value));
  return [...passed, name].join(', ');
}
