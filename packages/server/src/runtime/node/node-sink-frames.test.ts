/**
 * Pieces of a chunked answer, framed by the sink itself: every byte in its place, slowed by slow readers, in line behind other answers.
 * house: real time, since callers that stall do so on real sockets.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { openRaw, parseAnswer, sendRaw } from '../../../test/support/raw-http.ts';
import type { ResponseSink } from '../../io.ts';
import { wrapNodeResponse } from './node-sink.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const faults: unknown[] = [];

async function serve(
  handle: (sink: ResponseSink, req: IncomingMessage) => unknown,
  writeTimeoutMs = 5000,
): Promise<number> {
  faults.length = 0;
  const options = { writeTimeoutMs, draining: () => false };
  const server = createServer((req, res) => void handle(wrapNodeResponse(req, res, options), req));
  server.on('clientError', (error) => faults.push(error));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

/** Bytes in which a lost, doubled or misplaced one shows. */
function pattern(length: number, from: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (from + i) % 251;
  return bytes;
}

const LENGTHS = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 3000 }),
  fc.integer({ min: 16_380, max: 16_390 }),
  fc.integer({ min: 16_385, max: 40_000 }),
);

test('whatever the pieces and turns, the bytes arrive as they are, and no piece is changed', async () => {
  const pieces = fc.array(fc.record({ length: LENGTHS, turn: fc.boolean() }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.boolean(), async (plan, lastWithEnd) => {
      let at = 0;
      const parts = plan.map(({ length }) => {
        at += length;
        return pattern(length, at - length);
      });
      const sent = parts.map((part) => part.slice());
      const port = await serve(async (sink) => {
        sink.start(200, []);
        const last = lastWithEnd ? sent.length - 1 : sent.length;
        for (const [i, part] of sent.entries()) {
          if (i === last) continue;
          sink.write(part);
          if (plan[i]?.turn) await turn();
        }
        sink.end(sent[last]);
      });
      const answer = await sendRaw(port, get('/'));
      expect(answer.complete).toBe(true);
      expect(answer.body).toBe(Buffer.concat(parts).toString('latin1'));
      expect(sent).toEqual(parts);
    }),
    { numRuns: 60 },
  );
  expect(faults).toEqual([]);
});

test('a turn without a body byte is no last chunk', async () => {
  const port = await serve(async (sink) => {
    sink.start(200, []);
    for (const text of ['a', '', 'b', '']) {
      sink.write(new TextEncoder().encode(text));
      await turn();
    }
    sink.end();
  });
  expect(await sendRaw(port, get('/'))).toMatchObject({ body: 'ab', complete: true });
});

test('a caller who does not read is waited for, piece by piece, and goes on where it was', async () => {
  let written = 0;
  let held = 0;
  let drains = 0;
  let done = false;
  const port = await serve(async (sink, { socket }) => {
    sink.start(200, []);
    let go = () => {};
    sink.onDrain(() => {
      drains++;
      go();
    });
    while (written < 24_000_000) {
      const room = sink.write(pattern(1000, written));
      written += 1000;
      held = Math.max(held, socket.writableLength);
      if (!room)
        await new Promise<void>((resolve) => {
          go = resolve;
        });
      else if (written % 10_000 === 0) await turn();
      // pieces behind the last one for which there was room
      if (!room && drains % 7 === 0) sink.write(pattern(0, 0));
    }
    sink.end();
    done = true;
  });
  const socket = await openRaw(port, get('/'));
  socket.pause();
  let before = -1;
  const still = () => {
    const moved = written !== before;
    before = written;
    return !moved;
  };
  await expect.poll(still, { interval: 200 }).toBe(true);
  expect(done).toBe(false);
  expect(held).toBeLessThan(200_000);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.resume();
  await expect.poll(() => done).toBe(true);
  await expect.poll(() => text.endsWith('\r\n0\r\n\r\n')).toBe(true);
  expect(drains).toBeGreaterThan(0);
  const { body, complete } = parseAnswer(text);
  expect(complete).toBe(true);
  expect(body).toBe(Buffer.from(pattern(24_000_000, 0)).toString('latin1'));
  socket.destroy();
});

