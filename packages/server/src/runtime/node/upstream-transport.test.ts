import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createSelfSignedCertificate, type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type {
  Destination,
  Transport,
  TransportFailure,
  UpstreamCall,
  UpstreamRequest,
} from '../../forwarding/transport.ts';
import { createAddressGuard } from './addresses.ts';
import { createNodeTransport, type NodeTransportOptions } from './upstream-transport.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function create(options: Partial<NodeTransportOptions> = {}): Transport {
  const transport = createNodeTransport({ guard: createAddressGuard(), connectTimeoutMs: 2000, ...options });
  cleanups.push(() => transport.close());
  return transport;
}

async function demo(options: Parameters<typeof startDemoProvider>[0] = {}): Promise<DemoProvider> {
  const provider = await startDemoProvider(options);
  cleanups.push(() => provider.close());
  return provider;
}

/** A raw server; every connection is kept in `sockets`. */
async function listen(
  onSocket: (socket: Socket, index: number) => void,
): Promise<Server & { sockets: Socket[]; origin: string }> {
  const sockets: Socket[] = [];
  const server = createPlainServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
    onSocket(socket, sockets.length - 1);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return Object.assign(server, { sockets, origin: `http://127.0.0.1:${port}` });
}

interface Exchange {
  readonly call: UpstreamCall;
  status: number | null;
  headers: readonly string[];
  text: string;
  bytes: number;
  failure: TransportFailure | null;
  /** Resolves at the end, whichever it is. */
  readonly ended: Promise<void>;
  readonly begun: Promise<void>;
}

function send(transport: Transport, destination: Destination, more: Partial<UpstreamRequest> = {}): Exchange {
  const end = Promise.withResolvers<void>();
  const begin = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  let ends = 0;
  const finish = () => {
    if (++ends > 1) throw new Error('ended twice');
    begin.resolve();
    end.resolve();
  };
  const call = transport.dispatch(
    { destination, method: 'POST', path: '/v1/x', headers: [], body: null, bodyBytes: null, ...more },
    {
      onHeaders(status, headers) {
        exchange.status = status;
        exchange.headers = headers;
        begin.resolve();
      },
      onData(chunk) {
        exchange.bytes += chunk.length;
        if (exchange.bytes < 1_000_000) exchange.text += decoder.decode(chunk, { stream: true });
      },
      onEnd: finish,
      onFailure(failure) {
        exchange.failure = failure;
        finish();
      },
    },
  );
  const exchange: Exchange = {
    call,
    status: null,
    headers: [],
    text: '',
    bytes: 0,
    failure: null,
    ended: end.promise,
    begun: begin.promise,
  };
  return exchange;
}

