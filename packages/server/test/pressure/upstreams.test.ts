// house: real time, since real sockets stall, trickle and break here.
/**
 * Upstreams that stall, trickle, lie and break, before the real program: a documented code or an honest cut, in bounded time, and
 * afterwards nothing is held: no socket, no timer, no lease, no reservation (behaviour spec §2, §5, §6).
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wordOf } from '../hostile/reading.ts';
import { type Asked, ask, chatRequest } from './asking.ts';
import { type Station, startStation } from './station.ts';

/** All patience of the program, in seconds; short, because each silence below lasts that long. */
const PATIENCE = 1;
/** No case may take longer, in milliseconds: the 5 s within which an error body must have come, and much room for a loaded machine. */
const BOUND_MS = 20_000;

type Saying = (socket: Socket) => void;
let saying: Saying = () => {};
const open = new Set<Socket>();
let upstream: Server;
let station: Station;

const JSON_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const FINE = `${JSON_HEAD}Content-Length: 2\r\n\r\n{}`;

beforeAll(async () => {
  upstream = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    socket.once('data', () => saying(socket));
    socket.resume();
  });
  await once(upstream.listen(0, '127.0.0.1'), 'listening');
  const { port } = upstream.address() as AddressInfo;
  station = await startStation({
    upstream: `http://127.0.0.1:${port}`,
    counted: true,
    config: {
      providers: { secure: { base_url: `https://127.0.0.1:${port}/v1`, like: 'openai' } },
      server: {
        read_timeout: PATIENCE,
        body_idle_timeout: PATIENCE,
        write_timeout: PATIENCE,
        max_body_bytes: 1_000_000,
      },
      upstream: {
        allow_private: [`127.0.0.1:${port}`],
        connect_timeout: PATIENCE,
        headers_timeout: PATIENCE,
        idle_timeout: PATIENCE,
      },
    },
  });
  await fine(station.target());
  await station.rest();
});
afterAll(async () => {
  await station.stop();
  for (const socket of open) socket.destroy();
  upstream.close();
});

/** A call that an honest upstream answers. */
async function fine(target: string): Promise<Asked> {
  saying = (socket) => void socket.end(FINE);
  const answer = await ask(station.port, chatRequest(target));
  expect(answer).toMatchObject({ status: 200, complete: true });
  return answer;
}

const say =
  (...pieces: string[]): Saying =>
  (socket) => {
    for (const piece of pieces) socket.write(piece, 'latin1');
  };
const thenEnd =
  (...pieces: string[]): Saying =>
  (socket) => {
    say(...pieces)(socket);
    socket.end();
  };
/** Long enough for the bytes to be read before the reset throws away what was not. */
const thenReset =
  (...pieces: string[]): Saying =>
  (socket) => {
    say(...pieces)(socket);
    setTimeout(() => socket.resetAndDestroy(), pieces.length === 0 ? 0 : 100);
  };
/** The same piece again and again, as fast as it is taken. */
const endless =
  (head: string, piece: string): Saying =>
  (socket) => {
    socket.write(head, 'latin1');
    const block = Buffer.from(piece.repeat(Math.ceil(16_384 / piece.length)), 'latin1');
    const push = () => {
      while (!socket.destroyed) if (!socket.write(block)) return void socket.once('drain', push);
    };
    push();
  };
/** A piece every 100 ms: never silent for long, never done. */
const trickle =
  (head: string, piece: string): Saying =>
  (socket) => {
    socket.write(head, 'latin1');
    const timer = setInterval(() => socket.write(piece, 'latin1'), 100);
    socket.on('close', () => clearInterval(timer));
  };

const CHUNKED = `${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n`;
const STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n';
const CHUNKED_STREAM = `${STREAM}Transfer-Encoding: chunked\r\n\r\n`;
const EVENT = 'data: {"a":1}\n\n';
const EVENT_CHUNK = `${EVENT.length.toString(16)}\r\n${EVENT}\r\n`;

