/**
 * Builds tokens from raw node:crypto parts, independently of the package, so that a bad vector has valid
 * cryptography and exactly one thing wrong. Deterministic: every "random" byte comes from a label. Never for production.
 */
import { createCipheriv, createECDH, createHash, createPublicKey, verify } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';

/** A member of the header, claims or key object of a vector. */
export type Plain = Record<string, unknown>;

/** base64url without padding. */
export const b64 = (b: Uint8Array | string): string => Buffer.from(b).toString('base64url');

/** `length` bytes that depend on `label` alone. */
export function bytesFor(label: string, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) {
    blocks.push(createHash('sha256').update(`relayapi vector ${i} ${label}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** A P-256 key pair as JWK members. */
export interface Pair {
  x: string;
  y: string;
  d: string;
}

/** The pair whose private key is `bytesFor(label)`. */
export function pairFor(label: string): Pair {
  const ecdh = createECDH('prime256v1');
  const d = bytesFor(label, 32);
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  return { x: b64(point.subarray(1, 33)), y: b64(point.subarray(33)), d: b64(d) };
}

function wrap(kek: Buffer, cek: Buffer): Buffer {
  const cipher = createCipheriv(
    kek.length === 16 ? 'id-aes128-wrap' : 'id-aes256-wrap',
    kek,
    Buffer.from('a6a6a6a6a6a6a6a6', 'hex'),
  );
  return Buffer.concat([cipher.update(cek), cipher.final()]);
}

/** Parts of a JWE that a vector may replace. */
export interface JweParts {
  label: string;
  /** Header text exactly as it is to stand. */
  header: string | Buffer;
  plaintext: string | Buffer;
  kek: Buffer;
  ivLength?: number;
  cekLength?: number;
  tagLength?: number;
  /** Changes the five finished parts. */
  after?: (parts: string[]) => string[];
}

/** A compact JWE with AES key wrap and AES-GCM. */
export function sealJwe(o: JweParts): string {
  const cek = bytesFor(`cek ${o.label}`, o.cekLength ?? 32);
  const iv = bytesFor(`iv ${o.label}`, o.ivLength ?? 12);
  const header = b64(o.header);
  const gcmKey = cek.subarray(0, Math.min(cek.length, 32));
  const cipher =
    gcmKey.length === 16
      ? createCipheriv('aes-128-gcm', gcmKey, iv, { authTagLength: o.tagLength ?? 16 })
      : createCipheriv('aes-256-gcm', gcmKey, iv, { authTagLength: o.tagLength ?? 16 });
  cipher.setAAD(Buffer.from(header, 'ascii'));
  const text = Buffer.concat([cipher.update(o.plaintext), cipher.final()]);
  const parts = [header, b64(wrap(o.kek, cek)), b64(iv), b64(text), b64(cipher.getAuthTag())];
  return (o.after?.(parts) ?? parts).join('.');
}

function lengthPrefixed(b: Buffer): Buffer {
  const n = Buffer.alloc(4);
  n.writeUInt32BE(b.length);
  return Buffer.concat([n, b]);
}

/** RFC 7518 §4.6.2 with one round of SHA-256. */
export function concatKdf(
  z: Buffer,
  alg: string,
  bits: number,
  apu: Buffer = Buffer.alloc(0),
  apv: Buffer = Buffer.alloc(0),
): Buffer {
  const bitsBytes = Buffer.alloc(4);
  bitsBytes.writeUInt32BE(bits);
  return createHash('sha256')
    .update(Buffer.from([0, 0, 0, 1]))
    .update(z)
    .update(lengthPrefixed(Buffer.from(alg)))
    .update(lengthPrefixed(apu))
    .update(lengthPrefixed(apv))
    .update(bitsBytes)
    .digest()
    .subarray(0, bits / 8);
}

/** The key-wrapping key between an ephemeral key (by label) and the relay's public key. */
export function ecdhKek(ephemeral: Pair, relay: Pair, alg = 'ECDH-ES+A256KW', apu?: Buffer): Buffer {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(Buffer.from(ephemeral.d, 'base64url'));
  const point = Buffer.concat([
    Buffer.from([4]),
    Buffer.from(relay.x, 'base64url'),
    Buffer.from(relay.y, 'base64url'),
  ]);
  return concatKdf(ecdh.computeSecret(point), alg, 256, apu);
}

/** r ‖ s over SHA-256 of `input`, deterministic (RFC 6979), checked with node:crypto before it is given out. */
export function signEs256(input: string, key: Pair, options: { highS?: boolean } = {}): Buffer {
  const made = p256.sign(Buffer.from(input), Buffer.from(key.d, 'base64url'), { lowS: true });
  let signature = Buffer.from(made);
  if (options.highS === true) {
    const n = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
    const s = n - BigInt(`0x${signature.subarray(32).toString('hex')}`);
    signature = Buffer.concat([
      signature.subarray(0, 32),
      Buffer.from(s.toString(16).padStart(64, '0'), 'hex'),
    ]);
  }
  const jwk = { kty: 'EC', crv: 'P-256', x: key.x, y: key.y };
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
  if (!verify('sha256', Buffer.from(input), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) {
    throw new Error('the two implementations of ES256 disagree');
  }
  return signature;
}

/** A compact JWS. */
export function signJws(
  header: string | Buffer,
  payload: string | Buffer,
  key: Pair,
  options: { highS?: boolean } = {},
): string {
  const input = `${b64(header)}.${b64(payload)}`;
  return `${input}.${b64(signEs256(input, key, options))}`;
}
