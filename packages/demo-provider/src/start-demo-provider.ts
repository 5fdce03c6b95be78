/** The demo provider's server: listens, counts, records, and hands each request to the hooks or to the dialects. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { NO_KNOBS } from './knobs.ts';
import { readBody } from './read-body.ts';
import { createRecorder, type RecordEntry, type RecordedRequest } from './recorder.ts';
import { type ServeState, serveRequest } from './serve-request.ts';

/** Options of {@link startDemoProvider}; all have defaults. */
export interface DemoProviderOptions {
  /** Default `127.0.0.1`. Another address makes the fake reachable from elsewhere. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** PEM certificate and key; with them it speaks https. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Accepted credentials; default any that is not empty. */
  readonly keys?: readonly string[];
  /** How many requests are kept, the newest. Default 10,000. */
  readonly keep?: number;
  /** Milliseconds between the frames of an ordinary stream, for a lively demo. Default 0. */
  readonly paceMs?: number;
  /** Told of bugs inside the demo provider. Default: standard error. */
  readonly log?: (message: string) => void;
}

/** Everything a hook gets. */
export interface DemoExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The raw connection: for bytes that Node's response would not write. */
  readonly socket: Socket;
  readonly recorded: RecordedRequest;
  /** Reads and records the body. Without a call to it the body stays unread; resolves with what came before an abort. */
  readBody(): Promise<Buffer>;
}

/** Answers one request by hand. The response must be ended (or the socket destroyed) by the responder. */
export type Responder = (exchange: DemoExchange) => void | Promise<void>;

/** One scripted step: a responder, or knobs such as `demo-error-503`. */
export type Step = Responder | string;

/** Counts since the start or the last reset; `open`, `inFlight` are as of now. */
export interface DemoCounters {
  requests: number;
  /** Connections accepted. */
  connections: number;
  /** Connections open now. */
  open: number;
  /** Requests not yet closed. */
  inFlight: number;
  /** The most requests that were in flight at one time. */
  peakInFlight: number;
  /** Connections whose bytes were not HTTP. */
  malformed: number;
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
  handle:
    | ((
        request: IncomingMessage,
        response: ServerResponse,
        exchange: DemoExchange,
      ) => boolean | Promise<boolean>)
    | null;
  /** Queues steps for the next requests, one each. */
  next(...steps: Step[]): void;
  /** A function that gives each request its step, or a queue of steps, or null to stop. */
  script(
    steps:
      | ((exchange: DemoExchange) => Step | undefined | Promise<Step | undefined>)
      | readonly Step[]
      | null,
  ): void;
  /** Destroys every open connection, idle or not; the server goes on. */
  dropConnections(): void;
  /** Stops listening and destroys every connection. */
  close(): Promise<void>;
}

const BACKLOG = 8_192;

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
  const counters: DemoCounters = {
    requests: 0,
    connections: 0,
    open: 0,
    inFlight: 0,
    peakInFlight: 0,
    malformed: 0,
  };
  const state: ServeState = { keys: keys ? new Set(keys) : null, paceMs, flaky: new Map(), serial: 0 };
  const sockets = new Map<Socket, number>();
  let lastSocketId = 0;
  let queue: Step[] = [];
  let scriptStep: ((exchange: DemoExchange) => Step | undefined | Promise<Step | undefined>) | null = null;

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const entry = recorder.begin({
      method: request.method ?? '',
      rawTarget: request.url ?? '',
      rawHeaders: request.rawHeaders,
      socketId: sockets.get(request.socket) ?? 0,
    });
    counters.requests++;
    counters.inFlight++;
    if (counters.inFlight > counters.peakInFlight) counters.peakInFlight = counters.inFlight;
    response.on('close', () => {
      counters.inFlight--;
      const early = !response.writableFinished && !entry.request.cut;
      entry.markClosed(early, response.headersSent ? response.statusCode : null);
    });
    serve(request, response, entry).catch((error: unknown) => {
      log(error instanceof Error ? (error.stack ?? error.message) : String(error));
      request.socket.destroy();
    });
  };

  const serve = async (
    request: IncomingMessage,
    response: ServerResponse,
    entry: RecordEntry,
  ): Promise<void> => {
    if (provider.handle === null && queue.length === 0 && scriptStep === null) {
      return serveRequest(request, response, entry, state, '');
    }
    const exchange = createExchange(request, response, entry);
    if (provider.handle && (await provider.handle(request, response, exchange))) return;
    const step = queue.shift() ?? (await scriptStep?.(exchange));
    if (typeof step === 'function') return step(exchange);
    return serveRequest(request, response, entry, state, step ?? '');
  };

  // Limits off: what the relay must survive is decided by knobs, not by this server's patience.
  const settings = {
    maxHeaderSize: 256 * 1024,
    requestTimeout: 0,
    headersTimeout: 0,
    keepAliveTimeout: 120_000,
  };
  const server: Server = tls
    ? createTlsServer({ ...settings, ...tls }, onRequest)
    : createServer(settings, onRequest);
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.set(socket, ++lastSocketId);
    counters.connections++;
    counters.open++;
    // A knob may cut a connection that is being written to.
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      counters.open--;
    });
  });
  server.on('clientError', (_error, socket) => {
    counters.malformed++;
    socket.destroy();
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const boundPort = (server.address() as AddressInfo).port;

  const provider: DemoProvider = {
    origin: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    port: boundPort,
    requests: recorder.requests,
    counters,
    handle: null,
    connections: () => counters.open,
    waitFor: recorder.waitFor,
    next: (...steps) => void queue.push(...steps),
    script(steps) {
      scriptStep = typeof steps === 'function' ? steps : null;
      queue = Array.isArray(steps) ? [...steps] : [];
    },
    reset() {
      recorder.clear();
      Object.assign(counters, { requests: 0, connections: 0, peakInFlight: counters.inFlight, malformed: 0 });
      Object.assign(state, { serial: 0 });
      state.flaky.clear();
      queue = [];
      scriptStep = null;
      provider.handle = null;
    },
    dropConnections() {
      for (const socket of sockets.keys()) socket.destroy();
    },
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve());
        provider.dropConnections();
        server.closeAllConnections();
      });
    },
  };
  return provider;
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
    readBody() {
      body ??= readBody(request, entry, NO_KNOBS, false).then((outcome) =>
        outcome.kind === 'read' ? outcome.body : entry.request.body,
      );
      return body;
    },
  };
}
