/**
 * The main thread's side of several workers: starts them, tells them of keys and countries, asks them for figures, ends them.
 * Owns the counters that they share. It serves nothing itself, and one worker that is lost ends the process: it may have held them.
 */
import { Worker } from 'node:worker_threads';
import type { Config } from '../../config/schema.ts';
import { createSharedCounters, type NamedRai, type SharedState } from '../../create-relay.ts';
import type { LogLevel } from '../../observability/options.ts';
import type { VaultEntry } from '../../routing/options.ts';
import type { Store } from '../../stores/store.ts';
import type { LogOutput } from './log-output.ts';
import { createMergedMetrics } from './prometheus.ts';
import type { Serving } from './serving.ts';
import type { SnapshotFile } from './snapshot-file.ts';
import { StartError } from './start-error.ts';
import { createThreadClock } from './worker-clock.ts';
import { shareOf } from './worker-count.ts';
import { createLogBacklog, takeLog } from './worker-log.ts';
import {
  type FromWorker,
  packSecrets,
  type ToWorker,
  type WorkerMemory,
  type WorkerReport,
  type WorkerStart,
} from './worker-messages.ts';

/** How long figures are waited for, in milliseconds: a worker that is busy for longer is busy indeed. */
const REPORT_MS = 5000;

/** What workers are started with. */
export interface WorkerPoolSetting {
  /** How many; at least 2. */
  readonly workers: number;
  readonly config: Config;
  /** Name of the config file, for messages. */
  readonly configName: string;
  readonly keys: readonly NamedRai[];
  readonly vault: ReadonlyMap<string, VaultEntry>;
  /** Content of the geoip file, in memory that threads share; null without one. */
  readonly countries: Buffer | null;
  readonly allowPrivate: readonly string[];
  readonly demo: boolean;
  /** Least level of the log; null: nothing is logged. */
  readonly level: LogLevel | null;
  /** Takes the lines of all workers. */
  readonly output: LogOutput;
  readonly snapshot: SnapshotFile | null;
  /** Told once, in words for the operator, when a snapshot could not be used. */
  readonly warn: (message: string) => void;
  /** Takes what workers have for standard error. */
  readonly complain: (text: string) => void;
  /** Told when a worker ended by itself: nothing that the counters say is certain any more. */
  readonly onLost: (error: Error) => void;
}

/** One worker, as the main thread knows it. */
interface Hand {
  start(start: WorkerStart): Promise<Listening>;
  ask(message: (id: number) => ToWorker, withinMs?: number): Promise<WorkerReport>;
  tell(message: ToWorker): void;
  /** Resolves when it has ended as it was told to. */
  readonly closed: Promise<void>;
  terminate(): Promise<unknown>;
}

type Listening = Extract<FromWorker, { kind: 'listening' }>;

/** Where workers are found: beside this file in the sources, beside the bundle in what is built. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
}

/** Questions that wait for their answers. */
interface Questions {
  ask(send: (id: number) => void, withinMs: number | null): Promise<WorkerReport>;
  take(message: Extract<FromWorker, { kind: 'answer' | 'failed' }>): void;
}

function createQuestions(name: string): Questions {
  const waiting = new Map<number, (message: Extract<FromWorker, { kind: 'answer' | 'failed' }>) => void>();
  let asked = 0;
  return {
    ask(send, withinMs) {
      asked += 1;
      const id = asked;
      return new Promise((resolve, reject) => {
        const expire = () => {
          waiting.delete(id);
          reject(new Error(`${name} does not answer`));
        };
        const timer = withinMs === null ? null : setTimeout(expire, withinMs).unref();
        waiting.set(id, (message) => {
          if (timer !== null) clearTimeout(timer);
          if (message.kind === 'answer') resolve(message.report);
          else reject(new Error(`${name}: ${message.line.trim()}`));
        });
        send(id);
      });
    },
    take(message) {
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
    },
  };
}

function startHand(index: number, shared: SharedState, setting: WorkerPoolSetting): Hand {
  const { workers, output, complain } = setting;
  const name = `worker ${index + 1} of ${workers}`;
  const logBacklog = createLogBacklog();
  const workerData: WorkerMemory = { shared, logBacklog };
  // no environment: what the relay needs of it was read, and what held keys was taken out
  const worker = new Worker(workerFile(), { name: `relay ${index + 1}`, workerData, env: {} });
  const questions = createQuestions(name);
  const listening = Promise.withResolvers<Listening>();
  const closed = Promise.withResolvers<void>();
  let cause: unknown;
  let ending: 'told' | 'refused' | null = null;

  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'log') {
      output.write(message.text);
      takeLog(logBacklog, message.text);
    } else if (message.kind === 'stderr') complain(message.text);
    else if (message.kind === 'listening') listening.resolve(message);
    else if (message.kind === 'closed') ending = 'told';
    else if (message.kind === 'problems') {
      ending = 'refused';
      listening.reject(new StartError(message.problems));
    } else questions.take(message);
  });
  // what was thrown comes first, then the exit
  worker.on('error', (error) => {
    cause = error;
  });
  worker.on('exit', (code) => {
    if (ending === 'told') return closed.resolve();
    if (ending === 'refused') return;
    const error = new Error(`${name} ended by itself (exit code ${code})`, { cause });
    listening.reject(error);
    closed.reject(error);
    setting.onLost(error);
  });
  closed.promise.catch(() => {});
  listening.promise.catch(() => {});

  return {
    start(start) {
      worker.postMessage({ kind: 'start', start } satisfies ToWorker);
      return listening.promise;
    },
    ask: (message, withinMs) => questions.ask((id) => worker.postMessage(message(id)), withinMs ?? null),
    tell: (message) => worker.postMessage(message),
    closed: closed.promise,
    terminate() {
      ending ??= 'refused';
      return worker.terminate();
    },
  };
}

