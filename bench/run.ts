// Runs the comparison: starts every candidate, loads them in turn for some rounds, writes bench/results/. See bench/README.md.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { arch, cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type GenerateOptions, RelayAPIClient } from 'relayapi-sdk';
import { createRai } from 'relayapi-token';
import { loadCommand, readLoadResult } from './load.ts';
import { type Round, renderMarkdown, type Setting } from './report.ts';
import { upstreamCommand } from './upstream.ts';

const ROOT = resolve(import.meta.dirname, '..');
const TOKENS = 1000;
const TICKS_PER_SECOND = 100;
const WARM_UP_REQUESTS = 40_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    out: { type: 'string', default: join(ROOT, 'bench/results') },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const connections = Number(values.connections);

interface Candidate {
  name: string;
  port: number;
  paths: string[];
  process: ChildProcess | null;
}

const folder = mkdtempSync(join(tmpdir(), 'relayapi-bench-'));
const pinned = spawnSync('taskset', ['-V']).status === 0 && cpus().length > 1;
const onCore = (core: number, command: string[]) =>
  pinned ? ['taskset', '-c', String(core), ...command] : command;
const started: ChildProcess[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

// Output goes to a file, as under a service manager: a pipe would make this process work for it.
async function start(name: string, core: number, command: string[], port: number): Promise<ChildProcess> {
  const log = join(folder, `${name}.log`);
  const output = openSync(log, 'w');
  const [program = '', ...args] = onCore(core, command);
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', output, output] });
  started.push(child);
  for (let tries = 0; tries < 100; tries += 1) {
    if (child.exitCode !== null) break;
    const socket = connect(port, '127.0.0.1');
    const up = await new Promise<boolean>((done) =>
      socket.once('connect', () => done(true)).once('error', () => done(false)),
    );
    socket.destroy();
    if (up) return child;
    await wait(100);
  }
  throw new Error(`${name} did not start: ${readFileSync(log, 'utf8').slice(-2000)}`);
}

async function startRelay(
  name: string,
  upstreamPort: number,
  options: { method: 'aes' | 'ecc'; cachedTokens: number; limits: GenerateOptions },
): Promise<Candidate> {
  const port = await freePort();
  const { issuer, relay } = createRai({
    method: options.method,
    relay: `http://127.0.0.1:${port}/relayapi/`,
  });
  const rai = join(folder, `${name}.rai`);
  const config = join(folder, `${name}.json`);
  writeFileSync(rai, JSON.stringify(relay), { mode: 0o600 });
  writeFileSync(
    config,
    JSON.stringify({
      server: { port },
      store: { snapshot: join(folder, `${name}.state`) },
      damping: { cached_tokens: options.cachedTokens },
      upstream: { allow_private: [`127.0.0.1:${upstreamPort}`] },
      providers: { openai: { base_url: `http://127.0.0.1:${upstreamPort}/v1` } },
      admin: { enabled: false },
    }),
  );
  const main = join(ROOT, 'packages/server/dist/main.js');
  const child = await start(name, 0, [process.execPath, main, '-rai', rai, '-config', config], port);
  const client = new RelayAPIClient(issuer as never);
  const paths = Array.from({ length: TOKENS }, () => {
    const url = client.generateUrl({ apiKey: 'sk-demo-not-a-key', maxCalls: null, ...options.limits });
    return `${new URL(url).pathname}/chat/completions`;
  });
  return { name, port, paths, process: child };
}

/** CPU seconds that a process has used, its threads and ended children included. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0] = fields.slice(11, 13);
  return (user + system) / TICKS_PER_SECOND;
}

function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function measure(candidate: Candidate, round: number, time: number): Promise<Round> {
  const { command } = loadCommand(candidate, { connections, seconds: time, folder });
  const pid = candidate.process?.pid;
  const before = pid === undefined ? 0 : cpuSeconds(pid);
  const [program = '', ...args] = onCore(1, command);
  const load = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  load.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await new Promise((closed) => load.once('close', closed));
  const result = readLoadResult(output);
  if (result.errors > 0 || result.requests === 0) {
    throw new Error(
      `${candidate.name}: ${result.errors} errors in ${result.requests} requests: the round says nothing`,
    );
  }
  return {
    candidate: candidate.name,
    round,
    rps: result.requests / result.seconds,
    cpuUs: pid === undefined ? null : ((cpuSeconds(pid) - before) / result.requests) * 1e6,
    p50Us: result.p50,
    p99Us: result.p99,
    rssMb: pid === undefined ? null : residentMb(pid),
  };
}

// Until the compiler is done with the hot paths: counted in requests, since a slow candidate makes fewer in the same time.
async function warmUp(candidate: Candidate): Promise<void> {
  let requests = 0;
  for (let tries = 0; tries < 8 && requests < WARM_UP_REQUESTS; tries += 1) {
    requests += (await measure(candidate, 0, 5)).rps * 5;
  }
}

function describeSetting(load: string, upstream: string): Setting {
  const [cpu] = cpus();
  const git = (...args: string[]) => execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).trim();
  const dirty = git('status', '--porcelain', '--', 'packages') === '' ? '' : ' with changes';
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: git('rev-parse', '--short', 'HEAD') + dirty,
    machine: `${cpus().length} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release().split('-')[0]} ${arch()}`,
    node: process.version,
    load,
    upstream,
    pinned,
    connections,
    seconds,
    rounds,
    loadAverage: loadavg()
      .map((value) => value.toFixed(2))
      .join(' '),
  };
}

async function compare(): Promise<void> {
  if (!existsSync(join(ROOT, 'packages/server/dist/main.js')))
    throw new Error('build first: ./get_relayapi.sh build');
  const upstreamPort = await freePort();
  const upstream = upstreamCommand(upstreamPort, folder);
  await start('upstream', 1, upstream.command, upstreamPort);
  const proxyPort = await freePort();
  const proxy = [
    process.execPath,
    join(ROOT, 'bench/plain-proxy.ts'),
    String(proxyPort),
    String(upstreamPort),
  ];
  const plain = { paths: ['/v1/chat/completions'] };
  const limits: GenerateOptions = { maxCalls: 100_000_000, rateLimit: { requests: 100_000, perSeconds: 1 } };
  const candidates: Candidate[] = [
    { ...plain, name: 'direct', port: upstreamPort, process: null },
    {
      ...plain,
      name: 'node-proxy',
      port: proxyPort,
      process: await start('node-proxy', 0, proxy, proxyPort),
    },
    await startRelay('relay', upstreamPort, { method: 'aes', cachedTokens: 10_000, limits: {} }),
    await startRelay('relay-limits', upstreamPort, { method: 'aes', cachedTokens: 10_000, limits }),
    await startRelay('relay-cold', upstreamPort, { method: 'aes', cachedTokens: 1, limits: {} }),
    await startRelay('relay-cold-ecc', upstreamPort, { method: 'ecc', cachedTokens: 1, limits: {} }),
  ];
  const [first] = candidates;
  if (!first) throw new Error('no candidate');
  const setting = describeSetting(loadCommand(first, { connections, seconds, folder }).kind, upstream.kind);

  for (const candidate of candidates) await warmUp(candidate);
  const results: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    // each round starts with another candidate, so that none is always first or always after the same one
    const order = candidates.map((_, index) => candidates[(index + round) % candidates.length] ?? first);
    for (const candidate of order) {
      const row = await measure(candidate, round, seconds);
      results.push(row);
      console.log(
        `round ${round} ${row.candidate}: ${row.rps.toFixed(0)} requests/s, ${row.cpuUs?.toFixed(1) ?? '–'} µs`,
      );
    }
  }
  const names = candidates.map(({ name }) => name);
  results.sort((a, b) => names.indexOf(a.candidate) - names.indexOf(b.candidate) || a.round - b.round);
  const markdown = renderMarkdown(setting, results);
  mkdirSync(values.out, { recursive: true });
  const file = join(values.out, `${setting.date}-relay-direct-proxy`);
  writeFileSync(`${file}.json`, `${JSON.stringify({ setting, rounds: results }, null, 1)}\n`);
  writeFileSync(`${file}.md`, markdown);
  console.log(`\n${markdown}`);
}

try {
  await compare();
} finally {
  for (const child of started) {
    const ended = child.exitCode === null ? once(child, 'exit') : null;
    child.kill();
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
}
