/**
 * Fresh key files and claims for tests that need no fixed ones.
 */
import {
  createKeyring,
  createRai,
  type Keyring,
  type MintClaims,
  parseRai,
  type RaiFile,
} from 'relayapi-token';

/** A moment of 2027 at which all tests take place. */
export const NOW = 1_800_000_000;

/** A fresh pair, loaded on both sides. */
export interface LoadedPair {
  issuer: RaiFile;
  keyring: Keyring;
  /** The files as plain data. */
  raw: { issuer: Record<string, unknown>; relay: Record<string, unknown> };
}

/** A fresh pair for issuer `shop` and relay `relay.example.com`. */
export async function makePair(method: 'aes' | 'ecc', allow?: object): Promise<LoadedPair> {
  const pair = createRai({
    method,
    relay: 'https://relay.example.com/relayapi/',
    iss: 'shop',
    ...(allow === undefined ? {} : { allow }),
  });
  const { keyring, rejected } = await createKeyring([{ name: 'relay.rai', file: parseRai(pair.relay) }], {
    generation: 1,
  });
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  return {
    issuer: parseRai(pair.issuer),
    keyring,
    raw: { issuer: pair.issuer as Record<string, unknown>, relay: pair.relay as Record<string, unknown> },
  };
}

/** Claims that pass everything. */
export function makeClaims(extra: Partial<MintClaims> = {}): MintClaims {
  return {
    iss: 'shop',
    aud: 'relay.example.com',
    jti: 'AAECAwQFBgcICQoL',
    iat: NOW - 10,
    exp: NOW + 3000,
    upstream: { provider: 'openai', key: 'sk-demo-not-a-key' },
    ...extra,
  };
}
