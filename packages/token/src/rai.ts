/**
 * `.rai` files: version 2 (issuer, relay, shared) and version 1 (loaded as shared) (token spec §7).
 * Works on text or parsed JSON; reading from a disk and file modes belong to the caller.
 */
import type { EcPrivateKey, EcPublicKey, OctKey } from './keys.ts';

/** What a key file grants to the tokens of one issuer. Names as in the file. */
export interface Allow {
  /** Provider names; absent: every provider of the registry. */
  providers?: readonly string[];
  /** Hosts (`host` or `host:port`) that a `base` may name; default none. */
  hosts: readonly string[];
  /** Vault names; default none. */
  vault: readonly string[];
  /** Account-wide paths that a `paths` claim may open; default none. */
  paths: readonly string[];
  /** Longest `exp - iat`; default 86,400. */
  max_ttl_seconds: number;
  /** Most `limits.calls`; a token without `calls` is refused too. */
  max_calls?: number;
  /** Claims or limits that every token must carry (`calls`, `origins`, …). */
  require: readonly string[];
  /** Bounds over all live tokens of one `sub`; a token without `sub` is refused. */
  per_sub?: {
    tokens?: number;
    calls?: number;
    rate?: readonly [count: number, seconds: number];
    concurrency?: number;
  };
  /** Lets tokens say `store_down: "open"`; default false. */
  store_down?: boolean;
  /** The only names a `features` claim may hold; a token without the claim is refused. */
  features?: readonly string[];
}

/** Tokens that are refused although authentic. */
export interface Revoke {
  /** Tokens issued before this time (seconds); 0 = none. */
  iat_before: number;
  /** Per `sub`: its tokens issued before this time. */
  sub: Readonly<Record<string, number>>;
  /** Token ids. */
  jti: readonly string[];
  /** Key ids whose tokens are refused. */
  kid?: readonly string[];
}

/** The backend's file, method `aes`. */
export interface AesIssuerFile {
  version: 2;
  role: 'issuer';
  method: 'aes';
  /** URL that tokens are joined to; ends in `/`. */
  relay: string;
  aud: string;
  iss: string;
  /** `kid` of the key to seal with. */
  use: string;
  keys: readonly OctKey[];
}

/** The relay's file, method `aes`. */
export interface AesRelayFile {
  version: 2;
  role: 'relay';
  method: 'aes';
  aud: string;
  iss: string;
  keys: readonly OctKey[];
  allow: Allow;
  revoke: Revoke;
}

/** One file for both sides, method `aes`; version 1 files arrive as this too. */
export interface AesSharedFile {
  version: 1 | 2;
  role: 'shared';
  method: 'aes';
  relay: string;
  aud: string;
  iss: string;
  use: string;
  keys: readonly OctKey[];
  allow: Allow;
  revoke: Revoke;
}

/** The backend's file, method `ecc`: the relay's public key, its own private signing key. */
export interface EccIssuerFile {
  version: 2;
  role: 'issuer';
  method: 'ecc';
  relay: string;
  aud: string;
  iss: string;
  use: string;
  keys: readonly EcPublicKey[];
  sign: EcPrivateKey;
}

/** One issuer as an `ecc` relay knows it. */
export interface EccIssuer {
  iss: string;
  keys: readonly EcPublicKey[];
  allow: Allow;
  revoke: Revoke;
}

/** The relay's file, method `ecc`. */
export interface EccRelayFile {
  version: 2;
  role: 'relay';
  method: 'ecc';
  aud: string;
  keys: readonly EcPrivateKey[];
  issuers: readonly EccIssuer[];
}

/** A checked `.rai` file. */
export type RaiFile = AesIssuerFile | AesRelayFile | AesSharedFile | EccIssuerFile | EccRelayFile;

/** Reads a file. Throws RaiError with every problem. */
export function parseRai(_source: string | Uint8Array | object): RaiFile {
  throw new Error('not built yet');
}
