// The native tools: compiles native/*.c with the system's compiler, runs loads on core 1 and reads what they print.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endWithThis, onCore } from './processes.ts';
import {
  chatBody,
  type LoadResult,
  lastJson,
  rawRequest,
  requestFile,
  type Target,
  wrkScript,
} from './requests.ts';

const WRK = '/usr/bin/wrk';
/** The core of load and upstream; the candidate has core 0. */
export const LOAD_CORE = 1;

/** Compiles the native tools into `folder`. Throws when a program is missing that the benchmarks need. */
export function buildTools(folder: string): void {
  if (!existsSync(WRK)) throw new Error('wrk is missing: apt-get install wrk');
  for (const name of ['upstream', 'load']) {
    const source = join(import.meta.dirname, 'native', `${name}.c`);
    const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror'];
    const { status, stderr, error } = spawnSync('cc', [...flags, '-o', join(folder, name), source], {
      encoding: 'utf8',
    });
    if (error) throw new Error('a C compiler is missing: apt-get install gcc libc6-dev');
    if (status !== 0) throw new Error(`${name}.c does not compile: ${stderr}`);
  }
}

// Runs a load to its end and gives what it printed; `line` hears each line as it comes.
async function runLoad(
  command: readonly string[],
  options: { core?: number | null; line?: (text: string) => void } = {},
): Promise<string> {
  const { core = LOAD_CORE, line } = options;
  const [program = '', ...args] = onCore(core, command);
  const load = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  endWithThis(load);
  let output = '';
  let told = 0;
  load.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    for (let end = output.indexOf('\n', told); end >= 0; end = output.indexOf('\n', told)) {
      line?.(output.slice(told, end));
      told = end + 1;
    }
  });
  await once(load, 'close');
  return output;
}

/** Keeps `connections` requests in flight for some seconds, by wrk. Throws when an answer is not 200. */
export async function closedLoop(
  name: string,
  target: Target,
  options: {
    folder: string;
    seconds: number;
    connections: number;
    bodyBytes?: number;
    core?: number | null;
  },
): Promise<LoadResult> {
  const { folder, seconds, connections } = options;
  const paths = join(folder, `${name}.paths`);
  const script = join(folder, `${name}.lua`);
  writeFileSync(paths, target.paths.join('\n'));
  writeFileSync(script, wrkScript(target, chatBody({ bytes: options.bodyBytes ?? 1024 }), paths));
  const url = `http://127.0.0.1:${target.port}`;
  // an answer may take long where 64 wait for a slow candidate
  const command = [WRK, '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s', '-s', script, url];
  const core = options.core === undefined ? LOAD_CORE : options.core;
  const result = lastJson<LoadResult>(await runLoad(command, { core }));
  if (result.errors > 0 || result.requests === 0) {
    throw new Error(
      `${name}: ${result.errors} errors in ${result.requests} requests: the round says nothing`,
    );
  }
  return result;
}

/** What an open loop saw; microseconds from the time a request should have left. */
export interface OpenLoopResult {
  readonly sent: number;
  readonly errors: number;
  readonly measured: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** How many answers came with which status. */
  readonly statuses: Readonly<Record<string, number>>;
}

/**
 * Sends at a fixed rate whatever comes back. `any` takes every status; else throws when an answer is not 200.
 * `requests` are raw ones to cycle through; default: a chat request for each of the target's paths.
 */
export async function openLoop(
  name: string,
  target: Target,
  options: {
    folder: string;
    rate: number;
    seconds: number;
    connections: number;
    any?: boolean;
    requests?: readonly string[];
  },
): Promise<OpenLoopResult> {
  const { folder, rate, seconds, connections, any = false } = options;
  const file = join(folder, `${name}.requests`);
  const usual = () => target.paths.map((path) => rawRequest(target, path, chatBody()));
  writeFileSync(file, requestFile(options.requests ?? usual()));
  const numbers = [target.port, file, rate, seconds + 1, 1, connections].map(String);
  const command = [join(folder, 'load'), 'latency', ...numbers, any ? 'any' : 'ok'];
  const result = lastJson<OpenLoopResult>(await runLoad(command));
  if (!any && (result.errors > 0 || result.measured === 0)) {
    throw new Error(`${name}: ${result.errors} errors in ${result.sent} requests: the round says nothing`);
  }
  return result;
}

/** Event streams to hold. */
export interface StreamLoad {
  readonly folder: string;
  readonly streams: number;
  readonly eventsPerSecond: number;
  readonly opensPerSecond: number;
  readonly settleSeconds: number;
  readonly windowSeconds: number;
  /** Called at the start and at the end of the window in which events are counted. */
  readonly mark: (at: 'from' | 'to') => void;
}

/** What was seen of the streams; ages in microseconds, `windowEvents` of `offered` arrived in the window. */
export interface StreamResult {
  readonly streams: number;
  readonly finished: number;
  readonly errors: number;
  readonly events: number;
  /** Events missing in streams that have ended. */
  readonly lost: number;
  /** Events that had not arrived when patience ran out. */
  readonly late: number;
  readonly reordered: number;
  readonly strangers: number;
  readonly windowEvents: number;
  readonly windowSeconds: number;
  readonly offered: number;
  readonly p50: number;
  readonly p99: number;
}

/** Opens streams one after another, holds them all through a window and reads them to their ends. Never throws for a loss: it counts. */
export async function holdStreams(name: string, target: Target, load: StreamLoad): Promise<StreamResult> {
  const { streams, eventsPerSecond, opensPerSecond, settleSeconds, windowSeconds } = load;
  const opening = streams / opensPerSecond;
  // the first to be opened must still be there when the window ends
  const events = Math.ceil((opening + settleSeconds + windowSeconds + 1) * eventsPerSecond);
  const intervalUs = Math.round(1e6 / eventsPerSecond);
  const requests = Array.from({ length: streams }, (_, id) => {
    const body = chatBody({ model: `bench-sse:${id}:${intervalUs}:${events}`, stream: true });
    return rawRequest(target, target.paths[id % target.paths.length] ?? '/', body);
  });
  const file = join(load.folder, `${name}.requests`);
  writeFileSync(file, requestFile(requests));
  const patience = 30;
  const numbers = [
    target.port,
    file,
    eventsPerSecond,
    events,
    opensPerSecond,
    settleSeconds,
    windowSeconds,
    patience,
  ];
  const output = await runLoad([join(load.folder, 'load'), 'streams', ...numbers.map(String)], {
    line: (text) => {
      if (!text.startsWith('{"mark"')) return;
      load.mark(JSON.parse(text).mark);
    },
  });
  return lastJson<StreamResult>(output);
}
