/** undici as the transport: what goes out and comes in byte for byte, TLS, redirects, bodies, back-pressure. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createSelfSignedCertificate } from 'relayapi-demo-provider';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { CHAT_HEADERS, chat, listenRaw, open, send, startDemo } from '../../../test/support/upstream-side.ts';
import type { Transport } from '../../forwarding/transport.ts';
import { createAddressGuard } from './addresses.ts';
import { createNodeTransport, type NodeTransportOptions } from './upstream-transport.ts';

function create(options: Partial<NodeTransportOptions> = {}): Transport {
  const transport = createNodeTransport({ guard: createAddressGuard(), connectTimeoutMs: 2000, ...options });
  onTestFinished(() => transport.close());
  return transport;
}

/** house: real time, because undici takes a connection back one turn of the event loop after its answer has ended. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('the plain path', () => {
  test('sends path, headers and body byte for byte and reads status, lines and body', async () => {
    const provider = await startDemo();
    const body = Buffer.from(JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'ü' }] }));
    const exchange = send(create(), open(provider.origin), {
      path: '/v1/chat/completions?x=%2e%2E&y=%41',
      headers: [...CHAT_HEADERS, 'x-odd', 'a'],
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
      ...CHAT_HEADERS,
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
    onTestFinished(() => void server.close());
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
    const provider = await startDemo();
    const transport = create();
    for (let i = 0; i < 5; i++) {
      await send(transport, open(provider.origin), chat('demo')).ended;
      await turn();
    }
    expect(provider.counters).toMatchObject({ requests: 5, connections: 1 });
  });

  test('negotiates HTTP/1.1 over TLS', async () => {
    const tls = createSelfSignedCertificate(['127.0.0.1']);
    const provider = await startDemo({ tls });
    const exchange = send(create({ ca: tls.cert }), open(provider.origin), chat('demo', true));
    await exchange.ended;
    expect(exchange).toMatchObject({ status: 200, failure: null });
    expect(exchange.text).toContain('[DONE]');
  });

  test('interim answers and trailers are dropped; more than 32 interim ones end it', async () => {
    const provider = await startDemo();
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
    const provider = await startDemo({ tls });
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
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
    const sink = await startDemo();
    const provider = await startDemo();
    const location = encodeURIComponent(`${sink.origin}/v1/steal`);
    const exchange = send(create(), open(provider.origin), chat(`demo-redirect-${status}-${location}`));
    await exchange.ended;
    expect(exchange.status).toBe(status);
    expect(sink.counters).toMatchObject({ connections: 0, requests: 0 });
  });
});

describe('the body', () => {
  test('that fails aborts the upstream and is told with its cause', async () => {
    const server = await listenRaw((socket) => socket.resume());
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
    const server = await listenRaw((socket) => socket.resume());
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
    const server = await listenRaw((socket) => socket.pause());
    let pulled = 0;
    const exchange = send(create(), open(server.origin), {
      body: (async function* () {
        for (; pulled < 2000; pulled++) yield new Uint8Array(64 * 1024);
      })(),
    });
    await vi.waitFor(() => expect(pulled).toBeGreaterThan(0));
    // house: real time, because only time shows that no more is pulled
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(pulled).toBeLessThan(500);
    exchange.call.abort();
  });

  test('an answer that comes before the upload is done is heard', async () => {
    const provider = await startDemo();
    const exchange = send(create(), open(provider.origin), {
      path: '/v1/chat/completions',
      headers: CHAT_HEADERS,
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
    const server = await listenRaw((socket) => {
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
    // until the kernel's buffers are full; then nothing may move
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
