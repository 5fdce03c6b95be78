/**
 * Every way into the program with every method: the routes of the shell and of the admin app as Hono lists them, and the relay's
 * own doors. None reaches the upstream without a valid token; and the source has one place each where a call is admitted and sent.
 */
import { globSync, readFileSync } from 'node:fs';
import { METHODS as KNOWN_METHODS } from 'node:http';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAdminApp } from '../../src/http/admin-app.ts';
import { createApp } from '../../src/http/app.ts';
import { sendRaw } from '../support/raw-http.ts';
import { type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { putFile, type ServerProcess, startFolder, startProcess } from '../support/server-process.ts';
import { type Canary, startCanary } from './canary.ts';
import { mintToken } from './mint.ts';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

/** All that Node's parser knows, and some that it does not. */
const METHODS = [...KNOWN_METHODS, 'FOO', 'get', 'POSTX', 'PRI'];

/** The program with -demo, whose openai is a canary; `demo` has an upstream of its own inside it. */
let canary: Canary;
let server: ServerProcess;
let port: number;
let adminPort: number;
let files: RelayFixture['files'];
beforeAll(async () => {
  canary = await startCanary();
  const fixture = await startRelay();
  files = fixture.files;
  await fixture.close();
  adminPort = await freePort();
  const folder = startFolder();
  putFile(folder, 'relay.rai', files.relay);
  putFile(folder, 'config.json', {
    server: { port: 0 },
    admin: { port: adminPort },
    providers: { openai: { base_url: `${canary.origin}/v1` }, demo2: { base_url: `${canary.origin}/v1` } },
    upstream: { allow_private: [`127.0.0.1:${canary.port}`] },
  });
  server = startProcess(folder, ['-rai', 'relay.rai', '-config', 'config.json', '-demo']);
  const [, shown = ''] = await server.printed(/listening on http:\/\/127\.0\.0\.1:(\d+)/);
  port = Number(shown);
});
beforeEach(() => canary.reset());
afterAll(async () => {
  await server.stop();
  await canary.close();
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as { port: number };
      probe.close(() => resolve(free));
    });
  });
}

const now = () => Math.floor(Date.now() / 1000);
const upstream = { provider: 'openai', key: UPSTREAM_KEY };
const good = () => mintToken(files.issuer, now(), { upstream });

/** Paths of the two Hono apps, as they list them themselves. */
function shellRoutes(): string[] {
  const assets = new Map(
    ['/', '/try/page.js', '/try/page.css'].map((path) => [path, { contentType: 'text/plain', body: '' }]),
  );
  const app = createApp({
    tryPage: { assets, mint: () => ({ url: '', expires: 0 }), isLoopback: () => true },
  });
  return [...new Set(app.routes.map(({ path }) => path))];
}
function adminRoutes(): string[] {
  const app = createAdminApp({
    ready: () => ({ ok: true, reasons: [], rejected: [], store: '' }),
    metrics: async () => ({ text: '', contentType: 'text/plain' }),
    details: () => ({}),
    authorize: null,
    isLoopback: () => true,
  });
  return [...new Set(app.routes.map(({ path }) => path))];
}

const REST = '/v1/chat/completions';
const SHAPED = 'eyJhbGciOiJub25lIn0.a1.b2.c3.d4';

/** Each door with what stands in the place of a token: nothing, a dummy, a shaped stranger, a spoiled good one. */
function relayDoors(): string[] {
  // the first character of the tag: every other one is another tag
  const [head, key, iv, text, tag = ''] = good().split('.');
  const spoiled = [head, key, iv, text, (tag.startsWith('A') ? 'B' : 'A') + tag.slice(1)].join('.');
  const segments = ['', '-', 'x', SHAPED, spoiled, 'default', 'demo', '..', '%2d', `ek_${good()}`];
  return [
    ...segments.flatMap((segment) => [
      `/relayapi/${segment}`,
      `/relayapi/${segment}${REST}`,
      `/relayapi/${segment}/v1/models`,
    ]),
    '/relayapi',
    REST,
    '/v1/models',
    '/v1/',
    '/v1',
    '/v1beta/models/demo-chat:generateContent',
    '/v1beta/',
    '/v2/translate',
    '/openai/v1/chat/completions',
    '/chat/completions',
    '/messages',
    '/anthropic/v1/messages',
    '/.well-known/oauth-protected-resource',
    `/.well-known/oauth-protected-resource/relayapi/${SHAPED}/mcp`,
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/register',
    '/authorize',
    '/token',
    '/mcp',
    '/sse',
    '/metrics',
    '/ready',
    '/admin',
    '/debug/vars',
    '/favicon.ico',
    '/robots.txt',
    '/proxy',
    '/*',
    `/relayapi/-${REST}?token=${good()}`,
    `${REST}?api_key=${good()}`,
    `${REST}?key=${good()}&access_token=${good()}`,
  ];
}

