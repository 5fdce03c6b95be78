/** What callers ask in the differential suite of the two paths: tokens with every limit, doors, bodies, header lines. Data. */
import type { MintClaims } from 'relayapi-token';
import type { Asking } from './two-paths.ts';

/** A kind of token, and how often it is used: limits that count show what they do only then. */
export interface TokenKind {
  /** `now` is the relays' clock in seconds. */
  claims(now: number): Partial<MintClaims>;
  readonly times?: number;
  /** Time that passes after each use, milliseconds. */
  readonly passMs?: number;
  /** A text that is no token of ours, instead of one. */
  readonly forged?: (token: string) => string;
}

const limits = (more: MintClaims['limits'], times = 1, passMs = 0): TokenKind => ({
  claims: () => ({ limits: { calls: 100, ...more } }),
  times,
  passMs,
});
const claim = (more: Partial<MintClaims>, times = 1): TokenKind => ({ claims: () => more, times });
const MODELS = ['m-1', 'demo-*'];

/** Tokens by name. */
export const TOKENS: Readonly<Record<string, TokenKind>> = {
  plain: claim({}),
  'no call': limits({ calls: 0 }),
  'two calls': limits({ calls: 2 }, 3),
  'two attempts': limits({ calls: 5, attempts: 2 }, 3),
  'two calls, four attempts': limits({ calls: 2, attempts: 4 }, 5),
  'a rate': limits({ rate: [2, 10] }, 4, 3000),
  'a rate at once': limits({ rate: [1, 60] }, 2),
  'one at a time': limits({ concurrency: 1 }, 2),
  'no limit of calls': claim({ limits: {} }),
  expired: { claims: (now) => ({ iat: now - 100, exp: now - 1 }) },
  'expires between two': { claims: (now) => ({ exp: now + 2 }), times: 2, passMs: 3000 },
  'not yet': { claims: (now) => ({ nbf: now + 300 }) },
  'valid for too long': { claims: (now) => ({ exp: now + 90_000 }) },
  origins: claim({ origins: ['https://a.example', 'http://b.example:81'] }),
  'origins or none': claim({ origins: ['https://a.example', 'none'] }),
  'addresses of here': claim({ ips: ['127.0.0.0/8', '203.0.113.0/24'] }),
  'addresses of elsewhere': claim({ ips: ['198.51.100.0/24', '2001:db8::/32'] }),
  countries: claim({ countries: ['DE', 'AT'] }),
  models: claim({ models: MODELS }),
  'models and calls': { claims: () => ({ models: ['m-1'], limits: { calls: 1 } }), times: 2 },
  'set a model': claim({ set: { model: 'm-2', seed: 7 } }),
  'cap tokens': claim({ cap: { max_tokens: 16, n: 1 } }),
  'no features': claim({ features: [] }),
  'feature n': claim({ features: ['n'] }),
  'paths: chat alone': claim({ paths: ['POST /chat/completions'] }),
  'paths: the list alone': claim({ paths: ['GET /models'] }),
  'paths: files': claim({ paths: ['GET /files'] }),
  'paths: too far': claim({ paths: ['GET /batches'] }),
  'small requests': limits({ request_bytes: 120 }),
  'small answers': limits({ response_bytes: 100 }),
  'short streams': limits({ stream_seconds: 30 }),
  nonce: claim({ replay: 'nonce' }, 2),
  idempotency: claim({ replay: 'idempotency' }, 2),
  'all at once': {
    claims: () => ({
      limits: { calls: 3, rate: [2, 60], concurrency: 2, request_bytes: 300_000 },
      origins: ['https://a.example', 'none'],
      models: MODELS,
      cap: { max_tokens: 64 },
      ips: ['127.0.0.1', '203.0.113.9'],
    }),
    times: 3,
  },
  'a provider that nobody knows': { claims: () => ({ upstream: { provider: 'nobody', key: 'sk-demo-x' } }) },
  broken: { claims: () => ({}), forged: (token) => `${token.slice(0, -3)}AAA` },
  cut: { claims: () => ({}), forged: (token) => token.slice(0, -30) },
  'no token': { claims: () => ({}), forged: () => 'sk-demo-not-a-key' },
  'too long': { claims: () => ({}), forged: (token) => token + 'A'.repeat(4000) },
};

/** Where the request goes. */
export type Door = Pick<Asking, 'method' | 'target' | 'lines'>;
const door = (method: string, rest: string): Door => ({
  method,
  target: `/relayapi/TOKEN${rest}`,
  lines: [],
});
const inHeader = (target: string, line: string): Door => ({ method: 'POST', target, lines: [line] });

