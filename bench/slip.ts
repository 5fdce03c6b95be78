// A guard against slipping: what one request costs the built relay in allocated bytes and in instructions, steady enough to compare two commits.
// Usage: node --conditions=relayapi-source bench/slip.ts [--save FILE] [--against FILE] [--runs 3] [--no-instructions]. See CONTRIBUTING.md.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findStaleSource, type PreparedRelay, prepareRelay, USUAL_LIMITS } from './candidates.ts';
import { endWithThis } from './processes.ts';
import { chatBody, rawRequest } from './requests.ts';
import { type Costs, compareCosts, renderCosts } from './slip-report.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PROBE = join(import.meta.dirname, 'slip-probe.ts');
// One thread, the same numbers each time, a young generation that is not collected between two looks, and nothing that V8 does
// because time has passed: under valgrind a busy neighbour would make that more.
const STEADY = [
  '--single-threaded',
  '--random-seed=1',
  '--hash-seed=1',
  '--max-semi-space-size=512',
  '--min-semi-space-size=512',
  '--no-memory-reducer',
  '--no-flush-bytecode',
  '--no-incremental-marking',
];
const WARM_UP = { allocations: 6000, instructions: 1500 };
const WINDOW = { allocations: 1000, instructions: 200 };
const WINDOWS = 5;
const ANSWER = JSON.stringify({
  id: 'chatcmpl-bench',
  choices: [],
  text: 'All work and no play. '.repeat(64),
});

async function startUpstream(): Promise<{ port: number; close: () => void }> {
  const server = createServer((request, response) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(ANSWER) };
    request.resume().on('end', () => response.writeHead(200, headers).end(ANSWER));
  });
  server.keepAliveTimeout = 600_000;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: () => server.close().closeAllConnections(),
  };
}

/** One connection that sends one request after the other. */
function createCaller(
  port: number,
  requests: readonly string[],
): { call(count: number): Promise<void>; close(): void } {
  const socket: Socket = connect(port, '127.0.0.1').setNoDelay();
  let [at, left, seen] = [0, 0, ''];
  let done: (() => void) | null = null;
  let fail: ((error: Error) => void) | null = null;
  const send = () => {
    socket.write(requests[at % requests.length] ?? '');
    at += 1;
  };
  const end = (error: Error) => fail?.(error);
  socket.on('error', end).on('close', () => end(new Error('the relay closed the connection')));
  socket.setEncoding('latin1').on('data', (text: string) => {
    seen += text;
    const head = seen.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(seen.slice(0, head))?.[1]);
    if (seen.length < head + 4 + length) return;
    if (!seen.startsWith('HTTP/1.1 200')) return end(new Error(seen.slice(0, 500)));
    seen = '';
    left -= 1;
    if (left > 0) send();
    else done?.();
  });
  return {
    call: (count) =>
      new Promise<void>((resolve, reject) => {
        [left, done, fail] = [count, resolve, reject];
        send();
      }),
    close: () => {
      fail = null;
      socket.destroy();
    },
  };
}

async function startProbed(
  relay: PreparedRelay,
  folder: string,
  before: readonly string[],
): Promise<ChildProcess> {
  const [node = '', ...rest] = relay.command;
  const [program = '', ...args] = [...before, node, ...STEADY, '--import', PROBE, ...rest];
  const output = openSync(join(folder, 'relay.log'), 'w');
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', output, output, 'ipc'] });
  for (let tries = 0; tries < 1200; tries += 1) {
    const log = readFileSync(join(folder, 'relay.log'), 'utf8');
    if (log.includes('listening on')) return child;
    if (child.exitCode !== null) throw new Error(`the relay did not start: ${log.slice(-800)}`);
    await wait(100);
  }
  child.kill();
  throw new Error('the relay does not listen after two minutes');
}

async function ask(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message');
  child.send('look');
  const [allocated] = await answer;
  return allocated;
}

// What a timer or a neighbour brings in comes on top: the least of the windows is the request alone.
const leastOf = (counts: readonly number[]) => Math.min(...counts);

