// house: real time, since a real process runs out of real file descriptors here.
/** A process that has no file descriptor left: it refuses what it cannot do, says so in its log, and goes on when there are some again. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerOf, type Canary, startCanary } from '../hostile/canary.ts';
import { wordOf } from '../hostile/reading.ts';
import { ask, chatRequest } from './asking.ts';
import { type Station, startStation } from './station.ts';

let up: Canary;
let station: Station;
const LIMIT = 64;

beforeAll(async () => {
  up = await startCanary({ say: answerOf('{}') });
  station = await startStation({
    upstream: up.origin,
    openFiles: LIMIT,
    config: {
      server: { read_timeout: 60 },
      upstream: { allow_private: [`127.0.0.1:${up.port}`], connect_timeout: 2 },
    },
  });
});
afterAll(async () => {
  await station.stop('SIGKILL');
  await up.close();
});

it('A56 without a free file descriptor the program lives, says so, and serves again once there are some', async () => {
  expect((await ask(station.port, chatRequest(station.target()))).status).toBe(200);
  up.hangUp();
  const first = connect(station.port, '127.0.0.1');
  await once(first, 'connect');
  first.on('error', () => {});
  const crowd: Socket[] = [];
  for (let i = 0; i < 2 * LIMIT; i += 1) {
    const socket = connect(station.port, '127.0.0.1');
    socket.on('error', () => {});
    crowd.push(socket);
  }
  await expect.poll(() => station.openFiles()).toBeGreaterThanOrEqual(LIMIT - 1);
  // a caller that is in already needs a descriptor towards the upstream, and there is none
  const answer = new Promise<string>((resolve) => first.once('data', (chunk) => resolve(String(chunk))));
  first.write(chatRequest(station.target()));
  const text = await answer;
  const [head = '', body = ''] = text.split('\r\n\r\n');
  expect(wordOf(Number(head.split(' ')[1]), body)).toBe('502 upstream_unreachable');
  await expect.poll(() => station.server.stdout() + station.server.stderr()).toMatch(/EMFILE/);

  for (const socket of [first, ...crowd]) socket.destroy();
  const again = async () => (await ask(station.port, chatRequest(station.target()))).status;
  await expect.poll(again, { timeout: 20_000 }).toBe(200);
  expect(station.server.child.exitCode).toBeNull();
});
