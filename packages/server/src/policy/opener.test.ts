import { Secret } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { makeArrival, makePolicy, type PolicyBench } from '../../test/support/policy.ts';
import { isDenial } from '../errors.ts';

const open = async (bench: PolicyBench, token: string | null, client: string | null = '192.0.2.1') => {
  const result = await bench.policy.open(makeArrival({ token, client }));
  return isDenial(result) ? result.denied : 'ok';
};

const textOf = (token: string | Secret) => (token instanceof Secret ? token.reveal() : token);

/** A token with one character of its ciphertext changed. */
function spoil(token: string, salt = 0): string {
  const at = token.length - 40 - salt;
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
}

describe('opening', () => {
  it('opens a token and says whose it is', async () => {
    const bench = await makePolicy();
    const opened = await bench.open({ jti: 'abcdefghijklmnopqrstuv', limits: { calls: 3 } });
    expect(opened.claims.limits.calls).toBe(3);
    expect(opened.name).toMatch(/^[A-Za-z0-9_-]{4,32}:abcdefgh$/);
  });

  it('answers every token that does not open with the very same denial', async () => {
    const bench = await makePolicy();
    const foreign = await makePolicy();
    const good = bench.seal();
    const parts = good.split('.');
    const bad = [
      spoil(good),
      foreign.seal(),
      'x',
      'a.b.c.d.e',
      good.slice(0, -1),
      `${good}A`,
      `${good}.${parts[0]}`,
      parts.slice(0, 4).join('.'),
      'A'.repeat(4097),
      '__proto__',
      bench.seal({ aud: 'relay.example.com', iss: 'shop', iat: Math.floor(bench.clock.nowMs() / 1000) + 61 }),
    ];
    const denials = await Promise.all(bad.map((token) => bench.policy.open(makeArrival({ token }))));
    for (const denial of denials) expect(denial).toEqual({ denied: 'token_invalid' });
    expect(new Set(denials.map((denial) => JSON.stringify(denial))).size).toBe(1);
    expect(await open(bench, good)).toBe('ok');
  });

  it('A7 4,097 characters are refused before anything is hashed or opened', async () => {
    let digests = 0;
    const digest = (text: string) => {
      digests += 1;
      return text;
    };
    const bench = await makePolicy({}, { ports: { digest } });
    expect(await open(bench, 'A'.repeat(4097))).toBe('token_invalid');
    expect(digests).toBe(0);
    expect(bench.openings()).toBe(0);
  });

  it('says token_missing when there is none', async () => {
    expect(await open(await makePolicy(), null)).toBe('token_missing');
  });

  it('never rejects for anything in a token, a digest as text included', async () => {
    const bench = await makePolicy({}, { ports: { digest: (text) => `sha-${text}` } });
    for (const token of ['', '.', '....', 'é.é.é.é.é', '\u0000', 'a.b.c.d.e']) {
      expect(await open(bench, token)).toBe('token_invalid');
    }
  });
});

