/**
 * Callers that keep their connection and use it a thousand times, one request after another or several at once: each answer is its own,
 * in the order of the requests, and nothing grows: no listener, no timer, no socket.
 */
import { createHook } from 'node:async_hooks';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerOf, type Canary, startCanary } from '../hostile/canary.ts';
import { wordOf } from '../hostile/reading.ts';
import { answersIn } from '../hostile/talk.ts';
import { parseAnswer, sendRaw } from '../support/raw-http.ts';
import type { RelayFixture } from '../support/relay-fixture.ts';
import { listenersOf, watchSockets } from '../support/sockets-inside.ts';
import { turns } from '../support/turns.ts';
import { callWith, chatBytes, eventually, relayBefore, targetOf } from '../upstream/before.ts';

const STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** An upstream that answers with what the request's `OpenAI-Beta` line asks for: a number, a kind, turns between the pieces. */
async function startUpstream(): Promise<Canary> {
  const up = await startCanary({
    async say(socket, head) {
      socket.setNoDelay(true);
      const [, number = '', kind = '', pace = '0'] = /openai-beta: (\d+) (\w+) (\d+)/i.exec(head) ?? [];
      const wait = () => turns(Number(pace));
      await wait();
      const body = JSON.stringify({ number });
      if (kind === 'error') socket.write(answerOf(body).replace('200 OK', '404 Not Found'));
      else if (kind === 'empty') socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      else if (kind === 'stream') {
        socket.write(STREAM);
        for (const piece of [`data: ${number}`, ' ...', '\n\n']) {
          socket.write(chunk(piece));
          await wait();
        }
        socket.write('0\r\n\r\n');
      } else socket.write(answerOf(body));
    },
  });
  onTestFinished(() => up.close());
  return up;
}

const lineOf = (number: number, kind = 'plain', pace = 0) => `OpenAI-Beta: ${number} ${kind} ${pace}`;

/** The numbers that the answers name, `-` where they name none, with their status. */
function read(text: string): string[] {
  return answersIn(text).map((answer) => {
    const { status, body, complete } = parseAnswer(answer);
    if (!complete) return `${status} cut`;
    const number = /"number":"(\d+)"|data: (\d+) \.\.\.\n\n/.exec(body);
    return number ? `${status} ${number[1] ?? number[2]}` : wordOf(status, body);
  });
}

/** Sockets that this process holds, and the listeners on the relay's ends of its connections. */
function held(inside: ReturnType<typeof watchSockets>): object {
  return {
    sockets: process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length,
    caller: inside.callers.map(listenersOf),
    upstream: inside.upstreams.map(listenersOf),
  };
}

/** Timers that are armed in this process, also those that do not keep it alive. */
function watchTimers(): ReadonlySet<number> {
  const armed = new Set<number>();
  const hook = createHook({
    init(id, type) {
      if (type === 'Timeout') armed.add(id);
    },
    destroy: (id) => void armed.delete(id),
  }).enable();
  onTestFinished(() => void hook.disable());
  return armed;
}

it('two thousand requests on one connection: each gets its own answer, and listeners, timers and sockets are what they were', async () => {
  const ROUNDS = 2000;
  const up = await startUpstream();
  const relay = await relayBefore(up.origin);
  const inside = watchSockets(relay.port, up.port);
  onTestFinished(inside.stop);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  // a token for each way of a body: passed on, looked into, counted
  const targets = [
    targetOf(relay),
    targetOf(relay, { allowedModels: ['m'], cap: { max_tokens: 9 } }),
    targetOf(relay, { maxCalls: ROUNDS, rateLimit: { requests: 60_000, perSeconds: 1 }, maxConcurrency: 2 }),
  ];
  const caller = await callWith(relay.port, '');
  let text = '';
  const whole: { wake: () => void } = { wake: () => {} };
  caller.socket.removeAllListeners('data').on('data', (data) => {
    text += data.toString('latin1');
    if (parseAnswer(text).complete) whole.wake();
  });
  const timers = watchTimers();
  let start: object = {};
  let armed = 0;
  for (let i = 0; i < ROUNDS; i += 1) {
    const kind = ['plain', 'stream', 'error', 'empty'][i % 4] as string;
    text = '';
    const came = new Promise<void>((resolve) => {
      whole.wake = resolve;
    });
    // one in ten is refused on its head, one in ten has a body too long to be gathered
    const refused = i % 10 === 7;
    const target = (targets[i % 3] as string).replace(/$/, refused ? '/x' : '');
    const body = i % 10 === 3 ? JSON.stringify({ model: 'm', pad: 'x'.repeat(70_000) }) : undefined;
    caller.socket.write(chatBytes(target, [lineOf(i, kind)], body));
    await came;
    const expected = refused
      ? '403 path_denied'
      : { plain: `200 ${i}`, stream: `200 ${i}`, error: `404 ${i}`, empty: '204 -' }[kind];
    expect(read(text)).toEqual([expected]);
    if (i === 40) {
      await eventually(() => expect(relay.instance.live()).toBe(0));
      start = held(inside);
      armed = timers.size;
    }
  }
  await eventually(() => expect(relay.instance.live()).toBe(0));
  await eventually(() => expect(held(inside)).toEqual(start));
  // the test's own are few
  expect(timers.size - armed).toBeLessThan(20);
  expect(inside.callers).toHaveLength(1);
  expect(inside.upstreams).toHaveLength(1);
  expect(warnings).toEqual([]);
});

