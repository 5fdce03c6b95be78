/**
 * Request bodies on their way up, through the whole relay: a short one goes in one piece and only when it is whole, a longer one as it
 * comes and no faster than the upstream takes it; every byte as it was sent.
 */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { watchSockets } from '../support/sockets-inside.ts';
import { turns } from '../support/turns.ts';
import { listenRaw } from '../support/upstream-side.ts';
import { type Caller, callWith, eventually, relayBefore, targetOf } from './before.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
const MIB = 1024 * 1024;
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
/** Bytes that repeat nowhere soon. */
const noise = (bytes: number) =>
  Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 7919 + (i >> 8)) % 256));

/** What an upstream has got of one request. */
interface Got {
  head: string;
  body: Buffer[];
  bytes: number;
}

/** An upstream that keeps what it gets of one request, and answers when the test does. */
async function startUpstream(): Promise<{
  origin: string;
  port: number;
  got: Got;
  sockets: readonly Socket[];
}> {
  const got: Got = { head: '', body: [], bytes: 0 };
  const up = await listenRaw((socket) => {
    socket.on('data', (data: Buffer) => {
      let rest = data;
      if (!got.head.includes('\r\n\r\n')) {
        const end = data.indexOf('\r\n\r\n');
        got.head += data.subarray(0, end + 4).toString('latin1');
        rest = data.subarray(end + 4);
      }
      got.body.push(rest);
      got.bytes += rest.length;
    });
  });
  return { origin: up.origin, port: Number(new URL(up.origin).port), got, sockets: up.sockets };
}

