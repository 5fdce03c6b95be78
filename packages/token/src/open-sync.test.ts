/** The synchronous opener on primitives by hand: the checks stand before all cryptography, keys are imported once, nothing throws. */
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
import { beforeAll, describe, expect, test } from 'vitest';
import { type LoadedPair, makeClaims, makePair, NOW } from '../test/support/pairs.ts';
import { loadKeyring, openCases, toPlain } from '../test/support/vectors.ts';
import { decodeBase64Url, decodeUtf8, encodeBase64Url, encodeUtf8 } from './bytes.ts';
import { openToken } from './open.ts';
import { portableTools } from './open-checks.ts';
import { createSyncOpener, type OpenPrimitives, type SyncOpener } from './open-sync.ts';
import { sealToken } from './seal.ts';
import { Secret } from './secret.ts';

/** All but the decoding, which is no cryptography. */
type Name = Exclude<keyof OpenPrimitives<KeyObject>, 'decodeBase64Url'>;

const ec = (members: object) => ({ key: { kty: 'EC', crv: 'P-256', ...members }, format: 'jwk' }) as const;
const base: OpenPrimitives<KeyObject> = {
  importWrappingKey: (bytes) => createSecretKey(bytes),
  importAgreementKey: (key) => createPrivateKey(ec(key)),
  importVerifyingKey: (key) => createPublicKey(ec(key)),
  unwrapKey(key, wrapped) {
    const decipher = createDecipheriv('id-aes256-wrap', key, Buffer.alloc(8, 0xa6));
    return Buffer.concat([decipher.update(wrapped), decipher.final()]);
  },
  decrypt(contentKey, { header, iv, text, tag }) {
    const decipher = createDecipheriv('aes-256-gcm', contentKey, iv);
    decipher.setAAD(Buffer.from(header));
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(text), decipher.final()]);
  },
  agree(privateKey, { x, y }) {
    const publicKey = createPublicKey(ec({ x: encodeBase64Url(x), y: encodeBase64Url(y) }));
    return diffieHellman({ privateKey, publicKey });
  },
  verify: (key, message, signature) =>
    verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature),
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  ...portableTools,
};

/** An opener that notes which primitives it used, in order; `replaced` ones behave otherwise. */
function watched(replaced: Partial<OpenPrimitives<KeyObject>> = {}): { open: SyncOpener; used: Name[] } {
  const used: Name[] = [];
  const watch = <N extends Name>(name: N): OpenPrimitives<KeyObject>[N] => {
    const inner = (replaced[name] ?? base[name]) as (...given: unknown[]) => unknown;
    const outer = (...given: unknown[]): unknown => {
      used.push(name);
      return inner(...given);
    };
    return outer as OpenPrimitives<KeyObject>[N];
  };
  const open = createSyncOpener<KeyObject>({
    importWrappingKey: watch('importWrappingKey'),
    importAgreementKey: watch('importAgreementKey'),
    importVerifyingKey: watch('importVerifyingKey'),
    unwrapKey: watch('unwrapKey'),
    decrypt: watch('decrypt'),
    agree: watch('agree'),
    verify: watch('verify'),
    sha256: watch('sha256'),
    digest: watch('digest'),
    decodeBase64Url,
  });
  return { open, used };
}

const made = new Map<'aes' | 'ecc', LoadedPair>();
const pairOf = (method: 'aes' | 'ecc') => made.get(method) as LoadedPair;
beforeAll(async () => {
  for (const method of ['aes', 'ecc'] as const) made.set(method, await makePair(method));
});

test('A1 every vector gives its stated result, and jose says the same of what opens', async () => {
  const keyring = await loadKeyring();
  const { open } = watched();
  for (const { name, token, now, result } of openCases) {
    const opened = open(token, keyring, { now });
    expect(opened !== null, name).toBe(result !== 'token_invalid');
    if (opened === null) continue;
    const portable = await openToken(token, keyring, { now });
    expect({ ...opened, claims: toPlain(opened.claims) }, name).toEqual({
      ...portable,
      claims: portable && toPlain(portable.claims),
    });
  }
});

describe('the order of the work', () => {
  test('aes: unwrap, decrypt, digest; the key is imported for the first token alone', () => {
    const { issuer, keyring } = pairOf('aes');
    const { open, used } = watched();
    const token = sealToken(issuer, makeClaims());
    expect(open(token, keyring, { now: NOW })?.claims.iss).toBe('shop');
    expect(used).toEqual(['importWrappingKey', 'unwrapKey', 'decrypt', 'digest']);
    used.length = 0;
    expect(open(new Secret(token), keyring, { now: NOW })).not.toBeNull();
    expect(used).toEqual(['unwrapKey', 'decrypt', 'digest']);
  });

  test('ecc: agree, derive, unwrap, decrypt, verify, digest; only the derived key is new each time', () => {
    const { issuer, keyring } = pairOf('ecc');
    const { open, used } = watched();
    const every = ['agree', 'sha256', 'importWrappingKey', 'unwrapKey', 'decrypt', 'verify', 'digest'];
    expect(open(sealToken(issuer, makeClaims()), keyring, { now: NOW })).not.toBeNull();
    expect(used.filter((name) => every.includes(name))).toEqual(every);
    expect(used).toContain('importAgreementKey');
    expect(used).toContain('importVerifyingKey');
    used.length = 0;
    expect(open(sealToken(issuer, makeClaims()), keyring, { now: NOW })?.signerKid).toBe(keyring.kids[1]);
    expect(used).toEqual(every);
  });

  test('keys of another keyring are imported anew, whatever they are called', async () => {
    const { open, used } = watched();
    const [one, two] = [await makePair('aes'), await makePair('aes')];
    for (const { issuer, keyring } of [one, two])
      open(sealToken(issuer, makeClaims()), keyring, { now: NOW });
    expect(used.filter((name) => name === 'importWrappingKey')).toHaveLength(2);
    expect(open(sealToken(one.issuer, makeClaims()), two.keyring, { now: NOW })).toBeNull();
  });

  test('the bytes of an imported key are overwritten', () => {
    const { issuer, keyring } = pairOf('aes');
    let given: Uint8Array = new Uint8Array();
    const { open } = watched({
      importWrappingKey(bytes) {
        given = bytes;
        return createSecretKey(bytes);
      },
    });
    expect(open(sealToken(issuer, makeClaims()), keyring, { now: NOW })).not.toBeNull();
    expect(given).toEqual(new Uint8Array(32));
  });
});

