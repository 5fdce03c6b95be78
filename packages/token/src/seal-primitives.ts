/**
 * What sealing needs of a platform's cryptography, and its portable form on @noble: plain JavaScript, synchronous, in any runtime
 * (RFC 7518 §4.4, §4.6, RFC 7515 §5.1). Checks and the format are seal.ts's.
 */
import { aeskw, gcm } from '@noble/ciphers/aes.js';
import { p256 } from '@noble/curves/nist.js';
import { concatBytes, decodeBase64Url, encodeUtf8, sha256 } from './bytes.ts';
import { SecretBytes } from './secret.ts';

const TAG_BYTES = 16;

/** The platform's cryptography for sealing. `K` is its form of a key; imported keys live as long as the file they come from. */
export interface SealPrimitives<K> {
  /** A 32-byte key that wraps. */
  importWrappingKey(bytes: Uint8Array): K;
  /** A private P-256 key that signs. `d`, `x` and `y` are base64url. */
  importSigningKey(key: { d: string; x: string; y: string }): K;
  /** A public P-256 key to agree with. `x` and `y` are base64url. */
  importAgreementKey(key: { x: string; y: string }): K;
  /** 32 bytes wrapped with AES-256 (RFC 3394): 40 bytes. */
  wrapKey(key: K, contentKey: Uint8Array): Uint8Array;
  /** A256GCM over `text` and `header`; the tag has 16 bytes. `header` is ASCII. */
  encrypt(
    contentKey: Uint8Array,
    plain: { header: string; iv: Uint8Array; text: Uint8Array },
  ): { text: Uint8Array; tag: Uint8Array };
  /** A fresh ephemeral key's coordinates and Z of ECDH with it: 32 bytes each, leading zeros kept. */
  agree(key: K): { x: Uint8Array; y: Uint8Array; z: Uint8Array };
  /** ES256: the 64 bytes of r and s. */
  sign(key: K, message: Uint8Array): Uint8Array;
  /** SHA-256. */
  sha256(bytes: Uint8Array): Uint8Array;
}

function bytesOf(base64Url: string): Uint8Array {
  return decodeBase64Url(base64Url) as Uint8Array;
}

/** The portable form. */
export const noblePrimitives: SealPrimitives<SecretBytes> = {
  importWrappingKey: (bytes) => new SecretBytes(bytes),
  importSigningKey: ({ d }) => new SecretBytes(bytesOf(d)),
  importAgreementKey: ({ x, y }) => new SecretBytes(concatBytes(new Uint8Array([4]), bytesOf(x), bytesOf(y))),
  wrapKey: (key, contentKey) => aeskw(key.reveal()).encrypt(contentKey),
  encrypt(contentKey, { header, iv, text }) {
    const sealed = gcm(contentKey, iv, encodeUtf8(header)).encrypt(text);
    return { text: sealed.subarray(0, -TAG_BYTES), tag: sealed.subarray(-TAG_BYTES) };
  },
  agree(key) {
    const ephemeral = p256.utils.randomSecretKey();
    const point = p256.getPublicKey(ephemeral, false);
    // Z is the x coordinate: the shared point without its leading format byte
    const z = p256.getSharedSecret(ephemeral, key.reveal()).subarray(1, 33);
    return { x: point.subarray(1, 33), y: point.subarray(33), z };
  },
  sign: (key, message) => p256.sign(message, key.reveal(), { lowS: false }),
  sha256,
};
