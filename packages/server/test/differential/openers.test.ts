/**
 * A17: the two openers in use, jose's and the native one, give the same answer to 10^5 mutated tokens, vectors among them: both null,
 * or both the same claims, names and digest. A difference between them is a bug of one.
 */
import { createECDH } from 'node:crypto';
import {
  createKeyring,
  createRai,
  type Keyring,
  MintError,
  type OpenedToken,
  openToken,
  parseRai,
  Secret,
  sealToken,
} from 'relayapi-token';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
// the SDK's sealer is no part of its front door
import { nativeSealToken } from '../../../sdk-node/src/native-sealer.ts';
import { type Pair, type Plain, pairFor } from '../../../token/test/generate/crypto.ts';
import { createTokenMutator, type SealingKeys } from '../../../token/test/support/mutated-tokens.ts';
import { makeClaims, NOW } from '../../../token/test/support/pairs.ts';
import { createRandom } from '../../../token/test/support/random.ts';
import { unsealEcc } from '../../../token/test/support/unseal.ts';
import { loadKeyring, openCases, toPlain } from '../../../token/test/support/vectors.ts';
import { nativeOpenToken } from '../../src/runtime/node/native-opener.ts';
import {
  agreePlainly,
  createAesForger,
  createEccForger,
  type ForgedToken,
  mutateText,
  numberOf,
  seal,
} from './forged-tokens.ts';
import type { PlainPoint } from './plain-curve.ts';

