/**
 * Opens tokens: strict checks first, then jose on the platform's native cryptography (token spec §4 steps 1 to 8).
 * Every failure is the same `null`; whoever presents a bad token learns nothing.
 */
import type { Claims } from './claims.ts';
import type { Keyring } from './keyring.ts';

/** An authentic token whose claims are well formed; not yet judged (judgeToken). */
export interface OpenedToken {
  claims: Claims;
  /** Names this release does not know. */
  unknown: readonly string[];
  kid: string;
  /** `ecc`: the key that signed. */
  signerKid?: string;
  /** base64url SHA-256 of the claims' bytes: with `iss` and `jti` the key of every counter. */
  claimsDigest: string;
  /** `kid:jti` (first 8 characters): how logs name the token. */
  id: string;
}

const SHAPE = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){4}$/;
/** Longest token, in characters. */
export const MAX_TOKEN_LENGTH = 4096;

/** Whether a text could be a token (steps 1 and 2): five base64url parts, at most 4096 characters. */
export function isTokenShaped(text: string): boolean {
  return text.length <= MAX_TOKEN_LENGTH && SHAPE.test(text);
}

/** Opens a token; null = `token_invalid`, for whatever reason. `now` in seconds. Never throws, never rejects. */
export function openToken(
  _token: string,
  _keyring: Keyring,
  _options: { now: number },
): Promise<OpenedToken | null> {
  throw new Error('not built yet');
}
