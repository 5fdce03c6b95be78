import type { Limits } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { makeArrival, makeClaims, makePolicy } from '../../test/support/policy.ts';
import { isDenial } from '../errors.ts';
import { boundByVault } from './vault-limits.ts';

const viaVault = (limits: Limits, name = 'main') =>
  makeClaims({ upstream: [{ provider: 'openai', vault: name }], limits });
const vaultOf = (limits: Limits | undefined) => new Map([['main', { limits }]]);
const bound = (own: Limits, entry: Limits) => boundByVault(viaVault(own), vaultOf(entry)).limits;

describe("a vault entry's limits", () => {
  it('lower each limit of the token and raise none', () => {
    expect(bound({ calls: 100, request_bytes: 5 }, { calls: 10, request_bytes: 9 })).toEqual({
      calls: 10,
      request_bytes: 5,
    });
  });

  it('hold where the token says nothing, zero included', () => {
    expect(bound({}, { concurrency: 2, response_bytes: 0 })).toEqual({ concurrency: 2, response_bytes: 0 });
  });

  it('that are left open lower nothing', () => {
    const entry = { calls: undefined, rate: undefined };
    expect(boundByVault(viaVault({ calls: 5 }), new Map([['main', { limits: entry }]])).limits).toStrictEqual(
      {
        calls: 5,
      },
    );
  });

  it('leave alone what they do not name', () => {
    expect(bound({ stream_seconds: 7, rate: [1, 2] }, { calls: 1 })).toEqual({
      stream_seconds: 7,
      rate: [1, 2],
      calls: 1,
    });
  });

  it.each<[string, Limits, Limits, Limits['rate']]>([
    ['the one there is', {}, { rate: [5, 60] }, [5, 60]],
    ['fewer over longer, which keeps both', { rate: [100, 3600] }, { rate: [5, 60] }, [5, 3600]],
    ['the stricter where it is in both', { rate: [2, 60] }, { rate: [5, 1] }, [2, 60]],
  ])('join two rates into %s', (_what, own, entry, expected) => {
    expect(bound(own, entry).rate).toEqual(expected);
  });

  it('concern nobody else: another name, a key of its own, an entry without limits', () => {
    const vault = vaultOf({ calls: 1 });
    for (const claims of [viaVault({ calls: 5 }, 'other'), makeClaims({ limits: { calls: 5 } })]) {
      expect(boundByVault(claims, vault)).toBe(claims);
    }
    const claims = viaVault({ calls: 5 });
    expect(boundByVault(claims, vaultOf(undefined))).toBe(claims);
  });

  it('bind what the policy counts, on the first opening and from the cache', async () => {
    const bench = await makePolicy(
      {},
      { allow: { vault: ['main'] }, ports: { vault: vaultOf({ calls: 1, request_bytes: 9 }) } },
    );
    const token = bench.seal({ upstream: { provider: 'openai', vault: 'main' }, limits: { calls: 50 } });
    const answers: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      const opened = await bench.policy.open(makeArrival({ token }));
      if (isDenial(opened)) throw new Error(opened.denied);
      expect(bench.policy.maxRequestBytes(opened)).toBe(9);
      const reserved = await bench.policy.reserve(opened, makeArrival({ token }));
      answers.push(isDenial(reserved) ? reserved.denied : 'ok');
    }
    expect(answers).toEqual(['ok', 'calls_exhausted']);
    expect(bench.openings()).toBe(1);
  });
});