async function withRelay<T>(
  before: (folder: string) => readonly string[],
  work: (child: ChildProcess, caller: ReturnType<typeof createCaller>, folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'relayapi-slip-'));
  const upstream = await startUpstream();
  let child: ChildProcess | null = null;
  let caller: ReturnType<typeof createCaller> | null = null;
  try {
    const relay = await prepareRelay({ folder, upstreamPort: upstream.port }, { name: 'relay' });
    child = await startProbed(relay, folder, before(folder));
    endWithThis(child);
    await wait(1000);
    const limits = { ...USUAL_LIMITS, rateLimit: { requests: 100_000, perSeconds: 1 } };
    const target = { port: relay.port, paths: [], headers: {} };
    const requests = Array.from({ length: 100 }, () => rawRequest(target, relay.mint(limits), chatBody()));
    caller = createCaller(relay.port, requests);
    return await work(child, caller, folder);
  } finally {
    caller?.close();
    if (child !== null && child.exitCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    upstream.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bytes that V8 allocates on its heap for one request. Buffers outside of it came out too unsteady to keep (2.5 %). */
function measureAllocations(): Promise<number> {
  return withRelay(
    () => [],
    async (child, caller) => {
      await caller.call(WARM_UP.allocations);
      const counts: number[] = [];
      for (let window = 0; window < WINDOWS; window += 1) {
        const from = await ask(child);
        await caller.call(WINDOW.allocations);
        counts.push(((await ask(child)) - from) / WINDOW.allocations);
      }
      return leastOf(counts);
    },
  );
}

// callgrind writes its counts into one more file each time it is asked.
async function countInstructions(child: ChildProcess, folder: string, dump: number): Promise<number> {
  const { status, stderr } = spawnSync('callgrind_control', ['--dump', String(child.pid)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`callgrind_control: ${stderr}`);
  const name = `callgrind.out.${child.pid}.${dump}`;
  for (let tries = 0; tries < 600; tries += 1) {
    const file = readdirSync(folder).find((entry) => entry === name);
    const total =
      file === undefined ? null : /^totals: (\d+)/m.exec(readFileSync(join(folder, file), 'utf8'));
    if (total) return Number(total[1]);
    await wait(100);
  }
  throw new Error('callgrind wrote no counts');
}

/** Instructions of the whole process for one request. */
function measureInstructions(): Promise<number> {
  const before = (folder: string) => [
    'valgrind',
    '--tool=callgrind',
    '--smc-check=all-non-file',
    `--callgrind-out-file=${folder}/callgrind.out.%p`,
  ];
  return withRelay(before, async (child, caller, folder) => {
    await caller.call(WARM_UP.instructions);
    let dump = 1;
    await countInstructions(child, folder, dump);
    const counts: number[] = [];
    for (let window = 0; window < WINDOWS; window += 1) {
      await caller.call(WINDOW.instructions);
      dump += 1;
      counts.push((await countInstructions(child, folder, dump)) / WINDOW.instructions);
    }
    return leastOf(counts);
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      save: { type: 'string' },
      against: { type: 'string' },
      runs: { type: 'string', default: '3' },
      'no-instructions': { type: 'boolean', default: false },
    },
  });
  const stale = findStaleSource(ROOT);
  if (stale !== null) throw new Error(`${stale} is newer than the build: ./get_relayapi.sh build`);
  const runs = Number(values.runs);
  const costs: Costs = { node: process.version, heapBytes: [], instructions: [] };
  for (let run = 1; run <= runs; run += 1) {
    const bytes = await measureAllocations();
    costs.heapBytes.push(bytes);
    console.log(`run ${run}: ${bytes.toFixed(0)} bytes on the heap`);
  }
  const valgrind = !values['no-instructions'] && spawnSync('valgrind', ['--version']).status === 0;
  for (let run = 1; valgrind && run <= runs; run += 1) {
    const count = await measureInstructions();
    costs.instructions.push(count);
    console.log(`run ${run}: ${count.toFixed(0)} instructions`);
  }
  if (values.save !== undefined) writeFileSync(values.save, `${JSON.stringify(costs, null, 1)}\n`);
  console.log(`\n${renderCosts(costs)}`);
  if (values.against === undefined) return;
  const before: Costs = JSON.parse(readFileSync(values.against, 'utf8'));
  const { text, slipped } = compareCosts(before, costs);
  console.log(`\n${text}`);
  process.exitCode = slipped ? 1 : 0;
}

await main();
