/** Answers on Node's sockets: flushed at once, slowed by slow readers, cut where they broke. */
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
// house: real time, because callers that dawdle, stall or fall silent do so on real sockets
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { openRaw, parseAnswer, sendRaw } from '../../../test/support/raw-http.ts';
import type { ResponseSink } from '../../io.ts';
import { wrapNodeResponse } from './node-sink.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Serves each request with a sink. */
async function serve(
  handle: (sink: ResponseSink, req: IncomingMessage) => void,
  options = { writeTimeoutMs: 5000, draining: () => false },
) {
  const listener: RequestListener = (req, res) => handle(wrapNodeResponse(req, res, options), req);
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const encode = (text: string) => new TextEncoder().encode(text);
const gather = (socket: Socket) => {
  const seen = { text: '', error: null as string | null, closed: false };
  socket.on('data', (chunk) => {
    seen.text += chunk.toString('latin1');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    seen.error = error.code ?? 'error';
  });
  socket.on('close', () => {
    seen.closed = true;
  });
  return seen;
};

describe('sending', () => {
  test('the head leaves before any byte of the body', async () => {
    const port = await serve((sink) => sink.start(200, [['content-type', 'text/event-stream']]));
    const socket = await openRaw(port, GET);
    const seen = gather(socket);
    await expect.poll(() => parseAnswer(seen.text).headers['content-type']).toBe('text/event-stream');
    socket.destroy();
  });

  test('each write arrives by itself', async () => {
    let sink: ResponseSink | undefined;
    const port = await serve((given) => {
      sink = given;
      given.start(200, []);
    });
    const socket = await openRaw(port, GET);
    const seen = gather(socket);
    for (const part of ['one', 'two']) {
      await expect
        .poll(() => sink?.write(encode(part)) !== undefined && parseAnswer(seen.text).body)
        .toContain(part);
    }
    socket.destroy();
  });

  test.each<[end: string, large: number, complete: boolean]>([
    ['an end', 0, true],
    ['an end, large ones between', 2000, true],
    ['a cut', 0, false],
  ])(
    'pieces of one byte within one turn leave in few writes, in order and whole: %s',
    async (_end, large, complete) => {
      const pieces = Array.from({ length: 50_000 }, (_, i) =>
        large > 0 && i % 1000 === 7 ? encode(`${i}`.padEnd(large)) : encode(`${i % 10}`),
      );
      const port = await serve((sink) => {
        sink.start(200, []);
        for (const piece of pieces) sink.write(piece);
        if (complete) sink.end();
        else sink.destroy();
      });
      const answer = await sendRaw(port, GET);
      expect(answer.complete).toBe(complete);
      expect(answer.body).toBe(Buffer.concat(pieces).toString());
      const frames = answer.text.split('\r\n').filter((line) => /^[0-9a-f]{1,5}$/.test(line)).length;
      expect(frames).toBeLessThan(large > 0 ? 120 : 10);
    },
  );

  test('headers keep their order and doubles', async () => {
    const port = await serve((sink) => {
      sink.start(207, [
        ['x-a', '1'],
        ['x-b', '2'],
        ['x-a', '3'],
        ['content-length', '0'],
      ]);
      sink.end();
    });
    const answer = await sendRaw(port, GET);
    expect(answer.status).toBe(207);
    expect(answer.text).toMatch(/x-a: 1\r\nx-b: 2\r\nx-a: 3\r\n/);
  });

  test('started and closed tell where it stands', async () => {
    const states: boolean[][] = [];
    const port = await serve((sink) => {
      const note = () => states.push([sink.started, sink.closed]);
      note();
      sink.start(200, []);
      note();
      sink.end(encode('x'));
      note();
      sink.start(500, []);
      sink.write(encode('ignored'));
      sink.end();
      sink.destroy();
    });
    expect(await sendRaw(port, GET)).toMatchObject({ status: 200, body: 'x', complete: true });
    expect(states).toEqual([
      [false, false],
      [true, false],
      [true, true],
    ]);
  });

  test('HEAD gets the length and no body', async () => {
    const port = await serve((sink) => {
      sink.start(200, [['content-length', '5']]);
      sink.write(encode('he'));
      sink.end(encode('llo'));
    });
    const socket = await openRaw(port, 'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const seen = gather(socket);
    await expect.poll(() => seen.closed).toBe(true);
    expect(seen.text).toMatch(/content-length: 5/);
    expect(seen.text.endsWith('\r\n\r\n')).toBe(true);
  });
});

describe('back-pressure', () => {
  const BLOCK = new Uint8Array(256 * 1024).fill(120);

  /** Writes until told to stop; resolves with the number of blocks. */
  const fill = (sink: ResponseSink) => {
    let blocks = 0;
    while (sink.write(BLOCK) && blocks < 1000) blocks++;
    return blocks;
  };

  test('write says stop when the caller does not read, and drain says go on', async () => {
    let given: ResponseSink | undefined;
    let blocks = 0;
    let drained = 0;
    const port = await serve((sink) => {
      given = sink;
      sink.start(200, []);
      sink.onDrain(() => {
        drained++;
        blocks += fill(sink);
      });
      blocks += fill(sink);
    });
    const socket = await openRaw(port, GET);
    socket.pause();
    // The kernel takes some megabytes first; then nothing moves any more.
    let before = -1;
    await expect
      .poll(
        () => {
          const still = drained === before;
          before = drained;
          return still;
        },
        { interval: 150, timeout: 5000 },
      )
      .toBe(true);
    expect(blocks).toBeLessThan(200);
    const stopped = drained;
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (drained > stopped + 3) given?.end();
    });
    socket.resume();
    await expect.poll(() => drained).toBeGreaterThan(stopped + 3);
    await expect.poll(() => bytes).toBeGreaterThan(stopped * BLOCK.length);
    socket.destroy();
  });

  test('A56 a caller that stops reading is closed after write_timeout and reported gone', async () => {
    let goneAfterMs = 0;
    const port = await serve(
      (sink) => {
        const startedAt = performance.now();
        sink.onGone(() => {
          goneAfterMs = performance.now() - startedAt;
        });
        sink.start(200, []);
        const more = () => void fill(sink);
        sink.onDrain(more);
        more();
      },
      { writeTimeoutMs: 300, draining: () => false },
    );
    const socket = await openRaw(port, GET);
    socket.pause();
    await expect.poll(() => goneAfterMs, { timeout: 3000 }).toBeGreaterThan(250);
    const seen = gather(socket);
    socket.resume();
    await expect.poll(() => seen.closed).toBe(true);
    expect(parseAnswer(seen.text).complete).toBe(false);
  });

  test('a slow reader that moves is not a stalled one, though no write drains for long', async () => {
    const size = 48 * 1024 * 1024;
    let gone = false;
    let drained = 0;
    const port = await serve(
      (sink) => {
        sink.onGone(() => {
          gone = true;
        });
        sink.onDrain(() => drained++);
        sink.start(200, []);
        sink.write(new Uint8Array(size));
      },
      { writeTimeoutMs: 300, draining: () => false },
    );
    const startedAt = performance.now();
    const socket = await openRaw(port, GET);
    let bytes = 0;
    let pause = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes < pause + 4 * 1024 * 1024) return;
      pause = bytes;
      socket.pause();
      setTimeout(() => socket.resume(), 100);
    });
    await expect.poll(() => bytes, { timeout: 10_000 }).toBeGreaterThanOrEqual(size);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    expect(gone).toBe(false);
    expect(drained).toBe(1);
    socket.destroy();
  });

  test('silence of the upstream is no stall: a quiet stream lives through write_timeout', async () => {
    let gone = false;
    let given: ResponseSink | undefined;
    const port = await serve(
      (sink) => {
        given = sink;
        sink.onGone(() => {
          gone = true;
        });
        sink.start(200, []);
        sink.write(encode('a'));
      },
      { writeTimeoutMs: 50, draining: () => false },
    );
    const socket = await openRaw(port, GET);
    const seen = gather(socket);
    await delay(300);
    expect(gone).toBe(false);
    given?.end(encode('b'));
    await expect.poll(() => parseAnswer(seen.text)).toMatchObject({ body: 'ab', complete: true });
    socket.destroy();
  });

  test('an answer that ended but is not read is closed, too', async () => {
    let closed = false;
    const port = await serve(
      (sink, req) => {
        req.socket.on('close', () => {
          closed = true;
        });
        sink.start(200, []);
        sink.end(new Uint8Array(32 * 1024 * 1024));
      },
      { writeTimeoutMs: 200, draining: () => false },
    );
    const socket = await openRaw(port, GET);
    socket.pause();
    await expect.poll(() => closed, { timeout: 3000 }).toBe(true);
    socket.destroy();
  });

  test('after an answer a kept connection keeps Node’s own idle time', async () => {
    const port = await serve(
      (sink) => {
        sink.start(200, [['content-length', '1']]);
        sink.end(encode('x'));
      },
      { writeTimeoutMs: 50, draining: () => false },
    );
    const socket = await openRaw(port, GET);
    const seen = gather(socket);
    await expect.poll(() => seen.text).toContain('\r\n\r\nx');
    await delay(200);
    expect(seen.closed).toBe(false);
    socket.write(GET);
    await expect.poll(() => seen.text.match(/200 OK/g)?.length).toBe(2);
    socket.destroy();
  });
});

