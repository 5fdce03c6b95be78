/**
 * Concat KDF with SHA-256 (RFC 7518 §4.6.2, NIST SP 800-56A §5.8.1), one round: keys up to 256 bits.
 * `apu` and `apv` are empty unless given; tokens never carry them.
 */
import { concatBytes, encodeUtf8, sha256 } from './bytes.ts';

const NOTHING = new Uint8Array(0);

/** Inputs beside Z. */
export interface ConcatKdfOptions {
  /** `alg` of the header (`enc` for direct agreement). */
  algorithm: string;
  /** Bits of the key, a multiple of 8, at most 256. */
  keyBits: number;
  apu?: Uint8Array;
  apv?: Uint8Array;
}

/** The key derived from the shared secret `z`. `hash` is a SHA-256 that is faster than ours, where there is one. */
export function deriveConcatKey(
  z: Uint8Array,
  options: ConcatKdfOptions,
  hash: (bytes: Uint8Array) => Uint8Array = sha256,
): Uint8Array {
  if (options.keyBits > 256) throw new RangeError('one round of SHA-256 gives at most 256 bits');
  const digest = hash(
    concatBytes(
      uint32(1),
      z,
      withLength(encodeUtf8(options.algorithm)),
      withLength(options.apu ?? NOTHING),
      withLength(options.apv ?? NOTHING),
      uint32(options.keyBits),
    ),
  );
  return digest.subarray(0, options.keyBits >> 3);
}

function uint32(n: number): Uint8Array {
  return new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n]);
}

function withLength(b: Uint8Array): Uint8Array {
  return concatBytes(uint32(b.length), b);
}
