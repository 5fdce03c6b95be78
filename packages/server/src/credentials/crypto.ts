/** The few primitives that signatures are made of, on the platform's WebCrypto. */
import { encodeUtf8, type Secret } from 'relayapi-token';

type Bytes = Uint8Array<ArrayBuffer>;

function bytesOf(data: string | Uint8Array): Bytes {
  return typeof data === 'string' ? (encodeUtf8(data) as Bytes) : (data as Bytes);
}

/** HMAC-SHA256 (RFC 2104). */
export async function hmac(by: string | Uint8Array, message: string): Promise<Uint8Array> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const mac = await crypto.subtle.importKey('raw', bytesOf(by), algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', mac, bytesOf(message)));
}

/** HMAC of each message in turn, keyed with the result of the one before. */
export async function hmacChain(first: string, messages: readonly string[]): Promise<Uint8Array> {
  let derived: string | Uint8Array = first;
  for (const message of messages) derived = await hmac(derived, message);
  return derived as Uint8Array;
}

/** SHA-256. */
export async function sha256Bytes(data: string | Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(data)));
}

/** SHA-256 in lower-case hexadecimal. */
export async function sha256Hex(data: string | Uint8Array): Promise<string> {
  return hex(await sha256Bytes(data));
}

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

/** RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017). */
export async function signRsa(by: CryptoKey, message: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign(RSA.name, by, bytesOf(message)));
}

/** Read once: the calls of a token share the Secret. */
const read = new WeakMap<Secret, Promise<CryptoKey | null>>();

/** The RSA key of a PKCS #8 text, in PEM or the base64 between PEM's lines; null for anything else. */
export function importRsa(pkcs8: Secret): Promise<CryptoKey | null> {
  const known = read.get(pkcs8);
  if (known !== undefined) return known;
  const reading = readRsa(pkcs8);
  read.set(pkcs8, reading);
  return reading;
}

async function readRsa(pkcs8: Secret): Promise<CryptoKey | null> {
  try {
    return await crypto.subtle.importKey('pkcs8', unwrapPem(pkcs8.reveal()), RSA, false, ['sign']);
  } catch {
    // whatever it is, it is no such key; what the platform says of it may hold a piece
    return null;
  }
}

/** Line breaks may also be written as a backslash and an n, as they stand in a JSON file. */
function unwrapPem(pem: string): Bytes {
  const text = pem.replace(/-----(?:BEGIN|END) PRIVATE KEY-----|\\n|\s/g, '');
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
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

/** The value of a header in a flat list of lower-case names; null when there is none. */
export function headerOf(headers: readonly string[], name: string): string | null {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1] ?? '';
  return null;
}

/** Path and query of an origin-form target. */
export function splitTarget(target: string): readonly [path: string, query: string] {
  const mark = target.indexOf('?');
  return mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}
