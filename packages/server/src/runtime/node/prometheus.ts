/**
 * The metrics on Node: prom-client with a registry of its own. OpenTelemetry's GenAI names where they fit.
 * Beside metric-series.ts the only file that knows prom-client.
 */
import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import type { Gauges, Metrics, RequestMeasure } from '../../observability/metrics.ts';
import {
  type CounterSeries,
  createCounterFamily,
  createHistogramFamily,
  type HistogramSeries,
} from './metric-series.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

const GAUGES: Readonly<Record<keyof Gauges, readonly [name: string, help: string]>> = {
  storeEntries: ['relayapi_store_entries', 'Tokens with counters in the store'],
  storeBytes: ['relayapi_store_bytes', 'Bytes that the counters take'],
  openedCacheHits: [
    'relayapi_opened_cache_hits',
    'Openings answered from the cache of opened tokens since the start',
  ],
  openedCacheMisses: ['relayapi_opened_cache_misses', 'Openings that had to decrypt since the start'],
  openedCacheEntries: ['relayapi_opened_cache_entries', 'Opened tokens in the cache'],
  dampedOpenings: [
    'relayapi_damped_openings',
    'Tokens turned away unopened since the start: their address had failed too often',
  ],
  dampingGroups: ['relayapi_damping_groups', 'Addresses and IPv6 sites whose failed openings are remembered'],
  keys: ['relayapi_keys', 'Keys loaded'],
  rejectedFiles: ['relayapi_rejected_files', 'Key files rejected'],
};

/** Figures of what all workers have in common: added up they would be counted once for each of them. */
const IN_COMMON: ReadonlySet<keyof Gauges> = new Set([
  'storeEntries',
  'storeBytes',
  'keys',
  'rejectedFiles',
  'dampingGroups',
]);

type MetricsAsJson = MetricObjectWithValues<MetricValue<string>>[];

/** How metrics are made. */
export interface PrometheusOptions {
  /** Adds Node's memory, CPU and event-loop figures. Default true. */
  readonly processMetrics?: boolean;
  /** Renders as JSON, for `createMergedMetrics`. Default false. */
  readonly json?: boolean;
}

/** Where a request of one kind is counted. The kinds come from closed sets: statuses, codes, providers, operations. */
interface RequestSeries {
  readonly requests: CounterSeries;
  readonly duration: HistogramSeries;
  readonly forwarded: {
    readonly operations: HistogramSeries;
    readonly upstream: HistogramSeries;
    readonly input: HistogramSeries;
    readonly output: HistogramSeries;
  } | null;
}

/** Metrics in a registry of their own. */
export function createPrometheusMetrics({
  processMetrics = true,
  json = false,
}: PrometheusOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const requests = createCounterFamily({
    registry,
    name: 'relayapi_requests_total',
    help: 'Requests by status, error code and provider',
  });
  const duration = createHistogramFamily({
    registry,
    name: 'relayapi_request_duration_seconds',
    help: 'Whole time of a request, streams included',
    buckets: SECONDS,
  });
  const upstream = createHistogramFamily({
    registry,
    name: 'gen_ai_client_operation_time_to_response_seconds',
    help: 'From sending a request to the status of the provider',
    buckets: SECONDS,
  });
  const operations = createHistogramFamily({
    registry,
    name: 'gen_ai_client_operation_duration_seconds',
    help: 'Whole time of a forwarded call',
    buckets: SECONDS,
  });
  const tokens = createHistogramFamily({
    registry,
    name: 'gen_ai_client_token_usage',
    help: 'Model tokens per call, as providers report them',
    buckets: TOKENS,
  });
  const live = new Gauge({ name: 'relayapi_live_calls', help: 'Calls being forwarded', registers });
  const faults = new Counter({
    name: 'relayapi_faults_total',
    help: 'Exceptions inside the relay',
    registers,
  });
  const figures = Object.entries(GAUGES).map(
    ([key, [name, help]]) => [key as keyof Gauges, makeGauge(key as keyof Gauges, name, help)] as const,
  );

  function makeGauge(key: keyof Gauges, name: string, help: string): Gauge {
    const aggregator = IN_COMMON.has(key) ? 'max' : 'sum';
    return new Gauge({ name, help, registers, aggregator });
  }

  function openSeries({ status, code, provider, operation }: RequestMeasure): RequestSeries {
    const name = { gen_ai_provider_name: provider };
    return {
      requests: requests.series({ status: String(status), code, provider }),
      duration: duration.series({ provider }),
      forwarded:
        provider === ''
          ? null
          : {
              operations: operations.series({
                ...name,
                gen_ai_operation_name: operation,
                error_type: code,
              }),
              upstream: upstream.series(name),
              input: tokens.series({ ...name, gen_ai_token_type: 'input' }),
              output: tokens.series({ ...name, gen_ai_token_type: 'output' }),
            },
    };
  }

  const known = new Map<string, RequestSeries>();
  let last: RequestMeasure | null = null;
  let lastSeries: RequestSeries | null = null;

  /** Mostly the same as for the request before. */
  function seriesOf(measure: RequestMeasure): RequestSeries {
    const { status, code, provider, operation } = measure;
    if (
      lastSeries !== null &&
      last?.status === status &&
      last.code === code &&
      last.provider === provider &&
      last.operation === operation
    ) {
      return lastSeries;
    }
    const key = `${status} ${code} ${provider} ${operation}`;
    const series = known.get(key) ?? openSeries(measure);
    known.set(key, series);
    last = measure;
    lastSeries = series;
    return series;
  }

  function request(measure: RequestMeasure): void {
    const { seconds, upstreamSeconds } = measure;
    const series = seriesOf(measure);
    series.requests.value += 1;
    series.duration.observe(seconds);
    const { forwarded } = series;
    if (forwarded === null) return;
    forwarded.operations.observe(seconds);
    if (upstreamSeconds !== null) forwarded.upstream.observe(upstreamSeconds);
    const { inputTokens, outputTokens } = measure.usage ?? {};
    if (inputTokens !== undefined) forwarded.input.observe(inputTokens);
    if (outputTokens !== undefined) forwarded.output.observe(outputTokens);
  }

  async function render(gauges: Gauges) {
    for (const [key, gauge] of figures) {
      const value = gauges[key];
      if (value !== undefined) gauge.set(value);
    }
    if (json) {
      return { text: JSON.stringify(await registry.getMetricsAsJSON()), contentType: 'application/json' };
    }
    return { text: await registry.metrics(), contentType: registry.contentType };
  }

  return { request, live: (change) => live.inc(change), fault: () => faults.inc(), render };
}

/** The metrics of several workers as one. */
export interface MergedMetrics {
  /** Takes what each worker rendered as JSON. */
  render(reports: readonly string[]): Promise<{ text: string; contentType: string }>;
}

/** Adds up the metrics of workers and puts the process's own figures before them, once. */
export function createMergedMetrics(): MergedMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    async render(reports) {
      const merged = AggregatorRegistry.aggregate(
        reports.map((report) => JSON.parse(report) as MetricsAsJson),
      );
      const parts = [await registry.metrics(), await merged.metrics()];
      return { text: parts.join('\n'), contentType: registry.contentType };
    },
  };
}
