/**
 * Acceptance items on tokens that the vectors alone do not show: exhaustive changes, key freshness, derivation that never runs.
 * RELAYAPI_TEST_FULL=1 runs the long forms.
 */
import { createCipheriv, createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  CORE_FEATURES,
  createKeyring,
  createRai,
  judgeToken,
  type Keyring,
  openToken,
  parseClaims,
  parseRai,
  rotateRai,
  sealToken,
} from 'relayapi-token';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { mutate } from './support/mutate.ts';
import { makeClaims, makePair, NOW } from './support/pairs.ts';
import { createRandom } from './support/random.ts';
import { unsealAes, unsealEcc } from './support/unseal.ts';
import { loadKeyring, openCases, toPlain } from './support/vectors.ts';

/** Names that strict JSON refuses everywhere; fast-check likes to try them. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);
const FULL = process.env.RELAYAPI_TEST_FULL === '1';
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

afterEach(() => vi.restoreAllMocks());

/** How many of the texts open; in batches, so that the platform's threads are kept busy. */
async function countOpened(
  texts: Iterable<string>,
  keyring: Keyring,
): Promise<{ opened: number; tried: number }> {
  let opened = 0;
  let tried = 0;
  let batch: Promise<unknown>[] = [];
  const drain = async (): Promise<void> => {
    for (const result of await Promise.all(batch)) if (result !== null) opened++;
    batch = [];
  };
  for (const text of texts) {
    tried++;
    batch.push(openToken(text, keyring, { now: NOW }));
    if (batch.length === 256) await drain();
  }
  await drain();
  return { opened, tried };
}

function* singleChanges(token: string): Generator<string> {
  for (let at = 0; at < token.length; at++) {
    for (const c of `${ALPHABET}.`) {
      if (token[at] !== c) yield token.slice(0, at) + c + token.slice(at + 1);
    }
  }
}

describe('A2 single-character changes', () => {
  test('A2 every single-character change of an aes token is refused', { timeout: 120_000 }, async () => {
    const { issuer, keyring } = await makePair('aes');
    const token = sealToken(issuer, makeClaims());
    expect(await openToken(token, keyring, { now: NOW })).not.toBeNull();
    const { opened, tried } = await countOpened(singleChanges(token), keyring);
    // each character has 64 others among alphabet and dot
    expect(tried).toBe(token.length * 64);
    expect(opened).toBe(0);
  });

  test('A2 every single-character change of an ecc token is refused', { timeout: 900_000 }, async () => {
    const keyring = await loadKeyring();
    const token = openCases.find((c) => c.name === 'a plain ecc token opens')?.token as string;
    expect(await openToken(token, keyring, { now: NOW })).not.toBeNull();
    const { opened, tried } = await countOpened(singleChanges(token), keyring);
    expect(tried).toBe(token.length * 64);
    expect(opened).toBe(0);
  });
});

describe('A3 who can mint', () => {
  test("A3 the relay's public key and another issuer's file cannot mint for an issuer", async () => {
    const shop = createRai({ method: 'ecc', relay: 'https://relay.example.com/', iss: 'shop' });
    const other = createRai({ method: 'ecc', relay: 'https://relay.example.com/', iss: 'other' });
    const relay = shop.relay as { keys: { kid: string }[]; issuers: object[] };
    const both = { ...relay, issuers: [...relay.issuers, ...(other.relay as typeof relay).issuers] };
    const { keyring } = await createKeyring([{ name: 'both.rai', file: parseRai(both) }], { generation: 1 });

    const encryption = (shop.issuer as { keys: object[]; use: string }).keys;
    const thief = { ...other.issuer, keys: encryption, use: relay.keys[0]?.kid };
    // in its own name, under the shared public key: opens
    const own = sealToken(parseRai(thief), makeClaims({ iss: 'other' }));
    expect((await openToken(own, keyring, { now: NOW }))?.claims.iss).toBe('other');
    // in the shop's name, with its own signing key and id
    const posing = sealToken(parseRai({ ...thief, iss: 'shop' }), makeClaims());
    expect(await openToken(posing, keyring, { now: NOW })).toBeNull();
    // in the shop's name, under the shop's signing key id
    const sign = (other.issuer as { sign: object }).sign;
    const shopKid = (shop.issuer as { sign: { kid: string } }).sign.kid;
    const forged = sealToken(
      parseRai({ ...thief, iss: 'shop', sign: { ...sign, kid: shopKid } }),
      makeClaims(),
    );
    expect(await openToken(forged, keyring, { now: NOW })).toBeNull();
  });
});

