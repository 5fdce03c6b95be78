/**
 * Opens tokens synchronously on `node:crypto`: the primitives of token's sync opener (token spec §4 step 6 and 7). Keys are KeyObjects,
 * one-time keys too: Node 24 takes 20 µs longer over a key that is a Buffer.
 */
import {
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hash,
  type KeyObject,
  verify,
} from 'node:crypto';
import { createSyncOpener, type OpenPrimitives, type SyncOpener } from 'relayapi-token';

/** RFC 3394 §2.2.3.1. */
const WRAP_IV = Buffer.alloc(8, 0xa6);
/** Everything of a P-256 SubjectPublicKeyInfo before the point (RFC 5480 §2), and the point's own first byte: not compressed. */
const SPKI_START = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const GCM_OPTIONS = { authTagLength: 16 };

const primitives: OpenPrimitives<KeyObject> = {
  importWrappingKey: (bytes) => createSecretKey(bytes),
  importAgreementKey: ({ d, x, y }) =>
    createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d, x, y }, format: 'jwk' }),
  importVerifyingKey: ({ x, y }) =>
    createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' }),
  unwrapKey(key, wrapped) {
    const decipher = createDecipheriv('id-aes256-wrap', key, WRAP_IV);
    const contentKey = decipher.update(wrapped);
    decipher.final();
    return contentKey;
  },
  decrypt(contentKey, { header, iv, text, tag }) {
    const decipher = createDecipheriv('aes-256-gcm', createSecretKey(contentKey), iv, GCM_OPTIONS);
    decipher.setAAD(Buffer.from(header, 'latin1'));
    decipher.setAuthTag(tag);
    const plaintext = decipher.update(text);
    decipher.final();
    return plaintext;
  },
  agree(privateKey, { x, y }) {
    // as DER: a JWK is the same point, checked in the same way, in twice the time
    const spki = Buffer.concat([SPKI_START, x, y]);
    return diffieHellman({
      privateKey,
      publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    });
  },
  verify: (key, message, signature) =>
    verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature),
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  digest: (bytes) => hash('sha256', bytes, 'base64url'),
  decodeBase64Url(text) {
    // Buffer reads any spelling: canonical is what it would write
    const bytes = Buffer.from(text, 'base64url');
    return bytes.toString('base64url') === text ? bytes : null;
  },
};

/** Opens a token; null = `token_invalid`, for whatever reason. `now` in seconds. Never throws. Same answers as token's `openToken`. */
export const nativeOpenToken: SyncOpener = createSyncOpener(primitives);
