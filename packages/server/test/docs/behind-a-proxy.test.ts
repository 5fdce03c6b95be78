/**
 * The nginx, Caddy and haproxy blocks of docs/guides/behind-a-proxy.md, taken out of the page and put in front of a relay over TLS and HTTP/2.
 * house: real time, since other people's programs have no fake clock.
 */
import type { ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openHttp2, requestHttp2 } from '../support/http2-client.ts';
import type { RunningProxy } from '../support/proxy-process.ts';
import { PROXY_PROGRAMS } from '../support/proxy-programs.ts';
import { chatBody, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

describe.each(PROXY_PROGRAMS)('$name in front', (program) => {
  let relay: RelayFixture;
  let proxy: RunningProxy;
  const sessions: ClientHttp2Session[] = [];

  beforeAll(async () => {
    if (program.command === null) return;
    relay = await startRelay({ config: { server: { trusted_proxies: ['127.0.0.1'] } } });
    proxy = await program.start(relay.port);
  }, 60_000);
  afterAll(async () => {
    for (const session of sessions) session.destroy();
    await proxy?.stop();
    await relay?.close();
  });
  beforeEach((context) => context.skip(program.command === null, `${program.name} is missing`));

  /** An HTTP/2 connection to the proxy that comes from `address`. */
  function open(address: string): ClientHttp2Session {
    const session = openHttp2(proxy, address);
    sessions.push(session);
    return session;
  }

  const pathOf = (url: string) => `${new URL(url).pathname}/v1/chat/completions`;
  const post = requestHttp2;

  const lastLine = () => relay.lines.findLast((line) => line['url.path'] !== undefined);

  it('passes a call over HTTP/2 and tells the client’s own address, whatever the client claims', async () => {
    const answer = await post(
      open('127.0.0.2'),
      pathOf(relay.url({ allowedIps: ['127.0.0.2'] })),
      chatBody(),
      {
        headers: { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' },
      },
    );
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('hello');
    expect(lastLine()?.['client.address']).toBe('127.0.0.2');
    const other = await post(open('127.0.0.3'), pathOf(relay.url({ allowedIps: ['127.0.0.2'] })), chatBody());
    expect(other.status).toBe(403);
    expect(other.text).toContain('may not be used from this address');
  });

  it('passes the first piece of a stream before there is a second', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    relay.demo.next(async ({ response, readBody }) => {
      await readBody();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"index":0,"delta":{"content":"first"}}]}\n\n');
      await released;
      response.end('data: [DONE]\n\n');
    });
    let early = '';
    const body = chatBody('demo-chat', { stream: true });
    // if the proxy kept the piece back, nobody would let the rest go, and the test would time out
    const answer = await post(open('127.0.0.1'), pathOf(relay.url()), body, {
      onData(piece) {
        early += piece;
        if (early.includes('first')) release();
      },
    });
    expect(answer.text).toContain('[DONE]');
  });

  it('closes the call upstream when the caller leaves', async () => {
    const session = open('127.0.0.1');
    let left = () => {};
    const upstreamLeft = new Promise<void>((resolve) => {
      left = resolve;
    });
    relay.demo.next(async ({ response, readBody }) => {
      await readBody();
      response.on('close', left);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[]}\n\n');
    });
    const gone = post(session, pathOf(relay.url()), chatBody('demo-chat', { stream: true }), {
      onData: () => session.destroy(),
    });
    gone.catch(() => {});
    await upstreamLeft;
  });

  it('writes no part of a token into its logs, in path mode and in header mode', async () => {
    const session = open('127.0.0.1');
    const token = relay.token();
    const parts = token.split('.');
    await post(session, `/relayapi/${token}/v1/chat/completions`, chatBody());
    await post(session, `/relayapi/${token}`, chatBody());
    await post(session, `/relayapi/${token}?key=${token}`, chatBody());
    await post(session, `/elsewhere/${token}/v1`, chatBody());
    await post(session, `/%72elayapi/${token}/v1`, chatBody());
    for (const name of ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'])
      await post(session, '/relayapi/-/v1/chat/completions', chatBody(), { headers: { [name]: token } });
    await vi.waitFor(() => expect(proxy.accessLog()).toContain('/relayapi/-/v1/chat/completions'));
    expect(proxy.accessLog()).toContain('/relayapi/[token]/v1/chat/completions');
    expect(proxy.accessLog()).toContain('127.0.0.1');
    for (const part of parts) {
      expect(proxy.accessLog()).not.toContain(part);
      expect(proxy.otherLogs()).not.toContain(part);
    }
  });

  it('takes what the relay takes: a long URL, a megabyte and more, large headers', async () => {
    const session = open('127.0.0.1');
    const long = await post(session, `/relayapi/${'a'.repeat(7000)}/v1`, chatBody());
    expect(long.status).toBe(401);
    const large = await post(
      session,
      pathOf(relay.url()),
      chatBody('demo-chat', { user: 'x'.repeat(3_000_000) }),
    );
    expect(large.status).toBe(200);
    const heavy = await post(session, pathOf(relay.url()), chatBody(), {
      headers: { 'x-agent': 'a'.repeat(6000), 'x-agent-more': 'b'.repeat(6000) },
    });
    expect(heavy.status).toBe(200);
  });

  it('keeps the CORS headers of the relay, once', async () => {
    const answer = await post(
      open('127.0.0.1'),
      pathOf(relay.url({ allowedOrigins: ['https://app.example.com'] })),
      chatBody(),
      {
        headers: { origin: 'https://app.example.com' },
      },
    );
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com');
    expect(answer.headers['cache-control']).toContain('no-store');
  });

  it('writes no token either when the relay is down', async () => {
    const token = relay.token();
    const session = open('127.0.0.1');
    await relay.close();
    const answer = await post(session, `/relayapi/${token}/v1/chat/completions`, chatBody());
    expect([502, 503]).toContain(answer.status);
    await vi.waitFor(() => expect(proxy.accessLog()).toMatch(/\b50[23]\b/));
    for (const part of token.split('.')) {
      expect(proxy.accessLog()).not.toContain(part);
      expect(proxy.otherLogs()).not.toContain(part);
    }
  });
});
