/** The limits before authentication of several threads against those of one. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../test/contract/store-contract.ts';
import { createStepClock } from '../../test/support/step-clock.ts';
import { createFloodCheck } from '../policy/flood.ts';
import { type BucketRule, createSharedBuckets, openSharedBuckets } from './shared-buckets.ts';

const OFF = { perSecond: 0, burst: 0 };

/** Both implementations under one clock; `ask` says what each answers, as the time to come again. */
function createPair(flood: BucketRule, addressFlood: BucketRule) {
  const clock = createStepClock();
  const check = createFloodCheck({ flood, addressFlood }, clock);
  const handle = createSharedBuckets();
  // Two threads in turn are as good as one.
  const threads = [1, 2].map(() => openSharedBuckets(handle, { flood, addressFlood }));
  let turn = 0;
  return {
    clock,
    ask(group: string | null) {
      turn += 1;
      const wait = threads[turn % 2]?.take(group, clock.monotonicMs()) as number;
      const denial = check(group);
      return {
        shared: wait === 0 ? null : Math.ceil(clock.nowMs() + wait),
        local: denial === null ? null : (denial as { retryAtMs?: number }).retryAtMs,
      };
    },
  };
}

describe('shared buckets', () => {
  it('answer as the flood check does, over random schedules', () => {
    const random = createRandom(4);
    const draw = (most: number) => Math.floor(random() * most);
    const rules: BucketRule[] = [
      OFF,
      { perSecond: 2, burst: 3 },
      { perSecond: 0.1, burst: 0 },
      { perSecond: 50, burst: 0 },
      { perSecond: 1, burst: 20 },
    ];
    let refused = 0;
    for (const flood of rules) {
      for (const addressFlood of rules) {
        const { clock, ask } = createPair(flood, addressFlood);
        for (let i = 0; i < 400; i++) {
          if (draw(3) === 0) clock.advance(draw(900));
          if (draw(40) === 0) clock.stepWall(draw(2) === 0 ? 3_600_000 : -3_600_000);
          const group = [null, '192.0.2.1', '192.0.2.2', '2001:db8:1:2::/64'][draw(4)] as string | null;
          const { shared, local } = ask(group);
          expect(shared).toBe(local);
          if (shared !== null) refused += 1;
        }
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });

  it('remember 65,536 groups, and forget the one that was used least recently', () => {
    const { ask } = createPair(OFF, { perSecond: 0.001, burst: 1 });
    const group = (i: number) => `${10 + (i >> 16)}.1.${(i >> 8) & 255}.${i & 255}`;
    for (let i = 0; i < 65_536; i++) expect(ask(group(i))).toEqual({ shared: null, local: null });
    const again = ask(group(0));
    expect(again.shared).toBe(again.local);
    expect(again.shared).not.toBeNull();
    expect(ask(group(65_536))).toEqual({ shared: null, local: null });
    // The second oldest had to go, not the first, which was just seen.
    expect(ask(group(0)).shared).not.toBeNull();
    expect(ask(group(1))).toEqual({ shared: null, local: null });
  });

  it('never forget the bucket for everybody', () => {
    const clock = createStepClock();
    const limits = { flood: { perSecond: 0.001, burst: 70_000 }, addressFlood: { perSecond: 1, burst: 1 } };
    const buckets = openSharedBuckets(createSharedBuckets(), limits);
    for (let i = 0; i < 70_000; i++) expect(buckets.take(`group-${i}`, clock.monotonicMs())).toBe(0);
    expect(buckets.take('group-70000', clock.monotonicMs())).toBeGreaterThan(0);
  });

  it('give nothing to a thread whose clock was read before another’s', () => {
    const limits = { flood: { perSecond: 1, burst: 1 }, addressFlood: OFF };
    const handle = createSharedBuckets();
    const [one, two] = [openSharedBuckets(handle, limits), openSharedBuckets(handle, limits)];
    expect(one.take(null, 5000)).toBe(0);
    expect(two.take(null, 4000)).toBe(1000);
    expect(one.take(null, 5999)).toBeCloseTo(1);
    expect(two.take(null, 6000)).toBe(0);
  });

  it('take no key that is longer than any address', () => {
    const buckets = openSharedBuckets(createSharedBuckets(), {
      flood: OFF,
      addressFlood: { perSecond: 1, burst: 1 },
    });
    expect(() => buckets.take('x'.repeat(41), 0)).toThrow(RangeError);
    expect(() => buckets.take('名'.repeat(20), 0)).toThrow(RangeError);
    expect(buckets.take('x'.repeat(40), 0)).toBe(0);
  });
});
