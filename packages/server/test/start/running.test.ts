/**
 * The program while it runs: first start, demo mode, restart, key files that change under load, drain, silence about secrets.
 * house: real time, since file systems, signals and child processes have no fake clock.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { RelayAPIClient } from 'relayapi-sdk';
import { createRai } from 'relayapi-token';
import { afterEach, describe, expect, it } from 'vitest';
import { putFile, type ServerProcess, startFolder, startProcess } from '../support/server-process.ts';

/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };

const KEY = 'sk-demo-not-a-key-0123456789';
const FREE = ['-server.port=0', '-admin.port=0'];
const running: ServerProcess[] = [];
const providers: DemoProvider[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop('SIGKILL')));
  await Promise.all(providers.splice(0).map((provider) => provider.close()));
});

/** A started server and its addresses. */
interface Started {
  readonly server: ServerProcess;
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  readonly admin: string;
}

async function start(
  folder: string,
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<Started> {
  const server = startProcess(folder, [...FREE, ...argv], env);
  running.push(server);
  const [, origin = '', admin = ''] = await server.printed(
    /^relayapi-server listening on (http:\S+)\/relayapi\/ .* admin (\S+)$/m,
  );
  return { server, origin, admin };
}

async function provider(paceMs = 0): Promise<DemoProvider> {
  const started = await startDemoProvider({ paceMs });
  providers.push(started);
  return started;
}

/** Arguments that send provider `openai` to the demo provider of the test. */
function upstream(demo: DemoProvider): string[] {
  return [
    `-providers={"openai":{"base_url":"${demo.origin}/v1"}}`,
    `-upstream.allow_private=127.0.0.1:${demo.port}`,
  ];
}

/** A pair for one issuer, at the address a test's relay happens to have. */
function pair(iss: string, origin: string) {
  return createRai({ method: 'aes', relay: `${origin}/relayapi/`, iss }) as { issuer: object; relay: object };
}

function chat(url: string, model = 'demo-chat', stream = false): Promise<Response> {
  return fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello!' }] }),
  });
}

function mint(issuer: object, origin: string, more: object = {}): string {
  const url = new RelayAPIClient(issuer).generateUrl({ apiKey: KEY, maxCalls: 100_000, ...more });
  return url.replace(/^http:\/\/[^/]+/, origin);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until a check holds; answers how long that took, in milliseconds. */
async function until(check: () => Promise<boolean>, maxMs = 5000): Promise<number> {
  const begin = performance.now();
  for (;;) {
    if (await check()) return performance.now() - begin;
    if (performance.now() - begin > maxMs) throw new Error(`not within ${maxMs} ms`);
    await pause(20);
  }
}

const ready = async (admin: string) =>
  (await (await fetch(`${admin}/ready`)).json()) as {
    ok: boolean;
    reasons: string[];
    rejected: { name: string; problems: { path: string; message: string; fix: string }[] }[];
  };

describe('a first start', () => {
  it('makes default.rai for its owner alone, prints one line, and uses the file again', async () => {
    const folder = startFolder();
    const first = await start(folder, []);
    expect(statSync(join(folder, 'default.rai')).mode & 0o777).toBe(0o600);
    const rai = readFileSync(join(folder, 'default.rai'), 'utf8');
    const kid = JSON.parse(rai).keys[0].kid;
    expect(first.server.stdout()).toMatch(/^relayapi-server listening on [^\n]* · store memory: [^\n]*\n$/);
    expect(first.server.stdout()).toContain(` · keys ${kid} · `);
    expect(await (await fetch(`${first.origin}/health`)).text()).toBe('ok\n');
    expect(await first.server.stop()).toMatchObject({ code: 0, stderr: '' });
    const second = await start(folder, ['-rai', 'default.rai']);
    expect(readFileSync(join(folder, 'default.rai'), 'utf8')).toBe(rai);
    expect((await second.server.stop('SIGINT')).code).toBe(0);
  });

  it('A12 with a version 1 file serves off loopback as well, which a shared file may not', async () => {
    const folder = startFolder();
    const crypto = { method: 'aes', aes_key: randomBytes(32).toString('hex'), aes_iv_seed: 'demo-seed' };
    putFile(folder, 'old.rai', { version: '1.0.0', crypto });
    const { origin } = await start(folder, ['-rai=old.rai', '-server.public_url=https://relay.example.com']);
    expect((await fetch(`${origin}/health`)).status).toBe(200);
  });

  it('says on standard error what of its config does nothing yet, and serves', async () => {
    const folder = startFolder();
    putFile(folder, 'config.json', { log: { database: {} } });
    const { server } = await start(folder, ['-config', 'config.json'], { RELAYAPI_SERVER_PROT: '1' });
    const { stderr } = await server.stop();
    expect(stderr).toContain('config.json $.log.database: is accepted but has no effect yet');
    expect(stderr).toContain('RELAYAPI_SERVER_PROT: no key has this name');
  });

  it('without -demo has no page and mints nothing', async () => {
    const { origin } = await start(startFolder(), []);
    expect((await fetch(`${origin}/`)).status).toBe(404);
    expect((await fetch(`${origin}/try/url`, { method: 'POST', body: '{}' })).status).toBe(404);
  });
});

describe('-demo', () => {
  it('prints a URL and a curl line that stream, and a page that mints more of them', async () => {
    const { server, origin } = await start(startFolder(), ['-demo']);
    const [, url = ''] = await server.printed(/^ {2}curl -N (\S+)\/chat\/completions /m);
    const response = await chat(url, 'demo-chat', true);
    expect(response.headers.get('relay-calls-remaining')).toBe('99');
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);

    const page = await fetch(`${origin}/`);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const html = await page.text();
    expect(html).not.toMatch(/eyJ[\w-]{10}/);
    for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]*)"/g)) {
      expect((await fetch(origin + path)).status, path).toBe(200);
    }
    const minted = await fetch(`${origin}/try/url`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ calls: 1, origin: 'any' }),
    });
    const { url: second } = (await minted.json()) as { url: string };
    expect((await chat(second)).status).toBe(200);
    expect((await chat(second)).status).toBe(402);
  });

  it('the page’s URLs are for the demo provider alone', async () => {
    const { server } = await start(startFolder(), ['-demo']);
    const [, url = ''] = await server.printed(/^ {2}(http\S+)$/m);
    const response = await fetch(`${url}/files`);
    expect(response.status).toBe(403);
  });
});