const TIMES = process.env.RELAYAPI_TEST_FULL === '1' ? 10 : 1;
const claims = makeClaims({
  sub: 'user-42',
  limits: { calls: 100, rate: [10, 60] },
  models: ['gpt-4o-mini', 'gpt-4.1*'],
  origins: ['https://app.example.com', 'none'],
  meta: { grüße: ['☂', null, 1.5] },
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** All that an opener said, secrets in clear: `toEqual` would not look into a Secret. */
function spell(opened: OpenedToken | null): string {
  return JSON.stringify(opened && { ...opened, claims: toPlain(opened.claims) });
}

interface Raw {
  readonly relay: object;
  readonly issuer: object;
}
const raw = { aes: {} as Raw, ecc: {} as Raw };
let keys: SealingKeys;
/** Both methods in one keyring, as a folder of files gives them. */
let keyring: Keyring;

beforeAll(async () => {
  const relay = 'https://relay.example.com/relayapi/';
  raw.aes = createRai({ method: 'aes', relay, iss: 'shop' }) as Raw;
  raw.ecc = createRai({ method: 'ecc', relay, iss: 'store' }) as Raw;
  const files = [raw.aes, raw.ecc].map((pair, i) => ({ name: `${i}.rai`, file: parseRai(pair.relay) }));
  ({ keyring } = await createKeyring(files, { generation: 1 }));
  const [shared] = (raw.aes.relay as { keys: { kid: string; k: string }[] }).keys;
  const [own] = (raw.ecc.relay as { keys: { kid: string; x: string; y: string; d: string }[] }).keys;
  const { sign } = raw.ecc.issuer as { sign: { kid: string; x: string; y: string; d: string } };
  if (shared === undefined || own === undefined) throw new Error('files without keys');
  keys = {
    aes: { kid: shared.kid, k: Buffer.from(shared.k, 'base64url') },
    ecc: { kid: own.kid, relay: own, signKid: sign.kid, sign },
  };
});

const plainClaims = (iss: string): Plain => ({ ...claims, iss }) as object as Plain;

type Tally = Map<string, { opened: number; refused: number }>;

/** Both openers on each token; throws at the first difference. */
async function compare(
  count: number,
  make: (i: number) => ForgedToken,
  loaded: Keyring,
  tally: Tally,
): Promise<void> {
  for (let done = 0; done < count; ) {
    const batch = Array.from({ length: Math.min(250, count - done) }, (_, i) => make(done + i));
    done += batch.length;
    const portable = await Promise.all(batch.map(({ token }) => openToken(token, loaded, { now: NOW })));
    for (const [i, { kind, token }] of batch.entries()) {
      const native = nativeOpenToken(token, loaded, { now: NOW });
      const [one, other] = [spell(portable[i] ?? null), spell(native)];
      if (one !== other) throw new Error(`${kind}: they differ on ${token}: jose ${one}, native ${other}`);
      const counts = tally.get(kind) ?? { opened: 0, refused: 0 };
      counts[native === null ? 'refused' : 'opened'] += 1;
      tally.set(kind, counts);
    }
  }
}

describe('jose and native', () => {
  const texts = 60_000 * TIMES;
  test(`A17 the openers in use agree on ${texts} tokens that were changed as text`, async () => {
    const random = createRandom(1701);
    const tally: Tally = new Map();
    const vectors = openCases.filter((c) => c.now === NOW).map(({ token }) => token);
    await compare(
      texts / 2,
      () => ({ kind: 'vector', token: mutateText(random.pick(vectors), random) }),
      await loadKeyring(),
      tally,
    );
    const seals = [sealToken, nativeSealToken];
    const [aesFile, eccFile] = [parseRai(raw.aes.issuer), parseRai(raw.ecc.issuer)];
    const fresh = Array.from({ length: 40 }, (_, i) =>
      i % 4 === 3
        ? (seals[i % 2] as typeof sealToken)(eccFile, { ...claims, iss: 'store' })
        : (seals[i % 2] as typeof sealToken)(aesFile, claims),
    );
    await compare(
      texts / 2,
      () => ({
        kind: 'fresh',
        token: random.oneIn(20) ? random.pick(fresh) : mutateText(random.pick(fresh), random),
      }),
      keyring,
      tally,
    );
    // a character may be exchanged for itself, and an untouched one opens
    expect(tally.get('fresh')?.opened).toBeGreaterThan(texts / 100);
    expect(tally.get('fresh')?.refused).toBeGreaterThan(texts / 4);
    expect(tally.get('vector')?.refused).toBeGreaterThan(texts / 4);
    console.log(`figures of A17, text: ${JSON.stringify(Object.fromEntries(tally))}`);
  }, 600_000);

  const forged = 30_000 * TIMES;
  test(`A17 the openers in use agree on ${forged} tokens that were forged with the keys of the relay`, async () => {
    const random = createRandom(1702);
    const tally: Tally = new Map();
    const aes = createAesForger(keys.aes, plainClaims('shop'));
    const ecc = createEccForger(keys.ecc, plainClaims('store'));
    await compare(forged, (i) => (i % 4 === 0 ? ecc : aes)(random), keyring, tally);
    for (const [kind, { opened, refused }] of tally) {
      const opens = /good|respelt|negated|turned|mutated/.test(kind);
      const fails = !/good|negated|turned/.test(kind);
      expect([kind, opened > 0, refused > 0]).toEqual([kind, opens, fails]);
    }
    expect(tally.size).toBe(20);
    console.log(`figures of A17, forged: ${JSON.stringify(Object.fromEntries(tally))}`);
  }, 600_000);

  const edited = 10_000 * TIMES;
  test(`A17 the openers in use agree on ${edited} tokens whose members were edited before sealing`, async () => {
    const tally: Tally = new Map();
    const aes = createTokenMutator(keys, plainClaims('shop'), createRandom(1703));
    const ecc = createTokenMutator(keys, plainClaims('store'), createRandom(1704));
    await compare(edited, (i) => (i % 10 === 0 ? ecc(true) : aes(false)), keyring, tally);
    for (const kind of ['aes claims', 'ecc claims']) {
      expect(tally.get(kind)?.opened, kind).toBeGreaterThan(10);
      expect(tally.get(kind)?.refused, kind).toBeGreaterThan(10);
    }
    console.log(`figures of A17, edited: ${JSON.stringify(Object.fromEntries(tally))}`);
  }, 600_000);

  test('A17 they are two: the native one answers at once and never asks WebCrypto, jose does', async () => {
    const spies = (['unwrapKey', 'deriveBits', 'decrypt', 'importKey', 'verify'] as const).map((name) =>
      vi.spyOn(crypto.subtle, name),
    );
    const asked = () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
    const tokens = [
      sealToken(parseRai(raw.aes.issuer), claims),
      sealToken(parseRai(raw.ecc.issuer), { ...claims, iss: 'store' }),
    ];
    for (const token of tokens) {
      const before = asked();
      const native = nativeOpenToken(new Secret(token), keyring, { now: NOW });
      expect(native?.claims.sub).toBe('user-42');
      expect(asked()).toBe(before);
      expect(spell(await openToken(token, keyring, { now: NOW }))).toBe(spell(native));
      expect(asked()).toBeGreaterThan(before);
    }
  });

  test('A17 every vector, at its own time', async () => {
    const loaded = await loadKeyring();
    let opened = 0;
    for (const { name, token, now, result } of openCases) {
      const native = nativeOpenToken(token, loaded, { now });
      expect(spell(native), name).toBe(spell(await openToken(token, loaded, { now })));
      expect(native === null, name).toBe(result === 'token_invalid');
      if (native !== null) opened += 1;
    }
    expect(opened).toBeGreaterThan(50);
  });
});

describe('an ephemeral key', () => {
  /** A token for `point`, sealed with what multiplying it by the relay's private key gives. */
  function sealAt(point: PlainPoint): string {
    const good = sealToken(parseRai(raw.ecc.issuer), { ...claims, iss: 'store' });
    const { plaintext } = unsealEcc(good, keys.ecc.relay.d);
    const { epk, kek } = agreePlainly(keys.ecc.relay, point);
    const header = {
      alg: 'ECDH-ES+A256KW',
      enc: 'A256GCM',
      kid: keys.ecc.kid,
      typ: 'rai+jwt',
      cty: 'JWT',
      epk,
    };
    return seal(JSON.stringify(header), plaintext, kek);
  }
  const open = async (token: string) => [
    spell(nativeOpenToken(token, keyring, { now: NOW })),
    spell(await openToken(token, keyring, { now: NOW })),
  ];

  test('that is a point of P-256 opens: the forger multiplies right', async () => {
    const { x, y } = pairFor('a point of the curve');
    const [native, portable] = await open(sealAt({ x: numberOf(x), y: numberOf(y) }));
    expect(native).toContain('user-42');
    expect(portable).toBe(native);
  });

  test('whose Z starts with a zero opens: all 32 bytes of it are hashed', async () => {
    let number = 0;
    const zOf = (pair: Pair): Buffer => {
      const ecdh = createECDH('prime256v1');
      ecdh.setPrivateKey(Buffer.from(pair.d, 'base64url'));
      const { x, y } = keys.ecc.relay;
      return ecdh.computeSecret(
        Buffer.concat([Buffer.from([4]), ...[x, y].map((n) => Buffer.from(n, 'base64url'))]),
      );
    };
    // one in 256 is such a key
    while (zOf(pairFor(`zero ${number}`))[0] !== 0) number += 1;
    const { x, y } = pairFor(`zero ${number}`);
    const [native, portable] = await open(sealAt({ x: numberOf(x), y: numberOf(y) }));
    expect(native).toContain('user-42');
    expect(portable).toBe(native);
  });

  test('that is no point of P-256 is refused by both, though sealed for whoever multiplies it unchecked', async () => {
    const { x, y } = pairFor('a point of the curve');
    const on = { x: numberOf(x), y: numberOf(y) };
    for (const point of [
      { ...on, y: on.y + 1n },
      { ...on, x: on.x + 1n },
      { x: 5n, y: 2n },
      { x: 0n, y: 1n },
    ]) {
      expect(await open(sealAt(point)), JSON.stringify([`${point.x}`, `${point.y}`])).toEqual([
        'null',
        'null',
      ]);
    }
  });
});

describe('the two sealers', () => {
  test.each(['aes', 'ecc'] as const)('what either seals of %s, both openers open alike', async (method) => {
    const file = parseRai(raw[method].issuer);
    const sealed = { ...claims, iss: method === 'aes' ? 'shop' : 'store' };
    const answers = new Set<string>();
    for (const sealWith of [sealToken, nativeSealToken]) {
      for (let i = 0; i < 20; i++) {
        const token = sealWith(file, sealed);
        answers.add(spell(nativeOpenToken(token, keyring, { now: NOW })));
        answers.add(spell(await openToken(token, keyring, { now: NOW })));
      }
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toContain('user-42');
  });

  test('refuse the same claims with the same words', () => {
    const mints = openCases.filter((c) => typeof c.mint === 'string' && c.claims_text !== undefined);
    const file = parseRai(raw.aes.issuer);
    const refusalOf = (sealWith: typeof sealToken, text: string): string => {
      try {
        return `sealed ${sealWith(file, JSON.parse(text)).length}`;
      } catch (error) {
        if (!(error instanceof MintError)) throw error;
        return `${error.claim}: ${error.message}`;
      }
    };
    const refusals = mints.map((c) => refusalOf(nativeSealToken, c.claims_text as string));
    expect(refusals).toEqual(mints.map((c) => refusalOf(sealToken, c.claims_text as string)));
    expect(new Set(refusals).size).toBeGreaterThan(20);
  });
});
