/** The limits before authentication, seen by callers: those without an address, and when each may come again. */
import { describe, expect, it } from 'vitest';
import { createStepClock } from '../../test/support/step-clock.ts';
import { createFloodCheck } from './flood.ts';

const OFF = { perSecond: 0, burst: 0 };

describe('callers before authentication', () => {
  it('without an address share no bucket that one of them could empty', () => {
    const check = createFloodCheck(
      { flood: OFF, addressFlood: { perSecond: 1, burst: 1 } },
      createStepClock(),
    );
    for (let i = 0; i < 10; i++) expect(check(null)).toBeNull();
    expect(check('192.0.2.1')).toBeNull();
    expect(check('192.0.2.1')).toMatchObject({ denied: 'rate_limited' });
  });

  it('are told to wait for what is missing, no longer', () => {
    const clock = createStepClock();
    const check = createFloodCheck({ flood: { perSecond: 2, burst: 1 }, addressFlood: OFF }, clock);
    expect(check(null)).toBeNull();
    clock.advance(100);
    expect(check(null)).toMatchObject({ retryAtMs: clock.nowMs() + 400 });
  });
});
