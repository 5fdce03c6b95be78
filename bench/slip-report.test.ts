// What is called slipped, better and unchanged between two measurements.
import { describe, expect, test } from 'vitest';
import { type Costs, compareCosts, renderCosts } from './slip-report.ts';

function costs(heapBytes: number[], instructions: number[] = [], node = 'v26.0.0'): Costs {
  return { node, heapBytes, instructions };
}

describe('two measurements', () => {
  test.each([
    [100_000, 101_900, 'unchanged', false],
    [100_000, 98_100, 'unchanged', false],
    [100_000, 102_100, 'SLIPPED', true],
    [100_000, 97_900, 'better', false],
  ])('%i bytes and then %i are %s', (before, after, word, slipped) => {
    const found = compareCosts(costs([before]), costs([after]));
    expect(found.slipped).toBe(slipped);
    expect(found.text).toMatch(new RegExp(`^${word}: bytes on the heap per request `));
  });

  test('their medians count, so one odd run does not', () => {
    const before = costs([100, 100, 100]);
    expect(compareCosts(before, costs([100, 900, 100])).slipped).toBe(false);
    expect(compareCosts(before, costs([900, 900, 100])).slipped).toBe(true);
  });

  test('instructions slip by themselves', () => {
    const found = compareCosts(costs([100], [1000]), costs([100], [1100]));
    expect(found.slipped).toBe(true);
    expect(found.text).toContain('SLIPPED: instructions per request 1,000 → 1,100 (10.00 %)');
    expect(found.text).toContain('unchanged: bytes on the heap');
  });

  test('what one of them did not measure is not compared', () => {
    expect(compareCosts(costs([100], [1000]), costs([100])).text).not.toContain('instructions');
    expect(compareCosts(costs([100]), costs([100], [1000])).slipped).toBe(false);
  });

  test('of different Node versions they are compared with a warning', () => {
    expect(compareCosts(costs([100]), costs([100], [], 'v27.0.0')).text).toContain(
      'careful: v26.0.0 before, v27.0.0 now',
    );
    expect(compareCosts(costs([100]), costs([100])).text).not.toContain('careful');
  });
});

describe('one measurement', () => {
  test('shows median, range and how far apart the runs were', () => {
    expect(renderCosts(costs([1000, 1010, 990]))).toBe(
      'bytes on the heap per request: 1,000 (990–1,010, 2.00 % apart)\ninstructions per request: not measured',
    );
  });
});
