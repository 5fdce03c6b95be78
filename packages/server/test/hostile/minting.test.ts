/** Who can mint, shown through HTTP: what an attacker with public keys and a file of its own can send, and that none of it reaches the upstream (token spec §1, §3, §4). */
import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { createRai } from 'relayapi-token';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  chatBody,
  named,
  postChat,
  type RelayFixture,
  startRelay,
  UPSTREAM_KEY,
} from '../support/relay-fixture.ts';
import { forgeAes, forgeEcdh, forgeEs256, forgeHs256 } from './forge.ts';
import { wordFrom } from './reading.ts';

interface EcKey {
  kid: string;
  x: string;
  y: string;
  d: string;
  [member: string]: unknown;
}
interface EccIssuer {
  aud: string;
  iss: string;
  keys: EcKey[];
  sign: EcKey;
}
interface EccRelay {
  keys: EcKey[];
  issuers: { iss: string; keys: EcKey[] }[];
}
interface AesIssuer {
  aud: string;
  keys: { kid: string; k: string }[];
}

function pair(method: 'aes' | 'ecc', iss: string, aud: string): { issuer: object; relay: object } {
  const made = createRai({ method, relay: 'http://127.0.0.1:1/relayapi/', iss, aud, role: 'pair' });
  if (!('issuer' in made)) throw new Error('a pair was asked for');
  return made;
}

let demo: DemoProvider;
beforeAll(async () => {
  demo = await startDemoProvider();
});
afterEach(() => demo.reset());
afterAll(() => demo.close());

function claimsFor(iss: string, aud: string, more: object = {}) {
  const now = Math.floor(Date.now() / 1000);
  const jti = randomBytes(16).toString('base64url');
  return {
    iss,
    aud,
    jti,
    iat: now,
    exp: now + 600,
    upstream: { provider: 'demo', key: UPSTREAM_KEY },
    ...more,
  };
}

