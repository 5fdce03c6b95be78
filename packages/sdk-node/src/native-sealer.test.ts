/** The native sealer: the same tokens as the portable one's in form and content, each with keys of its own. */
import {
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hash,
} from 'node:crypto';
import {
  createKeyring,
  createRai,
  type Keyring,
  MintError,
  openToken,
  parseRai,
  type RaiFile,
  sealToken,
} from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { nativeSealToken } from './native-sealer.ts';

const NOW = 1_800_000_000;
const FULL = process.env['RELAYAPI_TEST_FULL'] === '1';
const claims = {
  iss: 'shop',
  aud: 'relay.example.com',
  jti: 'AAECAwQFBgcICQoL',
  iat: NOW - 10,
  exp: NOW + 3000,
  upstream: { provider: 'openai', key: 'sk-demo-not-a-key' },
};

interface Made {
  readonly issuer: RaiFile;
  readonly keyring: Keyring;
  readonly raw: { issuer: object; relay: object };
}

async function makePair(method: 'aes' | 'ecc'): Promise<Made> {
  const raw = createRai({ method, relay: 'https://relay.example.com/', iss: 'shop' }) as Made['raw'];
  const { keyring } = await createKeyring([{ name: 'r.rai', file: parseRai(raw.relay) }], { generation: 1 });
  return { issuer: parseRai(raw.issuer), keyring, raw };
}

const headerOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString());

/** The content key of a token, by hand. */
function contentKeyOf(token: string, relay: object): Buffer {
  const [header, wrapped] = token.split('.') as [string, string];
  const [jwk] = (relay as { keys: { k?: string; d?: string; x: string; y: string }[] }).keys;
  const kek = jwk?.k === undefined ? agree(header, jwk) : Buffer.from(jwk.k, 'base64url');
  const decipher = createDecipheriv('id-aes256-wrap', createSecretKey(kek), Buffer.alloc(8, 0xa6));
  return Buffer.concat([decipher.update(Buffer.from(wrapped, 'base64url')), decipher.final()]);
}

function agree(header: string, jwk: object | undefined): Buffer {
  const { epk } = JSON.parse(Buffer.from(header, 'base64url').toString());
  const { d, x, y } = jwk as { d: string; x: string; y: string };
  const privateKey = createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d, x, y }, format: 'jwk' });
  const z = diffieHellman({ privateKey, publicKey: createPublicKey({ key: epk, format: 'jwk' }) });
  const info = Buffer.from(`\0\0\0\x0eECDH-ES+A256KW\0\0\0\0\0\0\0\0\0\0\x01\0`, 'latin1');
  return hash('sha256', Buffer.concat([Buffer.from([0, 0, 0, 1]), z, info]), 'buffer');
}

describe.each(['aes', 'ecc'] as const)('a native %s token', (method) => {
  test('has the form of a portable one, and opens as the same claims', async () => {
    const { issuer, keyring } = await makePair(method);
    const [native, portable] = [nativeSealToken(issuer, claims), sealToken(issuer, claims)];
    expect(native.split('.').map((part) => part.length)).toEqual(
      portable.split('.').map((part) => part.length),
    );
    const { epk: one, ...nativeHeader } = headerOf(native);
    const { epk: other, ...portableHeader } = headerOf(portable);
    expect(nativeHeader).toEqual(portableHeader);
    expect(Object.keys(headerOf(native))).toEqual(Object.keys(headerOf(portable)));
    expect(Object.keys(one ?? {})).toEqual(Object.keys(other ?? {}));
    const opened = await openToken(native, keyring, { now: NOW });
    expect(opened?.claimsDigest).toBe((await openToken(portable, keyring, { now: NOW }))?.claimsDigest);
    expect(opened?.claims.upstream[0]?.key?.reveal()).toBe('sk-demo-not-a-key');
  });

  const count = { aes: FULL ? 1_000_000 : 20_000, ecc: FULL ? 100_000 : 3_000 }[method];
  test(`A4 ${count} native seals repeat no content key, IV or ephemeral key`, async () => {
    const { issuer, raw } = await makePair(method);
    const seen = { contentKeys: new Set<string>(), ivs: new Set<string>(), headers: new Set<string>() };
    for (let i = 0; i < count; i++) {
      const token = nativeSealToken(issuer, claims);
      const [header, , iv] = token.split('.') as [string, string, string];
      seen.contentKeys.add(contentKeyOf(token, raw.relay).toString('latin1'));
      seen.ivs.add(iv);
      seen.headers.add(header);
    }
    expect([seen.contentKeys.size, seen.ivs.size]).toEqual([count, count]);
    expect(seen.headers.size).toBe(method === 'aes' ? 1 : count);
  }, 3_600_000);

  test('opens whatever comes out: leading zeros of Z and coordinates are kept', async () => {
    const { issuer, keyring } = await makePair(method);
    // one Z, x or y in 256 starts with a zero
    for (let left = 12; left > 0; left--) {
      const tokens = Array.from({ length: 100 }, () => nativeSealToken(issuer, claims));
      const opened = await Promise.all(tokens.map((token) => openToken(token, keyring, { now: NOW })));
      expect(opened.filter((one) => one === null)).toEqual([]);
      for (const token of tokens) {
        const { epk } = headerOf(token);
        expect(epk === undefined ? [] : [epk.x.length, epk.y.length]).toEqual(
          method === 'aes' ? [] : [43, 43],
        );
      }
    }
  });

  test('is refused as a portable one is, with the same words', async () => {
    const { issuer, raw } = await makePair(method);
    const refusalOf = (sealWith: typeof sealToken, file: RaiFile, extra: object): unknown => {
      try {
        sealWith(file, { ...claims, ...extra });
      } catch (error) {
        if (error instanceof MintError) return error.message;
        throw error;
      }
      return 'sealed';
    };
    const cases: [RaiFile, object, RegExp][] = [
      [parseRai(raw.relay), {}, /^rai: /],
      [issuer, { iss: 'other' }, /^iss: /],
      [issuer, { limits: { calls: -1 } }, /^limits.calls: /],
      [issuer, { set: { prompt: 'x'.repeat(3500) } }, /^token: /],
      [{ ...issuer, use: 'gone' } as RaiFile, {}, /^rai: has no key/],
    ];
    for (const [file, extra, words] of cases) {
      const refusal = refusalOf(nativeSealToken, file, extra);
      expect(refusal).toMatch(words);
      expect(refusal).toBe(refusalOf(sealToken, file, extra));
    }
  });
});
