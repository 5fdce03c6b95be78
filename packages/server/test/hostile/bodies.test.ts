/**
 * Bodies through the whole relay, as the upstream gets them: byte for byte where nothing is rewritten, with exactly the named
 * members changed by `set` and `cap`, and never beyond the limit (behaviour spec §6).
 */
import { createHash, randomBytes } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import type { GenerateOptions } from 'relayapi-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { bytesOf, type CorpusBytes, readCorpus, rowsOf } from './body-corpus.ts';
import { readByAll } from './json-readers.ts';
import { wordOf } from './reading.ts';

interface Answered {
  readonly status: number;
  readonly body: string;
}

/** Sends pieces as chunks, or whole with a length. Resolves with the answer, or with status 0 when the connection broke first. */
function send(
  url: string,
  rest: string,
  pieces: readonly Buffer[],
  chunked: boolean,
  type = 'application/json',
  pauseMs = 0,
): Promise<Answered> {
  return new Promise((resolve) => {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const headers = { 'content-type': type, ...(!chunked && { 'content-length': length }) };
    const req = request(`${url}${rest}`, { method: 'POST', headers, agent: false });
    req.setMaxListeners(0);
    let answered = false;
    req.on('response', (res: IncomingMessage) => {
      answered = true;
      let body = '';
      res.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      res.on('close', () => resolve({ status: res.statusCode ?? 0, body }));
      res.on('error', () => {});
    });
    req.on('error', () => {
      if (!answered) resolve({ status: 0, body: '' });
    });
    void (async () => {
      for (const piece of pieces) {
        if (answered || req.destroyed) break;
        if (!req.write(piece))
          await new Promise((drained) => req.once('drain', drained).once('close', drained));
        if (pauseMs > 0) await new Promise((later) => setTimeout(later, pauseMs));
      }
      req.end();
    })();
  });
}

const chop = (body: Buffer, size: number) =>
  Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.subarray(i * size, (i + 1) * size));
const sha = (body: Buffer) => createHash('sha256').update(body).digest('hex');

