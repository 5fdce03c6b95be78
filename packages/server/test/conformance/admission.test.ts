/** What a caller sees of opening and of the checks on the head, the same on every way into the relay (behaviour.md §1, §4, §7). */
import { createRai, parseRai, sealToken } from 'relayapi-token';
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

/** Headers that differ between two answers by nature. */
const VARYING = new Set(['date', 'x-request-id', 'connection', 'keep-alive']);

async function seen(response: Response) {
  const headers = [...response.headers].filter(([name]) => !VARYING.has(name));
  return { status: response.status, headers, body: await response.text() };
}

describe.each(RELAY_PATHS)('admission on the %s path', (path) => {
  let relay: RelayFixture;
  beforeAll(async () => {
    relay = await startRelay({ path, allow: { max_ttl_seconds: 7200, paths: ['GET /files'] } });
  });
  beforeEach(() => relay.demo.reset());
  afterAll(() => relay.close());

  const base = () => `${relay.origin}/relayapi/`;

  it('A1 gives every token that does not open one identical answer and sends nothing up', async () => {
    const good = relay.token();
    const parts = good.split('.');
    const flip = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
    const stranger = createRai({ method: 'aes', relay: base(), iss: 'shop', aud: '127.0.0.1', role: 'pair' });
    if (!('issuer' in stranger)) throw new Error('a pair was asked for');
    const now = Math.floor(Date.now() / 1000);
    const foreign = sealToken(parseRai(stranger.issuer), {
      iss: 'shop',
      aud: '127.0.0.1',
      jti: 'AAAAAAAAAAAAAAAAAAAAAA',
      iat: now,
      exp: now + 60,
      upstream: { provider: 'demo', key: UPSTREAM_KEY },
    });
    const bad = [
      ...parts.map((part, i) => parts.map((other, j) => (i === j ? flip(part) : other)).join('.')),
      parts.slice(0, 4).join('.'),
      'x',
      'a.b.c.d.e',
      `${good}A`,
      `A${good.slice(1)}`,
      good.toUpperCase(),
      foreign,
      'A'.repeat(4097),
      `${parts[0]}..${parts[2]}.${parts[3]}.${parts[4]}`,
    ];
    const answers = await Promise.all(bad.map(async (token) => seen(await postChat(base() + token))));
    expect(answers[0]?.status).toBe(401);
    expect(answers[0]?.body).toContain('token_invalid');
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(relay.demo.requests).toHaveLength(0);
  });

  it('A8 answers 401 for a kid that names something on every object', async () => {
    for (const kid of ['__proto__', 'constructor', 'toString']) {
      const header = Buffer.from(
        JSON.stringify({ alg: 'A256KW', enc: 'A256GCM', kid, typ: 'rai+jwt' }),
      ).toString('base64url');
      const token = [header, ...relay.token().split('.').slice(1)].join('.');
      expect((await postChat(base() + token)).status).toBe(401);
    }
  });

  it('says token_missing when no credential is there, and takes a dummy key for none', async () => {
    expect(
      await codeOf(await fetch(`${relay.origin}/v1/chat/completions`, { method: 'POST', body: chatBody() })),
    ).toBe('401 token_missing');
    const dummy = { authorization: 'Bearer sk-relay-dummy' };
    expect(
      await codeOf(
        await fetch(`${base()}-/v1/chat/completions`, { method: 'POST', headers: dummy, body: chatBody() }),
      ),
    ).toBe('401 token_missing');
  });

  it.each([
    ['authorization', (token: string) => `Bearer ${token}`],
    ['authorization', (token: string) => token],
    ['authorization', (token: string) => `DeepL-Auth-Key ${token}`],
    ['x-api-key', (token: string) => token],
    ['api-key', (token: string) => token],
    ['x-goog-api-key', (token: string) => token],
    ['authorization', (token: string) => `Bearer ek_${token}`],
  ])('takes the token from %s on both header roots', async (name, write) => {
    for (const root of [`${base()}-/v1`, `${relay.origin}/v1`]) {
      const headers = { 'content-type': 'application/json', [name]: write(relay.token()) };
      const response = await fetch(`${root}/chat/completions`, { method: 'POST', headers, body: chatBody() });
      expect(response.status).toBe(200);
    }
    for (const request of relay.demo.requests)
      expect(request.headers.authorization).toBe(`Bearer ${UPSTREAM_KEY}`);
  });

  it('refuses two different tokens and takes the same one twice', async () => {
    const token = relay.token();
    const send = (other: string) =>
      fetch(`${base()}-/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'x-api-key': other, 'content-type': 'application/json' },
        body: chatBody(),
      });
    expect(await codeOf(await send(relay.token()))).toBe('400 bad_credentials');
    expect((await send(token)).status).toBe(200);
  });

  it('lets a path token win over whatever credential stands beside it, and never falls back', async () => {
    const other = relay.token();
    const beside = { authorization: `Bearer ${other}`, 'x-api-key': 'sk-from-the-page', cookie: 'session=1' };
    expect((await postChat(relay.url(), chatBody(), beside)).status).toBe(200);
    expect(relay.demo.requests[0]?.headers['x-api-key']).toBeUndefined();
    expect(relay.demo.requests[0]?.headers.cookie).toBeUndefined();
    expect((await postChat(`${base()}broken`, chatBody(), beside)).status).toBe(401);
    expect(relay.demo.requests).toHaveLength(1);
  });

  it('holds origins: exact ones pass, a missing one only with "none"', async () => {
    const url = relay.url({ allowedOrigins: ['https://app.example.com'] });
    const withOrigin = (origin: string) => postChat(url, chatBody(), { origin });
    const allowed = await withOrigin('https://app.example.com');
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    for (const origin of [
      'https://app.example.com.evil.net',
      'http://app.example.com',
      'https://app.example.com:444',
      'null',
      'https://APP.example.com',
    ]) {
      const refused = await withOrigin(origin);
      expect(await codeOf(refused)).toBe('403 origin_denied');
      expect(refused.headers.get('access-control-allow-origin')).toBe('*');
    }
    expect(await codeOf(await postChat(url))).toBe('403 origin_denied');
    expect((await postChat(relay.url({ allowedOrigins: ['none'] }))).status).toBe(200);
  });

  it('holds addresses', async () => {
    expect((await postChat(relay.url({ allowedIps: ['127.0.0.0/8'] }))).status).toBe(200);
    expect(await codeOf(await postChat(relay.url({ allowedIps: ['203.0.113.0/24'] })))).toBe('403 ip_denied');
  });

  it('opens the inference endpoints and the model list, and nothing else by default', async () => {
    const url = relay.url();
    expect((await fetch(`${url}/v1/models`)).status).toBe(200);
    for (const [method, rest] of [
      ['GET', '/v1/files'],
      ['POST', '/v1/files'],
      ['GET', '/v1/responses/resp_1'],
      ['POST', '/v1/realtime/client_secrets'],
      ['GET', '/v1/chat/completions'],
      ['GET', '/v1/organization/users'],
      ['POST', '/v1/chat/completions/'],
      ['POST', '/v1/Chat/completions'],
    ]) {
      const response = await fetch(url + rest, { method: method ?? '' });
      expect([403]).toContain(response.status);
    }
    expect(relay.demo.requests).toHaveLength(1);
  });

  it('opens an account-wide endpoint only with the claim and the key file together', async () => {
    expect((await fetch(`${relay.url({ allowedPaths: ['GET /files'] })}/v1/files`)).status).toBe(200);
    expect(await codeOf(await fetch(`${relay.url({ allowedPaths: ['GET /batches'] })}/v1/batches`))).toBe(
      '403 claim_not_allowed',
    );
  });

  it('narrows to the paths that the token names', async () => {
    const url = relay.url({ allowedPaths: ['POST /embeddings'] });
    expect(await codeOf(await postChat(url))).toBe('403 path_denied');
    const response = await fetch(`${url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo-embedding', input: 'x' }),
    });
    expect(response.status).toBe(200);
  });

  it('names the claim that goes beyond the key file', async () => {
    const response = await postChat(relay.url({ expireSeconds: 10_000 }));
    expect(response.status).toBe(403);
    const { error } = (await response.json()) as { error: { code: string; param: string } };
    expect(error.code).toBe('claim_not_allowed');
    expect(error.param).toMatch(/exp|ttl/);
  });

  it('says expired and not yet valid only to holders of an authentic token', async () => {
    const now = Math.floor(Date.now() / 1000);
    const mint = (iat: number, exp: number, nbf?: number) =>
      sealToken(parseRai(relay.files.issuer), {
        iss: 'shop',
        aud: (relay.files.issuer as { aud: string }).aud,
        jti: `J${iat}${exp}AAAAAAAAAAAA`.slice(0, 22),
        iat,
        exp,
        nbf,
        upstream: { provider: 'demo', key: UPSTREAM_KEY },
      });
    expect(await codeOf(await postChat(base() + mint(now - 100, now - 1)))).toBe('401 token_expired');
    expect(await codeOf(await postChat(base() + mint(now, now + 600, now + 300)))).toBe(
      '401 token_not_yet_valid',
    );
    const expired = await postChat(base() + mint(now - 100, now - 1));
    expect(expired.headers.get('x-should-retry')).toBe('false');
    expect(expired.headers.get('www-authenticate')).toContain('Bearer');
  });

  it('refuses what belongs to a document load or a prefetch, not a call', async () => {
    for (const headers of [
      { 'sec-fetch-dest': 'document' },
      { 'sec-fetch-dest': 'image' },
      { 'sec-purpose': 'prefetch' },
    ]) {
      const response = await fetch(`${relay.url()}/v1/models`, {
        headers: headers as Record<string, string>,
      });
      expect(await codeOf(response)).toBe('403 method_denied');
    }
    expect(relay.demo.requests).toHaveLength(0);
  });

  it('speaks the dialect of the path in its errors', async () => {
    const post = async (rest: string) => {
      const response = await fetch(`${base()}broken${rest}`, { method: 'POST', body: '{}' });
      return (await response.json()) as Record<string, unknown> & { error: Record<string, unknown> };
    };
    expect((await post('/v1/chat/completions')).error).toMatchObject({
      code: 'token_invalid',
      type: 'authentication_error',
    });
    expect(await post('/v1/messages')).toMatchObject({
      type: 'error',
      error: { type: 'authentication_error' },
      message: expect.any(String),
    });
    expect((await post('/v1beta/models/m:generateContent')).error).toMatchObject({
      code: 401,
      status: 'UNAUTHENTICATED',
    });
    expect(await post('/v2/translate')).toMatchObject({ type: 'error', message: expect.any(String) });
  });

  it('shows how much is left on every relayed answer', async () => {
    const url = relay.url({ maxCalls: 3, expireSeconds: 60 });
    for (const left of ['2', '1', '0']) {
      const response = await postChat(url);
      expect(response.headers.get('relay-calls-remaining')).toBe(left);
      expect(Number(response.headers.get('relay-expires'))).toBeGreaterThan(Date.now() / 1000);
      expect(response.headers.get('access-control-expose-headers')).toContain('relay-calls-remaining');
      await response.text();
    }
    expect(await codeOf(await postChat(url))).toBe('402 calls_exhausted');
  });

  it('knows no other provider than the registry’s', async () => {
    expect(await codeOf(await postChat(relay.url({ provider: 'no-such-provider' })))).toBe(
      '400 provider_unknown',
    );
  });
});