describe('A3 an ecc relay with two issuers, shop and mallory', () => {
  let relay: RelayFixture;
  let shop: EccIssuer;
  let mallory: EccIssuer;

  beforeAll(async () => {
    relay = await startRelay({ method: 'ecc', demo });
    shop = relay.files.issuer as EccIssuer;
    mallory = pair('ecc', 'mallory', shop.aud).issuer as EccIssuer;
    const own = relay.files.relay as EccRelay;
    const { d: _d, ...publicSign } = mallory.sign;
    const shopEntry = own.issuers[0];
    if (shopEntry === undefined) throw new Error('the relay knows its issuer');
    const malloryEntry = { ...shopEntry, iss: 'mallory', keys: [{ ...publicSign, status: 'active' }] };
    await relay.instance.reloadKeys([named('relay.rai', { ...own, issuers: [shopEntry, malloryEntry] })]);
  });
  afterAll(() => relay.close());

  const outer = (more: object = {}) => ({
    alg: 'ECDH-ES+A256KW',
    enc: 'A256GCM',
    kid: shop.keys[0]?.kid,
    typ: 'rai+jwt',
    cty: 'JWT',
    ...more,
  });
  const inner = (kid: string, more: object = {}) => ({ alg: 'ES256', kid, typ: 'rai+jwt', ...more });
  const seal = (plaintext: string, more: object = {}) => {
    const [key] = shop.keys;
    if (key === undefined) throw new Error('the issuer file holds the relay key');
    return forgeEcdh(key, outer(more) as { alg: string }, plaintext);
  };
  const publicOf = ({ kty, crv, x, y }: EcKey) => ({ kty, crv, x, y });
  const post = (token: string) => postChat(`${relay.origin}/relayapi/${token}`);

  it.each<[string, () => string]>([
    [
      'mallory’s own token',
      () => seal(forgeEs256(mallory.sign, inner(mallory.sign.kid), claimsFor('mallory', mallory.aud))),
    ],
    [
      'shop’s own token',
      () => seal(forgeEs256(shop.sign, inner(shop.sign.kid), claimsFor('shop', shop.aud))),
    ],
  ])('%s opens: the forger writes good tokens when it has the keys', async (_who, make) => {
    expect(await wordFrom(await post(make()))).toBe('200 -');
    expect(demo.counters.requests).toBe(1);
  });

  const FORGERIES: [string, () => string][] = [
    [
      'claims of shop under mallory’s key',
      () => seal(forgeEs256(mallory.sign, inner(mallory.sign.kid), claimsFor('shop', shop.aud))),
    ],
    [
      'mallory’s signature under shop’s kid',
      () => seal(forgeEs256(mallory.sign, inner(shop.sign.kid), claimsFor('shop', shop.aud))),
    ],
    [
      'a key in the signature’s own header',
      () =>
        seal(
          forgeEs256(
            mallory.sign,
            inner(shop.sign.kid, { jwk: publicOf(mallory.sign) }),
            claimsFor('shop', shop.aud),
          ),
        ),
    ],
    [
      'a key address in the signature’s header',
      () =>
        seal(
          forgeEs256(
            mallory.sign,
            inner(shop.sign.kid, { jku: `${demo.origin}/keys` }),
            claimsFor('shop', shop.aud),
          ),
        ),
    ],
    ['unsigned claims', () => seal(JSON.stringify(claimsFor('shop', shop.aud)))],
    [
      'unsigned claims and no cty',
      () => seal(JSON.stringify(claimsFor('shop', shop.aud)), { cty: undefined }),
    ],
    [
      'alg none',
      () =>
        seal(
          `${Buffer.from('{"alg":"none","kid":"x","typ":"rai+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify(claimsFor('shop', shop.aud))).toString('base64url')}.`,
        ),
    ],
    [
      'alg none with a signature',
      () =>
        seal(forgeEs256(mallory.sign, { ...inner(shop.sign.kid), alg: 'none' }, claimsFor('shop', shop.aud))),
    ],
    [
      'HMAC with shop’s public x',
      () =>
        seal(
          forgeHs256(
            Buffer.from(shop.sign.x, 'base64url'),
            { ...inner(shop.sign.kid), alg: 'HS256' },
            claimsFor('shop', shop.aud),
          ),
        ),
    ],
    [
      'HMAC with shop’s public key, said to be ES256',
      () =>
        seal(
          forgeHs256(JSON.stringify(publicOf(shop.sign)), inner(shop.sign.kid), claimsFor('shop', shop.aud)),
        ),
    ],
    [
      'a signature of zeros',
      () =>
        seal(
          forgeEs256(mallory.sign, inner(shop.sign.kid), claimsFor('shop', shop.aud)).replace(
            /\.[^.]+$/,
            `.${Buffer.alloc(64).toString('base64url')}`,
          ),
        ),
    ],
    [
      'no signature',
      () =>
        seal(
          forgeEs256(mallory.sign, inner(shop.sign.kid), claimsFor('shop', shop.aud)).replace(
            /\.[^.]+$/,
            '.',
          ),
        ),
    ],
    [
      'shop’s token for another relay',
      () => seal(forgeEs256(shop.sign, inner(shop.sign.kid), claimsFor('shop', 'other.example.com'))),
    ],
    [
      'an audience list that names this relay too',
      () =>
        seal(
          forgeEs256(
            shop.sign,
            inner(shop.sign.kid),
            claimsFor('shop', shop.aud, { aud: [shop.aud, 'other.example.com'] }),
          ),
        ),
    ],
    [
      'the relay’s encryption key as the signer',
      () => seal(forgeEs256(shop.sign, inner(shop.keys[0]?.kid ?? ''), claimsFor('shop', shop.aud))),
    ],
    [
      'a bare JWS of mallory’s',
      () => forgeEs256(mallory.sign, inner(mallory.sign.kid), claimsFor('mallory', mallory.aud)),
    ],
    [
      'an aes token under the public x',
      () =>
        forgeAes(
          Buffer.from(shop.keys[0]?.x ?? '', 'base64url'),
          { alg: 'A256KW', enc: 'A256GCM', kid: shop.keys[0]?.kid, typ: 'rai+jwt' },
          JSON.stringify(claimsFor('shop', shop.aud)),
        ),
    ],
    [
      'direct agreement instead of key wrap',
      () =>
        seal(forgeEs256(shop.sign, inner(shop.sign.kid), claimsFor('shop', shop.aud)), { alg: 'ECDH-ES' }),
    ],
    [
      'apu in the header',
      () => seal(forgeEs256(shop.sign, inner(shop.sign.kid), claimsFor('shop', shop.aud)), { apu: '' }),
    ],
    [
      'a crit header',
      () => seal(forgeEs256(shop.sign, inner(shop.sign.kid), claimsFor('shop', shop.aud)), { crit: [] }),
    ],
  ];

  it.each(FORGERIES)('%s is token_invalid and nothing goes up', async (_what, make) => {
    expect(await wordFrom(await post(make()))).toBe('401 token_invalid');
    expect(demo.counters).toMatchObject({ requests: 0, connections: 0 });
  });

  it('answers all of them with the same bytes', async () => {
    const bodies = new Set<string>();
    for (const [, make] of FORGERIES) bodies.add(await (await post(make())).text());
    expect(bodies.size).toBe(1);
  });
});

