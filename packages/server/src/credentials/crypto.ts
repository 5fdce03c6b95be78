/** The few primitives that signatures are made of, on the platform's WebCrypto. */
import { encodeUtf8 } from 'relayapi-token';

type Bytes = Uint8Array<ArrayBuffer>;

function bytesOf(data: string | Uint8Array): Bytes {
  return typeof data === 'string' ? (encodeUtf8(data) as Bytes) : (data as Bytes);
}

/** HMAC-SHA256 (RFC 2104). */
export async function hmac(key: string | Uint8Array, message: string): Promise<Uint8Array> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', bytesOf(key), algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, bytesOf(message)));
}

/** SHA-256. */
export async function sha256Bytes(data: string | Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(data)));
}

/** SHA-256 in lower-case hexadecimal. */
export async function sha256Hex(data: string | Uint8Array): Promise<string> {
  return hex(await sha256Bytes(data));
}

/** RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017). `pkcs8`: the key as `readPkcs8` gives it. */
export async function signRsa(pkcs8: Uint8Array, message: string): Promise<Uint8Array> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('pkcs8', bytesOf(pkcs8), algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign(algorithm.name, key, bytesOf(message)));
}

/** The bytes of a PKCS #8 key in PEM, or in the base64 between PEM's lines. Throws for anything else. */
export function readPkcs8(text: string): Uint8Array {
  const base64 = text
    .replaceAll('\\n', '\n')
    .replace(/-----(?:BEGIN|END) PRIVATE KEY-----/g, '')
    .replace(/\s/g, '');
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Base64 with padding (RFC 4648 §4). */
export function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The value of a header in a flat list of lower-case names; '' when there is none. */
export function lineOf(headers: readonly string[], name: string): string {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1] ?? '';
  return '';
}
