/** What the upstream says in the differential suite of the two paths: whole answers, streams, errors, lies and breaks. Data. */
import { gzipSync } from 'node:zlib';
import type { DemoExchange, Responder } from 'relayapi-demo-provider';
import { turns } from '../support/turns.ts';

type Lines = readonly string[];
const JSON_LINE = ['Content-Type', 'application/json'];
const SSE_LINE = ['Content-Type', 'text/event-stream'];
const CHAT = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello – ü' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
});
const EVENTS = [
  'data: {"choices":[{"delta":{"content":"he"}}]}\n\n',
  'data: {"choices":[{"delta":{"content":"llo"}}]}\n\n',
  'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}\n\n',
  'data: [DONE]\n\n',
];
const ERROR = JSON.stringify({ error: { message: 'no', type: 'invalid_request_error', code: 'no' } });
const NOISE = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7919 + (i >> 8)) % 256));

/** All of it at once with its length. */
function whole(status: number, lines: Lines, body: string | Uint8Array): Responder {
  return async ({ response, readBody }) => {
    await readBody();
    const bytes = Buffer.from(body as string);
    response.writeHead(status, [...lines, 'Content-Length', String(bytes.length)]);
    response.end(bytes);
  };
}

/** Piece by piece without a length, each in a turn of its own. */
function pieces(status: number, lines: Lines, parts: readonly (string | Uint8Array)[]): Responder {
  return async ({ response, readBody }) => {
    await readBody();
    response.writeHead(status, [...lines]);
    response.flushHeaders();
    for (const part of parts) {
      await turns(1);
      response.write(part);
    }
    response.end();
  };
}

function bare(status: number, lines: Lines = []): Responder {
  return async ({ response, readBody }) => {
    await readBody();
    response.writeHead(status, [...lines]);
    response.end();
  };
}

/** Says this much, lets it arrive, and is gone. */
function broken(lines: Lines, parts: readonly string[], how: 'fin' | 'rst' = 'fin'): Responder {
  return async ({ response, readBody, cut }) => {
    await readBody();
    response.writeHead(200, [...lines]);
    response.flushHeaders();
    for (const part of parts) {
      await turns();
      response.write(part);
    }
    // a reset takes back what has not been read
    await turns();
    cut(how);
  };
}

/** Sends back the credential that it was called with. */
function echo(status: number, place: 'body' | 'line' | 'stream'): Responder {
  return async ({ response, readBody, recorded }: DemoExchange) => {
    await readBody();
    const key = (recorded.headers['authorization'] ?? 'none').split(' ').at(-1) ?? '';
    if (place === 'line')
      return void response.writeHead(status, [...JSON_LINE, 'X-Request-Id', key]).end('{}');
    if (place === 'body') {
      response.writeHead(status, [...JSON_LINE]);
      return void response.end(JSON.stringify({ error: { message: `bad key ${key}` } }));
    }
    response.writeHead(status, [...SSE_LINE]);
    response.write(`data: {"key":"${key.slice(0, 10)}`);
    await turns();
    response.end(`${key.slice(10)}"}\n\n`);
  };
}

const retry = (value: string) => [...JSON_LINE, 'Retry-After', value];
const ODD_LINES = [
  ...JSON_LINE,
  ...['X-Request-Id', 'req_up_1', 'Set-Cookie', 'a=b', 'Server', 'evil', 'X-Secret', '1', 'Via', '1.1 x'],
  ...['Access-Control-Allow-Origin', 'https://evil.example', 'Cache-Control', 'public, max-age=9'],
  ...['X-RateLimit-Remaining-Requests', '5', 'Content-Disposition', 'attachment; filename="a.json"'],
  ...['Accept-Ranges', 'bytes', 'Location', '/x', 'WWW-Authenticate', 'Basic', 'Relay-Expires', '1'],
];

