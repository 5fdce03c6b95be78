/** The port to the metrics. Labels hold only values from closed sets, so that no caller can make them grow. */
import type { Usage } from '../usage.ts';

/** One finished or refused request, as metrics see it. */
export interface RequestMeasure {
  /** Status the caller got; 0 when it got none. */
  readonly status: number;
  /** Code of the error table, empty when the answer was the provider's. */
  readonly code: string;
  /** Registry id of the provider, empty before one was chosen. */
  readonly provider: string;
  /** What was asked for, in OpenTelemetry's words: `chat`, `embeddings`, `generate_content`, `other`. */
  readonly operation: string;
  /** Whole time of the request. */
  readonly seconds: number;
  /** From sending to the provider's status; null when none came. */
  readonly upstreamSeconds: number | null;
  readonly usage: Usage | null;
}

/** Figures that are read when the metrics are asked for. */
export interface Gauges {
  /** Tokens with counters in the store. */
  readonly storeEntries?: number;
  /** Bytes those take. */
  readonly storeBytes?: number;
  /** Openings answered from the cache of opened tokens, since the start. */
  readonly openedCacheHits?: number;
  /** Openings that had to decrypt, since the start. */
  readonly openedCacheMisses?: number;
  /** Opened tokens in the cache. */
  readonly openedCacheEntries?: number;
  /** Tokens turned away unopened because of the caller's address, since the start. */
  readonly dampedOpenings?: number;
  /** Addresses and IPv6 sites whose failed openings are remembered. */
  readonly dampingGroups?: number;
  /** Keys loaded. */
  readonly keys?: number;
  /** Key files rejected. */
  readonly rejectedFiles?: number;
}

/** Counts. Never throws. */
export interface Metrics {
  request(measure: RequestMeasure): void;
  /** Change of the number of calls that are being forwarded. */
  live(change: 1 | -1): void;
  /** An exception inside the relay. */
  fault(): void;
  /** Text in the exposition format, with its media type. */
  render(gauges: Gauges): Promise<{ text: string; contentType: string }>;
}

/** Metrics that nobody reads. */
export const silentMetrics: Metrics = {
  request: () => {},
  live: () => {},
  fault: () => {},
  render: async () => ({ text: '', contentType: 'text/plain' }),
};
