/**
 * Requests for the fuzzer of a live relay: good ones of every kind, and their mutations. "Framed" ones are wrong only inside, so that
 * further requests can follow on the connection; "wild" ones are mutated as bytes and come last.
 */
import { mutate } from '../../../../token/test/support/mutate.ts';
import type { Random } from '../../../../token/test/support/random.ts';

/** A request in parts; `body` is sent by length or in chunks. */
export interface Template {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: string;
  readonly chunked: boolean;
}

/** Words of the formats that stand in a request, most of them trouble. */
const TARGET_WORDS: readonly string[] = (
  '/ // /./ /../ /%2e%2e/ /%252e/ %2f %5c \\ ; ;a=b # ? ?key=x &model=a %00 %0d%0a %c0%ae @ : [ ] http://evil.test/ * ' +
  '/relayapi/ /relayapi/-/ /v1/ /v1beta/ /v1/v1 /chat/completions /files /organization /responses /models/ /embeddings ' +
  '/audio/transcriptions /messages :generateContent /threads . .. ... ~ %zz % %ff'
).split(' ');

const HEADER_WORDS: readonly string[] = [
  'Authorization: Bearer x',
  'Authorization: Basic eDp5',
  'x-api-key: a, b',
  'x-goog-api-key: y',
  'api-key: z',
  'OpenAI-Organization: org',
  'openai-beta: a=b',
  'Idempotency-Key: k',
  'Relay-Nonce: aaaaaaaaaaaaaaaaaaaa',
  'CDN-Loop: relayapi-a, other',
  'X-Forwarded-For: 10.0.0.1, 127.0.0.1',
  'X-Forwarded-Host: evil.test',
  'X-HTTP-Method-Override: DELETE',
  'Forwarded: for=1.2.3.4',
  'Origin: null',
  'Origin: https://app.example.com',
  'Origin: https://app.example.com.evil.test',
  'Sec-Fetch-Dest: image',
  'Sec-Fetch-Site: same-origin',
  'Sec-Purpose: prefetch',
  'Accept: application/problem+json',
  'Accept-Encoding: gzip, br',
  'Content-Encoding: gzip',
  'Content-Type: multipart/form-data; boundary=x',
  'Content-Type: application/json; charset=utf-7',
  'Content-Type: text/plain',
  'Cookie: a=b',
  'Referer: https://a.test/',
  'Range: bytes=0-1',
  'If-None-Match: *',
  'TE: trailers',
  'Via: 1.1 x',
  'Keep-Alive: timeout=1',
  'Proxy-Authorization: Basic eDp5',
  'Access-Control-Request-Private-Network: true',
  `X-Long: ${'a'.repeat(3000)}`,
];

const WILD_WORDS: readonly string[] = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '\r\n ',
  '\0',
  '\t',
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'CONNECT evil.test:443 HTTP/1.1\r\n',
  'TRACE ',
  'GET http://evil.test/ HTTP/1.1\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: -1\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Content-Length : 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: xchunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Host: a\r\nHost: b\r\n',
  'Expect: 100-continue\r\n',
  'Expect: x\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n',
  '0\r\n\r\n',
  'ffffffffffffffff\r\n',
  '5;a=b\r\n',
  '\x16\x03\x01\x02\x00\x01',
];

const BODY_WORDS: readonly string[] = [
  ...'{ } [ ] " : , \\ \\u0000 \\ud800 null true 1e999 -0 \ufeff'.split(' '),
  '"model":"demo-chat"',
  '"model":"gpt-secret"',
  '"mod\\u0065l":"gpt-secret"',
  '"MODEL":"x"',
  '"max_tokens":9007199254740993',
  '"max_completion_tokens":5',
  '"n":1e2',
  '"stream":true',
  '"__proto__":{"a":1}',
  '"tools":[{"type":"web_search"}]',
  '"previous_response_id":"r"',
  '"service_tier":"priority"',
  '[[[[[[[[',
  '{"a":{"a":{"a":{"a":',
  '\r\n--form\r\n',
  'Content-Disposition: form-data; name="model"',
  '\xef\xbb\xbf',
  '\xc0\xae',
];

const JSON_BODY = '{"model":"demo-chat","messages":[{"role":"user","content":"hello"}],"max_tokens":7}';
const FORM_BODY =
  '--form\r\nContent-Disposition: form-data; name="model"\r\n\r\ndemo-chat\r\n--form\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--form--\r\n';
const JSON_TYPE = 'Content-Type: application/json';

