// house: real time, since real sockets and the memory of a real process are judged here.
/**
 * A57: answers made to fill memory, before the real program: bombs, chains of encodings, heads, chunks and lines without end.
 * Memory is that of the program's own process, which holds nothing of the test.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Canary, startCanary } from '../hostile/canary.ts';
import { wordOf } from '../hostile/reading.ts';
import { type Asked, ask, chatRequest } from './asking.ts';
import { MIB, type Station, startStation } from './station.ts';

let up: Canary;
beforeAll(async () => {
  up = await startCanary();
});
afterAll(() => up.close());

const JSON_TYPE = 'Content-Type: application/json';
const whole = (lines: readonly string[], body: Buffer) =>
  `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body.toString('latin1')}`;
const shown = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;

/** Writes `piece` again and again behind `head`, as fast as it is taken; `total` bytes, or without end. */
function pour(socket: Socket, head: string, piece: Buffer, total = Number.POSITIVE_INFINITY): void {
  let left = total;
  socket.write(head, 'latin1');
  const push = () => {
    while (left > 0 && !socket.destroyed) {
      const part = piece.length <= left ? piece : piece.subarray(0, left);
      left -= part.length;
      if (!socket.write(part)) return void socket.once('drain', push);
    }
  };
  push();
}

const start = () =>
  startStation({
    upstream: up.origin,
    config: { upstream: { allow_private: [`127.0.0.1:${up.port}`], idle_timeout: 2, headers_timeout: 2 } },
  });

/** What every process grows by in its first calls, whatever the answer. */
async function warm(station: Station): Promise<void> {
  up.say(whole([JSON_TYPE], Buffer.from('{}')));
  for (let i = 0; i < 50; i += 1) await ask(station.port, chatRequest(station.target()));
}

