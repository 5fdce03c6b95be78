/**
 * Takes tokens apart with node:crypto alone: a slow plain twin of the opener, for what the opener does not show.
 */
import { createDecipheriv, createECDH } from 'node:crypto';
import { concatKdf } from '../generate/crypto.ts';

function unwrap(kek: Buffer, wrapped: Buffer): Buffer {
  const name = { 16: 'id-aes128-wrap', 24: 'id-aes192-wrap', 32: 'id-aes256-wrap' }[kek.length] as string;
  const decipher = createDecipheriv(name, kek, Buffer.from('a6a6a6a6a6a6a6a6', 'hex'));
  return Buffer.concat([decipher.update(wrapped), decipher.final()]);
}

/** Content key, IV and plaintext of an `aes` token. `k` is the file key in base64url. */
export function unsealAes(token: string, k: string): { cek: Buffer; iv: Buffer; plaintext: Buffer } {
  return unseal(token, Buffer.from(k, 'base64url'));
}

/** Content key, IV and nested text of an `ecc` token. `d` is the relay's private key in base64url. */
export function unsealEcc(token: string, d: string): { cek: Buffer; iv: Buffer; plaintext: Buffer } {
  const header = JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString());
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(Buffer.from(d, 'base64url'));
  const x = Buffer.from(header.epk.x, 'base64url');
  const y = Buffer.from(header.epk.y, 'base64url');
  const z = ecdh.computeSecret(Buffer.concat([Buffer.from([4]), x, y]));
  return unseal(token, concatKdf(z, 'ECDH-ES+A256KW', 256));
}

function unseal(token: string, kek: Buffer): { cek: Buffer; iv: Buffer; plaintext: Buffer } {
  const [header, ...rest] = token.split('.');
  const [key, iv, text, tag] = rest.map((part) => Buffer.from(part, 'base64url')) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const cek = unwrap(kek, key);
  const decipher = createDecipheriv('aes-256-gcm', cek, iv);
  decipher.setAAD(Buffer.from(header as string));
  decipher.setAuthTag(tag);
  return { cek, iv, plaintext: Buffer.concat([decipher.update(text), decipher.final()]) };
}
