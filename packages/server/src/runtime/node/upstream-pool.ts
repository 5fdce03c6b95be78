/**
 * The connections to one origin: undici clients, each with one socket and one request at a time, kept on a stack. Not undici's own pool,
 * which looks at every connection for a free one: here a free one is at hand, however many thousand streams are held beside it.
 */
import type { Socket } from 'node:net';
import type { Client } from 'undici';

/** One connection: an undici client and what is known of its socket. undici connects it anew when its socket is gone. */
export interface Connection {
  readonly client: Client;
  socket: Socket | null;
  /** Requests started on this socket. */
  requests: number;
  /** When it was given back last, monotonic milliseconds. */
  idleSinceMs: number;
}

/** Who waits for a connection. */
export interface Waiter {
  /** Called once with a connection; not before `take` has returned. */
  use(connection: Connection): void;
}

/** The connections to one origin. */
export interface ConnectionPool {
  /** Hands a connection to `waiter`: at once (false) or, where all are in use, in its turn (true). */
  take(waiter: Waiter): boolean;
  /** Takes a waiter out of the line; nothing of it is sent then. Harmless when it is in none. */
  leave(waiter: Waiter): void;
  /** Gives a connection back whose request has ended, one way or another. */
  give(connection: Connection): void;
  /** No new requests; running ones and those in the line may end. */
  close(): void;
  /** Ends everything now. */
  destroy(): Promise<void>;
}

/** How a pool is made. */
export interface ConnectionPoolOptions {
  /** Makes a connection; it connects with its first request. */
  readonly open: () => Connection;
  /** Connections at a time; more requests wait in line. */
  readonly most: number;
  /** Connections unused for so long are let go, milliseconds. Their sockets may be gone earlier. */
  readonly idleMs: number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** Makes a connection around `client`. */
export function wrapClient(makeClient: (opened: (socket: Socket) => void) => Client): Connection {
  const connection: { -readonly [K in keyof Connection]: Connection[K] } = {
    client: makeClient((socket) => {
      connection.socket = socket;
      connection.requests = 0;
    }),
    socket: null,
    requests: 0,
    idleSinceMs: 0,
  };
  return connection;
}

/** Makes a pool. */
export function createConnectionPool(options: ConnectionPoolOptions): ConnectionPool {
  const all = new Set<Connection>();
  /** The one used last is taken first: its socket is the least likely to have been closed. */
  const free: Connection[] = [];
  /** In order of arrival; a set, so that one who leaves costs nothing, wherever it stands. */
  const line = new Set<Waiter>();
  let closed = false;

  function letGo(connection: Connection): void {
    all.delete(connection);
    connection.client.close().catch(() => {});
  }

  /** The bottom of the stack has waited longest. */
  function letGoIdle(nowMs: number): void {
    while (free[0] !== undefined && nowMs - free[0].idleSinceMs >= options.idleMs) {
      letGo(free.shift() as Connection);
    }
  }

  function open(): Connection {
    const connection = options.open();
    all.add(connection);
    return connection;
  }

  return {
    take(waiter) {
      const connection = free.pop() ?? (all.size < options.most ? open() : null);
      if (connection === null) line.add(waiter);
      else waiter.use(connection);
      return connection === null;
    },
    leave: (waiter) => void line.delete(waiter),
    give(connection) {
      if (!all.has(connection)) return;
      const [next] = line;
      if (next !== undefined) {
        line.delete(next);
        next.use(connection);
        return;
      }
      if (closed) return letGo(connection);
      connection.idleSinceMs = options.nowMs();
      free.push(connection);
      letGoIdle(connection.idleSinceMs);
    },
    close() {
      closed = true;
      for (const connection of free.splice(0)) letGo(connection);
    },
    async destroy() {
      closed = true;
      line.clear();
      free.length = 0;
      const open = [...all];
      all.clear();
      await Promise.all(open.map(({ client }) => client.destroy().catch(() => {})));
    },
  };
}
