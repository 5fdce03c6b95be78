/**
 * What a checked `.rai` file looks like in memory, by role and method (token spec §7). Types alone.
 */
import type { EcPrivateKey, EcPublicKey, OctKey } from './keys.ts';
import type { Allow, Revoke } from './rai-allow.ts';

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
