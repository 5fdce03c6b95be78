/** Starts with several workers: what keeps them from it, what is waited for. house: real time, since real processes and threads start here. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { RelayAPIClient } from 'relayapi-sdk';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { writeCountries } from '../support/mmdb-writer.ts';
import { chatBody } from '../support/relay-fixture.ts';
import {
  BUILT_MAIN,
  type Ended,
  putFile,
  runProcess,
  type ServerProcess,
  startFolder,
  startProcess,
} from '../support/server-process.ts';

const FREE = ['-server.port=0', '-admin.port=0'];
const TWO = [...FREE, '-server.workers=2'];
const running: ServerProcess[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop('SIGKILL')));
});

/** A module that the program's threads load before anything else. */
const preloadOf = (source: string) => new URL(`data:text/javascript,${encodeURIComponent(source)}`);

function begin(folder: string, argv: readonly string[], preload?: URL): ServerProcess {
  const server = startProcess(folder, argv, {}, null, preload === undefined ? {} : { preload });
  running.push(server);
  return server;
}

function expectRefusal(ended: Ended, text: string): void {
  expect([ended.code, ended.stdout]).toEqual([2, '']);
  expect(ended.stderr).toContain(text);
  expect(ended.stderr).not.toMatch(/\n\s+at |node:internal|Error:/);
}

describe('server.workers', () => {
  it.each([
    ['-1', 'must be at least 0, is -1'],
    ['257', 'must be at most 256, is 257'],
    ['1.5', 'is 1.5'],
    ['two', 'must be a number, is "two"'],
  ])('%s is refused with a message of its own', async (value, text) => {
    const ended = await runProcess(startFolder(), [...FREE, `-server.workers=${value}`]);
    expectRefusal(ended, `-server.workers $.server.workers: `);
    expect(ended.stderr).toContain(text);
  });

  it('0 takes one per core', async () => {
    const server = begin(startFolder(), [...FREE, '-server.workers=0']);
    const [line] = await server.printed(/^relayapi-server listening .*\n/);
    const cores = navigator.hardwareConcurrency;
    if (cores > 1) expect(line).toMatch(/ · \d+ workers · /);
    else expect(line).not.toContain('workers');
  });

  it('1 starts no thread and says nothing of workers', async () => {
    const shout = preloadOf(
      `import { isMainThread } from 'node:worker_threads'; if (!isMainThread) console.log('THREAD');`,
    );
    const server = begin(startFolder(), [...FREE, '-server.workers=1'], shout);
    const [line] = await server.printed(/^relayapi-server listening .*\n/);
    expect(line).not.toContain('worker');
    expect((await server.stop()).stdout).not.toContain('THREAD');
  });

  it('several warn where a share of the memory for bodies is less than one body', async () => {
    const server = begin(startFolder(), [...TWO, '-server.max_buffered_bytes=10485760']);
    await server.printed(/listening/);
    const { stderr, code } = await server.stop();
    expect(code).toBe(0);
    expect(stderr).toBe(
      'relayapi-server: config $.server.max_buffered_bytes: leaves each of 2 workers 5242880 bytes, less than "max_body_bytes"; raise it to 20971520, or larger bodies that a claim looks into get 503\n',
    );
  });
});