describe('a restart', () => {
  it('A47 (memory, clean) keeps counts', async () => {
    const folder = startFolder();
    const demo = await provider();
    const first = await start(folder, upstream(demo));
    const rai = JSON.parse(readFileSync(join(folder, 'default.rai'), 'utf8'));
    const url = mint(rai, first.origin, { maxCalls: 2 });
    expect((await chat(url)).status).toBe(200);
    await first.server.stop();
    expect(statSync(join(folder, 'relayapi.state')).mode & 0o777).toBe(0o600);

    const second = await start(folder, upstream(demo));
    const moved = url.replace(first.origin, second.origin);
    expect((await chat(moved)).headers.get('relay-calls-remaining')).toBe('0');
    expect((await chat(moved)).status).toBe(402);
    expect(demo.requests).toHaveLength(2);
  });

  it('A47 (memory, crash) refuses older tokens that have counters', async () => {
    const folder = startFolder();
    const demo = await provider();
    const first = await start(folder, upstream(demo));
    const rai = JSON.parse(readFileSync(join(folder, 'default.rai'), 'utf8'));
    const url = mint(rai, first.origin, { maxCalls: 2 });
    expect((await chat(url)).status).toBe(200);
    await first.server.stop('SIGKILL');
    await pause(1100); // `iat` is in whole seconds
    const second = await start(folder, upstream(demo));
    const answer = await chat(url.replace(first.origin, second.origin));
    expect([answer.status, (await answer.json()).error.code]).toEqual([401, 'relay_restarted']);
  });
});

