// The figures of a benchmark report.
import { describe, expect, test } from 'vitest';
import { type Round, ratioToBase, renderMarkdown, spreadOf } from './report.ts';

const row = (candidate: string, round: number, rps: number, cpuUs: number | null): Round => ({
  candidate,
  round,
  rps,
  cpuUs,
  p50Us: 100,
  p99Us: 1000,
  rssMb: null,
});

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

describe('ratios', () => {
  const rounds = [
    row('node-proxy', 1, 1000, 100),
    row('relay', 1, 1500, 50),
    // a noisy round slows both: the ratio stays
    row('node-proxy', 2, 500, 200),
    row('relay', 2, 750, 100),
    row('direct', 1, 9000, null),
  ];

  test('they compare within a round, above 1 is better for both figures', () => {
    expect(ratioToBase(rounds, 'relay', 'rps')).toEqual({ median: 1.5, min: 1.5, max: 1.5 });
    expect(ratioToBase(rounds, 'relay', 'cpuUs')).toEqual({ median: 2, min: 2, max: 2 });
    expect(ratioToBase(rounds, 'direct', 'cpuUs')).toBeNull();
  });

  test('the table has one row per candidate and a dash where there is no figure', () => {
    const text = renderMarkdown(
      {
        date: '2026-01-01',
        commit: 'abc',
        machine: 'm',
        node: 'v26',
        load: 'wrk',
        upstream: 'nginx',
        pinned: true,
        connections: 64,
        seconds: 5,
        rounds: 2,
        loadAverage: '0.1',
      },
      rounds,
    );
    expect(text).toContain(
      '| relay | 75.0 (50.0–100.0) | 2.00 (2.00–2.00) | 1,125 (750–1,500) | 1.50 (1.50–1.50) |',
    );
    expect(text).toContain('| direct | – | – | 9,000 (9,000–9,000) |');
    expect(text.split('\n').filter((line) => line.startsWith('| '))).toHaveLength(5);
  });
});
