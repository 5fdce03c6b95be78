/**
 * Hostile answers through the whole relay: bombs and encoding chains cost no memory, and the key comes back in no chunking and no
 * spelling (behaviour spec §5). Memory is that of the program's own process, which holds nothing of the test.
 */
import { readFileSync } from 'node:fs';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postChat, type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { putFile, type ServerProcess, startFolder, startProcess } from '../support/server-process.ts';
import { type Canary, startCanary } from './canary.ts';
import { mintToken } from './mint.ts';
import { spellingsOf, wordOf } from './reading.ts';

const MIB = 2 ** 20;
const now = () => Math.floor(Date.now() / 1000);
let up: Canary;
beforeAll(async () => {
  up = await startCanary();
});
beforeEach(() => up.reset());
afterAll(() => up.close());

const latin = (bytes: Buffer) => bytes.toString('latin1');
const whole = (lines: string[], body: Buffer) =>
  `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${latin(body)}`;
const JSON_TYPE = 'Content-Type: application/json';

/** Resident memory also shows when the collector last ran: a bound may be missed once, never again and again. */
describe('A57 memory of the program before', { retry: 2 }, () => {
  let server: ServerProcess;
  let relay: string;
  let fixture: RelayFixture;
  beforeAll(async () => {
    fixture = await startRelay();
    await fixture.close();
    const folder = startFolder();
    putFile(folder, 'relay.rai', fixture.files.relay);
    putFile(folder, 'config.json', {
      server: { port: 0 },
      admin: { enabled: false },
      providers: { up: { base_url: `${up.origin}/v1` } },
      upstream: { allow_private: [`127.0.0.1:${up.port}`] },
    });
    server = startProcess(folder, ['-rai', 'relay.rai', '-config', 'config.json']);
    relay = (await server.printed(/listening on (http:\S+)/))[1] ?? '';
    // what a process grows by in its first calls is no fault of a bomb
    up.say(whole([JSON_TYPE], Buffer.from('{}')));
    for (let i = 0; i < 50; i += 1) await ask();
  });
  afterAll(() => server.stop());

  const residentBytes = () =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]) * 1024;

  async function ask(claims: object = {}): Promise<{ word: string; bytes: number; whole: boolean }> {
    const token = mintToken(fixture.files.issuer, now(), {
      upstream: { provider: 'up', key: UPSTREAM_KEY },
      limits: {},
      ...claims,
    });
    const response = await postChat(new URL(token, relay).href);
    let bytes = 0;
    let text = '';
    try {
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length;
        if (text.length < 4096) text += Buffer.from(chunk).toString();
      }
    } catch {
      return { word: wordOf(response.status, text), bytes, whole: false };
    }
    return { word: wordOf(response.status, text), bytes, whole: true };
  }

  const zeros = Buffer.alloc(256 * MIB);
  const gzip = gzipSync(zeros);
  const twice = gzipSync(gzip);
  const BOMBS: [what: string, lines: string[], body: Buffer][] = [
    ['gzip of 256 MiB', ['Content-Encoding: gzip'], gzip],
    ['x-gzip', ['Content-Encoding: x-gzip'], gzip],
    ['capitals', ['Content-Encoding: GZIP'], gzip],
    ['deflate', ['Content-Encoding: deflate'], deflateSync(zeros)],
    [
      'brotli',
      ['Content-Encoding: br'],
      brotliCompressSync(zeros.subarray(0, 64 * MIB), { params: { 1: 5 } }),
    ],
    ['zstd', ['Content-Encoding: zstd'], zstdCompressSync(zeros)],
    ['gzip within gzip', ['Content-Encoding: gzip, gzip'], twice],
    ['gzip within gzip in two lines', ['Content-Encoding: gzip', 'Content-Encoding: gzip'], twice],
    ['a chain of forty', [`Content-Encoding: ${Array(40).fill('gzip').join(', ')}`], twice],
    ['identity before gzip', ['Content-Encoding: identity, gzip'], gzip],
    ['an unknown coding', ['Content-Encoding: aes128gcm'], gzip],
    ['compress', ['Content-Encoding: compress'], gzip],
  ];

  it.each(BOMBS)('%s: upstream_encoding, under 64 MiB more', async (_what, lines, body) => {
    up.say(whole([JSON_TYPE, ...lines], body));
    const before = residentBytes();
    for (let i = 0; i < 8; i += 1) expect((await ask()).word).toBe('502 upstream_encoding');
    expect(residentBytes() - before).toBeLessThan(64 * MIB);
  });

  it('an error with a bomb for a body: the same', async () => {
    up.say(whole([JSON_TYPE, 'Content-Encoding: gzip'], gzip).replace('200 OK', '500 No'));
    const before = residentBytes();
    for (let i = 0; i < 8; i += 1) expect((await ask()).word).toMatch(/^50[02] upstream_encoding$/);
    expect(residentBytes() - before).toBeLessThan(64 * MIB);
  });

  it('an error without end is given up, not collected', async () => {
    up.say((socket) => {
      socket.write(`HTTP/1.1 500 No\r\n${JSON_TYPE}\r\n\r\n`);
      const piece = Buffer.alloc(65_536, 120);
      const push = () => {
        while (!socket.destroyed) if (!socket.write(piece)) return void socket.once('drain', push);
      };
      push();
    });
    const before = residentBytes();
    for (let i = 0; i < 4; i += 1) expect((await ask()).word).toMatch(/^50[02] upstream_invalid$/);
    expect(residentBytes() - before).toBeLessThan(64 * MIB);
  });

  it('an answer of 256 MiB passes, unkept', async () => {
    up.say((socket) => {
      const piece = Buffer.alloc(65_536, 120);
      let left = 256 * MIB;
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${left}\r\n\r\n`,
      );
      const push = () => {
        while (left > 0 && !socket.destroyed) {
          left -= piece.length;
          if (!socket.write(piece)) return void socket.once('drain', push);
        }
      };
      push();
    });
    // The first one lets the heap grow to its working size; what was kept would show in the second.
    expect(await ask()).toMatchObject({ bytes: 256 * MIB, whole: true });
    const before = residentBytes();
    expect(await ask()).toMatchObject({ bytes: 256 * MIB, whole: true });
    expect(residentBytes() - before).toBeLessThan(64 * MIB);
  }, 120_000);

  it('chunk extensions of a megabyte are passed over, unkept', async () => {
    const padded = `2;${'a'.repeat(MIB)}\r\n{}\r\n`;
    up.say(`HTTP/1.1 200 OK\r\n${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n${padded}0\r\n\r\n`);
    const before = residentBytes();
    for (let i = 0; i < 8; i += 1) {
      // the body, or a refusal: never the extension
      expect((await ask()).bytes).toBeLessThan(1000);
    }
    expect(residentBytes() - before).toBeLessThan(64 * MIB);
  });

  it.each<[what: string, answer: string]>([
    ['a head of a megabyte', `HTTP/1.1 200 OK\r\n${JSON_TYPE}\r\nX-A: ${'a'.repeat(MIB)}\r\n\r\n`],
    ['twenty thousand header lines', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(20_000)}\r\n`],
    ['interim answers without end', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(2000)],
    [
      'a chunk that claims all memory',
      `HTTP/1.1 200 OK\r\n${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\n`,
    ],
  ])('%s: an end, under 64 MiB more', async (_what, answer) => {
    up.say((socket) => {
      socket.write(answer, 'latin1');
      setTimeout(() => socket.destroy(), 500);
    });
    const before = residentBytes();
    for (let i = 0; i < 4; i += 1) {
      const { word, whole: ended } = await ask();
      expect([word, ended]).not.toEqual(['200 -', true]);
    }
    expect(residentBytes() - before).toBeLessThan(64 * MIB);
  });
});

