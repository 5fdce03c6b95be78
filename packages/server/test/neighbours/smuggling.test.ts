/**
 * Bytes that two parsers could cut into requests in two ways, sent over TLS through nginx, Caddy and haproxy with the guide's blocks:
 * what the proxy took for a body is no request at the relay, and honest callers beside it get their own answers.
 * house: real time, since other people's programs have no fake clock.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunningProxy } from '../support/proxy-process.ts';
import { PROXY_PROGRAMS } from '../support/proxy-programs.ts';
import { sendRawTls } from '../support/raw-tls.ts';
import { chatBody, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

/** One way to hide the request `inner` in another: `head` is the request line and plain headers of a POST. */
type Row = readonly [what: string, bytes: (head: string, inner: string) => string];

const CODINGS = [
  'chunked',
  'xchunked',
  'chunked, identity',
  'identity',
  '"chunked"',
  'chunked;q=1',
  'Chunked, x',
];

const ROWS: readonly Row[] = [
  // a length that covers the inner request beside a coding that ends before it
  ...['', ' ', '\t', '\x0b'].flatMap((space) =>
    CODINGS.map(
      (coding): Row => [
        `length, then coding ${JSON.stringify(space + coding)}`,
        (head, inner) =>
          `${head}Content-Length: ${inner.length + 5}\r\nTransfer-Encoding:${space}${coding}\r\n\r\n0\r\n\r\n${inner}`,
      ],
    ),
  ),
  [
    'coding, then length',
    (h, x) => `${h}Transfer-Encoding: chunked\r\nContent-Length: ${x.length + 5}\r\n\r\n0\r\n\r\n${x}`,
  ],
  [
    'coding twice',
    (h, x) =>
      `${h}Content-Length: ${x.length + 5}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${x}`,
  ],
  [
    'coding with a space',
    (h, x) => `${h}Content-Length: ${x.length + 5}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${x}`,
  ],
  [
    'coding with an underscore',
    (h, x) => `${h}Content-Length: ${x.length + 5}\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n${x}`,
  ],
  [
    'coding in a folded line',
    (h, x) =>
      `${h}Content-Length: ${x.length + 5}\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${x}`,
  ],
  [
    'coding behind a bare LF',
    (h, x) => `${h}Content-Length: ${x.length + 5}\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${x}`,
  ],
  [
    'coding behind a bare CR',
    (h, x) => `${h}Content-Length: ${x.length + 5}\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${x}`,
  ],
  ['two lengths', (h, x) => `${h}Content-Length: ${x.length}\r\nContent-Length: 0\r\n\r\n${x}`],
  ['a list of lengths', (h, x) => `${h}Content-Length: ${x.length}, 0\r\n\r\n${x}`],
  ['a length with a sign', (h, x) => `${h}Content-Length: +${x.length}\r\n\r\n${x}`],
  [
    'a length with an underscore',
    (h, x) => `${h}Content-Length: ${x.length}\r\nContent_Length: 0\r\n\r\n${x}`,
  ],
  [
    'a length named by Connection',
    (h, x) => `${h}Content-Length: ${x.length}\r\nConnection: Content-Length\r\n\r\n${x}`,
  ],
  // chunks that not everybody reads alike
  [
    'a quoted chunk extension',
    (h, x) =>
      `${h}Transfer-Encoding: chunked\r\n\r\n${x.length.toString(16)};x="\r\n\r\n"\r\n${x}\r\n0\r\n\r\n`,
  ],
  [
    'a chunk extension behind a bare LF',
    (h, x) => `${h}Transfer-Encoding: chunked\r\n\r\n${x.length.toString(16)};\n${x}\r\n0\r\n\r\n`,
  ],
  [
    'a chunk size with a space',
    (h, x) => `${h}Transfer-Encoding: chunked\r\n\r\n${x.length.toString(16)} \r\n${x}\r\n0\r\n\r\n`,
  ],
  [
    'a chunk size with many zeros',
    (h, x) =>
      `${h}Transfer-Encoding: chunked\r\n\r\n${'0'.repeat(20)}${x.length.toString(16)}\r\n${x}\r\n0\r\n\r\n`,
  ],
  [
    'a chunk size with 0x',
    (h, x) => `${h}Transfer-Encoding: chunked\r\n\r\n0x${x.length.toString(16)}\r\n${x}\r\n0\r\n\r\n`,
  ],
  [
    'a chunk size of 2^64',
    (h, x) => `${h}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n${x}\r\n0\r\n\r\n`,
  ],
  [
    'a length among the trailers',
    (h, x) =>
      `${h}Transfer-Encoding: chunked\r\n\r\n${x.length.toString(16)}\r\n${x}\r\n0\r\nContent-Length: 3\r\n\r\n`,
  ],
  // bodies where some expect none
  ['a body on GET', (h, x) => `${h.replace('POST', 'GET')}Content-Length: ${x.length}\r\n\r\n${x}`],
  ['a body on HEAD', (h, x) => `${h.replace('POST', 'HEAD')}Content-Length: ${x.length}\r\n\r\n${x}`],
  ['a body on OPTIONS', (h, x) => `${h.replace('POST', 'OPTIONS')}Content-Length: ${x.length}\r\n\r\n${x}`],
  [
    'a body that waits for 100',
    (h, x) => `${h}Expect: 100-continue\r\nContent-Length: ${x.length}\r\n\r\n${x}`,
  ],
  [
    'a body behind an upgrade',
    (h, x) => `${h}Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: ${x.length}\r\n\r\n${x}`,
  ],
  [
    'HTTP/1.0 with a coding',
    (h, x) =>
      `${h.replace('HTTP/1.1', 'HTTP/1.0')}Transfer-Encoding: chunked\r\n\r\n${x.length.toString(16)}\r\n${x}\r\n0\r\n\r\n`,
  ],
];

