// house: real time, since real callers leave real sockets here.
/**
 * Callers that leave at any moment, before the real program: nothing is held afterwards, every lease is free, no call counts twice
 * (behaviour spec §2, §5). A58: no handle leak.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerOf, type Canary, startCanary } from '../hostile/canary.ts';
import { ask, chatRequest } from './asking.ts';
import { type Station, startStation } from './station.ts';

let up: Canary;
let station: Station;

const EVENT = 'data: {"choices":[{"delta":{"content":"x"}}]}\n\n';
/** Events for ever, a few at a time, so that callers leave in the middle. */
const stream = (socket: Socket) => {
  socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
  const timer = setInterval(() => socket.write(EVENT), 5);
  socket.on('close', () => clearInterval(timer));
};

beforeAll(async () => {
  up = await startCanary();
  station = await startStation({
    upstream: up.origin,
    counted: true,
    config: { server: { read_timeout: 2, body_idle_timeout: 2, write_timeout: 2, keep_alive_timeout: 2 } },
  });
  up.say(answerOf('{}'));
  for (let i = 0; i < 50; i += 1) await ask(station.port, chatRequest(station.target()));
  up.hangUp();
  up.reset();
  await station.rest();
});
afterAll(async () => {
  await station.stop('SIGKILL');
  await up.close();
});

/** Connects, sends the first `cut` bytes of a request, waits, and is gone, with a reset or without. */
async function visit(bytes: string, { cut, afterMs, reset, answered }: Visit): Promise<void> {
  const socket = connect(station.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes.slice(0, cut), 'latin1');
  if (answered) await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  if (reset) socket.resetAndDestroy();
  else socket.destroy();
}

interface Visit {
  readonly cut: number;
  readonly afterMs: number;
  readonly reset: boolean;
  readonly answered: boolean;
}

it('A58 two thousand callers that leave at random moments: nothing is held, every place is free, no call counts twice', async () => {
  up.say(stream);
  const CALLERS = 2000;
  const AT_ONCE = 100;
  const LEASES = 64;
  // read as it passes, and looked into: the two ways of a body
  const tokens = [
    station.target({ maxCalls: 10_000, maxConcurrency: LEASES }),
    station.target({ maxCalls: 10_000, maxConcurrency: LEASES, allowedModels: ['m'] }),
  ];
  const requests = tokens.flatMap((target) => [
    chatRequest(target),
    chatRequest(target, JSON.stringify({ model: 'm', messages: [], pad: 'x'.repeat(100_000) })),
  ]);
  // 0: before a byte, 1: in the head, 2: in the body, 3: after the request, 4: in the answer
  const moments = fc.sample(
    fc.record({
      moment: fc.nat(4),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      afterMs: fc.nat(60),
      reset: fc.boolean(),
    }),
    { numRuns: CALLERS, seed: 20_261_120 },
  );
  let next = 0;
  async function worker(): Promise<void> {
    for (let i = next++; i < CALLERS; i = next++) {
      const { moment, part, afterMs, reset } = moments[i] ?? { moment: 0, part: 0, afterMs: 0, reset: false };
      const bytes = requests[i % requests.length] ?? '';
      const headBytes = bytes.indexOf('\r\n\r\n') + 4;
      const cuts = [
        0,
        part * headBytes,
        headBytes + part * (bytes.length - headBytes - 1),
        bytes.length,
        bytes.length,
      ];
      await visit(bytes, { cut: Math.floor(cuts[moment] ?? 0), afterMs, reset, answered: moment === 4 });
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const reached = up.heads.length;
  expect(reached).toBeGreaterThan(CALLERS / 5);
  // a connection that was dialled for a caller who then left waits in the pool for the next one, 60 s at most
  await expect.poll(() => station.excess(), { timeout: 90_000 }).toEqual({});

  up.say(answerOf('{}'));
  let spent = 0;
  for (const target of tokens) {
    // every place is free: as many calls at once as the token may have
    const answers = await Promise.all(
      Array.from({ length: LEASES }, () => ask(station.port, chatRequest(target))),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const last = await ask(station.port, chatRequest(target));
    spent += 10_000 - Number(last.headers['relay-calls-remaining']) - LEASES - 1;
  }
  // what reached the upstream counts once; a caller that left while its body was on the way may count without having been seen whole
  expect(spent).toBeGreaterThanOrEqual(reached);
  expect(spent).toBeLessThanOrEqual(CALLERS);
  console.log(
    `figures of A58: ${CALLERS} callers left, ${reached} requests reached the upstream, ${spent} counted`,
  );
  up.hangUp();
  await expect.poll(() => station.excess(), { timeout: 30_000 }).toEqual({});
}, 200_000);
