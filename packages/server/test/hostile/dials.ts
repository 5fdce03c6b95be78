/**
 * Every address that any socket of this process tries to reach, and a way to let a dial fail before a packet leaves the machine.
 * The callers' own dials are among them; a test takes those out by their port.
 */
import diagnostics from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import { afterAll, beforeAll } from 'vitest';

/** What was dialled. */
export interface Dials {
  /** `address:port` of each attempt in its order. */
  readonly places: string[];
  reset(): void;
  /** From now on only `port` on 127.0.0.1 is really dialled, any other place is noted and unreachable at once; null ends that. */
  pretend(port: number | null): void;
}

/** Watches for as long as the tests of the calling file run. */
export function watchDials(): Dials {
  const places: string[] = [];
  const connect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket;

  function watch(message: unknown): void {
    const { socket } = message as { socket: Socket };
    socket.on('connectionAttempt', (ip: string, port: number) => places.push(`${ip}:${port}`));
  }

  // `net.connect` hands its arguments on as one list.
  function connectOnly(free: number) {
    return function (this: Socket, ...args: unknown[]): Socket {
      const [options] = (Array.isArray(args[0]) ? args[0] : args) as [
        { host?: string; port?: number | string },
      ];
      if (options.host === '127.0.0.1' && Number(options.port) === free) return connect.apply(this, args);
      places.push(`${options.host}:${options.port}`);
      const error = Object.assign(new Error('no network here'), { code: 'ENETUNREACH' });
      process.nextTick(() => this.destroy(error));
      return this;
    };
  }

  beforeAll(() => diagnostics.subscribe('net.client.socket', watch));
  afterAll(() => void diagnostics.unsubscribe('net.client.socket', watch));
  return {
    places,
    reset: () => void places.splice(0),
    pretend(port) {
      Socket.prototype.connect = (port === null ? connect : connectOnly(port)) as Socket['connect'];
    },
  };
}
