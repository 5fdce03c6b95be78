/** The upstream side as it runs on Node: a real caller, the real sink, forwarding, undici, a real upstream. */
import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse, request as sendRequest } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Secret } from 'relayapi-token';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Outcome } from '../../src/exchange.ts';
import { createForwarding, type Forwarding } from '../../src/forwarding/forwarding.ts';
import type { ForwardingOptions } from '../../src/forwarding/options.ts';
import { createAddressGuard } from '../../src/runtime/node/addresses.ts';
import { wrapNodeRequest } from '../../src/runtime/node/node-request.ts';
import { wrapNodeResponse } from '../../src/runtime/node/node-sink.ts';
import { createNodeTransport, type NodeTransportOptions } from '../../src/runtime/node/upstream-transport.ts';
import {
  type CallParts,
  callWith,
  createCountingTap,
  noMaker,
  plainErrors,
  plainFrames,
} from '../support/forwarding.ts';
import { listenRaw, startDemo } from '../support/upstream-side.ts';

/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };

const KEY = 'sk-demo-not-a-key';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Relay {
  readonly port: number;
  readonly outcomes: Outcome[];
  readonly forwarding: Forwarding;
}

/** A listener that admits everything and forwards it to `origin`. */
async function startRelay(
  origin: string,
  parts: CallParts = {},
  options: Partial<ForwardingOptions> = {},
  transportOptions: Partial<NodeTransportOptions> = {},
): Promise<Relay> {
  const transport = createNodeTransport({ guard: createAddressGuard(), ...transportOptions });
  const forwarding = createForwarding(
    { relayId: 'here', idempotencySecret: new Secret('demo-secret'), ...options },
    { transport, maker: noMaker, clock: systemClock, renderError: plainErrors, errorFrame: plainFrames },
  );
  const outcomes: Outcome[] = [];
  const server = createHttpServer((req, res) => {
    const inbound = wrapNodeRequest(req, res, false, { bodyIdleMs: 15_000 });
    const sink = wrapNodeResponse(req, res, { writeTimeoutMs: 60_000, draining: () => false });
    const { body } = inbound;
    const call = callWith({
      origin,
      allowPrivate: true,
      method: inbound.method,
      path: inbound.rawTarget,
      rawHeaders: inbound.rawHeaders,
      arrival: { request: inbound },
      body:
        body.declaredBytes === 0
          ? { kind: 'none' }
          : {
              kind: 'stream',
              chunks: () => body.chunks(),
              declaredBytes: body.declaredBytes,
              gather: body.declaredBytes !== null && body.declaredBytes <= 65_536,
            },
      claims: { exp: Math.floor(Date.now() / 1000) + 3600 },
      ...parts,
    });
    void forwarding.forward(call, sink, createCountingTap()).then((outcome) => outcomes.push(outcome));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await transport.close();
  });
  return { port: (server.address() as AddressInfo).port, outcomes, forwarding };
}

/** A caller on a raw socket. */
function call(
  port: number,
  head = 'GET /v1/x HTTP/1.1\r\nhost: relay\r\n\r\n',
): Socket & { received: string } {
  const socket = Object.assign(connect(port, '127.0.0.1'), { received: '' });
  socket.on('error', () => {});
  socket.on('data', (chunk) => (socket.received += chunk.toString('latin1')));
  socket.write(head);
  cleanups.push(() => socket.destroy());
  return socket;
}

