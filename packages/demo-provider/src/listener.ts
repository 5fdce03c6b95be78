/** The listening side: one HTTP or HTTPS server, its open connections and its counts. What is answered is not its business. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

// The system's own ceiling still holds; Node's default of 511 is short for thousands of parallel requests.
const BACKLOG = 8_192;
// Limits off: what a relay must survive is decided by knobs, not by this server's patience.
const SETTINGS = {
  maxHeaderSize: 256 * 1024,
  requestTimeout: 0,
  headersTimeout: 0,
  keepAliveTimeout: 120_000,
};

/** Counts since the start or the last reset; `open` and `inFlight` are as of now. */
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

/** A server with its connections. */
export interface Listener {
  readonly port: number;
  readonly counters: DemoCounters;
  resetCounters(): void;
  dropConnections(): void;
  close(): Promise<void>;
}

/** PEM key and certificate. */
export interface TlsFiles {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
}

/** Listens. Rejects if the address is taken. `onRequest` gets the number of the connection, counted from 1. */
export async function startListener(
  options: { host: string; port: number; tls: TlsFiles | undefined },
  onRequest: (request: IncomingMessage, response: ServerResponse, socketId: number) => void,
): Promise<Listener> {
  const counters = { requests: 0, connections: 0, open: 0, inFlight: 0, peakInFlight: 0, malformed: 0 };
  // By request socket, which under TLS is not the socket that was accepted.
  const ids = new WeakMap<Socket, number>();
  const accepted = new Set<Socket>();
  let lastSocketId = 0;

  const count = (request: IncomingMessage, response: ServerResponse): void => {
    counters.requests++;
    counters.inFlight++;
    if (counters.inFlight > counters.peakInFlight) counters.peakInFlight = counters.inFlight;
    response.on('close', () => {
      counters.inFlight--;
    });
    onRequest(request, response, ids.get(request.socket) ?? 0);
  };
  const { tls } = options;
  const server: Server = tls
    ? createTlsServer({ ...SETTINGS, ...tls }, count)
    : createServer(SETTINGS, count);
  // Under TLS a connection counts when it arrives: a dial that never shakes hands is a dial.
  server.on('connection', (socket: Socket) => {
    counters.connections++;
    counters.open++;
    accepted.add(socket);
    socket.on('close', () => {
      accepted.delete(socket);
      counters.open--;
    });
  });
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    ids.set(socket, ++lastSocketId);
    // A knob may cut a connection that is being written to.
    socket.on('error', () => {});
  });
  server.on('clientError', (_error, socket) => {
    counters.malformed++;
    socket.destroy();
  });
  await listen(server, options.host, options.port);

  const dropConnections = (): void => {
    for (const socket of accepted) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    counters,
    resetCounters: () => {
      Object.assign(counters, { requests: 0, connections: 0, peakInFlight: counters.inFlight, malformed: 0 });
    },
    dropConnections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropConnections();
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
