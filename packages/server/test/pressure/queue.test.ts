/**
 * Callers that leave while their request waits for a connection of a bounded pool, and at the moments between the others: nothing of
 * theirs goes up, their call is given back, and the connections serve on. Once, such a caller stopped a connection for ever.
 */
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerOf, type Canary, startCanary } from '../hostile/canary.ts';
import { parseAnswer } from '../support/raw-http.ts';
import type { RelayFixture } from '../support/relay-fixture.ts';
import { watchSockets } from '../support/sockets-inside.ts';
import { callWith, chatBytes, eventually, relayBefore, targetOf } from '../upstream/before.ts';

const FINE = answerOf('{"fine":true}');

async function startUpstream(): Promise<Canary> {
  const up = await startCanary({ say: FINE });
  onTestFinished(() => up.close());
  return up;
}

/** An upstream that keeps its callers waiting until it is told to answer. */
function hold(up: Canary): Socket[] {
  const held: Socket[] = [];
  up.say((socket) => void held.push(socket));
  return held;
}

/** A call on a connection of its own: status and calls left. */
async function ask(
  relay: RelayFixture,
  target: string,
): Promise<{ status: number; left: string | undefined }> {
  const caller = await callWith(relay.port, chatBytes(target, ['Connection: close']));
  await caller.until(/\r\n\r\n.*\}$/s);
  const { status, headers } = parseAnswer(caller.text);
  return { status, left: headers['relay-calls-remaining'] };
}

describe.each([1, 2])('a caller that leaves the queue of a pool of %i', (connections) => {
  it('has sent nothing and spent nothing, and the others are served at once', async () => {
    const up = await startUpstream();
    const held = hold(up);
    const relay = await relayBefore(up.origin, { transport: { maxConnectionsPerOrigin: connections } });
    const target = targetOf(relay, { maxCalls: 100 });
    const first = await Promise.all(
      Array.from({ length: connections }, () => callWith(relay.port, chatBytes(targetOf(relay)))),
    );
    await eventually(() => expect(held).toHaveLength(connections));
    // wave after wave, half of them with a reset
    for (let wave = 1; wave <= 5; wave += 1) {
      const leavers = await Promise.all(
        Array.from({ length: 20 }, () => callWith(relay.port, chatBytes(target))),
      );
      await eventually(() => expect(relay.instance.live()).toBe(connections + 20));
      for (const [i, { socket }] of leavers.entries()) {
        if (i % 2 === 0) socket.destroy();
        else socket.resetAndDestroy();
      }
      await eventually(() => expect(relay.instance.live()).toBe(connections));
    }
    const stays = await callWith(relay.port, chatBytes(target));
    await eventually(() => expect(relay.instance.live()).toBe(connections + 1));
    up.say(FINE);
    for (const socket of held) socket.write(FINE);
    await Promise.all([...first, stays].map((caller) => caller.until(/"fine":true/)));
    const later = await Promise.all(Array.from({ length: 10 }, () => ask(relay, target)));
    expect(later.map(({ status }) => status)).toEqual(Array(10).fill(200));
    // all of it on the connections that were there from the beginning, and not one request of a hundred leavers
    expect(up.heads).toHaveLength(connections + 11);
    expect(up.connections).toBe(connections);
    expect((await ask(relay, target)).left).toBe(String(100 - 12));
  });

  it('just as its turn comes harms nobody behind it', async () => {
    const up = await startUpstream();
    const relay = await relayBefore(up.origin, { transport: { maxConnectionsPerOrigin: connections } });
    for (let i = 0; i < 30; i += 1) {
      const held = hold(up);
      const ahead = await Promise.all(
        Array.from({ length: connections }, () => callWith(relay.port, chatBytes(targetOf(relay)))),
      );
      await eventually(() => expect(held).toHaveLength(connections));
      const leaver = await callWith(relay.port, chatBytes(targetOf(relay)));
      const behind = await callWith(relay.port, chatBytes(targetOf(relay)));
      await eventually(() => expect(relay.instance.live()).toBe(connections + 2));
      up.say(FINE);
      // the answer that frees the connection and the end of the leaver's arrive within one turn, either first
      if (i % 2 === 0) leaver.socket.resetAndDestroy();
      for (const socket of held) socket.write(FINE);
      if (i % 2 === 1) leaver.socket.resetAndDestroy();
      await Promise.all([...ahead, behind].map((caller) => caller.until(/"fine":true/)));
      for (const { socket } of [...ahead, behind]) socket.destroy();
    }
    await eventually(() => expect(relay.instance.live()).toBe(0));
  });
});

