/**
 * Keys as `.rai` files hold them: a closed profile of JWK (RFC 7517 §4), one use per key.
 * Secret members are `Secret`s. Not a JWK library: what is not listed here is refused.
 */
import type { Secret } from './secret.ts';

/** `active`: in use. `accept`: still opens tokens, seals none. */
export type KeyStatus = 'active' | 'accept';

/** What every key of a relay may carry beside its material. */
interface KeyLife {
  kid: string;
  /** Absent in an issuer's file. */
  status?: KeyStatus;
  /** Seconds; from then on the key opens nothing. */
  until?: number;
}

/** The shared key of method `aes`. `k` is 32 bytes in base64url. */
export interface OctKey extends KeyLife {
  kty: 'oct';
  use: 'enc';
  alg: 'A256KW';
  k: Secret;
}

/** A public P-256 key: the relay's for encryption, an issuer's for signatures. */
export interface EcPublicKey extends KeyLife {
  kty: 'EC';
  crv: 'P-256';
  use: 'enc' | 'sig';
  alg: 'ECDH-ES+A256KW' | 'ES256';
  x: string;
  y: string;
}

/** A private P-256 key; `d` matches `x` and `y` (checked when the file is read). */
export interface EcPrivateKey extends EcPublicKey {
  d: Secret;
}