describe('several requests at once on one connection', () => {
  const KINDS = ['plain', 'error', 'empty', 'stream', 'denied', 'expired', 'unknown'] as const;

  /** The bytes of one request, and what its answer must be. */
  function requestOf(
    relay: RelayFixture,
    number: number,
    kind: (typeof KINDS)[number],
    pace: number,
  ): [string, string] {
    const target = targetOf(relay);
    const line = lineOf(number, kind, pace);
    if (kind === 'denied') return [chatBytes(`${target}/x`, [line]), '403 path_denied'];
    if (kind === 'expired')
      return [chatBytes(targetOf(relay, { maxCalls: 0 }), [line]), '402 calls_exhausted'];
    if (kind === 'unknown')
      return [chatBytes(`${target.slice(0, 60)}/v1/models`, [line]), '401 token_invalid'];
    const answers = {
      plain: `200 ${number}`,
      error: `404 ${number}`,
      empty: '204 -',
      stream: `200 ${number}`,
    };
    return [chatBytes(target, [line]), answers[kind]];
  }

  it('are answered in their order, whole, refusals and streams among them, however long each takes', async () => {
    const up = await startUpstream();
    const relay = await relayBefore(up.origin);
    const batches = fc.sample(
      fc.array(fc.record({ kind: fc.constantFrom(...KINDS), pace: fc.nat(12) }), {
        minLength: 2,
        maxLength: 5,
      }),
      { numRuns: 80, seed: 20_261_202 },
    );
    let number = 0;
    for (const batch of batches) {
      const requests = batch.map(({ kind, pace }, i) => requestOf(relay, number + i, kind, pace));
      number += batch.length + 1;
      const expected = requests.map(([, answer]) => answer);
      const caller = await callWith(relay.port, requests.map(([bytes]) => bytes).join(''));
      await eventually(() => expect(read(caller.text)).toEqual(expected));
      // and the connection serves on
      const [bytes, answer] = requestOf(relay, number - 1, 'plain', 0);
      caller.socket.write(bytes);
      await eventually(() => expect(read(caller.text)).toEqual([...expected, answer]));
      caller.socket.destroy();
    }
  });

  it('behind a held stream wait for it, and come whole when it ends', async () => {
    const held: Socket[] = [];
    const up = await startCanary({
      say(socket, head) {
        if (!head.includes('hold')) return void socket.write(answerOf('{"number":"2"}'));
        held.push(socket);
        socket.write(STREAM + chunk('data: 1'));
      },
    });
    onTestFinished(() => up.close());
    const relay = await relayBefore(up.origin);
    const target = targetOf(relay);
    const caller = await callWith(relay.port, chatBytes(target, ['OpenAI-Beta: hold']) + chatBytes(target));
    await caller.until(/data: 1/);
    await eventually(() => expect(up.heads).toHaveLength(2));
    expect(answersIn(caller.text)).toHaveLength(1);
    held[0]?.write(`${chunk(' ...\n\n')}0\r\n\r\n`);
    await caller.until(/"number":"2"\}$/);
    expect(read(caller.text)).toEqual(['200 1', '200 2']);
  });
});

describe('a connection that is not to be kept', () => {
  it.each([
    ['HTTP/1.1', ['Connection: close'], 'close'],
    ['HTTP/1.0', [], 'close'],
    ['HTTP/1.0', ['Connection: keep-alive'], 'keep-alive'],
    ['HTTP/1.1', ['Connection: keep-alive'], 'keep-alive'],
  ])('%s with %j', async (version, lines, said) => {
    const up = await startUpstream();
    const relay = await relayBefore(up.origin);
    // without chunks only a length keeps a connection of HTTP/1.0
    const kinds = ['plain', 'error', 'denied', ...(version === 'HTTP/1.1' ? ['empty', 'stream'] : [])];
    for (const kind of kinds) {
      const target = targetOf(relay) + (kind === 'denied' ? '/x' : '');
      const bytes = chatBytes(target, [...lines, lineOf(1, kind)]).replace('HTTP/1.1', version);
      const answer = await sendRaw(relay.port, bytes);
      expect([kind, answer.complete, answer.headers['connection']]).toEqual([kind, true, said]);
      const caller = await callWith(relay.port, bytes + bytes);
      const count = said === 'close' ? 1 : 2;
      // the second request on a connection that closes is nobody's
      if (count === 1) await eventually(() => expect(caller.socket.closed).toBe(true));
      await eventually(() => expect(answersIn(caller.text)).toHaveLength(count));
    }
  });
});
