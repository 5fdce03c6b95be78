/**
 * What a caller sees of the order of checks, of refunds and of refusals, through the whole relay on both ways into it
 * (behaviour.md §1, §2, §4, §7). Holds the sentences that no other test would miss.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRaw } from '../support/raw-http.ts';
import {
  chatBody,
  codeOf,
  postChat,
  RELAY_PATHS,
  type RelayFixture,
  startRelay,
} from '../support/relay-fixture.ts';
import { createStepClock } from '../support/step-clock.ts';

describe.each(RELAY_PATHS)('on the %s path', (path) => {
  const clock = createStepClock(Math.floor(Date.now() / 1000) * 1000);
  let relay: RelayFixture;
  beforeAll(async () => {
    relay = await startRelay({ path, clock });
  });
  beforeEach(() => {
    relay.demo.reset();
    relay.lines.length = 0;
  });
  afterAll(() => relay.close());

  const post = (url: string, rest: string, headers: Record<string, string> = {}, body = chatBody()) =>
    fetch(`${url}${rest}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  describe('the first refusal wins', () => {
    it('the path before a nonce and before the size of a body', async () => {
      const url = relay.url({ replay: 'nonce', maxCalls: 5, maxRequestBytes: 10 });
      expect(await codeOf(await post(url, '/v1/files'))).toBe('403 path_denied');
      expect(await codeOf(await postChat(url))).toBe('400 nonce_missing');
      const nonce = { 'relay-nonce': 'a-nonce-of-its-own' };
      expect(await codeOf(await postChat(url, chatBody(), nonce))).toBe('413 request_too_large');
      expect(relay.demo.requests).toHaveLength(0);
    });

    it('the address before the origin, the origin before the path', async () => {
      const elsewhere = ['203.0.113.0/24'];
      const origins = ['https://app.example.com'];
      const both = relay.url({ allowedIps: elsewhere, allowedOrigins: origins });
      expect(await codeOf(await post(both, '/v1/files'))).toBe('403 ip_denied');
      expect(await codeOf(await post(relay.url({ allowedOrigins: origins }), '/v1/files'))).toBe(
        '403 origin_denied',
      );
    });
  });

  describe('relay-calls-remaining', () => {
    it('tells of the refund also when the upstream was not reached', async () => {
      const closed = await startRelay({ path });
      await closed.demo.close();
      const answer = await postChat(
        closed.url({ maxCalls: 3, allowedOrigins: ['https://a.example'] }),
        chatBody(),
        {
          origin: 'https://a.example',
        },
      );
      expect(answer.status).toBe(502);
      expect(answer.headers.get('relay-calls-remaining')).toBe('3');
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://a.example');
      await closed.close();
    });

    it('counts what was written and then lost', async () => {
      const answer = await postChat(relay.url({ maxCalls: 3 }), chatBody('demo-reset-before'));
      expect(answer.status).toBe(502);
      expect(answer.headers.get('relay-calls-remaining')).toBe('2');
    });

    it.each([
      ['demo-error-429', '3'],
      ['demo-error-503', '3'],
      ['demo-error-400', '2'],
      ['demo-html', '2'],
      ['demo-gzip', '2'],
      ['demo-redirect-307-https%3A%2F%2Fa.example%2F', '2'],
    ])('after %s says %s of 3', async (model, left) => {
      const answer = await postChat(relay.url({ maxCalls: 3 }), chatBody(model));
      expect(answer.headers.get('relay-calls-remaining')).toBe(left);
      expect(answer.headers.get('vary')).toBe('Origin');
    });
  });

  describe('an MCP path', () => {
    it('turns 401 into 403 with a JSON-RPC error, and the log says what was answered', async () => {
      const answer = await fetch(`${relay.origin}/relayapi/broken/mcp`, { method: 'POST', body: '{}' });
      expect(answer.status).toBe(403);
      expect(answer.headers.get('www-authenticate')).toBeNull();
      expect(answer.headers.get('x-should-retry')).toBe('false');
      const body = (await answer.json()) as object;
      expect(body).toMatchObject({
        jsonrpc: '2.0',
        id: null,
        error: { data: { code: 'token_invalid', status: 403 } },
      });
      expect(JSON.stringify(body)).not.toContain('request_id');
      expect(relay.lines.at(-1)).toMatchObject({
        message: 'refused',
        'http.response.status_code': 403,
        'error.type': 'token_invalid',
      });
    });
  });

  describe('a log line for each refusal', () => {
    it('has the status and code that the caller got, and nothing of the token', async () => {
      const url = relay.url({ maxCalls: 1, allowedModels: ['demo-chat'] });
      const token = url.split('/').at(-1) ?? '';
      expect((await postChat(url)).status).toBe(200);
      const asked: [() => Promise<Response>][] = [
        [() => post(`${relay.origin}/relayapi/${token.slice(0, -1)}`, '/v1/chat/completions')],
        [() => post(`${relay.origin}/relayapi/${token.slice(0, 40)}`, '/v1/chat/completions')],
        [() => post(`${relay.origin}/v1`, '/chat/completions')],
        [() => post(url, '/v1/files')],
        [() => post(url, '/v1/chat/completions', {}, chatBody('other'))],
        [() => post(url, '/v1/chat/completions')],
        [() => post(url, '/v1/chat//completions')],
        [() => post(url, '/v1/chat/completions', { 'content-encoding': 'gzip' })],
        [() => post(url, `/v1/chat/completions?x=${'y'.repeat(8300)}`)],
        [() => fetch(`${url}/v1/chat/completions`, { method: 'PROPFIND' })],
      ];
      for (const [ask] of asked) {
        relay.lines.length = 0;
        const answer = await ask();
        const code = (await codeOf(answer)).split(' ')[1];
        expect(relay.lines).toHaveLength(1);
        expect(relay.lines[0]).toMatchObject({
          message: 'refused',
          'http.response.status_code': answer.status,
          'error.type': code,
        });
        const text = JSON.stringify(relay.lines[0]);
        for (const part of token.split('.')) expect(text).not.toContain(part.slice(0, 24));
      }
    });
  });

  it('a line also for a caller that leaves while its body is looked into', async () => {
    const { pathname } = new URL(relay.url({ allowedModels: ['demo-chat'] }));
    const lines = ['Host: 127.0.0.1', 'Content-Type: application/json', 'Content-Length: 60000'];
    const socket = await openRaw(
      relay.port,
      `POST ${pathname}/v1/chat/completions HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n{"mo`,
    );
    socket.end();
    await expect.poll(() => relay.lines.length).toBe(1);
    expect(relay.lines[0]).toMatchObject({
      message: 'left',
      caller_gone: true,
      'url.path': '/relayapi/[token]/v1/chat/completions',
      issuer: 'shop',
    });
  });

  it('HEAD of the model list is refused like any other, without a body', async () => {
    const answer = await fetch(`${relay.url()}/v1/models`, { method: 'HEAD' });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(await answer.text()).toBe('');
  });

  it('an upstream that asks for an hour is told as a minute that is not to be tried, with the time', async () => {
    const answer = await postChat(relay.url(), chatBody('demo-error-429-retry-3600'));
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('60');
    expect(answer.headers.get('x-should-retry')).toBe('false');
    const at = Number(answer.headers.get('relay-retry-at'));
    expect(Math.abs(at - clock.nowMs() / 1000 - 3600)).toBeLessThan(2);
  });

  it('a rate that frees up in an hour is told the same way', async () => {
    const url = relay.url({ rateLimit: { requests: 1, perSeconds: 3600 }, expireSeconds: 7200 });
    expect((await postChat(url)).status).toBe(200);
    const refused = await postChat(url);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect(Number(refused.headers.get('relay-retry-at')) * 1000).toBeGreaterThanOrEqual(
      clock.nowMs() + 3_600_000,
    );
    expect(await codeOf(refused)).toBe('429 rate_limited');
  });

  it('a body of 64 KiB or less that comes below 1 KiB/s is given up after 10 s, looked into or not', async () => {
    for (const options of [{}, { allowedModels: ['demo-chat'] }]) {
      const url = relay.url({ maxCalls: 2, ...options });
      const { pathname } = new URL(url);
      const lines = ['Host: 127.0.0.1', 'Content-Type: application/json', 'Content-Length: 60000'];
      const start = `POST ${pathname}/v1/chat/completions HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n{"mo`;
      const socket = await openRaw(relay.port, start);
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      // a drip is not idle: only the clock shows how slow it is
      const drip = setInterval(() => socket.write('d'), 20);
      const clockwork = setInterval(() => clock.advance(5000), 50);
      await expect.poll(() => text).toMatch(/^HTTP\/1\.1 408 .*request_timeout/s);
      clearInterval(drip);
      clearInterval(clockwork);
      socket.destroy();
      expect((await postChat(url)).headers.get('relay-calls-remaining')).toBe('1');
    }
    expect(relay.demo.requests).toHaveLength(2);
  });

  it('a token of which not one call may run is told as spent, not as busy', async () => {
    const refused = await postChat(relay.url({ maxConcurrency: 0 }));
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect(await codeOf(refused)).toBe('402 calls_exhausted');
    expect(relay.demo.requests).toHaveLength(0);
  });

  it('a nonce is free again after a refund, and not after one that was turned down', async () => {
    const url = relay.url({ replay: 'nonce', maxCalls: 10, maxAttempts: 50 });
    const nonce = { 'relay-nonce': 'one-nonce-for-all-of-it' };
    for (let i = 0; i < 2; i += 1) {
      expect((await postChat(url, chatBody('demo-error-500'), nonce)).status).toBe(500);
    }
    relay.demo.next(({ response, readBody }) => {
      void readBody().then(() => {
        clock.advance(6000);
        response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"late"}}');
      });
    });
    expect((await postChat(url, chatBody(), nonce)).headers.get('relay-calls-remaining')).toBe('9');
    expect(await codeOf(await postChat(url, chatBody(), nonce))).toBe('403 nonce_replayed');
  });
});