describe('a folder of key files', () => {
  it('takes effect within a second when a file comes, changes and goes, and drops no request', async () => {
    const folder = startFolder();
    const demo = await provider();
    const origin0 = 'http://127.0.0.1:8840';
    const [steady, other] = [pair('steady', origin0), pair('other', origin0)];
    putFile(folder, 'steady.rai', steady.relay);
    const { origin } = await start(folder, ['-rai', '.', ...upstream(demo)]);
    const steadyUrl = mint(steady.issuer, origin);
    const otherUrl = mint(other.issuer, origin);

    const statuses = new Set<number>();
    let going = true;
    const load = Promise.all(
      [1, 2, 3].map(async () => {
        while (going) statuses.add((await chat(steadyUrl)).status);
      }),
    );
    const answers = (status: number) => async () => (await chat(otherUrl)).status === status;

    expect((await chat(otherUrl)).status).toBe(401);
    putFile(folder, 'other.rai', other.relay);
    expect(await until(answers(200))).toBeLessThan(1000);

    const revoked = {
      ...other.relay,
      revoke: { iat_before: Math.floor(Date.now() / 1000) + 60, sub: {}, jti: [] },
    };
    putFile(folder, 'other.new', revoked);
    renameSync(join(folder, 'other.new'), join(folder, 'other.rai'));
    expect(await until(answers(403))).toBeLessThan(1000);

    rmSync(join(folder, 'other.rai'));
    expect(await until(answers(401))).toBeLessThan(1000);

    going = false;
    await load;
    expect([...statuses]).toEqual([200]);
  });

  it('A10 a broken file keeps the old set, says what is wrong where, and delays nobody’s revocation', async () => {
    const folder = startFolder();
    const demo = await provider();
    const [one, two] = [pair('one', 'http://127.0.0.1:8840'), pair('two', 'http://127.0.0.1:8840')];
    const file = putFile(folder, 'one.rai', one.relay);
    putFile(folder, 'two.rai', two.relay);
    const { server, origin, admin } = await start(folder, ['-rai', '.', ...upstream(demo)]);
    const [oneUrl, twoUrl] = [mint(one.issuer, origin), mint(two.issuer, origin)];

    writeFileSync(file, JSON.stringify({ ...one.relay, allow: { max_cals: 1 } }));
    const revoke = { iat_before: Math.floor(Date.now() / 1000) + 60, sub: {}, jti: [] };
    writeFileSync(join(folder, 'two.rai'), JSON.stringify({ ...two.relay, revoke }));
    expect(await until(async () => (await chat(twoUrl)).status === 403)).toBeLessThan(1000);
    expect((await chat(oneUrl)).status).toBe(200);
    await until(async () => (await ready(admin)).rejected.length === 1);
    const { ok, rejected } = await ready(admin);
    expect(ok).toBe(true);
    expect(rejected[0]).toMatchObject({ name: 'one.rai', problems: [{ path: '$.allow.max_cals' }] });
    await server.printed(/"msg":"key file rejected"/);
    expect(server.stdout()).toContain('"file":"one.rai","path":"$.allow.max_cals"');

    chmodSync(join(folder, 'two.rai'), 0o644);
    await until(async () => (await ready(admin)).rejected.length === 2);
    expect((await chat(twoUrl)).status).toBe(403);

    writeFileSync(file, JSON.stringify(one.relay));
    chmodSync(join(folder, 'two.rai'), 0o600);
    await until(async () => (await ready(admin)).rejected.length === 0);
  });

  it('A9 rotation: old and new key valid together, the old one refused once it is gone, no restart', async () => {
    const folder = startFolder();
    const demo = await provider();
    const [before, after] = [pair('shop', 'http://127.0.0.1:8840'), pair('shop', 'http://127.0.0.1:8840')];
    const keysOf = (rai: object) => (rai as { keys: object[] }).keys;
    const file = putFile(folder, 'shop.rai', before.relay);
    const { origin } = await start(folder, ['-rai', 'shop.rai', ...upstream(demo)]);
    const [oldUrl, newUrl] = [mint(before.issuer, origin), mint(after.issuer, origin)];
    const status = async (url: string) => (await chat(url)).status;
    expect([await status(oldUrl), await status(newUrl)]).toEqual([200, 401]);

    const [oldKey, newKey] = [keysOf(before.relay)[0], keysOf(after.relay)[0]];
    const both = [newKey, { ...oldKey, status: 'accept', until: Math.floor(Date.now() / 1000) + 3600 }];
    writeFileSync(file, JSON.stringify({ ...after.relay, keys: both }));
    await until(async () => (await status(newUrl)) === 200);
    expect(await status(oldUrl)).toBe(200);

    writeFileSync(file, JSON.stringify(after.relay));
    await until(async () => (await status(oldUrl)) === 401);
    expect(await status(newUrl)).toBe(200);
  });
});

describe('SIGTERM', () => {
  it('A60 lets a running stream end, takes nobody new, and exits 0', async () => {
    const folder = startFolder();
    const demo = await provider(40);
    const { server, origin } = await start(folder, upstream(demo));
    const rai = JSON.parse(readFileSync(join(folder, 'default.rai'), 'utf8'));
    const url = mint(rai, origin);
    const response = await chat(url, 'demo-chat', true);
    const ended = server.stop();
    const text = await response.text();
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
    await expect(chat(url)).rejects.toThrow();
  });

  it('A60 aborts what does not end in time, and still keeps the counts', REAL_TIME, async () => {
    const folder = startFolder();
    const demo = await provider(400);
    const first = await start(folder, ['-server.drain_timeout=0.3', ...upstream(demo)]);
    const rai = JSON.parse(readFileSync(join(folder, 'default.rai'), 'utf8'));
    const url = mint(rai, first.origin, { maxCalls: 1 });
    const response = await chat(url, 'demo-chat', true);
    const begin = performance.now();
    const ended = first.server.stop();
    await expect(response.text()).rejects.toThrow();
    expect((await ended).code).toBe(0);
    expect(performance.now() - begin).toBeLessThan(3000);
    const second = await start(folder, upstream(demo));
    expect((await chat(url.replace(first.origin, second.origin))).status).toBe(402);
  });

  it('twice does not wait', async () => {
    const folder = startFolder();
    const demo = await provider(2000);
    const { server, origin } = await start(folder, upstream(demo));
    const rai = JSON.parse(readFileSync(join(folder, 'default.rai'), 'utf8'));
    const response = await chat(mint(rai, origin), 'demo-chat', true);
    const ended = server.stop();
    await pause(100);
    server.child.kill('SIGTERM');
    await expect(response.text()).rejects.toThrow();
    expect((await ended).code).toBe(0);
  });
});

