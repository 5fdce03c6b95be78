/** What passes between caller and upstream, and what never does, the same on every way into the relay (behaviour.md §5, §6). */
import { createHash } from 'node:crypto';
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

/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };

describe.each(RELAY_PATHS)('passage on the %s path', (path) => {
  let relay: RelayFixture;
  beforeAll(async () => {
    relay = await startRelay({ path });
  });
  beforeEach(() => relay.demo.reset());
  afterAll(() => relay.close());

  it('A32 forwards bodies byte for byte when nothing is rewritten', async () => {
    const odd =
      '{ "model" : "demo-chat",\t"messages":[{"role":"user","content":"\\u00e4 \\ud83d\\ude00 ü"}],\n"seed": 12345678901234567890, "x":1.0e+2 }';
    const large = chatBody('demo-chat', { pad: 'x'.repeat(300_000) });
    for (const body of [odd, large, chatBody()]) {
      relay.demo.reset();
      expect((await postChat(relay.url(), body)).status).toBe(200);
      expect(relay.demo.requests[0]?.sha256).toBe(createHash('sha256').update(body).digest('hex'));
    }
  });

  it('A33 changes only what set and cap name', async () => {
    const body =
      '{"seed": 12345678901234567890,"model":"gpt-huge" ,"max_tokens":  9999, "messages":[{"role":"user","content":"\\u0061"}]}';
    const url = relay.url({ set: { model: 'demo-chat' }, cap: { max_tokens: 16 } });
    expect((await postChat(url, body)).status).toBe(200);
    expect(relay.demo.requests[0]?.body.toString()).toBe(
      '{"seed": 12345678901234567890,"model":"demo-chat" ,"max_tokens":  16, "messages":[{"role":"user","content":"\\u0061"}]}',
    );
  });

  it('holds models, wherever the body hides them', async () => {
    const url = relay.url({ allowedModels: ['demo-chat', 'demo-sm*'] });
    expect((await postChat(url)).status).toBe(200);
    expect((await postChat(url, chatBody('demo-small'))).status).toBe(200);
    const refused: readonly (readonly [string, string])[] = [
      [chatBody('demo-large'), '403 model_denied'],
      ['{"messages":[]}', '403 model_denied'],
      ['{"model":"demo-chat","model":"demo-large","messages":[]}', '400 bad_body'],
      ['{"model":"demo-chat","mod\\u0065l":"demo-large","messages":[]}', '400 bad_body'],
      ['{"model":"demo-chat","Model":"demo-large","messages":[]}', '400 bad_body'],
      ['{"model":["demo-chat"],"messages":[]}', '403 model_denied'],
      ['\ufeff{"model":"demo-chat","messages":[]}', '400 bad_body'],
      ['{"model":"demo-chat","messages":[]} x', '400 bad_body'],
      ['', '400 bad_body'],
    ];
    relay.demo.reset();
    for (const [body, code] of refused) {
      const answer = await codeOf(await postChat(url, body));
      expect([body, answer]).toEqual([
        body,
        body === ''
          ? expect.stringMatching(/^40[03] /)
          : expect.stringMatching(
              code === '403 model_denied' ? /^(403 model_denied|400 bad_body)$/ : /^400 bad_body$/,
            ),
      ]);
    }
    expect(relay.demo.requests).toHaveLength(0);
  });

  it('refuses an encoded body that it would have to look into', async () => {
    const response = await postChat(relay.url({ allowedModels: ['demo-chat'] }), chatBody(), {
      'content-encoding': 'gzip',
    });
    expect(await codeOf(response)).toBe('415 unsupported_body');
  });

  it('A23 sends up the allow-listed headers and no other', async () => {
    const response = await postChat(relay.url(), chatBody(), {
      accept: 'application/json',
      'user-agent': 'page/1',
      'openai-beta': 'x=1',
      'openai-organization': 'org-1',
      'openai-project': 'proj-1',
      'x-stainless-lang': 'js',
      'x-forwarded-for': '203.0.113.9',
      forwarded: 'for=203.0.113.9',
      via: '1.1 somewhere',
      referer: 'https://app.example.com/',
      cookie: 'a=b',
      'proxy-authorization': 'Basic eA==',
      'x-http-method-override': 'DELETE',
      te: 'trailers',
    });
    expect(response.status).toBe(200);
    // A platform's own fetch adds what no caller of it can keep away.
    const platforms = path === 'fetch' ? new Set(['accept-language', 'sec-fetch-mode']) : new Set<string>();
    const sent = Object.keys(relay.demo.requests[0]?.headers ?? {});
    const names = sent.filter((name) => !platforms.has(name)).sort();
    expect(names).toEqual([
      'accept',
      'accept-encoding',
      'authorization',
      'cdn-loop',
      'connection',
      'content-length',
      'content-type',
      'host',
      'openai-beta',
      'user-agent',
    ]);
    expect(relay.demo.requests[0]?.headers).toMatchObject({
      'accept-encoding': 'identity',
      authorization: `Bearer ${UPSTREAM_KEY}`,
    });
  });

  it('A25 lets only allow-listed answer headers through', async () => {
    const response = await postChat(relay.url(), chatBody('demo-setcookie'));
    expect(response.status).toBe(200);
    const allowed =
      /^(access-control-(allow-origin|expose-headers)|cache-control|connection|keep-alive|content-(length|type|disposition|range|security-policy)|accept-ranges|date|referrer-policy|relay-(calls-remaining|expires)|request-id|x-request-id|retry-after|transfer-encoding|vary|x-accel-buffering|x-content-type-options|x-robots-tag)$/;
    for (const name of response.headers.keys()) expect(name).toMatch(allowed);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(response.headers.get('vary')).toBe('Origin');
  });

  it('A25 passes rate limits on only where configured, and then a page may read each of them', async () => {
    const limits = (response: Response) =>
      [...response.headers.keys()].filter((name) => name.startsWith('x-ratelimit-'));
    const open = await startRelay({
      path,
      demo: relay.demo,
      config: { upstream: { pass_rate_limit_headers: true } },
    });
    try {
      const passed = await postChat(open.url(), chatBody('demo-setcookie'));
      expect(limits(passed)).toEqual(['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests']);
      const exposed = (passed.headers.get('access-control-expose-headers') ?? '').split(', ');
      expect(exposed).toEqual(expect.arrayContaining(['retry-after', ...limits(passed)]));
    } finally {
      await open.close();
    }
    const kept = await postChat(relay.url(), chatBody('demo-setcookie'));
    expect(limits(kept)).toEqual([]);
    expect(kept.headers.get('access-control-expose-headers')).not.toContain('ratelimit');
  });

  it('A20 follows no redirect', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const target = encodeURIComponent(`${relay.demo.origin}/v1/models`);
      const response = await postChat(relay.url(), chatBody(`demo-redirect-${status}-${target}`));
      expect(await codeOf(response)).toBe('502 upstream_redirect');
      expect(response.headers.get('location')).toBeNull();
    }
    expect(relay.demo.requests).toHaveLength(5);
  });

  it('A27 keeps the upstream’s opinion of the key to itself', async () => {
    const response = await postChat(
      relay.url({ apiKey: `${UPSTREAM_KEY}-other#demo-error-401` }),
      chatBody('demo-error-401'),
    );
    expect(response.status).toBe(502);
    expect(response.headers.get('x-should-retry')).toBe('false');
    const text = await response.text();
    expect(text).toContain('upstream_auth');
    expect(text).not.toContain('sk-demo');
  });

  it('passes a stream on as it comes, first byte first', async () => {
    const response = await postChat(relay.url(), chatBody('demo-chunks-5-60', { stream: true }));
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const at: number[] = [];
    for await (const _chunk of response.body ?? []) at.push(performance.now());
    expect(at.length).toBeGreaterThanOrEqual(4);
    expect((at.at(-1) ?? 0) - (at[0] ?? 0)).toBeGreaterThan(120);
  });

  it(
    'closes the upstream within 100 ms when the caller leaves before the first byte',
    REAL_TIME,
    async () => {
      const leave = new AbortController();
      const call = fetch(`${relay.url()}/v1/chat/completions`, {
        method: 'POST',
        body: chatBody('demo-hang'),
        signal: leave.signal,
        headers: { 'content-type': 'application/json' },
      });
      const request = await relay.demo.waitFor((seen) => seen.complete);
      const leftAt = Date.now();
      leave.abort();
      await expect(call).rejects.toThrow();
      await expect.poll(() => request.closedAt, { interval: 2 }).not.toBeNull();
      expect((request.closedAt ?? 0) - leftAt).toBeLessThan(100);
      expect(request.closedEarly).toBe(true);
    },
  );

  it('closes the upstream within 100 ms when the caller leaves after the first byte', REAL_TIME, async () => {
    const leave = new AbortController();
    const response = await fetch(`${relay.url()}/v1/chat/completions`, {
      method: 'POST',
      body: chatBody('demo-chunks-1000-20', { stream: true }),
      signal: leave.signal,
      headers: { 'content-type': 'application/json' },
    });
    const reader = response.body?.getReader();
    await reader?.read();
    const [request] = relay.demo.requests;
    const leftAt = Date.now();
    leave.abort();
    await expect.poll(() => request?.closedAt, { interval: 2 }).not.toBeNull();
    expect((request?.closedAt ?? 0) - leftAt).toBeLessThan(100);
  });

  it('lets no caller take a broken answer for a whole one', async () => {
    const broken = [
      chatBody('demo-die-2', { stream: true }),
      chatBody('demo-midframe', { stream: true }),
      chatBody('demo-contentlength-lie'),
    ];
    for (const body of broken) {
      // A fetch runtime that has not sent the head yet may answer 500 instead of breaking off.
      const response = await postChat(relay.url(), body);
      const whole = await response.text().then(
        () => response.ok,
        () => false,
      );
      expect([body, whole]).toEqual([body, false]);
    }
  });

  it('answers 502 for an upstream that says nothing intelligible and 413 for a body over the limit', async () => {
    // The end of the connection may be seen before the nonsense on it.
    expect(await codeOf(await postChat(relay.url(), chatBody('demo-garbage')))).toMatch(
      /^502 upstream_(invalid|unreachable)$/,
    );
    expect(await codeOf(await postChat(relay.url(), chatBody('demo-html')))).toMatch(/upstream_invalid/);
    expect(await codeOf(await postChat(relay.url(), chatBody('demo-gzip')))).toBe('502 upstream_encoding');
    expect(
      await codeOf(
        await postChat(relay.url({ maxRequestBytes: 100 }), chatBody('demo-chat', { pad: 'x'.repeat(200) })),
      ),
    ).toBe('413 request_too_large');
  });

  it('refuses an answer that says it is longer than response_bytes and cuts one that turns out so', async () => {
    const url = relay.url({ maxResponseBytes: 2000 });
    expect(await codeOf(await postChat(url, chatBody('demo-words-2000')))).toBe('402 budget_exhausted');
    const response = await postChat(url, chatBody('demo-words-2000', { stream: true }));
    let bytes = 0;
    await expect(async () => {
      for await (const chunk of response.body ?? []) bytes += chunk.length;
    }).rejects.toThrow();
    expect(bytes).toBeLessThanOrEqual(2000 + 500);
  });
});
