/**
 * Streams as a caller meets them: side by side none waits for another, the head goes before the first byte, each chunk goes by itself
 * and at once, and all of it stays in order. No test here waits for time: each side goes on only when the other has what it was sent.
 */
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { createSelfSignedCertificate } from 'relayapi-demo-provider';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerOf, type Canary, startCanary } from '../hostile/canary.ts';
import { parseAnswer } from '../support/raw-http.ts';
import { turns } from '../support/turns.ts';
import { type Caller, callWith, chatBytes, eventually, relayBefore, targetOf } from './before.ts';

const STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
/** Two are needed, one for the relay and one for the caller; the rest is room. */
const MOST_TURNS = 6;
const LAST = '0\r\n\r\n';

async function startUpstream(tls?: {
  key: string;
  cert: string;
}): Promise<{ up: Canary; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const up = await startCanary({ ...(tls && { tls }), say: (socket) => void sockets.push(socket) });
  onTestFinished(() => up.close());
  return { up, sockets };
}

describe.each(['http', 'https'])('fifty held streams over %s', (scheme) => {
  it('hold up no call behind them, and none shares a connection with another', async () => {
    const tls = createSelfSignedCertificate(['127.0.0.1']);
    const { up, sockets } = await startUpstream(scheme === 'https' ? tls : undefined);
    const relay = await relayBefore(up.origin, { transport: { ca: tls.cert } });
    const streams = await Promise.all(
      Array.from({ length: 50 }, () => callWith(relay.port, chatBytes(targetOf(relay)))),
    );
    await eventually(() => expect(sockets).toHaveLength(50));
    for (const socket of sockets) socket.write(STREAM + chunk('data: 1\n\n'));
    await Promise.all(streams.map((caller) => caller.until(/data: 1/)));
    up.say(answerOf('{"short":1}'));
    for (let i = 0; i < 3; i += 1) {
      const short = await callWith(relay.port, chatBytes(targetOf(relay)));
      await short.until(/"short":1/);
    }
    expect(new Set(sockets).size).toBe(50);
    // still held, still whole: they end only now
    for (const socket of sockets) socket.write(chunk('data: 2\n\n') + LAST);
    await Promise.all(streams.map((caller) => caller.until(/0\r\n\r\n$/)));
    for (const { text } of streams) expect(parseAnswer(text).body).toBe('data: 1\n\ndata: 2\n\n');
  });
});

