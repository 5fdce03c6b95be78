/**
 * Writes tokens as an attacker would: any header, any payload, any key, on node:crypto alone. Shares no line with the relay's
 * own sealing, so that a wrong token is wrong for the reason the test names (RFC 7515, 7516, 7518).
 */
import {
  createCipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  randomBytes,
  sign,
} from 'node:crypto';

const url = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64url');
const KW_IV = Buffer.alloc(8, 0xa6);

interface Parts {
  readonly header: object;
  readonly plaintext: Buffer | string;
  /** Bytes of the encrypted-key part. */
  readonly wrapped: Buffer;
  readonly contentKey: Buffer;
}

function encrypt({ header, plaintext, wrapped, contentKey }: Parts): string {
  const protectedHeader = url(JSON.stringify(header));
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv).setAAD(Buffer.from(protectedHeader));
  const text = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return [protectedHeader, url(wrapped), url(iv), url(text), url(cipher.getAuthTag())].join('.');
}

function wrapKey(kek: Buffer, contentKey: Buffer): Buffer {
  const cipher = createCipheriv('id-aes256-wrap', kek, KW_IV);
  return Buffer.concat([cipher.update(contentKey), cipher.final()]);
}

/** A JWE under a shared key (A256KW unless the header says otherwise; the bytes are A256KW's in any case). */
export function forgeAes(key: Buffer, header: object, plaintext: Buffer | string): string {
  const contentKey = randomBytes(32);
  return encrypt({ header, plaintext, contentKey, wrapped: wrapKey(key, contentKey) });
}

/** A JWE to a P-256 public key, which anybody who has it can make. */
export function forgeEcdh(
  to: { x: string; y: string },
  header: { alg: string } & object,
  plaintext: string,
): string {
  const ephemeral = createECDH('prime256v1');
  const point = ephemeral.generateKeys();
  const z = ephemeral.computeSecret(
    Buffer.concat([Buffer.of(4), Buffer.from(to.x, 'base64url'), Buffer.from(to.y, 'base64url')]),
  );
  const alg = Buffer.from(header.alg);
  const word = (n: number) => Buffer.of(n >>> 24, n >>> 16, n >>> 8, n);
  const info = [word(1), z, word(alg.length), alg, word(0), word(0), word(256)];
  const kek = createHash('sha256').update(Buffer.concat(info)).digest();
  const epk = { kty: 'EC', crv: 'P-256', x: url(point.subarray(1, 33)), y: url(point.subarray(33)) };
  const contentKey = randomBytes(32);
  const wrapped = wrapKey(kek, contentKey);
  return encrypt({ header: { ...header, epk }, plaintext, contentKey, wrapped });
}

/** A JWS with ES256, whatever its header says. */
export function forgeEs256(key: Readonly<Record<string, unknown>>, header: object, payload: object): string {
  const input = `${url(JSON.stringify(header))}.${url(JSON.stringify(payload))}`;
  const privateKey = createPrivateKey({ key: { ...key }, format: 'jwk' });
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${url(signature)}`;
}

/** A JWS with HMAC over a key that was meant to be public. */
export function forgeHs256(secret: Buffer | string, header: object, payload: object): string {
  const input = `${url(JSON.stringify(header))}.${url(JSON.stringify(payload))}`;
  return `${input}.${url(createHmac('sha256', secret).update(input).digest())}`;
}
