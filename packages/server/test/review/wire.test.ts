/**
 * Raw sockets against the whole relay on the Node path: who leaves half-way, who sends two requests at once, who asks twice for one thing
 * (behaviour.md §1, §2, §5, §6). After each, the token's places and counts must stand as the outcome table says.
 */
import type { Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { wordOf } from '../hostile/reading.ts';
import { openRaw, sendRaw } from '../support/raw-http.ts';
import { chatBody, codeOf, postChat, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

let relay: RelayFixture;
beforeAll(async () => {
  relay = await startRelay({ config: { server: { body_idle_timeout: 1 } } });
});
beforeEach(() => relay.demo.reset());
afterAll(() => relay.close());

function head(url: string, lines: readonly string[], method = 'POST', rest = '/v1/chat/completions'): string {
  const { pathname } = new URL(url);
  return `${method} ${pathname}${rest} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}
const JSON_LINE = 'Content-Type: application/json';
const post = (url: string, body: string, more: readonly string[] = []) =>
  head(url, [JSON_LINE, `Content-Length: ${body.length}`, ...more]) + body;

/** What came until it satisfies `enough`, the socket closed or two seconds passed. */
function readUntil(socket: Socket, enough: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const timer = setTimeout(() => resolve(text), 2000);
    const finish = () => {
      clearTimeout(timer);
      resolve(text);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (enough.test(text)) finish();
    });
    socket.on('close', finish);
  });
}

describe('a place is free again', () => {
  const big = 'x'.repeat(200_000);
  type Leave = (url: string) => Promise<void>;
  const ways: [what: string, options: object, leave: Leave, left: number][] = [
    [
      'after a caller left within a small body: nothing went up, so the call is back',
      {},
      async (url) => {
        const socket = await openRaw(
          relay.port,
          `${head(url, [JSON_LINE, 'Content-Length: 1000'])}{"model":`,
        );
        await expect.poll(() => relay.instance.live()).toBe(1);
        socket.destroy();
      },
      5,
    ],
    [
      'after a caller left within a body that is looked into',
      { allowedModels: ['demo-chat'] },
      async (url) => {
        const lines = [JSON_LINE, 'Content-Length: 1000', 'Expect: 100-continue'];
        const socket = await openRaw(relay.port, head(url, lines));
        expect(await readUntil(socket, /100 Continue/)).toContain('100 Continue');
        socket.write('{"model":');
        socket.destroy();
      },
      5,
    ],
    [
      'after a caller left within a large body',
      {},
      async (url) => {
        const socket = await openRaw(
          relay.port,
          `${head(url, [JSON_LINE, 'Content-Length: 400000'])}{"model":"demo-chat","pad":"${big}`,
        );
        await expect.poll(() => relay.demo.requests.length).toBe(1);
        socket.destroy();
      },
      4,
    ],
    [
      'after a reset within a chunked body',
      {},
      async (url) => {
        const socket = await openRaw(
          relay.port,
          `${head(url, [JSON_LINE, 'Transfer-Encoding: chunked'])}9\r\n{"model":\r\n`,
        );
        await expect.poll(() => relay.demo.requests.length).toBe(1);
        socket.resetAndDestroy();
      },
      4,
    ],
    [
      'after a caller left before the first byte',
      {},
      async (url) => {
        const socket = await openRaw(relay.port, post(url, chatBody('demo-hang')));
        await expect.poll(() => relay.demo.requests.length).toBe(1);
        socket.destroy();
      },
      4,
    ],
    [
      'after a caller left within a stream',
      {},
      async (url) => {
        const socket = await openRaw(relay.port, post(url, chatBody('demo-chunks-500-20', { stream: true })));
        await new Promise((done) => socket.once('data', done));
        socket.destroy();
      },
      4,
    ],
    [
      'after a stalled body',
      {},
      async (url) => {
        const answer = await sendRaw(relay.port, `${head(url, [JSON_LINE, 'Content-Length: 1000'])}{"mo`);
        expect(answer.status).toBe(408);
        expect(answer.headers['access-control-allow-origin']).toBe('*');
      },
      5,
    ],
    [
      'after a stalled large body',
      {},
      async (url) => {
        const answer = await sendRaw(
          relay.port,
          `${head(url, [JSON_LINE, 'Content-Length: 400000'])}{"model":"demo-chat","pad":"${big}`,
        );
        expect(answer.status).toBe(408);
      },
      4,
    ],
    [
      'after a chunked body over the limit',
      { maxRequestBytes: 100 },
      async (url) => {
        const answer = await sendRaw(
          relay.port,
          `${head(url, [JSON_LINE, 'Transfer-Encoding: chunked'])}c8\r\n${'x'.repeat(200)}\r\n0\r\n\r\n`,
        );
        expect(answer.status).toBe(413);
      },
      5,
    ],
    [
      'after a broken chunk',
      {},
      async (url) => {
        const socket = await openRaw(
          relay.port,
          `${head(url, [JSON_LINE, 'Transfer-Encoding: chunked'])}9\r\n{"model":\r\n`,
        );
        await expect.poll(() => relay.demo.requests.length).toBe(1);
        socket.write('ZZ\r\n');
        expect(await readUntil(socket, /\r\n\r\n/)).toMatch(/^HTTP\/1\.1 400 /);
        expect(relay.demo.requests[0]?.body.toString()).toBe('{"model":');
      },
      4,
    ],
    [
      'after an upstream that died within its answer',
      {},
      async (url) => {
        await sendRaw(relay.port, post(url, chatBody('demo-die-2', { stream: true })));
      },
      4,
    ],
    [
      'after an upstream that hung up at once',
      {},
      async (url) => {
        expect((await sendRaw(relay.port, post(url, chatBody('demo-close-before')))).status).toBe(502);
      },
      4,
    ],
  ];
  it.each(ways)('%s', async (_what, options, leave, left) => {
    const url = relay.url({ maxConcurrency: 1, maxCalls: 5, ...options });
    await leave(url);
    // the relay learns of it a moment after the caller
    const next = await vi.waitUntil(async () => {
      const answer = await postChat(url);
      return answer.status === 429 ? null : answer;
    });
    expect(next.status).toBe(200);
    expect(next.headers.get('relay-calls-remaining')).toBe(String(left - 1));
    await next.text();
  });
});

