// Programs that take part in a benchmark: started on a core of their own, measured through /proc, ended by their ids.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const TICKS_PER_SECOND = 100;
// A stream takes two descriptors; the login shell's limit is often too small for thousands.
const RAISE_LIMIT = 'ulimit -n 100000 2>/dev/null || ulimit -n "$(ulimit -H -n)"; exec "$@"';

/** Whether processes can be held to one core: taskset is there, and more than one core. */
export const PINNED = cpus().length > 1 && spawnSync('taskset', ['-V']).status === 0;

/** A program that runs, with a log file of its own. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  readonly process: ChildProcess;
}

/** How to start a program. */
export interface Start {
  readonly name: string;
  readonly command: readonly string[];
  /** Core to run on; `null`: any. */
  readonly core: number | null;
  /** Folder for its log, and its working directory. */
  readonly folder: string;
  /** It is up when something listens here. */
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Default 20. */
  readonly patienceSeconds?: number;
}

/** A command held to a core, with as many open files as the system allows. */
export function onCore(core: number | null, command: readonly string[]): string[] {
  const pin = core === null || !PINNED ? [] : ['taskset', '-c', String(core)];
  return [...pin, 'sh', '-c', RAISE_LIMIT, 'sh', ...command];
}

const children = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Ends a child with this process at the latest, also when this one is stopped by hand. */
export function endWithThis(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const up = await new Promise<boolean>((done) =>
    socket.once('connect', () => done(true)).once('error', () => done(false)),
  );
  socket.destroy();
  return up;
}

/** Starts a program and waits until it listens. Throws with the end of its log when it does not. */
export async function start(options: Start): Promise<Running> {
  const { name, folder, port } = options;
  const log = join(folder, `${name}.log`);
  // to a file, as under a service manager: a pipe would make this process work for it
  const output = openSync(log, 'a');
  const [program = '', ...args] = onCore(options.core, options.command);
  const env = { ...process.env, ...options.env };
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', output, output] });
  endWithThis(child);
  const running = { name, pid: child.pid ?? 0, log, process: child };
  const end = performance.now() + (options.patienceSeconds ?? 20) * 1000;
  while (performance.now() < end && child.exitCode === null) {
    if (await listens(port)) return running;
    await wait(100);
  }
  await stop(running);
  throw new Error(`${name} did not start: ${readFileSync(log, 'utf8').slice(-1000)}`);
}

/** Ends a program, and waits for it. */
export async function stop({ process: child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  const stubborn = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(stubborn);
}

/** Empties a program's log, which at thousands of lines a second fills a disk. */
export function emptyLog({ log }: Running): void {
  truncateSync(log);
}

function fieldsOf(pid: number): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat
    .slice(stat.lastIndexOf(')') + 4)
    .split(' ')
    .map(Number);
}

// A master of workers is one candidate: every process below it counts.
function familyOf(pid: number): number[] {
  const parents = readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return [[Number(entry), fieldsOf(Number(entry))[0] ?? 0] as const];
    } catch {
      return [];
    }
  });
  const family = [pid];
  for (const member of family) {
    for (const [child, parent] of parents) if (parent === member) family.push(child);
  }
  return family;
}

/** CPU seconds that a program has used: all threads, and the processes below it. */
export function cpuSeconds({ pid }: Running): number {
  let ticks = 0;
  for (const member of familyOf(pid)) {
    const fields = fieldsOf(member);
    ticks += (fields[10] ?? 0) + (fields[11] ?? 0);
  }
  return ticks / TICKS_PER_SECOND;
}

function memoryMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** Resident memory of a program and the processes below it, in MB of 2^20 bytes. */
export function residentMb({ pid }: Pick<Running, 'pid'>): number {
  return familyOf(pid).reduce((sum, member) => sum + memoryMb(member), 0);
}

/** Watches a program's memory every 50 ms while `work` runs; gives the largest in MB. */
export async function peakDuring(running: Running, work: () => Promise<unknown>): Promise<number> {
  let peak = memoryMb(running.pid);
  const look = () => {
    // a program that has ended needs no watching
    if (running.process.exitCode === null) peak = Math.max(peak, memoryMb(running.pid));
  };
  const timer = setInterval(look, 50);
  try {
    await work();
    look();
  } finally {
    clearInterval(timer);
  }
  return peak;
}
