/**
 * How an answer is framed for its caller, by what the upstream said and which HTTP the caller speaks: a length where there is one, chunks
 * where not, the end of the connection for HTTP/1.0; and never a clean end for what is not whole (behaviour.md §5, §6).
 */
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCanary } from '../hostile/canary.ts';
import { type Asked, ask } from '../pressure/asking.ts';
import { turns } from '../support/turns.ts';
import { chatBytes, relayBefore, targetOf } from '../upstream/before.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n';
const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n';
const ALL = {
  endpoints: [
    ...['GET', 'HEAD'].map((method) => ({ method, path: '/models', kind: 'models', body: 'none' })),
    { method: 'POST', path: '/chat/completions', body: 'json' },
  ],
};

/** Asks for one answer: `say` is the upstream's. */
async function get(
  say: string | ((socket: Socket) => void),
  { version = '1.1', method = 'POST', lines = ['Connection: close'], trusted = true } = {},
): Promise<Asked> {
  const up = await startCanary({ say });
  onTestFinished(() => up.close());
  const relay = await relayBefore(up.origin, { trusted, provider: ALL });
  const chat = chatBytes(targetOf(relay), lines);
  const target = targetOf(relay).replace('/chat/completions', '/models');
  const plain = `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('\r\n')}\r\n\r\n`;
  return ask(relay.port, (method === 'POST' ? chat : plain).replace(' HTTP/1.1', ` HTTP/${version}`));
}

const framing = ({ headers }: Asked) => [headers['content-length'], headers['transfer-encoding']];

describe('a whole answer', () => {
  const BODY = '{"a":1}';
  it.each([true, false])('keeps the length that its upstream gave it (trusted: %s)', async (trusted) => {
    for (const version of ['1.1', '1.0']) {
      const answer = await get(`${HEAD}Content-Length: 7\r\n\r\n${BODY}`, { version, trusted });
      expect([version, framing(answer), answer.body, answer.complete]).toEqual([
        version,
        ['7', undefined],
        BODY,
        true,
      ]);
      expect(answer.text.endsWith(`\r\n\r\n${BODY}`)).toBe(true);
    }
  });

  it.each([
    ['in chunks', `${HEAD}${CHUNKED}3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n`],
    ['in chunks with a trailer', `${HEAD}Trailer: X-A\r\n${CHUNKED}7\r\n{"a":1}\r\n0\r\nX-A: 1\r\n\r\n`],
    ['up to the end of the connection', null],
  ])('that came %s goes in chunks, or up to the end of the connection for HTTP/1.0', async (_how, text) => {
    const say = text ?? ((socket: Socket) => void socket.end(`${HEAD}Connection: close\r\n\r\n${BODY}`));
    const chunked = await get(say);
    expect([framing(chunked), chunked.body, chunked.complete]).toEqual([[undefined, 'chunked'], BODY, true]);
    expect(chunked.text).toMatch(/\r\n0\r\n\r\n$/);
    expect(chunked.text).not.toContain('X-A');
    const old = await get(say, { version: '1.0', lines: [] });
    expect([framing(old), old.body, old.reset]).toEqual([[undefined, undefined], BODY, false]);
    expect(old.headers['connection']).toBe('close');
  });

  it('to HEAD has the head of GET and no byte of a body', async () => {
    for (const text of [`${HEAD}Content-Length: 7\r\n\r\n`, `${HEAD}${CHUNKED}`]) {
      const answer = await get(text, { method: 'HEAD' });
      expect([answer.status, answer.body, answer.reset]).toEqual([200, '', false]);
      expect(answer.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
      expect(answer.headers['content-length']).toBe(text.includes('Length') ? '7' : undefined);
    }
  });

  it.each(['204 No Content', '205 Reset Content', '200 OK'])(
    'of %s without a body has none',
    async (status) => {
      const length = status.startsWith('204') ? '' : 'Content-Length: 0\r\n';
      for (const version of ['1.1', '1.0']) {
        const answer = await get(`HTTP/1.1 ${status}\r\n${length}\r\n`, { version });
        expect([answer.status, answer.body, answer.reset]).toEqual([Number(status.slice(0, 3)), '', false]);
        expect(answer.text).toMatch(/\r\n\r\n(?:0\r\n\r\n)?$/);
        if (status.startsWith('204')) expect(framing(answer)).toEqual([undefined, undefined]);
      }
    },
  );

  it('that is collected before it is passed on, an error, gets the length that it has', async () => {
    const error = '{"error":{"message":"no"}}';
    const size = error.length.toString(16);
    const text = `${HEAD.replace('200 OK', '404 No')}${CHUNKED}${size}\r\n${error}\r\n0\r\n\r\n`;
    for (const version of ['1.1', '1.0']) {
      const answer = await get(text, { version });
      expect([framing(answer), answer.body]).toEqual([[String(error.length), undefined], error]);
    }
  });
});

/** Lets what was said be read before the connection goes: a reset takes back the rest. */
const thenBreak =
  (text: string, how: 'FIN' | 'RST') =>
  async (socket: Socket): Promise<void> => {
    socket.write(text);
    await turns();
    if (how === 'FIN') socket.end();
    else socket.resetAndDestroy();
  };

describe('an answer that breaks', () => {
  const CASES = [
    ['with a length', `${HEAD}Content-Length: 90\r\n\r\n{"a":`],
    ['in chunks', `${HEAD}${CHUNKED}5\r\n{"a":\r\n`],
    ['within a chunk', `${HEAD}${CHUNKED}ff\r\n{"a":`],
    ['in events', `${EVENTS}${CHUNKED}9\r\ndata: 1\n\n\r\n`],
    ['before its first byte', `${HEAD}${CHUNKED}`],
  ] as const;

  it.each(
    CASES.flatMap(([what, text]) => (['FIN', 'RST'] as const).map((how) => [what, how, text] as const)),
  )('%s by a %s ends as no whole one does, for either HTTP', async (what, how, text) => {
    const asked = await Promise.all(
      ['1.1', '1.0'].flatMap((version) =>
        [true, false].map(async (trusted) => ({
          version,
          answer: await get(thenBreak(text, how), { version, trusted }),
        })),
      ),
    );
    for (const { version, answer } of asked) {
      expect([version, answer.status, answer.complete]).toEqual([version, 200, false]);
      expect(answer.text).not.toMatch(/\r\n0\r\n\r\n$/);
      // without a length or chunks only a reset tells
      const delimited = framing(answer).every((line) => line === undefined);
      expect(delimited).toBe(version === '1.0' && what !== 'with a length');
      if (delimited) expect(answer.reset).toBe(true);
    }
  });

  it('in an encoding or a type that is not passed on is a refusal of the relay’s own, whole', async () => {
    for (const text of [
      `${HEAD}Content-Encoding: gzip\r\n${CHUNKED}5\r\n{"a":\r\n`,
      `${HEAD.replace('application/json', 'text/html')}${CHUNKED}5\r\n<html\r\n`,
    ]) {
      const answer = await get(thenBreak(text, 'FIN'));
      expect([answer.complete, framing(answer)]).toEqual([true, [String(answer.body.length), undefined]]);
      expect(answer.body).not.toContain('html>');
    }
  });
});