describe('no cryptography for', () => {
  type Header = Record<string, unknown>;
  const part = (i: number, make: (text: string) => string) => (parts: string[]) =>
    parts.map((text, at) => (at === i ? make(text) : text));
  const header = (make: (value: Header) => unknown) =>
    part(0, (text) => {
      const value = JSON.parse(decodeUtf8(decodeBase64Url(text) as Uint8Array) as string) as Header;
      return encodeBase64Url(encodeUtf8(JSON.stringify(make(value))));
    });

  test.each<[string, (parts: string[]) => string[]]>([
    ['a longer wrapped key', part(1, (text) => `${text}AAAA`)],
    ['a shorter IV', part(2, (text) => text.slice(4))],
    ['a longer tag', part(4, (text) => `AAAA${text}`)],
    ['a padded text', part(3, (text) => `${text}=`)],
    ['a header that is no JSON', part(0, (text) => `AAAA${text}`)],
    ['a header that is a list', header((value) => [value])],
    ['another algorithm', header((value) => ({ ...value, alg: 'dir' }))],
    ['another encryption', header((value) => ({ ...value, enc: 'A128GCM' }))],
    ['a member more', header((value) => ({ ...value, zip: 'DEF' }))],
    ['a member less', header(({ typ: _, ...rest }) => rest)],
    ['an unknown key id', header((value) => ({ ...value, kid: 'nobody' }))],
    ['a key id of every object', header((value) => ({ ...value, kid: 'toString' }))],
  ])('%s', (_what, change) => {
    for (const method of ['aes', 'ecc'] as const) {
      const { issuer, keyring } = pairOf(method);
      const { open, used } = watched();
      const token = sealToken(issuer, makeClaims());
      expect(open(change(token.split('.')).join('.'), keyring, { now: NOW })).toBeNull();
      expect(used).toEqual([]);
    }
  });

  test('A5 A6 a token that asks for derivation from a password, or is compressed', async () => {
    const keyring = await loadKeyring();
    const { open, used } = watched();
    const hungry = openCases.filter((c) => /PBES2|p2c|with zip/.test(c.name));
    expect(hungry.length).toBeGreaterThanOrEqual(3);
    for (const c of hungry) expect(open(c.token, keyring, { now: NOW }), c.name).toBeNull();
    // the watch sees what it should
    expect(used).toEqual([]);
    const good = openCases.find((c) => c.name === 'a plain aes token opens')?.token as string;
    expect(open(good, keyring, { now: NOW })).not.toBeNull();
    expect(used.length).toBeGreaterThan(0);
  });

  test('A7 more than 4,096 characters', () => {
    const { issuer, keyring } = pairOf('aes');
    const { open, used } = watched();
    const parts = sealToken(issuer, makeClaims()).split('.');
    parts[3] = `${parts[3]}${'A'.repeat(4096)}`;
    expect(open(parts.join('.'), keyring, { now: NOW })).toBeNull();
    expect(used).toEqual([]);
  });
});

describe('null, and no throw, for', () => {
  test.each<[Name, 'aes' | 'ecc']>([
    ['importWrappingKey', 'aes'],
    ['unwrapKey', 'aes'],
    ['decrypt', 'aes'],
    ['digest', 'aes'],
    ['sha256', 'ecc'],
    ['importAgreementKey', 'ecc'],
    ['agree', 'ecc'],
    ['importVerifyingKey', 'ecc'],
    ['verify', 'ecc'],
  ])('whatever %s throws', (name, method) => {
    const { issuer, keyring } = pairOf(method);
    const thrown = (): never => {
      throw new TypeError('of the platform');
    };
    const { open, used } = watched({ [name]: thrown });
    expect(open(sealToken(issuer, makeClaims()), keyring, { now: NOW })).toBeNull();
    expect(used).toContain(name);
  });

  test('a signature that is not verified', () => {
    const { issuer, keyring } = pairOf('ecc');
    const token = sealToken(issuer, makeClaims());
    expect(watched({ verify: () => false }).open(token, keyring, { now: NOW })).toBeNull();
    expect(watched({ verify: () => true }).open(token, keyring, { now: NOW })).not.toBeNull();
  });

  test('what is not a keyring, and what is not a token', () => {
    const { issuer, keyring } = pairOf('aes');
    const { open } = watched();
    expect(open(sealToken(issuer, makeClaims()), { ...keyring }, { now: NOW })).toBeNull();
    for (const value of ['', '....', 'a.b.c.d.e', undefined, null, 7, {}]) {
      expect(open(value as string, keyring, { now: NOW })).toBeNull();
    }
  });
});
