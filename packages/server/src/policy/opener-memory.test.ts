/** What the opener keeps and how it tells tokens apart; how it is throttled stands in opener.test.ts. */
import { encodeUtf8, sha256 } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { makeArrival, makePolicy, type PolicyBench } from '../../test/support/policy.ts';
import { isDenial } from '../errors.ts';

async function callsOf(bench: PolicyBench, token: string): Promise<number | undefined> {
  const opened = await bench.policy.open(makeArrival({ token }));
  if (isDenial(opened)) throw new Error(opened.denied);
  return opened.claims.limits.calls;
}

/** Two letters a byte. */
function spell(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(97 + (byte >> 4), 97 + (byte & 15))).join('');
}

describe('opened tokens', () => {
  it.each([
    ['bytes', (text: string) => sha256(encodeUtf8(text))],
    ['text', (text: string) => spell(sha256(encodeUtf8(text)))],
  ])('are told apart by their digest as %s', async (_form, digest) => {
    const bench = await makePolicy({}, { ports: { digest } });
    const tokens = [1, 2, 3].map((calls) => bench.seal({ limits: { calls } }));
    for (let round = 0; round < 2; round++)
      expect(await Promise.all(tokens.map((token) => callsOf(bench, token)))).toEqual([1, 2, 3]);
    expect(bench.openings()).toBe(3);
  });

  it('leave the memory once they are found to be of an earlier set of keys', async () => {
    const bench = await makePolicy();
    const token = bench.seal();
    await callsOf(bench, token);
    expect(bench.policy.openingFigures().openedCacheEntries).toBe(1);
    await bench.reload((file) => {
      file['keys'] = (file['keys'] as object[]).map((key) => ({ ...key, kid: 'other' }));
    });
    expect(await bench.policy.open(makeArrival({ token }))).toEqual({ denied: 'token_invalid' });
    expect(bench.policy.openingFigures().openedCacheEntries).toBe(0);
  });
});

describe('what is not opened at all', () => {
  it('A7 starts past 4,096 characters, not before', async () => {
    let digests = 0;
    const digest = (text: string) => {
      digests += 1;
      return text;
    };
    const bench = await makePolicy({}, { ports: { digest } });
    for (const [length, expected] of [
      [4097, 0],
      [4096, 1],
    ] as const) {
      const denial = await bench.policy.open(makeArrival({ token: 'A'.repeat(length) }));
      expect(denial).toEqual({ denied: 'token_invalid' });
      expect(digests).toBe(expected);
    }
  });

  it('says in the log why it had no room', async () => {
    const bench = await makePolicy(
      { openings: 1, waitingOpenings: 0 },
      { ports: { open: () => new Promise(() => {}) } },
    );
    void bench.policy.open(makeArrival({ token: 'a.b.c.d.e' }));
    expect(await bench.policy.open(makeArrival({ token: 'a.b.c.d.f' }))).toEqual({
      denied: 'capacity',
      reason: 'too many tokens being opened',
    });
  });
});
