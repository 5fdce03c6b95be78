/** Calls, attempts, rate, concurrency and replay as a caller meets them, the same on every way into the relay (behaviour.md §2, §3). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatBody,
  codeOf,
  postChat,
  RELAY_PATHS,
  type RelayFixture,
  startRelay,
  UPSTREAM_KEY,
} from '../support/relay-fixture.ts';
import { createStepClock } from '../support/step-clock.ts';

describe.each(RELAY_PATHS)('limits on the %s path', (path) => {
  let clock: ReturnType<typeof createStepClock>;
  let relay: RelayFixture;
  beforeAll(async () => {
    clock = createStepClock(Math.floor(Date.now() / 1000) * 1000);
    relay = await startRelay({ path, clock });
  });
  beforeEach(() => relay.demo.reset());
  afterAll(() => relay.close());

  /** How many more calls a token has, spent one by one. */
  async function callsLeft(url: string): Promise<number> {
    for (let made = 0; made < 50; made += 1) {
      const response = await postChat(url);
      await response.body?.cancel();
      if (response.status === 402) return made;
    }
    return 50;
  }

  describe('A37 the outcome table', () => {
    it('counts an answer, whatever the caller does with it', async () => {
      const url = relay.url({ maxCalls: 5 });
      for (const model of ['demo-chat', 'demo-error-400', 'demo-error-404', 'demo-error-422']) {
        await (await postChat(url, chatBody(model))).text();
      }
      expect(await callsLeft(url)).toBe(1);
    });

    it('counts nothing that was refused before the reservation', async () => {
      const url = relay.url({ maxCalls: 2, allowedModels: ['demo-chat'], maxRequestBytes: 200 });
      expect((await postChat(url, chatBody('demo-large'))).status).toBe(403);
      expect((await postChat(url, chatBody('demo-chat', { pad: 'x'.repeat(300) }))).status).toBe(413);
      expect((await fetch(`${url}/v1/files`)).status).toBe(403);
      expect(await callsLeft(url)).toBe(2);
    });

    it('A51 counts no preflight', async () => {
      const url = relay.url({ maxCalls: 1 });
      for (let i = 0; i < 5; i += 1) {
        const response = await fetch(`${url}/v1/chat/completions`, {
          method: 'OPTIONS',
          headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
        });
        expect(response.status).toBe(204);
      }
      expect(await callsLeft(url)).toBe(1);
    });

    it('gives a call back when the upstream is not reached', async () => {
      const closed = await startRelay({ path });
      await closed.demo.close();
      const url = closed.url({ maxCalls: 1, maxAttempts: 3 });
      for (let i = 0; i < 3; i += 1)
        expect(await codeOf(await postChat(url))).toBe('502 upstream_unreachable');
      expect(await codeOf(await postChat(url))).toBe('402 attempts_exhausted');
      await closed.close();
    });

    it('counts a request that was written and then reset', async () => {
      const url = relay.url({ maxCalls: 1 });
      expect((await postChat(url, chatBody('demo-reset-before'))).status).toBe(502);
      expect(await codeOf(await postChat(url))).toBe('402 calls_exhausted');
    });

    it('gives a call back on 429, and says so in relay-calls-remaining', async () => {
      const url = relay.url({ maxCalls: 1 });
      const limited = await postChat(url, chatBody('demo-error-429'));
      expect(limited.status).toBe(429);
      expect(limited.headers.get('relay-calls-remaining')).toBe('1');
      expect(await callsLeft(url)).toBe(1);
    });

    it('gives a call back for the operator’s own credential trouble', async () => {
      const url = relay.url({ maxCalls: 1, apiKey: `${UPSTREAM_KEY}-401` });
      expect(await codeOf(await postChat(url, chatBody('demo-error-401')))).toBe('502 upstream_auth');
      // The credential rests after that; the call itself is not spent.
      expect(await codeOf(await postChat(url))).toBe('502 upstream_auth');
    });

    it('gives two calls back for 5xx, later ones only within five seconds', async () => {
      const url = relay.url({ maxCalls: 1, maxAttempts: 20 });
      for (let i = 0; i < 4; i += 1)
        expect((await postChat(url, chatBody('demo-error-503'))).status).toBe(503);
      relay.demo.next(({ response, readBody }) => {
        void readBody().then(() => {
          clock.advance(6000);
          response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"late"}}');
        });
      });
      expect((await postChat(url)).status).toBe(500);
      expect(await codeOf(await postChat(url))).toBe('402 calls_exhausted');
    });

    it('ends refunds at the attempts', async () => {
      const url = relay.url({ maxCalls: 1, maxAttempts: 3 });
      for (let i = 0; i < 3; i += 1)
        expect((await postChat(url, chatBody('demo-error-429'))).status).toBe(429);
      expect(await codeOf(await postChat(url))).toBe('402 attempts_exhausted');
    });

    it('counts a call whose caller left after the first byte', async () => {
      const url = relay.url({ maxCalls: 1 });
      const leave = new AbortController();
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: chatBody('demo-chunks-1000-20', { stream: true }),
        signal: leave.signal,
      });
      await response.body?.getReader().read();
      leave.abort();
      expect(await codeOf(await postChat(url))).toBe('402 calls_exhausted');
    });
  });

  it('holds a rate over any window and says when to come back', async () => {
    const url = relay.url({ rateLimit: { requests: 2, perSeconds: 10 } });
    expect((await postChat(url)).status).toBe(200);
    clock.advance(4000);
    expect((await postChat(url)).status).toBe(200);
    const refused = await postChat(url);
    expect(refused.headers.get('retry-after')).toBe('6');
    expect(await codeOf(refused)).toBe('429 rate_limited');
    clock.advance(5999);
    expect((await postChat(url)).status).toBe(429);
    clock.advance(2);
    expect((await postChat(url)).status).toBe(200);
    expect((await postChat(url)).status).toBe(429);
    expect(relay.demo.requests).toHaveLength(3);
  });

  it('A40 holds concurrency while streams run and frees it when they end', async () => {
    const url = relay.url({ maxConcurrency: 2 });
    const running = await Promise.all(
      [1, 2].map(() => postChat(url, chatBody('demo-chunks-100-20', { stream: true }))),
    );
    expect(await codeOf(await postChat(url))).toBe('429 concurrency_limited');
    await running[0]?.body?.cancel();
    await expect.poll(async () => (await postChat(url)).status, { timeout: 3000 }).toBe(200);
    await running[1]?.body?.cancel();
  });

  it('A43 lets one nonce through once, also in parallel', async () => {
    const url = relay.url({ replay: 'nonce', maxCalls: 100 });
    expect(await codeOf(await postChat(url))).toBe('400 nonce_missing');
    const nonce = { 'relay-nonce': 'n0nce-n0nce-n0nce-n0nce' };
    const answers = await Promise.all(Array.from({ length: 200 }, () => postChat(url, chatBody(), nonce)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.find(({ status }) => status !== 200);
    expect(refused && (await codeOf(refused))).toBe('403 nonce_replayed');
    expect(relay.demo.requests).toHaveLength(1);
    expect((await postChat(url, chatBody(), { 'relay-nonce': 'another-nonce-0001' })).status).toBe(200);
  });

  it('sends one Idempotency-Key up once, hashed, and releases it with a refund', async () => {
    const url = relay.url({ replay: 'idempotency', maxCalls: 10 });
    const key = { 'idempotency-key': 'order-0001-attempt-1' };
    expect((await postChat(url, chatBody('demo-error-429'), key)).status).toBe(429);
    expect((await postChat(url, chatBody(), key)).status).toBe(200);
    const again = await postChat(url, chatBody(), key);
    expect(again.headers.get('x-should-retry')).toBe('false');
    expect(await codeOf(again)).toBe('409 idempotency_replayed');
    const sent = relay.demo.requests.map(({ headers }) => headers['idempotency-key']);
    expect(sent[0]).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(sent[1]).toBe(sent[0]);
  });

  it('ends a token at its exp', async () => {
    const url = relay.url({ expireSeconds: 60, maxCalls: 5 });
    const age = Math.ceil((clock.nowMs() - Date.now()) / 1000);
    expect((await postChat(relay.url({ expireSeconds: 3600 + age }))).status).toBe(200);
    clock.advance(61_000);
    expect(await codeOf(await postChat(url))).toBe('401 token_expired');
  });
});
