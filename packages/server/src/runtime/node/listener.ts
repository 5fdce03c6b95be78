/**
 * The Node listener: a relay URL goes straight to the relay with the raw request and response, everything else to the HTTP shell.
 * Owns the server's time limits, the answers to broken connections, and the drain at the end (behaviour §4, §6, §10).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { OPEN_HEADERS, RELAYED_METHODS } from '../../base-headers.ts';
import { deny } from '../../errors.ts';
import type { InboundRequest, ResponseSink } from '../../io.ts';
import { renderError } from '../../render-error.ts';
import { type ClientError, handleClientError, type OnRefused, refuseSocket } from './client-errors.ts';
import { wrapNodeRequest } from './node-request.ts';
import { wrapNodeResponse } from './node-sink.ts';

/** The relay as the listener sees it. */
export interface ListenerRelay {
  matches(rawTarget: string): boolean;
  handle(request: InboundRequest, sink: ResponseSink): Promise<void> | void;
}

/** Options of the listener. Times in milliseconds, sizes in bytes. */
export interface NodeListenerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Most bytes of a request head. Default 32 KiB. */
  readonly maxHeaderBytes?: number;
  /** Longest time for the head of a request (`read_timeout`). Default 10 s. */
  readonly headTimeoutMs?: number;
  /** Longest pause between two pieces of a request body. Default 15 s. */
  readonly bodyIdleMs?: number;
  /** How long a caller may stop reading (`write_timeout`). Default 60 s. */
  readonly writeTimeoutMs?: number;
  /** How long an idle connection is kept. Default 75 s. */
  readonly keepAliveMs?: number;
  /** Lets several processes listen on one port. Default false. */
  readonly reusePort?: boolean;
  /** Told of every fault that a handler let through; the request was answered already. Default: nothing. */
  readonly onFault?: (error: unknown) => void;
  /** Told of every refusal that no request stands behind: it passes neither the relay nor the shell. Default: nothing. */
  readonly onRefused?: OnRefused;
}

/** What the listener is made of. */
export interface NodeListenerParts {
  readonly relay: ListenerRelay;
  /** Everything that is not the relay's, with Node's own objects. */
  readonly fallback: (req: IncomingMessage, res: ServerResponse) => unknown;
  readonly options: NodeListenerOptions;
}

/** A listener. */
export interface NodeListener {
  readonly server: Server;
  /** Starts to listen; rejects with Node's error (`EADDRINUSE`, …). */
  listen(): Promise<AddressInfo>;
  /** Stops accepting, closes idle connections, gives running answers up to `drainMs`, then destroys what is left. */
  close(drainMs: number): Promise<void>;
}