const head = (target: string, framing: string) =>
  `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;

async function finish(caller: Caller, sockets: readonly Socket[]): Promise<void> {
  sockets[0]?.write(ANSWER);
  await caller.until(/\r\n\r\n\{\}$/);
}

describe('a body of up to 64 KiB', () => {
  it.each([1, 1000, 65_535, 65_536])(
    'of %i bytes goes up when it is whole, in one write, with its length',
    async (bytes) => {
      const { origin, port, got, sockets } = await startUpstream();
      const relay = await relayBefore(origin);
      const inside = watchSockets(relay.port, port);
      onTestFinished(inside.stop);
      const body = noise(bytes);
      const caller = await callWith(relay.port, head(targetOf(relay), `Content-Length: ${bytes}`));
      for (let i = 0; i < bytes - 1; i += 16_000) {
        caller.socket.write(body.subarray(i, Math.min(i + 16_000, bytes - 1)));
        await turns(1);
      }
      await eventually(() => {
        // all but the last byte is with the relay
        expect(relay.instance.live()).toBe(1);
        expect(inside.callers[0]?.bytesRead).toBeGreaterThanOrEqual(bytes - 1);
      });
      // time enough to dial, had it begun to
      await turns();
      expect(sockets).toHaveLength(0);
      caller.socket.write(body.subarray(bytes - 1));
      await eventually(() => expect(got.bytes).toBe(bytes));
      expect(got.head).toContain(`content-length: ${bytes}\r\n`);
      expect(got.head).not.toMatch(/transfer-encoding/i);
      expect(digest(Buffer.concat(got.body))).toBe(digest(body));
      await finish(caller, sockets);
    },
  );

  it('is written to the socket at once, not piece by piece', async () => {
    const { origin, port, got, sockets } = await startUpstream();
    const relay = await relayBefore(origin);
    const inside = watchSockets(relay.port, port);
    onTestFinished(inside.stop);
    // the first call dials; the second finds the connection open, so that its writes can be counted
    for (const round of [1, 2]) {
      got.head = '';
      got.bytes = 0;
      got.body.length = 0;
      const writes: number[] = [];
      const [upstream] = inside.upstreams;
      if (upstream !== undefined) {
        const write = upstream.write.bind(upstream) as (...args: unknown[]) => boolean;
        upstream.write = ((data: string | Uint8Array, ...more: unknown[]) => {
          writes.push(data.length);
          return write(data, ...more);
        }) as typeof upstream.write;
      }
      const body = noise(40_000);
      const caller = await callWith(relay.port, head(targetOf(relay), `Content-Length: ${body.length}`));
      for (let i = 0; i < body.length; i += 1000) {
        caller.socket.write(body.subarray(i, i + 1000));
        await turns(1);
      }
      await eventually(() => expect(got.bytes).toBe(body.length));
      await finish(caller, sockets);
      if (round === 1) continue;
      // the head, and the body whole; or both in one
      expect(writes.length).toBeLessThanOrEqual(2);
      expect(writes.at(-1)).toBeGreaterThanOrEqual(body.length);
    }
    expect(sockets).toHaveLength(1);
  });
});

describe('a longer body', () => {
  it.each([
    ['declared', 65_537],
    ['in chunks', 200_000],
    ['declared', 3_000_000],
  ])('%s, of %i bytes, goes up as it comes', async (how, bytes) => {
    const { origin, got, sockets } = await startUpstream();
    const relay = await relayBefore(origin);
    const body = noise(bytes);
    const chunked = how === 'in chunks';
    const caller = await callWith(
      relay.port,
      head(targetOf(relay), chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes}`),
    );
    const send = (piece: Uint8Array) => {
      if (chunked) caller.socket.write(`${piece.length.toString(16)}\r\n`);
      caller.socket.write(piece);
      if (chunked) caller.socket.write('\r\n');
    };
    send(body.subarray(0, 5000));
    // what has come is there before the rest is sent
    await eventually(() => {
      const arrived = Buffer.concat(got.body);
      expect(arrived.includes(body.subarray(0, 2000))).toBe(true);
      expect(arrived.includes(body.subarray(4900, 5000))).toBe(true);
    });
    expect(got.head).toMatch(chunked ? /transfer-encoding: chunked\r\n/i : `content-length: ${bytes}\r\n`);
    for (let i = 5000; i < bytes; i += 50_000) send(body.subarray(i, Math.min(i + 50_000, bytes)));
    if (chunked) caller.socket.write('0\r\n\r\n');
    const whole = () => (chunked ? unchunk(Buffer.concat(got.body)) : Buffer.concat(got.body));
    await eventually(() => expect(whole().length).toBe(bytes));
    expect(digest(whole())).toBe(digest(body));
    await finish(caller, sockets);
  });

  it('is held back by an upstream that does not read: the caller stops, memory stays flat, and then all of it arrives', async () => {
    const TOTAL = 96 * MIB;
    const { origin, port, got, sockets } = await startUpstream();
    const relay = await relayBefore(origin, { config: { server: { max_body_bytes: 100 * MIB } } });
    const inside = watchSockets(relay.port, port);
    onTestFinished(inside.stop);
    const caller = await callWith(relay.port, head(targetOf(relay), `Content-Length: ${TOTAL}`));
    caller.socket.write('{');
    await eventually(() => expect(got.bytes).toBe(1));
    sockets[0]?.pause();
    const piece = noise(MIB);
    const hash = createHash('sha256').update('{');
    const expected = createHash('sha256').update('{');
    const before = process.memoryUsage().rss;
    let sent = 1;
    const push = () => {
      while (sent < TOTAL) {
        const part = piece.subarray(0, Math.min(piece.length, TOTAL - sent));
        sent += part.length;
        expected.update(part);
        if (!caller.socket.write(part)) return void caller.socket.once('drain', push);
      }
    };
    push();
    // nothing moves any more: the relay has taken what the buffers of the system hold, and not the rest
    let last = -1;
    let still = 0;
    while (still < 200) {
      const now = inside.callers[0]?.bytesRead ?? 0;
      still = now === last ? still + 1 : 0;
      last = now;
      await turns(1);
    }
    expect(last).toBeLessThan(24 * MIB);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
    expect(relay.instance.live()).toBe(1);
    for (const part of got.body.splice(0)) if (part.length > 1) hash.update(part);
    sockets[0]?.on('data', () => {
      for (const part of got.body.splice(0)) hash.update(part);
    });
    sockets[0]?.resume();
    await eventually(() => expect(got.bytes).toBe(TOTAL));
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
    await finish(caller, sockets);
  });
});

/** The payload of chunks, as far as they are whole. */
function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    const size = line === -1 ? 0 : Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (size === 0 || line + 2 + size > bytes.length) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
