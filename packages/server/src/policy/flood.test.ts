import { describe, expect, it } from 'vitest';
import { createStepClock } from '../../test/support/step-clock.ts';
import { createFloodCheck } from './flood.ts';
import { createPolicyOptions } from './options.ts';

const OFF = { perSecond: 0, burst: 0 };

describe('limits before authentication', () => {
  it('are off by default', () => {
    const { flood, addressFlood } = createPolicyOptions();
    const check = createFloodCheck({ flood, addressFlood }, createStepClock());
    for (let i = 0; i < 1000; i++) expect(check('192.0.2.1')).toBeNull();
  });

  it('admit a burst, then so many per second, and say when to come again', () => {
    const clock = createStepClock();
    const check = createFloodCheck({ flood: { perSecond: 2, burst: 3 }, addressFlood: OFF }, clock);
    for (let i = 0; i < 3; i++) expect(check(`192.0.2.${i}`)).toBeNull();
    expect(check('192.0.2.9')).toEqual({ denied: 'rate_limited', retryAtMs: clock.nowMs() + 500 });
    clock.advance(499);
    expect(check(null)).toMatchObject({ denied: 'rate_limited' });
    clock.advance(1);
    expect(check(null)).toBeNull();
    expect(check(null)).toMatchObject({ denied: 'rate_limited' });
    clock.advance(3_600_000);
    for (let i = 0; i < 3; i++) expect(check(null)).toBeNull();
    expect(check(null)).toMatchObject({ denied: 'rate_limited' });
  });

  it('without a burst admit what one second brings, at least one', () => {
    const clock = createStepClock();
    const five = createFloodCheck({ flood: { perSecond: 5, burst: 0 }, addressFlood: OFF }, clock);
    expect(Array.from({ length: 9 }, () => five(null)).filter((one) => one === null)).toHaveLength(5);
    const slow = createFloodCheck({ flood: { perSecond: 0.1, burst: 0 }, addressFlood: OFF }, clock);
    expect(slow(null)).toBeNull();
    expect(slow(null)).toMatchObject({ retryAtMs: clock.nowMs() + 10_000 });
  });

  it('count each address for itself; one over its own limit does not use up everybody else’s', () => {
    const clock = createStepClock();
    const check = createFloodCheck(
      { flood: { perSecond: 1, burst: 4 }, addressFlood: { perSecond: 1, burst: 2 } },
      clock,
    );
    const many = Array.from({ length: 50 }, () => check('192.0.2.1'));
    expect(many.filter((one) => one === null)).toHaveLength(2);
    expect(check('192.0.2.2')).toBeNull();
    expect(check('192.0.2.2')).toBeNull();
    expect(check('192.0.2.3')).toMatchObject({ denied: 'rate_limited' });
  });

  it('a refusal by the limit over all costs an address nothing', () => {
    const clock = createStepClock();
    const check = createFloodCheck(
      { flood: { perSecond: 1, burst: 1 }, addressFlood: { perSecond: 0.001, burst: 1 } },
      clock,
    );
    expect(check('192.0.2.1')).toBeNull();
    expect(check('192.0.2.2')).toMatchObject({ denied: 'rate_limited' });
    clock.advance(1000);
    expect(check('192.0.2.2')).toBeNull();
  });

  it('A59 a step of the wall clock by an hour either way brings no request', () => {
    for (const step of [3_600_000, -3_600_000]) {
      const clock = createStepClock();
      const check = createFloodCheck({ flood: { perSecond: 1, burst: 1 }, addressFlood: OFF }, clock);
      expect(check(null)).toBeNull();
      clock.stepWall(step);
      expect(check(null)).toMatchObject({ denied: 'rate_limited' });
    }
  });
});

describe('options of the stage', () => {
  it('come from config in its own units', () => {
    const options = createPolicyOptions({
      rate_limit: { requests_per_second: 9, burst: 8, ip_limit: { requests_per_second: 7, burst: 6 } },
      damping: { failures: 5, window: 4, openings: 3, waiting: 2, cached_tokens: 1 },
      max_body_bytes: 100,
      public_url: 'https://relay.example.com:8443/relayapi/',
    });
    expect(options).toEqual({
      flood: { perSecond: 9, burst: 8 },
      addressFlood: { perSecond: 7, burst: 6 },
      dampingFailures: 5,
      dampingWindowMs: 4000,
      openings: 3,
      waitingOpenings: 2,
      cachedTokens: 1,
      maxBodyBytes: 100,
      ownOrigin: 'https://relay.example.com:8443',
      countries: false,
      leaseMs: 30_000,
    });
  });

  it('have the defaults that the behaviour page names', () => {
    expect(createPolicyOptions()).toMatchObject({
      dampingFailures: 100,
      dampingWindowMs: 10_000,
      openings: 32,
      waitingOpenings: 256,
      maxBodyBytes: 10 * 1024 * 1024,
      ownOrigin: null,
    });
  });
});
