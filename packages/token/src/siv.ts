/**
 * AES-SIV (RFC 5297) with a 256-bit key: authenticated and deterministic, so that one text under one key and one context always looks the
 * same and needs no nonce. For handles that a relay gives out; tokens are sealed otherwise (seal.ts).
 */
import { aessiv } from '@noble/ciphers/aes.js';
import { concatBytes, encodeUtf8, sha256 } from './bytes.ts';
import { SecretBytes } from './secret.ts';

/** Seals and opens short texts that belong to a context. */
export interface SivBox {
  /** Tag and text: 16 bytes more than `text`. */
  seal(context: readonly Uint8Array[], text: Uint8Array): Uint8Array;
  /** The text, null for anything that `seal` did not give under this key and this context. */
  open(context: readonly Uint8Array[], sealed: Uint8Array): Uint8Array | null;
}

const TAG_BYTES = 16;

/** A box whose key is derived from `material` (a secret of full strength) for one `purpose`. */
export function createSivBox(material: SecretBytes, purpose: string): SivBox {
  // two halves, as RFC 5297 wants them: each a hash over fixed lengths, so that no purpose runs into another
  const half = (n: number) =>
    sha256(concatBytes(new Uint8Array([n]), sha256(encodeUtf8(purpose)), sha256(material.reveal())));
  const key = new SecretBytes(concatBytes(half(1), half(2)));
  return {
    seal: (context, text) => aessiv(key.reveal(), ...context).encrypt(text),
    open(context, sealed) {
      if (sealed.length <= TAG_BYTES) return null;
      try {
        return aessiv(key.reveal(), ...context).decrypt(sealed);
      } catch {
        return null;
      }
    },
  };
}
