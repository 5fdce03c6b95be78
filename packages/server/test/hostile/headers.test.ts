/**
 * Header lines both ways through the whole relay, as they stand on the wire: exactly the allow-list, exactly one credential, and
 * the upstream's opinion of it to nobody (behaviour spec §5).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../support/raw-http.ts';
import { chatBody, postChat, type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { answerOf, type Canary, startCanary } from './canary.ts';
import { wordFrom } from './reading.ts';

let canary: Canary;
let relay: RelayFixture;
beforeAll(async () => {
  canary = await startCanary();
  const at = (like: string, more: object = {}) => ({ base_url: `${canary.origin}/v1`, like, ...more });
  relay = await startRelay({
    config: {
      providers: {
        'like-openai': at('openai'),
        'like-anthropic': at('anthropic'),
        'like-google': { base_url: `${canary.origin}/v1beta`, like: 'google' },
        'like-deepl': { base_url: `${canary.origin}/v2`, like: 'deepl' },
        bare: {
          base_url: `${canary.origin}/v1`,
          auth: { kind: 'header', name: 'x-own-key', template: '{key}' },
        },
        open: { base_url: `${canary.origin}/v1`, auth: { kind: 'none' } },
      },
      upstream: { allow_private: [`127.0.0.1:${canary.port}`] },
    },
  });
});
afterAll(async () => {
  await relay.close();
  await canary.close();
});
beforeEach(() => {
  canary.reset();
  canary.say(answerOf('{}'));
});

/** Name and value of each line of the one request that arrived. */
function arrived(): [name: string, value: string][] {
  const [head = '', ...more] = canary.heads;
  expect(more).toEqual([]);
  return head
    .split('\r\n')
    .slice(1)
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
}

/** What a browser, an agent, a proxy and an attacker may send; none of it is on any allow-list unless the row says so. */
const NOISE = [
  'Authorization: Bearer sk-page-not-a-key',
  'X-Api-Key: sk-page-not-a-key',
  'Api-Key: sk-page-not-a-key',
  'X-Goog-Api-Key: sk-page-not-a-key',
  'X-Own-Key: sk-page-not-a-key',
  'Proxy-Authorization: Basic cGFnZQ==',
  'Cookie: session=page',
  'Cookie2: $Version=1',
  'OpenAI-Organization: org-page',
  'OpenAI-Project: proj-page',
  'Anthropic-Dangerous-Direct-Browser-Access: true',
  'X-Stainless-Lang: js',
  'X-Stainless-Retry-Count: 0',
  'X-Goog-User-Project: page',
  'X-Forwarded-For: 203.0.113.9',
  'X-Forwarded-Host: evil.test',
  'X-Forwarded-Proto: https',
  'X-Real-IP: 203.0.113.9',
  'CF-Connecting-IP: 203.0.113.9',
  'Forwarded: for=203.0.113.9',
  'Via: 1.1 proxy',
  'X-HTTP-Method-Override: DELETE',
  'X-Original-URL: /v1/files',
  'X-Rewrite-URL: /v1/files',
  'Origin: https://app.example.com',
  'Referer: https://app.example.com/secret',
  'Sec-Fetch-Site: cross-site',
  'Sec-Fetch-Mode: cors',
  'TE: trailers',
  'Trailer: X-T',
  'Accept-Encoding: gzip, br, zstd',
  'Accept-Language: de',
  'Cache-Control: no-cache',
  'Range: bytes=0-1',
  'If-None-Match: "x"',
  'Priority: u=1',
  'Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'Baggage: a=b',
  'X-Amz-Security-Token: page',
  'Relay-Nonce: n0nce-n0nce-n0nce-n0nce',
  'Relay-Anything: x',
];

const SENT = ['Content-Type: application/json', 'Accept: application/json', 'User-Agent: page/1'];
const ALWAYS = [
  'accept',
  'accept-encoding',
  'cdn-loop',
  'connection',
  'content-length',
  'content-type',
  'host',
  'user-agent',
];

function send(
  provider: string,
  rest: string,
  lines: readonly string[],
  token?: string,
): Promise<{ status: number; headers: Record<string, string>; body: string }> {
  const sealed = token ?? relay.token({ provider, maxCalls: null });
  const body = chatBody();
  const text = [
    `POST /relayapi/${sealed}${rest} HTTP/1.1`,
    'Host: relay.test',
    ...SENT,
    ...lines,
    `Content-Length: ${body.length}`,
    '',
    body,
  ];
  return sendRaw(relay.port, text.join('\r\n'));
}

