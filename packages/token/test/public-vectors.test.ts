/**
 * Test vectors of the RFCs against the primitives this package uses; algorithms it does not accept must be refused.
 */
import { constants, createDecipheriv, createHmac, createPublicKey, verify } from 'node:crypto';
import { aeskw } from '@noble/ciphers/aes.js';
import { p256 } from '@noble/curves/nist.js';
import { compactDecrypt, compactVerify, importJWK } from 'jose';
import { decodeBase64Url, encodeBase64Url, encodeUtf8, openToken, parseRai, RaiError } from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { deriveConcatKey } from '../src/concat-kdf.ts';
import { loadKeyring, NOW, readVectors } from './support/vectors.ts';

interface PublicFile<T> {
  source: string;
  licence: string;
  cases: T[];
}
type Jwk = Record<string, string>;
interface JweCase {
  name: string;
  alg: string;
  enc: string;
  key?: Jwk;
  cek?: string;
  compact: string;
  plaintext: string;
}

const load = <T>(name: string): T[] => {
  const file = readVectors<PublicFile<T>>(`public/${name}`);
  expect(file.source).toMatch(/^RFC \d{4}/);
  expect(file.licence).not.toBe('');
  return file.cases;
};
const bytes = (text: string): Uint8Array => decodeBase64Url(text) as Uint8Array;
const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex').toUpperCase();

describe('RFC 3394 key wrap', () => {
  for (const c of load<{ name: string; kek: string; data: string; wrapped: string }>('rfc3394.json')) {
    test(`RFC 3394 ${c.name}`, () => {
      const kek = Buffer.from(c.kek, 'hex');
      expect(hex(aeskw(kek).encrypt(Buffer.from(c.data, 'hex')))).toBe(c.wrapped);
      expect(hex(aeskw(kek).decrypt(Buffer.from(c.wrapped, 'hex')))).toBe(c.data);
      const broken = Buffer.from(c.wrapped, 'hex');
      broken[3] = (broken[3] as number) ^ 1;
      expect(() => aeskw(kek).decrypt(broken)).toThrow();
    });
  }
});

describe('RFC 7518 appendix C', () => {
  for (const c of load<{
    apu: string;
    apv: string;
    enc: string;
    ephemeral: Jwk;
    static: Jwk;
    z: string;
    key: string;
  }>('rfc7518.json')) {
    const point = (k: Jwk): Uint8Array =>
      Buffer.concat([Buffer.from([4]), bytes(k.x as string), bytes(k.y as string)]);

    test('both sides agree on Z, bytes 1 to 32 of the shared point', () => {
      for (const [one, other] of [
        [c.ephemeral, c.static],
        [c.static, c.ephemeral],
      ] as const) {
        const shared = p256.getSharedSecret(bytes(one.d as string), point(other));
        expect(encodeBase64Url(shared.subarray(1, 33))).toBe(c.z);
      }
    });

    test('Concat KDF gives the derived key', () => {
      const key = deriveConcatKey(bytes(c.z), {
        algorithm: c.enc,
        keyBits: 128,
        apu: bytes(c.apu),
        apv: bytes(c.apv),
      });
      expect(encodeBase64Url(key)).toBe(c.key);
      const other = deriveConcatKey(bytes(c.z), { algorithm: c.enc, keyBits: 128 });
      expect(encodeBase64Url(other)).not.toBe(c.key);
      expect(() => deriveConcatKey(bytes(c.z), { algorithm: c.enc, keyBits: 512 })).toThrow(RangeError);
    });
  }
});

describe('RFC 7515 appendix A.3', () => {
  for (const c of load<{ key: Jwk; compact: string }>('rfc7515.json')) {
    test('ES256 verifies with noble (lowS false) and with jose', async () => {
      const [header, payload, signature] = c.compact.split('.') as [string, string, string];
      const point = Buffer.concat([Buffer.from([4]), bytes(c.key.x as string), bytes(c.key.y as string)]);
      const signed = encodeUtf8(`${header}.${payload}`);
      expect(p256.verify(bytes(signature), signed, point, { lowS: false })).toBe(true);
      signed[0] = (signed[0] as number) ^ 1;
      expect(p256.verify(bytes(signature), signed, point, { lowS: false })).toBe(false);
      const { d: _d, ...open } = c.key;
      const verified = await compactVerify(c.compact, await importJWK(open, 'ES256'));
      expect(new TextDecoder().decode(verified.payload)).toContain('http://example.com/is_root');
    });
  }
});

