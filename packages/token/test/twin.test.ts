/**
 * A17: the openers in use, jose on native cryptography behind our checks, agree with a slow plain twin on @noble
 * (support/twin.ts) on 10^5 mutated tokens. RELAYAPI_TEST_FULL=1 takes a million.
 */
import { encodeBase64Url, openToken, sha256 } from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { createTokenMutator, type SealingKeys } from './support/mutated-tokens.ts';
import { makeClaims, makePair, NOW } from './support/pairs.ts';
import { createRandom } from './support/random.ts';
import { openPlainly, type TwinFile } from './support/twin.ts';
import { keyringFile, openCases } from './support/vectors.ts';

const FULL = process.env.RELAYAPI_TEST_FULL === '1';
const digestOf = (text: string): string => encodeBase64Url(sha256(Buffer.from(text)));

describe('the twin', () => {
  test('gives every vector its stated result', () => {
    const files = keyringFile.files.map(({ file }) => file as TwinFile);
    for (const c of openCases) {
      const text = openPlainly(c.token, files, c.now);
      expect(text !== null, c.name).toBe(c.result !== 'token_invalid');
    }
  });
});

test.each([
  ['aes', FULL ? 950_000 : 95_000],
  ['ecc', FULL ? 50_000 : 5_000],
] as const)(
  'A17 %s: opener and twin agree on %i mutated tokens, sealed anew where the fault lies deep',
  async (method, count) => {
    const aes = await makePair('aes');
    const ecc = await makePair('ecc');
    const keyring = method === 'aes' ? aes.keyring : ecc.keyring;
    const file = (method === 'aes' ? aes : ecc).raw.relay as unknown as TwinFile;
    const mint = createTokenMutator(
      keysOf(aes.raw, ecc.raw),
      makeClaims() as object as Record<string, unknown>,
      createRandom(17),
    );
    const tally = new Map<string, { opened: number; refused: number }>();
    for (let done = 0; done < count; ) {
      const batch = Array.from({ length: Math.min(250, count - done) }, () => mint(method === 'ecc'));
      done += batch.length;
      const opened = await Promise.all(batch.map(({ token }) => openToken(token, keyring, { now: NOW })));
      for (const [i, { kind, token }] of batch.entries()) {
        const text = openPlainly(token, [file], NOW);
        const plain = text === null ? null : digestOf(text);
        // the digest is over the claims' bytes: both opened the same ones
        if ((opened[i]?.claimsDigest ?? null) !== plain)
          throw new Error(`${kind}: they differ on ${token}, twin ${text}`);
        const counts = tally.get(kind) ?? { opened: 0, refused: 0 };
        counts[plain === null ? 'refused' : 'opened'] += 1;
        tally.set(kind, counts);
      }
    }
    // mutations reach both sides of the door
    expect(tally.get(`${method} claims`)?.opened).toBeGreaterThan(count / 200);
    expect(tally.get(`${method} claims`)?.refused).toBeGreaterThan(count / 200);
    for (const [kind, { refused }] of tally)
      if (!/good|length/.test(kind)) expect(refused, kind).toBeGreaterThan(0);
    console.log(`figures of A17, ${method}: ${JSON.stringify(Object.fromEntries(tally))}`);
  },
  3_600_000,
);

/** The keys that the relay's files hold, for sealing by hand. */
function keysOf(aes: { relay: object }, ecc: { relay: object; issuer: object }): SealingKeys {
  const [shared] = (aes.relay as { keys: { kid: string; k: string }[] }).keys;
  const [own] = (ecc.relay as { keys: { kid: string; x: string; y: string; d: string }[] }).keys;
  const { sign } = ecc.issuer as { sign: { kid: string; x: string; y: string; d: string } };
  if (shared === undefined || own === undefined) throw new Error('files without keys');
  return {
    aes: { kid: shared.kid, k: Buffer.from(shared.k, 'base64url') },
    ecc: { kid: own.kid, relay: own, signKid: sign.kid, sign },
  };
}