/** Good requests with this token, in the path and in headers. */
export function templatesFor(token: string): readonly Template[] {
  const path = `/relayapi/${token}`;
  const bearer = `Authorization: Bearer ${token}`;
  const post = (target: string, headers: readonly string[], body = JSON_BODY, chunked = false): Template => ({
    method: 'POST',
    target,
    headers: [JSON_TYPE, ...headers],
    body,
    chunked,
  });
  const bare = (method: string, target: string, headers: readonly string[] = []): Template => ({
    method,
    target,
    headers,
    body: '',
    chunked: false,
  });
  return [
    post(`${path}/v1/chat/completions`, []),
    post(
      `${path}/chat/completions`,
      ['Origin: https://app.example.com', 'User-Agent: fuzz'],
      JSON_BODY,
      true,
    ),
    post(`${path}/v1/embeddings?api-version=1`, ['Accept: */*'], '{"model":"demo-chat","input":"a"}'),
    post(`${path}/responses`, ['OpenAI-Beta: x=1'], '{"model":"demo-chat","input":"a","store":false}'),
    post('/relayapi/-/v1/chat/completions', [bearer]),
    post('/v1/chat/completions', [`x-api-key: ${token}`, 'anthropic-version: 2023-06-01'], JSON_BODY, true),
    post('/v1beta/models/demo-chat:generateContent', [`x-goog-api-key: ek_${token}`], '{"contents":[]}'),
    {
      method: 'POST',
      target: `${path}/v1/audio/transcriptions`,
      headers: ['Content-Type: multipart/form-data; boundary=form'],
      body: FORM_BODY,
      chunked: false,
    },
    bare('GET', `${path}/v1/models`),
    bare('HEAD', `${path}/v1/models`),
    bare('DELETE', `${path}/v1/files/file-1`),
    bare('OPTIONS', `${path}/v1/chat/completions`, [
      'Origin: https://app.example.com',
      'Access-Control-Request-Method: POST',
      'Access-Control-Request-Headers: content-type',
    ]),
    bare('GET', '/health'),
    bare('GET', '/'),
  ];
}

function inChunks(body: string): string {
  const half = body.length >> 1;
  const pieces = [body.slice(0, half), body.slice(half)].filter((piece) => piece !== '');
  return `${pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')}0\r\n\r\n`;
}

/** The bytes of a request, one per character. */
export function writeRequest({ method, target, headers, body, chunked }: Template): string {
  const lines = headers.map((line) => `${line}\r\n`).join('');
  const framing = chunked
    ? 'Transfer-Encoding: chunked\r\n'
    : body === '' && method !== 'POST'
      ? ''
      : `Content-Length: ${body.length}\r\n`;
  return `${method} ${target} HTTP/1.1\r\nHost: relay.test\r\n${lines}${framing}\r\n${chunked ? inChunks(body) : body}`;
}

const visible = (random: Random): string => String.fromCharCode(0x21 + random.below(0x5e));
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND', 'TRACE', 'MKCOL'];
/** What Node's parser answers itself, or what ends the connection. */
const BREAKS_LINE = /[^\t\x20-\x7e\x80-\xff]/g;
const BREAKS_TARGET = /[^\x21-\x7e]/g;
const ENDS = /^(?:connection|upgrade|expect|transfer-encoding|content-length|host|proxy-connection)\b/i;

/** Pieces of other corpora to draw on, by where they belong. */
export interface Pieces {
  readonly targets: readonly string[];
  readonly headers: readonly string[];
  readonly bodies: readonly string[];
  readonly wild: readonly string[];
}

/** Mutates one template: in one or two places, its framing kept. */
export function mutateFramed(
  template: Template,
  random: Random,
  others: readonly Template[],
  pieces: Pieces,
): Template {
  let { method, target, headers, body, chunked } = template;
  const other = random.pick(others);
  const places = random.oneIn(3) ? 2 : 1;
  for (let i = 0; i < places; i++) {
    switch (random.below(10)) {
      case 0:
        method = random.pick(METHODS);
        break;
      case 1:
      case 2:
      case 3:
        target = mutate(target, random, {
          dictionary: random.oneIn(3) && pieces.targets.length > 0 ? pieces.targets : TARGET_WORDS,
          other: () => other.target,
          character: visible,
          maxLength: 9000,
        }).replace(BREAKS_TARGET, '~');
        break;
      case 4:
      case 5:
      case 6:
        headers = mutateHeaders(headers, random, other.headers, pieces.headers);
        break;
      default:
        body = mutate(body === '' ? other.body : body, random, {
          dictionary: random.oneIn(3) && pieces.bodies.length > 0 ? pieces.bodies : BODY_WORDS,
          other: () => other.body,
          maxLength: 4000,
        });
        if (random.oneIn(8)) chunked = !chunked;
    }
  }
  if (target === '') target = '/';
  return { method, target, headers, body, chunked };
}

function mutateHeaders(
  headers: readonly string[],
  random: Random,
  others: readonly string[],
  more: readonly string[],
): readonly string[] {
  const lines = [...headers];
  const at = random.below(lines.length + 1);
  const way = random.below(9);
  if (way < 3) lines.splice(at, 0, random.pick(random.oneIn(2) && more.length > 0 ? more : HEADER_WORDS));
  else if (way < 5) lines.splice(at, random.below(2));
  else if (lines.length > 0) {
    const index = random.below(lines.length);
    const colon = (lines[index] as string).indexOf(':');
    const value = mutate((lines[index] as string).slice(colon + 1), random, {
      dictionary: HEADER_WORDS,
      other: () => random.pick(others.length > 0 ? others : HEADER_WORDS),
      maxLength: 5000,
    });
    lines[index] = `${(lines[index] as string).slice(0, colon)}:${value}`;
    if (random.oneIn(4)) lines.push(lines[index] as string);
  }
  return lines
    .map((line) => line.replace(BREAKS_LINE, ' '))
    .filter((line) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/.test(line) && !ENDS.test(line));
}

/** Mutates the bytes of a whole request. */
export function mutateWild(
  template: Template,
  random: Random,
  others: readonly Template[],
  pieces: Pieces,
): string {
  return mutate(writeRequest(template), random, {
    dictionary: random.oneIn(3) && pieces.wild.length > 0 ? pieces.wild : WILD_WORDS,
    other: () => writeRequest(random.pick(others)),
    maxLength: 40_000,
  });
}
