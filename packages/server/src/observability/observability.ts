/**
 * The last stage: one access-log line and one measurement per exchange (behaviour spec §9).
 * Names a token as `kid:jti` (first 8 characters), masks the path, and never sees a body.
 */
import { type Clock, systemClock } from '../clock.ts';
import { type Denial, ERRORS } from '../errors.ts';
import type { AdmittedCall, Arrival, Opened, Outcome } from '../exchange.ts';
import { arrivalFields, denialFields, outcomeFields } from './access-log.ts';
import { errorFields, type LogFields, type Logger, silentLogger } from './logger.ts';
import { type Gauges, type Metrics, silentMetrics } from './metrics.ts';
import type { LogLevel } from './options.ts';

/** A refusal that a runtime wrote to a connection: no target, no header and no byte of what came is known of it. */
export interface Unheard {
  readonly denial: Denial;
  readonly requestId: string;
  /** The connection's other end; a proxy's own address where one stands in front. */
  readonly peerAddress: string | null;
}

/** What the spine and the composition root call. Nothing here throws. */
export interface Observability {
  /** A call goes to its provider. Each needs its `finished`. */
  started(call: AdmittedCall): void;
  /** A request went no further. `status` is the one that was answered; default: the table's. */
  refused(arrival: Arrival, opened: Opened | null, denial: Denial, status?: number): void;
  /** A connection was refused before a request could be read from it. */
  unheard(refusal: Unheard): void;
  /** The caller left while its body was being read; nothing was reserved or sent. */
  left(arrival: Arrival, opened: Opened | null): void;
  /** A forwarded call is over; `outcome` is null when forwarding itself failed. */
  finished(call: AdmittedCall, outcome: Outcome | null): void;
  /** An exception cost a request (or, without an arrival, something beside requests). */
  failed(arrival: Arrival | null, error: unknown): void;
  /** Text for `/metrics`, with its media type. */
  metrics(gauges: Gauges): Promise<{ text: string; contentType: string }>;
}

/** What it writes to. Absent ones go nowhere. */
export interface ObservabilityPorts {
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  readonly clock?: Clock;
}

/** No settings of its own: the level is the logger's. */
export type ObservabilityOptions = Readonly<Record<never, never>>;

/** OpenTelemetry's `gen_ai.operation.name` for an endpoint of the registry. */
function operationOf(path: string): string {
  const known = operations.get(path);
  if (known !== undefined) return known;
  const operation = nameOperation(path);
  operations.set(path, operation);
  return operation;
}

/** By path of a registry row: as many as the registry has. */
const operations = new Map<string, string>();

function nameOperation(path: string): string {
  if (/\/(?:chat\/completions|responses|messages)$/.test(path)) return 'chat';
  if (/[gG]enerateContent$/.test(path)) return 'generate_content';
  if (/\/embeddings$|[eE]mbedContents?$/.test(path)) return 'embeddings';
  return 'other';
}

/** Makes the stage. */
export function createObservability(
  _options: ObservabilityOptions,
  ports: ObservabilityPorts,
): Observability {
  const { logger = silentLogger, metrics = silentMetrics, clock = systemClock } = ports;
  const secondsSince = (arrival: Arrival) => (clock.monotonicMs() - arrival.startedAtMs) / 1000;

  function write(level: LogLevel, message: string, fields: () => LogFields): void {
    if (logger.enabled(level)) logger.log(level, message, fields());
  }

  return {
    started: () => metrics.live(1),
    refused(arrival, opened, denial, status = ERRORS[denial.denied].status) {
      const { level } = ERRORS[denial.denied];
      const seconds = secondsSince(arrival);
      metrics.request({ ...NOTHING_FORWARDED, status, code: denial.denied, seconds });
      write(level, 'refused', () => ({
        ...arrivalFields(arrival, opened, clock.monotonicMs()),
        'http.response.status_code': status,
        ...denialFields(denial),
      }));
    },
    unheard({ denial, requestId, peerAddress }) {
      const { level, status } = ERRORS[denial.denied];
      metrics.request({ ...NOTHING_FORWARDED, status, code: denial.denied, seconds: 0 });
      write(level, 'refused', () => ({
        request_id: requestId,
        'client.address': peerAddress ?? undefined,
        'http.response.status_code': status,
        ...denialFields(denial),
      }));
    },
    left(arrival, opened) {
      metrics.request({ ...NOTHING_FORWARDED, status: 0, code: '', seconds: secondsSince(arrival) });
      write('info', 'left', () => ({
        ...arrivalFields(arrival, opened, clock.monotonicMs()),
        caller_gone: true,
      }));
    },
    finished(call, outcome) {
      const { arrival, route } = call;
      metrics.live(-1);
      metrics.request({
        status: outcome?.status ?? 0,
        code: outcome?.denial?.denied ?? '',
        provider: route.provider.id,
        operation: operationOf(route.endpoint?.path ?? ''),
        seconds: secondsSince(arrival),
        upstreamSeconds: outcome?.ageMs == null ? null : outcome.ageMs / 1000,
        usage: outcome?.usage ?? null,
      });
      write(levelOf(outcome), 'relayed', () => ({
        ...arrivalFields(arrival, call.opened, clock.monotonicMs()),
        ...outcomeFields(call, outcome),
      }));
    },
    failed(arrival, error) {
      metrics.fault();
      write('error', 'fault', () => ({
        ...(arrival ? arrivalFields(arrival, null, clock.monotonicMs()) : {}),
        ...errorFields(error),
      }));
    },
    metrics: (gauges) => metrics.render(gauges),
  };
}

const NOTHING_FORWARDED = { provider: '', operation: '', upstreamSeconds: null, usage: null } as const;

function levelOf(outcome: Outcome | null): LogLevel {
  if (outcome === null) return 'error';
  if (outcome.denial) return ERRORS[outcome.denial.denied].level;
  return outcome.cut ? 'warn' : 'info';
}
