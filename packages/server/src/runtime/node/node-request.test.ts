/** Requests on Node's sockets: bodies pulled piece by piece, stalls and leavers told apart, refusals readable while uploading. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
// house: real time, because callers that dawdle, stall or fall silent do so on real sockets
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { SHAPED } from '../../../test/support/inbound.ts';
import { answerLength, type Listening, listenWith } from '../../../test/support/listening.ts';
import { openRaw, parseAnswer, sendRaw } from '../../../test/support/raw-http.ts';
import { BodyAborted, BodyIdle, type InboundRequest } from '../../io.ts';
import { wrapNodeRequest } from './node-request.ts';

/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Hands each request to `handle`; answers 200 with what it returns. */
async function serve(
  handle: (request: InboundRequest) => Promise<string> | string,
  bodyIdleMs = 5000,
): Promise<number> {
  const server = createServer(async (req, res) => {
    const text = await handle(wrapNodeRequest(req, res, false, { bodyIdleMs }));
    res.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function readAll(inbound: InboundRequest): Promise<string> {
  let text = '';
  for await (const chunk of inbound.body.chunks()) text += Buffer.from(chunk).toString('latin1');
  return text;
}

const post = (lines: string, body = '') => `POST /x HTTP/1.1\r\nHost: x\r\n${lines}\r\n${body}`;

describe('reading', () => {
  test.each([
    ['a length', post('Content-Length: 5\r\n', 'hello'), 'hello', 5],
    ['chunks', post('Transfer-Encoding: chunked\r\n', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'), 'hello', null],
    ['nothing', 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n', '', 0],
    ['a length of 0', post('Content-Length: 0\r\n'), '', 0],
  ])('%s', async (_why, bytes, text, declared) => {
    let seen: number | null = -1;
    const port = await serve((inbound) => {
      seen = inbound.body.declaredBytes;
      return readAll(inbound);
    });
    expect((await sendRaw(port, bytes)).body).toBe(text);
    expect(seen).toBe(declared);
  });

  test('A32 two megabytes in odd pieces arrive byte for byte', async () => {
    const sent = Buffer.from(Array.from({ length: 2_000_003 }, (_, i) => (i * 31) % 251));
    let equal = false;
    const port = await serve(async (inbound) => {
      const pieces: Uint8Array[] = [];
      for await (const chunk of inbound.body.chunks()) {
        pieces.push(chunk);
        if (pieces.length % 7 === 0) await delay(1);
      }
      equal = Buffer.compare(Buffer.concat(pieces), sent) === 0;
      return 'ok';
    });
    const req = request({ port, host: '127.0.0.1', method: 'POST' });
    for (let at = 0; at < sent.length; at += 9973) req.write(sent.subarray(at, at + 9973));
    req.end();
    const [res] = await once(req, 'response');
    res.resume();
    expect(equal).toBe(true);
  });

  test('a consumer that takes its time holds the caller back', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const port = await serve(async (inbound) => {
      const chunks = inbound.body.chunks()[Symbol.asyncIterator]();
      await chunks.next();
      await promise;
      return 'ok';
    });
    const socket = await openRaw(port, post('Content-Length: 100000000\r\n'));
    const block = Buffer.alloc(1024 * 1024);
    let sent = 0;
    while (
      socket.write(block) ||
      (await Promise.race([once(socket, 'drain').then(() => true), delay(300).then(() => false)]))
    )
      sent++;
    expect(sent).toBeLessThan(60);
    socket.destroy();
    resolve();
  });

  test('leaving the loop early keeps the connection for the answer', async () => {
    const port = await serve(async (inbound) => {
      for await (const chunk of inbound.body.chunks()) return `first ${chunk.length > 0}`;
      return 'none';
    });
    const answer = await sendRaw(port, post('Content-Length: 50000\r\n', 'x'.repeat(20_000)));
    expect(answer.body).toBe('first true');
  });

  test('peer, method, target and version are those of the wire', async () => {
    const seen: unknown[] = [];
    const port = await serve((inbound) => {
      const { method, rawTarget, httpVersion, peerAddress, exact, upgrade } = inbound;
      seen.push({ method, rawTarget, httpVersion, peerAddress, exact, upgrade });
      return '';
    });
    await sendRaw(port, 'DELETE /a/../b?%20 HTTP/1.0\r\nHost: x\r\n\r\n');
    await sendRaw(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    const common = { peerAddress: '127.0.0.1', exact: true };
    expect(seen).toEqual([
      { ...common, method: 'DELETE', rawTarget: '/a/../b?%20', httpVersion: '1.0', upgrade: false },
      { ...common, method: 'GET', rawTarget: '/', httpVersion: '1.1', upgrade: true },
    ]);
  });
});

describe('a body that does not come', () => {
  test('a pause is BodyIdle', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const port = await serve(async (inbound) => {
      await readAll(inbound).catch(resolve);
      return 'slow';
    }, 100);
    const answer = sendRaw(port, post('Content-Length: 10\r\n', 'abc'));
    expect(await promise).toBeInstanceOf(BodyIdle);
    expect((await answer).body).toBe('slow');
  });

  test('bytes that keep coming, each before the pause is over, are none', async () => {
    const port = await serve(readAll, 150);
    const socket = await openRaw(port, post('Content-Length: 6\r\n'));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    for (const letter of 'abcdef') {
      await delay(60);
      socket.write(letter);
    }
    await expect.poll(() => parseAnswer(text).body).toBe('abcdef');
    socket.destroy();
  });

  test('a caller that leaves is BodyAborted, also while nobody is waiting', async () => {
    for (const pauseMs of [0, 80]) {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const port = await serve(async (inbound) => {
        const chunks = inbound.body.chunks()[Symbol.asyncIterator]();
        await chunks.next();
        await delay(pauseMs);
        await chunks.next().catch(resolve);
        return '';
      });
      const socket = await openRaw(port, post('Content-Length: 10\r\n', 'abc'));
      await delay(30);
      socket.destroy();
      expect(await promise).toBeInstanceOf(BodyAborted);
    }
  });
});

describe('413 while the caller still uploads', () => {
  let relay: Listening;
  const PATH = `/relayapi/${SHAPED}/v1/files`;
  afterEach(() => relay.close());

  test.each([
    ['a declared length', 'content-length'],
    ['chunks', 'transfer-encoding'],
  ])('is readable: %s', async (_why, framing) => {
    relay = await listenWith(answerLength);
    const req = request({
      port: relay.port,
      host: '127.0.0.1',
      path: PATH,
      method: 'POST',
      headers: framing === 'content-length' ? { 'content-length': 600_000 } : {},
    });
    const answered = once(req, 'response');
    for (let i = 0; i < 60; i++) {
      req.write(Buffer.alloc(10_000));
      await delay(2);
    }
    req.end();
    const [res] = await answered;
    let body = '';
    for await (const chunk of res) body += chunk;
    expect(res.statusCode).toBe(413);
    expect(JSON.parse(body).error.code).toBe('request_too_large');
    expect(res.headers['access-control-allow-origin']).toBe('*');
  });

  test('a short rest is read to its end and the connection serves on', async () => {
    relay = await listenWith(answerLength);
    const socket = await openRaw(
      relay.port,
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n`,
    );
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await expect.poll(() => text).toContain('413');
    socket.write('x'.repeat(20_000));
    await delay(50);
    socket.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok`);
    await expect.poll(() => text).toContain('got 2');
    socket.destroy();
  });

  test('an endless upload is read for 1 MiB, then closed', REAL_TIME, async () => {
    relay = await listenWith(answerLength);
    const socket = connect(relay.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    socket.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n`);
    const startedAt = performance.now();
    const timer = setInterval(() => socket.write(Buffer.alloc(100_000)), 5);
    await closed;
    clearInterval(timer);
    expect(performance.now() - startedAt).toBeLessThan(900);
    expect(parseAnswer(text)).toMatchObject({ status: 413, complete: true });
    expect(socket.bytesWritten).toBeLessThan(20_000_000);
  });

  test('a caller that sends no more is closed after a second', REAL_TIME, async () => {
    relay = await listenWith(answerLength);
    const socket = await openRaw(
      relay.port,
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n`,
    );
    socket.resume();
    const startedAt = performance.now();
    await once(socket, 'close');
    expect(performance.now() - startedAt).toBeGreaterThan(800);
    expect(performance.now() - startedAt).toBeLessThan(2500);
  });

  test('with Connection: close the answer comes at once and the close after the rest', async () => {
    relay = await listenWith(answerLength);
    const socket = await openRaw(
      relay.port,
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 20000\r\n\r\n`,
    );
    let text = '';
    let closed = false;
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => {
      closed = true;
    });
    await expect.poll(() => parseAnswer(text)).toMatchObject({ status: 413, complete: true });
    await delay(50);
    expect(closed).toBe(false);
    socket.write('x'.repeat(20_000));
    await expect.poll(() => closed).toBe(true);
  });
});
