/**
 * Opens sockets to upstreams: resolves once, judges every address, dials the judged address itself, then adds TLS on that socket.
 * There is no second lookup between check and dial, so a rebinding name gains nothing (behaviour.md §5).
 */
import { lookup } from 'node:dns/promises';
import { connect as dial, isIP, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { AddressGuard } from './addresses.ts';

/** Finds every address of a host name. Injectable for tests. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

/** The system's resolver: every address, in the order it gives them. */
export const resolveBySystem: ResolveHost = async (hostname) =>
  (await lookup(hostname, { all: true, order: 'verbatim' })).map((entry) => entry.address);

/** Why no connection came about. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
  readonly kind: 'unreachable' | 'destination_denied';

  constructor(kind: 'unreachable' | 'destination_denied', message: string) {
    super(message);
    this.kind = kind;
  }
}

/** How connections are made. */
export interface ConnectorOptions {
  readonly guard: AddressGuard;
  readonly resolve: ResolveHost;
  /** For resolving, connecting and the TLS handshake together, milliseconds. */
  readonly connectTimeoutMs: number;
  /** Destinations that config lists in `upstream.allow_private`. */
  readonly allowPrivate: boolean;
  /** PEM certificates trusted instead of the built-in ones; absent: Node's, with NODE_EXTRA_CA_CERTS. */
  readonly ca?: string | readonly string[];
}

/** A later address is tried beside a silent one after this time (RFC 8305 §5). */
const NEXT_ADDRESS_MS = 250;

/** Makes the `connect` function of an undici pool. */
export function createConnector(options: ConnectorOptions): buildConnector.connector {
  const { guard, resolve, connectTimeoutMs, allowPrivate, ca } = options;
  const secure = buildConnector({
    allowH2: false,
    timeout: connectTimeoutMs,
    // explicit, so that NODE_TLS_REJECT_UNAUTHORIZED has no say
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca: ca as string | string[] }),
  });

  return function connect(target, callback) {
    const secured = target.protocol === 'https:';
    const port = Number(target.port) || (secured ? 443 : 80);
    const attempts = new AbortController();
    let settled = false;
    const timer = setTimeout(
      () => fail(new ConnectFailure('unreachable', 'connect timeout')),
      connectTimeoutMs,
    );

    function fail(error: unknown): void {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      attempts.abort();
      callback(
        error instanceof ConnectFailure ? error : new ConnectFailure('unreachable', codeOf(error)),
        null,
      );
    }

    function succeed(socket: Socket): void {
      if (settled) {
        socket.on('error', ignore).destroy();
        return;
      }
      settled = true;
      clearTimeout(timer);
      callback(null, socket);
    }

    judge(target.hostname, port)
      .then((addresses) => dialAny(addresses, port, guard, allowPrivate, attempts.signal))
      .then((socket) => {
        if (!secured) return succeed(socket);
        if (settled) return void socket.on('error', ignore).destroy();
        attempts.signal.addEventListener('abort', () => socket.destroy(), { once: true });
        secure({ ...target, httpSocket: socket }, (error, secureSocket) => {
          if (secureSocket) return succeed(secureSocket);
          socket.destroy();
          fail(new ConnectFailure('unreachable', `tls ${codeOf(error)}`));
        });
      })
      .catch(fail);
  };

  /** One bad address condemns the name: an honest one has none. */
  async function judge(hostname: string, port: number): Promise<readonly string[]> {
    const addresses = isIP(hostname) === 0 ? await resolve(hostname) : [hostname];
    if (addresses.length === 0) throw new ConnectFailure('unreachable', 'no address');
    for (const address of addresses) {
      const reason = guard.refuse(address, port, allowPrivate);
      if (reason) throw new ConnectFailure('destination_denied', `address is ${reason}`);
    }
    return alternate(addresses);
  }
}

/** Dials the addresses one after the other, the next one as soon as one fails or stays silent; the first that answers wins. */
function dialAny(
  addresses: readonly string[],
  port: number,
  guard: AddressGuard,
  allowPrivate: boolean,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const open = new Set<Socket>();
    const blockList = guard.blockList(allowPrivate);
    let next = 0;
    let timer: NodeJS.Timeout | undefined;
    let lastError: unknown = null;

    const stop = () => {
      clearTimeout(timer);
      for (const socket of open) socket.destroy();
      open.clear();
    };
    signal.addEventListener('abort', stop, { once: true });

    const dialNext = () => {
      clearTimeout(timer);
      const address = addresses[next++];
      if (signal.aborted) return;
      if (address === undefined) {
        if (open.size === 0) reject(lastError ?? new ConnectFailure('unreachable', 'no address'));
        return;
      }
      const socket = dial({
        host: address,
        port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: 60_000,
        ...(blockList && { blockList }),
      });
      open.add(socket);
      const failed = (error: unknown) => {
        lastError = error;
        open.delete(socket);
        dialNext();
      };
      socket.once('error', failed);
      socket.once('connect', () => {
        socket.off('error', failed);
        // an error between here and the owner's own listener must not become an uncaught one
        socket.on('error', ignore);
        open.delete(socket);
        signal.removeEventListener('abort', stop);
        stop();
        resolve(socket);
      });
      if (next < addresses.length) timer = setTimeout(dialNext, NEXT_ADDRESS_MS);
    };
    dialNext();
  });
}

/** Not a function made on the way: that would hold all of the dialling for as long as the connection lives. */
function ignore(): void {}

/** Takes the two families in turn, so that a dead one costs one step only (RFC 8305 §4). */
function alternate(addresses: readonly string[]): readonly string[] {
  const first = isIP(addresses[0] ?? '');
  const same = addresses.filter((address) => isIP(address) === first);
  const other = addresses.filter((address) => isIP(address) !== first);
  const mixed: string[] = [];
  for (let i = 0; i < Math.max(same.length, other.length); i++) {
    for (const address of [same[i], other[i]]) if (address !== undefined) mixed.push(address);
  }
  return mixed;
}

/** An error's code, never its message: messages may quote what was sent. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : error.name;
}
