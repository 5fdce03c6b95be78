// The raw numbers of a run and what is computed from them: medians, spread, ratios. Pure.

/** One raw number. `round` counts from 1. */
export interface Figure {
  /** What was done, `small` or `streams-500`. */
  readonly case: string;
  readonly candidate: string;
  /** What was measured, with its unit as the last word: `cpuUs`, `rps`, `p50Us`, `rssMb`. */
  readonly figure: string;
  readonly round: number;
  readonly value: number;
}

/** One suite of one run. */
export interface SuiteRun {
  readonly suite: string;
  /** ISO date and time of its start. */
  readonly at: string;
  readonly commit: string;
  readonly quick: boolean;
  readonly rounds: number;
  readonly tookSeconds: number;
  /** One, five and fifteen minutes, before the suite began. */
  readonly loadAverage: string;
  readonly figures: readonly Figure[];
  /** What was left out and why, and what a reader must know. */
  readonly notes: readonly string[];
}

/** Where the figures come from. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly pinned: boolean;
}

/** All that is kept: the last run of each suite. */
export interface Results {
  readonly machine: Machine;
  /** Version of each program that took part, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly suites: Readonly<Record<string, SuiteRun>>;
}

/** Median, smallest and largest of some numbers. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Sums numbers up; throws when there are none. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error('no figures');
  return { median: (low + high) / 2, min: sorted[0] ?? low, max: sorted.at(-1) ?? high };
}

/** Looks numbers up in the last run of every suite. */
export interface FigureTable {
  /** Spread over the rounds; null when it was not measured. */
  spread(place: string, candidate: string, figure: string): Spread | null;
  /**
   * How often `other` goes into `candidate`, taken round by round (both saw the same neighbours); null when one was not measured.
   * Rounds in which only one of them was measured do not count.
   */
  ratio(place: string, candidate: string, other: string, figure: string): Spread | null;
  /** `candidate` minus `other`, round by round; null when one was not measured. */
  difference(place: string, candidate: string, other: string, figure: string): Spread | null;
  /** Every candidate of a case, in the order of the first round. */
  candidates(place: string): string[];
}

/** Indexes the figures of some results. */
export function tabulate(results: Results): FigureTable {
  const byKey = new Map<string, Map<number, number>>();
  const byCase = new Map<string, Set<string>>();
  const keyOf = (...parts: string[]) => parts.join('\n');
  for (const run of Object.values(results.suites)) {
    for (const { case: place, candidate, figure, round, value } of run.figures) {
      const key = keyOf(place, candidate, figure);
      byKey.set(key, (byKey.get(key) ?? new Map()).set(round, value));
      byCase.set(place, (byCase.get(place) ?? new Set()).add(candidate));
    }
  }
  const paired = (
    place: string,
    candidate: string,
    other: string,
    figure: string,
    combine: (own: number, base: number) => number,
  ) => {
    const base = byKey.get(keyOf(place, other, figure));
    const values = [...(byKey.get(keyOf(place, candidate, figure)) ?? [])].flatMap(([round, own]) => {
      const beside = base?.get(round);
      return beside === undefined ? [] : [combine(own, beside)];
    });
    return values.length === 0 ? null : spreadOf(values);
  };
  return {
    spread(place, candidate, figure) {
      const values = byKey.get(keyOf(place, candidate, figure));
      return values === undefined ? null : spreadOf([...values.values()]);
    },
    ratio: (place, candidate, other, figure) =>
      paired(place, candidate, other, figure, (own, base) => own / base),
    difference: (place, candidate, other, figure) =>
      paired(place, candidate, other, figure, (own, base) => own - base),
    candidates: (place) => [...(byCase.get(place) ?? [])],
  };
}
