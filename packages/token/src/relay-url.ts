/**
 * Where a token stands in a URL (token spec §6): joining one to a relay's address, and finding it again.
 */
import { isTokenShaped } from './open.ts';

/** `relay` (with its base path, with or without the last slash) and a token as one base URL. */
export function joinRelayUrl(relay: string, token: string): string {
  return `${relay.endsWith('/') ? relay : `${relay}/`}${token}`;
}

/** The token in a relay URL or in a bare text, an `ek_` before it dropped; null when there is none. */
export function findToken(urlOrToken: string): string | null {
  const text = urlOrToken.trim();
  const bare = text.startsWith('ek_') ? text.slice(3) : text;
  if (isTokenShaped(bare)) return bare;
  const path = /^[a-z]+:\/\/[^/?#]*(\/[^?#]*)/i.exec(text)?.[1];
  if (path === undefined) return null;
  for (const segment of path.split('/')) if (isTokenShaped(segment)) return segment;
  return null;
}
