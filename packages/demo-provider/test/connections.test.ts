/** What happens to a connection after an answer: kept, reused, pipelined, or closed when a body was left unread. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type DemoProvider, startDemoProvider } from '../src/index.ts';
import { chatRequest, talk } from './wire.ts';

/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };

let provider: DemoProvider;
beforeAll(async () => {
  provider = await startDemoProvider();
});
afterAll(() => provider.close());
beforeEach(() => provider.reset());

function post(agent: Agent, model: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: 'Bearer sk-demo-not-a-key' };
    const options = {
      agent,
      port: provider.port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/v1/chat/completions',
    };
    const sent = request({ ...options, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ model, messages: [{ role: 'user', content: 'x' }] }));
  });
}

test('a kept connection serves answers, errors and streams in turn', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const models = [
    'demo',
    'demo-error-500',
    'demo-nothing',
    'demo-gzip',
    'demo-trailer',
    'demo-status-204',
    'demo',
  ];
  const statuses = [];
  for (const model of models) statuses.push(await post(agent, model));
  expect(statuses).toEqual([200, 500, 400, 200, 200, 204, 200]);
  expect(new Set(provider.requests.map(({ socketId }) => socketId)).size).toBe(1);
  agent.destroy();
});

test('close-after takes the connection away, so the next request gets a new one', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const model of ['demo-close-after', 'demo']) expect(await post(agent, model)).toBe(200);
  expect(provider.counters.connections).toBe(2);
  agent.destroy();
});

test('pipelined requests are answered in order', async () => {
  const bytes = chatRequest('demo-delay-30+say-first') + chatRequest('demo-say-second+close-after');
  const { text } = await talk(provider.port, bytes);
  expect(text.indexOf('"first"')).toBeGreaterThan(0);
  expect(text.indexOf('"second"')).toBeGreaterThan(text.indexOf('"first"'));
});

test('a body in chunks is put together, and its trailing part may come late', async () => {
  const body = JSON.stringify({
    model: 'demo-close-after',
    messages: [{ role: 'user', content: 'in parts' }],
  });
  const socket = connect(provider.port, '127.0.0.1');
  await once(socket, 'connect');
  const head =
    'POST /v1/chat/completions HTTP/1.1\r\nhost: demo\r\nx-api-key: k\r\ntransfer-encoding: chunked\r\n\r\n';
  socket.write(`${head}5\r\n${body.slice(0, 5)}\r\n`);
  await provider.waitFor((one) => one.bodyBytes === 5);
  expect(provider.requests[0]?.complete).toBe(false);
  socket.write(`${(body.length - 5).toString(16)}\r\n${body.slice(5)}\r\n0\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('in parts');
  expect(provider.requests[0]).toMatchObject({ complete: true, bodyBytes: body.length });
  expect(provider.requests[0]?.body.toString()).toBe(body);
  socket.destroy();
});

test('a connection that never sends anything counts as a connection and as no request', async () => {
  const socket = connect(provider.port, '127.0.0.1');
  await once(socket, 'connect');
  await expect.poll(() => provider.counters.connections).toBe(1);
  expect(provider.counters.requests).toBe(0);
  const open = provider.connections();
  socket.destroy();
  await expect.poll(() => provider.connections()).toBe(open - 1);
});

test('a caller that leaves in the middle of a paced stream is noticed within 100 ms', REAL_TIME, async () => {
  const socket = connect(provider.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(chatRequest('demo-chunks-1000-20', { stream: true }));
  await once(socket, 'data');
  const left = Date.now();
  socket.destroy();
  const record = await provider.waitFor((one) => one.closedAt !== null);
  expect(record).toMatchObject({ closedEarly: true, cut: false, status: 200 });
  expect((record.closedAt ?? 0) - left).toBeLessThan(100);
});

test('a half-closed caller still gets its answer', async () => {
  const socket = connect({ port: provider.port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  await once(socket, 'connect');
  socket.end(chatRequest('demo'));
  await once(socket, 'end');
  expect(text).toContain('HTTP/1.1 200');
  socket.destroy();
});

test('unread bodies are let go after an early answer, and the connection goes on', async () => {
  const body = JSON.stringify({ model: 'demo-early+error-413', messages: [], filler: 'x'.repeat(2_000_000) });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: demo\r\nx-api-key: k\r\ncontent-length: ${body.length}\r\n\r\n`;
  const { text } = await talk(provider.port, head + body + chatRequest('demo-say-after+close-after'));
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
});