describe('A23 A24 a request with some forty lines that must not go up', () => {
  it.each<[provider: string, rest: string, credential: [string, string] | null, more: readonly string[]]>([
    ['like-openai', '/chat/completions', ['authorization', `Bearer ${UPSTREAM_KEY}`], []],
    ['like-openai', '/responses', ['authorization', `Bearer ${UPSTREAM_KEY}`], []],
    ['like-anthropic', '/messages', ['x-api-key', UPSTREAM_KEY], ['anthropic-version']],
    ['like-google', '/models/demo-chat:generateContent', ['x-goog-api-key', UPSTREAM_KEY], []],
    ['like-deepl', '/translate', ['authorization', `DeepL-Auth-Key ${UPSTREAM_KEY}`], []],
    ['bare', '/chat/completions', ['x-own-key', UPSTREAM_KEY], []],
    ['open', '/chat/completions', null, []],
  ])(
    '%s %s arrives with exactly the allow-list and one credential',
    async (provider, rest, credential, more) => {
      const { status } = await send(provider, rest, NOISE);
      expect(status).toBe(200);
      const lines = arrived();
      const names = lines.map(([name]) => name).sort();
      expect(names).toEqual([...ALWAYS, ...(credential ? [credential[0]] : []), ...more].sort());
      if (credential) expect(lines).toContainEqual(credential);
      const text = JSON.stringify(lines);
      expect(text.split(UPSTREAM_KEY)).toHaveLength(credential ? 2 : 1);
      expect(text).not.toMatch(/sk-page|cGFnZQ|203\.0\.113|evil\.test|org-page/);
      expect(lines).toContainEqual(['accept-encoding', 'identity']);
      expect(lines).toContainEqual(['host', `127.0.0.1:${canary.port}`]);
    },
  );

  it.each([
    ['a credential named as hop-by-hop', ['Connection: authorization, x-api-key']],
    ['its own close', ['Connection: close']],
    ['the length named as hop-by-hop', ['Connection: content-length, content-type']],
    ['two Authorization lines', ['Authorization: Bearer a', 'Authorization: Bearer b']],
    ['odd case', ['aUtHoRiZaTiOn: Bearer a', 'X-API-KEY: b']],
    ['underscores', ['X_Api_Key: a', 'HTTP_AUTHORIZATION: b']],
    ['a name that ends in another', ['My-Authorization: a', 'X-Authorization: b']],
    ['a very long value', [`Authorization: Bearer ${'a'.repeat(4000)}`]],
  ])('%s changes nothing of that', async (_what, lines) => {
    expect((await send('like-openai', '/chat/completions', lines)).status).toBe(200);
    const seen = arrived();
    expect(seen.map(([name]) => name).sort()).toEqual([...ALWAYS, 'authorization'].sort());
    expect(seen).toContainEqual(['authorization', `Bearer ${UPSTREAM_KEY}`]);
  });

  it('allowed lines are passed as they came, a repeated one joined', async () => {
    await send('like-anthropic', '/messages', [
      'Anthropic-Version: 2023-06-01',
      'Anthropic-Beta: a',
      'anthropic-beta: b',
    ]);
    const lines = arrived();
    expect(lines).toContainEqual(['anthropic-version', '2023-06-01']);
    expect(lines.filter(([name]) => name === 'anthropic-beta')).toEqual([['anthropic-beta', 'a, b']]);
  });

  it('what stands in a header token goes up in no line', async () => {
    const token = relay.token({ provider: 'like-openai', maxCalls: null });
    const body = chatBody();
    const answer = await sendRaw(
      relay.port,
      `POST /v1/chat/completions HTTP/1.1\r\nHost: relay.test\r\nContent-Type: application/json\r\nX-Api-Key: ${token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer.status).toBe(200);
    for (const part of token.split('.').slice(1)) expect(canary.heads.join()).not.toContain(part);
  });

  it('two tokens of one key give two idempotency keys, and neither is the caller’s', async () => {
    const keys: string[] = [];
    for (const token of [
      relay.token({ provider: 'like-openai' }),
      relay.token({ provider: 'like-openai' }),
    ]) {
      canary.reset();
      await send('like-openai', '/chat/completions', ['Idempotency-Key: order-1'], token);
      keys.push(arrived().find(([name]) => name === 'idempotency-key')?.[1] ?? '');
    }
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('a request that has passed this relay is refused before the upstream', async () => {
    await send('like-openai', '/chat/completions', []);
    const loop = arrived().find(([name]) => name === 'cdn-loop')?.[1];
    canary.reset();
    const { status, body } = await send('like-openai', '/chat/completions', [
      `CDN-Loop: other; v=1, ${loop}`,
    ]);
    expect([status, JSON.parse(body).error.code]).toEqual([400, 'loop_detected']);
    expect(canary.connections).toBe(0);
  });
});

describe('A25 an answer with sixty lines', () => {
  /** What the relay says on every relayed answer. */
  const OWN = [
    'access-control-allow-origin',
    'access-control-expose-headers',
    'cache-control',
    'content-security-policy',
    'date',
    'referrer-policy',
    'relay-calls-remaining',
    'relay-expires',
    'vary',
    'x-accel-buffering',
    'x-content-type-options',
    'x-request-id',
    'x-robots-tag',
  ];
  const hostile = () => [
    ...['Set-Cookie: a=b', 'Set-Cookie: c=d; HttpOnly', 'Set-Cookie2: e', 'Clear-Site-Data: "*"'],
    ...[
      'Access-Control-Allow-Origin: https://evil.test',
      'Access-Control-Allow-Credentials: true',
      'Access-Control-Expose-Headers: *',
      'Access-Control-Allow-Headers: *',
      'Timing-Allow-Origin: *',
    ],
    ...[
      'Cache-Control: public, max-age=99',
      'Expires: Fri, 01 Jan 2100 00:00:00 GMT',
      'Pragma: cache',
      'ETag: "x"',
      'Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT',
      'Age: 7',
      'Vary: *',
      'CDN-Cache-Control: public',
      'Surrogate-Control: max-age=9',
    ],
    ...[
      'Content-Security-Policy: default-src *',
      'Content-Security-Policy-Report-Only: report-uri https://evil.test',
      'X-Frame-Options: ALLOWALL',
      'Referrer-Policy: unsafe-url',
      'Permissions-Policy: camera=*',
      'Cross-Origin-Resource-Policy: cross-origin',
      'Strict-Transport-Security: max-age=1',
      'X-XSS-Protection: 0',
      'X-Content-Type-Options: off',
      'X-Robots-Tag: all',
    ],
    ...[
      'Refresh: 0; url=https://evil.test',
      'Location: https://evil.test',
      'Content-Location: https://evil.test',
      'Link: <https://evil.test>; rel=preload',
      'Alt-Svc: h3="evil.test:443"',
      'SourceMap: https://evil.test',
      'Service-Worker-Allowed: /',
      'NEL: {}',
      'Report-To: {}',
      'Reporting-Endpoints: a="https://evil.test"',
    ],
    ...[
      'Server: up',
      'Via: 1.1 up',
      'X-Powered-By: up',
      'X-Served-By: up',
      'CF-Ray: up',
      'Server-Timing: a',
      'X-Envoy-Upstream-Service-Time: 3',
    ],
    ...[
      'OpenAI-Organization: org-up',
      'OpenAI-Project: proj-up',
      'OpenAI-Processing-Ms: 3',
      'OpenAI-Version: 1',
      'Anthropic-Organization-Id: up',
      'X-RateLimit-Limit-Requests: 500',
      'Anthropic-RateLimit-Requests-Remaining: 4',
    ],
    ...[
      'WWW-Authenticate: Bearer realm="up"',
      'Proxy-Authenticate: Basic',
      'Authentication-Info: a',
      'X-Accel-Redirect: /etc',
      'X-Sendfile: /etc/hostname',
      'X-Should-Retry: true',
      'Relay-Calls-Remaining: 999999',
      'Relay-Expires: 0',
      'Mcp-Session-Id: up',
      'Retry-After-Ms: 1',
    ],
    ...['Keep-Alive: timeout=1000', 'Proxy-Connection: keep-alive', 'Content-Language: xx', 'X-Unknown: x'],
    'X-Request-Id: req-up',
  ];

  it('are sixty or more', () => {
    expect(hostile().length).toBeGreaterThanOrEqual(60);
  });

  it.each<[what: string, lines: string[], passed: string[]]>([
    ['plain', [], []],
    [
      'with those that may pass',
      [
        'Content-Disposition: attachment',
        'Accept-Ranges: bytes',
        'Content-Range: bytes 0-1/2',
        'Retry-After: 7',
      ],
      ['content-disposition', 'accept-ranges', 'content-range', 'retry-after'],
    ],
  ])('%s: exactly the allow-list comes down', async (_what, more, passed) => {
    canary.say(answerOf('{}', ['Content-Type: application/json', ...hostile(), ...more]));
    const answer = await send(
      'like-openai',
      '/chat/completions',
      ['Origin: https://app.example.com'],
      relay.token({ provider: 'like-openai', maxCalls: 5 }),
    );
    expect(answer.status).toBe(200);
    const names = Object.keys(answer.headers).filter((name) => !['connection', 'keep-alive'].includes(name));
    expect(names.sort()).toEqual([...OWN, 'content-length', 'content-type', 'request-id', ...passed].sort());
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'cache-control': 'private, no-store, no-transform',
      vary: 'Origin',
      'relay-calls-remaining': '4',
      'request-id': 'req-up',
      'x-content-type-options': 'nosniff',
    });
    expect(JSON.stringify(answer.headers)).not.toMatch(/evil|org-up|999999|"up"/);
  });

  it.each([
    ['a line break in a value', 'Content-Disposition: a\r\n\tX-Injected: 1'],
    ['a bare line feed', 'Content-Disposition: a\nX-Injected: 1'],
    ['a bare carriage return', 'Content-Disposition: a\rX-Injected: 1'],
    ['a NUL', 'Content-Disposition: a\0b'],
    ['bytes above ASCII', 'Content-Disposition: \xff\xfe'],
  ])('%s adds no line of its own', async (_what, line) => {
    canary.say(answerOf('{}', ['Content-Type: application/json', line]));
    const answer = await send('like-openai', '/chat/completions', []);
    expect([200, 502]).toContain(answer.status);
    expect(answer.headers['x-injected']).toBeUndefined();
    expect(
      [...(answer.headers['content-disposition'] ?? '')].filter((char) => char < ' ' && char !== '	'),
    ).toEqual([]);
  });
});

describe('A27 an upstream that refuses the key', () => {
  const refusal = (status: number) => {
    const body = `{"error":{"message":"Incorrect API key provided: sk-demo-****${UPSTREAM_KEY.slice(-4)}."}}`;
    return `HTTP/1.1 ${status} No\r\nContent-Type: application/json\r\nWWW-Authenticate: Bearer realm="up"\r\nX-Should-Retry: true\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };

  it.each([401, 402, 403, 407, 456])(
    '%i is the operator’s matter: 502 with words of our own',
    async (status) => {
      canary.say(refusal(status));
      const apiKey = `${UPSTREAM_KEY}-${status}`;
      const url = relay.url({ provider: 'like-openai', apiKey });
      const response = await postChat(url);
      expect(response.headers.get('x-should-retry')).toBe('false');
      expect(response.headers.get('www-authenticate')).toBeNull();
      const text = await response.text();
      expect(text).toContain('"upstream_auth"');
      expect(text).not.toContain(UPSTREAM_KEY.slice(-4));
      expect(response.status).toBe(502);
      expect(canary.heads).toHaveLength(1);

      // the credential rests: this token's next call is told at once and does not go up
      canary.say(answerOf('{}'));
      expect(await wordFrom(await postChat(url))).toBe('502 upstream_auth');
      expect(canary.heads).toHaveLength(1);
      // a 401 speaks about the key as such, so that other tokens of it wait too; a 402 or 403 may be one caller's doing
      const other = await wordFrom(await postChat(relay.url({ provider: 'like-openai', apiKey })));
      if (status === 401) expect(other).toBe('502 upstream_auth');
      expect(await wordFrom(await postChat(relay.url({ provider: 'like-openai' })))).toBe('200 -');
    },
  );

  it('the relay’s own 401 names a token, never the provider', async () => {
    const response = await postChat(`${relay.origin}/relayapi/broken`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('Bearer');
    expect(canary.connections).toBe(0);
  });
});
