/** What damping says of its own size, which metrics show and its bounds are tested by. */
import { describe, expect, it } from 'vitest';
import { createStepClock } from '../../test/support/step-clock.ts';
import { createDamping } from './damping.ts';

describe('the size of damping', () => {
  it('is the addresses and sites remembered, and the times kept for both: full rings grow no more', () => {
    const damping = createDamping(3, 10_000, createStepClock());
    for (let i = 0; i < 5; i++) damping.countFailure('2001:db8:1:2::/64');
    expect(damping.size()).toEqual({ groups: 2, times: 3 + 5 });
    damping.countFailure('192.0.2.1');
    expect(damping.size()).toEqual({ groups: 3, times: 3 + 5 + 1 });
  });

  it('is right where a single failure is one too many, and nothing where damping is off', () => {
    const strict = createDamping(1, 10_000, createStepClock());
    strict.countFailure('192.0.2.1');
    strict.countFailure('192.0.2.1');
    expect(strict.size()).toEqual({ groups: 1, times: 1 });
    const off = createDamping(0, 10_000, createStepClock());
    off.countFailure('192.0.2.1');
    expect(off.isDamped('192.0.2.1')).toBe(false);
    expect(off.size()).toEqual({ groups: 0, times: 0 });
  });
});