describe.each([true, false])('before an upstream that is trusted: %s', (trusted) => {
  async function begin(): Promise<{ socket: Socket; caller: Caller }> {
    const { up, sockets } = await startUpstream();
    const relay = await relayBefore(up.origin, { trusted });
    const caller = await callWith(relay.port, chatBytes(targetOf(relay)));
    await eventually(() => expect(sockets).toHaveLength(1));
    return { socket: sockets[0] as Socket, caller };
  }

  it.each([
    ['an event stream', STREAM],
    ['a JSON answer in chunks', STREAM.replace('text/event-stream', 'application/json')],
    ['a stream that ends with its connection', STREAM.replace('Transfer-Encoding: chunked\r\n', '')],
  ])('status and header lines of %s pass before any byte of the body', async (_what, head) => {
    const { socket, caller } = await begin();
    socket.write(head);
    await caller.until(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
    expect(parseAnswer(caller.text)).toMatchObject({ status: 200, body: '', complete: false });
  });

  it('a small body with a length passes in the pieces in which it comes', async () => {
    const { socket, caller } = await begin();
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n');
    await caller.until(/\r\n\r\n$/);
    socket.write('{');
    await caller.until(/\r\n\r\n\{$/);
    socket.write('"a":1');
    await caller.until(/\{"a":1$/);
    socket.write('}');
    await caller.until(/\{"a":1\}$/);
    expect(parseAnswer(caller.text)).toMatchObject({ complete: true, headers: { 'content-length': '7' } });
  });

  it('each of three hundred chunks passes before the next is sent', async () => {
    const { socket, caller } = await begin();
    socket.write(STREAM);
    let sent = '';
    for (let i = 0; i < 300; i += 1) {
      // of one byte, of an event, of more than a socket's buffer holds at once
      const text = i % 100 === 99 ? `${'z'.repeat(70_000)} ${i}` : i % 3 === 0 ? '.' : `data: ${i}\n\n`;
      sent += text;
      socket.write(chunk(text));
      await caller.until(new RegExp(`${text.slice(-8).replaceAll('.', '\\.')}\\r\\n$`));
      if (i % 50 === 0) expect(parseAnswer(caller.text).body).toBe(sent);
    }
    expect(parseAnswer(caller.text).body).toBe(sent);
  });
});

it.each([true, false])(
  'no timer holds a chunk back: it is with its caller within a few turns of the loop (trusted: %s)',
  async (trusted) => {
    const { up, sockets } = await startUpstream();
    const relay = await relayBefore(up.origin, { trusted });
    const caller = await callWith(relay.port, chatBytes(targetOf(relay)));
    await eventually(() => expect(sockets).toHaveLength(1));
    sockets[0]?.write(STREAM);
    await caller.until(/\r\n\r\n$/);
    const needed: number[] = [];
    for (let i = 0; i < 200; i += 1) {
      let there = false;
      void caller.until(new RegExp(`: ${i}\\n\\n\\r\\n$`)).then(() => {
        there = true;
      });
      sockets[0]?.write(chunk(`data: ${i}\n\n`));
      // upstream, relay and caller live on this one loop, and it never sleeps here: a millisecond would be many turns
      let count = 0;
      for (; !there; count += 1) await turns(1);
      needed.push(count);
    }
    expect(needed.toSorted((a, b) => a - b)[100]).toBeLessThanOrEqual(MOST_TURNS);
  },
);

it('tens of thousands of small chunks on ten streams at once, sent and read at a random pace, arrive whole and in order', async () => {
  const STREAMS = 10;
  const CHUNKS = 2500;
  const { up, sockets } = await startUpstream();
  const relay = await relayBefore(up.origin);
  const callers = await Promise.all(
    Array.from({ length: STREAMS }, () => callWith(relay.port, chatBytes(targetOf(relay)))),
  );
  await eventually(() => expect(sockets).toHaveLength(STREAMS));
  const paces = fc.sample(fc.nat(9), { numRuns: CHUNKS, seed: 20_261_130 });
  const bodies = await Promise.all(
    sockets.map(async (socket, stream) => {
      let body = '';
      socket.write(STREAM);
      for (let i = 0; i < CHUNKS; i += 1) {
        const pace = paces[(i + stream * 17) % CHUNKS] as number;
        // one in ten is large, so that the callers that have stopped reading are felt
        const text = `data: ${stream} ${i} ${'y'.repeat(pace === 9 ? 9000 : pace * 5)}\n\n`;
        body += text;
        const room = socket.write(chunk(text));
        if (!room) await new Promise((resolve) => socket.once('drain', resolve));
        if (pace < 3) await turns(1);
        const reader = callers[(i + pace) % STREAMS]?.socket;
        if (i % 7 === 0) reader?.pause();
        else if (i % 7 === 3) for (const { socket: other } of callers) other.resume();
      }
      socket.write(LAST);
      for (const { socket: other } of callers) other.resume();
      return body;
    }),
  );
  await Promise.all(callers.map((caller) => caller.until(/0\r\n\r\n$/)));
  const got = callers.map(({ text }) => parseAnswer(text)).map(({ body, complete }) => ({ body, complete }));
  // which upstream connection carried which caller is nobody's business
  const byStream = new Map(got.map((one) => [one.body.slice(0, 8), one]));
  for (const body of bodies) {
    expect(byStream.get(body.slice(0, 8))?.complete).toBe(true);
    expect(byStream.get(body.slice(0, 8))?.body === body).toBe(true);
  }
});
