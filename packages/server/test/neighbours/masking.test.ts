/**
 * What stands in the logs of nginx, Caddy and haproxy, with the guide's blocks, after everything a token may come in:
 * good calls, refusals, broken upstreams, long URLs, malformed requests, a relay that is gone.
 * house: real time, since other people's programs have no fake clock.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findFreePort } from '../support/free-port.ts';
import { openHttp2, requestHttp2 } from '../support/http2-client.ts';
import { makeProxyFolder, type RunningProxy, runProxy } from '../support/proxy-process.ts';
import { nginx, nginxCommand, nginxConfig, PROXY_PROGRAMS } from '../support/proxy-programs.ts';
import { sendFrames } from '../support/raw-http2.ts';
import { sendRawTls } from '../support/raw-tls.ts';
import { chatBody, type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';

/** Requests in which something is broken, each with the token where a log would find it. */
const malformed = (token: string): readonly string[] => {
  const target = `/relayapi/${token}/v1/chat/completions`;
  const end = 'Host: localhost\r\nConnection: close\r\n\r\n';
  return [
    `GET ${target} HTTP/9.9\r\n${end}`,
    `GET ${target} HTTX/1.1\r\n${end}`,
    `GET ${target}\r\n\r\n`,
    `GET  ${target} HTTP/1.1\r\n${end}`,
    `GET ${target} ${target} HTTP/1.1\r\n${end}`,
    `G(T ${target} HTTP/1.1\r\n${end}`,
    `GET ${target} HTTP/1.1\r\nConnection: close\r\n\r\n`,
    `GET ${target} HTTP/1.1\r\nHost: a\r\n${end}`,
    `GET ${target} HTTP/1.1\r\nAuthori zation: Bearer ${token}\r\n${end}`,
    `GET ${target} HTTP/1.1\r\nx-api-key: ${token}\x00\r\n${end}`,
    `GET ${target} HTTP/1.1\r\nReferer: https://localhost${target}\r\nCookie: t=${token}\r\nUser-Agent: ${token}\r\n${end}`,
    `POST ${target} HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n${end}0\r\n\r\n`,
    `POST ${target} HTTP/1.1\r\nContent-Length: x\r\n${end}`,
    `POST ${target} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${end}zz\r\n\r\n`,
    `GET https://localhost${target} HTTP/1.1\r\n${end}`,
    `GET /%72elayapi/${token}/v1/models HTTP/1.1\r\n${end}`,
    `GET /x/..${target} HTTP/1.1\r\n${end}`,
    `GET ${target}?key=${token}&also=${token} HTTP/1.1\r\n${end}`,
    `GET ${target}#${token} HTTP/1.1\r\n${end}`,
    `GET ${target}%zz HTTP/1.1\r\n${end}`,
    `GET ${target}\x01 HTTP/1.1\r\n${end}`,
    `CONNECT ${target} HTTP/1.1\r\n${end}`,
    `OPTIONS ${target} HTTP/1.1\r\nOrigin: https://app.example.com\r\n${end}`,
    `${token}\r\n\r\n`,
    `GET ${target} HTTP/1.1\r\n${'x-filler: y\r\n'.repeat(9000)}${end}`,
    `GET ${target}/${'a'.repeat(100_000)} HTTP/1.1\r\n${end}`,
  ];
};