async function chat(relay: Relay, model: string, stream = false) {
  const response = await fetch(`http://127.0.0.1:${relay.port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer caller-credential' },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'hi' }] }),
  });
  return response;
}

async function closeTime(sockets: readonly Socket[], act: () => void): Promise<number> {
  const from = performance.now();
  act();
  await vi.waitFor(() => expect(sockets.every((socket) => socket.destroyed)).toBe(true), { interval: 2 });
  return performance.now() - from;
}

describe('a chat', () => {
  test('plain and streamed reaches the provider with one credential and comes back whole', async () => {
    const provider = await startDemo();
    const relay = await startRelay(provider.origin);
    const plain = (await (await chat(relay, 'demo')).json()) as { choices: unknown[] };
    expect(plain.choices).toHaveLength(1);
    const streamed = await (await chat(relay, 'demo', true)).text();
    expect(streamed.trimEnd().endsWith('data: [DONE]')).toBe(true);
    for (const { rawHeaders } of provider.requests) {
      const text = JSON.stringify(rawHeaders);
      expect(text.split(KEY)).toHaveLength(2);
      expect(text).not.toContain('caller-credential');
    }
    expect(relay.outcomes).toMatchObject([
      { status: 200, cut: false },
      { status: 200, cut: false },
    ]);
  });

  test('A25 of a hostile upstream’s many headers only the allowed ones reach the caller', async () => {
    const provider = await startDemo();
    const relay = await startRelay(provider.origin);
    const response = await chat(relay, 'demo-setcookie');
    expect(response.status).toBe(200);
    await response.text();
    const allowed = new Set([
      ...[
        'cache-control',
        'content-type',
        'content-length',
        'content-disposition',
        'content-range',
        'accept-ranges',
      ],
      ...['retry-after', 'request-id', 'x-request-id', 'relay-calls-remaining'],
      ...['connection', 'date', 'keep-alive', 'transfer-encoding'],
    ]);
    expect([...response.headers.keys()].filter((name) => !allowed.has(name))).toEqual([]);
  });

  test('A26 A27 an upstream that echoes what it got shows the caller no key', async () => {
    const provider = await startDemo();
    for (const trusted of [true, false]) {
      const relay = await startRelay(provider.origin, { route: { trusted } });
      for (const model of ['demo-error-400+demo-echo', 'demo-status-401', 'demo-error-500+demo-echo']) {
        const response = await chat(relay, model);
        const text = await response.text().catch(() => '');
        expect(text + JSON.stringify([...response.headers])).not.toContain(KEY);
      }
    }
  });
});

describe('A caller that leaves', () => {
  test('before the first byte: the upstream connection closes within 100 ms', REAL_TIME, async () => {
    const up = await listenRaw((socket) => socket.resume());
    const relay = await startRelay(up.origin);
    const caller = call(relay.port);
    await vi.waitFor(() => expect(up.sockets[0]?.bytesRead).toBeGreaterThan(0));
    expect(await closeTime(up.sockets, () => caller.destroy())).toBeLessThan(100);
    await vi.waitFor(() => expect(relay.outcomes).toHaveLength(1));
    expect(relay.outcomes[0]).toMatchObject({ callerGone: true, written: true, status: null });
  });

  test('after the first byte: the same', REAL_TIME, async () => {
    const up = await listenRaw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n');
        const timer = setInterval(() => socket.write('data: 1\n\n'), 5);
        socket.on('close', () => clearInterval(timer));
      });
    });
    const relay = await startRelay(up.origin);
    const caller = call(relay.port);
    await vi.waitFor(() => expect(caller.received).toContain('data: 1'));
    expect(await closeTime(up.sockets, () => caller.destroy())).toBeLessThan(100);
    await vi.waitFor(() => expect(relay.outcomes[0]).toMatchObject({ callerGone: true, bodyPassed: true }));
  });

  test('while uploading: the same', REAL_TIME, async () => {
    const up = await listenRaw((socket) => socket.resume());
    const relay = await startRelay(up.origin);
    const caller = call(
      relay.port,
      'POST /v1/x HTTP/1.1\r\nhost: relay\r\ncontent-length: 1000000\r\n\r\nabc',
    );
    await vi.waitFor(() => expect(up.sockets[0]?.bytesRead).toBeGreaterThan(0));
    expect(await closeTime(up.sockets, () => caller.destroy())).toBeLessThan(100);
    await vi.waitFor(() => expect(relay.outcomes[0]).toMatchObject({ callerGone: true, status: null }));
  });

  test('while its request waits for a connection: the pool is not wedged', async () => {
    const waiting: ServerResponse[] = [];
    const server = createHttpServer((_req, res) => void waiting.push(res));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const relay = await startRelay(origin, {}, {}, { maxConnectionsPerOrigin: 2 });
    const callers = Array.from({ length: 40 }, () => call(relay.port));
    await vi.waitFor(() => expect(relay.forwarding.live()).toBe(40));
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    for (const caller of callers) caller.destroy();
    await vi.waitFor(() => expect(relay.forwarding.live()).toBe(0));
    // now everyone is served at once
    server.removeAllListeners('request');
    server.on('request', (_req, res: ServerResponse) => {
      res.setHeader('content-type', 'text/plain');
      res.end('ok');
    });
    const later = await Promise.all(
      Array.from({ length: 20 }, async () => (await fetch(`http://127.0.0.1:${relay.port}/v1/x`)).text()),
    );
    expect(later).toEqual(Array(20).fill('ok'));
  });
});