describe('A4 fresh keys', () => {
  const aesCount = FULL ? 1_000_000 : 50_000;
  test(`A4 ${aesCount} aes seals repeat no content key and no IV${FULL ? '' : ' (the full 10^6 with RELAYAPI_TEST_FULL=1)'}`, {
    timeout: 3_600_000,
  }, async () => {
    const { issuer, raw } = await makePair('aes');
    const k = (raw.issuer.keys as { k: string }[])[0]?.k as string;
    const keys = new Set<string>();
    const ivs = new Set<string>();
    const claims = makeClaims();
    // one key wraps all: different wrapped keys are different content keys; the first few are unwrapped to see it
    for (let i = 0; i < aesCount; i++) {
      const token = sealToken(issuer, claims);
      const [, wrapped, iv] = token.split('.') as [string, string, string];
      keys.add(wrapped);
      ivs.add(iv);
      if (i < 100) expect(unsealAes(token, k).cek.length).toBe(32);
    }
    expect(keys.size).toBe(aesCount);
    expect(ivs.size).toBe(aesCount);
  });

  const eccCount = FULL ? 10_000 : 500;
  test(`A4 ${eccCount} ecc seals repeat no content key, IV or ephemeral key${FULL ? '' : ' (the full 10^4 with RELAYAPI_TEST_FULL=1)'}`, {
    timeout: 3_600_000,
  }, async () => {
    const { issuer, raw } = await makePair('ecc');
    const d = (raw.relay.keys as { d: string }[])[0]?.d as string;
    const seen = { keys: new Set<string>(), ivs: new Set<string>(), headers: new Set<string>() };
    for (let i = 0; i < eccCount; i++) {
      const token = sealToken(issuer, makeClaims());
      const { cek, iv } = unsealEcc(token, d);
      seen.keys.add(cek.toString('hex'));
      seen.ivs.add(iv.toString('hex'));
      seen.headers.add(token.split('.')[0] as string);
    }
    expect([seen.keys.size, seen.ivs.size, seen.headers.size]).toEqual([eccCount, eccCount, eccCount]);
  });
});

describe('A5 to A8 work that is never done', () => {
  const spyOnCrypto = (): { calls: () => number } => {
    const subtle = crypto.subtle;
    const spies = (['deriveBits', 'deriveKey', 'decrypt', 'unwrapKey', 'importKey', 'verify'] as const).map(
      (name) => vi.spyOn(subtle, name),
    );
    return { calls: () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0) };
  };

  test('A5 a token that asks for 2^31 rounds of key derivation runs no cryptography at all', async () => {
    const keyring = await loadKeyring();
    const spy = spyOnCrypto();
    const hungry = openCases.filter((c) => /PBES2|p2c/.test(c.name));
    expect(hungry.length).toBeGreaterThanOrEqual(2);
    for (const c of hungry) expect(await openToken(c.token, keyring, { now: NOW })).toBeNull();
    expect(spy.calls()).toBe(0);
    // the spy sees what it should: a good token does reach the platform
    const good = openCases.find((c) => c.name === 'a plain aes token opens')?.token as string;
    expect(await openToken(good, keyring, { now: NOW })).not.toBeNull();
    expect(spy.calls()).toBeGreaterThan(0);
  });

  test('A6 compressed tokens are refused and nothing is ever inflated', async () => {
    const keyring = await loadKeyring();
    const inflate = vi.fn();
    vi.stubGlobal(
      'DecompressionStream',
      class {
        constructor() {
          inflate();
          throw new Error('inflating');
        }
      },
    );
    const packed = openCases.filter((c) => /compressed|zip/.test(c.name));
    expect(packed.length).toBeGreaterThanOrEqual(3);
    for (const c of packed) expect(await openToken(c.token, keyring, { now: NOW })).toBeNull();
    expect(inflate).not.toHaveBeenCalled();
    vi.unstubAllGlobals();
  });

  test('A7 4,097 characters and any number above are refused before decoding', async () => {
    const keyring = await loadKeyring();
    const spy = spyOnCrypto();
    const decode = vi.spyOn(TextDecoder.prototype, 'decode');
    const over = openCases.find((c) => c.name.startsWith('a token of 4097 characters'))?.token as string;
    expect(over.length).toBe(4097);
    expect(await openToken(over, keyring, { now: NOW })).toBeNull();
    const parts = over.split('.');
    const huge = [parts[0], parts[1], parts[2], 'A'.repeat(50_000_000), parts[4]].join('.');
    expect(await openToken(huge, keyring, { now: NOW })).toBeNull();
    expect(decode).not.toHaveBeenCalled();
    expect(spy.calls()).toBe(0);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'A8 the kid %s is token_invalid, without a throw',
    async (kid) => {
      const { keyring, issuer } = await makePair('aes');
      const token = sealToken(issuer, makeClaims());
      const header = Buffer.from(JSON.stringify({ alg: 'A256KW', enc: 'A256GCM', kid, typ: 'rai+jwt' }));
      const posing = [header.toString('base64url'), ...token.split('.').slice(1)].join('.');
      await expect(openToken(posing, keyring, { now: NOW })).resolves.toBeNull();
    },
  );
});

