/** The Node listener over real sockets: what goes to the relay, what is refused as bytes, how it ends. */
import { afterEach, describe, expect, test } from 'vitest';
import { SHAPED } from '../../../test/support/inbound.ts';
import { answerLength, type Listening, listenWith, type Serve } from '../../../test/support/listening.ts';
import { openRaw, parseAnswer, sendRaw } from '../../../test/support/raw-http.ts';
import { createNodeListener, type NodeListenerOptions } from './listener.ts';

/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };

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

describe('A22 what is not one clear HTTP/1.1 request is refused, and nothing goes upstream', () => {
  const post = (lines: string, body = '', version = '1.1') =>
    `POST ${PATH} HTTP/${version}\r\n${lines}\r\n${body}`;
  const get = (target: string) => `GET ${target} HTTP/1.1\r\n${HOST}\r\n`;

  test.each<[string, string, string]>([
    ['absolute form', get(`http://relay.test${PATH}`), 'bad_target'],
    ['absolute form of another host', get('https://api.openai.com/v1/models'), 'bad_target'],
    ['authority form', get('relay.test:80'), 'bad_framing'],
    ['the asterisk', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 'bad_target'],
    ['two slashes in front', get(`/${PATH}`), 'bad_target'],
    ['a fragment', get(`${PATH}#x`), 'bad_target'],
    ['dot segments before the base path', get(`/x/..${PATH}`), 'bad_target'],
    ['no Host', post(''), 'bad_framing'],
    ['an empty Host', post('Host: \r\n'), 'bad_framing'],
    ['two Hosts', post(`${HOST}Host: other.test\r\n`), 'bad_framing'],
    ['two equal Hosts', post(HOST + HOST), 'bad_framing'],
    [
      'both lengths',
      post(`${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n`, '3\r\nabc\r\n0\r\n\r\n'),
      'bad_framing',
    ],
    [
      'both lengths, the other way round',
      post(`${HOST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n`, '3\r\nabc\r\n0\r\n\r\n'),
      'bad_framing',
    ],
    ['two lengths', post(`${HOST}Content-Length: 3\r\nContent-Length: 4\r\n`, 'abcd'), 'bad_framing'],
    ['a length that is none', post(`${HOST}Content-Length: 3x\r\n`, 'abc'), 'bad_framing'],
    [
      'gzip, chunked',
      post(`${HOST}Transfer-Encoding: gzip, chunked\r\n`, '3\r\nabc\r\n0\r\n\r\n'),
      'bad_framing',
    ],
    [
      'chunked, identity',
      post(`${HOST}Transfer-Encoding: chunked, identity\r\n`, '3\r\nabc\r\n0\r\n\r\n'),
      'bad_framing',
    ],
    ['xchunked', post(`${HOST}Transfer-Encoding: xchunked\r\n`, '3\r\nabc\r\n0\r\n\r\n'), 'bad_framing'],
    [
      'a coding in HTTP/1.0',
      post(`${HOST}Transfer-Encoding: chunked\r\n`, '3\r\nabc\r\n0\r\n\r\n', '1.0'),
      'bad_framing',
    ],
    ['a blank before the colon', post(`${HOST}Transfer-Encoding : chunked\r\n`, '0\r\n\r\n'), 'bad_framing'],
    ['a folded header', post(`${HOST}X-A: one\r\n two\r\n`), 'bad_framing'],
    ['bare line feeds', `GET ${PATH} HTTP/1.1\nHost: relay.test\n\n`, 'bad_framing'],
    ['a bare carriage return', post(`${HOST}X-A: one\rtwo\r\n`), 'bad_framing'],
    ['a NUL in a header', post(`${HOST}X-A: a\0b\r\n`), 'bad_framing'],
    ['a control byte in the target', get(`${PATH}\u0001`), 'bad_framing'],
    ['a byte above ASCII in the target', get(`${PATH}\u00e9`), 'bad_framing'],
    [
      'a chunk size that is none',
      post(`${HOST}Transfer-Encoding: chunked\r\n`, 'zz\r\nabc\r\n0\r\n\r\n'),
      'bad_framing',
    ],
    ['another expectation', post(`${HOST}Expect: 200-ok\r\n`), 'bad_framing'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n\r\n', 'bad_framing'],
    ['HTTP/2 by force', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'bad_framing'],
  ])('%s', async (why, bytes, code) => {
    let passedBodies = 0;
    const relay = await start(async (arrival, sink, tools) => {
      const body = await tools.collect(arrival, 1000);
      if ('denied' in body) return tools.refuse(arrival, body, sink);
      passedBodies++;
      sink.start(200, []);
      sink.end();
    });
    const answer = await sendRaw(relay.port, bytes);
    expect(answer.status).toBe(400);
    expect(codeOf(answer.body)).toBe(code);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(passedBodies).toBe(0);
    // Node finds a bad chunk only when the body is read; then nothing has gone up yet.
    if (why !== 'a chunk size that is none') expect(relay.served).toHaveLength(0);
    expect(relay.elsewhere).toHaveLength(0);
  });

  test('the connection ends after doubtful framing: what follows is no second request', async () => {
    const relay = await start();
    const second = `GET ${PATH} HTTP/1.1\r\n${HOST}\r\n`;
    const body = '0\r\n\r\n';
    const socket = await openRaw(
      relay.port,
      `POST ${PATH} HTTP/1.1\r\n${HOST}Content-Length: ${body.length + second.length}\r\nTransfer-Encoding: chunked\r\n\r\n${body}${second}`,
    );
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
    expect(parseAnswer(text).headers.connection).toBe('close');
    expect(relay.served).toHaveLength(0);
  });

  test('other methods get 405 with Allow, CONNECT as well', async () => {
    const relay = await start();
    for (const line of [`TRACE ${PATH}`, `PROPFIND ${PATH}`, 'CONNECT api.openai.com:443']) {
      const answer = await sendRaw(relay.port, `${line} HTTP/1.1\r\n${HOST}\r\n`);
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS');
      expect(answer.headers['access-control-allow-origin']).toBe('*');
    }
    expect(relay.served).toHaveLength(0);
  });
});

describe('whose request it is', () => {
  test('relay URLs go to the relay as they stand on the wire, the rest to the shell', async () => {
    const relay = await start();
    const target = `/relayapi/${SHAPED}//v1/a%2Fb?x=%20&&`;
    await sendRaw(relay.port, `GET ${target} HTTP/1.1\r\n${HOST}X-Mixed-Case: 1\r\nx-mixed-case: 2\r\n\r\n`);
    await sendRaw(relay.port, `GET /health HTTP/1.1\r\n${HOST}\r\n`);
    const [arrival] = relay.served;
    expect(arrival?.request.rawTarget).toBe(target);
    expect(arrival?.rest).toBe('//v1/a%2Fb');
    expect(arrival?.request.rawHeaders).toEqual([
      'Host',
      'relay.test',
      'X-Mixed-Case',
      '1',
      'x-mixed-case',
      '2',
    ]);
    expect(arrival?.client).toBe('127.0.0.1');
    expect(relay.elsewhere).toEqual(['GET /health']);
  });

  test('the shell gets no request without exactly one Host', async () => {
    const relay = await start();
    for (const lines of ['', HOST + HOST]) {
      expect((await sendRaw(relay.port, `GET /health HTTP/1.1\r\n${lines}\r\n`)).status).toBe(400);
    }
    expect(relay.elsewhere).toEqual([]);
  });

  test('two requests on one connection', async () => {
    const relay = await start();
    const one = `POST ${PATH} HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`;
    const socket = await openRaw(relay.port, one + one);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    await expect.poll(() => text.match(/got 3/g)?.length).toBe(2);
    socket.destroy();
  });
});

describe('A51 preflights over the wire', () => {
  test('are answered without a token and reach no handler', async () => {
    const relay = await start();
    const ask = `OPTIONS ${PATH} HTTP/1.1\r\n${HOST}Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,x-stainless-os\r\n\r\n`;
    const { status, headers } = await sendRaw(relay.port, ask);
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'authorization, x-stainless-os',
      'access-control-max-age': '600',
    });
    expect(relay.served).toHaveLength(0);
  });
});

