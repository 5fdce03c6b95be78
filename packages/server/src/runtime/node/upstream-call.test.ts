/** Calls that do not end well: connections that break, and calls that are aborted. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { chat, listenRaw, OK, open, send, startDemo } from '../../../test/support/upstream-side.ts';
import type { Transport } from '../../forwarding/transport.ts';
import { createAddressGuard } from './addresses.ts';
import { createNodeTransport, type NodeTransportOptions } from './upstream-transport.ts';

/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };

function create(options: Partial<NodeTransportOptions> = {}): Transport {
  const transport = createNodeTransport({ guard: createAddressGuard(), connectTimeoutMs: 2000, ...options });
  onTestFinished(() => transport.close());
  return transport;
}

/** house: real time, because undici takes a connection back one turn of the event loop after its answer has ended. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('connections that break', () => {
  test('refused: unreachable, nothing written', async () => {
    const server = await listenRaw(() => {});
    server.close();
    const exchange = send(create(), open(server.origin), chat('demo'));
    await exchange.ended;
    expect(exchange.failure).toMatchObject({ kind: 'unreachable', written: false, reason: 'ECONNREFUSED' });
  });

  test('a name that does not resolve: unreachable', async () => {
    const resolve = async () => {
      throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    };
    const exchange = send(create({ resolve }), open('http://nowhere.example'));
    await exchange.ended;
    expect(exchange.failure).toMatchObject({ kind: 'unreachable', written: false, reason: 'ENOTFOUND' });
  });

  test('a TLS handshake that never ends runs into the connect timeout', async () => {
    const server = await listenRaw((socket) => socket.resume());
    const exchange = send(create({ connectTimeoutMs: 100 }), open(server.origin.replace('http:', 'https:')));
    await exchange.ended;
    expect(exchange.failure).toMatchObject({ kind: 'unreachable', written: false });
    await vi.waitFor(() => expect(server.sockets[0]?.destroyed).toBe(true));
  });

  test('a resolver that hangs runs into it too', async () => {
    const exchange = send(
      create({ connectTimeoutMs: 50, resolve: () => new Promise(() => {}) }),
      open('http://slow.example'),
    );
    await exchange.ended;
    expect(exchange.failure).toMatchObject({ kind: 'unreachable', reason: 'connect timeout' });
  });

  test.each([
    ['FIN', (socket: Socket) => socket.end()],
    ['RST', (socket: Socket) => socket.resetAndDestroy()],
  ])('%s after the request was read: a reset that was written, and no second try', async (_name, close) => {
    let requests = 0;
    const server = await listenRaw((socket) => {
      socket.on('data', () => {
        requests++;
        if (requests === 1) socket.write(OK);
        else close(socket);
      });
    });
    const transport = create();
    await send(transport, open(server.origin)).ended;
    const second = send(transport, open(server.origin));
    await second.ended;
    expect(second.failure).toMatchObject({ kind: 'reset', written: true });
    expect(requests).toBe(2);
  });

  test.each([
    ['FIN', (socket: Socket) => socket.end()],
    ['RST', (socket: Socket) => socket.resetAndDestroy()],
  ])('a kept connection that the upstream closed with %s is replaced unseen', async (_name, close) => {
    const server = await listenRaw((socket) => socket.on('data', () => socket.write(OK)));
    const transport = create();
    for (let i = 0; i < 20; i++) {
      await send(transport, open(server.origin)).ended;
      await turn();
      // closed in the same turn in which the next request is made: nobody can know yet
      close(server.sockets.at(-1) as Socket);
      const next = send(transport, open(server.origin));
      await next.ended;
      expect(next).toMatchObject({ status: 200, text: 'ok', failure: null });
      await turn();
      await send(transport, open(server.origin)).ended;
      await turn();
      const streamed = send(transport, open(server.origin), {
        bodyBytes: 3,
        body: (async function* () {
          for (const socket of server.sockets) if (!socket.destroyed) close(socket);
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield new Uint8Array([1, 2, 3]);
        })(),
      });
      await streamed.ended;
      expect(streamed).toMatchObject({ status: 200, failure: null });
      await turn();
    }
  });

  test('a fresh connection that closes at once is not tried for ever', async () => {
    const server = await listenRaw((socket) => socket.end());
    const exchange = send(create(), open(server.origin));
    await exchange.ended;
    expect(exchange.failure?.kind).toBe('reset');
    expect(server.sockets.length).toBeLessThan(3);
  });

  test.each(['demo-die-3', 'demo-die-3-rst'])(
    '%s within an answer is a failure, never an end',
    async (model) => {
      const provider = await startDemo();
      const exchange = send(create(), open(provider.origin), chat(model, true));
      await exchange.ended;
      expect(exchange.status).toBe(200);
      expect(exchange.failure).toMatchObject({ kind: 'reset', written: true });
    },
  );

  test('a body shorter than its declared length is a failure', async () => {
    const server = await listenRaw((socket) =>
      socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok')),
    );
    const exchange = send(create(), open(server.origin));
    await exchange.ended;
    expect(exchange.failure?.kind).toBe('reset');
  });

  test.each([
    'nonsense\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok',
    `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(1)}x: ${'y'.repeat(40_000)}\r\n\r\n`,
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
  ])('an answer that is not HTTP/1.1 is a protocol failure: %j', async (answer) => {
    const server = await listenRaw((socket) => socket.on('data', () => socket.write(answer)));
    const exchange = send(create(), open(server.origin));
    await exchange.ended;
    expect(exchange.failure).toMatchObject({ written: true });
    expect(exchange.failure?.kind).toBe('protocol');
    expect(exchange.status).toBeNull();
  });

  test('reasons name codes and never what was sent', async () => {
    const exchange = send(create(), open('http://127.0.0.1:1'), {
      headers: ['authorization', 'sk-demo-not-a-key\n'],
    });
    await exchange.ended;
    expect(JSON.stringify(exchange.failure)).not.toContain('sk-demo');
    expect(exchange.call.written).toBe(false);
  });
});

describe('aborting', () => {
  /** Milliseconds until the server's end of the connection closes. */
  async function closeTime(socket: Socket | undefined, act: () => void): Promise<number> {
    if (!socket) throw new Error('no connection');
    const closed = once(socket, 'close');
    const from = performance.now();
    act();
    await closed;
    return performance.now() - from;
  }

  test('before the first byte closes the upstream connection within 100 ms', REAL_TIME, async () => {
    const server = await listenRaw((socket) => socket.resume());
    const exchange = send(create(), open(server.origin), chat('demo'));
    await vi.waitFor(() => expect(exchange.call.written).toBe(true));
    await vi.waitFor(() => expect(server.sockets).toHaveLength(1));
    expect(await closeTime(server.sockets[0], () => exchange.call.abort())).toBeLessThan(100);
    expect(exchange.failure).toMatchObject({ kind: 'aborted', written: true });
  });

  test('within a stream closes it within 100 ms, paused or not', REAL_TIME, async () => {
    for (const paused of [false, true]) {
      const server = await listenRaw((socket) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          const timer = setInterval(() => socket.write('x'.repeat(1000)), 1);
          socket.on('close', () => clearInterval(timer));
        });
      });
      const exchange = send(create(), open(server.origin), chat('demo'));
      await exchange.begun;
      if (paused) exchange.call.pause();
      expect(await closeTime(server.sockets[0], () => exchange.call.abort())).toBeLessThan(100);
      expect(exchange.failure?.kind).toBe('aborted');
    }
  });

  test('within an upload wakes the body and closes within 100 ms', REAL_TIME, async () => {
    const server = await listenRaw((socket) => socket.resume());
    let returned = false;
    const exchange = send(create(), open(server.origin), {
      body: {
        [Symbol.asyncIterator]: () => {
          let first = true;
          return {
            next: () => {
              if (!first) return new Promise(() => {});
              first = false;
              return Promise.resolve({ done: false, value: new Uint8Array(10) });
            },
            return: async () => {
              returned = true;
              return { done: true, value: undefined };
            },
          };
        },
      },
    });
    await vi.waitFor(() => expect(server.sockets).toHaveLength(1));
    await vi.waitFor(() => expect(exchange.call.written).toBe(true));
    expect(await closeTime(server.sockets[0], () => exchange.call.abort())).toBeLessThan(100);
    expect(returned).toBe(true);
  });

  test('at once after dispatch sends nothing', async () => {
    const provider = await startDemo();
    const exchange = send(create(), open(provider.origin), chat('demo'));
    exchange.call.abort();
    await exchange.ended;
    expect(exchange.failure).toMatchObject({ kind: 'aborted', written: false });
    expect(provider.counters.connections).toBe(0);
  });

  test('of calls that wait for a connection frees them at once and leaves the pool working', async () => {
    const provider = await startDemo();
    const transport = create({ maxConnectionsPerOrigin: 2 });
    const busy = [0, 1].map(() => send(transport, open(provider.origin), chat('demo-delay-200')));
    const waiting = Array.from({ length: 50 }, () => send(transport, open(provider.origin), chat('demo')));
    await vi.waitFor(() => expect(provider.counters.requests).toBe(2));
    for (const exchange of waiting) exchange.call.abort();
    await Promise.all(waiting.map((exchange) => exchange.ended));
    for (const exchange of waiting)
      expect(exchange.failure).toMatchObject({ kind: 'aborted', written: false });
    const after = Array.from({ length: 10 }, () => send(transport, open(provider.origin), chat('demo')));
    await Promise.all([...busy, ...after].map((exchange) => exchange.ended));
    for (const exchange of [...busy, ...after])
      expect(exchange).toMatchObject({ status: 200, failure: null });
    // dead waiters cost neither a request nor a connection
    expect(provider.counters).toMatchObject({ requests: 12, connections: 2 });
  });

  test('again and again does nothing, nor after the end', async () => {
    const provider = await startDemo();
    const transport = create();
    const exchange = send(transport, open(provider.origin), chat('demo'));
    await exchange.ended;
    exchange.call.abort();
    exchange.call.abort();
    exchange.call.resume();
    expect(exchange.failure).toBeNull();
    await turn();
    await send(transport, open(provider.origin), chat('demo')).ended;
    expect(provider.counters.connections).toBe(1);
  });

  test('closing the transport aborts what runs and turns away what comes', async () => {
    const provider = await startDemo();
    const transport = create();
    const running = send(transport, open(provider.origin), chat('demo-hang'));
    await vi.waitFor(() => expect(provider.counters.requests).toBe(1));
    await transport.close();
    expect(running.failure?.kind).toBe('aborted');
    const late = send(transport, open(provider.origin), chat('demo'));
    await late.ended;
    expect(late.failure).toMatchObject({ kind: 'unreachable', written: false });
    await vi.waitFor(() => expect(provider.connections()).toBe(0));
  });
});

test('a call may be resumed while the answer of another one is being read', async () => {
  const server = await listenRaw((socket) => {
    socket.on('data', () =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n${'x'.repeat(200_000)}`),
    );
  });
  const transport = create();
  const first = send(transport, open(server.origin));
  await first.begun;
  first.call.pause();
  // its parser stops at the next piece, and must not be started from within another's
  await turn();
  const done = Promise.withResolvers<unknown>();
  transport.dispatch(
    {
      destination: open(server.origin),
      method: 'POST',
      path: '/v1/x',
      headers: [],
      body: null,
      bodyBytes: null,
    },
    {
      onHeaders: () => {},
      onData() {
        try {
          first.call.resume();
        } catch (error) {
          done.reject(error);
        }
      },
      onEnd: () => done.resolve('whole'),
      onFailure: done.resolve,
    },
  );
  expect(await done.promise).toBe('whole');
  await first.ended;
  expect(first).toMatchObject({ failure: null, bytes: 200_000 });
});
