import { describe, expect, it } from 'vitest';
import { createApp, type TryPage } from './app.ts';
import type { TryChoice } from './try-choice.ts';

const LOCAL = { host: '127.0.0.1:8840' };

function demo() {
  const minted: { choice: TryChoice; origin: string }[] = [];
  const tryPage: TryPage = {
    assets: new Map([
      ['/', { contentType: 'text/html; charset=utf-8', body: '<!doctype html>' }],
      ['/try/page.js', { contentType: 'text/javascript; charset=utf-8', body: 'x()' }],
    ]),
    isLoopback: (host) => host === '127.0.0.1' || host === 'localhost' || host === '[::1]',
    mint(choice, origin) {
      minted.push({ choice, origin });
      return { url: `${origin}/relayapi/TOKEN`, expires: 1_800_000_000 };
    },
  };
  return { app: createApp({ tryPage }), minted };
}

const plain = () => createApp({ tryPage: null });

function post(app: ReturnType<typeof createApp>, body: unknown, headers: Record<string, string> = {}) {
  return app.request('http://127.0.0.1:8840/try/url', {
    method: 'POST',
    headers: { ...LOCAL, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

describe('/health', () => {
  it('says ok and nothing else, to anybody', async () => {
    const response = await plain().request('/health', {
      headers: { host: 'relay.example.com', via: '1.1 p' },
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('ok\n');
  });

  it('answers HEAD without a body and other methods with 405', async () => {
    const head = await plain().request('/health', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = await plain().request('/health', { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('everything else', () => {
  it.each(['/', '/try/url', '/try/page.js', '/nothing', '/metrics', '/ready', '/health/'])(
    '%s is a 404 in JSON without -demo',
    async (path) => {
      const response = await plain().request(path, { headers: LOCAL });
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        error: { code: 'not_found', type: 'invalid_request_error', message: 'Nothing here.', param: null },
      });
    },
  );

  it.each(['/health', '/nothing', '/'])(
    '%s carries no CORS and the headers of a careful server',
    async (path) => {
      const response = await demo().app.request(path, {
        headers: { ...LOCAL, origin: 'https://other.example' },
      });
      const names = [...response.headers.keys()];
      expect(names.filter((name) => name.startsWith('access-control-'))).toEqual([]);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    },
  );

  it('hands the relay its own requests, with what is known of the connection, and puts no header of the shell on its answers', async () => {
    const app = createApp({
      tryPage: null,
      relay: {
        matches: (request) => new URL(request.url).pathname.startsWith('/relayapi/'),
        answer: async (_request, info) => Response.json(info, { headers: { 'cache-control': 'private' } }),
      },
    });
    const answer = await app.fetch(new Request('http://x/relayapi/y'), { remoteAddress: '192.0.2.1' });
    expect(await answer.json()).toEqual({ remoteAddress: '192.0.2.1' });
    expect(answer.headers.get('cache-control')).toBe('private');
    expect(answer.headers.get('x-frame-options')).toBeNull();
    expect((await app.request('/health')).headers.get('x-frame-options')).toBe('DENY');
    expect((await app.request('/else')).status).toBe(404);
  });

  it('an exception is answered with 500, reported, and not shown', async () => {
    const faults: unknown[] = [];
    const app = createApp({
      tryPage: null,
      relay: {
        matches: () => true,
        answer: () => Promise.reject(new Error('inner words')),
      },
      onFault: (error) => faults.push(error),
    });
    const response = await app.request('/x');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('inner words');
    expect(faults).toHaveLength(1);
  });
});

describe('the try-it page', () => {
  it('is there for this machine, with a strict content policy', async () => {
    const response = await demo().app.request('/', { headers: LOCAL });
    expect(response.status).toBe(200);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });

  it.each(['localhost:8840', '[::1]:8840', '127.0.0.1'])('answers under the name %s', async (host) => {
    expect((await demo().app.request('/', { headers: { host } })).status).toBe(200);
  });

  it.each(['evil.example', 'evil.example:8840', '127.0.0.1.evil.example', '127.0.0.1@evil.example', ''])(
    'is not there under the name "%s": a page elsewhere may point its own name at this machine',
    async (host) => {
      expect((await demo().app.request('/', { headers: { host } })).status).toBe(404);
      expect((await post(demo().app, {}, { host })).status).toBe(404);
    },
  );

  it.each([
    'forwarded',
    'via',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-real-ip',
    'cf-connecting-ip',
    'true-client-ip',
    'cdn-loop',
  ])('is not there behind a proxy that adds %s', async (name) => {
    const headers = { ...LOCAL, [name]: 'x' };
    expect((await demo().app.request('/', { headers })).status).toBe(404);
    expect((await demo().app.request('/try/page.js', { headers })).status).toBe(404);
    expect((await post(demo().app, {}, headers)).status).toBe(404);
  });
});

describe('POST /try/url', () => {
  it('mints for the origin that the page came from and gives a curl line', async () => {
    const { app, minted } = demo();
    const response = await post(app, {
      calls: 3,
      seconds: 60,
      perMinute: 2,
      model: 'demo-small',
      origin: 'page',
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      url: 'http://127.0.0.1:8840/relayapi/TOKEN',
      expires: 1_800_000_000,
      calls: 3,
      curl: expect.stringContaining(
        "curl -N http://127.0.0.1:8840/relayapi/TOKEN/chat/completions -H 'Origin: http://127.0.0.1:8840'",
      ),
    });
    expect(minted).toEqual([
      {
        choice: { calls: 3, seconds: 60, perMinute: 2, model: 'demo-small', origin: 'page' },
        origin: 'http://127.0.0.1:8840',
      },
    ]);
  });

  it.each([
    ['calls', { calls: 0 }],
    ['calls', { calls: 1001 }],
    ['calls', { calls: 1.5 }],
    ['calls', { calls: '5' }],
    ['seconds', { seconds: 9 }],
    ['seconds', { seconds: 3601 }],
    ['perMinute', { perMinute: 0 }],
    ['model', { model: 'gpt-4o' }],
    ['origin', { origin: 'https://evil.example' }],
    ['body', { provider: 'openai' }],
    ['body', []],
    ['body', 'not json'],
  ])('refuses a choice out of bounds and names %s', async (param, choice) => {
    const { app, minted } = demo();
    const response = await post(app, choice);
    expect(response.status).toBe(400);
    expect((await response.json()).error).toMatchObject({ code: 'bad_body', param });
    expect(minted).toEqual([]);
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port of this machine', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'http://127.0.0.1:9999' }],
    ['a sandboxed frame', { origin: 'null' }],
  ])('spends nothing for %s', async (_who, headers) => {
    const { app, minted } = demo();
    expect((await post(app, {}, headers)).status).toBe(403);
    expect(minted).toEqual([]);
  });

  it('takes JSON only, which another site cannot send without asking first', async () => {
    const { app, minted } = demo();
    expect((await post(app, '{}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect(minted).toEqual([]);
  });

  it('reads no more than a few kilobytes', async () => {
    expect((await post(demo().app, ' '.repeat(5000))).status).toBe(413);
  });

  it('answers other methods with 405, a preflight too', async () => {
    for (const method of ['GET', 'OPTIONS', 'PUT']) {
      const response = await demo().app.request('/try/url', { method, headers: LOCAL });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    }
  });
});
