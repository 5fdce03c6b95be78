/**
 * Counters and histograms whose label values are looked up once and then only added to: prom-client sorts and joins the labels on every
 * observation, which cost more than all limits of a call. prom-client's registry still renders them, by its own `get`.
 */
import type { Metric, Registry } from 'prom-client';

/** Label values by label name. */
export type Labels = Readonly<Record<string, string>>;

/** What a family of series is called. */
export interface FamilyOptions {
  readonly registry: Registry;
  readonly name: string;
  readonly help: string;
}

/** One counter. */
export interface CounterSeries {
  value: number;
}

/** A family of counters. */
export interface CounterFamily {
  /** The counter with these labels; the same one for the same labels. */
  series(labels: Labels): CounterSeries;
}

/** One histogram. */
export interface HistogramSeries {
  observe(value: number): void;
}

/** A family of histograms. */
export interface HistogramFamily {
  /** The histogram with these labels; the same one for the same labels. */
  series(labels: Labels): HistogramSeries;
}

interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

function register(options: FamilyOptions, type: 'counter' | 'histogram', samples: () => Sample[]): void {
  const { registry, name, help } = options;
  const get = async () => ({ name, help, type, values: samples(), aggregator: 'sum' });
  registry.registerMetric({ name, help, get, reset: () => {} } as unknown as Metric);
}

/** Keeps one `T` per set of labels. */
function createShelf<T>(make: (labels: Labels) => T): { find(labels: Labels): T; all(): readonly T[] } {
  const shelf = new Map<string, T>();
  return {
    find(labels) {
      const text = JSON.stringify(labels);
      const known = shelf.get(text);
      if (known !== undefined) return known;
      const made = make(labels);
      shelf.set(text, made);
      return made;
    },
    all: () => [...shelf.values()],
  };
}

/** Makes counters that start at 0 with their first look-up. */
export function createCounterFamily(options: FamilyOptions): CounterFamily {
  const shelf = createShelf((labels) => ({ labels, value: 0 }));
  register(options, 'counter', () => shelf.all().map(({ labels, value }) => ({ labels, value })));
  return { series: shelf.find };
}

/** Makes histograms over these upper bounds (inclusive, ascending). A series without an observation is not shown. */
export function createHistogramFamily(
  options: FamilyOptions & { readonly buckets: readonly number[] },
): HistogramFamily {
  const { buckets, name } = options;
  const shelf = createShelf((labels) => {
    const counts = new Float64Array(buckets.length);
    const state = { labels, counts, count: 0, sum: 0 };
    const observe = (value: number) => {
      let at = 0;
      while (at < buckets.length && value > (buckets[at] as number)) at += 1;
      if (at < buckets.length) counts[at] = (counts[at] as number) + 1;
      state.count += 1;
      state.sum += value;
    };
    return { observe, state };
  });
  register(options, 'histogram', () =>
    shelf.all().flatMap(({ state: { labels, counts, count, sum } }) => {
      if (count === 0) return [];
      let below = 0;
      const bars = buckets.map((le, at) => {
        below += counts[at] as number;
        return { labels: { le, ...labels }, value: below, metricName: `${name}_bucket` };
      });
      return [
        ...bars,
        { labels: { le: '+Inf', ...labels }, value: count, metricName: `${name}_bucket` },
        { labels, value: sum, metricName: `${name}_sum` },
        { labels, value: count, metricName: `${name}_count` },
      ];
    }),
  );
  return { series: shelf.find };
}
