/**
 * What the real program leaves behind when something goes badly wrong, with keys and a token in the error, its cause, its members and the environment.
 * house: real time, since real processes start and die here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { RelayAPIClient } from 'relayapi-sdk';
import { createRai } from 'relayapi-token';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { chatBody, postChat } from '../support/relay-fixture.ts';
import {
  type Ended,
  putFile,
  type ServerProcess,
  startFolder,
  startProcess,
} from '../support/server-process.ts';

const KEY = 'sk-demo-not-a-key-q7Wm3Zr9Tb1Kx5Vd';
const ADMIN = 'admin-secret-q7Wm3Zr9Tb1Kx5Vd8Ls2Nf6Hc4';
/** Stands in every body, of the request and, echoed, of the answer. */
const BODY = 'body-canary-Zr9Tb1Kx5Vd8';
const PRELOAD = new URL('../support/crash-on-signal.ts', import.meta.url).href;
const started: ServerProcess[] = [];
let demo: DemoProvider;

beforeAll(async () => {
  demo = await startDemoProvider();
});
afterEach(async () => {
  for (const server of started.splice(0)) if (server.child.exitCode === null) await server.stop('SIGKILL');
});
afterAll(() => demo.close());

interface Victim {
  readonly server: ServerProcess;
  readonly folder: string;
  readonly url: string;
  readonly fileKey: string;
  /** Everything that was left behind: output and each file that a report could be. */
  left(ended?: Ended): string;
}

/** A relay with its key and admin secret in the environment; the preload does `crash` to it. */
async function startVictim(crash: string, options: string[] = [], wait = true): Promise<Victim> {
  const folder = startFolder();
  const { shared } = createRai({
    method: 'aes',
    relay: 'http://127.0.0.1:1/relayapi/',
    role: 'shared',
    allow: { vault: ['main'] },
  });
  putFile(folder, 'default.rai', shared);
  putFile(folder, 'config.json', {
    server: { port: 0 },
    admin: { port: 0, secret_env: 'ADMIN_SECRET' },
    vault: { main: { provider: 'openai', key_env: 'MAIN_KEY' } },
    providers: { openai: { base_url: `${demo.origin}/v1` } },
    upstream: { allow_private: [`127.0.0.1:${demo.port}`] },
  });
  const sealed = new RelayAPIClient(shared).generateToken({ vault: 'main', maxCalls: null });
  const server = startProcess(folder, ['-rai', 'default.rai', '-config', 'config.json', '-debug'], {
    MAIN_KEY: KEY,
    ADMIN_SECRET: ADMIN,
    CRASH: crash,
    CRASH_TEXT: `${KEY} ${sealed}`,
    NODE_OPTIONS: [`--import=${PRELOAD}`, `--report-directory=${folder}`, ...options].join(' '),
  });
  started.push(server);
  const [, relay = ''] = wait ? await server.printed(/listening on (http:\S+)/) : [];
  const fileKey = (JSON.parse(JSON.stringify(shared)) as { keys: { k: string }[] }).keys[0]?.k ?? '';
  return {
    server,
    folder,
    url: `${relay}${sealed}`,
    fileKey,
    left(ended) {
      const files = readdirSync(folder).filter((name) => /report|core|heap|\.log$|\.json$/.test(name));
      const texts = files.map((name) => `${name}: ${readFileSync(join(folder, name), 'latin1')}`);
      return [ended?.stdout ?? server.stdout(), ended?.stderr ?? server.stderr(), ...texts].join('\n');
    },
  };
}

function expectClean(text: string, { url, fileKey }: Victim): void {
  const token = url.slice(url.lastIndexOf('/') + 1) || 'no token';
  const secrets = [KEY, ADMIN, BODY, fileKey, ...token.split('.').filter((part) => part.length > 12)];
  for (const secret of secrets) {
    for (const spelling of [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64').slice(0, -4),
    ])
      expect(text.includes(spelling), `${spelling.slice(0, 6)}… was left behind`).toBe(false);
  }
}

const callOf = ({ url }: Victim) => postChat(url, chatBody('demo-echo', { user: BODY }));

/** Files in the folder that Node's report would be. */
const reports = (folder: string) => readdirSync(folder).filter((name) => /^report\./.test(name));

describe('A55 an exception that nobody caught costs no more than itself, and shows no key', () => {
  it('thrown, rejected, rejected with a text, many at once, without a prototype, with getters that throw', async () => {
    const crashes = ['throw', 'reject', 'reject with a text', 'aggregate', 'odd', 'throwing getters'];
    const victim = await startVictim(crashes.join(), ['--report-uncaught-exception', '--trace-uncaught']);
    const faults = () => victim.server.stdout().split('"msg":"fault"').length - 1;
    for (const [done, crash] of crashes.entries()) {
      victim.server.child.kill('SIGUSR2');
      await vi.waitFor(() => expect(faults(), crash).toBe(done + 1), 10_000);
      expect((await callOf(victim)).status, crash).toBe(200);
    }
    const ended = await victim.server.stop();
    expect(ended.code).toBe(0);
    const text = victim.left(ended);
    expect(text).toMatch(/outer \[redacted\] \[token\]/);
    expect(text).toMatch(/cannot be shown/);
    expectClean(text, victim);
  });

  it.each(['early throw', 'early reject'])(
    '%s, before there is a log: one masked line, exit 1',
    async (crash) => {
      const victim = await startVictim(crash, [], false);
      const ended = await victim.server.ended;
      expect(ended.code).toBe(1);
      expect(ended.stderr.trim().split('\n')).toHaveLength(1);
      expect(ended.stderr).toMatch(/^relayapi-server: /);
      expectClean(victim.left(ended), victim);
    },
  );

  it('a warning of Node’s, with a trace asked for', async () => {
    const victim = await startVictim('warning', ['--trace-warnings', '--trace-deprecation']);
    victim.server.child.kill('SIGUSR2');
    await vi.waitFor(() => expect(victim.server.stderr()).toMatch(/DeprecationWarning: old \[redacted\]/));
    const ended = await victim.server.stop();
    expectClean(victim.left(ended), victim);
  });
});

describe('A55 what Node writes by itself shows no key', () => {
  it('a diagnostic report on a signal', async () => {
    const victim = await startVictim('none', ['--report-on-signal', '--report-signal=SIGPIPE']);
    expect((await callOf(victim)).status).toBe(200);
    victim.server.child.kill('SIGPIPE');
    await vi.waitFor(() => expect(reports(victim.folder)).toHaveLength(1), 10_000);
    const ended = await victim.server.stop();
    const text = victim.left(ended);
    expect(text).toContain('"nodejsVersion"');
    expectClean(text, victim);
  });

  it('out of memory, with a report', async () => {
    const victim = await startVictim('out of memory', ['--max-old-space-size=48', '--report-on-fatalerror']);
    expect((await callOf(victim)).status).toBe(200);
    victim.server.child.kill('SIGUSR2');
    const ended = await victim.server.ended;
    expect(ended.code === 0).toBe(false);
    expect(ended.stderr).toContain('heap out of memory');
    expect(reports(victim.folder).length).toBeGreaterThan(0);
    expectClean(victim.left(ended), victim);
  }, 60_000);

  it('killed at once', async () => {
    const victim = await startVictim('none');
    expect((await callOf(victim)).status).toBe(200);
    victim.server.child.kill('SIGABRT');
    const ended = await victim.server.ended;
    expect(ended.signal).toBe('SIGABRT');
    expectClean(victim.left(ended), victim);
  });
});
