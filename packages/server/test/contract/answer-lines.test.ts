/**
 * The lines that the relay itself puts on every answer of its Node path, whatever kind of answer it is: relayed, streamed, empty, refused,
 * broken. They are written past any middleware, so nothing but this holds them (behaviour.md §4, §5).
 */
import type { GenerateOptions } from 'relayapi-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BASE_HEADERS } from '../../src/base-headers.ts';
import { type Asked, ask } from '../pressure/asking.ts';
import { chatBody, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

const ORIGIN = 'https://a.example';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

let relay: RelayFixture;
beforeAll(async () => {
  relay = await startRelay({
    config: {
      server: { max_header_bytes: 16_384 },
      upstream: { pass_rate_limit_headers: true },
    },
  });
});
beforeEach(() => relay.demo.reset());
afterAll(() => relay.close());

interface Kind {
  readonly status: number;
  /** Of the token; null: the target has none. */
  readonly token?: Partial<GenerateOptions> | null;
  readonly method?: string;
  readonly rest?: string;
  readonly lines?: readonly string[];
  readonly body?: string;
  /** What only answers of an upstream carry: when the token ends, how many calls it has left. */
  readonly relayed: boolean;
  /** Calls left of five, where the answer says so. */
  readonly left?: string;
  /** The upstream's own id. */
  readonly named?: boolean;
  /** An answer written by hand, instead of the demo's. */
  readonly say?: readonly [status: number, lines: readonly string[], body: string];
}

const JSON_LINE = ['Content-Type', 'application/json'];
const ID_LINE = ['X-Request-Id', 'req_up_7'];
const say = (status: number, body = '{}', lines: readonly string[] = JSON_LINE) =>
  [status, [...lines, ...ID_LINE], body] as const;
const relayed = (status: number, left: string, more: Partial<Kind> = {}): Kind => ({
  status,
  relayed: true,
  left,
  named: true,
  ...more,
});
const refused = (status: number, more: Partial<Kind> = {}): Kind => ({ status, relayed: false, ...more });

const KINDS: Readonly<Record<string, Kind>> = {
  'a JSON answer': relayed(200, '4', { say: say(200) }),
  'a JSON answer of the demo, read for its usage': relayed(200, '4'),
  'a stream': relayed(200, '4', { body: chatBody('demo-chat', { stream: true }) }),
  'a large answer': relayed(200, '4', { say: say(200, 'x'.repeat(300_000), ['Content-Type', 'text/plain']) }),
  'a created thing': relayed(201, '4', { say: say(201) }),
  'an empty answer, 204': relayed(204, '4', { say: say(204, '', []) }),
  'an empty answer, a length of 0': relayed(200, '4', { say: say(200, '', ['Content-Length', '0']) }),
  'an error 400': relayed(400, '4', { say: say(400) }),
  'an error 404': relayed(404, '4', { say: say(404) }),
  'an error 429': relayed(429, '5', { say: say(429, '{}', [...JSON_LINE, 'Retry-After', '7']) }),
  'an error 500': relayed(500, '5', { say: say(500) }),
  'an error 503': relayed(503, '5', { say: say(503) }),
  'an answer to a model list': relayed(200, '4', { method: 'GET', rest: '/v1/models', say: say(200) }),
  'a type that is not passed on': relayed(200, '4', { say: say(200, '<p>', ['Content-Type', 'text/html']) }),
  'an error in such a type': relayed(502, '5', { say: say(502, '<p>', ['Content-Type', 'text/html']) }),
  'a coding that is not passed on': relayed(502, '4', {
    named: false,
    say: say(200, 'x', [...JSON_LINE, 'Content-Encoding', 'gzip']),
  }),
  'a redirect': relayed(502, '4', { named: false, say: say(302, '', ['Location', '/']) }),
  'a key that was refused': relayed(502, '5', { named: false, say: say(401) }),
  'an upstream that hung up': relayed(502, '4', { named: false, body: chatBody('demo-close-before') }),
  'a stream that breaks': relayed(200, '4', { body: chatBody('demo-die-2', { stream: true }) }),
  'an answer that is shorter than it says': relayed(200, '4', { body: chatBody('demo-contentlength-lie') }),
  'a preflight': refused(204, { method: 'OPTIONS', token: null }),
  'no token': refused(401, { token: null }),
  'a path that is closed': refused(403, { rest: '/v1/files', method: 'GET' }),
  'HEAD on a path that is closed': refused(403, { rest: '/v1/models', method: 'HEAD' }),
  'a method that is none': refused(405, { method: 'PROPFIND' }),
  'a spent token': refused(402, { token: { maxCalls: 0 } }),
  'an origin that is not listed': refused(403, { token: { allowedOrigins: ['https://b.example'] } }),
  'a body too long': refused(413, { token: { maxRequestBytes: 5 } }),
  'a body that is none': refused(400, { token: { allowedModels: ['m'] }, body: '{"model"' }),
  'a WebSocket': refused(426, { method: 'GET', lines: ['Connection: upgrade', 'Upgrade: websocket'] }),
  'a target that is none': refused(400, { rest: '/v1/%2e%2e/x' }),
  'too many lines': refused(431, { lines: Array.from({ length: 70 }, (_, i) => `X-${i}: 1`) }),
  'a head too large, refused by the parser': refused(431, { lines: [`X-Long: ${'x'.repeat(20_000)}`] }),
  'framing that is doubtful': refused(400, { lines: ['Transfer-Encoding: identity'] }),
};

async function get(kind: Kind): Promise<Asked> {
  const { method = 'POST', rest = '/v1/chat/completions', lines = [], token = {}, body = chatBody() } = kind;
  const path =
    token === null
      ? '/relayapi/-'
      : new URL(relay.url({ apiKey: `sk-demo-${Math.random()}`, maxCalls: 5, ...token })).pathname;
  if (kind.say) {
    const [status, answerLines, answer] = kind.say;
    relay.demo.next(async ({ response, readBody }) => {
      await readBody();
      response.writeHead(status, [...answerLines]);
      response.end(answer);
    });
  }
  const own = method === 'POST' ? ['Content-Type: application/json', `Content-Length: ${body.length}`] : [];
  const head = [
    `${method} ${path}${rest} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...(lines.some((line) => line.startsWith('Connection')) ? [] : ['Connection: close']),
    `Origin: ${ORIGIN}`,
    ...own,
    ...lines,
  ];
  return ask(relay.port, `${head.join('\r\n')}\r\n\r\n${method === 'POST' ? body : ''}`);
}

describe('every answer carries the relay’s own lines, each once', () => {
  it.each(Object.keys(KINDS))('%s', async (name) => {
    const kind = KINDS[name] as Kind;
    const { status, headers } = await get(kind);
    expect(status).toBe(kind.status);
    for (const [line, value] of BASE_HEADERS) {
      // names of the upstream's own may be added to the exposed ones
      const expected = line === 'access-control-expose-headers' ? expect.stringContaining(value) : value;
      expect([line, headers[line]]).toEqual([line, expected]);
    }
    expect(headers['access-control-allow-origin']).toBe('*');
    if (name.includes('parser')) return;
    expect(headers['x-request-id']).toMatch(UUID);
    const seconds = Number(headers['relay-expires']) - Date.now() / 1000;
    if (kind.relayed) expect(Math.abs(seconds - 3600)).toBeLessThan(60);
    else expect(headers['relay-expires']).toBeUndefined();
    expect(headers['relay-calls-remaining']).toBe(kind.left);
    if (kind.say && kind.named) expect(headers['request-id']).toBe('req_up_7');
    else if (kind.say) expect(headers['request-id']).toBeUndefined();
    if (kind.status === 429) expect(headers['retry-after']).toBe('7');
  });

  it('a relayed one names the token’s origin alone, on whatever it says', async () => {
    for (const answer of [say(200), say(404), say(204, '', []), say(401), say(302, '', ['Location', '/'])]) {
      const { headers } = await get({
        status: 0,
        relayed: true,
        token: { allowedOrigins: [ORIGIN, 'https://b.example'] },
        say: answer,
      });
      expect(headers['access-control-allow-origin']).toBe(ORIGIN);
      expect(headers['vary']).toBe('Origin');
      expect(headers['access-control-allow-credentials']).toBeUndefined();
    }
  });

  it('no two have one id, and rate limits that pass are exposed by name', async () => {
    const lines = [...JSON_LINE, 'X-RateLimit-Remaining-Tokens', '9'];
    const answers = [
      await get(relayed(200, '4', { say: say(200, '{}', lines) })),
      await get(relayed(200, '4', { say: say(400, '{}', lines) })),
      await get(refused(403, { rest: '/v1/files' })),
      await get(refused(403, { rest: '/v1/files' })),
    ];
    expect(new Set(answers.map(({ headers }) => headers['x-request-id'])).size).toBe(4);
    for (const { headers } of answers.slice(0, 2)) {
      expect(headers['x-ratelimit-remaining-tokens']).toBe('9');
      expect(headers['access-control-expose-headers']).toMatch(/, x-ratelimit-remaining-tokens$/);
    }
  });
});