describe('100-continue', () => {
  const head = `POST ${PATH} HTTP/1.1\r\n${HOST}Expect: 100-continue\r\n`;

  test('is sent when the body is wanted', async () => {
    const relay = await start();
    const socket = await openRaw(relay.port, `${head}Content-Length: 3\r\n\r\n`);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (/100 Continue\r\n\r\n$/.test(text)) socket.write('abc');
    });
    await expect.poll(() => text).toContain('got 3');
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    socket.destroy();
  });

  test('is not sent when the head is refused', async () => {
    const relay = await start();
    for (const bytes of [
      `${head}Content-Length: 5000\r\n\r\n`,
      `${head.replace(SHAPED, 'x')}Content-Length: 3\r\n\r\n`,
    ]) {
      const answer = await sendRaw(relay.port, bytes);
      expect(answer.text).toMatch(/^HTTP\/1\.1 4\d\d/);
    }
  });

  test('is sent for the shell', async () => {
    const relay = await start();
    const answer = await sendRaw(
      relay.port,
      `POST /x HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(answer.text).toMatch(/^HTTP\/1\.1 100 Continue/);
  });
});

describe('upgrades', () => {
  const ask = (protocol: string) =>
    `GET /relayapi/${SHAPED}/v1/responses HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Version: 13\r\n\r\n`;

  /** All that comes until the connection ends. */
  async function readAll(port: number, bytes: string): Promise<string> {
    const socket = await openRaw(port, bytes);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    await new Promise((resolve) => socket.once('close', resolve));
    return text;
  }

  test('a WebSocket gets 426 with a body and CORS headers', async () => {
    const relay = await start();
    const answer = await sendRaw(relay.port, ask('websocket'));
    expect(answer.status).toBe(426);
    expect(codeOf(answer.body)).toBe('upgrade_required');
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': '*', upgrade: 'HTTP/1.1' });
    expect(relay.served).toHaveLength(0);
  });

  test('an offer of h2c is passed over', async () => {
    const relay = await start();
    expect((await sendRaw(relay.port, ask('h2c'))).status).toBe(200);
  });

  test.each(['websocket', 'h2c'])(
    'what comes in one packet behind %s is never read as a request',
    async (protocol) => {
      const relay = await start();
      const text = await readAll(
        relay.port,
        `${ask(protocol)}GET ${PATH} HTTP/1.1\r\n${HOST}\r\n\u0081\u0005hello`,
      );
      expect(text.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
      expect(relay.served.filter((arrival) => arrival.rest !== '/v1/responses')).toEqual([]);
      expect((await sendRaw(relay.port, `GET ${PATH} HTTP/1.1\r\n${HOST}\r\n`)).status).toBe(200);
    },
  );
});

describe('Node’s own refusals, with CORS headers', () => {
  test('slow headers get 408', async () => {
    const relay = await start(answerLength, { headTimeoutMs: 200 });
    const answer = await sendRaw(relay.port, `POST ${PATH} HTTP/1.1\r\nHost: rel`);
    expect(answer.status).toBe(408);
    expect(codeOf(answer.body)).toBe('request_timeout');
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      vary: 'Origin',
      connection: 'close',
    });
  });

  test('a connection that never says anything is closed without a word', async () => {
    const relay = await start(answerLength, { headTimeoutMs: 200 });
    expect((await sendRaw(relay.port, '')).text).toBe('');
  });

  test.each([
    [
      'headers over the limit',
      `GET ${PATH} HTTP/1.1\r\n${HOST}X: ${'x'.repeat(40_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'a target over the limit',
      `GET ${PATH}${'x'.repeat(40_000)} HTTP/1.1\r\n${HOST}\r\n`,
      414,
      'uri_too_long',
    ],
    ['a target over 8 KiB', `GET ${PATH}${'x'.repeat(9000)} HTTP/1.1\r\n${HOST}\r\n`, 414, 'uri_too_long'],
    ['65 fields', `GET ${PATH} HTTP/1.1\r\n${HOST}${'X: y\r\n'.repeat(64)}\r\n`, 431, 'headers_too_large'],
    [
      '2,500 fields',
      `GET ${PATH} HTTP/1.1\r\n${HOST}${'X: y\r\n'.repeat(2500)}\r\n`,
      431,
      'headers_too_large',
    ],
  ])('%s', async (_why, bytes, status, code) => {
    const relay = await start();
    const answer = await sendRaw(relay.port, bytes);
    expect(answer.status).toBe(status);
    expect(codeOf(answer.body)).toBe(code);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(relay.served).toHaveLength(0);
  });

  test('30 KB of headers pass: a long token and an agent’s own share them', async () => {
    const relay = await start();
    const answer = await sendRaw(
      relay.port,
      `GET ${PATH} HTTP/1.1\r\n${HOST}X: ${'x'.repeat(30_000)}\r\n\r\n`,
    );
    expect(answer.status).toBe(200);
  });

  test('a fault in the body of an answer under way cuts it and puts nothing between', async () => {
    const relay = await start((_arrival, sink) => {
      sink.start(200, [['content-type', 'text/event-stream']]);
      sink.write(encode('data: 1\n\n'));
    });
    const socket = await openRaw(
      relay.port,
      `POST ${PATH} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`,
    );
    let text = '';
    socket.on('data', (chunk) => {
      if (text === '') socket.write('zz\r\n');
      text += chunk.toString('latin1');
    });
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(parseAnswer(text)).toMatchObject({ status: 200, body: 'data: 1\n\n', complete: false });
  });
});