describe('breaking off', () => {
  const clientFails = (port: number, headers: Record<string, string> = {}) =>
    new Promise<string>((resolve) => {
      const req = request({ port, host: '127.0.0.1', headers }, (res) => {
        let text = '';
        res.on('data', (chunk) => {
          text += chunk;
        });
        res.on('end', () => resolve(`whole: ${text}`));
        res.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.code}: ${text}`));
      });
      req.on('error', (error: NodeJS.ErrnoException) => resolve(`no answer: ${error.code}`));
      req.end();
    });

  test('a chunked answer ends without its last chunk, what was sent arrives', async () => {
    const port = await serve((sink) => {
      sink.start(200, []);
      sink.write(encode('event: error\n\n'));
      sink.destroy();
    });
    expect(await clientFails(port)).toBe('ECONNRESET: event: error\n\n');
    expect(await sendRaw(port, GET)).toMatchObject({ body: 'event: error\n\n', complete: false });
  });

  test('an answer with a length ends short', async () => {
    const port = await serve((sink) => {
      sink.start(200, [['content-length', '100']]);
      sink.write(encode('part'));
      sink.destroy();
    });
    expect(await clientFails(port)).toBe('ECONNRESET: part');
  });

  test('before the head: no answer', async () => {
    const port = await serve((sink) => sink.destroy());
    expect(await clientFails(port)).toBe('no answer: ECONNRESET');
  });

  test('HTTP/1.0, where the end of the connection ends the message: a reset', async () => {
    const port = await serve((sink) => {
      sink.start(200, []);
      sink.write(encode('part'));
      setTimeout(() => sink.destroy(), 50);
    });
    const socket = await openRaw(port, 'GET / HTTP/1.0\r\nHost: x\r\n\r\n');
    const seen = gather(socket);
    await expect.poll(() => seen.closed).toBe(true);
    expect(seen.error).toBe('ECONNRESET');
  });

  test('a stalled caller is not waited for longer than write_timeout', async () => {
    let closed = false;
    const port = await serve(
      (sink, req) => {
        req.socket.on('close', () => {
          closed = true;
        });
        sink.start(200, []);
        sink.write(new Uint8Array(32 * 1024 * 1024));
        sink.destroy();
      },
      { writeTimeoutMs: 200, draining: () => false },
    );
    const socket = await openRaw(port, GET);
    socket.pause();
    await expect.poll(() => closed, { timeout: 3000 }).toBe(true);
    socket.destroy();
  });
});

describe('the caller leaves', () => {
  test('is told at once, once, and later writes are swallowed', async () => {
    let given: ResponseSink | undefined;
    let gone = 0;
    const port = await serve((sink) => {
      given = sink;
      sink.onGone(() => gone++);
      sink.start(200, []);
      sink.write(encode('x'));
    });
    const socket = await openRaw(port, GET);
    const seen = gather(socket);
    await expect.poll(() => seen.text).toContain('x');
    socket.destroy();
    await expect.poll(() => gone).toBe(1);
    expect(given?.closed).toBe(true);
    expect(given?.write(encode('y'))).toBe(true);
    given?.end();
    given?.destroy();
    let late = 0;
    given?.onGone(() => late++);
    expect([gone, late]).toEqual([1, 1]);
  });

  test('also before the answer began', async () => {
    let gone = 0;
    const port = await serve((sink) => sink.onGone(() => gone++));
    const socket = await openRaw(port, GET);
    await delay(30);
    socket.destroy();
    await expect.poll(() => gone).toBe(1);
  });

  test('an answer that waits in line behind another is told as well', async () => {
    const gone: number[] = [];
    let served = 0;
    const port = await serve((sink) => {
      const number = ++served;
      sink.onGone(() => gone.push(number));
      sink.start(200, []);
      sink.write(encode('x'));
    });
    const socket = await openRaw(port, GET.repeat(15));
    await expect.poll(() => served).toBe(15);
    socket.destroy();
    await expect.poll(() => gone.length).toBe(15);
    expect(gone.sort((a, b) => a - b)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
  });

  test('answers in line come in order and whole', async () => {
    let served = 0;
    const port = await serve((sink) => {
      const number = ++served;
      setTimeout(
        () => {
          sink.start(200, [['content-length', '2']]);
          sink.end(encode(`${number}.`));
        },
        60 - 15 * number,
      );
    });
    const socket = await openRaw(port, GET.repeat(3));
    const seen = gather(socket);
    await expect.poll(() => seen.text.match(/\d\.(?=HTTP|$)/g)).toEqual(['1.', '2.', '3.']);
    socket.destroy();
  });

  test('an end or a cut of our own is no leaving', async () => {
    let gone = 0;
    let which = 0;
    const port = await serve((sink) => {
      sink.onGone(() => gone++);
      sink.start(200, []);
      if (which++ === 0) sink.end(encode('x'));
      else sink.destroy();
    });
    await sendRaw(port, GET);
    await sendRaw(port, GET);
    await delay(30);
    expect([which, gone]).toEqual([2, 0]);
  });
});

test('while draining, connections are given up after the answer', async () => {
  const port = await serve(
    (sink) => {
      sink.start(200, [['content-length', '0']]);
      sink.end();
    },
    { writeTimeoutMs: 1000, draining: () => true },
  );
  expect((await sendRaw(port, GET)).headers.connection).toBe('close');
});
