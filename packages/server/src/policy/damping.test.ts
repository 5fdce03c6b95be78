import { describe, expect, it } from 'vitest';
import { createStepClock } from '../../test/support/step-clock.ts';
import { createDamping, type Damping } from './damping.ts';

const HOUR = 3_600_000;

function makeDamping(failures = 100, windowMs = 10_000) {
  const clock = createStepClock();
  return { clock, damping: createDamping(failures, windowMs, clock) };
}

/** As the opener does it: who is damped opens nothing, and what is not opened does not fail. */
function guess(damping: Damping, group: string, times = 1): number {
  let opened = 0;
  for (let i = 0; i < times; i++) {
    if (damping.isDamped(group)) continue;
    opened += 1;
    damping.countFailure(group);
  }
  return opened;
}

const v4 = (i: number) => `${10 + (i >> 24)}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
/** The /64 number `i` of 65,536 in the /48 number `site`. */
const v6 = (site: number, i: number) => `2001:db8:${site.toString(16)}:${i.toString(16)}::/64`;

describe('damping', () => {
  it('lets an address fail so often in any window, whatever the pace', () => {
    for (const pauseMs of [0, 7, 99, 100, 101, 5000]) {
      const { clock, damping } = makeDamping();
      const openings: number[] = [];
      for (let i = 0; i < 3000; i++) {
        if (guess(damping, '192.0.2.1') === 1) openings.push(clock.monotonicMs());
        clock.advance(pauseMs);
      }
      for (let i = 100; i < openings.length; i++) {
        expect((openings[i] as number) - (openings[i - 100] as number)).toBeGreaterThanOrEqual(10_000);
      }
      expect(openings.length).toBeGreaterThanOrEqual(100);
    }
  });

  it('ends a whole window after the failures, for everybody at the address', () => {
    const { clock, damping } = makeDamping();
    guess(damping, '192.0.2.1', 500);
    clock.advance(9_999);
    expect(damping.isDamped('192.0.2.1')).toBe(true);
    clock.advance(1);
    expect(damping.isDamped('192.0.2.1')).toBe(false);
  });

  it('A59 does not notice a step of the wall clock', () => {
    for (const step of [HOUR, -HOUR]) {
      const { clock, damping } = makeDamping();
      guess(damping, '192.0.2.1', 99);
      clock.stepWall(step);
      expect(damping.isDamped('192.0.2.1')).toBe(false);
      guess(damping, '192.0.2.1', 1);
      expect(damping.isDamped('192.0.2.1')).toBe(true);
      clock.stepWall(step);
      expect(damping.isDamped('192.0.2.1')).toBe(true);
    }
  });

  it('0 failures switch it off', () => {
    const { damping } = makeDamping(0);
    expect(guess(damping, '192.0.2.1', 1000)).toBe(1000);
    expect(damping.size()).toEqual({ groups: 0, times: 0 });
  });
});

describe('damping of IPv6', () => {
  it('gives a whole /48 ten times what a /64 has, however its holder rotates', () => {
    const { clock, damping } = makeDamping();
    let opened = 0;
    for (let i = 0; i < 65_536; i += 16) opened += guess(damping, v6(1, i));
    expect(opened).toBe(1000);
    expect(damping.isDamped(v6(1, 0xffff))).toBe(true);
    expect(damping.isDamped(v6(2, 0))).toBe(false);
    clock.advance(10_000);
    expect(damping.isDamped(v6(1, 0xffff))).toBe(false);
  });

  it('never lets one /64 damp another, nor nine of them', () => {
    const { clock, damping } = makeDamping();
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 9; i++) guess(damping, v6(1, i), 1000);
      expect(damping.isDamped(v6(1, 0))).toBe(true);
      expect(damping.isDamped(v6(1, 9))).toBe(false);
      clock.advance(10_000);
    }
    for (let i = 0; i < 10; i++) guess(damping, v6(1, i), 1000);
    expect(damping.isDamped(v6(1, 10))).toBe(true);
  });

  it('leaves IPv4 addresses to themselves', () => {
    const { damping } = makeDamping();
    for (let i = 0; i < 5000; i++) guess(damping, v4(i), 1);
    expect(damping.isDamped(v4(5000))).toBe(false);
  });
});

describe('what damping remembers', () => {
  it('is bounded: a million addresses leave 16,384 entries', () => {
    const { damping } = makeDamping();
    for (let i = 0; i < 1_000_000; i++) damping.countFailure(String(i));
    expect(damping.size()).toEqual({ groups: 16_384, times: 16_384 });
  });

  it('is bounded for rotating IPv6 addresses, sites included', () => {
    const { damping } = makeDamping();
    for (let i = 0; i < 30_000; i++) damping.countFailure(v6(i & 0x1fff, i >> 13));
    expect(damping.size().groups).toBe(16_384 + 4_096);
  });

  it('is bounded when every address fails as often as it may', () => {
    const { damping } = makeDamping();
    for (let i = 0; i < 20_000; i++) guess(damping, v4(i), 101);
    expect(damping.size()).toEqual({ groups: 16_384, times: 16_384 * 100 });
  });

  it('is bounded when very many failures are allowed, and then counts in steps', () => {
    const { damping } = makeDamping(1_000_000);
    expect(guess(damping, '192.0.2.1', 1_100_000)).toBeGreaterThanOrEqual(1_000_000);
    expect(damping.isDamped('192.0.2.1')).toBe(true);
    expect(damping.size().times).toBeLessThanOrEqual(128);
    const few = makeDamping(129).damping;
    const opened = guess(few, '192.0.2.1', 1000);
    expect([opened >= 129, opened <= 130]).toEqual([true, true]);
  });

  it('is not washed away while the guesser goes on', () => {
    const { damping } = makeDamping();
    guess(damping, '192.0.2.1', 100);
    for (let i = 0; i < 100_000; i++) {
      damping.countFailure(v4(i));
      if (i % 10_000 === 0) expect(guess(damping, '192.0.2.1')).toBe(0);
    }
    expect(damping.isDamped('192.0.2.1')).toBe(true);
  });

  it('costs more to wash away than it gives back: 16,384 failures of others for a hundred', () => {
    const { damping } = makeDamping();
    guess(damping, '192.0.2.1', 100);
    for (let i = 0; i < 16_383; i++) damping.countFailure(v4(i));
    expect(damping.isDamped('192.0.2.1')).toBe(true);
    for (let i = 0; i < 16_384; i++) damping.countFailure(v4(i));
    expect(damping.isDamped('192.0.2.1')).toBe(false);
  });

  it('is not washed away by one /48: its own failures end first', () => {
    const { damping } = makeDamping();
    guess(damping, '192.0.2.1', 100);
    for (let i = 0; i < 65_536; i += 3) guess(damping, v6(1, i));
    expect(damping.isDamped('192.0.2.1')).toBe(true);
    expect(damping.size().groups).toBe(1 + 1000 + 1);
  });
});