const requestOf = (method: string, target: string, more = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n${more}Content-Length: 2\r\nConnection: close\r\n\r\n{}`;

async function walk(
  at: number,
  targets: readonly string[],
  methods: readonly string[],
  more = '',
): Promise<Map<string, number>> {
  const statuses = new Map<string, number>();
  const jobs = targets.flatMap((target) => methods.map((method) => [method, target] as const));
  for (let i = 0; i < jobs.length; i += 40) {
    await Promise.all(
      jobs.slice(i, i + 40).map(async ([method, target]) => {
        const { status } = await sendRaw(at, requestOf(method, target, more));
        statuses.set(`${method} ${target}`, status);
      }),
    );
  }
  return statuses;
}

describe('A28 without a valid token', () => {
  it('the walk would see an upstream call: a good token reaches it', async () => {
    const { status } = await sendRaw(port, requestOf('POST', `/relayapi/${good()}${REST}`));
    expect(status).toBe(200);
    expect(canary.heads).toHaveLength(1);
  });

  it('the apps list their routes', () => {
    expect(shellRoutes()).toEqual(expect.arrayContaining(['/health', '/', '/try/url']));
    expect(adminRoutes()).toEqual(expect.arrayContaining(['/ready', '/metrics', '/']));
  });

  it('no door of the relay reaches the upstream, with any method', async () => {
    const statuses = await walk(port, relayDoors(), METHODS);
    expect(canary.heads).toEqual([]);
    for (const [what, status] of statuses) {
      const [method = ''] = what.split(' ');
      const fine = method === 'OPTIONS' ? status === 204 || status >= 400 : status >= 400;
      expect([what, status, fine]).toEqual([what, status, true]);
    }
  });

  it('neither does one with dummies and strangers in every credential field', async () => {
    for (const dummy of ['sk-relay-dummy', SHAPED, `${good()}, ${good()}`, `${good()}A`, 'undefined']) {
      const lines = ['Authorization: Bearer ', 'X-Api-Key: ', 'Api-Key: ', 'X-Goog-Api-Key: '];
      for (const line of lines) {
        const statuses = await walk(
          port,
          [REST, `/relayapi/-${REST}`, `/relayapi/x${REST}`],
          ['POST', 'GET'],
          `${line}${dummy}\r\n`,
        );
        for (const [what, status] of statuses)
          expect([what, status]).toEqual([what, expect.toSatisfy((n: number) => n === 400 || n === 401)]);
      }
    }
    expect(canary.heads).toEqual([]);
  });

  it('a good token in a field that is none opens nothing', async () => {
    const fields = [
      'Cookie: token=',
      'Proxy-Authorization: Bearer ',
      'X-Relay-Token: ',
      'Token: ',
      'X-Auth-Token: ',
      'Relay-Token: ',
      'Sec-WebSocket-Protocol: ',
    ];
    for (const field of fields) {
      const { status } = await sendRaw(port, requestOf('POST', REST, `${field}${good()}\r\n`));
      expect([field, status]).toEqual([field, 401]);
    }
    expect(canary.heads).toEqual([]);
  });

  it.each(['shell', 'admin'] as const)(
    'no route of the %s app reaches the upstream, with any method',
    async (which) => {
      const routes = which === 'shell' ? shellRoutes() : adminRoutes();
      const at = which === 'shell' ? port : adminPort;
      const targets = routes.flatMap((path) => [
        path,
        `${path}/`,
        `${path}?token=${good()}`,
        `${path}/../relayapi/${SHAPED}${REST}`,
      ]);
      await walk(at, targets, METHODS);
      await walk(at, [`/relayapi/${SHAPED}${REST}`, REST], METHODS);
      expect(canary.heads).toEqual([]);
    },
  );

  it('the admin listener relays nothing, not even with a good token', async () => {
    await walk(
      adminPort,
      [`/relayapi/${good()}${REST}`, `/relayapi/-${REST}`, REST],
      METHODS,
      `Authorization: Bearer ${good()}\r\n`,
    );
    expect(canary.heads).toEqual([]);
  });

  it('even with a good token, methods that are not relayed stay here', async () => {
    const odd = METHODS.filter(
      (method) => !['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].includes(method),
    );
    const statuses = await walk(port, [`/relayapi/${good()}${REST}`], odd);
    for (const [what, status] of statuses)
      expect([what, status]).toEqual([what, expect.toSatisfy((n: number) => n === 405 || n === 400)]);
    expect(canary.heads).toEqual([]);
  });

  it('the try-it page mints for provider demo and no other', async () => {
    const ask = (body: object) =>
      fetch(`http://127.0.0.1:${port}/try/url`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    for (const body of [{ provider: 'openai' }, { upstream }, { calls: 1, seconds: 60, provider: 'demo2' }]) {
      const response = await ask(body);
      const { url } = (await response.json()) as { url?: string };
      if (url !== undefined) await (await fetch(`${url}${REST}`, { method: 'POST', body: '{}' })).text();
    }
    expect(canary.heads).toEqual([]);
  });
});