describe('faults', () => {
  test('a throw before the answer is 500 internal for this request alone', async () => {
    const relay = await start(() => {
      throw new Error('bug with sk-demo-not-a-key');
    });
    const ask = `GET ${PATH} HTTP/1.1\r\n${HOST}\r\n`;
    for (let i = 1; i <= 2; i++) {
      const answer = await sendRaw(relay.port, ask);
      expect(answer.status).toBe(500);
      expect(codeOf(answer.body)).toBe('internal');
      expect(answer.text).not.toContain('sk-demo');
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(relay.faults).toHaveLength(i);
    }
  });

  test('a throw within the answer cuts it', async () => {
    const relay = await start((_arrival, sink) => {
      sink.start(200, []);
      sink.write(encode('half'));
      throw new Error('bug');
    });
    const answer = await sendRaw(relay.port, `GET ${PATH} HTTP/1.1\r\n${HOST}\r\n`);
    expect(answer).toMatchObject({ status: 200, body: 'half', complete: false });
  });

  test.each(['throws', 'rejects'])('the shell %s: 500, and the process lives', async (how) => {
    const faults: unknown[] = [];
    const listener = createNodeListener({
      relay: { matches: () => false, handle: () => {} },
      fallback: () => {
        if (how === 'throws') throw new Error('bug');
        return Promise.reject(new Error('bug'));
      },
      options: { host: '127.0.0.1', port: 0, onFault: (fault) => faults.push(fault) },
    });
    const { port } = await listener.listen();
    expect((await sendRaw(port, `GET / HTTP/1.1\r\n${HOST}\r\n`)).status).toBe(500);
    expect(faults).toHaveLength(1);
    await listener.close(0);
  });

  test('a port in use rejects', async () => {
    const relay = await start();
    const options = { host: '127.0.0.1', port: relay.port };
    const second = createNodeListener({
      relay: { matches: () => false, handle: () => {} },
      fallback: () => {},
      options,
    });
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await second.close(0);
  });
});

