// Medians, spread, and ratios that are taken round by round.
import { describe, expect, test } from 'vitest';
import { type Figure, type Results, spreadOf, tabulate } from './figures.ts';
import { resultsOf } from './sample-results.ts';

const row = (candidate: string, round: number, value: number, figure = 'cpuUs'): Figure => ({
  case: 'small',
  candidate,
  figure,
  round,
  value,
});

function tableOf(figures: readonly Figure[]) {
  return tabulate(resultsOf({ small: figures }));
}

describe('spread', () => {
  test('the median of an odd and of an even number of figures, in any order', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7 });
  });

  test('no figures is a mistake, not a zero', () => {
    expect(() => spreadOf([])).toThrow('no figures');
  });
});

describe('a table of figures', () => {
  const figures = [
    row('node-pipe', 1, 100),
    row('relay', 1, 50),
    // a noisy round slows both: the ratio stays
    row('node-pipe', 2, 200),
    row('relay', 2, 100),
    row('direct', 1, 9000, 'rps'),
  ];

  test('ratios compare within a round', () => {
    expect(tableOf(figures).ratio('small', 'relay', 'node-pipe', 'cpuUs')).toEqual(spreadOf([0.5, 0.5]));
    expect(tableOf(figures).ratio('small', 'node-pipe', 'relay', 'cpuUs')).toEqual(spreadOf([2, 2]));
  });

  test('differences do likewise', () => {
    expect(tableOf(figures).difference('small', 'node-pipe', 'relay', 'cpuUs')).toEqual({
      median: 75,
      min: 50,
      max: 100,
    });
  });

  test('a round in which only one of the two was measured does not count', () => {
    const table = tableOf([...figures, row('relay', 3, 1)]);
    expect(table.ratio('small', 'relay', 'node-pipe', 'cpuUs')).toEqual(spreadOf([0.5, 0.5]));
    expect(table.spread('small', 'relay', 'cpuUs')).toEqual({ median: 50, min: 1, max: 100 });
  });

  test('what was not measured is null, never a zero', () => {
    const table = tableOf(figures);
    expect(table.spread('small', 'direct', 'cpuUs')).toBeNull();
    expect(table.spread('latency', 'relay', 'p50Us')).toBeNull();
    expect(table.ratio('small', 'direct', 'node-pipe', 'cpuUs')).toBeNull();
    expect(table.ratio('small', 'relay', 'portkey', 'cpuUs')).toBeNull();
    expect(table.difference('small', 'relay', 'direct', 'cpuUs')).toBeNull();
  });

  test('candidates come in the order in which they were first measured', () => {
    expect(tableOf(figures).candidates('small')).toEqual(['node-pipe', 'relay', 'direct']);
    expect(tableOf(figures).candidates('latency')).toEqual([]);
  });

  test('cases of several suites stand side by side', () => {
    const results: Results = resultsOf({
      small: [row('relay', 1, 1)],
      other: [{ ...row('relay', 1, 2), case: 'other' }],
    });
    expect(tabulate(results).spread('other', 'relay', 'cpuUs')?.median).toBe(2);
    expect(tabulate(results).spread('small', 'relay', 'cpuUs')?.median).toBe(1);
  });
});