describe('A57 memory of the program before', () => {
  let station: Station;
  beforeAll(async () => {
    station = await start();
    await warm(station);
  });
  beforeEach(() => up.reset());
  afterAll(() => station.stop());

  const call = async (): Promise<Asked & { word: string }> => {
    const answer = await ask(station.port, chatRequest(station.target()));
    return { ...answer, word: wordOf(answer.status, answer.body) };
  };

  const zeros = Buffer.alloc(256 * MIB);
  const gzip = gzipSync(zeros);
  const brotli = brotliCompressSync(zeros.subarray(0, 64 * MIB), { params: { 1: 5 } });
  const twice = gzipSync(gzip);
  const BOMBS: [what: string, codings: string[], body: Buffer][] = [
    ['gzip of 256 MiB', ['gzip'], gzip],
    ['x-gzip', ['x-gzip'], gzip],
    ['capitals', ['GZIP'], gzip],
    ['mixed case', ['gZiP'], gzip],
    ['deflate', ['deflate'], deflateSync(zeros)],
    ['raw deflate', ['deflate'], deflateRawSync(zeros)],
    ['brotli', ['br'], brotli],
    ['brotli in capitals', ['BR'], brotli],
    ['zstd', ['zstd'], zstdCompressSync(zeros)],
    ['gzip within gzip', ['gzip, gzip'], twice],
    ['gzip within gzip in two lines', ['gzip', 'gzip'], twice],
    ['gzip within brotli', ['gzip, br'], brotliCompressSync(gzip)],
    ['a chain of forty', [Array(40).fill('gzip').join(', ')], twice],
    ['a chain of forty kinds in turn', [Array(20).fill('gzip, br').join(',')], twice],
    ['a chain of lines', Array(30).fill('gzip'), twice],
    ['identity before gzip', ['identity, gzip'], gzip],
    ['gzip before identity', ['gzip, identity'], gzip],
    ['identity and gzip in two lines', ['identity', 'gzip'], gzip],
    ['an empty member before gzip', [', gzip'], gzip],
    ['a parameter', ['gzip;q=1'], gzip],
    ['quotes', ['"gzip"'], gzip],
    ['a tab before it', ['\tgzip'], gzip],
    ['an unknown coding', ['aes128gcm'], gzip],
    ['compress', ['compress'], gzip],
    ['a dictionary', ['dcb'], brotli],
  ];

  it.each(BOMBS)('%s: upstream_encoding, under 64 MiB more', async (_what, codings, body) => {
    up.say(whole([JSON_TYPE, ...codings.map((coding) => `Content-Encoding: ${coding}`)], body));
    const before = station.residentBytes();
    for (let i = 0; i < 8; i += 1) expect((await call()).word).toBe('502 upstream_encoding');
    expect(station.residentBytes() - before).toBeLessThan(64 * MIB);
  });

  it('a body that is gzip and says identity: passed as the bytes it is, not inflated', async () => {
    up.say(whole([JSON_TYPE, 'Content-Encoding: identity'], gzip));
    const before = station.residentBytes();
    for (let i = 0; i < 8; i += 1) {
      const { status, complete, body } = await call();
      expect([status, complete, body.length]).toEqual([200, true, gzip.length]);
    }
    expect(station.residentBytes() - before).toBeLessThan(64 * MIB);
  });

  it('a transfer coding of gzip: refused or passed as it is, not inflated', async () => {
    up.say((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${JSON_TYPE}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n`);
      socket.write(`${gzip.length.toString(16)}\r\n`);
      socket.write(gzip);
      socket.end('\r\n0\r\n\r\n');
    });
    const before = station.residentBytes();
    for (let i = 0; i < 8; i += 1) expect((await call()).body.length).toBeLessThanOrEqual(gzip.length);
    expect(station.residentBytes() - before).toBeLessThan(64 * MIB);
  });

  it('an error with a bomb for a body: the same', async () => {
    up.say(whole([JSON_TYPE, 'Content-Encoding: gzip'], gzip).replace('200 OK', '500 No'));
    const before = station.residentBytes();
    for (let i = 0; i < 8; i += 1) expect((await call()).word).toMatch(/^50[02] upstream_encoding$/);
    expect(station.residentBytes() - before).toBeLessThan(64 * MIB);
  });

  it('an error without end is given up, not collected', async () => {
    const piece = Buffer.alloc(65_536, 120);
    up.say((socket) => pour(socket, `HTTP/1.1 500 No\r\n${JSON_TYPE}\r\n\r\n`, piece));
    const before = station.residentBytes();
    for (let i = 0; i < 4; i += 1) expect((await call()).word).toMatch(/^50[02] upstream_invalid$/);
    expect(station.residentBytes() - before).toBeLessThan(64 * MIB);
  });

  it('chunk extensions of a megabyte are passed over, unkept', async () => {
    const padded = `2;${'a'.repeat(MIB)}\r\n{}\r\n`;
    up.say(`HTTP/1.1 200 OK\r\n${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n${padded}0\r\n\r\n`);
    const before = station.residentBytes();
    // the body, or a refusal: never the extension
    for (let i = 0; i < 8; i += 1) expect((await call()).body.length).toBeLessThan(1000);
    expect(station.residentBytes() - before).toBeLessThan(64 * MIB);
  });

  const HEAD = `HTTP/1.1 200 OK\r\n${JSON_TYPE}\r\n`;
  it.each<[what: string, head: string, piece: string]>([
    ['a header line without end', 'HTTP/1.1 200 OK\r\nX-A: ', 'a'.repeat(16_384)],
    ['header lines without end', 'HTTP/1.1 200 OK\r\n', 'X-A: b\r\n'.repeat(2000)],
    ['a reason phrase without end', 'HTTP/1.1 200 ', 'a'.repeat(16_384)],
    ['interim answers without end', '', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(400)],
    ['one interim answer without end', 'HTTP/1.1 103 Early Hints\r\nLink: ', 'a'.repeat(16_384)],
    [
      'a chunk that claims all memory',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\n`,
      'a'.repeat(16_384),
    ],
    ['a chunk size of endless zeros', `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, '0'.repeat(16_384)],
    [
      'trailers without end',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n`,
      'X-A: b\r\n'.repeat(2000),
    ],
    [
      'one trailer without end',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-A: `,
      'a'.repeat(16_384),
    ],
  ])('%s: an end, under 64 MiB more', async (_what, head, piece) => {
    up.say((socket) => pour(socket, head, Buffer.from(piece, 'latin1'), 16 * MIB));
    const before = station.residentBytes();
    for (let i = 0; i < 2; i += 1) {
      const { word, complete } = await call();
      expect([word, complete]).not.toEqual(['200 -', true]);
    }
    expect(station.residentBytes() - before).toBeLessThan(64 * MIB);
  });
});

/** A caller that opens a call and takes what comes only when told to. */
async function openSlow(
  station: Station,
): Promise<{ socket: Socket; read: (bytes: number) => Promise<void> }> {
  const socket = connect({ port: station.port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(chatRequest(station.target()));
  const read = (bytes: number) =>
    new Promise<void>((resolve) => {
      let left = bytes;
      const take = (chunk: Buffer) => {
        left -= chunk.length;
        if (left <= 0) stop();
      };
      const stop = () => {
        socket.off('data', take).off('close', stop).pause();
        resolve();
      };
      socket.on('data', take).on('close', stop).resume();
    });
  return { socket, read };
}

// resident memory is taken at its peak: a spike that was let go again counts
describe('A57 a cold process before an answer too long to be kept', () => {
  const PIECE = Buffer.from('x'.repeat(65_536));
  const LINE = 'data: '.padEnd(65_536, 'x');
  const octets = (bytes: number) =>
    `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${bytes}\r\n\r\n`;
  const open = (type: string) => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n\r\n`;

  async function judge(action: (station: Station) => Promise<void>): Promise<void> {
    const station = await start();
    try {
      await warm(station);
      const keptBytes = async () => {
        const { heapBytes, externalBytes } = await station.held('collect');
        return heapBytes + externalBytes;
      };
      const before = await keptBytes();
      const residentBefore = station.residentBytes();
      await action(station);
      const kept = (await keptBytes()) - before;
      const resident = station.peakBytes() - residentBefore;
      console.log(`figures of A57: kept ${shown(kept)} more, resident at its peak ${shown(resident)} more`);
      expect(kept).toBeLessThan(64 * MIB);
      expect(resident).toBeLessThan(64 * MIB);
    } finally {
      await station.stop();
      up.hangUp();
    }
  }

  it('of 256 MiB, read as fast as it comes: all passes, nothing is kept', async () => {
    const mib = 256;
    await judge(async (station) => {
      up.say((socket) => pour(socket, octets(mib * MIB), PIECE, mib * MIB));
      const { socket, read } = await openSlow(station);
      await read(mib * MIB);
      socket.destroy();
    });
  });

  it.each<[what: string, head: string, piece: Buffer, bytes: number]>([
    ['octets', open('application/octet-stream'), PIECE, MIB],
    ['a JSON text', open('application/json'), Buffer.from('{"a":"'.padEnd(65_536, 'x')), MIB],
    ['one line of an event stream', open('text/event-stream'), Buffer.from(LINE), MIB],
    ['events', open('text/event-stream'), Buffer.from('data: {"a":1}\n\n'.repeat(4000)), MIB],
    ['empty events', open('text/event-stream'), Buffer.from('\n'.repeat(65_536)), MIB],
    ['one line of NDJSON', open('application/x-ndjson'), PIECE, MIB],
    [
      'chunks of one byte',
      'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
      Buffer.from('1\r\nx\r\n'.repeat(10_000)),
      65_536,
    ],
  ])(
    'of %s without end, sixteen readers that stall and go: nothing is kept',
    async (_what, head, piece, bytes) => {
      await judge(async (station) => {
        up.say((socket) => pour(socket, head, piece));
        const callers = await Promise.all(Array.from({ length: 16 }, () => openSlow(station)));
        await Promise.all(callers.map(({ read }) => read(bytes)));
        // stalled: what the upstream goes on sending must wait with the upstream
        await new Promise((resolve) => setTimeout(resolve, 1000));
        await Promise.all(callers.map(({ read }) => read(bytes)));
        for (const { socket } of callers) socket.destroy();
        await expect.poll(() => station.liveCalls()).toBe(0);
      });
    },
  );
});
