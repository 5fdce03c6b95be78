/**
 * A shared cache in front (A54): nginx and haproxy, told to cache what they can, never give one token's answer to another, and
 * never an old answer to the same. Which misconfiguration no relay can save from is shown, too: it proves that these caches cache.
 * house: real time, since other people's programs have no fake clock.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findFreePort } from '../support/free-port.ts';
import { makeProxyFolder, type RunningProxy, runProxy } from '../support/proxy-process.ts';
import { haproxy, haproxyCommand, nginx, nginxCommand, nginxConfig } from '../support/proxy-programs.ts';
import { chatBody, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

let relay: RelayFixture;
let tokens: Record<'A' | 'B', string>;
beforeAll(async () => {
  relay = await startRelay({ config: { server: { trusted_proxies: ['127.0.0.1'] } } });
  tokens = {
    A: relay.token({ apiKey: 'sk-demo-not-a-key-A', maxCalls: 5000 }),
    B: relay.token({ apiKey: 'sk-demo-not-a-key-B', maxCalls: 5000 }),
  };
  let serial = 0;
  // an upstream that begs to be cached, and says whose key it saw
  relay.demo.handle = async (request, response, { readBody }) => {
    await readBody();
    serial += 1;
    response.writeHead(200, {
      'content-type': 'application/json',
      'cache-control': 'public, max-age=3600, s-maxage=3600, immutable',
      expires: new Date(Date.now() + 3_600_000).toUTCString(),
      'last-modified': new Date(0).toUTCString(),
      etag: '"same"',
      'x-accel-expires': '3600',
      'x-accel-buffering': 'yes',
      'surrogate-control': 'max-age=3600',
      'cdn-cache-control': 'max-age=3600',
      vary: 'accept',
      age: '0',
    });
    response.end(JSON.stringify({ who: request.headers.authorization?.at(-1), serial }));
    return true;
  };
});
afterAll(() => relay.close());

const HEADER_NAMES = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'] as const;
type Place = 'path' | (typeof HEADER_NAMES)[number];
type Seen = { status: number; who: string | undefined; serial: number | undefined };

/** One request of a token's holder: a model list (GET) or a chat (POST). */
async function ask(port: number, method: 'GET' | 'POST', place: Place, token: string | null): Promise<Seen> {
  const segment = place === 'path' ? (token ?? 'a.b.c.d.e') : '-';
  const suffix = method === 'GET' ? 'models' : 'chat/completions';
  const value = place === 'authorization' ? `Bearer ${token}` : token;
  const response = await fetch(`http://127.0.0.1:${port}/relayapi/${segment}/v1/${suffix}`, {
    method,
    headers: {
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      ...(place !== 'path' && value !== null && { [place]: value }),
    },
    ...(method === 'POST' && { body: chatBody() }),
  });
  const { who, serial } = (await response.json()) as Partial<Seen>;
  return { status: response.status, who, serial };
}

/** Nobody, A, B, A, B, nobody: each gets an answer of its own. */
async function expectNoMixing(
  port: number,
  places: readonly Place[] = ['path', ...HEADER_NAMES],
): Promise<void> {
  for (const method of ['GET', 'POST'] as const) {
    for (const place of places) {
      const label = `${method} ${place}`;
      expect((await ask(port, method, place, null)).status, label).toBe(401);
      const serials = new Set<number | undefined>();
      for (const name of ['A', 'B', 'A', 'B', 'A'] as const) {
        const seen = await ask(port, method, place, tokens[name]);
        expect([seen.status, seen.who], label).toEqual([200, name]);
        serials.add(seen.serial);
      }
      expect(serials.size, label).toBe(5);
      expect((await ask(port, method, place, null)).status, label).toBe(401);
    }
  }
}

let proxy: RunningProxy | null = null;
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

