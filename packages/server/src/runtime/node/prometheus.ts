/**
 * The metrics on Node: prom-client with a registry of its own. OpenTelemetry's GenAI names where they fit.
 * The only file that knows prom-client.
 */
import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import type { Gauges, Metrics, RequestMeasure } from '../../observability/metrics.ts';

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
const IN_COMMON: ReadonlySet<keyof Gauges> = new Set(['storeEntries', 'storeBytes', 'keys', 'rejectedFiles']);

type MetricsAsJson = MetricObjectWithValues<MetricValue<string>>[];

/** How metrics are made. */
export interface PrometheusOptions {
  /** Adds Node's memory, CPU and event-loop figures. Default true. */
  readonly processMetrics?: boolean;
  /** Renders as JSON, for `createMergedMetrics`. Default false. */
  readonly json?: boolean;
}

/** Metrics in a registry of their own. */
export function createPrometheusMetrics({
  processMetrics = true,
  json = false,
}: PrometheusOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'relayapi_requests_total',
    help: 'Requests by status, error code and provider',
    labelNames: ['status', 'code', 'provider'],
    registers,
  });
  const duration = new Histogram({
    name: 'relayapi_request_duration_seconds',
    help: 'Whole time of a request, streams included',
    labelNames: ['provider'],
    buckets: SECONDS,
    registers,
  });
  const upstream = new Histogram({
    name: 'gen_ai_client_operation_time_to_response_seconds',
    help: 'From sending a request to the status of the provider',
    labelNames: ['gen_ai_provider_name'],
    buckets: SECONDS,
    registers,
  });
  const operations = new Histogram({
    name: 'gen_ai_client_operation_duration_seconds',
    help: 'Whole time of a forwarded call',
    labelNames: ['gen_ai_provider_name', 'gen_ai_operation_name', 'error_type'],
    buckets: SECONDS,
    registers,
  });
  const tokens = new Histogram({
    name: 'gen_ai_client_token_usage',
    help: 'Model tokens per call, as providers report them',
    labelNames: ['gen_ai_provider_name', 'gen_ai_token_type'],
    buckets: TOKENS,
    registers,
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

  function request(measure: RequestMeasure): void {
    const { status, code, provider, seconds } = measure;
    requests.inc({ status: String(status), code, provider });
    duration.observe({ provider }, seconds);
    if (provider === '') return;
    const name = { gen_ai_provider_name: provider };
    operations.observe({ ...name, gen_ai_operation_name: measure.operation, error_type: code }, seconds);
    if (measure.upstreamSeconds !== null) upstream.observe(name, measure.upstreamSeconds);
    const { inputTokens, outputTokens } = measure.usage ?? {};
    if (inputTokens !== undefined) tokens.observe({ ...name, gen_ai_token_type: 'input' }, inputTokens);
    if (outputTokens !== undefined) tokens.observe({ ...name, gen_ai_token_type: 'output' }, outputTokens);
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
