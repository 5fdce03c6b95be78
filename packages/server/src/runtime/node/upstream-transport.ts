/**
 * The Node transport: undici pools, one per origin, HTTP/1.1 without pipelining, on sockets that the checked connector opened.
 * Redirects, retries of sent requests and URLs do not exist here: a pool is given a path and nothing else.
 */
import { LRUCache } from 'lru-cache';
import { Client, Pool } from 'undici';
import type { Destination, Transport, UpstreamCall } from '../../forwarding/transport.ts';
import type { AddressGuard } from './addresses.ts';
import { type ConnectionSlot, startUpstreamCall } from './upstream-call.ts';
import { createConnector, type ResolveHost, resolveBySystem } from './upstream-connector.ts';

/** How the transport connects and keeps connections. */
export interface NodeTransportOptions {
  readonly guard: AddressGuard;
  /** Resolving, connecting and TLS together, milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Idle connections are kept this long, milliseconds. Default 60,000. */
  readonly keepAliveMs?: number;
  /** Connections to one origin at a time; more requests wait. Default 4,096. */
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

/** One connection of a pool, tagged so that a call knows whether its socket was used before and whether a write went through. */
class SlottedClient extends Client {
  readonly slot: ConnectionSlot;

  constructor(origin: URL | string, options: Client.Options, slot: ConnectionSlot) {
    super(origin, options);
    this.slot = slot;
  }

  override dispatch(
    options: Parameters<Client['dispatch']>[0],
    handler: Parameters<Client['dispatch']>[1],
  ): boolean {
    (handler as { slot?: ConnectionSlot }).slot = this.slot;
    return super.dispatch(options, handler);
  }
}

/** Makes the transport. */
export function createNodeTransport(options: NodeTransportOptions): Transport {
  const live = new Set<UpstreamCall>();
  let closed = false;

  const pools = new LRUCache<string, Pool>({
    max: options.maxOrigins ?? 256,
    // close() lets running requests end; only new ones are turned away
    dispose: (pool) => void pool.close().catch(() => {}),
  });

  function clientOptions(destination: Destination): Client.Options {
    return {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: options.keepAliveMs ?? 60_000,
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

  function openClient(origin: URL | string, settings: Client.Options): SlottedClient {
    const slot: ConnectionSlot = { socket: null, requests: 0 };
    const connect = settings.connect as NonNullable<ReturnType<typeof createConnector>>;
    const tracked: typeof connect = (target, callback) =>
      connect(target, (...result) => {
        slot.socket = result[1];
        slot.requests = 0;
        callback(...result);
      });
    return new SlottedClient(origin, { ...settings, connect: tracked }, slot);
  }

  function poolFor(destination: Destination): Pool {
    const key = `${destination.allowPrivate ? 'private' : 'public'} ${destination.origin}`;
    let pool = pools.get(key);
    if (!pool) {
      pool = new Pool(destination.origin, {
        ...clientOptions(destination),
        connections: options.maxConnectionsPerOrigin ?? 4096,
        factory: (origin, settings) => openClient(origin, settings as Client.Options),
      });
      pools.set(key, pool);
    }
    return pool;
  }

  return {
    dispatch(request, events) {
      const call = startUpstreamCall(request, events, {
        pooled: () => {
          if (closed) throw new Error('the transport is closed');
          return poolFor(request.destination);
        },
        fresh: () => openClient(request.destination.origin, clientOptions(request.destination)),
        ended: (self) => live.delete(self),
      });
      live.add(call);
      return call;
    },
    async close() {
      closed = true;
      for (const call of [...live]) call.abort();
      const open = [...pools.values()];
      pools.clear();
      await Promise.all(open.map((pool) => pool.destroy().catch(() => {})));
    },
  };
}