describe('two requests in one packet', () => {
  it('are answered in order, each by its own count', async () => {
    const url = relay.url({ maxCalls: 1 });
    const socket = await openRaw(relay.port, post(url, chatBody()) + post(url, chatBody()));
    const text = await readUntil(socket, /calls_exhausted/);
    socket.destroy();
    expect([...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status)).toEqual(['200', '402']);
    expect(relay.demo.requests).toHaveLength(1);
  });

  it('end both when their caller leaves', async () => {
    const url = relay.url({ maxConcurrency: 2 });
    const hang = post(url, chatBody('demo-hang'));
    const socket = await openRaw(relay.port, hang + hang);
    await expect.poll(() => relay.demo.requests.length).toBe(2);
    socket.destroy();
    await expect.poll(() => relay.instance.live()).toBe(0);
    const free = await Promise.all([postChat(url), postChat(url)]);
    expect(free.map(({ status }) => status)).toEqual([200, 200]);
  });
});

it('a connection is kept for 75 s, and its end is announced', async () => {
  const { headers } = await sendRaw(relay.port, post(relay.url(), chatBody()));
  expect(headers['keep-alive']).toBe('timeout=75');
});

describe('lines that stand twice', () => {
  it.each<[what: string, options: object, lines: string[], word: string]>([
    [
      'Relay-Nonce',
      { replay: 'nonce' },
      ['Relay-Nonce: a-nonce-of-its-own', 'relay-nonce: another-of-its-own'],
      '400 nonce_missing',
    ],
    [
      'Idempotency-Key',
      { replay: 'idempotency' },
      ['Idempotency-Key: a', 'Idempotency-Key: b'],
      '400 nonce_missing',
    ],
    [
      'Origin',
      { allowedOrigins: ['https://a.example'] },
      ['Origin: https://a.example', 'Origin: https://b.example'],
      '403 origin_denied',
    ],
    ['Content-Length', {}, ['Content-Length: 5'], '400 bad_framing'],
    [
      'Content-Encoding',
      {},
      ['Content-Encoding: identity', 'Content-Encoding: gzip'],
      '415 unsupported_body',
    ],
    ['Expect', {}, ['Expect: 100-continue', 'Expect: 100-continue'], '400 bad_framing'],
  ])('%s: refused, and nothing goes up', async (_what, options, lines, word) => {
    const answer = await sendRaw(relay.port, post(relay.url(options), chatBody(), lines));
    expect(wordOf(answer.status, answer.body)).toBe(word);
    expect(relay.demo.requests).toHaveLength(0);
  });

  it('Content-Type: the first is the one that is judged and the one that goes up', async () => {
    const url = relay.url({ allowedModels: ['demo-chat'] });
    const second = ['Content-Type: multipart/form-data; boundary=x'];
    expect((await sendRaw(relay.port, post(url, chatBody(), second))).status).toBe(200);
    expect(relay.demo.requests[0]?.headers['content-type']).toBe('application/json');
    const other = post(url, chatBody('demo-large'), second);
    expect(wordOf(403, (await sendRaw(relay.port, other)).body)).toBe('403 model_denied');
  });
});

describe('Expect: 100-continue', () => {
  const expecting = (url: string, rest?: string) =>
    head(url, [JSON_LINE, 'Content-Length: 60', 'Expect: 100-continue'], 'POST', rest);
  it.each([
    ['a path that is closed', {}, '/v1/files', 403],
    ['a spent token', { maxCalls: 0 }, undefined, 402],
    ['a nonce that is missing', { replay: 'nonce' }, undefined, 400],
  ] as const)('is not answered for %s', async (_what, options, rest, status) => {
    const answer = await sendRaw(relay.port, expecting(relay.url(options), rest), 1500);
    expect(answer.text).not.toContain('100 Continue');
    expect(answer.status).toBe(status);
  });
  it('is answered once everything has passed', async () => {
    const socket = await openRaw(relay.port, expecting(relay.url()));
    expect(await readUntil(socket, /\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.destroy();
  });
});

describe('draining', () => {
  it('lets an upload that was admitted end, and refuses a newcomer with Retry-After', async () => {
    const own = await startRelay();
    const url = own.url({ maxCalls: 3 });
    const body = chatBody();
    const bytes = post(url, body);
    const socket = await openRaw(own.port, bytes.slice(0, -20));
    await expect.poll(() => own.instance.live()).toBe(1);
    own.instance.drain();
    const refused = await postChat(url);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await codeOf(refused)).toBe('503 draining');
    socket.write(bytes.slice(-20));
    expect(await readUntil(socket, /\r\n\r\n/)).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
    await own.close();
  });
});
