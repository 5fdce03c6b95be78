// house: real time, since real processes with real threads start, serve and stop here.
/** Several workers in the real program: one port, one set of counters, one life (docs/decisions/0027). */
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { type GenerateOptions, RelayAPIClient } from 'relayapi-sdk';
import { createRai } from 'relayapi-token';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { chatBody, codeOf, postChat, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import {
  type Ended,
  putFile,
  type ServerProcess,
  startFolder,
  startProcess,
} from '../support/server-process.ts';
import type { WorkerHook } from '../support/worker-hooks.ts';

const HOOKS = new URL('../support/worker-hooks.ts', import.meta.url);
const ADMIN = 'admin-secret-q7Wm3Zr9Tb1Kx5Vd8Ls2Nf6Hc4';
/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };
const VAULT_KEY = 'sk-demo-not-a-key-in-the-vault';

let demo: DemoProvider;
const started: ServerProcess[] = [];

beforeAll(async () => {
  demo = await startDemoProvider();
});
beforeEach(() => demo.reset());
afterEach(async () => {
  for (const server of started.splice(0)) if (server.child.exitCode === null) await server.stop('SIGKILL');
});
afterAll(() => demo.close());

interface Station {
  readonly folder: string;
  /** The relay's half of the key pair, as it stands in `relay.rai`. */
  readonly relayFile: { readonly revoke: object };
  start(workers: number, argv?: readonly string[], more?: More): Promise<Running>;
}

interface More {
  readonly preload?: URL;
  readonly env?: Record<string, string>;
  /** Default: the one file `relay.rai`. */
  readonly rai?: string;
}

interface Running {
  readonly server: ServerProcess;
  readonly admin: string;
  url(options?: Partial<GenerateOptions>): string;
}

/** A folder with a key pair and a config before the demo provider, in which the program can be started again and again. */
function createStation(config: object = {}, allow: object = {}): Station {
  const folder = startFolder();
  const made = createRai({
    method: 'aes',
    relay: 'http://127.0.0.1:1/relayapi/',
    iss: 'shop',
    role: 'pair',
    allow,
  });
  if (!('issuer' in made)) throw new Error('a pair was asked for');
  putFile(folder, 'relay.rai', made.relay);
  putFile(folder, 'config.json', {
    server: { port: 0, drain_timeout: 10 },
    admin: { port: 0 },
    providers: { fake: { base_url: `${demo.origin}/v1`, like: 'openai' } },
    upstream: { allow_private: [`127.0.0.1:${demo.port}`] },
    ...config,
  });
  return {
    folder,
    relayFile: made.relay as unknown as { revoke: object },
    async start(workers, argv = [], { preload, env: more, rai = 'relay.rai' } = {}) {
      const flags = ['-rai', rai, '-config', 'config.json', `-server.workers=${workers}`, ...argv];
      const env = { MAIN_KEY: VAULT_KEY, ADMIN_SECRET: ADMIN, ...more };
      const server = startProcess(folder, flags, env, null, preload === undefined ? {} : { preload });
      started.push(server);
      const [, relay = '', admin = ''] = await server.printed(/listening on (http:\S+) .* admin (\S+)/);
      const client = new RelayAPIClient({ ...made.issuer, relay });
      return {
        server,
        admin,
        url: (options = {}) =>
          client.generateUrl({
            provider: 'fake',
            ...(options.vault === undefined && { apiKey: UPSTREAM_KEY }),
            ...options,
          }),
      };
    },
  };
}

/** The same token at another start of the program, whose port differs. */
function moved(url: string, to: string): string {
  return new URL(new URL(url).pathname, to).href;
}