describe('the cache of opened tokens', () => {
  it('opens a token once, then answers from memory for up to 60 s', async () => {
    const bench = await makePolicy();
    const token = bench.seal();
    for (let i = 0; i < 5; i++) expect(await open(bench, token)).toBe('ok');
    expect(bench.openings()).toBe(1);
    bench.clock.advance(59_999);
    await open(bench, token);
    expect(bench.openings()).toBe(1);
    bench.clock.advance(1);
    await open(bench, token);
    expect(bench.openings()).toBe(2);
    expect(bench.policy.openingFigures()).toEqual({
      openedCacheHits: 5,
      openedCacheMisses: 2,
      openedCacheEntries: 1,
      dampedOpenings: 0,
      dampingGroups: 0,
    });
  });

  it('judges expiry on each hit', async () => {
    const bench = await makePolicy();
    const token = bench.seal({ exp: Math.floor(bench.clock.nowMs() / 1000) + 30 });
    expect(await open(bench, token)).toBe('ok');
    bench.clock.advance(29_999);
    expect(await open(bench, token)).toBe('ok');
    bench.clock.advance(1);
    expect(await open(bench, token)).toBe('token_expired');
  });

  it('is dropped by a new generation of keys: a removed key, a revoked token and a narrower allow hold at once', async () => {
    const bench = await makePolicy();
    const jti = 'abcdefghijklmnopqrstuv';
    const token = bench.seal({ jti });
    const reloaded = async (change: (file: Record<string, unknown>) => void) => {
      await bench.reload(change);
      return open(bench, token);
    };
    expect(await open(bench, token)).toBe('ok');
    expect(
      await reloaded((file) => Object.assign(file, { revoke: { iat_before: 0, sub: {}, jti: [jti] } })),
    ).toBe('token_revoked');
    expect(bench.openings()).toBe(2);
    expect(await reloaded(() => {})).toBe('ok');
    expect(bench.openings()).toBe(3);
    expect(await reloaded((file) => Object.assign(file, { allow: { max_ttl_seconds: 60 } }))).toBe(
      'claim_not_allowed',
    );
    const other = await makePolicy();
    expect(
      await reloaded((file) => Object.assign((file['keys'] as object[])[0] as object, { kid: 'another1' })),
    ).toBe('token_invalid');
    expect(await open(other, token)).toBe('token_invalid');
  });

  it('honours the `until` of a key on a cached token', async () => {
    const bench = await makePolicy();
    const until = Math.floor(bench.clock.nowMs() / 1000) + 30;
    await bench.reload((file) =>
      Object.assign((file['keys'] as object[])[0] as object, { status: 'accept', until }),
    );
    const token = bench.seal();
    expect(await open(bench, token)).toBe('ok');
    bench.clock.advance(30_000);
    const denial = await bench.policy.open(makeArrival({ token }));
    expect(denial).toEqual({ denied: 'token_invalid' });
  });

  it('is bounded, and can be switched off', async () => {
    const bench = await makePolicy({ cachedTokens: 2 });
    const tokens = [bench.seal(), bench.seal(), bench.seal()];
    for (const token of tokens) await open(bench, token);
    expect(bench.policy.openingFigures().openedCacheEntries).toBe(2);
    const off = await makePolicy({ cachedTokens: 0 });
    const token = off.seal();
    for (let i = 0; i < 3; i++) await open(off, token);
    expect(off.openings()).toBe(3);
  });
});

describe('the gate before openings', () => {
  it('opens one token once for 5,000 requests at the same time', async () => {
    const bench = await makePolicy();
    const token = bench.seal();
    const all = await Promise.all(Array.from({ length: 5000 }, () => open(bench, token)));
    expect(new Set(all)).toEqual(new Set(['ok']));
    expect(bench.openings()).toBe(1);
  });

  it('never joins a request that came after a reload to an opening under the keys before it', async () => {
    let release = () => {};
    let first = true;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { openToken } = await import('relayapi-token');
    const bench = await makePolicy(
      {},
      {
        ports: {
          open: async (token, keys, options) => {
            const result = await openToken(token, keys, options);
            if (first) {
              first = false;
              await held;
            }
            return result;
          },
        },
      },
    );
    const token = bench.seal();
    // the relay does not have the key yet
    await bench.reload((file) => {
      file['keys'] = (file['keys'] as object[]).map((key) => ({ ...key, kid: 'other' }));
    });
    const early = open(bench, token);
    await bench.reload(() => {});
    expect(await open(bench, token, '192.0.2.2')).toBe('ok');
    release();
    expect(await early).toBe('token_invalid');
  });

  it('lets 32 be opened and 256 wait; one more gets capacity', async () => {
    const waiting: (() => void)[] = [];
    let most = 0;
    const bench = await makePolicy(
      {},
      {
        ports: {
          open: () =>
            new Promise((resolve) => {
              waiting.push(() => resolve(null));
              most = Math.max(most, waiting.length);
            }),
        },
      },
    );
    const results = Array.from({ length: 289 }, (_, i) => open(bench, `a.b.c.d.${i}`, `client-${i}`));
    expect(await results[288]).toBe('capacity');
    expect(most).toBe(32);
    let released = 0;
    while (released < 288) {
      for (const release of waiting.splice(0)) {
        release();
        released += 1;
      }
      for (let i = 0; i < 20; i++) await Promise.resolve();
    }
    expect(new Set(await Promise.all(results.slice(0, 288)))).toEqual(new Set(['token_invalid']));
    expect(most).toBe(32);
    expect(await open({ ...bench } as PolicyBench, 'A'.repeat(4097))).toBe('token_invalid');
  });

  it('frees its place when an opening fails by exception', async () => {
    let fail = true;
    const bench = await makePolicy(
      { openings: 1, waitingOpenings: 0 },
      { ports: { open: async () => (fail ? Promise.reject(new Error('a bug')) : null) } },
    );
    await expect(open(bench, 'a.b.c.d.e')).rejects.toThrow('a bug');
    fail = false;
    expect(await open(bench, 'a.b.c.d.e')).toBe('token_invalid');
  });
});

