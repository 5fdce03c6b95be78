/**
 * Bytes: canonical base64url (RFC 4648 §5, no padding), UTF-8, SHA-256, random bytes.
 * Decoding takes exactly what encoding would write; two spellings of the same bytes never both pass.
 */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** base64url without padding. */
export function encodeBase64Url(b: Uint8Array): string {
  let out = '';
  let i = 0;
  for (; i + 2 < b.length; i += 3) {
    const n = ((b[i] as number) << 16) | ((b[i + 1] as number) << 8) | (b[i + 2] as number);
    out +=
      (ALPHABET[n >> 18] as string) + ALPHABET[(n >> 12) & 63] + ALPHABET[(n >> 6) & 63] + ALPHABET[n & 63];
  }
  if (i + 1 === b.length) {
    const n = (b[i] as number) << 4;
    out += (ALPHABET[n >> 6] as string) + ALPHABET[n & 63];
  } else if (i + 2 === b.length) {
    const n = ((b[i] as number) << 10) | ((b[i + 1] as number) << 2);
    out += (ALPHABET[n >> 12] as string) + ALPHABET[(n >> 6) & 63] + ALPHABET[n & 63];
  }
  return out;
}

/** The bytes of canonical base64url, else null: foreign characters, padding, a lone last character, or stray bits in it. */
export function decodeBase64Url(s: string): Uint8Array | null {
  const rest = s.length & 3;
  if (rest === 1) return null;
  const out = new Uint8Array((s.length * 3) >> 2);
  let o = 0;
  let bits = 0;
  let held = 0;
  for (let i = 0; i < s.length; i++) {
    const code = s.charCodeAt(i);
    const value = code < 128 ? (VALUES[code] as number) : -1;
    if (value < 0) return null;
    held = (held << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[o++] = (held >> bits) & 255;
      held &= (1 << bits) - 1;
    }
  }
  return held === 0 ? out : null;
}

/** UTF-8 bytes of a string. */
export function encodeUtf8(s: string): Uint8Array {
  return encoder.encode(s);
}

/** The string in UTF-8 bytes, a BOM kept as a character; null when they are not UTF-8. */
export function decodeUtf8(b: Uint8Array): string | null {
  try {
    return decoder.decode(b);
  } catch {
    return null;
  }
}

/** The arrays end to end. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** SHA-256, synchronous (@noble/hashes). */
export function sha256(b: Uint8Array): Uint8Array {
  return nobleSha256(b);
}

/** `length` bytes from the platform's secure generator. */
export function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}
