/** Lingering after a refusal: ends with the request, within its limits, and costs a connection one timer and one listener. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openRaw } from '../../../test/support/raw-http.ts';
import { linger } from './listener-linger.ts';
import { wrapNodeResponse } from './node-sink.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(
  handle: (req: IncomingMessage) => void,
  answers = false,
  onConnection: (socket: Socket) => void = () => {},
): Promise<number> {
  const server = createServer((req, res) => {
    if (answers) {
      const sink = wrapNodeResponse(req, res, { writeTimeoutMs: 5000, draining: () => false });
      sink.start(402, [['content-length', '0']]);
      sink.end();
    }
    handle(req);
  });
  // after Node's own listeners for a new connection
  server.on('connection', onConnection);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const post = (length: number) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

/** The server's side of a request whose body has not come, flowing, and the caller's socket. */
async function begin(length = 4): Promise<{ req: IncomingMessage; caller: Socket }> {
  const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
  const port = await serve((req) => resolve(req.resume()));
  const caller = await openRaw(port, post(length));
  closers.push(() => caller.destroy());
  return { req: await promise, caller };
}

test('ends at once with the last byte of the request', async () => {
  const { req, caller } = await begin();
  const order: string[] = [];
  req.on('end', () => order.push('end'));
  const lingering = linger(req.socket, req).then(() => order.push('over'));
  // what comes in the same turn as the end comes before any timer
  req.on('end', () => setImmediate(() => order.push('later')));
  caller.write('body');
  await lingering;
  await expect.poll(() => order).toEqual(['end', 'over', 'later']);
});

test('does not begin where the request is whole already', async () => {
  const { req, caller } = await begin();
  caller.write('body');
  await once(req, 'end');
  const before = req.socket.listenerCount('close');
  await linger(req.socket, req);
  expect(req.socket.listenerCount('close')).toBe(before);
});

test('ends with the connection, with or without a request', async () => {
  const { req, caller } = await begin();
  const both = Promise.all([linger(req.socket, req), linger(req.socket, null)]);
  caller.destroy();
  await both;
  expect(req.socket.destroyed).toBe(true);
});

test('ends after its bytes, and after its time', async () => {
  const { req, caller } = await begin(1_000_000);
  let ended = false;
  const counted = linger(req.socket, req, 1000, 60_000).then(() => {
    ended = true;
  });
  caller.write('x'.repeat(1000));
  await expect.poll(() => req.socket.bytesRead).toBeGreaterThanOrEqual(1000 + post(1_000_000).length);
  expect(ended).toBe(false);
  caller.write('x');
  await counted;
  const from = performance.now();
  await linger(req.socket, req, 1_000_000, 100);
  expect(performance.now() - from).toBeGreaterThanOrEqual(99);
  expect(req.complete).toBe(false);
});

test('a thousand quick refusals on one kept connection cost it one listener and one timer, and at the end none', async () => {
  const listeners: number[] = [];
  const running: number[] = [];
  const sockets: Socket[] = [];
  let idle = Number.NaN;
  let answers = '';
  const port = await serve(
    (req) => {
      // the answer is out and the body not yet in: this request is lingered for
      expect(req.complete).toBe(false);
      listeners.push(req.socket.listenerCount('close'));
      running.push(timers());
    },
    true,
    (socket) => {
      sockets.push(socket);
      idle = socket.listenerCount('close');
    },
  );
  const caller = await openRaw(port, post(2));
  closers.push(() => caller.destroy());
  caller.on('data', (chunk) => {
    answers += chunk;
    // the rest of the request that was answered, and the next one
    if (listeners.length < 1000) caller.write(`hi${post(2)}`);
    else caller.write('hi');
  });
  await expect.poll(() => answers.split('402').length - 1).toBe(1000);
  expect(listeners).toHaveLength(1000);
  // one of Node's own for the answer, and one of ours
  expect(Math.max(...listeners) - idle).toBe(2);
  // Node keeps some of its own, such as the one of a kept connection
  expect(Math.max(...running) - (running[0] ?? 0)).toBeLessThan(5);
  expect(sockets).toHaveLength(1);
  const [kept] = sockets;
  await expect.poll(() => kept?.listenerCount('close')).toBe(idle);
  expect(kept?.destroyed).toBe(false);
});