/** Every answer by its name. */
export const ANSWERS: Readonly<Record<string, Responder>> = {
  'JSON with its length': whole(200, JSON_LINE, CHAT),
  'JSON in chunks': pieces(200, JSON_LINE, [CHAT.slice(0, 20), CHAT.slice(20)]),
  'JSON with odd lines': whole(200, ODD_LINES, CHAT),
  'JSON with a latin1 line': whole(200, [...JSON_LINE, 'Content-Disposition', 'a; b="\xe9"'], CHAT),
  'an event stream': pieces(200, SSE_LINE, EVENTS),
  'an event stream in lines of CR LF': pieces(
    200,
    SSE_LINE,
    EVENTS.map((event) => event.replaceAll('\n', '\r\n')),
  ),
  'an event stream by the byte': pieces(200, SSE_LINE, EVENTS.slice(0, 1).join('').split('')),
  'an event stream with a length': whole(200, SSE_LINE, EVENTS.join('')),
  'lines of JSON': pieces(200, ['Content-Type', 'application/x-ndjson'], ['{"a":1}\n', '{"a":2}\n']),
  '200 KB of audio in chunks': pieces(
    200,
    ['Content-Type', 'audio/mpeg'],
    [NOISE.subarray(0, 90_000), NOISE.subarray(90_000)],
  ),
  '200 KB with its length': whole(200, ['Content-Type', 'application/octet-stream'], NOISE),
  '64 KiB with its length': whole(200, ['Content-Type', 'image/png'], NOISE.subarray(0, 65_536)),
  'plain text': whole(200, ['Content-Type', 'text/plain; charset=utf-8'], 'hello'),
  'a created thing': whole(201, JSON_LINE, '{"id":1}'),
  'an accepted thing': pieces(202, JSON_LINE, ['{}']),
  'a part': whole(206, ['Content-Type', 'video/mp4', 'Content-Range', 'bytes 0-4/9'], 'abcde'),
  'nothing, 204': bare(204),
  'nothing, 204 with a type': bare(204, JSON_LINE),
  'nothing, 205': bare(205),
  'nothing, a length of 0': bare(200, ['Content-Length', '0']),
  'nothing, a length of 0 and a type': bare(200, [...JSON_LINE, 'Content-Length', '0']),
  'nothing in chunks': pieces(200, JSON_LINE, []),
  HTML: whole(200, ['Content-Type', 'text/html'], '<script>alert(1)</script>'),
  'an SVG': whole(200, ['Content-Type', 'image/svg+xml'], '<svg/>'),
  'a PDF': whole(200, ['Content-Type', 'application/pdf'], '%PDF-1.7'),
  'no type': whole(200, [], 'hello'),
  'a type that is none': whole(200, ['Content-Type', 'json'], '{}'),
  'an error in HTML': whole(500, ['Content-Type', 'text/html'], '<h1>no</h1>'),
  'an error in plain text': whole(418, ['Content-Type', 'text/plain'], 'teapot'),
  'an error in chunks': pieces(422, JSON_LINE, [ERROR.slice(0, 9), ERROR.slice(9)]),
  'an error without a body': bare(404, ['Content-Length', '0']),
  'an error of 64 KiB': whole(400, JSON_LINE, 'x'.repeat(65_536)),
  'an error of 64 KiB and a byte': whole(400, JSON_LINE, 'x'.repeat(65_537)),
  ...Object.fromEntries(
    // 407 is for proxies: no fetch shows it
    [400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 429, 456, 500, 501, 502, 503, 504, 529, 599].map(
      (status) => [`an error ${status}`, whole(status, JSON_LINE, ERROR)],
    ),
  ),
  ...Object.fromEntries(
    ['0', '7', '61', '3600', 'soon', 'Fri, 15 Jan 2027 08:00:30 GMT'].map((value) => [
      `429 with Retry-After ${value}`,
      whole(429, retry(value), ERROR),
    ]),
  ),
  '503 with Retry-After': whole(503, retry('5'), ERROR),
  '200 with Retry-After': whole(200, retry('5'), CHAT),
  ...Object.fromEntries(
    [300, 301, 302, 303, 304, 307, 308].map((status) => [
      `a redirect ${status}`,
      bare(status, ['Location', '/v1/models', 'Content-Length', '0']),
    ]),
  ),
  'a gzipped answer': whole(200, [...JSON_LINE, 'Content-Encoding', 'gzip'], gzipSync(CHAT)),
  'a gzipped error': whole(400, [...JSON_LINE, 'Content-Encoding', 'gzip'], gzipSync(ERROR)),
  'an answer that says identity': whole(200, [...JSON_LINE, 'Content-Encoding', 'identity'], CHAT),
  'an answer in an unknown coding': whole(200, [...JSON_LINE, 'Content-Encoding', 'x-own'], CHAT),
  'the key in an answer': echo(200, 'body'),
  'the key in a line': echo(200, 'line'),
  'the key in a stream, in two pieces': echo(200, 'stream'),
  'the key in an error': echo(400, 'body'),
  'the key in a line of an error': echo(404, 'line'),
  'an interim answer first': async (exchange) => {
    exchange.response.writeEarlyHints({ link: '</x>; rel=preload' });
    await whole(200, JSON_LINE, CHAT)(exchange);
  },
};

/** Answers that break after the head: what the caller gets must not look whole. */
export const BREAKS: Readonly<Record<string, Responder>> = {
  'a length that is too long': broken([...JSON_LINE, 'Content-Length', '900'], ['{"a":', '1}']),
  'a length, then a reset': broken([...JSON_LINE, 'Content-Length', '900'], ['{"a":', '1}'], 'rst'),
  'chunks, then a close': broken(JSON_LINE, ['{"a":1', ',"b":2', '}']),
  'chunks, then a reset': broken(JSON_LINE, ['{"a":1', ',"b":2', '}'], 'rst'),
  'an event stream, then a close': broken(SSE_LINE, EVENTS.slice(0, 2)),
  'an event stream, then a reset': broken(SSE_LINE, EVENTS.slice(0, 2), 'rst'),
  'an event stream, then a close within an event': broken(SSE_LINE, [EVENTS[0] as string, 'data: {"cho']),
};

/** Connections that end before there is an answer. */
export const SILENCES: Readonly<Record<string, Responder>> = {
  'a close': async ({ readBody, cut }) => {
    await readBody();
    cut('fin');
  },
  'a reset': async ({ readBody, cut }) => {
    await readBody();
    cut('rst');
  },
};
