/** Faults that no request stands behind: what they may not take away from requests before them, and who is told (behaviour spec §4, §9). */
import { afterEach, describe, expect, test } from 'vitest';
import { SHAPED } from '../../../test/support/inbound.ts';
import { answerLength, type Listening, listenWith, type Serve } from '../../../test/support/listening.ts';
import { openRaw, parseAnswer, sendRaw } from '../../../test/support/raw-http.ts';
import type { SocketRefusal } from './client-errors.ts';
import type { NodeListenerOptions } from './listener.ts';

let running: Listening | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

async function start(
  serve: Serve = answerLength,
  options: Partial<NodeListenerOptions> = {},
): Promise<Listening> {
  running = await listenWith(serve, options);
  return running;
}

const PATH = `/relayapi/${SHAPED}/v1/chat/completions`;
const HOST = 'Host: relay.test\r\n';
const codeOf = (body: string) => {
  const { error } = JSON.parse(body);
  return error.code;
};
const encode = (text: string) => new TextEncoder().encode(text);

describe('a fault behind a request that is being answered', () => {
  const get = `GET ${PATH} HTTP/1.1\r\n${HOST}\r\n`;
  /** A handler that answers only when told to, and first says head and a piece of the body if `begins`. */
  function held(begins: boolean) {
    const release = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const serve: Serve = async (_arrival, sink) => {
      if (begins) {
        sink.start(200, [['content-type', 'text/plain']]);
        sink.write(encode('one '));
      }
      entered.resolve();
      await release.promise;
      if (!begins) sink.start(200, [['content-type', 'text/plain']]);
      sink.end(encode('whole'));
    };
    return { serve, release: release.resolve, entered: entered.promise };
  }

  async function readAll(socket: Awaited<ReturnType<typeof openRaw>>): Promise<string> {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    await new Promise((resolve) => socket.once('close', resolve));
    return text;
  }

  test.each([
    ['garbage', '\0\x01garbage\r\n\r\n'],
    ['a second request with a broken head', `GET ${PATH} HTTP/1.1\r\nX A: b\r\n\r\n`],
    [
      'a second request whose body is broken',
      `POST ${PATH} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    ],
    ['CONNECT', 'CONNECT relay.test:443 HTTP/1.1\r\nHost: relay.test\r\n\r\n'],
  ])(
    'A22 %s takes no answer away: the first one is whole, and then the connection ends',
    async (_what, behind) => {
      for (const begins of [false, true]) {
        const { serve, release, entered } = held(begins);
        // the second one waits for its body
        const relay = await start((arrival, sink, tools) =>
          arrival.method === 'GET' ? serve(arrival, sink, tools) : answerLength(arrival, sink, tools),
        );
        const socket = await openRaw(relay.port, get);
        const all = readAll(socket);
        await entered;
        socket.write(behind, 'latin1');
        // house: real time, the parser has to see the fault before the answer goes on
        await new Promise((resolve) => setTimeout(resolve, 50));
        // a turn that looks at the sockets, however late the timer was
        await new Promise((resolve) => setImmediate(resolve));
        release();
        const text = await all;
        expect(text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 200']);
        expect(parseAnswer(text)).toMatchObject({
          status: 200,
          body: begins ? 'one whole' : 'whole',
          complete: true,
        });
        await relay.close();
      }
    },
  );

  test('A22 a caller that closes after its garbage is gone for the relay, too', async () => {
    const gone = Promise.withResolvers<void>();
    const relay = await start((_arrival, sink) => sink.onGone(gone.resolve));
    const socket = await openRaw(relay.port, `${get}\0garbage`);
    await expect.poll(() => relay.served.length).toBe(1);
    socket.end();
    await gone.promise;
  });
});

describe('what is refused before it is a request', () => {
  test.each([
    ['garbage', '\0\x01', 'bad_framing', 'HPE_INVALID_METHOD'],
    [
      'a head too large',
      `GET ${PATH} HTTP/1.1\r\nX: ${'x'.repeat(40_000)}`,
      'headers_too_large',
      'HPE_HEADER_OVERFLOW',
    ],
    ['a target too long', `GET /${'x'.repeat(40_000)}`, 'uri_too_long', 'HPE_HEADER_OVERFLOW'],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 'method_not_allowed', undefined],
  ])('is told of once, under the id that the answer names: %s', async (_what, bytes, code, reason) => {
    const refusals: SocketRefusal[] = [];
    const relay = await start(answerLength, { onRefused: (refusal) => refusals.push(refusal) });
    const answer = await sendRaw(relay.port, bytes);
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatchObject({
      peerAddress: '127.0.0.1',
      requestId: answer.headers['x-request-id'],
    });
    expect(refusals[0]?.denial).toMatchObject({ denied: code });
    expect(refusals[0]?.denial.reason).toBe(reason);
    expect(codeOf(answer.body)).toBe(code);
  });
});

describe('a refusal whose request is still being parsed', () => {
  const refuse: Serve = (arrival, sink, tools) => tools.refuse(arrival, { denied: 'token_invalid' }, sink);
  const post = (lines: string, body: string) => `POST ${PATH} HTTP/1.1\r\n${HOST}${lines}\r\n${body}`;
  const answers = (text: string) => text.match(/HTTP\/1\.1 \d\d\d/g);

  test('is the one answer, or the fault of its body is, and then the connection ends', async () => {
    const { port } = await start(refuse);
    const socket = await openRaw(port, post('Transfer-Encoding: chunked\r\n', 'zz\r\n'));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answers(text)).toHaveLength(1);
  });

  test('keeps its place before the next request of the packet, and the connection', async () => {
    const { port, served } = await start(refuse);
    const one = post('Content-Length: 2\r\n', 'hi');
    const socket = await openRaw(port, one + one + one);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    await expect.poll(() => answers(text)).toEqual(Array.from({ length: 3 }, () => 'HTTP/1.1 401'));
    socket.write(one);
    await expect.poll(() => answers(text)?.length).toBe(4);
    expect(served).toHaveLength(4);
    socket.destroy();
  });
});