describe('a start with several workers', () => {
  it('works as built and published, too', async (context) => {
    context.skip(!existsSync(BUILT_MAIN), 'the program is not built');
    const server = startProcess(startFolder(), TWO, {}, null, { built: true });
    running.push(server);
    const [, origin = ''] = await server.printed(/listening on (http:\S+)\/relayapi\/ · 2 workers · .*\n/);
    const asked = Array.from({ length: 8 }, () =>
      fetch(`${origin}/health`, { headers: { connection: 'close' } }),
    );
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(
      Array.from({ length: 8 }, () => 200),
    );
    expect(await server.stop()).toMatchObject({ code: 0, stderr: '' });
  });

  it('finds a port in use, also one whose owner would share it', async () => {
    const other = createServer();
    await new Promise<void>((resolve) =>
      other.listen({ host: '127.0.0.1', port: 0, reusePort: true }, resolve),
    );
    const { port } = other.address() as AddressInfo;
    const ended = await runProcess(startFolder(), [
      '-admin.port=0',
      `-server.port=${port}`,
      '-server.workers=2',
    ]);
    other.close();
    expectRefusal(ended, `$.server.port: 127.0.0.1:${port} is in use; stop the other program`);
  });

  it('ends with 2 and one message when a worker cannot listen after all, and gives the counters back', async () => {
    const folder = startFolder();
    const first = begin(folder, TWO);
    await first.printed(/listening/);
    await first.stop();
    const kept = readFileSync(join(folder, 'relayapi.state'), 'utf8');
    const taken = preloadOf(`
      import { isMainThread, threadName } from 'node:worker_threads';
      import { Server } from 'node:net';
      if (threadName === 'relay 2') Server.prototype.listen = function () {
        process.nextTick(() => this.emit('error', Object.assign(new Error('taken'), { code: 'EADDRINUSE' })));
        return this;
      };
    `);
    const ended = await begin(folder, TWO, taken).ended;
    expectRefusal(ended, '$.server.port: 127.0.0.1:');
    expect(ended.stderr).toMatch(/is in use; stop the other program, or choose another port\n$/);
    expect(ended.stderr.split('\n')).toHaveLength(2);
    expect(readFileSync(join(folder, 'relayapi.state'), 'utf8')).toBe(kept);
    expect(existsSync(join(folder, 'relayapi.state.taken'))).toBe(false);
  });

  it.each([
    ['throws', `throw new Error('no sk-demo-not-a-key');`],
    ['rejects', `await Promise.reject(new Error('no sk-demo-not-a-key'));`],
  ])('ends with 1 and masked lines when a worker %s before it serves', async (_how, act) => {
    const broken = preloadOf(`
      import { threadName } from 'node:worker_threads';
      if (threadName === 'relay 1') ${act}
    `);
    const ended = await begin(startFolder(), TWO, broken).ended;
    expect([ended.code, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr).toMatch(
      /^relayapi-server: Error: worker 1 of 2 ended by itself \(exit code 1\) \(Error: no \[redacted\]\)\n$/,
    );
  });

  it('that is told to stop under way comes up first, and keeps the counters', async () => {
    const folder = startFolder();
    const first = begin(folder, TWO);
    await first.printed(/listening/);
    await first.stop();
    const kept = readFileSync(join(folder, 'relayapi.state'), 'utf8');
    const atOnce = preloadOf(`
      import { isMainThread } from 'node:worker_threads';
      if (isMainThread) process.on('newListener', (event) => {
        if (event === 'SIGHUP') setImmediate(() => process.kill(process.pid, 'SIGTERM'));
      });
    `);
    const ended = await begin(folder, TWO, atOnce).ended;
    expect(ended).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const head = (text: string) => JSON.parse(text.split('\n')[0] ?? '').sinceSeconds;
    expect(head(readFileSync(join(folder, 'relayapi.state'), 'utf8'))).toBe(head(kept));
  });

  it('-demo: every worker takes what any of them minted, and the page is there', async () => {
    const server = begin(startFolder(), [...TWO, '-demo']);
    const [, url = ''] = await server.printed(/^ {2}curl -N (\S+)\/chat\/completions /m);
    const { origin } = new URL(url);
    const statuses: number[] = [];
    for (let i = 0; i < 16; i += 1) {
      const headers = { 'content-type': 'application/json', connection: 'close' };
      const minted = await fetch(`${origin}/try/url`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ calls: 1, origin: 'any' }),
      });
      const { url: fresh } = (await minted.json()) as { url: string };
      const answer = await fetch(`${fresh}/chat/completions`, { method: 'POST', headers, body: chatBody() });
      await answer.text();
      statuses.push(answer.status);
    }
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect((await fetch(`${origin}/`)).status).toBe(200);
    expect((await fetch(`${origin}/health`)).status).toBe(200);
  });

  it('judges by one geoip file in all workers, and by the next one when it changes', async () => {
    const folder = startFolder();
    const argv = [...TWO, '-server.trusted_proxies=127.0.0.1', '-server.geoip_file=c.mmdb'];
    putFile(folder, 'c.mmdb', '');
    writeFileSync(join(folder, 'c.mmdb'), writeCountries({ '203.0.113.0/24': 'GB' }));
    const server = begin(folder, argv);
    const [, relay = ''] = await server.printed(/listening on (\S+)/);
    const rai = JSON.parse(readFileSync(join(folder, 'default.rai'), 'utf8')) as object;
    const url = new RelayAPIClient({ ...rai, relay }).generateUrl({
      provider: 'nobody',
      apiKey: 'sk-demo-not-a-key',
      allowedCountries: ['GB'],
    });
    const ask = async (): Promise<string> => {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-forwarded-for': '203.0.113.5',
          connection: 'close',
        },
        body: chatBody(),
      });
      return ((await response.json()) as { error: { code: string } }).error.code;
    };
    const codes = async () => new Set(await Promise.all(Array.from({ length: 16 }, ask)));
    expect(await codes()).toEqual(new Set(['provider_unknown']));
    writeFileSync(join(folder, 'c.new'), writeCountries({ '203.0.113.0/24': 'FR' }));
    renameSync(join(folder, 'c.new'), join(folder, 'c.mmdb'));
    server.child.kill('SIGHUP');
    await vi.waitFor(async () => expect(await codes()).toEqual(new Set(['ip_denied'])), { timeout: 5000 });
    expect((await server.stop()).stdout.split('geoip file reloaded')).toHaveLength(2);
  });
});