/** Makes a listener; it does not listen yet. */
export function createNodeListener({ relay, fallback, options }: NodeListenerParts): NodeListener {
  const report = options.onFault ?? (() => {});
  const onRefused = options.onRefused ?? (() => {});
  let draining = false;
  const closing = new WeakSet<Socket>();
  const sinkOptions = {
    writeTimeoutMs: options.writeTimeoutMs ?? 60_000,
    draining: () => draining,
    onLast: (socket: Socket) => void closing.add(socket),
  };
  const requestOptions = { bodyIdleMs: options.bodyIdleMs ?? 15_000 };
  /** Answers that have not ended, by connection and in their order: Node's parser may find a fault in what follows their requests. */
  const owed = new WeakMap<Socket, ServerResponse[]>();
  const refused = new WeakSet<Socket>();

  const server = createServer({
    maxHeaderSize: options.maxHeaderBytes ?? 32 * 1024,
    headersTimeout: options.headTimeoutMs ?? 10_000,
    requestTimeout: 0,
    connectionsCheckingInterval: 500,
    keepAliveTimeout: options.keepAliveMs ?? 75_000,
    requireHostHeader: false,
    insecureHTTPParser: false,
  });
  server.timeout = 0;

  function answer(req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean): void {
    // Behind the last answer of a connection stands no request, whatever the parser makes of the bytes (RFC 9112 §9.6).
    const line = owed.get(req.socket) ?? [];
    if (closing.has(req.socket) || line.at(-1)?.shouldKeepAlive === false) {
      req.resume();
      return;
    }
    line.push(res);
    owed.set(req.socket, line);
    res.once('close', () => line.splice(line.indexOf(res), 1));
    // Node's parser drops what came in one packet with a declined upgrade: what follows may start in the middle of a request.
    if (req.headers.upgrade !== undefined) res.shouldKeepAlive = false;
    try {
      if (relay.matches(req.url ?? '')) void answerRelay(req, res, awaitsContinue);
      else answerElse(req, res, awaitsContinue);
    } catch (error) {
      failElse(res, error);
    }
  }

  /** A fault costs this one request: `internal` when nothing was said yet, else a cut connection. */
  async function answerRelay(
    req: IncomingMessage,
    res: ServerResponse,
    awaitsContinue: boolean,
  ): Promise<void> {
    const sink = wrapNodeResponse(req, res, sinkOptions);
    try {
      await relay.handle(wrapNodeRequest(req, res, awaitsContinue, requestOptions), sink);
    } catch (error) {
      report(error);
      if (sink.started || sink.closed) return sink.destroy();
      const requestId = crypto.randomUUID();
      const audience = { shape: 'union', problemJson: false, requestId } as const;
      const { status, headers, body } = renderError(deny('internal'), audience);
      sink.start(status, [...OPEN_HEADERS, ['x-request-id', requestId], ...headers]);
      sink.end(body);
    }
  }

  /** The shell builds a URL from `Host`; without exactly one there is nothing to build. */
  function answerElse(req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean): void {
    const hosts = req.rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === 'host').length;
    if (hosts !== 1) {
      res.writeHead(400, { 'content-type': 'text/plain', connection: 'close' }).end('Bad Request\n');
      return;
    }
    if (awaitsContinue) res.writeContinue();
    const done = fallback(req, res);
    if (done instanceof Promise) done.catch((error: unknown) => failElse(res, error));
  }

  function failElse(res: ServerResponse, error: unknown): void {
    report(error);
    if (res.headersSent) res.destroy();
    else
      res
        .writeHead(500, { 'content-type': 'text/plain', connection: 'close' })
        .end('Internal Server Error\n');
  }

  server.on('request', (req, res) => answer(req, res, false));
  server.on('checkContinue', (req, res) => answer(req, res, true));
  // Any other expectation: ingress refuses it; the shell passes over it.
  server.on('checkExpectation', (req, res) => answer(req, res, false));
  // No `upgrade` listener: Node then hands an upgrade over as a plain request, and ingress answers 426 on a normal response.
  server.on('connect', (req, socket) => {
    const denial = deny('method_not_allowed', { headers: [['allow', `${RELAYED_METHODS}, OPTIONS`]] });
    refuseSocket(socket as Socket, denial, owed.get(req.socket) ?? [], onRefused);
  });
  server.on('clientError', (error: ClientError, duplex) => {
    const socket = duplex as Socket;
    // A parser that failed fails again on each further piece.
    if (refused.has(socket)) return;
    refused.add(socket);
    handleClientError(error, socket, owed.get(socket) ?? [], onRefused);
  });

  function listen(): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      const { host, port, reusePort = false } = options;
      server.listen({ host, port, reusePort, backlog: 1024 }, () => {
        server.off('error', reject);
        server.on('error', report);
        resolve(server.address() as AddressInfo);
      });
    });
  }

  function close(drainMs: number): Promise<void> {
    draining = true;
    if (!server.listening) {
      server.closeAllConnections();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const sweep = setInterval(() => server.closeIdleConnections(), 100);
      const last = setTimeout(() => server.closeAllConnections(), drainMs);
      server.close(() => {
        clearInterval(sweep);
        clearTimeout(last);
        resolve();
      });
    });
  }

  return { server, listen, close };
}