describe('failure damping', () => {
  const flood = async (bench: PolicyBench, times: number, client = '192.0.2.1') => {
    for (let i = 0; i < times; i++) await open(bench, `a.b.c.d.${i}`, client);
  };

  it('from 100 failed openings in 10 s on, an address gets the same answer without any cryptography', async () => {
    const bench = await makePolicy();
    const fresh = bench.seal();
    await flood(bench, 99);
    expect(await open(bench, bench.seal())).toBe('ok');
    await flood(bench, 1);
    const openings = bench.openings();
    const denial = await bench.policy.open(makeArrival({ token: fresh }));
    expect(denial).toEqual({ denied: 'token_invalid' });
    await flood(bench, 50);
    expect(bench.openings()).toBe(openings);
  });

  it('never touches a token that was opened before, from the cache or long after it left it', async () => {
    const bench = await makePolicy();
    const token = bench.seal();
    expect(await open(bench, token)).toBe('ok');
    await flood(bench, 200);
    expect(await open(bench, token)).toBe('ok');
    bench.clock.advance(61_000);
    await flood(bench, 200);
    expect(await open(bench, token)).toBe('ok');
    await bench.reload(() => {});
    expect(await open(bench, token)).toBe('ok');
  });

  it('ends when the failures are older than 10 s', async () => {
    const bench = await makePolicy();
    const fresh = bench.seal();
    await flood(bench, 100);
    bench.clock.advance(9_999);
    expect(await open(bench, fresh)).toBe('token_invalid');
    bench.clock.advance(1);
    expect(await open(bench, fresh)).toBe('ok');
  });

  it('counts each address for itself, and callers without one not at all', async () => {
    const bench = await makePolicy();
    await flood(bench, 150);
    expect(await open(bench, bench.seal(), '192.0.2.2')).toBe('ok');
    for (let i = 0; i < 150; i++) await open(bench, `a.b.c.d.${i}`, null);
    expect(await open(bench, bench.seal(), null)).toBe('ok');
  });

  it('does not count tokens that are authentic but refused', async () => {
    const bench = await makePolicy();
    const expired = bench.seal({ exp: Math.floor(bench.clock.nowMs() / 1000) + 1 });
    bench.clock.advance(2_000);
    for (let i = 0; i < 150; i++) expect(await open(bench, expired)).toBe('token_expired');
    expect(await open(bench, bench.seal())).toBe('ok');
  });

  it('asks again when an opening comes out of the line: what one address sends at once costs no more', async () => {
    const bench = await makePolicy({ openings: 4 });
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => open(bench, `a.b.c.d.${i}`)));
    expect(new Set(results)).toEqual(new Set(['token_invalid']));
    // those that ran when the hundredth failed had begun before it
    expect(bench.openings()).toBeLessThanOrEqual(103);
    expect(bench.policy.openingFigures().dampedOpenings).toBe(200 - bench.openings());
  });

  it('keeps a damped address out of the line, too', async () => {
    let release = () => {};
    const { openToken } = await import('relayapi-token');
    const bench = await makePolicy(
      { openings: 1, waitingOpenings: 0, dampingFailures: 1 },
      {
        ports: {
          open: (token, keys, options) =>
            textOf(token).startsWith('held')
              ? new Promise((resolve) => {
                  release = () => resolve(null);
                })
              : openToken(token, keys, options),
        },
      },
    );
    expect(await open(bench, 'a.b.c.d.e')).toBe('token_invalid');
    const held = open(bench, 'held.b.c.d.e', '192.0.2.2');
    expect(await open(bench, bench.seal(), '192.0.2.3')).toBe('capacity');
    expect(await open(bench, bench.seal())).toBe('token_invalid');
    release();
    await held;
  });

  it('counts an opening once for an address, however many of its requests waited for it', async () => {
    const bench = await makePolicy();
    const stale = spoil(bench.seal());
    await Promise.all(Array.from({ length: 500 }, () => open(bench, stale)));
    expect(bench.openings()).toBe(1);
    expect(await open(bench, bench.seal())).toBe('ok');
  });

  it('opens for an honest caller what a damped one waits for as well', async () => {
    const waiting: (() => void)[] = [];
    const { openToken } = await import('relayapi-token');
    const bench = await makePolicy(
      { openings: 1, dampingFailures: 1 },
      {
        ports: {
          open: async (token, keys, options) => {
            await new Promise<void>((resolve) => waiting.push(resolve));
            return openToken(token, keys, options);
          },
        },
      },
    );
    const token = bench.seal();
    const garbage = open(bench, 'a.b.c.d.e');
    const guesser = open(bench, token);
    const honest = open(bench, token, '192.0.2.2');
    for (let i = 0; i < 50; i++) {
      waiting.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await garbage).toBe('token_invalid');
    expect([await guesser, await honest]).toEqual(['ok', 'ok']);
  });

  it('lets known tokens pass strangers in the line, and a full line', async () => {
    const strangers: (() => void)[] = [];
    const { openToken } = await import('relayapi-token');
    const bench = await makePolicy(
      { openings: 1, waitingOpenings: 5 },
      {
        ports: {
          open: (token, keys, options) =>
            textOf(token).startsWith('a.')
              ? new Promise((resolve) => strangers.push(() => resolve(null)))
              : openToken(token, keys, options),
        },
      },
    );
    const token = bench.seal();
    expect(await open(bench, token)).toBe('ok');
    bench.clock.advance(61_000);
    const flood = Array.from({ length: 6 }, (_, i) => open(bench, `a.b.c.d.${i}`, `192.0.2.${i}`));
    expect(await open(bench, bench.seal())).toBe('capacity');
    const known = open(bench, token);
    expect(await flood[5]).toBe('capacity');
    strangers.shift()?.();
    expect(await known).toBe('ok');
    while (strangers.length > 0) {
      strangers.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(flood.slice(0, 5))).toEqual(Array(5).fill('token_invalid'));
  });

  it('opens an expired token once for as many as send it', async () => {
    const bench = await makePolicy();
    const expired = bench.seal({ exp: Math.floor(bench.clock.nowMs() / 1000) + 1 });
    bench.clock.advance(2_000);
    for (let i = 0; i < 200; i++) expect(await open(bench, expired)).toBe('token_expired');
    expect(bench.openings()).toBe(1);
  });

  it('knows a token no longer that once opened and does no more', async () => {
    const bench = await makePolicy();
    const other = await makePolicy();
    const token = bench.seal();
    expect(await open(bench, token)).toBe('ok');
    await bench.reload((file) => {
      file['keys'] = (file['keys'] as object[]).map((key) => ({ ...key, kid: 'other' }));
    });
    await flood(bench, 100);
    expect(await open(bench, token)).toBe('token_invalid');
    const openings = bench.openings();
    for (let i = 0; i < 50; i++) expect(await open(bench, token)).toBe('token_invalid');
    expect(bench.openings()).toBe(openings);
    expect(await open(other, token)).toBe('token_invalid');
  });

  it('can be switched off', async () => {
    const bench = await makePolicy({ dampingFailures: 0 });
    await flood(bench, 300);
    expect(await open(bench, bench.seal())).toBe('ok');
  });
});
