/**
 * The Node transport: undici clients in a pool per origin, HTTP/1.1 without pipelining, on sockets that the checked connector opened.
 * Redirects, retries of sent requests and URLs do not exist here: a client is given a path and nothing else.
 */
import { LRUCache } from 'lru-cache';
import { Client } from 'undici';
import type { Destination, Transport, UpstreamCall } from '../../forwarding/transport.ts';
import { createRoster } from '../../roster.ts';
import type { AddressGuard } from './addresses.ts';
import { enterCall, leaveCall } from './read-buffers.ts';
import { type CallDoors, startUpstreamCall } from './upstream-call.ts';
import { createConnector, type ResolveHost, resolveBySystem } from './upstream-connector.ts';
import { type Connection, type ConnectionPool, createConnectionPool, wrapClient } from './upstream-pool.ts';

/** How the transport connects and keeps connections. */
export interface NodeTransportOptions {
  readonly guard: AddressGuard;
  /** Resolving, connecting and TLS together, milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Idle connections are kept this long, milliseconds. Default 60,000. */
  readonly keepAliveMs?: number;
  /** Connections to one origin at a time; more requests wait. Default 16,384: each holds two descriptors of the process. */
  readonly maxConnectionsPerOrigin?: number;
  /** Origins with a pool; the one used least recently is let go first. Default 256. */
  readonly maxOrigins?: number;
  /** Host names to addresses. Default: the system's. */
  readonly resolve?: ResolveHost;
  /** Trusted instead of Node's certificates: for tests. */
  readonly ca?: string | readonly string[];
}

/** Heads above this end the call: 32 KiB, as for requests. */
const MAX_HEAD_BYTES = 32 * 1024;

/** Makes the transport. */
export function createNodeTransport(options: NodeTransportOptions): Transport {
  const live = createRoster<UpstreamCall>();
  let closed = false;

  const pools = new LRUCache<string, ConnectionPool>({
    max: options.maxOrigins ?? 256,
    // running requests may end; only new ones are turned away
    dispose: (pool) => pool.close(),
  });
  const keepAliveMs = options.keepAliveMs ?? 60_000;

  function clientOptions(destination: Destination): Client.Options {
    return {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: 300_000,
      maxHeaderSize: MAX_HEAD_BYTES,
      // forwarding keeps both times itself, by the relay's clock
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: createConnector({
        guard: options.guard,
        resolve: options.resolve ?? resolveBySystem,
        connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
        allowPrivate: destination.allowPrivate,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      }),
    };
  }

  /** `settings.connect` is shared by the connections of a pool, and with it the TLS sessions. */
  function openConnection(destination: Destination, settings: Client.Options): Connection {
    const connect = settings.connect as ReturnType<typeof createConnector>;
    return wrapClient((opened) => {
      const tracked: typeof connect = (target, callback) =>
        connect(target, (...result) => {
          if (result[1] !== null) opened(result[1]);
          callback(...result);
        });
      return new Client(destination.origin, { ...settings, connect: tracked });
    });
  }

  function poolFor(destination: Destination): ConnectionPool {
    const known = pools.get(poolName(destination));
    if (known !== undefined) return known;
    const settings = clientOptions(destination);
    const pool = createConnectionPool({
      open: () => openConnection(destination, settings),
      most: options.maxConnectionsPerOrigin ?? 16_384,
      // an undici client without a socket is small, but none shall stay for ever
      idleMs: 2 * keepAliveMs,
      nowMs: () => performance.now(),
    });
    pools.set(poolName(destination), pool);
    return pool;
  }

  const doors: CallDoors = {
    pool(destination) {
      if (closed) throw new Error('the transport is closed');
      return poolFor(destination);
    },
    fresh: (destination) => openConnection(destination, clientOptions(destination)),
    enter(call) {
      enterCall();
      return live.join(call);
    },
    leave(seat) {
      leaveCall();
      live.leave(seat);
    },
  };

  return {
    dispatch(request, events) {
      return startUpstreamCall(request, events, doors);
    },
    async close() {
      closed = true;
      for (const call of live.all()) call.abort();
      const open = [...pools.values()];
      pools.clear();
      await Promise.all(open.map((pool) => pool.destroy()));
    },
  };
}

function poolName({ allowPrivate, origin }: Destination): string {
  return allowPrivate ? `private ${origin}` : `public ${origin}`;
}
