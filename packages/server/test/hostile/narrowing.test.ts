/** Every layer only narrows: whatever a vault entry and the relay's own ceilings say, a token never gets more than any of them grants. */
import fc from 'fast-check';
import type { Claims, Limits } from 'relayapi-token';
import { expect, test } from 'vitest';
import { maxRequestBytes } from '../../src/policy/checks/request-size.ts';
import { boundByVault, type VaultBounds } from '../../src/policy/vault-limits.ts';

const COUNTS = [
  ...(['calls', 'attempts', 'concurrency', 'tokens', 'micro_usd'] as const),
  ...(['request_bytes', 'response_bytes', 'stream_seconds'] as const),
];
const count = fc.oneof(fc.nat(5), fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER));
const limits = fc.record(
  {
    ...(Object.fromEntries(COUNTS.map((name) => [name, count])) as Record<
      (typeof COUNTS)[number],
      typeof count
    >),
    rate: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 12 })),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Limits>;

function claimsOf(own: Limits, vaults: readonly string[]): Claims {
  return { limits: own, upstream: vaults.map((vault) => ({ provider: 'demo', vault })) } as unknown as Claims;
}

/** Admissions (in seconds) that a rate lets through: at most n in any window of that length. */
function admitted(times: readonly number[], rate: Limits['rate']): number[] {
  const passed: number[] = [];
  for (const at of times) {
    if (rate === undefined || passed.filter((before) => before > at - rate[1]).length < rate[0])
      passed.push(at);
  }
  return passed;
}

test('limits laid over each other are none that is wider than any of them', () => {
  fc.assert(
    fc.property(
      limits,
      limits,
      limits,
      fc.array(fc.nat(60), { maxLength: 40 }),
      (own, first, second, moments) => {
        const vault = new Map<string, VaultBounds>([
          ['first', { limits: first }],
          ['second', { limits: second }],
        ]);
        const bound = boundByVault(claimsOf(own, ['first', 'second']), vault).limits;
        for (const layer of [own, first, second]) {
          for (const name of COUNTS) {
            const most = layer[name];
            if (most !== undefined) expect(bound[name]).toBeLessThanOrEqual(most);
          }
          // what passes under the lower rate passes under each: no window of it holds more than its number
          const times = [...moments].sort((a, b) => a - b);
          const passed = admitted(times, bound.rate);
          expect(admitted(passed, layer.rate)).toEqual(passed);
        }
        const other = boundByVault(claimsOf(own, ['second', 'first']), vault).limits;
        expect(other).toEqual(bound);
        expect(boundByVault(claimsOf(bound, ['first', 'second']), vault).limits).toEqual(bound);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a vault entry that bounds nothing, or that a token does not name, changes nothing', () => {
  fc.assert(
    fc.property(limits, limits, (own, foreign) => {
      const claims = claimsOf(own, ['empty']);
      const vault = new Map<string, VaultBounds>([
        ['empty', {}],
        ['foreign', { limits: foreign }],
      ]);
      expect(boundByVault(claims, vault)).toBe(claims);
    }),
  );
});

test('a body is never larger than the relay or the token allows', () => {
  fc.assert(
    fc.property(limits, count, (own, ceiling) => {
      const most = maxRequestBytes(claimsOf(own, []), ceiling);
      expect(most).toBeLessThanOrEqual(ceiling);
      expect(most).toBeLessThanOrEqual(own.request_bytes ?? ceiling);
    }),
  );
});