describe.each(PROXY_PROGRAMS)('requests hidden in requests, through $name', (program) => {
  let relay: RelayFixture;
  let proxy: RunningProxy;
  beforeAll(async () => {
    if (program.command === null) return;
    relay = await startRelay({ config: { server: { trusted_proxies: ['127.0.0.1'] } } });
    proxy = await program.start(relay.port);
  }, 60_000);
  afterAll(async () => {
    await proxy?.stop();
    await relay?.close();
  });
  beforeEach((context) => context.skip(program.command === null, `${program.name} is missing`));
  afterEach(() => relay?.demo.reset());

  const headOf = () =>
    `POST /relayapi/${relay.token()}/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
  const bodyOf = (user: string) => chatBody('demo-chat', { user });
  const wholeOf = (body: string, more = '') =>
    `${headOf()}${more}Content-Length: ${body.length}\r\n\r\n${body}`;
  /** Calls upstream whose whole body is this. */
  const callsOf = (body: string) =>
    relay.demo.requests.filter((request) => String(request.body) === body).length;
  const answersIn = (text: string) => (text.match(/HTTP\/1\.1 [2-5]\d\d /g) ?? []).length;

  it('stay hidden, or are requests to the proxy as well', async () => {
    let answered = 0;
    for (let at = 0; at < ROWS.length; at += 10) {
      const rows = ROWS.slice(at, at + 10);
      const odd = rows.map(async ([what, bytes]) => {
        const hidden = bodyOf(`hidden ${what}`);
        const text = await sendRawTls(proxy, bytes(headOf(), wholeOf(hidden)), 400);
        return { what, hidden, text };
      });
      const honest = rows.map(async ([what]) => {
        const body = bodyOf(`honest ${what}`);
        return { body, text: await sendRawTls(proxy, wholeOf(body, 'Connection: close\r\n'), 5000) };
      });
      for (const { body, text } of await Promise.all(honest)) {
        expect(text).toMatch(/^HTTP\/1\.1 200 /);
        expect(answersIn(text)).toBe(1);
        expect(callsOf(body)).toBe(1);
      }
      for (const { what, hidden, text } of await Promise.all(odd)) {
        answered += Math.min(1, answersIn(text));
        // a front that takes it for a second request answers a second time, to the one who sent it
        if (callsOf(hidden) > 0) expect(answersIn(text), what).toBe(1 + callsOf(hidden));
      }
    }
    expect(answered).toBeGreaterThan(ROWS.length / 2);
  });
});