describe('tokens under the true shared key that must cost nothing', () => {
  let relay: RelayFixture;
  let key: { kid: string; bytes: Buffer };
  let aud: string;

  beforeAll(async () => {
    relay = await startRelay({ demo });
    const issuer = relay.files.issuer as AesIssuer;
    aud = issuer.aud;
    key = { kid: issuer.keys[0]?.kid ?? '', bytes: Buffer.from(issuer.keys[0]?.k ?? '', 'base64url') };
  });
  afterAll(() => relay.close());

  const header = (more: object = {}) => ({
    alg: 'A256KW',
    enc: 'A256GCM',
    kid: key.kid,
    typ: 'rai+jwt',
    ...more,
  });
  const good = () => JSON.stringify(claimsFor('shop', aud));
  const post = (token: string) => postChat(`${relay.origin}/relayapi/${token}`, chatBody());

  it('the same forger’s plain token opens', async () => {
    expect(await wordFrom(await post(forgeAes(key.bytes, header(), good())))).toBe('200 -');
  });

  it.each<[string, object]>([
    ['2^31 rounds of PBKDF2', { alg: 'PBES2-HS512+A256KW', p2c: 2 ** 31, p2s: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['rounds beside the true algorithm', { p2c: 2 ** 31, p2s: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['rounds beyond any integer', { alg: 'PBES2-HS256+A128KW', p2c: 1e300, p2s: 'AA' }],
    ['PBES2 without rounds', { alg: 'PBES2-HS384+A192KW' }],
    ['dir', { alg: 'dir' }],
    ['RSA', { alg: 'RSA-OAEP-256' }],
    ['CBC', { enc: 'A256CBC-HS512' }],
    ['no kid', { kid: undefined }],
    ['a kid of another type', { kid: 7 }],
    ['a key of its own', { jwk: { kty: 'oct', k: 'AAAA' } }],
    ['a key address', { jku: 'http://127.0.0.1:1/keys' }],
    ['a member nobody knows', { x: 1 }],
  ])('A5 a header that asks for %s is token_invalid at once', async (_what, more) => {
    const token = forgeAes(key.bytes, header(more), good());
    const cpu = process.cpuUsage();
    expect(await wordFrom(await post(token))).toBe('401 token_invalid');
    const { user } = process.cpuUsage(cpu);
    // one derivation of 2^31 rounds takes many minutes
    expect(user / 1000).toBeLessThan(500);
    expect(demo.counters.requests).toBe(0);
  });

  it.each<[string, (text: string) => Buffer | string, object]>([
    ['deflated claims', (text) => deflateRawSync(text), { zip: 'DEF' }],
    ['plain claims that say they are deflated', (text) => text, { zip: 'DEF' }],
    ['deflated claims that do not say so', (text) => deflateRawSync(text), {}],
    ['another zip', (text) => deflateRawSync(text), { zip: 'GZIP' }],
    [
      'a bomb that would inflate to 2 MiB',
      () => deflateRawSync(Buffer.alloc(2 ** 21)).subarray(0, 2000),
      { zip: 'DEF' },
    ],
  ])('A6 %s are never inflated', async (_what, write, more) => {
    const token = forgeAes(key.bytes, header(more), write(good()));
    const before = process.memoryUsage().arrayBuffers;
    expect(await wordFrom(await post(token))).toBe('401 token_invalid');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    expect(demo.counters.requests).toBe(0);
  });
});