describe('A26 an upstream at a host of its own that sends the key back', () => {
  let relay: RelayFixture;
  const KEY = `${UPSTREAM_KEY}+/=%`;
  beforeAll(async () => {
    relay = await startRelay({
      config: {
        providers: { up: { base_url: `${up.origin}/v1` } },
        upstream: { allow_private: [`127.0.0.1:${up.port}`] },
      },
    });
  });
  afterAll(() => relay.close());

  const FORMS = Object.entries(spellingsOf(KEY));
  const PLACES: [name: string, type: string, status: number, before: string, after: string][] = [
    ['a JSON answer', 'application/json', 200, '{"a":"', '"}'],
    ['an event stream', 'text/event-stream', 200, 'data: first\n\ndata: {"x":"', '"}\n\ndata: [DONE]\n\n'],
    ['audio', 'audio/mpeg', 200, '\x00\xff\xfb', '\x00\x01'],
    ['an error', 'application/json', 400, '{"error":{"message":"', '"}}'],
    ['a server error', 'application/json', 503, '{"error":{"message":"', '"}}'],
  ];

  it.each(PLACES)(
    'in %s: no caller sees it, in any spelling and any chunks',
    async (_name, type, status, before, after) => {
      const seen: string[] = [];
      for (const [form, text] of FORMS) {
        for (const size of [1, 3, 7, 64, 100_000]) {
          const body = before + text + after;
          up.say((socket) => {
            socket.write(
              `HTTP/1.1 ${status} X\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`,
            );
            for (let at = 0; at < body.length; at += size) {
              const piece = body.slice(at, at + size);
              socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`, 'latin1');
            }
            socket.write('0\r\n\r\n');
          });
          const response = await postChat(relay.url({ provider: 'up', apiKey: KEY, maxCalls: null }));
          let got = JSON.stringify([...response.headers]);
          try {
            for await (const chunk of response.body ?? []) got += Buffer.from(chunk).toString('latin1');
          } catch {
            // a cut stream is what should happen
          }
          if (FORMS.some(([, spelled]) => got.includes(spelled))) seen.push(`${form} in pieces of ${size}`);
        }
      }
      expect(seen).toEqual([]);
    },
  );

  it('what is not the key passes whole: the search is not blind', async () => {
    const body = `{"a":"${KEY.slice(0, -1)}","b":"${KEY.slice(1, 9)}"}`;
    up.say(whole([JSON_TYPE], Buffer.from(body, 'latin1')));
    const response = await postChat(relay.url({ provider: 'up', apiKey: KEY }));
    expect(Buffer.from(await response.arrayBuffer()).toString('latin1')).toBe(body);
  });

  it.each(FORMS)('in a header that may pass, as %s: the caller does not see it', async (_form, text) => {
    up.say(
      whole(
        [JSON_TYPE, `Content-Disposition: attachment; filename="${text}"`, `X-Request-Id: ${text}`],
        Buffer.from('{}'),
      ),
    );
    const response = await postChat(relay.url({ provider: 'up', apiKey: KEY, maxCalls: null }));
    const lines = JSON.stringify([...response.headers]) + (await response.text());
    for (const [, spelled] of FORMS) expect(lines).not.toContain(spelled);
  });
});