test('one who reads no more is closed after write_timeout, however small the pieces', async () => {
  let gone = false;
  const port = await serve(async (sink) => {
    sink.start(200, []);
    sink.onGone(() => {
      gone = true;
    });
    let room = true;
    sink.onDrain(() => {
      room = true;
    });
    while (!sink.closed) {
      if (room) room = sink.write(pattern(16_000, 0));
      await turn();
    }
  }, 300);
  const socket = await openRaw(port, get('/'));
  socket.pause();
  await expect.poll(() => gone).toBe(true);
  socket.destroy();
});

test('answers in line keep their places, whichever is written first', async () => {
  const sinks: ResponseSink[] = [];
  const port = await serve((sink) => sinks.push(sink));
  const socket = await openRaw(port, get('/1') + get('/2') + get('/3'));
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  await expect.poll(() => sinks.length).toBe(3);
  const encode = (part: string) => new TextEncoder().encode(part);
  for (const [i, sink] of [...sinks.entries()].reverse()) {
    sink.start(200, [['x-number', String(i)]]);
    sink.write(encode(`${i}a`));
    await turn();
    sink.write(encode(`${i}b`));
    await turn();
  }
  for (const step of ['c', 'd']) {
    for (const [i, sink] of sinks.entries()) sink.write(encode(`${i}${step}`));
    await turn();
  }
  for (const [i, sink] of sinks.entries()) {
    sink.end(encode(`${i}e`));
    await turn();
  }
  await expect.poll(() => text.split('0\r\n\r\n').length).toBe(4);
  const answers = text.split(/(?=HTTP\/1\.1)/).map(parseAnswer);
  expect(answers.map(({ headers }) => headers['x-number'])).toEqual(['0', '1', '2']);
  expect(answers.map(({ body }) => body)).toEqual(['0a0b0c0d0e', '1a1b1c1d1e', '2a2b2c2d2e']);
  expect(answers.every(({ complete }) => complete)).toBe(true);
  expect(faults).toEqual([]);
  socket.destroy();
});

test('a socket that is gone or ended takes pieces without a word', async () => {
  let ended = 0;
  const port = await serve(async (sink, { socket, url }) => {
    sink.start(200, []);
    sink.write(pattern(100, 0));
    await turn();
    if (url === '/destroyed') socket.destroy();
    else socket.end();
    for (let i = 0; i < 5; i++) {
      sink.write(pattern(100, 0));
      sink.write(pattern(20_000, 0));
      await turn();
    }
    sink.end();
    ended++;
  });
  for (const path of ['/destroyed', '/ended']) {
    expect((await sendRaw(port, get(path))).complete).toBe(false);
  }
  await expect.poll(() => ended).toBe(2);
  expect(faults).toEqual([]);
});

test.each([
  ['HEAD', 'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 200],
  ['204', 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 204],
  ['304', 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 304],
])(
  'an answer that has no body, to %s, stays without one, whatever is written',
  async (_which, bytes, status) => {
    const port = await serve(async (sink) => {
      sink.start(status, []);
      for (const length of [100, 100, 20_000]) {
        await turn();
        sink.write(pattern(length, 0));
      }
      sink.end(pattern(10, 0));
    });
    const socket = await openRaw(port, bytes);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
    expect(text.indexOf('\r\n\r\n')).toBe(text.length - 4);
  },
);

test('HTTP/1.0 knows no chunks: the bytes alone, and the end of the connection', async () => {
  const port = await serve(async (sink) => {
    sink.start(200, []);
    for (const length of [100, 200, 20_000]) {
      sink.write(pattern(length, 0));
      await turn();
    }
    sink.end(pattern(10, 0));
  });
  const { text } = await sendRaw(port, 'GET / HTTP/1.0\r\nHost: x\r\n\r\n');
  const sent = [100, 200, 20_000, 10].map((length) => Buffer.from(pattern(length, 0)).toString('latin1'));
  expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe(sent.join(''));
});
