/** An upstream must not work for a caller that has left: it sees its connection end, whatever it was sending, also over TLS. */
import type { Socket } from 'node:net';
import { createSelfSignedCertificate } from 'relayapi-demo-provider';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCanary } from '../hostile/canary.ts';
import { callWith, chatBytes, eventually, relayBefore, targetOf } from './before.ts';

/** house: real time, since what is bounded is how long a provider goes on at a cost; missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };
const BOUND_MS = 250;

const EVENT = 'data: {"choices":[{"delta":{"content":"x"}}]}\n\n';
const CHUNK = `${EVENT.length.toString(16)}\r\n${EVENT}\r\n`;
const head = (type: string, framing: string) =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${framing}\r\n\r\n`;

/** What an upstream does once it has a request, by name; each goes on until its connection ends. */
const WORK: readonly (readonly [what: string, work: (socket: Socket) => void])[] = [
  ['thinks and has said nothing', () => {}],
  [
    'sends a small JSON answer in two halves',
    (socket) => {
      socket.write(`${head('application/json', 'Content-Length: 12')}{"a":`);
    },
  ],
  [
    'sends events, one every few milliseconds',
    (socket) => {
      socket.write(head('text/event-stream', 'Transfer-Encoding: chunked'));
      const timer = setInterval(() => socket.write(CHUNK), 5);
      socket.on('close', () => clearInterval(timer));
    },
  ],
  [
    'sends a stream and is silent within it',
    (socket) => {
      socket.write(head('text/event-stream', 'Transfer-Encoding: chunked') + CHUNK);
    },
  ],
  [
    'sends a large file as fast as it is taken',
    (socket) => {
      const piece = Buffer.alloc(65_536, 'x');
      socket.write(head('application/octet-stream', 'Content-Length: 8000000000'));
      const push = () => {
        while (!socket.destroyed) if (!socket.write(piece)) return void socket.once('drain', push);
      };
      push();
    },
  ],
];

describe.each(['http', 'https'])('a caller that leaves an upstream over %s', (scheme) => {
  const tls = createSelfSignedCertificate(['127.0.0.1']);

  it.each(WORK)('that %s ends its connection within 250 ms', REAL_TIME, async (what, work) => {
    for (const trusted of [true, false]) {
      const sockets: Socket[] = [];
      const up = await startCanary({
        ...(scheme === 'https' && { tls }),
        say(socket) {
          sockets.push(socket);
          work(socket);
        },
      });
      onTestFinished(() => up.close());
      const relay = await relayBefore(up.origin, { trusted, transport: { ca: tls.cert } });
      const caller = await callWith(relay.port, chatBytes(targetOf(relay)));
      await eventually(() => expect(sockets).toHaveLength(1));
      if (!what.startsWith('thinks')) await caller.until(/\r\n\r\n/);
      if (what.includes('large')) await caller.until(/x{60000}/);
      const closed = new Promise<number>((resolve) => {
        sockets[0]?.once('close', () => resolve(performance.now()));
      });
      const leftAt = performance.now();
      caller.socket.destroy();
      expect((await closed) - leftAt).toBeLessThan(BOUND_MS);
      await eventually(() => expect(relay.instance.live()).toBe(0));
      // nothing is asked again for a caller that is not there
      expect(up.heads).toHaveLength(1);
    }
  });
});
