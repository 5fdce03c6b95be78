/**
 * Where a token stands in a URL (token spec §6): joining one to a relay's address, and finding it again.
 */
import { Secret } from './secret.ts';
import { isTokenShaped } from './token-shape.ts';

/** `relay` (with its base path, with or without the last slash) and a token as one base URL. */
export function joinRelayUrl(relay: string, token: string): string {
  return `${relay.endsWith('/') ? relay : `${relay}/`}${token}`;
}

/** The token in a relay URL or in a bare text, an `ek_` before it dropped; null when there is none. */
export function findToken(urlOrToken: string): Secret | null {
  const text = urlOrToken.trim();
  const bare = text.startsWith('ek_') ? text.slice(3) : text;
  if (isTokenShaped(bare)) return new Secret(bare);
  const path = /^[a-z]+:\/\/[^/?#]*(\/[^?#]*)/i.exec(text)?.[1];
  const segment = path?.split('/').find(isTokenShaped);
  return segment === undefined ? null : new Secret(segment);
}

/** Whether a URL stays on this machine, where http is no risk. */
export function isLoopbackUrl(text: string): boolean {
  const { hostname } = new URL(text);
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.[0-9.]+$/.test(hostname)
  );
}