/** A worker's own config: a port that is known by now, and its share of what each counts for itself. */
function configOf(setting: WorkerPoolSetting, port: number): Config {
  const { config, workers } = setting;
  const max_buffered_bytes = shareOf(config.server.max_buffered_bytes, workers);
  return { ...config, server: { ...config.server, port, max_buffered_bytes } };
}

/** Starts all, the first one first where any free port will do: the others then listen on the one it got. */
async function startAll(hands: readonly Hand[], setting: WorkerPoolSetting): Promise<Listening> {
  const keys = packSecrets(setting.keys);
  const vault = packSecrets([...setting.vault]);
  const { configName, countries, allowPrivate, demo, level } = setting;
  const begin = (hand: Hand, port: number) =>
    hand.start({
      config: configOf(setting, port),
      configName,
      keys,
      vault,
      countries,
      allowPrivate,
      demo,
      level,
    });
  const { port } = setting.config.server;
  const [first, ...others] = hands as [Hand, ...Hand[]];
  if (port !== 0) {
    const [listening] = await Promise.all([begin(first, port), ...others.map((hand) => begin(hand, port))]);
    return listening;
  }
  const listening = await begin(first, 0);
  await Promise.all(others.map((hand) => begin(hand, listening.address.port)));
  return listening;
}

async function abandonAll(hands: readonly Hand[]): Promise<void> {
  await Promise.all(hands.map((hand) => hand.terminate()));
}

/** Starts the workers; resolves when all of them listen. Throws StartError for what an operator can put right; none is left then. */
export async function startWorkerPool(setting: WorkerPoolSetting): Promise<Serving> {
  const { config, snapshot, warn } = setting;
  // before any worker counts: it puts the last run's counters into the table
  const { state, store } = createSharedCounters(config, {
    clock: createThreadClock(),
    warn,
    ...(snapshot && { snapshot }),
  });
  const indices = Array.from({ length: setting.workers }, (_, index) => index);
  let started = false;
  const onLost = (error: Error) => {
    if (started) setting.onLost(error);
  };
  const hands = indices.map((index) => startHand(index, state, { ...setting, onLost }));
  try {
    const listening = await startAll(hands, setting);
    started = true;
    return createServing(hands, store, listening);
  } catch (error) {
    await abandonAll(hands);
    throw error;
  }
}

function createServing(
  hands: readonly Hand[],
  store: Store,
  { address, kids: firstKids }: Listening,
): Serving {
  const merged = createMergedMetrics();
  let kids = firstKids;
  let closing: Promise<void> | null = null;

  const tellAll = (message: ToWorker) => {
    for (const hand of hands) hand.tell(message);
  };
  const askAll = (withinMs: number | undefined, message: (id: number) => ToWorker) =>
    Promise.all(hands.map((hand) => hand.ask(message, withinMs)));
  const reports = () => askAll(REPORT_MS, (id) => ({ kind: 'report', id }));

  return {
    address,
    get kids() {
      return kids;
    },
    storeType: store.type,
    storePromise: store.promise,
    ready() {
      const reasons = [
        ...(closing === null ? [] : ['draining']),
        ...(kids.length === 0 ? ['no key loaded'] : []),
        ...(store.reachable() ? [] : ['store not reachable']),
      ];
      return { ok: reasons.length === 0, reasons };
    },
    async metrics() {
      return merged.render((await reports()).map(({ metrics }) => metrics));
    },
    async live() {
      return (await reports()).reduce((sum, { live }) => sum + live, 0);
    },
    async takeKeys(files) {
      const keys = packSecrets(files);
      const [first] = await askAll(undefined, (id) => ({ kind: 'keys', id, keys }));
      kids = first?.kids ?? kids;
    },
    takeCountries: (bytes) => tellAll({ kind: 'countries', bytes }),
    tellListeners: (listeners) => tellAll({ kind: 'listeners', listeners }),
    close(drainMs) {
      tellAll({ kind: 'close', drainMs });
      closing ??= Promise.all(hands.map((hand) => hand.closed)).then(() => store.close());
      return closing;
    },
    abandon: () => abandonAll(hands),
  };
}
