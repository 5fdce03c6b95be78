/** The head of an answer on the wire where it holds more than ASCII. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openRaw, parseAnswer } from '../../../test/support/raw-http.ts';
import type { ResponseSink } from '../../io.ts';
import { wrapNodeResponse } from './node-sink.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Serves each request with a sink. */
async function serve(handle: (sink: ResponseSink) => void): Promise<number> {
  const options = { writeTimeoutMs: 5000, draining: () => false };
  const server = createServer((req, res) => handle(wrapNodeResponse(req, res, options)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test.each([
  ['with a body that comes later', 'GET', [['x-a', 'a\xe4\xff']], 'chunk'],
  [
    'with a length',
    'GET',
    [
      ['x-a', 'a\xe4\xff'],
      ['content-length', '5'],
    ],
    'chunk',
  ],
  [
    'with an empty body',
    'GET',
    [
      ['x-a', 'a\xe4\xff'],
      ['content-length', '0'],
    ],
    '',
  ],
  [
    'without a body',
    'HEAD',
    [
      ['x-a', 'a\xe4\xff'],
      ['content-length', '5'],
    ],
    '',
  ],
] as [string, string, [string, string][], string][])(
  'bytes above ASCII leave as they came, %s, and before the body',
  async (_what, method, headers, body) => {
    let sink: ResponseSink | undefined;
    const port = await serve((given) => {
      sink = given;
      given.start(200, headers);
      if (body === '') given.end();
    });
    const socket = await openRaw(port, `${method} / HTTP/1.1\r\nHost: x\r\n\r\n`);
    const seen = { text: '' };
    socket.on('data', (chunk) => {
      seen.text += chunk.toString('latin1');
    });
    await expect.poll(() => parseAnswer(seen.text).headers['x-a']).toBe('a\xe4\xff');
    if (body !== '') sink?.end(new TextEncoder().encode(body));
    await expect.poll(() => parseAnswer(seen.text).body).toBe(body);
    socket.destroy();
  },
);
