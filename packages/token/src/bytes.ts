/**
 * Bytes: canonical base64url (RFC 4648 §5, no padding), UTF-8, SHA-256, random bytes.
 * Decoding takes exactly what encoding would write; two spellings of the same bytes never both pass.
 */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

const A_CODE = 65;

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
  const { length } = s;
  const rest = length & 3;
  if (rest === 1) return null;
  const out = new Uint8Array((length * 3) >> 2);
  // every code and every value in one: a code above 127 or the value -1 shows at the end
  let codes = 0;
  let values = 0;
  let o = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    const a = s.charCodeAt(i);
    const b = s.charCodeAt(i + 1);
    const c = s.charCodeAt(i + 2);
    const d = s.charCodeAt(i + 3);
    codes |= a | b | c | d;
    const p = sixBits(a);
    const q = sixBits(b);
    const r = sixBits(c);
    const t = sixBits(d);
    values |= p | q | r | t;
    out[o] = (p << 2) | (q >> 4);
    out[o + 1] = (q << 4) | (r >> 2);
    out[o + 2] = (r << 6) | t;
    o += 3;
  }
  if (rest > 1) {
    const a = s.charCodeAt(i);
    const b = s.charCodeAt(i + 1);
    const c = rest === 3 ? s.charCodeAt(i + 2) : A_CODE;
    codes |= a | b | c;
    const p = sixBits(a);
    const q = sixBits(b);
    const r = sixBits(c);
    values |= p | q | r;
    out[o] = (p << 2) | (q >> 4);
    if (rest === 3) out[o + 1] = (q << 4) | (r >> 2);
    // bits that belong to no byte
    if ((rest === 3 ? r & 3 : q & 15) !== 0) return null;
  }
  return codes > 127 || values < 0 ? null : out;
}

function sixBits(code: number): number {
  return VALUES[code & 127] as number;
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
