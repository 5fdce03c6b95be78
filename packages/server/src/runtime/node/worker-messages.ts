/**
 * What the main thread and its workers say to each other, and how secrets cross between them: inside the process's memory alone,
 * wrapped again on arrival. Not in `workerData`, `argv` or the environment, which a thread keeps for its whole life.
 */
import { decodeUtf8, encodeUtf8, Secret } from 'relayapi-token';
import type { ConfigProblem } from '../../config/problems.ts';
import type { Config } from '../../config/schema.ts';
import type { NamedRai, SharedState } from '../../create-relay.ts';
import type { LogLevel } from '../../observability/options.ts';
import type { VaultEntry } from '../../routing/options.ts';
import type { ListenAddress } from './addresses.ts';

/** A value that holds secrets, on its way between threads. Whoever has it has the secrets: it is never logged and never kept. */
export interface Packed<T> {
  readonly packed: unknown;
  /** Never there: says what comes out. */
  readonly holds?: T;
}

/** What a worker starts with. */
export interface WorkerStart {
  /** As this worker is to hold it: its port, its share of what is divided. */
  readonly config: Config;
  readonly configName: string;
  readonly keys: Packed<readonly NamedRai[]>;
  readonly vault: Packed<readonly (readonly [name: string, entry: VaultEntry])[]>;
  /** Content of the geoip file, in memory that is shared; null without one. */
  readonly countries: Uint8Array | null;
  readonly allowPrivate: readonly string[];
  /** Serves the try-it page. */
  readonly demo: boolean;
  /** Least level of the log; null: nothing is logged. */
  readonly level: LogLevel | null;
}

/** What a thread is born with: nothing secret. */
export interface WorkerMemory {
  readonly shared: SharedState;
  /** Characters of log lines that the main thread has not taken yet. */
  readonly logBacklog: Int32Array;
}

/** What the main thread says. An `id` asks for an answer. */
export type ToWorker =
  | { readonly kind: 'start'; readonly start: WorkerStart }
  | { readonly kind: 'keys'; readonly id: number; readonly keys: Packed<readonly NamedRai[]> }
  | { readonly kind: 'report'; readonly id: number }
  | { readonly kind: 'countries'; readonly bytes: Uint8Array }
  | { readonly kind: 'listeners'; readonly listeners: readonly ListenAddress[] }
  | { readonly kind: 'close'; readonly drainMs: number };

/** What a worker says of itself when it is asked. */
export interface WorkerReport {
  readonly kids: readonly string[];
  readonly live: number;
  /** Its metrics as JSON; empty where they were not asked for. */
  readonly metrics: string;
}

/** What a worker says. */
export type FromWorker =
  | { readonly kind: 'listening'; readonly address: ListenAddress; readonly kids: readonly string[] }
  | { readonly kind: 'problems'; readonly problems: readonly ConfigProblem[] }
  | { readonly kind: 'answer'; readonly id: number; readonly report: WorkerReport }
  | { readonly kind: 'failed'; readonly id: number; readonly line: string }
  /** Whole lines of the log, masked. */
  | { readonly kind: 'log'; readonly text: string }
  /** For standard error, masked. */
  | { readonly kind: 'stderr'; readonly text: string }
  /** All calls are settled; the thread ends. */
  | { readonly kind: 'closed' };

/** Makes a value of plain data and secrets fit to be sent. Structured cloning would make empty objects of secrets. */
export function packSecrets<T>(value: T): Packed<T> {
  return { packed: mapLeaves(value, (leaf) => (leaf instanceof Secret ? encodeUtf8(leaf.reveal()) : leaf)) };
}

/** The value as it was: bytes stand for secrets, since plain data of config and key files has none. */
export function unpackSecrets<T>({ packed }: Packed<T>): T {
  return mapLeaves(packed, (leaf) =>
    leaf instanceof Uint8Array ? new Secret(decodeUtf8(leaf) ?? '') : leaf,
  ) as T;
}

function mapLeaves(value: unknown, map: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => mapLeaves(each, map));
  if (typeof value !== 'object' || value === null || value instanceof Secret || value instanceof Uint8Array) {
    return map(value);
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mapLeaves(each, map)]));
}