/** What the caller must see before any byte of an answer has passed: status and code. */
const REFUSED: [what: string, saying: Saying, word: string][] = [
  ['silence before the head', () => {}, '504 upstream_timeout'],
  ['silence within the status line', say('HTTP/1.1 2'), '504 upstream_timeout'],
  ['silence within the head', say('HTTP/1.1 200 OK\r\nContent-Ty'), '504 upstream_timeout'],
  ['an interim answer, then silence', say('HTTP/1.1 102 Processing\r\n\r\n'), '504 upstream_timeout'],
  ['a head that trickles', trickle('HTTP/1.1 200 OK\r\n', 'X-A: b\r\n'), '504 upstream_timeout'],
  ['a close before the head', thenEnd(), '502 upstream_unreachable'],
  ['a reset before the head', thenReset(), '502 upstream_unreachable'],
  ['a close within the head', thenEnd('HTTP/1.1 200 OK\r\nContent-Type: a'), '502 upstream_unreachable'],
  ['a reset within the head', thenReset('HTTP/1.1 200 OK\r\nContent-Type: a'), '502 upstream_unreachable'],
  ['a garbage status line', say('GARBAGE\r\n\r\n'), '502 upstream_invalid'],
  ['a status line of zeros', say('\0'.repeat(64)), '502 upstream_invalid'],
  ['a status of two digits', say('HTTP/1.1 20 OK\r\n\r\n'), '502 upstream_invalid'],
  ['a status that is no number', say('HTTP/1.1 abc OK\r\n\r\n'), '502 upstream_invalid'],
  ['HTTP/0.9', thenEnd('<html>hello</html>'), '502 upstream_invalid'],
  ['HTTP/2 without being asked', say('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), '502 upstream_invalid'],
  ['HTTP/2 settings', say('\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64'), '502 upstream_invalid'],
  ['a TLS alert', thenEnd('\x15\x03\x01\0\x02\x02\x46'), '502 upstream_invalid'],
  [
    '101',
    say('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    '502 upstream_invalid',
  ],
  ['a negative length', say(`${JSON_HEAD}Content-Length: -2\r\n\r\n{}`), '502 upstream_invalid'],
  ['a length that is no number', say(`${JSON_HEAD}Content-Length: 2x\r\n\r\n{}`), '502 upstream_invalid'],
  [
    'a length beyond numbers',
    say(`${JSON_HEAD}Content-Length: ${'9'.repeat(30)}\r\n\r\n{}`),
    '502 upstream_invalid',
  ],
  [
    'two lengths',
    say(`${JSON_HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`),
    '502 upstream_invalid',
  ],
  [
    'a length and chunks',
    say(`${JSON_HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`),
    '502 upstream_invalid',
  ],
  [
    'interim answers without end',
    endless('', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'),
    '502 upstream_invalid',
  ],
  ['a head without end', endless('HTTP/1.1 200 OK\r\n', 'X-A: b\r\n'), '502 upstream_invalid'],
  ['a header line without end', endless('HTTP/1.1 200 OK\r\nX-A: ', 'a'), '502 upstream_invalid'],
  [
    'an error without end',
    endless(`HTTP/1.1 500 No\r\nContent-Type: application/json\r\n\r\n`, 'a'),
    '500 upstream_invalid',
  ],
  [
    'an error that stalls',
    say(`HTTP/1.1 500 No\r\nContent-Type: application/json\r\n\r\n{`),
    '504 upstream_timeout',
  ],
];

/** A 5xx of the upstream is given back; whatever else was sent and lost counts once (behaviour spec §2). */
const NOT_COUNTED = new Set(['an error without end', 'an error that stalls']);

/** A head has passed: from here on the caller can only be shown that the answer broke. */
const CUT: [what: string, saying: Saying][] = [
  ['silence within a JSON body', say(`${JSON_HEAD}Content-Length: 9\r\n\r\n{`)],
  ['silence within an event stream', say(CHUNKED_STREAM, EVENT_CHUNK)],
  ['silence within a chunk size', say(CHUNKED_STREAM, EVENT_CHUNK, '1')],
  ['silence before the last chunk’s end', say(CHUNKED_STREAM, EVENT_CHUNK, '0\r\n')],
  ['a length above the bytes sent', thenEnd(`${JSON_HEAD}Content-Length: 900\r\n\r\n{}`)],
  ['a close between two chunks', thenEnd(CHUNKED, '2\r\n{}\r\n')],
  ['a close within a chunk', thenEnd(CHUNKED, 'ff\r\n{}')],
  ['a close within an event', thenEnd(CHUNKED_STREAM, '6\r\ndata: \r\n')],
  ['a reset after the head', thenReset(CHUNKED)],
  ['a reset within a chunk', thenReset(CHUNKED, 'ff\r\n{}')],
  ['a reset within an event stream', thenReset(CHUNKED_STREAM, EVENT_CHUNK)],
  ['a chunk size that is no number', say(CHUNKED, '2\r\n{}\r\n', 'zz\r\n')],
  ['a negative chunk size', say(CHUNKED, '2\r\n{}\r\n', '-2\r\n{}\r\n')],
  ['a chunk longer than it says', say(CHUNKED, '2\r\n{}{}\r\n')],
  ['a chunk size beyond numbers', say(CHUNKED, '2\r\n{}\r\n', `${'f'.repeat(17)}\r\n`)],
  ['chunk extensions without end', endless(`${CHUNKED}2\r\n{}\r\n2;`, 'a')],
  ['trailers without end', endless(`${CHUNKED}2\r\n{}\r\n0\r\n`, 'X-A: b\r\n')],
];

describe('an upstream that breaks', () => {
  /** Runs a case under a token of its own with one place, and sees that the place is free and the call was counted once. */
  async function run(behaviour: Saying): Promise<{ answer: Asked; spent: number }> {
    const target = station.target({ maxCalls: 10, maxConcurrency: 1 });
    saying = behaviour;
    const answer = await ask(station.port, chatRequest(target));
    for (const socket of open) socket.destroy();
    await expect.poll(() => station.excess(), { timeout: BOUND_MS }).toEqual({});
    const after = await fine(target);
    await expect.poll(() => station.excess(), { timeout: BOUND_MS }).toEqual({});
    return { answer, spent: 9 - Number(after.headers['relay-calls-remaining']) };
  }

  it.each(REFUSED)('%s: a documented code, nothing held', async (what, behaviour, word) => {
    const { answer, spent } = await run(behaviour);
    expect(wordOf(answer.status, answer.body)).toBe(word);
    expect(answer.complete).toBe(true);
    expect(answer.ms).toBeLessThan(BOUND_MS);
    expect(spent).toBe(NOT_COUNTED.has(what) ? 0 : 1);
  });

  it.each(CUT)('%s: never a clean end, nothing held', async (_what, behaviour) => {
    const { answer, spent } = await run(behaviour);
    expect([answer.status, answer.complete]).toEqual([200, false]);
    expect(answer.body).not.toContain('[DONE]');
    expect(answer.ms).toBeLessThan(BOUND_MS);
    expect(spent).toBe(1);
  });

  it('more bytes than it promised: what was promised passes, the rest reaches nobody', async () => {
    const { answer } = await run(say(`${JSON_HEAD}Content-Length: 2\r\n\r\n{}`, FINE, 'more'));
    expect(answer).toMatchObject({ status: 200, complete: true, body: '{}' });
  });

  it('trickles: one byte at a time passes and is not cut while it moves', async () => {
    let left = 15;
    const { answer } = await run((socket) => {
      socket.write(`${JSON_HEAD}Content-Length: ${left}\r\n\r\n`);
      const timer = setInterval(() => {
        socket.write('x');
        left -= 1;
        if (left === 0 || socket.destroyed) clearInterval(timer);
      }, 100);
    });
    expect(answer).toMatchObject({ status: 200, complete: true, body: 'x'.repeat(15) });
    expect(answer.ms).toBeGreaterThan(PATIENCE * 1000);
  });

  it.each<[what: string, saying: Saying]>([
    ['plain text', (socket) => void socket.end(FINE)],
    ['an alert', (socket) => void socket.end('\x15\x03\x01\0\x02\x02\x28', 'latin1')],
    ['nothing', () => {}],
    ['a close', (socket) => void socket.end()],
    ['a reset', (socket) => void socket.resetAndDestroy()],
    ['noise without end', endless('\x16\x03\x03', '\x3f\xff')],
  ])(
    '%s where TLS is expected: upstream_unreachable, not counted, nothing held',
    async (_what, behaviour) => {
      const target = station.target({ provider: 'secure', maxCalls: 10, maxConcurrency: 1 });
      saying = behaviour;
      for (let left = 9; left > 6; left -= 1) {
        const answer = await ask(station.port, chatRequest(target));
        expect(wordOf(answer.status, answer.body)).toBe('502 upstream_unreachable');
        expect(answer.headers['relay-calls-remaining'] ?? '10').toBe('10');
      }
      await expect.poll(() => station.excess(), { timeout: BOUND_MS }).toEqual({});
    },
  );
});

describe('an upstream that does not wait for the body', () => {
  const BODY_BYTES = 900_000;
  /** Sends a head and pieces of a body every few milliseconds until it is whole or nobody listens. */
  async function upload(behaviour: Saying): Promise<Asked> {
    const target = station.target({ maxCalls: 10, maxConcurrency: 1 });
    saying = behaviour;
    const head =
      `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`;
    const answer = await ask(station.port, head, (socket) => {
      const piece = Buffer.alloc(BODY_BYTES / 100, 'x');
      let left = 100;
      const timer = setInterval(() => {
        if (left > 0 && !socket.destroyed) socket.write(piece);
        left -= 1;
        if (left <= 0) clearInterval(timer);
      }, 5);
    });
    for (const socket of open) socket.destroy();
    await expect.poll(() => station.excess(), { timeout: BOUND_MS }).toEqual({});
    expect(Number((await fine(target)).headers['relay-calls-remaining'])).toBe(8);
    return answer;
  }

  it('answers at once and closes: the answer passes', async () => {
    expect(await upload(thenEnd(FINE))).toMatchObject({ status: 200, body: '{}' });
  });

  it('answers at once and reads no more: the answer passes', async () => {
    const answer = await upload((socket) => {
      socket.pause();
      socket.write(FINE);
    });
    expect(answer).toMatchObject({ status: 200, body: '{}' });
  });

  it.each<[what: string, saying: Saying, word: string]>([
    ['closes', thenEnd(), '502 upstream_unreachable'],
    ['resets', thenReset(), '502 upstream_unreachable'],
    ['stops reading and says nothing', (socket) => void socket.pause(), '504 upstream_timeout'],
    ['answers with noise', say('\0\0\0'), '502 upstream_invalid'],
  ])('%s: a documented code', async (_what, behaviour, word) => {
    const answer = await upload(behaviour);
    expect(wordOf(answer.status, answer.body)).toBe(word);
  });
});