/** One call on a connection of its own, so that the system deals it to any of the workers. */
function call(
  url: string,
  body = chatBody(),
  agent?: Agent,
): Promise<{ status: number; code: string; left: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { method: 'POST', headers, agent: agent ?? false };
    const sent = request(`${url}/v1/chat/completions`, options, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.once('error', reject);
      response.once('end', () => {
        const code = /"code":"([a-z_]+)"/.exec(text)?.[1] ?? '';
        const left = String(response.headers['relay-calls-remaining'] ?? '');
        resolve({ status: response.statusCode ?? 0, code, left });
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

const many = (count: number, url: string) => Promise.all(Array.from({ length: count }, () => call(url)));

/** What `/metrics` shows. */
async function metricsOf({ admin }: Running): Promise<string> {
  return (await fetch(`${admin}/metrics`, { headers: { authorization: `Bearer ${ADMIN}` } })).text();
}

/** Sum of a metric over its labels. */
function figure(metrics: string, name: string): number {
  const values = metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

describe('several workers', () => {
  it('say so in one line once all listen, serve on one port, log each call once and stop with 0', async () => {
    const running = await createStation().start(3);
    const { server, url } = running;
    expect(server.stdout()).toMatch(
      /^relayapi-server listening on http:\S+ · 3 workers · store memory: [^\n]+\n$/,
    );
    const answers = await many(60, url());
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 60 }, () => 200));
    const metrics = await metricsOf(running);
    expect(figure(metrics, 'relayapi_requests_total')).toBe(60);
    expect(figure(metrics, 'relayapi_live_calls')).toBe(0);
    expect(figure(metrics, 'relayapi_keys')).toBe(1);
    expect(metrics.match(/^process_resident_memory_bytes /gm)).toHaveLength(1);
    const ended = await server.stop();
    expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    const lines = ended.stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(60);
    expect(new Set(lines.map((line) => line.request_id)).size).toBe(60);
  });

  it('log every call of a clean stop, however many come at once', async () => {
    const { server, url } = await createStation().start(2);
    const agent = new Agent({ keepAlive: true, maxSockets: 64 });
    const address = url({ maxCalls: null });
    await Promise.all(Array.from({ length: 3000 }, () => call(`${address}broken`, '{}', agent)));
    const ended = await server.stop();
    agent.destroy();
    const lines = ended.stdout.trim().split('\n').slice(1);
    expect(lines).toHaveLength(3000);
    // no line was cut by another
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('request_id');
  });

  it.each([2, 4])(
    'let exactly 100 of 5,000 parallel calls through on a token of 100 calls, with %i of them',
    {
      timeout: 120_000,
    },
    async (workers) => {
      const running = await createStation().start(workers, ['-log.console=false']);
      const agent = new Agent({ keepAlive: true, maxSockets: 500 });
      const address = running.url({ maxCalls: 100 });
      const answers = await Promise.all(Array.from({ length: 5000 }, () => call(address, chatBody(), agent)));
      agent.destroy();
      const count = (status: number) => answers.filter((answer) => answer.status === status).length;
      expect([count(200), count(402)]).toEqual([100, 4900]);
      expect(demo.counters.requests).toBe(100);
      const metrics = await metricsOf(running);
      expect(figure(metrics, 'relayapi_requests_total')).toBe(5000);
      // a token is opened anew by each worker that meets it, and only there
      expect(figure(metrics, 'relayapi_opened_cache_entries')).toBe(workers);
      expect(figure(metrics, 'relayapi_store_entries')).toBe(1);
      expect((await running.server.stop()).code).toBe(0);
    },
  );

  it('give a call back to all when an upstream fails, and hold no more than its limit together', async () => {
    const { url } = await createStation().start(2);
    const address = url({ maxCalls: 2 });
    const failed = await call(address, chatBody('demo-error-500'));
    expect(failed.status).toBe(500);
    const answers = await many(10, address);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
  });

  it('use a key of the vault, whose variable none of them has', async () => {
    const vault = { main: { provider: 'fake', key_env: 'MAIN_KEY' } };
    const station = createStation(
      { vault, admin: { port: 0, secret_env: 'ADMIN_SECRET' } },
      { vault: ['main'] },
    );
    const running = await station.start(2, ['-d']);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => call(running.url({ vault: 'main' }), chatBody())),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(demo.requests.map(({ headers }) => headers['authorization'])).toContain(`Bearer ${VAULT_KEY}`);
    expect(await metricsOf(running)).toContain('relayapi_requests_total');
    const { stdout, stderr, code } = await running.server.stop();
    expect(code).toBe(0);
    for (const secret of [VAULT_KEY, ADMIN, UPSTREAM_KEY]) expect(stdout + stderr).not.toContain(secret);
  });
});

describe('A10 keys that change under several workers', () => {
  /** Statuses of calls on new connections, dealt to all. */
  const statuses = async (url: string) => new Set((await many(24, url)).map(({ status }) => status));

  it('a revocation holds on each within a second, and ends what streams on each', REAL_TIME, async () => {
    const station = createStation();
    const running = await station.start(2);
    const { server, url } = running;
    const address = url({ maxCalls: null });
    const streams = await Promise.all(
      Array.from({ length: 12 }, () => postChat(address, chatBody('demo-chunks-10000-50', { stream: true }))),
    );
    const texts = streams.map((stream) =>
      stream.text().then(
        () => 'whole',
        () => 'cut',
      ),
    );
    await vi.waitFor(async () => {
      const metrics = await metricsOf(running);
      // each worker opens the token for itself: both stream
      expect(figure(metrics, 'relayapi_opened_cache_entries')).toBe(2);
      expect(figure(metrics, 'relayapi_live_calls')).toBe(12);
    });
    const revoke = { iat_before: Math.floor(Date.now() / 1000) + 60, sub: {}, jti: [] };
    writeFileSync(join(station.folder, 'relay.rai'), JSON.stringify({ ...station.relayFile, revoke }));
    const begin = performance.now();
    await vi.waitFor(async () => expect(await statuses(address)).toEqual(new Set([403])), {
      timeout: 10_000,
    });
    // the looks themselves take their time
    expect(performance.now() - begin).toBeLessThan(1500);
    // endless otherwise; whether an error event or a cut ends them is the dialect’s
    await Promise.all(texts);
    expect(server.stdout().split('"msg":"keys reloaded"')).toHaveLength(2);
    expect((await server.stop()).code).toBe(0);
  });

  it('a bad file keeps the old set on all, and is told of once', async () => {
    const station = createStation();
    const { server, url, admin } = await station.start(2);
    const address = url({ maxCalls: null });
    expect(await statuses(address)).toEqual(new Set([200]));
    writeFileSync(
      join(station.folder, 'relay.rai'),
      JSON.stringify({ ...station.relayFile, allow: { max_cals: 1 } }),
    );
    await server.printed(/"msg":"key file rejected"/);
    expect(await statuses(address)).toEqual(new Set([200]));
    const ready = (await (await fetch(`${admin}/ready`)).json()) as { ok: boolean; rejected: object[] };
    expect(ready).toMatchObject({ ok: true, rejected: [{ name: 'relay.rai' }] });
    expect(ready.rejected).toHaveLength(1);
    expect((await server.stop()).stdout.split('"msg":"key file rejected"')).toHaveLength(2);
  });

  it('a new key opens on each', async () => {
    const station = createStation();
    const { server, url } = await station.start(2, [], { rai: '.' });
    const other = createRai({
      method: 'aes',
      relay: 'http://127.0.0.1:1/relayapi/',
      iss: 'other',
      role: 'pair',
    });
    if (!('issuer' in other)) throw new Error('a pair was asked for');
    const relay = new URL('/relayapi/', url()).href;
    const fresh = new RelayAPIClient({ ...other.issuer, relay }).generateUrl({
      provider: 'fake',
      apiKey: UPSTREAM_KEY,
      maxCalls: null,
    });
    expect(await statuses(fresh)).toEqual(new Set([401]));
    putFile(station.folder, 'other.rai', other.relay);
    server.child.kill('SIGHUP');
    await vi.waitFor(async () => expect(await statuses(fresh)).toEqual(new Set([200])), { timeout: 5000 });
    expect(await statuses(url({ maxCalls: null }))).toEqual(new Set([200]));
  });
});

describe('A60 SIGTERM with several workers', () => {
  /** Streams on connections of their own until each worker has one. */
  async function streamOn(running: Running, address: string, model: string): Promise<Response[]> {
    const streams = await Promise.all(
      Array.from({ length: 16 }, () => postChat(address, chatBody(model, { stream: true }))),
    );
    await vi.waitFor(async () => {
      const metrics = await metricsOf(running);
      expect(figure(metrics, 'relayapi_opened_cache_entries')).toBe(2);
      expect(figure(metrics, 'relayapi_live_calls')).toBe(16);
    });
    return streams;
  }

  it('lets the streams of each end, keeps every count and exits 0', async () => {
    const station = createStation();
    const running = await station.start(2);
    const address = running.url({ maxCalls: 20 });
    const streams = await streamOn(running, address, 'demo-chunks-20-50');
    const ended = running.server.stop('SIGTERM');
    for (const stream of streams) expect(await stream.text()).toContain('data: [DONE]');
    expect(await ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    const again = await station.start(2);
    const answers = await many(8, moved(address, again.url()));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4);
  });

  it('breaks off what runs longer than drain_timeout on each, at once on a second signal', async () => {
    const station = createStation({ server: { port: 0, drain_timeout: 60 } });
    const running = await station.start(2);
    const streams = await streamOn(running, running.url(), 'demo-chunks-10000-50');
    const texts = streams.map((stream) =>
      stream.text().then(
        () => 'whole',
        () => 'cut',
      ),
    );
    const begin = performance.now();
    const ended = running.server.stop('SIGTERM');
    await vi.waitFor(async () => {
      expect(await (await fetch(`${running.admin}/ready`)).json()).toMatchObject({
        ok: false,
        reasons: ['draining'],
      });
    });
    running.server.child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, signal: null });
    expect(performance.now() - begin).toBeLessThan(20_000);
    expect(new Set(await Promise.all(texts))).toEqual(new Set(['cut']));
  });
});