describe('A9 rotation', () => {
  test.each(['aes', 'ecc'] as const)(
    'A9 %s: old and new key open together, the old one is refused after its until',
    async (method) => {
      const pair = createRai({ method, relay: 'https://relay.example.com/', iss: 'shop' });
      const rotated = rotateRai(pair.relay, pair.issuer, { now: NOW, graceSeconds: 100 });
      const until = NOW + 86_400 + 100;
      const { keyring } = await createKeyring([{ name: 'r.rai', file: parseRai(rotated.relay) }], {
        generation: 2,
      });
      expect(keyring.entries.map((e) => e.status).sort()).toEqual(
        method === 'aes' ? ['accept', 'active'] : ['accept', 'accept', 'active', 'active'],
      );
      const late = { iat: until - 20, exp: until + 1000 };
      const oldToken = sealToken(parseRai(pair.issuer), makeClaims(late));
      const newToken = sealToken(parseRai(rotated.issuer as object), makeClaims(late));
      for (const token of [oldToken, newToken]) {
        const opened = await openToken(token, keyring, { now: until - 1 });
        if (opened === null) throw new Error('refused too early');
        expect(judgeToken(opened, keyring, { now: until - 1, supported: CORE_FEATURES })).toBeNull();
        // the same opened token, from a cache, at the very second
        const denial = judgeToken(opened, keyring, { now: until, supported: CORE_FEATURES });
        expect(denial).toEqual(token === oldToken ? { code: 'token_invalid' } : null);
      }
      expect(await openToken(oldToken, keyring, { now: until })).toBeNull();
      expect(await openToken(newToken, keyring, { now: until })).not.toBeNull();
    },
  );

  test('A9 an issuer that has not switched yet still mints tokens that open', async () => {
    const pair = createRai({ method: 'ecc', relay: 'https://relay.example.com/', iss: 'shop' });
    const rotated = rotateRai(pair.relay, pair.issuer, { now: NOW, parts: 'enc' });
    const { keyring } = await createKeyring([{ name: 'r.rai', file: parseRai(rotated.relay) }], {
      generation: 2,
    });
    const token = sealToken(parseRai(pair.issuer), makeClaims());
    expect(await openToken(token, keyring, { now: NOW })).not.toBeNull();
  });
});

describe('A11 to A16', () => {
  test('A12 a version 1 file seals and opens version 2 tokens', async () => {
    const hex = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
    const file = parseRai({ crypto: { method: 'aes', aes_key: hex, aes_iv_seed: 'any' } });
    if (file.role !== 'shared') throw new Error('a version 1 file is a shared one');
    const { keyring } = await createKeyring([{ name: 'v1.rai', file }], { generation: 1 });
    const token = sealToken(file, makeClaims({ iss: file.iss, aud: 'default' }));
    expect((await openToken(token, keyring, { now: NOW }))?.kid).toBe(file.use);
  });

  test('A13 tokens of version 1 are refused', async () => {
    const keyring = await loadKeyring();
    const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32)));
    const cipher = createCipheriv('aes-256-cbc', key, Buffer.alloc(16, 7));
    const text = Buffer.concat([cipher.update(JSON.stringify(makeClaims())), cipher.final()]);
    const withIv = Buffer.concat([Buffer.alloc(16, 7), text]);
    for (const bytes of [text, withIv]) {
      for (const encoding of ['base64url', 'base64', 'hex'] as const) {
        expect(await openToken(bytes.toString(encoding), keyring, { now: NOW })).toBeNull();
      }
    }
  });

  test('A13 10,000 mutations of version 1 tokens get one identical answer', {
    timeout: 120_000,
  }, async () => {
    const { keyring } = await makePair('aes');
    const random = createRandom(13);
    const made = Array.from({ length: 20 }, (_, i) => version1Token(i));
    const material = {
      dictionary: ['.', '=', '+', '/', '%3D', '0123456789abcdef', 'AAAA', '..', ''],
      other: () => random.pick(made),
      maxLength: 5000,
    };
    const answers = new Set<unknown>();
    for (let done = 0; done < 10_000; done += 250) {
      const batch = Array.from({ length: 250 }, () => mutate(random.pick(made), random, material));
      for (const opened of await Promise.all(batch.map((text) => openToken(text, keyring, { now: NOW })))) {
        answers.add(opened);
      }
    }
    expect([...answers]).toEqual([null]);
  });

  test('A15 a claim or limit of any other name makes a token unsupported', async () => {
    const known = new Set(Object.keys(JSON.parse(JSON.stringify(makeClaims()))));
    const names = fc
      .stringMatching(/^[a-z_]{1,12}$/)
      .filter((n) => !known.has(n) && !knownNames.has(n) && !FORBIDDEN.has(n));
    const values = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null), fc.array(fc.nat()));
    fc.assert(
      fc.property(names, fc.boolean(), values, (name, inLimits, value) => {
        const claims = inLimits
          ? makeClaims({ limits: { [name]: value } as object })
          : { ...makeClaims(), [name]: value };
        const parsed = parseClaims(Buffer.from(JSON.stringify(claims)));
        expect(parsed?.unknown).toEqual([inLimits ? `limits.${name}` : name]);
      }),
    );
  });

  test('A16 every other JSON type for a registered claim is refused', () => {
    const wrong = [null, true, [], {}, '', 'x y', -1, 1.5, 1e300, ['shop']];
    for (const claim of ['iss', 'aud', 'jti', 'iat', 'exp', 'nbf', 'sub', 'upstream'] as const) {
      for (const value of wrong) {
        const bytes = Buffer.from(JSON.stringify({ ...makeClaims(), [claim]: value }));
        expect(parseClaims(bytes), `${claim} = ${JSON.stringify(value)}`).toBeNull();
      }
    }
  });

  test('A16 numbers that overflow, a BOM and bad UTF-8 are refused', () => {
    const text = JSON.stringify(makeClaims());
    expect(parseClaims(Buffer.from(text))).not.toBeNull();
    const bad = [
      text.replace(/"exp":\d+/, '"exp":1e999'),
      text.replace(/"exp":\d+/, '"exp":9007199254740993'),
      text.replace(/"exp":\d+/, '"exp":1,"exp":9999999999'),
      `\uFEFF${text}`,
    ];
    for (const one of bad) expect(parseClaims(Buffer.from(one))).toBeNull();
    expect(
      parseClaims(Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from(',"meta":"\xe9"}', 'latin1')])),
    ).toBeNull();
  });
});

