/**
 * HTTP/2 in front of the relay, with the guide's blocks of nginx, Caddy and haproxy: streams pass unbuffered, a cancelled stream ends
 * the call upstream, a hundred at once on one connection, uploads byte for byte, and no oddity of HTTP/2 becomes one of HTTP/1.1.
 * house: real time, since other people's programs have no fake clock.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openHttp2, requestHttp2 } from '../support/http2-client.ts';
import type { RunningProxy } from '../support/proxy-process.ts';
import { PROXY_PROGRAMS } from '../support/proxy-programs.ts';
import { type RawStream, sendFrames } from '../support/raw-http2.ts';
import { chatBody, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

describe.each(PROXY_PROGRAMS)('HTTP/2 through $name', (program) => {
  let relay: RelayFixture;
  let proxy: RunningProxy;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    if (program.command === null) return;
    relay = await startRelay({ config: { server: { trusted_proxies: ['127.0.0.1'] } } });
    proxy = await program.start(relay.port);
  }, 60_000);
  afterAll(async () => {
    await proxy?.stop();
    await relay?.close();
  });
  beforeEach((context) => {
    context.skip(program.command === null, `${program.name} is missing`);
    session = openHttp2(proxy);
  });
  afterEach(() => {
    session?.destroy();
    relay?.demo.reset();
  });

  const pathFor = (more = {}) => `/relayapi/${relay.token({ maxCalls: 5000, ...more })}/v1/chat/completions`;

  it('passes each piece of a stream before there is a next', async () => {
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    relay.demo.next(async ({ response, readBody }) => {
      await readBody();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const [i, gate] of gates.entries()) {
        response.write(`data: {"choices":[{"index":0,"delta":{"content":"piece ${i}"}}]}\n\n`);
        // if the proxy kept it back, nobody would let the next one go, and the test would time out
        await gate.promise;
      }
      response.end('data: [DONE]\n\n');
    });
    let early = '';
    const answer = await requestHttp2(session, pathFor(), chatBody('demo-chat', { stream: true }), {
      onData(piece) {
        early += piece;
        for (const [i, gate] of gates.entries()) if (early.includes(`piece ${i}`)) gate.resolve();
      },
    });
    expect(answer.text).toContain('[DONE]');
  });

  it('passes the head of an answer as early as it can', async () => {
    const headSeen = Promise.withResolvers<void>();
    relay.demo.next(async ({ response, readBody }) => {
      await readBody();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      // nginx keeps frames of headers in its TLS buffer until data follows; the guide says so
      if (program.name === 'nginx') response.write(': one byte and more\n\n');
      await headSeen.promise;
      response.end('data: [DONE]\n\n');
    });
    const answer = await requestHttp2(session, pathFor(), chatBody('demo-chat', { stream: true }), {
      onStream: (stream) => stream.once('response', () => headSeen.resolve()),
    });
    expect(answer.status).toBe(200);
  });

  it.each(['before the answer', 'in the middle of the answer'])(
    'ends the call upstream when a stream is reset %s, and only that call',
    async (when) => {
      const begun = Promise.withResolvers<void>();
      const upstreamLeft = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      relay.demo.handle = async (_request, response, { readBody }) => {
        const asked = String(await readBody());
        if (asked.includes('demo-other')) {
          await goOn.promise;
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end('{"other":true}');
          return true;
        }
        response.on('close', () => upstreamLeft.resolve());
        if (when !== 'before the answer') {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write('data: {"choices":[]}\n\n');
        }
        begun.resolve();
        return true;
      };
      const other = requestHttp2(session, pathFor(), chatBody('demo-other'));
      let stream: ClientHttp2Stream | undefined;
      const piece = Promise.withResolvers<void>();
      const cut = requestHttp2(session, pathFor(), chatBody('demo-chat', { stream: true }), {
        onStream: (made) => {
          stream = made;
        },
        onData: () => piece.resolve(),
      });
      cut.catch(() => {});
      await begun.promise;
      if (when !== 'before the answer') await piece.promise;
      stream?.close(constants.NGHTTP2_CANCEL);
      await upstreamLeft.promise;
      goOn.resolve();
      expect(await other).toMatchObject({ status: 200, text: '{"other":true}' });
    },
  );

  it('carries a hundred calls at once on one connection, each its own answer', async () => {
    const together = Promise.withResolvers<void>();
    let arrived = 0;
    let most = 0;
    relay.demo.handle = async (_request, response, { readBody }) => {
      const { user } = JSON.parse(String(await readBody())) as { user: string };
      arrived += 1;
      most = Math.max(most, arrived);
      if (arrived === 100) together.resolve();
      await together.promise;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ user }));
      return true;
    };
    const path = pathFor();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        requestHttp2(session, path, chatBody('demo-chat', { user: `caller-${i}` })),
      ),
    );
    expect(answers.map(({ text }) => text)).toEqual(answers.map((_, i) => `{"user":"caller-${i}"}`));
    expect(most).toBe(100);
  });

  it('uploads byte for byte, with a length and without one', async () => {
    const body = Buffer.from(chatBody('demo-chat', { user: randomBytes(2_000_000).toString('base64') }));
    const sha256 = createHash('sha256').update(body).digest('hex');
    for (const headers of [{ 'content-length': body.length }, {}]) {
      expect((await requestHttp2(session, pathFor(), body, { headers })).status).toBe(200);
      expect(relay.demo.requests.at(-1)?.sha256).toBe(sha256);
    }
  });

  it('turns crumbs of cookies, te and priorities into nothing upstream', async () => {
    const answer = await requestHttp2(session, pathFor(), chatBody(), {
      headers: {
        cookie: ['a=1', 'b=2', 'c=3'],
        te: 'trailers',
        priority: 'u=0, i',
        'x-custom': ['one', 'two'],
        'accept-encoding': 'gzip, br',
        via: '2 elsewhere',
        'keep-alive-ish': 'x',
      },
    });
    expect(answer.status).toBe(200);
    const names = Object.keys(relay.demo.requests.at(-1)?.headers ?? {});
    for (const name of ['cookie', 'te', 'trailer', 'priority', 'x-custom', 'via', 'keep-alive-ish'])
      expect(names).not.toContain(name);
    expect(relay.demo.requests.at(-1)?.headers['accept-encoding']).toBe('identity');
  });

  it('lets no field through that would be framing or a second request in HTTP/1.1', async () => {
    const smuggled = 'demo-smuggled';
    const inner = `POST ${pathFor()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${chatBody(smuggled).length}\r\n\r\n${chatBody(smuggled)}`;
    const body = chatBody();
    const plain = () => ({
      ':method': 'POST',
      ':scheme': 'https',
      ':authority': 'localhost',
      ':path': pathFor(),
      'content-type': 'application/json',
    });
    const stream = (more: Record<string, string>, sent: string = body): RawStream => ({
      fields: Object.entries({ ...plain(), ...more }),
      body: sent,
    });
    const path = pathFor();
    const odd: RawStream[] = [
      stream({ 'transfer-encoding': 'chunked' }, `0\r\n\r\n${inner}`),
      stream({ 'transfer-encoding': 'identity, chunked' }, `0\r\n\r\n${inner}`),
      stream({ 'content-length': '0' }, inner),
      stream({ 'content-length': String(body.length) }, body + inner),
      stream({ 'content-length': '5, 5' }, inner),
      stream({ 'content-length': '+0' }, inner),
      stream({ 'content-length': `${body.length}`, 'Content-Length': '0' }, body + inner),
      stream({ connection: 'content-length', 'content-length': '0' }, inner),
      stream({ connection: 'upgrade', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' }),
      stream({ 'x-a': `b\r\nContent-Length: 0\r\n\r\n${inner}` }),
      stream({ 'x-a': `b\r\n\r\n${inner}` }),
      stream({ 'x-a': `b\n\n${inner}` }),
      stream({ 'x-a': 'b\x00c' }),
      stream({ [`x-a: b\r\ntransfer-encoding: chunked\r\nx`]: 'y' }, `0\r\n\r\n${inner}`),
      stream({ 'x-a:b': 'c' }),
      stream({ 'transfer-encoding ': 'chunked' }, `0\r\n\r\n${inner}`),
      stream({ ':path': `${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n${inner}` }),
      stream({ ':path': `${path}?x=y HTTP/1.1\r\nX: ` }),
      stream({ ':method': `POST ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n${inner}` }),
      stream({ ':method': 'GET / HTTP/1.1\r\nX: y\r\n\r\nPOST' }),
      stream({ ':authority': `localhost\r\nContent-Length: 0\r\n\r\n${inner}` }),
      stream({ ':authority': 'localhost', host: `localhost\r\n\r\n${inner}` }),
      stream({ ':scheme': `https://localhost${path} HTTP/1.1\r\nHost: x\r\n\r\n` }),
      stream({ te: `trailers\r\n\r\n${inner}` }),
      stream({ trailer: 'content-length', 'content-length': '0' }, inner),
      stream({ expect: '100-continue' }, body),
    ];
    const logged = () => relay.lines.filter((line) => line['url.path'] !== undefined).length;
    const before = logged();
    const answers = await Promise.all(odd.map((one) => sendFrames(proxy, [one], 800)));
    // honest callers straight behind them, on the proxy's own connections to the relay
    const honest = await Promise.all(
      Array.from({ length: 20 }, () => requestHttp2(session, pathFor(), chatBody('demo-chat'))),
    );
    for (const { status, text } of honest) {
      expect(status).toBe(200);
      expect(text).toContain('hello');
    }
    // it may be carried inside a body, never be a request of its own
    const models = relay.demo.requests.map((request) => String(request.body).slice(0, 40));
    expect(models.filter((text) => text.startsWith(chatBody(smuggled).slice(0, 30)))).toEqual([]);
    // no more requests at the relay than were sent to the proxy
    expect(logged() - before).toBeLessThanOrEqual(odd.length + honest.length);
    expect(
      answers.filter(({ reset, goaway, answered }) => reset.length > 0 || goaway || answered.length > 0)
        .length,
    ).toBeGreaterThan(odd.length / 2);
  });
});
