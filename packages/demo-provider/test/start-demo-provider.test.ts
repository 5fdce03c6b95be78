/** The server itself: hooks, counters, records, endings, TLS. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DemoProvider, startDemoProvider } from '../src/index.ts';
import { chatRequest, talk } from './wire.ts';

const KEY = 'sk-demo-not-a-key';
let provider: DemoProvider;
beforeAll(async () => {
  provider = await startDemoProvider();
});
afterAll(() => provider.close());
beforeEach(() => provider.reset());

const ask = (model = 'demo', init: RequestInit = {}): Promise<Response> =>
  fetch(`${provider.origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'x' }] }),
    ...init,
  });

describe('hooks', () => {
  test('handle sees every request first and may leave it', async () => {
    const seen: string[] = [];
    provider.handle = (request, response) => {
      seen.push(request.url ?? '');
      if (request.url !== '/mine') return false;
      response.end('by hand');
      return true;
    };
    expect(await (await fetch(`${provider.origin}/mine`)).text()).toBe('by hand');
    expect((await ask()).status).toBe(200);
    expect(seen).toEqual(['/mine', '/v1/chat/completions']);
  });

  test('next queues knobs and responders, one for each request', async () => {
    provider.next('demo-error-503', ({ response }) => void response.writeHead(299).end(), 'demo-status-202');
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask()).status);
    expect(statuses).toEqual([503, 299, 202, 200]);
  });

  test('queued steps go to parallel requests once each', async () => {
    provider.next(...Array.from({ length: 10 }, () => 'demo-error-418'));
    const statuses = await Promise.all(Array.from({ length: 30 }, async () => (await ask()).status));
    expect(statuses.filter((status) => status === 418)).toHaveLength(10);
  });

  test('script takes a function, a queue, or null', async () => {
    provider.script(({ recorded }) => (recorded.index % 2 === 0 ? 'demo-error-500' : undefined));
    expect([(await ask()).status, (await ask()).status]).toEqual([500, 200]);
    provider.script(['demo-error-501']);
    expect([(await ask()).status, (await ask()).status]).toEqual([501, 200]);
    provider.script(() => 'demo-error-502');
    provider.script(null);
    expect((await ask()).status).toBe(200);
  });

  test('scripted knobs and those of the model add up', async () => {
    provider.next('demo-status-203');
    const response = await ask('demo-say-both');
    expect([response.status, await response.text()]).toEqual([203, expect.stringContaining('"both"')]);
  });

  test('a responder may read the body, write raw bytes and cut', async () => {
    provider.next(async ({ readBody, socket, cut }) => {
      const body = await readBody();
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n${body.length > 10 ? 'yes' : 'no!'}`);
      cut();
    });
    const { text } = await talk(provider.port, chatRequest('demo-error-500'));
    expect(text.endsWith('yes')).toBe(true);
    expect(provider.requests[0]).toMatchObject({ complete: true, cut: true });
  });

  test('a responder that throws costs its connection and is told to the log', async () => {
    const told: string[] = [];
    const other = await startDemoProvider({ log: (message) => told.push(message) });
    other.next(() => {
      throw new Error('planted');
    });
    expect((await talk(other.port, chatRequest('demo'))).text).toBe('');
    expect(told.join()).toContain('planted');
    expect((await talk(other.port, chatRequest('demo-close-after'))).text).toContain('200 OK');
    await other.close();
  });
});

describe('records and counts', () => {
  test('a request is recorded as it came', async () => {
    await talk(
      provider.port,
      'GET /a%2fb//c?x=%20 HTTP/1.1\r\nhOsT: demo\r\nX-Y:  1 \r\nx-y: 2\r\nconnection: close\r\n\r\n',
    );
    expect(provider.requests[0]).toMatchObject({
      method: 'GET',
      rawTarget: '/a%2fb//c?x=%20',
      rawHeaders: ['hOsT', 'demo', 'X-Y', '1', 'x-y', '2', 'connection', 'close'],
      complete: true,
      status: 401,
      closedEarly: false,
    });
  });

  test('requests on one connection share its number', async () => {
    const pair = chatRequest('demo') + chatRequest('demo-close-after');
    await talk(provider.port, pair);
    await talk(provider.port, chatRequest('demo-close-after'));
    const [a, b, c] = provider.requests.map((request) => request.socketId);
    expect(a).toBe(b);
    expect(c).not.toBe(a);
    expect(provider.counters).toMatchObject({ requests: 3, connections: 2 });
  });

  test('open connections and requests in flight are counted as they are', async () => {
    const gone = new AbortController();
    const pending = [1, 2, 3].map(() => ask('demo-hang', { signal: gone.signal }).catch(() => null));
    await provider.waitFor((request) => request.index === 2 && request.complete);
    expect(provider.counters).toMatchObject({ inFlight: 3, peakInFlight: 3 });
    expect(provider.connections()).toBeGreaterThanOrEqual(3);
    gone.abort();
    await Promise.all(pending);
    await provider.waitFor(() => provider.requests.every((request) => request.closedAt !== null));
    expect(provider.counters).toMatchObject({ inFlight: 0, peakInFlight: 3 });
  });

  // retry: a bound on real time
  test('a caller that leaves in the middle of its body is closed early and incomplete', {
    retry: 3,
  }, async () => {
    const socket = connect(provider.port, '127.0.0.1', () => socket.write(chatRequest('demo').slice(0, -5)));
    await provider.waitFor((request) => request.bodyBytes > 0);
    const before = Date.now();
    socket.destroy();
    const request = await provider.waitFor((one) => one.closedAt !== null);
    expect(request).toMatchObject({ complete: false, closedEarly: true, status: null });
    expect((request.closedAt ?? 0) - before).toBeLessThan(100);
  });

  test('bytes that are not HTTP count as malformed and no request', async () => {
    await talk(provider.port, 'nonsense\r\n\r\n');
    expect(provider.counters).toMatchObject({ malformed: 1, requests: 0 });
  });

  test('reset forgets records, counts, hooks and failures, not connections', async () => {
    await ask('demo-flaky-1');
    provider.next('demo-error-500');
    provider.handle = () => true;
    const { requests } = provider;
    provider.reset();
    expect(requests).toHaveLength(0);
    expect(provider.handle).toBeNull();
    expect(provider.counters).toMatchObject({ requests: 0, connections: 0 });
    expect([(await ask('demo-flaky-1')).status, (await ask('demo-flaky-1')).status]).toEqual([503, 200]);
  });

  // retry: the kernel's queue of new connections may overflow under a burst on a loaded machine
  test('five thousand parallel requests are all answered and all recorded', {
    retry: 3,
    timeout: 60_000,
  }, async () => {
    provider.reset();
    const answers = await Promise.all(
      Array.from({ length: 5_000 }, () =>
        talk(provider.port, chatRequest('demo'), (text) => text.endsWith('}')),
      ),
    );
    expect(answers.every(({ text }) => text.startsWith('HTTP/1.1 200'))).toBe(true);
    expect(provider.requests).toHaveLength(5_000);
    expect(provider.counters.requests).toBe(5_000);
  });
});

describe('life', () => {
  test('a list of keys refuses all others', async () => {
    const strict = await startDemoProvider({ keys: ['sk-demo-one', 'sk-demo-two'] });
    const status = async (key: string) =>
      (await fetch(`${strict.origin}/v1/models`, { headers: { 'x-api-key': key } })).status;
    expect([await status('sk-demo-two'), await status('sk-demo-two#demo-status-202')]).toEqual([200, 202]);
    expect([await status('sk-demo-three'), await status('')]).toEqual([401, 401]);
    await strict.close();
  });

  test('keep bounds the records and pace slows a stream', async () => {
    const small = await startDemoProvider({ keep: 1, paceMs: 10 });
    const started = performance.now();
    for (const end of ['demo-say-a b c+close-after', 'demo-close-after']) {
      await talk(small.port, chatRequest(end, { stream: end.includes('say') }));
    }
    expect(small.requests.map((request) => request.index)).toEqual([1]);
    expect(performance.now() - started).toBeGreaterThan(45);
    await small.close();
  });

  test('dropConnections closes idle ones and the server goes on', async () => {
    const socket = connect(provider.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(chatRequest('demo'));
    await once(socket, 'data');
    provider.dropConnections();
    await once(socket, 'close');
    expect((await ask()).status).toBe(200);
  });

  test('close ends hanging requests and frees the port', async () => {
    const other = await startDemoProvider();
    const hanging = talk(other.port, chatRequest('demo-hang'));
    await other.waitFor((request) => request.complete);
    await other.close();
    expect((await hanging).text).toBe('');
    const again = await startDemoProvider({ port: other.port });
    expect(again.port).toBe(other.port);
    await again.close();
  });

  test('a taken port is an error', async () => {
    await expect(startDemoProvider({ port: provider.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('main prints its origin and ends well on SIGTERM', async () => {
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
    const child = spawn(process.execPath, ['--conditions=relayapi-source', main, '--port', '0']);
    const [printed] = (await once(child.stdout, 'data')) as [Buffer];
    const origin = printed.toString().trim();
    expect((await fetch(`${origin}/v1/models`, { headers: { 'x-api-key': KEY } })).status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