describe('A28 in the source', () => {
  const sources = globSync('**/*.{ts,tsx}', { cwd: SRC })
    .filter((path) => !path.endsWith('.test.ts'))
    .map((path) => ({ path, code: withoutComments(readFileSync(`${SRC}${path}`, 'utf8')) }));

  /** `path: count` of each file in which the pattern occurs. */
  function places(pattern: RegExp): string[] {
    return sources.flatMap(({ path, code }) => {
      const count = [...code.matchAll(pattern)].length;
      return count === 0 ? [] : [`${path}: ${count}`];
    });
  }

  it('there is one place that makes an AdmittedCall, in the spine', () => {
    expect(places(/\bas AdmittedCall\b/g)).toEqual(['relay.ts: 1']);
    expect(
      places(/\bas unknown as\b|\bas any\b|<AdmittedCall>/g).filter((place) =>
        /^(relay|forwarding|policy|routing)/.test(place),
      ),
    ).toEqual([]);
  });

  it('there is one place that hands a request to a transport, in forwarding', () => {
    expect(places(/\btransport\.dispatch\(/g)).toEqual(['forwarding/dispatch.ts: 1']);
    expect(places(/\.dispatch\(/g).sort()).toEqual([
      'forwarding/dispatch.ts: 1',
      'runtime/node/upstream-call.ts: 1',
    ]);
    expect(places(/\bforwarding\.forward\(/g)).toEqual(['relay.ts: 1']);
  });

  it('only the transports can open a connection', () => {
    expect(places(/\bglobalThis\.fetch\b/g)).toEqual(['runtime/fetch/upstream-transport.ts: 1']);
    // the page's script runs in the browser; the other two hand a request on to Hono
    const handingOn = new Set([
      'http/page/page.ts',
      'runtime/node/shell-listener.ts',
      'runtime/fetch/fetch-app.ts',
    ]);
    const calling = places(/(?<![.\w])fetch\(/g).map((place) => place.split(':', 1)[0] ?? '');
    expect(calling.filter((path) => !handingOn.has(path))).toEqual([]);
    // `undici-parts` picks two of its classes for the build, and opens nothing
    expect(places(/from 'undici'/g).sort()).toEqual([
      'runtime/node/undici-parts.ts: 1',
      'runtime/node/upstream-call.ts: 1',
      'runtime/node/upstream-connector.ts: 1',
      'runtime/node/upstream-pool.ts: 1',
      'runtime/node/upstream-transport.ts: 1',
    ]);
    expect(places(/\bnew (?:Client|Pool|Agent|ProxyAgent)\(/g)).toEqual([
      'runtime/node/upstream-transport.ts: 1',
    ]);
    expect(places(/\bimport\s*\{[^}]*\bconnect\b[^}]*\}\s*from 'node:(?:net|tls|http2)'/g)).toEqual([
      'runtime/node/upstream-connector.ts: 1',
    ]);
    expect(
      places(
        /\bimport\s*\{[^}]*\b(?:request|get|Agent|ClientRequest)\b[^}]*\}\s*from 'node:https?'|\b(?:http|https)\.(?:request|get)\(|\bnew (?:WebSocket|EventSource|XMLHttpRequest|Socket)\(|\b(?:net|tls)\.connect\(|\bcreateConnection\(|from 'node:(?:tls|https|http2|dgram)'/g,
      ),
    ).toEqual([]);
  });
});

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/[^\n]*/g, '$1');
}
