/** What every implementation of the transport port owes, run against the Node one and the fetch one. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Transport, UpstreamRequest } from '../../src/forwarding/transport.ts';
import { createFetchTransport } from '../../src/runtime/fetch/upstream-transport.ts';
import { createAddressGuard } from '../../src/runtime/node/addresses.ts';
import { createNodeTransport } from '../../src/runtime/node/upstream-transport.ts';
import { open, send as sendTo } from '../support/upstream-side.ts';

/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const send = (transport: Transport, origin: string, more: Partial<UpstreamRequest> = {}) =>
  sendTo(transport, open(origin), more);

const implementations = {
  node: () => createNodeTransport({ guard: createAddressGuard(), connectTimeoutMs: 2000 }),
  fetch: () => createFetchTransport(),
};

describe.each(Object.entries(implementations))('transport: %s', (name, make) => {
  function create(): Transport {
    const transport = make();
    cleanups.push(() => transport.close());
    return transport;
  }

  test('sends method, path, headers and body; gives status, headers, body, end, in that order', async () => {
    const { origin } = await serve(async (req, res) => {
      const parts: Buffer[] = [];
      for await (const part of req) parts.push(part as Buffer);
      res.writeHead(201, { 'content-type': 'application/json', 'x-one': '1' });
      const { method, url, headers } = req;
      res.end(
        JSON.stringify({ method, url, sent: headers['x-sent'], body: Buffer.concat(parts).toString() }),
      );
    });
    const seen = send(create(), origin, {
      method: 'PUT',
      path: '/v1/a%2Fb?q=%41',
      headers: ['x-sent', 'yes', 'content-type', 'text/plain'],
      body: new TextEncoder().encode('hello'),
      bodyBytes: 5,
    });
    expect(seen.events).toEqual([]);
    await seen.ended;
    expect(seen).toMatchObject({ status: 201, failure: null });
    expect(seen.headers.join('\n')).toMatch(/content-type\napplication\/json/i);
    expect(seen.headers.join('\n')).toMatch(/x-one\n1/i);
    expect(JSON.parse(seen.text)).toEqual({
      method: 'PUT',
      url: '/v1/a%2Fb?q=%41',
      sent: 'yes',
      body: 'hello',
    });
    expect([seen.events[0], seen.events.at(-1)]).toEqual(['headers', 'end']);
    expect(seen.call.written).toBe(true);
  });

  test('streams a body up and an answer down at the same time', async () => {
    const { origin } = await serve((req, res) => {
      res.writeHead(200, { 'content-type': 'text/plain' });
      req.pipe(res);
    });
    const seen = send(create(), origin, {
      body: (async function* () {
        yield new TextEncoder().encode('one ');
        yield new Uint8Array(0);
        yield new TextEncoder().encode('two');
      })(),
    });
    await seen.ended;
    expect(seen.text).toBe('one two');
  });

  test.each([301, 307])('gives a %i back and does not follow it', async (status) => {
    let requests = 0;
    const { origin } = await serve((_req, res) => {
      requests++;
      res.writeHead(status, { location: '/else' }).end();
    });
    const seen = send(create(), origin);
    await seen.ended;
    expect(seen.status).toBeGreaterThanOrEqual(300);
    expect(seen.status).toBeLessThan(400);
    expect(requests).toBe(1);
  });

  test('a refused connection is unreachable and unwritten', async () => {
    const seen = send(create(), 'http://127.0.0.1:1');
    await seen.ended;
    // port 1 is one that fetch itself refuses to use
    expect(seen.failure?.kind).toBe(name === 'node' ? 'unreachable' : 'reset');
    const { origin } = await serve(() => {});
    await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
    const closed = send(create(), origin);
    await closed.ended;
    expect(closed.failure).toMatchObject({ kind: 'unreachable', written: false });
  });

  test('an upstream that dies within an answer is a failure, never an end', async () => {
    const { origin } = await serve((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/plain' });
      res.write('half');
      setTimeout(() => res.destroy(), 10);
    });
    const seen = send(create(), origin);
    await seen.ended;
    expect(seen).toMatchObject({ status: 200, text: 'half', failure: { kind: 'reset', written: true } });
    expect(seen.events.filter((event) => event === 'end')).toEqual([]);
  });

  test('an abort closes the connection within 100 ms and is told once', REAL_TIME, async () => {
    // the connections that carried a request; an idle spare may be opened beside them
    const carriers: Socket[] = [];
    const { origin } = await serve((req, res) => {
      carriers.push(req.socket);
      if (req.url === '/before') return;
      res.writeHead(200, { 'content-type': 'text/plain' });
      res.write('x');
    });
    for (const path of ['/before', '/within']) {
      const seen = send(create(), origin, { path });
      if (path === '/within') await vi.waitFor(() => expect(seen.text).toBe('x'));
      else await vi.waitFor(() => expect(carriers).toHaveLength(1));
      const from = performance.now();
      seen.call.abort();
      seen.call.abort();
      await seen.ended;
      expect(seen.failure?.kind).toBe('aborted');
      await vi.waitFor(() => expect(carriers.every((socket) => socket.destroyed)).toBe(true), {
        interval: 5,
      });
      expect(performance.now() - from).toBeLessThan(100);
      expect(seen.events.filter((event) => event === 'failure')).toHaveLength(1);
    }
  });

  test('an abort right after dispatch sends nothing', async () => {
    let requests = 0;
    const { origin } = await serve(() => requests++);
    const seen = send(create(), origin);
    seen.call.abort();
    await seen.ended;
    // house: real time, because only time shows that nothing comes
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(seen.failure).toMatchObject({ kind: 'aborted', written: false });
    expect(requests).toBe(0);
  });

  test('a body that fails is told with its cause', async () => {
    const { origin } = await serve((req) => req.resume());
    const cause = new Error('over the limit');
    const seen = send(create(), origin, {
      body: (async function* () {
        yield new Uint8Array(10);
        throw cause;
      })(),
    });
    await seen.ended;
    expect(seen.failure).toMatchObject({ kind: 'body', cause });
  });

  test('nothing arrives while paused, all of it after', async () => {
    const total = 32 * 1024 * 1024;
    const { origin } = await serve((_req, res) => {
      res.writeHead(200, { 'content-type': 'application/octet-stream' });
      let sent = 0;
      const push = () => {
        while (sent < total) {
          sent += 65_536;
          if (!res.write(Buffer.alloc(65_536))) return void res.once('drain', push);
        }
        res.end();
      };
      push();
    });
    const seen = send(create(), origin);
    await vi.waitFor(() => expect(seen.status).toBe(200));
    seen.call.pause();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = seen.bytes;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen.bytes).toBe(before);
    expect(before).toBeLessThan(total);
    seen.call.resume();
    await seen.ended;
    expect(seen).toMatchObject({ bytes: total, failure: null });
  });

  test('closing ends what runs', async () => {
    const { origin } = await serve(() => {});
    const transport = create();
    const seen = send(transport, origin);
    await vi.waitFor(() => expect(seen.call.written).toBe(true));
    await transport.close();
    expect(seen.failure?.kind).toBe('aborted');
  });
});

test('the fetch transport refuses a path that could change the host', async () => {
  const fetch = vi.fn();
  const transport = createFetchTransport({ fetch });
  for (const path of ['//evil.example/', 'https://evil.example/', '@evil.example/', '']) {
    const seen = send(transport, 'https://api.example.com', { path });
    await seen.ended;
    expect(seen.failure).toMatchObject({ written: false });
  }
  expect(fetch).not.toHaveBeenCalled();
});

test('the fetch transport takes an opaque redirect for one', async () => {
  const opaque = { type: 'opaqueredirect', status: 0, headers: new Headers(), body: null } as Response;
  const seen = send(createFetchTransport({ fetch: async () => opaque }), 'https://api.example.com');
  await seen.ended;
  expect(seen.status).toBe(302);
});
