/**
 * The thread of one worker: serves a share of the relay's traffic on the port that all workers listen on, with counters that all
 * share. Reads no file and no environment; what it needs, and when it ends, the main thread says (worker-pool.ts).
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { NamedRai } from '../../create-relay.ts';
import { errorFields, type Logger, silentLogger } from '../../observability/logger.ts';
import type { CountryLookup } from '../../policy/country-lookup.ts';
import { shrinkHeap } from './collector.ts';
import { type CountryDatabase, openCountryDatabase } from './country-database.ts';
import { createDemoMint, type DemoMint } from './demo.ts';
import { createJsonLogger } from './json-logger.ts';
import { faultLine, type Guard, guardProcess } from './last-resort.ts';
import { createLogOutput, type LogOutput } from './log-output.ts';
import { createPrometheusMetrics } from './prometheus.ts';
import { serveTraffic, type Traffic } from './serve-traffic.ts';
import { StartError } from './start-error.ts';
import { createThreadClock } from './worker-clock.ts';
import { createLogSender } from './worker-log.ts';
import {
  type FromWorker,
  type Packed,
  type ToWorker,
  unpackSecrets,
  type WorkerMemory,
  type WorkerReport,
  type WorkerStart,
} from './worker-messages.ts';

/** Countries of the file in use; another file can take its place. */
interface Countries extends CountryLookup {
  take(bytes: Uint8Array): void;
}

function createCountries(first: Uint8Array): Countries {
  const open = (bytes: Uint8Array): CountryDatabase => {
    const opened = openCountryDatabase(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if ('problem' in opened) throw new Error(`the geoip file ${opened.problem.message}`);
    return opened;
  };
  let database = open(first);
  return {
    find: (address) => database.find(address),
    take(bytes) {
      database = open(bytes);
    },
  };
}

/** A worker at work. */
interface Work {
  readonly traffic: Traffic;
  readonly mint: DemoMint | null;
  readonly countries: Countries | null;
  /** Set once it is asked to end. */
  closing: boolean;
}

/** What a worker has from its first moment on. */
interface Thread {
  readonly memory: WorkerMemory;
  readonly guard: Guard;
  readonly output: LogOutput;
  say(message: FromWorker): void;
}

function unpackKeys(keys: Packed<readonly NamedRai[]>, mint: DemoMint | null): readonly NamedRai[] {
  const files = unpackSecrets(keys);
  return mint?.withKeys(files) ?? files;
}

async function begin(thread: Thread, start: WorkerStart): Promise<Work> {
  const { config, configName, countries: bytes, allowPrivate, level } = start;
  const clock = createThreadClock();
  const logger: Logger = level === null ? silentLogger : createJsonLogger(level, thread.output);
  const fault = (error: unknown) => logger.log('error', 'fault', errorFields(error));
  const countries = bytes === null ? null : createCountries(bytes);
  // finds the main thread's own demo key among those it is given, so that one thread takes what another minted
  const mint = start.demo ? createDemoMint(clock.nowMs) : null;
  const traffic = await serveTraffic({
    config,
    configName,
    keys: unpackKeys(start.keys, mint),
    vault: new Map(unpackSecrets(start.vault)),
    allowPrivate,
    mint,
    clock,
    logger,
    fault,
    metrics: createPrometheusMetrics({ processMetrics: false, json: true }),
    shared: thread.memory.shared,
    reusePort: true,
    ...(countries && { countryLookup: countries }),
  });
  thread.guard.release();
  process.on('uncaughtException', fault);
  process.on('unhandledRejection', fault);
  return { traffic, mint, countries, closing: false };
}

async function report({ instance }: Traffic, withMetrics: boolean): Promise<WorkerReport> {
  const metrics = withMetrics ? (await instance.metrics()).text : '';
  return { kids: instance.kids, live: instance.live(), metrics };
}

/** Answers, or says in a masked line why not; the worker goes on with what it had. */
async function answer(thread: Thread, id: number, act: () => Promise<WorkerReport>): Promise<void> {
  try {
    thread.say({ kind: 'answer', id, report: await act() });
  } catch (error) {
    thread.say({ kind: 'failed', id, line: faultLine(error) });
  }
}

async function close(thread: Thread, work: Work, drainMs: number): Promise<void> {
  const first = !work.closing;
  work.closing = true;
  const closed = work.traffic.close(drainMs);
  if (!first) return;
  await closed;
  thread.output.flush();
  thread.say({ kind: 'closed' });
  process.exit(0);
}

async function startWork(thread: Thread, start: WorkerStart): Promise<Work | null> {
  try {
    const work = await begin(thread, start);
    const { address, instance } = work.traffic;
    thread.say({ kind: 'listening', address, kids: instance.kids });
    // what only the start needed would otherwise lie until traffic pushes it out
    setImmediate(shrinkHeap);
    return work;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    thread.say({ kind: 'problems', problems: error.problems });
    return null;
  }
}

async function obey(thread: Thread, work: Work, message: Exclude<ToWorker, { kind: 'start' }>) {
  const { traffic, mint, countries } = work;
  switch (message.kind) {
    case 'keys':
      return answer(thread, message.id, async () => {
        await traffic.instance.reloadKeys(unpackKeys(message.keys, mint));
        return report(traffic, false);
      });
    case 'report':
      return answer(thread, message.id, () => report(traffic, true));
    case 'countries':
      return countries?.take(message.bytes);
    case 'listeners':
      return traffic.tellListeners(message.listeners);
    case 'close':
      return close(thread, work, message.drainMs);
  }
}

function run(port: MessagePort, memory: WorkerMemory): void {
  const say = (message: FromWorker) => port.postMessage(message);
  const guard = guardProcess({
    on: (event, listener) => process.on(event, listener),
    off: (event, listener) => process.off(event, listener),
    removeAllListeners: (event) => process.removeAllListeners(event),
    listenerCount: (event) => process.listenerCount(event),
    exit: (code) => process.exit(code),
    stderr: { write: (text) => say({ kind: 'stderr', text }) },
  });
  const sender = createLogSender(memory.logBacklog, (text) => say({ kind: 'log', text }));
  const thread: Thread = { memory, guard, output: createLogOutput(sender), say };
  let working: Promise<Work | null> = Promise.resolve(null);
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'start') {
      working = startWork(thread, message.start);
      return;
    }
    void working.then((work) => (work === null ? undefined : obey(thread, work, message)));
  });
}

if (parentPort !== null) run(parentPort, workerData as WorkerMemory);