describe('RFC 7517 keys', () => {
  for (const c of load<{ name: string; keys: Jwk[] }>('rfc7517.json')) {
    test(`${c.name}: not one may stand in a .rai file, whatever its dress`, () => {
      for (const key of c.keys) {
        const dressed = {
          ...key,
          kid: 'rfc7517key',
          use: 'enc',
          alg: key.kty === 'EC' ? 'ECDH-ES+A256KW' : 'A256KW',
        };
        const { d: _d, ...open } = dressed as Jwk;
        for (const method of ['aes', 'ecc']) {
          const file = {
            rai: 2,
            role: 'issuer',
            method,
            relay: 'https://a.example/',
            aud: 'a',
            iss: 'b',
            use: 'rfc7517key',
          };
          expect(() => parseRai({ ...file, keys: [open] })).toThrow(RaiError);
        }
      }
    });
  }
});

/** The content of a compact JWE whose content key is known. */
function decryptContent(c: JweCase): string {
  const [header, , iv, text, tag] = c.compact.split('.') as [string, string, string, string, string];
  const cek = Buffer.from(bytes(c.cek as string));
  const sealed = bytes(text);
  if (c.enc.endsWith('GCM')) {
    const decipher = createDecipheriv(cek.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm', cek, bytes(iv));
    decipher.setAAD(Buffer.from(header));
    decipher.setAuthTag(bytes(tag));
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString();
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(header.length * 8));
  const mac = createHmac('sha256', cek.subarray(0, 16))
    .update(header)
    .update(bytes(iv))
    .update(sealed)
    .update(length);
  expect(encodeBase64Url(mac.digest().subarray(0, 16))).toBe(tag);
  const decipher = createDecipheriv('aes-128-cbc', cek.subarray(16), bytes(iv));
  return Buffer.concat([decipher.update(sealed), decipher.final()]).toString();
}

const jwes = [...load<JweCase>('rfc7516.json'), ...load<JweCase>('rfc7520.json')];

describe('RFC 7516 and RFC 7520 encrypted texts', () => {
  test.each(jwes.filter((c) => c.cek).map((c) => [c.name, c] as const))(
    '%s: the content key opens it',
    (_name, c) => {
      expect(decryptContent(c)).toBe(c.plaintext);
    },
  );

  const wrapped = jwes.filter((c) => c.alg === 'A128KW');
  test.each(wrapped.map((c) => [c.name, c] as const))('%s: noble unwraps its content key', (_name, c) => {
    const cek = aeskw(bytes(c.key?.k as string)).decrypt(bytes(c.compact.split('.')[1] as string));
    expect(encodeBase64Url(cek)).toBe(c.cek);
  });

  const known = jwes.filter((c) => c.key && c.alg !== 'RSA1_5');
  test.each(known.map((c) => [c.name, c] as const))('%s: jose opens it when left free', async (_name, c) => {
    const { plaintext } = await compactDecrypt(c.compact, await importJWK(c.key as Jwk, c.alg));
    expect(new TextDecoder().decode(plaintext)).toBe(c.plaintext);
  });

  test.each(jwes.map((c) => [c.name, c] as const))('%s: our opener refuses it', async (_name, c) => {
    expect(await openToken(c.compact, await loadKeyring(), { now: NOW })).toBeNull();
  });

  test('RFC 7520 section 6: the nested text verifies, and our opener refuses it alone too', async () => {
    const c = jwes.find((one) => one.name.startsWith('6 ')) as JweCase & { sign: Jwk; payload: string };
    const [header, payload, signature] = c.plaintext.split('.') as [string, string, string];
    const key = createPublicKey({ key: c.sign, format: 'jwk' });
    const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(verify('sha256', Buffer.from(`${header}.${payload}`), pss, bytes(signature))).toBe(true);
    expect(Buffer.from(bytes(payload)).toString()).toBe(c.payload);
    expect(await openToken(c.plaintext, await loadKeyring(), { now: NOW })).toBeNull();
  });
});
