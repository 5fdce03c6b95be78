// house: real time, since a real process stops and cuts real uploads here.
/** A34 and A60 under pressure, before the real program: bodies over the limit by the hundred, and a stop in the middle of an attack. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { answerOf, type Canary, startCanary } from '../hostile/canary.ts';
import { wordOf } from '../hostile/reading.ts';
import { type Asked, ask, chatRequest } from './asking.ts';
import { MIB, type Station, type StationOptions, startStation } from './station.ts';

let up: Canary;
const stations: Station[] = [];
const callers = new Set<Socket>();
beforeAll(async () => {
  up = await startCanary();
});
afterEach(async () => {
  for (const socket of callers) socket.destroy();
  for (const station of stations.splice(0)) await station.stop('SIGKILL');
  up.reset();
});
afterAll(() => up.close());

async function start(options: Partial<StationOptions> = {}): Promise<Station> {
  const station = await startStation({ upstream: up.origin, ...options });
  stations.push(station);
  return station;
}

async function open(station: Station, bytes: string): Promise<Socket> {
  const socket = connect(station.port, '127.0.0.1');
  socket.on('error', () => {});
  callers.add(socket);
  await once(socket, 'connect');
  if (bytes !== '') socket.write(bytes, 'latin1');
  return socket;
}

/** Sends chunks without end until the relay hangs up; `sent` counts what the socket took. */
async function pourChunks(station: Station, target: string): Promise<Asked & { sent: number }> {
  const head =
    `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n` +
    'Transfer-Encoding: chunked\r\n\r\n';
  const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`;
  let sent = 0;
  const answer = await ask(station.port, head, (socket) => {
    const push = () => {
      while (socket.writable && !socket.destroyed) {
        sent += 0x4000;
        if (!socket.write(chunk)) return void socket.once('drain', push);
      }
    };
    push();
  });
  return { ...answer, sent };
}

it.each<[what: string, claims: object]>([
  ['passed on', {}],
  ['looked into', { allowedModels: ['m'] }],
])(
  'A34 sixty bodies without end, %s: each is cut at the limit, nothing beyond it goes up or stays in memory',
  async (_what, claims) => {
    const LIMIT = 100_000;
    const station = await start({ counted: true });
    up.say(answerOf('{}'));
    for (let i = 0; i < 50; i += 1) await ask(station.port, chatRequest(station.target()));
    up.hangUp();
    up.reset();
    await station.rest();
    const kept = async () => {
      const { heapBytes, externalBytes } = await station.held('collect');
      return heapBytes + externalBytes;
    };
    const before = await kept();
    const lengths: number[] = [];
    up.say((socket) => void socket.once('close', () => lengths.push(socket.bytesRead)));
    const target = station.target({ ...claims, maxRequestBytes: LIMIT, maxCalls: 1000, maxConcurrency: 20 });
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => pourChunks(station, target)));
      for (const { status, body } of answers) {
        // the relay reads on for a second or a mebibyte; a caller that never stops may then lose the answer to a reset
        expect(['413 request_too_large', '0 -']).toContain(wordOf(status, body));
      }
      expect(answers.some(({ status }) => status === 413)).toBe(true);
    }
    await expect.poll(() => station.excess(), { timeout: 20_000 }).toEqual({});
    expect((await kept()) - before).toBeLessThan(16 * MIB);
    // the head and the framing of the chunks beside the limit
    for (const length of lengths) expect(length).toBeLessThan(LIMIT + 4096);
    expect(up.heads.length > 0).toBe(Object.keys(claims).length === 0);
    up.say(answerOf('{}'));
    const after = await ask(station.port, chatRequest(target));
    expect(Number(after.headers['relay-calls-remaining'])).toBe(1000 - up.heads.length);
  },
  120_000,
);

it('A60 SIGTERM in the middle of an attack: a running answer ends, the rest is broken off in time, counts are kept, exit 0', async () => {
  const DRAIN_SECONDS = 3;
  const station = await start({
    config: { server: { drain_timeout: DRAIN_SECONDS, read_timeout: 60, body_idle_timeout: 60 } },
  });
  const EVENT = 'data: {"a":1}\n\n';
  up.say((socket, head) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
    let left = head.includes('/responses') ? 40 : Number.POSITIVE_INFINITY;
    const timer = setInterval(() => {
      left -= 1;
      if (left > 0) socket.write(EVENT.repeat(left === Number.POSITIVE_INFINITY ? 200 : 1));
      else socket.end('data: [DONE]\n\n');
    }, 50);
    socket.on('close', () => clearInterval(timer));
  });
  const target = station.target();
  const idle = await Promise.all(Array.from({ length: 500 }, () => open(station, '')));
  await Promise.all(
    Array.from({ length: 100 }, () => open(station, 'POST /relayapi/x HTTP/1.1\r\nX-Slow: ')),
  );
  const upload = chatRequest(target).replace(/Content-Length: \d+/, 'Content-Length: 90000');
  await Promise.all(Array.from({ length: 50 }, () => open(station, upload)));
  const stalled = await Promise.all(Array.from({ length: 30 }, () => open(station, chatRequest(target))));
  for (const socket of stalled) socket.pause();
  await expect.poll(() => station.liveCalls(), { timeout: 20_000 }).toBe(80);
  const { promise: begun, resolve: begin } = Promise.withResolvers<unknown>();
  const short = ask(station.port, chatRequest(target.replace('/chat/completions', '/responses')), (socket) =>
    socket.once('data', begin),
  );
  await begun;

  const startedAt = performance.now();
  station.server.child.kill('SIGTERM');
  const running = await short;
  expect(running.complete).toBe(true);
  expect(running.body).toContain('[DONE]');
  const { code, signal, stderr } = await station.server.ended;
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  // A60 names the bound: `drain_timeout`, and room for a loaded machine to leave
  expect(performance.now() - startedAt).toBeLessThan((DRAIN_SECONDS + 15) * 1000);
  await expect.poll(() => idle.filter(({ destroyed }) => !destroyed).length, { timeout: 10_000 }).toBe(0);
  // every call was settled: each that reached the upstream has its line
  const settled = station.server
    .stdout()
    .split('\n')
    .filter((line) => line.includes('"upstream_status":200')).length;
  expect(settled).toBe(up.heads.length);
}, 60_000);