describe('a caller that leaves', () => {
  it('while its connection is being made has sent nothing and spent nothing', async () => {
    const up = await startUpstream();
    const names: string[] = [];
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    const relay = await relayBefore(up.origin, {
      host: 'slow.example',
      transport: {
        maxConnectionsPerOrigin: 2,
        resolve: (name) => {
          names.push(name);
          return promise;
        },
      },
    });
    const target = targetOf(relay, { maxCalls: 5 });
    const leavers = await Promise.all(
      Array.from({ length: 4 }, () => callWith(relay.port, chatBytes(target))),
    );
    await eventually(() => expect([relay.instance.live(), names.length]).toEqual([4, 2]));
    for (const { socket } of leavers) socket.destroy();
    await eventually(() => expect(relay.instance.live()).toBe(0));
    resolve(['127.0.0.1']);
    expect(await ask(relay, target)).toEqual({ status: 200, left: '4' });
    expect(up.heads).toHaveLength(1);
  });

  const STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
  const PIECE = `10000\r\n${'x'.repeat(65_536)}\r\n`;

  /** Sends as fast as it is taken. */
  function pour(socket: Socket): void {
    socket.write(STREAM);
    const push = () => {
      while (!socket.destroyed) if (!socket.write(PIECE)) return void socket.once('drain', push);
    };
    push();
  }

  /** Everything is let go: the upstream's connection, the token's one place; and the call counts. */
  async function expectGone(relay: RelayFixture, up: Canary, target: string, socket: Socket): Promise<void> {
    await eventually(() => expect([socket.destroyed, relay.instance.live()]).toEqual([true, 0]));
    up.say(FINE);
    expect(await ask(relay, target)).toEqual({ status: 200, left: '3' });
  }

  it('with the head in hand, before the first byte of the body', async () => {
    const up = await startUpstream();
    const sockets: Socket[] = [];
    up.say((socket) => {
      sockets.push(socket);
      socket.write(STREAM);
    });
    const relay = await relayBefore(up.origin, { transport: { maxConnectionsPerOrigin: 1 } });
    const target = targetOf(relay, { maxCalls: 5, maxConcurrency: 1 });
    const caller = await callWith(relay.port, chatBytes(target));
    await caller.until(/\r\n\r\n/);
    caller.socket.destroy();
    await expectGone(relay, up, target, sockets[0] as Socket);
  });

  it('while it reads nothing and the upstream is paused for it', async () => {
    const up = await startUpstream();
    const sockets: Socket[] = [];
    up.say((socket) => {
      sockets.push(socket);
      pour(socket);
    });
    const relay = await relayBefore(up.origin, { transport: { maxConnectionsPerOrigin: 1 } });
    const inside = watchSockets(relay.port, up.port);
    onTestFinished(inside.stop);
    const target = targetOf(relay, { maxCalls: 5, maxConcurrency: 1 });
    const caller = await callWith(relay.port, chatBytes(target));
    caller.socket.pause();
    await eventually(() => expect(inside.callers[0]?.writableNeedDrain).toBe(true));
    caller.socket.destroy();
    await expectGone(relay, up, target, sockets[0] as Socket);
  });

  it.each(['before', 'after'])(
    'within the very event that says it can take more, %s the relay hears it',
    async (when) => {
      const up = await startUpstream();
      const relay = await relayBefore(up.origin, { transport: { maxConnectionsPerOrigin: 1 } });
      const inside = watchSockets(relay.port, up.port);
      onTestFinished(inside.stop);
      for (let i = 0; i < 5; i += 1) {
        const sockets: Socket[] = [];
        up.say((socket) => {
          sockets.push(socket);
          pour(socket);
        });
        const target = targetOf(relay, { maxCalls: 5, maxConcurrency: 1 });
        const caller = await callWith(relay.port, chatBytes(target));
        caller.socket.pause();
        await eventually(() => expect(inside.callers.at(-1)?.writableNeedDrain).toBe(true));
        const end = inside.callers.at(-1) as Socket;
        let drained = 0;
        const leave = () => {
          drained += 1;
          end.destroy();
        };
        if (when === 'before') end.prependOnceListener('drain', leave);
        else end.once('drain', leave);
        caller.socket.resume();
        await eventually(() => expect(drained).toBe(1));
        await expectGone(relay, up, target, sockets[0] as Socket);
      }
    },
  );
});
