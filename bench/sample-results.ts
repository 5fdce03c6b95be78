// Results for the tests of the page and its parts: a machine and two programs, and whatever figures a test brings.
import type { Figure, Results } from './figures.ts';

/** Results with the given figures, by suite. */
export function resultsOf(figures: Readonly<Record<string, readonly Figure[]>>): Results {
  return {
    machine: { cpu: 'Test CPU', cores: 2, memoryGib: 8, kernel: 'Linux 6', node: 'v26.0.0', pinned: true },
    versions: { nginx: 'nginx/1.22.1', portkey: 'gateway 1' },
    suites: Object.fromEntries(
      Object.entries(figures).map(([suite, own]) => [
        suite,
        {
          suite,
          at: '2026-11-29T06:00:00.000Z',
          commit: 'abc1234',
          quick: false,
          rounds: 5,
          tookSeconds: 60,
          loadAverage: '0.10 0.20 0.30',
          figures: own,
          notes: [`a note of ${suite}`],
        },
      ]),
    ),
  };
}

/** Figures of one case: a value of each round, by candidate and by what was measured. */
export function figuresOf(
  place: string,
  values: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>,
): Figure[] {
  return Object.entries(values).flatMap(([candidate, own]) =>
    Object.entries(own).flatMap(([figure, list]) =>
      list.map((value, index) => ({ case: place, candidate, figure, round: index + 1, value })),
    ),
  );
}
