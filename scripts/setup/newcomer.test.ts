// A newcomer with Node 20, no pnpm and the set-up script alone: one command, and a sealed URL streams. This very project is set up.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listRepositoryFiles } from '../check-house.ts';
import { hasProgram, listTimes, listTree, type Machine, makeMachine, ROOT, run } from './machine.ts';

const missing = ['npm', 'git', 'curl'].find((name) => !hasProgram(name));
const reason = `${missing} is missing`;

let machine: Machine;
let source: string;
let alone: string;
let checkout: string;
const running: ChildProcess[] = [];

/** A repository of the tree as it stands, changes that are not committed included. */
function copyRepository(folder: string): string {
  for (const path of listRepositoryFiles(ROOT)) cpSync(join(ROOT, path), join(folder, path));
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args]);
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'copy');
  return folder;
}

interface Started {
  child: ChildProcess;
  output: string;
  seconds: number;
}

/** Starts the script without an action and waits until it has printed a `curl` line. */
async function startRelay(cwd: string, script: string, env: Record<string, string> = {}): Promise<Started> {
  const began = performance.now();
  const child = spawn('sh', [script], {
    cwd,
    env: { ...machine.env, RELAYAPI_SERVER_PORT: '0', RELAYAPI_ADMIN_PORT: '0', ...env },
  });
  running.push(child);
  const exited = once(child, 'exit').then(() => true);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  while (!/^\s*curl .*[^\\]\n/m.test(output)) {
    const ended = await Promise.race([once(child.stdout, 'data').then(() => false), exited]);
    if (ended) throw new Error(`the script ended: ${output}`);
  }
  return { child, output, seconds: (performance.now() - began) / 1000 };
}

async function stop(child: ChildProcess): Promise<unknown> {
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  return code;
}

beforeAll(() => {
  if (missing !== undefined) return;
  machine = makeMachine();
  source = copyRepository(join(machine.folder, 'source'));
  alone = join(machine.folder, 'alone');
  checkout = join(alone, 'relayapi');
  mkdirSync(alone);
  copyFileSync(join(ROOT, 'get_relayapi.sh'), join(alone, 'get_relayapi.sh'));
});

afterAll(() => {
  for (const child of running) child.kill();
  if (machine !== undefined) rmSync(machine.folder, { recursive: true, force: true });
});

describe('the script alone, with RELAYAPI_REPO set', () => {
  let first: Started;
  let urlOfFirst: string | undefined;

  test('one command ends with a running relay and a curl line that streams', async (context) => {
    context.skip(missing !== undefined, reason);
    first = await startRelay(alone, 'get_relayapi.sh', { RELAYAPI_REPO: source });
    const line = /^\s*(curl .*(?:\\\n.*)*)$/m.exec(first.output)?.[1] ?? '';
    urlOfFirst = /http:\/\/127\.0\.0\.1:\d+\/relayapi\/[\w.~-]+/.exec(first.output)?.[0];
    expect(urlOfFirst).toBeDefined();
    const called = run(machine, alone, ['sh', '-c', line]);
    expect(called.status).toBe(0);
    expect(called.stdout.split('\n').filter((text) => text.startsWith('data: ')).length).toBeGreaterThan(2);
    expect(called.stdout).toContain('data: [DONE]');
  });

  test('the key file was made for the owner alone', (context) => {
    context.skip(missing !== undefined, reason);
    expect(statSync(join(checkout, 'default.rai')).mode & 0o777).toBe(0o600);
  });

  test('the address of the try-it page answers with a page', (context) => {
    context.skip(missing !== undefined, reason);
    const origin = new URL(urlOfFirst ?? '').origin;
    expect(first.output).toMatch(new RegExp(`${origin}/?\\s`));
    const page = run(machine, alone, ['curl', '-sS', '-i', `${origin}/`]);
    expect(page.stdout).toMatch(/^HTTP\/1\.1 200 /);
    expect(page.stdout.toLowerCase()).toContain('<!doctype html>');
  });

  test('a signal to the script is a signal to the relay, which ends with 0', async (context) => {
    context.skip(missing !== undefined, reason);
    expect(await stop(first.child)).toBe(0);
  });

  test('home is as it was, and git sees no change', (context) => {
    context.skip(missing !== undefined, reason);
    expect(listTree(machine.home)).toEqual([]);
    expect(run(machine, checkout, ['git', 'status', '--porcelain']).stdout).toBe('');
  });

  test('a second start is fast, needs no network, keeps the key file and builds nothing', async (context) => {
    context.skip(missing !== undefined, reason);
    const built = ['token', 'server', 'sdk-node', 'cli', 'demo-provider'].map((name) =>
      join(checkout, `packages/${name}/dist`),
    );
    const times = listTimes(built);
    const key = statSync(join(checkout, 'default.rai')).mtimeMs;
    const second = await startRelay(alone, 'relayapi/get_relayapi.sh', {
      npm_config_registry: 'http://127.0.0.1:9/',
      pnpm_config_registry: 'http://127.0.0.1:9/',
    });
    expect(second.seconds).toBeLessThan(10);
    expect(await stop(second.child)).toBe(0);
    expect(listTimes(built)).toEqual(times);
    expect(statSync(join(checkout, 'default.rai')).mtimeMs).toBe(key);
    expect(run(machine, checkout, ['git', 'status', '--porcelain']).stdout).toBe('');
  });

  test('both commands are linked and run', (context) => {
    context.skip(missing !== undefined, reason);
    const bin = join(machine.folder, 'bin of mine');
    expect(run(machine, checkout, ['./get_relayapi.sh', 'install', bin]).status).toBe(0);
    expect(
      run(machine, machine.folder, [join(bin, 'relayapi-server'), '-gen', '127.0.0.1:9000']),
    ).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('"kid"'),
    });
    expect(run(machine, machine.folder, [join(bin, 'relayapi'), '--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('inspect'),
    });
    expect(existsSync(join(machine.folder, 'default.rai'))).toBe(false);
  });
});