describe.each(PROXY_PROGRAMS)('the logs of $name', (program) => {
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

  /** Every piece of a token that would tell something, and the key. */
  function expectMasked(token: string): void {
    const logs = { access: proxy.accessLog(), other: proxy.otherLogs() };
    for (const [name, text] of Object.entries(logs)) {
      for (const part of token.split('.')) {
        if (part.length >= 8) expect(text.includes(part.slice(0, 40)), `${name}: ${part}`).toBe(false);
      }
      expect(text, name).not.toContain(UPSTREAM_KEY);
    }
  }

  async function call(path: string, body: string, headers: Record<string, string> = {}): Promise<number> {
    const session = openHttp2(proxy);
    try {
      return (await requestHttp2(session, path, body, { headers })).status;
    } catch {
      return 0;
    } finally {
      session.destroy();
    }
  }

  it('hold no token after calls, refusals and broken upstreams', async () => {
    const token = relay.token();
    const path = `/relayapi/${token}/v1/chat/completions`;
    for (const model of ['demo-chat', 'demo-error-500', 'demo-error-429', 'demo-die-0', 'demo-die-3'])
      await call(path, chatBody(model));
    await call(path, chatBody('demo-die-3', { stream: true }));
    await call(path, '{"model":');
    await call(`/relayapi/${token}/v1/nothing`, chatBody());
    await call(`/relayapi/${token}/v1/x;y`, chatBody());
    for (const name of ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']) {
      await call('/relayapi/-/v1/chat/completions', chatBody(), { [name]: token });
      await call('/v1/chat/completions', chatBody('demo-die-3', { stream: true }), { [name]: token });
    }
    await vi.waitFor(() => expect(proxy.accessLog()).toContain('/relayapi/-/v1/chat/completions'));
    expect(proxy.accessLog()).toContain('/relayapi/[token]/v1/chat/completions');
    expectMasked(token);
  });

  it('hold no token after long URLs and refused bodies', async () => {
    const token = relay.token();
    const path = `/relayapi/${token}/v1/chat/completions`;
    expect(await call(`${path}/${'a'.repeat(9000)}`, chatBody())).toBe(414);
    await call(`${path}/${'a'.repeat(60_000)}`, chatBody());
    await call(path, chatBody('demo-chat', { user: 'x'.repeat(11_000_000) }));
    await call(path, chatBody(), { 'x-agent': 'a'.repeat(70_000) });
    expectMasked(token);
  });

  it('hold no token after malformed requests', async () => {
    const token = relay.token();
    const requests = malformed(token);
    const answers = await Promise.all(requests.map((bytes) => sendRawTls(proxy, bytes, 500)));
    expect(answers.filter((text) => text.startsWith('HTTP/1')).length).toBeGreaterThan(requests.length / 2);
    const plain = {
      ':method': 'GET',
      ':scheme': 'https',
      ':authority': 'localhost',
      ':path': `/relayapi/${token}/v1/models`,
    };
    const broken = [
      { ':path': `/relayapi/${token}/v1 HTTP/1.1` },
      { ':path': `relayapi/${token}` },
      { ':scheme': token },
      { 'transfer-encoding': token },
      { 'x-api-key': `${token}\r\nx: y` },
      { connection: token },
      { 'X-Api-Key': token },
    ];
    await Promise.all(
      broken.map((fields) => sendFrames(proxy, [{ fields: Object.entries({ ...plain, ...fields }) }], 500)),
    );
    expectMasked(token);
  });

  it('hold no token when the relay hangs up, and when it is gone', async () => {
    const token = relay.token();
    const path = `/relayapi/${token}/v1/chat/completions`;
    const cut = call(path, chatBody('demo-slow-3000'));
    await relay.demo.waitFor((request) => request.complete).catch(() => {});
    await relay.close();
    await cut;
    const before = proxy.accessLog().length;
    for (const headers of [{}, { 'x-api-key': token }]) {
      expect([502, 503]).toContain(await call(path, chatBody(), headers));
    }
    await vi.waitFor(() => expect(proxy.accessLog().slice(before)).toMatch(/\b50[23]\b/));
    expectMasked(token);
  });
});

describe('nginx’s error log', () => {
  beforeEach((context) => context.skip(nginx.command === null, 'nginx is missing'));

  /** What an error log of `level` holds after a call to a relay that is down, over TCP and over a socket file that is not there. */
  async function errorLogAt(level: string): Promise<string> {
    const { folder, cert } = makeProxyFolder();
    const port = await findFreePort();
    const down = await findFreePort();
    const server = `server {
      listen 127.0.0.1:${port};
      access_log off;
      error_log ${folder}/error.log ${level};
      location / { proxy_pass http://127.0.0.1:${down}; }
      location /socket/ { proxy_pass http://unix:${folder}/none.sock; }
    }`;
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, server));
    const proxy = await runProxy(folder, nginxCommand(folder), { port, ca: cert, error: 'error.log' });
    for (const path of ['/relayapi/not-a-real-token/v1', '/socket/not-a-real-token/v1']) {
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(502);
    }
    await proxy.stop();
    return readFileSync(join(folder, 'error.log'), 'utf8');
  }

  it('holds whole request lines at `error` and even at `crit`, as the guide warns; not at `emerg`', async () => {
    const [error, crit, emerg] = await Promise.all(['error', 'crit', 'emerg'].map(errorLogAt));
    expect(error).toContain('"GET /relayapi/not-a-real-token/v1 HTTP/1.1"');
    expect(crit).not.toContain('/relayapi/not-a-real-token');
    expect(crit).toContain('"GET /socket/not-a-real-token/v1 HTTP/1.1"');
    expect(emerg).toBe('');
  });
});