/** undici takes a connection back one turn of the event loop after its answer has ended. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
const open = (origin: string): Destination => ({ origin, allowPrivate: true });
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok';
const chatHeaders = ['authorization', 'Bearer sk-demo-not-a-key', 'content-type', 'application/json'];
const chat = (model: string, stream = false): Partial<UpstreamRequest> => {
  const body = Buffer.from(JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'hi' }] }));
  return { path: '/v1/chat/completions', headers: chatHeaders, body, bodyBytes: body.length };
};

describe('the plain path', () => {
  test('sends path, headers and body byte for byte and reads status, lines and body', async () => {
    const provider = await demo();
    const body = Buffer.from(JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'ü' }] }));
    const exchange = send(create(), open(provider.origin), {
      path: '/v1/chat/completions?x=%2e%2E&y=%41',
      headers: [...chatHeaders, 'x-odd', 'a'],
      body,
      bodyBytes: body.length,
    });
    await exchange.ended;
    expect(exchange).toMatchObject({ status: 200, failure: null });
    expect(exchange.call.written).toBe(true);
    expect(JSON.parse(exchange.text).choices).toHaveLength(1);
    const [seen] = provider.requests;
    expect(seen?.rawTarget).toBe('/v1/chat/completions?x=%2e%2E&y=%41');
    expect(seen?.rawHeaders).toEqual([
      'host',
      new URL(provider.origin).host,
      'connection',
      'keep-alive',
      ...chatHeaders,
      'x-odd',
      'a',
      'content-length',
      String(body.length),
    ]);
  });

  test('streams a body up, with its declared length or in chunks', async () => {
    const lengths: (string | undefined)[] = [];
    const server = createServer((req, res) => {
      let bytes = 0;
      lengths.push(req.headers['content-length'] ?? req.headers['transfer-encoding']);
      req.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('end', () => res.end(String(bytes)));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    cleanups.push(() => server.close());
    const { port } = server.address() as { port: number };
    const transport = create();
    for (const bodyBytes of [300_000, null]) {
      const body = (async function* () {
        for (let i = 0; i < 3; i++) yield new Uint8Array(100_000);
      })();
      const exchange = send(transport, open(`http://127.0.0.1:${port}`), { body, bodyBytes });
      await exchange.ended;
      expect(exchange.text).toBe('300000');
    }
    expect(lengths).toEqual(['300000', 'chunked']);
  });

  test('keeps connections and uses them again', async () => {
    const provider = await demo();
    const transport = create();
    for (let i = 0; i < 5; i++) {
      await send(transport, open(provider.origin), chat('demo')).ended;
      await turn();
    }
    expect(provider.counters).toMatchObject({ requests: 5, connections: 1 });
  });

  test('negotiates HTTP/1.1 over TLS', async () => {
    const tls = createSelfSignedCertificate(['127.0.0.1']);
    const provider = await demo({ tls });
    const exchange = send(create({ ca: tls.cert }), open(provider.origin), chat('demo', true));
    await exchange.ended;
    expect(exchange).toMatchObject({ status: 200, failure: null });
    expect(exchange.text).toContain('[DONE]');
  });

  test('interim answers and trailers are dropped; more than 32 interim ones end it', async () => {
    const provider = await demo();
    const transport = create();
    for (const [count, status] of [
      [32, 200],
      [33, null],
    ] as const) {
      const exchange = send(transport, open(provider.origin), chat(`demo-1xx-${count}`));
      await exchange.ended;
      expect(exchange.status).toBe(status);
      expect(exchange.failure?.kind).toBe(status ? undefined : 'protocol');
    }
    const trailing = send(transport, open(provider.origin), chat('demo-trailer', true));
    await trailing.ended;
    expect(trailing).toMatchObject({ status: 200, failure: null });
    expect(JSON.stringify(trailing.headers).toLowerCase()).not.toContain('leak');
  });
});

describe('A30 TLS verification cannot be switched off', () => {
  test('not by NODE_TLS_REJECT_UNAUTHORIZED, not for a listed host, not for another name', async () => {
    const tls = createSelfSignedCertificate(['api.demo.example']);
    const provider = await demo({ tls });
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    cleanups.push(() => vi.unstubAllEnvs());
    const resolve = async () => ['127.0.0.1'];
    const untrusted = send(
      create({ resolve }),
      open(`https://api.demo.example:${provider.port}`),
      chat('demo'),
    );
    await untrusted.ended;
    expect(untrusted.failure).toMatchObject({
      kind: 'unreachable',
      written: false,
      reason: 'tls DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    const other = send(
      create({ resolve, ca: tls.cert }),
      open(`https://other.example:${provider.port}`),
      chat('demo'),
    );
    await other.ended;
    expect(other.failure).toMatchObject({ kind: 'unreachable', reason: 'tls ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(provider.counters.requests).toBe(0);
    const right = send(
      create({ resolve, ca: tls.cert }),
      open(`https://api.demo.example:${provider.port}`),
      chat('demo'),
    );
    await right.ended;
    expect(right.status).toBe(200);
  });
});

describe('A20 redirects are not followed', () => {
  test.each([301, 302, 303, 307, 308])('%i comes back as it is and the sink sees nothing', async (status) => {
    const sink = await demo();
    const provider = await demo();
    const location = encodeURIComponent(`${sink.origin}/v1/steal`);
    const exchange = send(create(), open(provider.origin), chat(`demo-redirect-${status}-${location}`));
    await exchange.ended;
    expect(exchange.status).toBe(status);
    expect(sink.counters).toMatchObject({ connections: 0, requests: 0 });
  });
});

describe('connections that break', () => {
  test('refused: unreachable, nothing written', async () => {
    const server = await listen(() => {});
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
    const server = await listen((socket) => socket.resume());
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
    const server = await listen((socket) => {
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
    const server = await listen((socket) => socket.on('data', () => socket.write(OK)));
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
    const server = await listen((socket) => socket.end());
    const exchange = send(create(), open(server.origin));
    await exchange.ended;
    expect(exchange.failure?.kind).toBe('reset');
    expect(server.sockets.length).toBeLessThan(3);
  });

  test.each(['demo-die-3', 'demo-die-3-rst'])(
    '%s within an answer is a failure, never an end',
    async (model) => {
      const provider = await demo();
      const exchange = send(create(), open(provider.origin), chat(model, true));
      await exchange.ended;
      expect(exchange.status).toBe(200);
      expect(exchange.failure).toMatchObject({ kind: 'reset', written: true });
    },
  );

  test('a body shorter than its declared length is a failure', async () => {
    const server = await listen((socket) =>
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
    const server = await listen((socket) => socket.on('data', () => socket.write(answer)));
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

  test('before the first byte closes the upstream connection within 100 ms', async () => {
    const server = await listen((socket) => socket.resume());
    const exchange = send(create(), open(server.origin), chat('demo'));
    await vi.waitFor(() => expect(exchange.call.written).toBe(true));
    await vi.waitFor(() => expect(server.sockets).toHaveLength(1));
    expect(await closeTime(server.sockets[0], () => exchange.call.abort())).toBeLessThan(100);
    expect(exchange.failure).toMatchObject({ kind: 'aborted', written: true });
  });

  test('within a stream closes it within 100 ms, paused or not', async () => {
    for (const paused of [false, true]) {
      const server = await listen((socket) => {
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

  test('within an upload wakes the body and closes within 100 ms', async () => {
    const server = await listen((socket) => socket.resume());
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
    const provider = await demo();
    const exchange = send(create(), open(provider.origin), chat('demo'));
    exchange.call.abort();
    await exchange.ended;
    expect(exchange.failure).toMatchObject({ kind: 'aborted', written: false });
    expect(provider.counters.connections).toBe(0);
  });

  test('of calls that wait for a connection frees them at once and leaves the pool working', async () => {
    const provider = await demo();
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
    const provider = await demo();
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
    const provider = await demo();
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

describe('the body', () => {
  test('that fails aborts the upstream and is told with its cause', async () => {
    const server = await listen((socket) => socket.resume());
    const cause = new Error('over the limit');
    const exchange = send(create(), open(server.origin), {
      body: (async function* () {
        yield new Uint8Array(100);
        throw cause;
      })(),
    });
    await exchange.ended;
    expect(exchange.failure).toMatchObject({ kind: 'body', written: true, cause });
    await vi.waitFor(() => expect(server.sockets[0]?.destroyed).toBe(true));
  });

  test('that fails before its first chunk was never written', async () => {
    const server = await listen((socket) => socket.resume());
    const exchange = send(create(), open(server.origin), {
      body: (async function* () {
        yield* [] as Uint8Array[];
        throw new Error('at once');
      })(),
    });
    await exchange.ended;
    expect(exchange.failure).toMatchObject({ kind: 'body', written: false });
  });

  test('is not read faster than the upstream takes it', async () => {
    const server = await listen((socket) => socket.pause());
    let pulled = 0;
    const exchange = send(create(), open(server.origin), {
      body: (async function* () {
        for (; pulled < 2000; pulled++) yield new Uint8Array(64 * 1024);
      })(),
    });
    await vi.waitFor(() => expect(pulled).toBeGreaterThan(0));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(pulled).toBeLessThan(500);
    exchange.call.abort();
  });

  test('an answer that comes before the upload is done is heard', async () => {
    const provider = await demo();
    const exchange = send(create(), open(provider.origin), {
      path: '/v1/chat/completions',
      headers: chatHeaders,
      body: (async function* () {
        yield Buffer.from(JSON.stringify({ model: 'demo-early' }).padEnd(70_000));
        await new Promise(() => {});
      })(),
    });
    await exchange.begun;
    expect(exchange.status).not.toBeNull();
    exchange.call.abort();
  });
});

describe('back-pressure', () => {
  test('a paused call leaves its bytes with the upstream: memory stays flat', async () => {
    const piece = Buffer.alloc(64 * 1024, 120);
    let sent = 0;
    const server = await listen((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const push = () => {
          while (sent < 256 * 1024 * 1024 && !socket.destroyed) {
            sent += piece.length;
            if (!socket.write(piece)) return void socket.once('drain', push);
          }
          socket.end();
        };
        push();
      });
    });
    const exchange = send(create(), open(server.origin));
    await exchange.begun;
    exchange.call.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const received = exchange.bytes;
    expect(received).toBeLessThan(1024 * 1024);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(exchange.bytes).toBe(received);
    exchange.call.resume();
    await exchange.ended;
    expect(exchange.bytes).toBe(sent);
    expect(exchange.failure).toBeNull();
  });
});