describe('the admin listener', () => {
  it('shows metrics and details to this machine', async () => {
    const folder = startFolder();
    const demo = await provider();
    const { origin, admin } = await start(folder, upstream(demo));
    const rai = JSON.parse(readFileSync(join(folder, 'default.rai'), 'utf8'));
    const url = mint(rai, origin, { maxCalls: 1 });
    await chat(url);
    await chat(url);
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    expect(metrics).toContain('relayapi_requests_total{status="200",code="",provider="openai"} 1');
    expect(metrics).toContain('relayapi_requests_total{status="402",code="calls_exhausted",provider=""} 1');
    expect(metrics).toMatch(/^relayapi_store_entries 1$/m);
    expect(metrics).toMatch(/^relayapi_opened_cache_hits 1$/m);
    expect(await (await fetch(`${admin}/`)).json()).toMatchObject({
      ok: true,
      live_calls: 0,
      node: process.version,
    });
    expect((await fetch(`${origin}/metrics`)).status).toBe(404);
  });

  it('asks for the secret that config names', async () => {
    const env = { ADMIN_SECRET: 'demo-not-a-secret-at-all' };
    const { admin } = await start(startFolder(), ['-admin.secret_env=ADMIN_SECRET'], env);
    expect((await fetch(`${admin}/ready`)).status).toBe(401);
    const headers = { authorization: `Bearer ${env.ADMIN_SECRET}` };
    expect((await fetch(`${admin}/ready`, { headers })).status).toBe(200);
  });

  it('can be switched off', async () => {
    const server = startProcess(startFolder(), ['-server.port=0', '-admin.enabled=false']);
    running.push(server);
    const [line] = await server.printed(/^relayapi-server listening .*$/m);
    expect(line).not.toContain('admin');
  });
});

describe('A55 secrets', () => {
  it.each([
    ['at the default level', []],
    ['at debug level', ['-d']],
  ])('stand in no output %s, with an upstream that echoes all it gets', async (_level, more) => {
    const folder = startFolder();
    const demo = await provider();
    const { server, origin, admin } = await start(folder, [...upstream(demo), ...more]);
    const rai = JSON.parse(readFileSync(join(folder, 'default.rai'), 'utf8'));
    const url = mint(rai, origin, { maxCalls: 4 });
    const token = url.split('/').at(-1) ?? '';
    const seen: string[] = [];
    const note = async (response: Response) => {
      seen.push(JSON.stringify([...response.headers]), await response.text().catch(String));
    };
    for (const model of ['demo-echo', 'demo-status-401', 'demo-status-500', 'demo-chat', 'demo-chat'])
      await note(await chat(url, model));
    await note(await chat(`${url.slice(0, -3)}abc`));
    await note(await fetch(`${origin}/v1/models`, { headers: { authorization: `Bearer ${token}x` } }));
    await note(await fetch(`${origin}/nothing/${token}`));
    await note(await fetch(`${admin}/metrics`));
    await note(await fetch(`${admin}/`));
    const { stdout, stderr } = await server.stop();
    expect(stdout.split('\n').length).toBeGreaterThan(4);
    const everything = [stdout, stderr, ...seen].join('\n');
    expect(demo.requests.length).toBeGreaterThan(0);
    expect(everything).not.toContain(KEY);
    expect(everything).not.toContain(Buffer.from(KEY).toString('base64').slice(0, 30));
    expect(everything).not.toContain(token);
    for (const part of token.split('.').filter((each) => each.length > 30))
      expect(everything).not.toContain(part);
    expect(everything).not.toContain(rai.keys[0].k);
    expect(stdout).toContain('"url.path":"/relayapi/[token]/chat/completions"');
  });

  it('log.console=false writes nothing but the start line', async () => {
    const { server, origin } = await start(startFolder(), ['-log.console=false']);
    await fetch(`${origin}/v1/models`);
    expect((await server.stop()).stdout.split('\n')).toHaveLength(2);
  });
});

it('whoever reads the output may go away', async () => {
  const { server, origin } = await start(startFolder(), ['-d']);
  server.child.stdout?.destroy();
  for (let index = 0; index < 5; index += 1) await fetch(`${origin}/v1/models`);
  await pause(50);
  expect((await fetch(`${origin}/health`)).status).toBe(200);
});