describe('A60 draining', () => {
  const stream =
    (until: Promise<unknown>): Serve =>
    async (_arrival, sink) => {
      sink.start(200, [['content-type', 'text/event-stream']]);
      sink.write(encode('first'));
      await until;
      sink.end(encode('last'));
    };
  const ask = `GET ${PATH} HTTP/1.1\r\n${HOST}\r\n`;

  test('idle connections close, a running answer ends, then all is closed', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const relay = await start(stream(promise));
    const idle = await openRaw(relay.port, `GET /x HTTP/1.1\r\n${HOST}\r\n`);
    await new Promise((done) => idle.once('data', done));
    const busy = sendRaw(relay.port, ask);
    await expect.poll(() => relay.served.length).toBe(1);
    const idleClosed = new Promise((done) => idle.once('close', done));
    const closed = relay.close(5000);
    await idleClosed;
    await expect(sendRaw(relay.port, ask, 500)).resolves.toMatchObject({ status: 0 });
    resolve();
    expect(await busy).toMatchObject({ status: 200, body: 'firstlast', complete: true });
    await closed;
  });

  test('what does not end in time is destroyed, visibly', REAL_TIME, async () => {
    const relay = await start(stream(new Promise(() => {})));
    const busy = sendRaw(relay.port, ask);
    await expect.poll(() => relay.served.length).toBe(1);
    const startedAt = performance.now();
    await relay.close(200);
    expect(performance.now() - startedAt).toBeLessThan(1500);
    expect(await busy).toMatchObject({ status: 200, complete: false });
  });

  test('answers begun while draining give the connection up', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const relay = await start(async (_arrival, sink) => {
      await promise;
      sink.start(200, [['content-length', '2']]);
      sink.end(encode('ok'));
    });
    const busy = sendRaw(relay.port, ask);
    await expect.poll(() => relay.served.length).toBe(1);
    const closed = relay.close(5000);
    resolve();
    expect((await busy).headers.connection).toBe('close');
    await closed;
  });

  test('closing twice or before listening does no harm', async () => {
    const listener = createNodeListener({
      relay: { matches: () => false, handle: () => {} },
      fallback: () => {},
      options: { host: '127.0.0.1', port: 0 },
    });
    await listener.close(10);
    const relay = await start();
    await relay.close();
    await relay.close();
  });
});

test('A56 after five hundred half-open heads the listener still answers', async () => {
  const relay = await start(answerLength, { headTimeoutMs: 300 });
  for (let round = 0; round < 5; round++) {
    const sockets = await Promise.all(
      Array.from({ length: 100 }, () => openRaw(relay.port, 'POST /relayapi/x HTTP/1.1\r\nX:')),
    );
    for (const socket of sockets) socket.destroy();
  }
  expect((await sendRaw(relay.port, `GET ${PATH} HTTP/1.1\r\n${HOST}\r\n`)).status).toBe(200);
  expect(relay.faults).toEqual([]);
});

test('A22 no request is heard behind an answer that closes the connection', async () => {
  const relay = await start(answerLength);
  const bad = `POST ${PATH} HTTP/1.1\r\n${HOST}Host: other.test\r\nContent-Length: 0\r\n\r\n`;
  const good = `POST ${PATH} HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`;
  const { text } = await sendRaw(relay.port, bad + good + good, 500);
  expect(text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 400']);
  expect(relay.served).toHaveLength(0);
});
