/**
 * An upstream that counts: every accepted connection and every byte that reached it, whether or not it made a request.
 * Not a provider: it answers with the bytes it is told to.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';

/** What a canary says to each request head; a function may write anything to the socket. */
export type Saying = string | ((socket: Socket, head: string) => void);

/** How a canary stands. */
export interface CanaryOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  readonly port?: number;
  readonly say?: Saying;
  /** PEM files; with them it speaks https, and `connections` counts what was dialled before any handshake. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A running canary. */
export interface Canary {
  readonly origin: string;
  readonly port: number;
  /** Connections accepted, also those without a byte. */
  readonly connections: number;
  /** Each request head that came, as latin1 text up to the blank line. */
  readonly heads: string[];
  /** Raw targets of `heads`. */
  targets(): string[];
  say(saying: Saying): void;
  /** Destroys every open connection; the canary stays. */
  hangUp(): void;
  reset(): void;
  close(): Promise<void>;
}

/** A whole answer with a body and exactly these header lines. */
export function answerOf(
  body: string,
  lines: readonly string[] = ['content-type: application/json'],
): string {
  return `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}content-length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`;
}

/** Starts a canary on a free port. */
export async function startCanary(options: CanaryOptions = {}): Promise<Canary> {
  const { host = '127.0.0.1', port = 0, tls } = options;
  let saying: Saying = options.say ?? answerOf('{}');
  let connections = 0;
  const heads: string[] = [];
  const open = new Set<Socket>();

  function serve(socket: Socket): void {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    let waiting = '';
    let skip = 0;
    socket.on('data', (chunk) => {
      waiting += chunk.toString('latin1');
      for (;;) {
        if (skip > 0) {
          const taken = Math.min(skip, waiting.length);
          waiting = waiting.slice(taken);
          skip -= taken;
          if (skip > 0) return;
        }
        const end = waiting.indexOf('\r\n\r\n');
        if (end === -1) return;
        const head = waiting.slice(0, end);
        waiting = waiting.slice(end + 4);
        skip = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        heads.push(head);
        if (typeof saying === 'string') socket.write(saying, 'latin1');
        else saying(socket, head);
      }
    });
  }

  const server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    socket.on('error', () => {});
    open.add(socket);
  });
  server.on('tlsClientError', () => {});
  await once(server.listen(port, host), 'listening');
  const address = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  const hangUp = () => {
    for (const socket of open) socket.destroy();
    open.clear();
  };
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://${shown}:${address.port}`,
    port: address.port,
    get connections() {
      return connections;
    },
    heads,
    targets: () => heads.map((head) => head.split(' ', 2)[1] ?? ''),
    say(next) {
      saying = next;
    },
    hangUp,
    reset() {
      connections = 0;
      heads.length = 0;
    },
    close() {
      hangUp();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