describe('an upstream that dies within an answer', () => {
  const head = (type: string) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n\r\n`;

  async function brokenAnswer(type: string, parts: CallParts = {}): Promise<string> {
    const up = await listenRaw((socket) => {
      socket.once('data', () => {
        // in chunks, so that the end of the connection is no end of the message
        socket.write(head(type).replace('\r\n\r\n', '\r\ntransfer-encoding: chunked\r\n\r\n'));
        socket.write('9\r\ndata: 1\n\n\r\n');
        setTimeout(() => socket.destroy(), 20);
      });
    });
    const relay = await startRelay(up.origin, parts);
    const caller = call(relay.port);
    await once(caller, 'close');
    await vi.waitFor(() => expect(relay.outcomes[0]).toMatchObject({ cut: true, status: 200 }));
    return caller.received;
  }

  test('ends an event stream with a frame and without the end of the message', async () => {
    const received = await brokenAnswer('text/event-stream');
    expect(received).toContain('data: {"error":"upstream_unreachable"}');
    expect(received).not.toContain('[DONE]');
    expect(received.endsWith('0\r\n\r\n')).toBe(false);
  });

  test.each([
    ['application/json', {}],
    ['text/event-stream', { dialect: 'gemini' }],
  ] as const)('destroys %s (%j) without a frame', async (type, parts) => {
    const received = await brokenAnswer(type, parts);
    expect(received).toContain('data: 1');
    expect(received).not.toContain('error');
    expect(received.endsWith('0\r\n\r\n')).toBe(false);
  });
});

describe('memory stays flat', () => {
  test('with a caller that reads nothing of a huge answer', async () => {
    let sent = 0;
    const piece = Buffer.alloc(64 * 1024, 97);
    const up = await listenRaw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n\r\n');
        const push = () => {
          while (!socket.destroyed) {
            sent += piece.length;
            if (!socket.write(piece)) return void socket.once('drain', push);
          }
        };
        push();
      });
    });
    const relay = await startRelay(up.origin);
    const caller = connect(relay.port, '127.0.0.1');
    cleanups.push(() => caller.destroy());
    caller.pause();
    caller.write('GET /v1/x HTTP/1.1\r\nhost: relay\r\n\r\n');
    await vi.waitFor(() => expect(sent).toBeGreaterThan(0));
    // house: real time, because only time shows that the kernel's buffers are full and nothing moves any more
    await new Promise((resolve) => setTimeout(resolve, 400));
    const stalled = sent;
    // kernel buffers take some; the relay takes no more
    expect(stalled).toBeLessThan(64 * 1024 * 1024);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBe(stalled);
    expect(relay.forwarding.live()).toBe(1);
  });

  test('A57 with a decompression bomb: it is neither inflated nor read', async () => {
    const provider = await startDemo();
    const relay = await startRelay(provider.origin);
    const before = process.memoryUsage().rss;
    const response = await chat(relay, 'demo-bomb-64');
    expect(response.status).toBe(502);
    expect(await response.text()).toBe('{"code":"upstream_encoding"}');
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });
});

test('an upload larger than 64 KiB is streamed through byte for byte', async () => {
  const server = createHttpServer(async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    res.setHeader('content-type', 'application/octet-stream');
    res.end(Buffer.concat(parts));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(() => server.close());
  const relay = await startRelay(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const body = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251));
  for (const headers of [{ 'content-length': String(body.length) }, {}]) {
    const response = await new Promise<Buffer>((resolve, reject) => {
      const req = sendRequest({
        port: relay.port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/v1/x',
        headers,
        agent: false,
      });
      req.on('error', reject).on('response', async (res) => {
        const parts: Buffer[] = [];
        for await (const part of res) parts.push(part as Buffer);
        resolve(Buffer.concat(parts));
      });
      for (let i = 0; i < body.length; i += 50_000) req.write(body.subarray(i, i + 50_000));
      req.end();
    });
    expect(response.equals(body)).toBe(true);
  }
  await vi.waitFor(() => expect(relay.outcomes).toHaveLength(2));
  expect(relay.outcomes[0]).toMatchObject({
    requestBytes: 3_000_000,
    responseBytes: 3_000_000,
    written: true,
  });
});