/** As the old server made them: AES-CBC over JSON, the IV from a seed, in one of the encodings that were about. */
function version1Token(i: number): string {
  const key = createHash('sha256').update(`version 1 key ${i}`).digest();
  const iv = Buffer.alloc(16, i);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const text = Buffer.concat([cipher.update(JSON.stringify(makeClaims())), cipher.final()]);
  const bytes = i % 2 === 0 ? text : Buffer.concat([iv, text]);
  return bytes.toString((['base64url', 'base64', 'hex'] as const)[i % 3]);
}

const knownNames = new Set(
  'iss aud jti iat exp nbf sub cnf upstream limits models paths features origins ips set cap countries replay store_down meta calls attempts rate concurrency tokens micro_usd request_bytes response_bytes stream_seconds'.split(
    ' ',
  ),
);

describe('round trip', () => {
  const host = fc.stringMatching(/^[a-z]{1,8}\.example$/);
  const claimsArbitrary = fc.record(
    {
      sub: fc.stringMatching(/^[\x21-\x7e]{1,40}$/),
      nbf: fc.integer({ min: 0, max: NOW }),
      models: fc.array(fc.stringMatching(/^[a-z0-9.:/-]{1,20}\*?$/), { maxLength: 5 }),
      origins: fc.array(
        host.map((h) => `https://${h}`),
        { maxLength: 3 },
      ),
      limits: fc.record({ calls: fc.nat(), attempts: fc.nat(), concurrency: fc.nat() }, { requiredKeys: [] }),
      set: fc.dictionary(
        fc.stringMatching(/^[a-z_]{1,10}$/).filter((n) => !FORBIDDEN.has(n)),
        fc.oneof(fc.string(), fc.integer(), fc.boolean()),
        { maxKeys: 4 },
      ),
      meta: fc.string({ maxLength: 60, unit: 'grapheme' }),
    },
    { requiredKeys: [] },
  );

  test.each(['aes', 'ecc'] as const)('%s: what is sealed is what is opened', async (method) => {
    const { issuer, keyring } = await makePair(method);
    await fc.assert(
      fc.asyncProperty(claimsArbitrary, async (extra) => {
        const claims = makeClaims(extra);
        const opened = await openToken(sealToken(issuer, claims), keyring, { now: NOW });
        if (opened === null) throw new Error('refused');
        const expected = { limits: {}, ...JSON.parse(JSON.stringify(claims)), upstream: [claims.upstream] };
        expect(toPlain(opened.claims)).toEqual(expected);
        expect(opened.id).toBe(`${opened.kid}:AAECAwQF`);
      }),
      { numRuns: method === 'aes' ? 200 : 40 },
    );
  });
});