describe('A54 nginx with proxy_cache', () => {
  beforeEach((context) => context.skip(nginx.command === null, 'nginx is missing'));

  async function startCache(lines: string): Promise<number> {
    const { folder, cert } = makeProxyFolder();
    mkdirSync(join(folder, 'cache'));
    const port = await findFreePort();
    const server = `proxy_cache_path ${folder}/cache keys_zone=all:1m;
      server {
        listen 127.0.0.1:${port};
        access_log off;
        location / {
          proxy_pass http://127.0.0.1:${relay.port};
          proxy_cache all;
          proxy_cache_methods GET HEAD POST;
          proxy_cache_valid any 1h;
          proxy_cache_min_uses 1;
          ${lines}
        }
      }`;
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, server));
    proxy = await runProxy(folder, nginxCommand(folder), { port, ca: cert });
    return port;
  }

  it.each([
    ['as it comes', ''],
    [
      'with a lock and stale answers',
      'proxy_cache_lock on; proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_429;',
    ],
    ['with one key for everything', 'proxy_cache_key everything;'],
    [
      'revalidating in the background',
      'proxy_cache_revalidate on; proxy_cache_background_update on; proxy_cache_use_stale updating;',
    ],
    [
      'not ignoring Cache-Control but all else',
      'proxy_ignore_headers Expires Set-Cookie Vary X-Accel-Buffering X-Accel-Expires;',
    ],
    [
      'ignoring Cache-Control, Expires and Set-Cookie',
      'proxy_ignore_headers Cache-Control Expires Set-Cookie;',
    ],
    [
      'ignoring Cache-Control and Vary, one key for everything',
      'proxy_ignore_headers Cache-Control Expires Set-Cookie Vary; proxy_cache_key everything;',
    ],
  ])('never mixes two tokens, %s', async (_name, lines) => {
    await expectNoMixing(await startCache(lines));
  });

  it('is past saving when told to ignore Cache-Control and X-Accel-Buffering: path tokens get their own old answers, header tokens each other’s', async () => {
    const port = await startCache('proxy_ignore_headers Cache-Control Expires X-Accel-Buffering Vary;');
    const own = await ask(port, 'GET', 'path', tokens.A);
    expect(await ask(port, 'GET', 'path', tokens.A)).toEqual(own);
    expect((await ask(port, 'GET', 'path', tokens.B)).who).toBe('B');
    expect((await ask(port, 'GET', 'x-api-key', tokens.A)).who).toBe('A');
    expect((await ask(port, 'GET', 'x-api-key', tokens.B)).who).toBe('A');
  });
});

describe('A54 haproxy with its cache', () => {
  beforeEach((context) => context.skip(haproxy.command === null, 'haproxy is missing'));

  async function startCache(before: string, varies: boolean): Promise<number> {
    const { folder, cert } = makeProxyFolder();
    const port = await findFreePort();
    const file = `cache all
    total-max-size 4
    max-age 3600
    process-vary ${varies ? 'on' : 'off'}

defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend relay
    bind 127.0.0.1:${port}
    http-request cache-use all
${before}    http-response cache-store all
    default_backend relay

backend relay
    server relay 127.0.0.1:${relay.port}
`;
    writeFileSync(join(folder, 'haproxy.cfg'), file);
    proxy = await runProxy(folder, haproxyCommand(folder), { port, ca: cert });
    return port;
  }

  it.each([
    ['with Vary', true],
    ['without Vary', false],
  ])('never mixes two tokens, %s', async (_name, varies) => {
    await expectNoMixing(await startCache('', varies));
  });

  it('is past saving when the answer’s Cache-Control is overwritten', async () => {
    const port = await startCache(
      '    http-response set-header Cache-Control "public, max-age=3600"\n    http-response del-header Vary\n',
      false,
    );
    expect((await ask(port, 'GET', 'x-api-key', tokens.A)).who).toBe('A');
    expect((await ask(port, 'GET', 'x-api-key', tokens.B)).who).toBe('A');
  });
});
