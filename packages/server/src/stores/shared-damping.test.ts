/** Failure damping of several threads against that of one. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../test/contract/store-contract.ts';
import { createStepClock } from '../../test/support/step-clock.ts';
import { createDamping, type Damping } from '../policy/damping.ts';
import { createSharedDamping, openSharedDamping } from './shared-damping.ts';

function createPair(failures: number, windowMs = 10_000) {
  const clock = createStepClock();
  const handle = createSharedDamping(failures);
  const shared = [1, 2].map(() => openSharedDamping(handle, windowMs, clock)) as [Damping, Damping];
  return { clock, local: createDamping(failures, windowMs, clock), shared };
}

/** The /64 number `i` of the /48 number `site`. */
const v6 = (site: number, i: number) => `2001:db8:${site.toString(16)}:${i.toString(16)}::/64`;

describe('shared damping', () => {
  it('answers as damping does, over random schedules', () => {
    const random = createRandom(10);
    const draw = (most: number) => Math.floor(random() * most);
    let damped = 0;
    for (const failures of [0, 1, 3, 100, 129, 5000]) {
      const { clock, local, shared } = createPair(failures);
      for (let i = 0; i < 6000; i++) {
        if (draw(20) === 0) clock.advance(draw(3000));
        if (draw(99) === 0) clock.stepWall(draw(2) === 0 ? 3_600_000 : -3_600_000);
        const group = [null, '192.0.2.1', v6(1, draw(12)), v6(2, draw(2))][draw(4)] as string | null;
        const one = shared[draw(2)] as Damping;
        const is = local.isDamped(group);
        expect(one.isDamped(group)).toBe(is);
        if (is) damped += 1;
        else {
          for (let n = draw(60); n >= 0; n--) {
            local.countFailure(group);
            (shared[n % 2] as Damping).countFailure(group);
          }
        }
        expect(one.size()).toEqual(local.size());
      }
    }
    expect(damped).toBeGreaterThan(1000);
  });

  it('forgets as damping does: the group used least recently, with its times', () => {
    const { local, shared } = createPair(2);
    const [one] = shared;
    const both = (group: string) => {
      local.countFailure(group);
      one.countFailure(group);
    };
    both('192.0.2.1');
    both('192.0.2.1');
    for (let i = 0; i < 30_000; i++) {
      both(i % 2 === 0 ? v6(i, 0) : `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
      // Who is asked about is remembered.
      if (i < 25_000 && i % 1000 === 0) expect(one.isDamped('192.0.2.1')).toBe(local.isDamped('192.0.2.1'));
    }
    expect(one.size()).toEqual(local.size());
    expect(one.size().groups).toBe(16_384 + 4_096);
    expect(one.isDamped('192.0.2.1')).toBe(true);
    for (let i = 0; i < 16_384; i++) both(`11.0.${i >> 8}.${i & 255}`);
    expect(local.isDamped('192.0.2.1')).toBe(false);
    expect(one.isDamped('192.0.2.1')).toBe(false);
    expect(one.size()).toEqual(local.size());
  });

  it('has one time for all threads: one whose clock is behind ends nothing early', () => {
    const clock = createStepClock();
    const handle = createSharedDamping(2);
    const ahead = openSharedDamping(handle, 1000, clock);
    const behind = openSharedDamping(handle, 1000, { monotonicMs: () => clock.monotonicMs() - 600 });
    ahead.countFailure('192.0.2.1');
    behind.countFailure('192.0.2.1');
    clock.advance(999);
    expect([ahead.isDamped('192.0.2.1'), behind.isDamped('192.0.2.1')]).toEqual([true, true]);
    clock.advance(1);
    expect([ahead.isDamped('192.0.2.1'), behind.isDamped('192.0.2.1')]).toEqual([false, false]);
  });
});
