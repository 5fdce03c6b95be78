/**
 * Opens tokens synchronously on primitives that a platform hands in, behind the same strict checks and with the same algorithms pinned
 * as open.ts (token spec §4 steps 1 to 8; RFC 7516 §5.2, RFC 7518 §4.4, §4.6, RFC 7515 §5.2). A difference between the two is a bug.
 */
import { decodeBase64Url } from './bytes.ts';
import { deriveConcatKey } from './concat-kdf.ts';
import { type Keyring, type KeyringState, type OuterKey, type SignerKey, stateOf } from './keyring.ts';
import type { EcPrivateKey, OctKey } from './keys.ts';
import {
  type ByteTools,
  type EphemeralKey,
  finishOpening,
  type OpenedToken,
  readSealed,
  readSigned,
} from './open-checks.ts';
import { revealText, type Secret } from './secret.ts';

const WRAPPING = { algorithm: 'ECDH-ES+A256KW', keyBits: 256 };

/** The platform's cryptography. `K` is its form of a key. Whatever one of these throws, the token does not open. */
export interface OpenPrimitives<K> extends ByteTools {
  /** A 32-byte key that unwraps. The bytes are overwritten afterwards. */
  importWrappingKey(bytes: Uint8Array): K;
  /** A private P-256 key that agrees. `d`, `x` and `y` are base64url. */
  importAgreementKey(key: { d: string; x: string; y: string }): K;
  /** A public P-256 key that verifies. `x` and `y` are base64url. */
  importVerifyingKey(key: { x: string; y: string }): K;
  /** The 32 bytes in 40 that are wrapped with AES-256 (RFC 3394). Throws when they were wrapped with another key. */
  unwrapKey(key: K, wrapped: Uint8Array): Uint8Array;
  /** The text under A256GCM. Throws when `tag`, of 16 bytes, is not that of header, IV and text. */
  decrypt(
    contentKey: Uint8Array,
    sealed: { header: string; iv: Uint8Array; text: Uint8Array; tag: Uint8Array },
  ): Uint8Array;
  /** Z of ECDH: 32 bytes. Throws when `epk` is no point of P-256. */
  agree(key: K, epk: EphemeralKey): Uint8Array;
  /** Whether the 64 bytes of r and s sign `message` by ES256. A high s is as good as a low one. */
  verify(key: K, message: Uint8Array, signature: Uint8Array): boolean;
  /** SHA-256, for the key derivation. */
  sha256(bytes: Uint8Array): Uint8Array;
}

/** Opens a token; null = `token_invalid`, for whatever reason. `now` in seconds. Never throws. */
export type SyncOpener = (
  token: string | Secret,
  keyring: Keyring,
  options: { now: number },
) => OpenedToken | null;

/** An opener on these primitives. It imports each key of a keyring once, when the first token names it, and keeps it as long as the keyring. */
export function createSyncOpener<K>(primitives: OpenPrimitives<K>): SyncOpener {
  const keys = createKeyCache(primitives);
  return (token, keyring, options) => {
    try {
      return openChecked(primitives, keys, revealText(token), stateOf(keyring), options.now);
    } catch {
      // strict parsing and the platform throw many kinds of errors; none may be told from another
      return null;
    }
  };
}

interface KeyCache<K> {
  outer(key: OuterKey): K;
  signer(key: SignerKey): K;
}

function createKeyCache<K>(primitives: OpenPrimitives<K>): KeyCache<K> {
  const imported = new WeakMap<OuterKey | SignerKey, K>();
  const once = <E extends OuterKey | SignerKey>(entry: E, make: (entry: E) => K): K => {
    const known = imported.get(entry);
    if (known !== undefined) return known;
    const made = make(entry);
    imported.set(entry, made);
    return made;
  };
  const importOuter = ({ jwk }: OuterKey): K =>
    jwk.kty === 'oct' ? importWrapping(primitives, jwk) : importAgreement(primitives, jwk);
  const importSigner = ({ jwk: { x, y } }: SignerKey): K => primitives.importVerifyingKey({ x, y });
  return { outer: (key) => once(key, importOuter), signer: (key) => once(key, importSigner) };
}

function importWrapping<K>(primitives: OpenPrimitives<K>, jwk: OctKey): K {
  const bytes = decodeBase64Url(jwk.k.reveal()) as Uint8Array;
  const key = primitives.importWrappingKey(bytes);
  bytes.fill(0);
  return key;
}

function importAgreement<K>(primitives: OpenPrimitives<K>, { d, x, y }: EcPrivateKey): K {
  return primitives.importAgreementKey({ d: d.reveal(), x, y });
}

function openChecked<K>(
  primitives: OpenPrimitives<K>,
  keys: KeyCache<K>,
  text: string,
  state: KeyringState,
  now: number,
): OpenedToken | null {
  const sealed = readSealed(text, state, now, primitives);
  if (sealed === null) return null;
  const { outer, epk } = sealed;
  const own = keys.outer(outer);
  const kek = epk === null ? own : deriveKek(primitives, own, epk);
  const plaintext = primitives.decrypt(primitives.unwrapKey(kek, sealed.wrapped), sealed);
  if (outer.issuer !== null) {
    return finishOpening(plaintext, { outer, signer: null, issuer: outer.issuer }, now, primitives);
  }
  const signed = readSigned(plaintext, outer, state, now, primitives);
  if (signed === null) return null;
  const { signer, payload } = signed;
  const message = plaintext.subarray(0, signed.signedLength);
  if (!primitives.verify(keys.signer(signer), message, signed.signature)) return null;
  return finishOpening(payload, { outer, signer, issuer: signer.issuer }, now, primitives);
}

/** The key that one token's content key is wrapped with. */
function deriveKek<K>(primitives: OpenPrimitives<K>, own: K, epk: EphemeralKey): K {
  return primitives.importWrappingKey(
    deriveConcatKey(primitives.agree(own, epk), WRAPPING, primitives.sha256),
  );
}