describe.each(RELAY_PATHS)('on the %s path', (path) => {
  let relay: RelayFixture;
  beforeAll(async () => {
    relay = await startRelay({ path, config: { server: { max_body_bytes: 1_000_000 } } });
  });
  beforeEach(() => relay.demo.reset());
  afterAll(() => relay.close());

  const CHAT = '/v1/chat/completions';
  const json = (text: string) => Buffer.from(text);

  it.each<[what: string, body: Buffer, rest: string, type: string]>([
    [
      'odd blanks and escapes',
      json(
        '{ "model" : "demo-chat",\t"messages":[{"role":"user","content":"\\u00e4 \\ud83d\\ude00 ü"}],\r\n"x":1.0e+2 }',
      ),
      CHAT,
      'application/json',
    ],
    [
      'numbers beyond a double',
      json(
        '{"model":"demo-chat","messages":[],"seed":12345678901234567890123,"t":0.1000000000000000055511151231257827,"z":-0,"e":1E400}',
      ),
      CHAT,
      'application/json',
    ],
    [
      'members twice',
      json('{"model":"demo-chat","messages":[],"model":"demo-chat"}'),
      CHAT,
      'application/json',
    ],
    [
      'a lone surrogate',
      json('{"model":"demo-chat","messages":[{"role":"user","content":"\\ud800"}]}'),
      CHAT,
      'application/json',
    ],
    [
      'line separators',
      json('{"model":"demo-chat","messages":[{"role":"user","content":"\u2028\u2029\u0000"}]}'),
      CHAT,
      'application/json',
    ],
    ['no JSON at all', json('{"model":"demo-chat", '), CHAT, 'application/json'],
    ['a mark in front', json('\ufeff{"model":"demo-chat","messages":[]}'), CHAT, 'application/json'],
    [
      'UTF-16',
      Buffer.from('{"model":"demo-chat","messages":[]}', 'utf16le'),
      CHAT,
      'application/json; charset=utf-16le',
    ],
    [
      'bytes of every kind',
      Buffer.from(Uint8Array.from({ length: 2560 }, (_, i) => i % 256)),
      CHAT,
      'application/octet-stream',
    ],
    ['one byte', Buffer.of(0x7b), CHAT, 'application/json'],
    [
      'a form with a file',
      Buffer.concat([
        json(
          '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\ndemo-chat\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n',
        ),
        randomBytes(5000),
        json('\r\n--b--\r\n'),
      ]),
      '/v1/audio/transcriptions',
      'multipart/form-data; boundary=b',
    ],
    [
      'nearly a megabyte',
      Buffer.concat([
        json('{"model":"demo-chat","messages":[],"pad":"'),
        Buffer.alloc(900_000, 120),
        json('"}'),
      ]),
      CHAT,
      'application/json',
    ],
    ['something that looks like chunks', json('5\r\nhello\r\n0\r\n\r\n'), CHAT, 'text/plain'],
  ])('A32 %s arrives byte for byte, whole or in chunks of any size', async (_what, body, rest, type) => {
    const ways: [readonly Buffer[], boolean][] = [
      [[body], false],
      [[body], true],
      [chop(body, Math.max(1, Math.ceil(body.length / 37))), true],
    ];
    for (const [pieces, chunked] of ways) {
      relay.demo.reset();
      await send(relay.url(), rest, pieces, chunked, type);
      const [seen] = relay.demo.requests;
      expect(seen?.complete).toBe(true);
      expect([seen?.bodyBytes, seen?.sha256]).toEqual([body.length, sha(body)]);
    }
  });

  interface RewrittenRow extends CorpusBytes {
    readonly what: string;
    readonly claims: {
      readonly set?: Record<string, unknown>;
      readonly cap?: object;
      readonly models?: string[];
    };
    readonly arrives?: string;
    readonly adds?: readonly [name: string, value: unknown];
    readonly must: string;
  }
  const REWRITTEN = rowsOf(readCorpus<RewrittenRow>('rewritten-bodies'));
  /** What went up under a ceiling, to be read by parsers that are not ours. */
  const capped: { title: string; body: Buffer; cap: Readonly<Record<string, number>> }[] = [];

  it.each(REWRITTEN)('A33 %s', async (title, row) => {
    const { set, cap, models } = row.claims;
    const options = { ...(set && { set }), ...(cap && { cap }), ...(models && { allowedModels: models }) };
    const sent = bytesOf(row);
    const { status, body } = await send(relay.url(options as Partial<GenerateOptions>), CHAT, [sent], false);
    const [seen] = relay.demo.requests;
    if (row.must !== 'up') {
      expect([wordOf(status, body), relay.demo.counters.requests]).toEqual([row.must, 0]);
      return;
    }
    const text = seen?.body.toString() ?? '';
    if (cap) capped.push({ title, body: seen?.body ?? Buffer.alloc(0), cap: cap as Record<string, number> });
    if (row.arrives !== undefined) return void expect(text).toBe(row.arrives);
    const [name, value] = row.adds ?? ['', null];
    expect((JSON.parse(text) as Record<string, unknown>)[name]).toEqual(value);
    const written = `"${name}":${JSON.stringify(value)}`;
    expect(text.split(written)).toHaveLength(2);
    expect(text.replace(`,${written}`, '').replace(`${written},`, '')).toBe(row.text);
  });

  it('A33 parsers that are not ours see no more than the ceiling in what went up', async () => {
    const bodies = capped.map(({ body }) => body);
    const over: string[] = [];
    let read = 0;
    for (const { parser, said } of await readByAll(bodies, { go: false })) {
      for (const [i, { title, cap }] of capped.entries()) {
        const limits = said[i]?.limits;
        // some refuse a lone surrogate or a long number, and so read nothing
        if (limits === undefined) continue;
        read += 1;
        const highest = Math.max(...Object.values(cap));
        if (limits.length === 0 || limits.some((limit) => !(Number(limit) <= highest)))
          over.push(`${parser}: ${title}`);
      }
    }
    expect(over).toEqual([]);
    expect(capped.length).toBeGreaterThan(15);
    expect(read).toBeGreaterThan(2 * capped.length);
  });

  it('A34 a body that says it is too long is refused before anything goes up', async () => {
    const body = Buffer.alloc(2000, 120);
    const { status, body: text } = await send(relay.url({ maxRequestBytes: 1999 }), CHAT, [body], false);
    expect(wordOf(status, text)).toBe('413 request_too_large');
    expect(relay.demo.counters.requests).toBe(0);
    expect((await send(relay.url({ maxRequestBytes: 2000 }), CHAT, [body], false)).status).not.toBe(413);
  });

  it.each<[what: string, limit: number | undefined, total: number, piece: number]>([
    ['the token’s limit, in small pieces', 5000, 40_000, 100],
    ['the token’s limit, in large pieces', 5000, 400_000, 64_000],
    ['the token’s limit by one byte', 5000, 5001, 1000],
    ['the relay’s limit', undefined, 1_500_000, 16_384],
    ['the relay’s limit where the token grants more', 5_000_000, 1_500_000, 16_384],
  ])(
    'A34 a chunked body beyond %s is cut there: 413, upstream aborted',
    async (_what, limit, total, piece) => {
      // the upstream must not answer before it has seen the end
      const pieces = [json('{"model":"demo-chat","pad":"'), ...chop(Buffer.alloc(total, 120), piece)];
      const url = relay.url({ ...(limit && { maxRequestBytes: limit }), maxCalls: null });
      const { status, body } = await send(url, CHAT, pieces, true, 'application/json', piece <= 1000 ? 1 : 0);
      expect(wordOf(status, body)).toBe('413 request_too_large');
      const [seen] = relay.demo.requests;
      if (seen !== undefined) {
        await expect.poll(() => seen.closedAt).not.toBeNull();
        expect(seen.complete).toBe(false);
        expect(seen.closedEarly).toBe(true);
        expect(seen.bodyBytes).toBeLessThanOrEqual(Math.min(limit ?? 1_000_000, 1_000_000));
      }
      expect(relay.instance.live()).toBe(0);
    },
  );

  it('A34 a chunked body within the limit passes', async () => {
    const body = json(
      JSON.stringify({
        model: 'demo-chat',
        messages: [{ role: 'user', content: 'x' }],
        pad: 'x'.repeat(4800),
      }),
    );
    expect((await send(relay.url({ maxRequestBytes: 5000 }), CHAT, chop(body, 100), true)).status).toBe(200);
    expect(relay.demo.requests[0]?.sha256).toBe(sha(body));
  });

  it('A34 a body that is looked into is cut at the limit before anything goes up', async () => {
    const pieces = [json('{"model":"demo-chat","pad":"'), ...chop(Buffer.alloc(40_000, 120), 1000)];
    const { status, body } = await send(
      relay.url({ maxRequestBytes: 5000, allowedModels: ['demo-chat'] }),
      CHAT,
      pieces,
      true,
    );
    expect(wordOf(status, body)).toBe('413 request_too_large');
    expect(relay.demo.counters.requests).toBe(0);
  });
});