describe('A47 counters over a restart', () => {
  it('are the same from two workers to one, and back', { timeout: 120_000 }, async () => {
    const station = createStation();
    const first = await station.start(2);
    const address = first.url({ maxCalls: 6 });
    expect((await many(2, address)).map(({ status }) => status)).toEqual([200, 200]);
    await first.server.stop();
    for (const [workers, left] of [
      [1, '3'],
      [2, '2'],
    ] as const) {
      const { server, url } = await station.start(workers);
      const answer = await call(moved(address, url()));
      expect([workers, answer.status, answer.left]).toEqual([workers, 200, left]);
      await server.stop();
    }
    const last = await station.start(1);
    const answers = await many(4, moved(address, last.url()));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 402, 402]);
  });
});

describe('what goes wrong in a worker', () => {
  const hook = ({ server }: Running, asked: WorkerHook) => void server.child.send?.(asked);

  it.each(['throw', 'reject'] as const)(
    'an exception that nobody caught (%s) costs no more than itself',
    async (act) => {
      const running = await createStation().start(2, [], { preload: HOOKS });
      hook(running, { worker: 2, act, text: UPSTREAM_KEY });
      await running.server.printed(/"msg":"fault"/);
      expect(new Set((await many(12, running.url())).map(({ status }) => status))).toEqual(new Set([200]));
      const ended = await running.server.stop();
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(ended.stdout).toMatch(/(?:thrown|rejected) \[redacted\]/);
      expect(ended.stdout).not.toContain(UPSTREAM_KEY);
    },
  );

  const expectLost = async (
    running: Running,
    station: Station,
    address: string,
    ended: Ended,
    why: RegExp,
  ) => {
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(why);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
    const again = await station.start(2);
    expect(await codeOf(await postChat(moved(address, again.url())))).toBe('401 relay_restarted');
    expect(running.server.child.exitCode).toBe(1);
  };

  it('one that ends by itself ends the process with 1, and older tokens with counters are refused after it', async () => {
    const station = createStation();
    const running = await station.start(2, [], { preload: HOOKS });
    const address = running.url({ maxCalls: 5 });
    expect((await call(address)).status).toBe(200);
    // whole seconds: a token of the same second as the next start is not older
    await new Promise((resolve) => setTimeout(resolve, 1100));
    hook(running, { worker: 1, act: 'exit', text: '' });
    const ended = await running.server.ended;
    await expectLost(
      running,
      station,
      address,
      ended,
      /^relayapi-server: Error: worker 1 of 2 ended by itself \(exit code 7\)\n$/,
    );
  });

  it('one that runs out of memory does the same, and says so', { timeout: 60_000 }, async () => {
    const station = createStation();
    const env = { NODE_OPTIONS: '--max-old-space-size=96' };
    const running = await station.start(2, [], { preload: HOOKS, env });
    const address = running.url({ maxCalls: 5 });
    expect((await call(address)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    hook(running, { worker: 2, act: 'out of memory', text: '' });
    const ended = await running.server.ended;
    await expectLost(running, station, address, ended, /worker 2 of 2 ended by itself .*memory/);
  });

  it('one that does not answer keeps nobody from its figures for ever', { timeout: 30_000 }, async () => {
    const running = await createStation().start(2, [], { preload: HOOKS });
    hook(running, { worker: 2, act: 'block', text: '' });
    await vi.waitFor(async () => expect((await fetch(`${running.admin}/metrics`)).status).toBe(500), {
      timeout: 20_000,
    });
    expect((await fetch(`${running.admin}/ready`)).status).toBe(200);
    await running.server.printed(/worker 2 of 2 does not answer/);
  });
});

describe('what is counted before authentication', () => {
  it('is one bucket for all workers, not one for each', async () => {
    const nobody = { requests_per_second: 0, burst: 0 };
    const station = createStation({ rate_limit: { requests_per_second: 1, burst: 20, ip_limit: nobody } });
    const running = await station.start(4);
    const answers = await many(200, running.url({ maxCalls: 1000 }));
    const passed = answers.filter(({ status }) => status === 200).length;
    // the burst, and one more for each second that passed; with a bucket each it would be 80
    expect(passed).toBeGreaterThanOrEqual(20);
    expect(passed).toBeLessThan(60);
    expect(answers.find(({ status }) => status !== 200)).toMatchObject({ status: 429, code: 'rate_limited' });
  });

  it('failed openings add up over the workers', async () => {
    const running = await createStation().start(4);
    const url = new URL(running.url());
    const forged = Array.from({ length: 200 }, (_, i) => {
      const parts = url.pathname.split('.');
      parts[3] = `${String(i).padStart(4, 'A')}${(parts[3] ?? '').slice(4)}`;
      return new URL(parts.join('.'), url).href;
    });
    for (const bad of forged) expect((await call(bad)).status).toBe(401);
    // a worker saw some fifty of them, which alone damp nobody
    expect(figure(await metricsOf(running), 'relayapi_damped_openings')).toBeGreaterThan(50);
  });
});
