/** The sockets that this process itself holds, as Node announces them: the relay's ends of its connections, seen from a test. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What was announced since the watch began. */
export interface SocketsInside {
  /** The relay's ends of its callers' connections, each once. */
  readonly callers: readonly Socket[];
  /** Answers to requests that came to `port`, in their order. */
  readonly answers: readonly ServerResponse[];
  /** Sockets that were dialled to `upstreamPort`, each once. */
  readonly upstreams: readonly Socket[];
  stop(): void;
}

/** Watches a relay at `port` before an upstream at `upstreamPort`. */
export function watchSockets(port: number, upstreamPort: number): SocketsInside {
  const callers: Socket[] = [];
  const answers: ServerResponse[] = [];
  const upstreams: Socket[] = [];
  const onRequest = (message: unknown) => {
    const { socket, response } = message as { socket: Socket; response: ServerResponse };
    if (socket.localPort !== port) return;
    if (!callers.includes(socket)) callers.push(socket);
    answers.push(response);
  };
  const onDial = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    socket.once('connect', () => {
      if (socket.remotePort === upstreamPort) upstreams.push(socket);
    });
  };
  subscribe('http.server.request.start', onRequest);
  subscribe('net.client.socket', onDial);
  return {
    callers,
    answers,
    upstreams,
    stop() {
      unsubscribe('http.server.request.start', onRequest);
      unsubscribe('net.client.socket', onDial);
    },
  };
}

/** How many listeners a socket has, by event. */
export function listenersOf(socket: Socket): Readonly<Record<string, number>> {
  return Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]));
}
