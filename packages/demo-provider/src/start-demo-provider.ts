/** The demo provider: a listener, a recorder and hooks, with the dialects behind them. It runs in the caller's process. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHooks, type DemoExchange, type Handler, type Step, type StepChooser } from './hooks.ts';
import { NO_KNOBS } from './knobs.ts';
import { type DemoCounters, startListener, type TlsFiles } from './listener.ts';
import { readBody } from './read-body.ts';
import { createRecorder, type RecordEntry, type RecordedRequest } from './recorder.ts';
import { cutConnection } from './send-reply.ts';
import { type ServeState, serveRequest } from './serve-request.ts';

/** Options of {@link startDemoProvider}; all have defaults. */
export interface DemoProviderOptions {
  /** Default `127.0.0.1`. Another address makes the fake reachable from elsewhere. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** PEM key and certificate; with them it speaks https. */
  readonly tls?: TlsFiles;
  /** Accepted credentials; default any that is not empty. */
  readonly keys?: readonly string[];
  /** How many requests are kept, the newest. Default 10,000; 0 keeps none. */
  readonly keep?: number;
  /** Milliseconds between the frames of an ordinary stream, for a lively demo. Default 0. */
  readonly paceMs?: number;
  /** Told of bugs inside the demo provider. Default: standard error. */
  readonly log?: (message: string) => void;
}

/** A running demo provider. */
export interface DemoProvider {
  /** Such as `http://127.0.0.1:40123`. */
  readonly origin: string;
  readonly port: number;
  /** What arrived, oldest first; the live array. */
  readonly requests: RecordedRequest[];
  readonly counters: Readonly<DemoCounters>;
  /** Connections open now. */
  connections(): number;
  /** Forgets records, counts, hooks and scripts. Connections stay. */
  reset(): void;
  /** Resolves with the first recorded request, present or future, for which the predicate holds. Default 2,000 ms. */
  waitFor(predicate: (request: RecordedRequest) => boolean, timeoutMs?: number): Promise<RecordedRequest>;
  /** Sees every request first; true (or a promise of it) means that it has dealt with it. */
  handle: Handler | null;
  /** Queues steps for the next requests, one each. */
  next(...steps: Step[]): void;
  /** A function that gives each request its step, or a queue of steps, or null to stop. */
  script(steps: StepChooser | readonly Step[] | null): void;
  /** Destroys every open connection, idle or not; the server goes on. */
  dropConnections(): void;
  /** Stops listening and destroys every connection. */
  close(): Promise<void>;
}

/**
 * Starts a demo provider. Rejects if the address is taken.
 *
 * @example
 * const provider = await startDemoProvider();
 * const client = new OpenAI({ baseURL: `${provider.origin}/v1`, apiKey: 'sk-demo-not-a-key' });
 */
export async function startDemoProvider(options: DemoProviderOptions = {}): Promise<DemoProvider> {
  const { host = '127.0.0.1', port = 0, tls, keys, keep = 10_000, paceMs = 0 } = options;
  const log = options.log ?? ((message: string) => process.stderr.write(`demo provider: ${message}\n`));
  const recorder = createRecorder(keep);
  const hooks = createHooks();
  const state: ServeState = {
    keys: keys ? new Set(keys) : null,
    paceMs,
    flaky: new Map(),
    jobs: new Map(),
    serial: 0,
  };

  const serve = async (
    request: IncomingMessage,
    response: ServerResponse,
    entry: RecordEntry,
  ): Promise<void> => {
    if (!hooks.isSet()) return serveRequest(request, response, entry, state, '');
    const exchange = createExchange(request, response, entry);
    const chosen = await hooks.choose(exchange);
    if (chosen === 'handled') return;
    if (typeof chosen.step === 'function') return chosen.step(exchange);
    return serveRequest(request, response, entry, state, chosen.step ?? '');
  };
  const listener = await startListener({ host, port, tls }, (request, response, socketId) => {
    const { method = '', url: rawTarget = '', rawHeaders } = request;
    const entry = recorder.begin({ method, rawTarget, rawHeaders, socketId });
    response.on('close', () => {
      const early = !response.writableFinished && !entry.request.cut;
      entry.markClosed(early, response.headersSent ? response.statusCode : null);
    });
    serve(request, response, entry).catch((error: unknown) => {
      log(error instanceof Error ? (error.stack ?? error.message) : String(error));
      request.socket.destroy();
    });
  });

  return {
    origin: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${listener.port}`,
    port: listener.port,
    requests: recorder.requests,
    counters: listener.counters,
    connections: () => listener.counters.open,
    waitFor: recorder.waitFor,
    get handle() {
      return hooks.handle;
    },
    set handle(handler) {
      hooks.handle = handler;
    },
    next: hooks.next,
    script: hooks.script,
    dropConnections: listener.dropConnections,
    close: listener.close,
    reset() {
      recorder.clear();
      listener.resetCounters();
      hooks.reset();
      state.flaky.clear();
      state.jobs.clear();
      state.serial = 0;
    },
  };
}

function createExchange(
  request: IncomingMessage,
  response: ServerResponse,
  entry: RecordEntry,
): DemoExchange {
  let body: Promise<Buffer> | null = null;
  return {
    request,
    response,
    socket: request.socket,
    recorded: entry.request,
    cut: (how = 'fin') => cutConnection(response, how, entry.markCut),
    readBody() {
      body ??= readBody(request, entry, NO_KNOBS, false).then((outcome) =>
        'body' in outcome ? outcome.body : entry.request.body,
      );
      return body;
    },
  };
}