/** Doors by name; only targets that a URL keeps as they are, since a fetch runtime sees no other. */
export const DOORS: Readonly<Record<string, Door>> = {
  ...Object.fromEntries(
    [
      ['POST', '/v1/chat/completions'],
      ['POST', '/chat/completions'],
      ['POST', '/v1/v1/chat/completions'],
      ['POST', '//v1/chat/completions'],
      ['POST', '/v1//chat/completions'],
      ['POST', '/v1/chat/completions/'],
      ['POST', '/v1/Chat/completions'],
      ['POST', '/v1/chat/completions?api-version=1&key=x'],
      ['POST', '/v1/chat/completions?x=%2F%41;y'],
      ['POST', '/v1/chat%2Fcompletions'],
      ['POST', '/v1/responses'],
      ['POST', '/v1/embeddings'],
      ['POST', '/v1/audio/speech'],
      ['POST', '/v1/audio/transcriptions'],
      ['POST', '/v1/images/generations'],
      ['POST', '/v1/messages'],
      ['POST', '/v1beta/models/m-1:generateContent'],
      ['GET', '/v1/models'],
      ['GET', '/models/m-1'],
      ['GET', '/v1/models/a%2Fb'],
      ['GET', '/v1/files'],
      ['GET', '/v1/chat/completions'],
      ['GET', ''],
      ['GET', '/'],
      ['HEAD', '/v1/models'],
      ['HEAD', '/v1/files'],
      ['HEAD', '/v1/chat/completions'],
      ['PUT', '/v1/chat/completions'],
      ['PATCH', '/v1/models/m-1'],
      ['DELETE', '/v1/models/m-1'],
      ['OPTIONS', '/v1/chat/completions'],
      ['PROPFIND', '/v1/models'],
      ['POST', '/v1/organization/users'],
      ['POST', '/v1/batches'],
    ].map(([method = '', rest = '']) => [`${method} ${rest}`, door(method, rest)]),
  ),
  'Authorization at -': inHeader('/relayapi/-/v1/chat/completions', 'Authorization: Bearer TOKEN'),
  'Authorization at the root': inHeader('/v1/chat/completions', 'Authorization: Bearer TOKEN'),
  'x-api-key at the root': inHeader('/v1/messages', 'x-api-key: TOKEN'),
  'nothing at the root': { method: 'POST', target: '/v1/chat/completions', lines: [] },
  'x-goog-api-key': inHeader('/v1beta/models/m-1:generateContent', 'x-goog-api-key: TOKEN'),
};

/** A body with the lines that frame it. */
export type Load = Pick<Asking, 'lines' | 'body'>;
const sized = (body: string, type = 'application/json'): Load => ({
  lines: [`Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`],
  body,
});
function chunked(body: string, size: number): Load {
  let framed = '';
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size);
    framed += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return {
    lines: ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
    body: `${framed}0\r\n\r\n`,
  };
}
const chat = (more: object = {}) =>
  JSON.stringify({ model: 'm-1', messages: [{ role: 'user', content: 'hi' }], ...more });
/** A chat of exactly so many bytes. */
function chatOf(bytes: number): string {
  const empty = chat({ pad: '' });
  return chat({ pad: 'x'.repeat(bytes - empty.length) });
}
const BOUNDARY = 'x-y-z';
const form = (model: string) =>
  [
    ...[`--${BOUNDARY}`, 'Content-Disposition: form-data; name="model"', '', model],
    ...[`--${BOUNDARY}`, 'Content-Disposition: form-data; name="file"; filename="a.wav"'],
    ...['Content-Type: audio/wav', '', '\x00\x01\xff\xfe', `--${BOUNDARY}--`, ''],
  ].join('\r\n');

/** Bodies by name. */
export const LOADS: Readonly<Record<string, Load>> = {
  none: { lines: [], body: '' },
  empty: { lines: ['Content-Type: application/json', 'Content-Length: 0'], body: '' },
  chat: sized(chat()),
  'a chat that streams': sized(chat({ stream: true, stream_options: { include_usage: true } })),
  'a chat in chunks': chunked(chat(), 7),
  'another model': sized(chat({ model: 'other' })),
  'no model': sized('{"messages":[]}'),
  'a model twice': sized('{"model":"m-1","model":"other"}'),
  'many tokens': sized(chat({ max_tokens: 99_999, n: 5 })),
  'hosted tools': sized(chat({ tools: [{ type: 'web_search' }], service_tier: 'flex', store: true })),
  'not JSON': sized('{"model":'),
  'UTF-8': sized(Buffer.from(chat({ user: 'ü – 😀' })).toString('latin1')),
  'text/plain': sized(chat(), 'text/plain'),
  'no type': { lines: [`Content-Length: ${chat().length}`], body: chat() },
  'said to be gzipped': { ...sized(chat()), lines: [...sized(chat()).lines, 'Content-Encoding: gzip'] },
  '64 KiB less a byte': sized(chatOf(65_535)),
  '64 KiB': sized(chatOf(65_536)),
  '64 KiB and a byte': sized(chatOf(65_537)),
  '64 KiB and a byte in chunks': chunked(chatOf(65_537), 8000),
  '200 KB': sized(chatOf(200_000)),
  '200 KB in chunks': chunked(chatOf(200_000), 50_000),
  'a form': sized(form('m-1'), `multipart/form-data; boundary=${BOUNDARY}`),
  'a form with another model': sized(form('other'), `multipart/form-data; boundary=${BOUNDARY}`),
};

/** Other header lines of a caller, by name. */
export const CALLERS: Readonly<Record<string, readonly string[]>> = {
  'says nothing': [],
  'an SDK': ['User-Agent: sdk/1', 'Accept: application/json', 'X-Stainless-Lang: js', 'OpenAI-Beta: a=1'],
  'a page that may': ['Origin: https://a.example', 'Sec-Fetch-Site: cross-site', 'Accept: */*'],
  'a page that may not': ['Origin: https://evil.example'],
  'a page that loads a document': ['Sec-Fetch-Dest: document'],
  'many credentials': ['Authorization: Bearer sk-other', 'X-Api-Key: sk-other', 'Cookie: a=b'],
  'a proxy in front': ['X-Forwarded-For: 203.0.113.9', 'X-Country: DE', 'Via: 1.1 x'],
  'a proxy of elsewhere': ['X-Forwarded-For: 198.51.100.7', 'X-Country: FR'],
  'wants problem+json': ['Accept: application/problem+json'],
  'a nonce': ['Relay-Nonce: nonce-nonce-nonce-nonce', 'Idempotency-Key: order-1'],
  'has passed here': ['CDN-Loop: other.example; v="1"'],
  'sixty-five lines': Array.from({ length: 65 }, (_, i) => `X-N-${i}: 1`),
};
