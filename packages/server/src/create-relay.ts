/**
 * The composition root: config and ports in, a relay out. The one place that knows how options become stages;
 * it decides nothing about a request (relay.ts) and opens nothing by itself (runtime/).
 */
import {
  concatBytes,
  createKeyring,
  createSivBox,
  encodeBase64Url,
  encodeUtf8,
  type Keyring,
  type Problem,
  type RaiFile,
  Secret,
  SecretBytes,
  type SivBox,
  type SyncOpener,
  sha256,
} from 'relayapi-token';
import { createAccounting } from './accounting/accounting.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config/schema.ts';
import { createCredentialMaker } from './credentials/maker.ts';
import { DIALECTS } from './dialects/dialects.ts';
import { deny, ERRORS } from './errors.ts';
import type { ErrorFrame } from './forwarding/answer.ts';
import { createForwarding } from './forwarding/forwarding.ts';
import type { ForwardingOptions } from './forwarding/options.ts';
import type { Transport } from './forwarding/transport.ts';
import { createIngress } from './ingress/ingress.ts';
import { createIngressOptions } from './ingress/options.ts';
import { createMetering } from './metering/metering.ts';
import type { Logger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import { createObservability } from './observability/observability.ts';
import type { CountryLookup } from './policy/country-lookup.ts';
import { createPolicyOptions } from './policy/options.ts';
import { createPolicy } from './policy/policy.ts';
import { createCatalog } from './providers/catalog.ts';
import type { Provider, ProviderCatalog } from './providers/provider.ts';
import { REGISTRY } from './providers/registry.ts';
import { createSpine, type Relay, type RelayStages } from './relay.ts';
import { renderError } from './render-error.ts';
import type { IdPorts } from './routing/id-scope.ts';
import type { VaultEntry } from './routing/options.ts';
import { createRouting } from './routing/routing.ts';
import {
  createMemoryStore,
  type MemoryStore,
  type MemoryStorePorts,
  type SnapshotPort,
} from './stores/memory.ts';
import { createSharedBuckets, openSharedBuckets, type SharedBucketsHandle } from './stores/shared-buckets.ts';
import { createSharedDamping, openSharedDamping, type SharedDampingHandle } from './stores/shared-damping.ts';
import { createSharedMemoryStore } from './stores/shared-memory.ts';
import { createSharedTable, openSharedTable, type SharedTableHandle } from './stores/shared-table.ts';
import type { Store } from './stores/store.ts';
import { createTranslation } from './translation/translation.ts';

/** A checked key file and its name for messages. */
export interface NamedRai {
  readonly name: string;
  readonly file: RaiFile;
}

/** A key file that was not taken, and why. */
export interface RejectedRai {
  readonly name: string;
  readonly problems: readonly Problem[];
}

/** What all relays of one process count in together. Goes from thread to thread by `postMessage`; holds memory, nothing secret. */
export interface SharedState {
  readonly counters: SharedTableHandle;
  /** The buckets of `rate_limit`, and failed openings. */
  readonly buckets: SharedBucketsHandle;
  readonly damping: SharedDampingHandle;
}

/** What a runtime brings. */
export interface RelayPorts {
  readonly transport: Transport;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** SHA-256 of a text, synchronous; default in JavaScript, Node brings its native one. */
  readonly digest?: (text: string) => string | Uint8Array;
  /** Opens tokens; default jose's way on the platform's WebCrypto, Node brings a synchronous one. */
  readonly open?: SyncOpener;
  /** Default: nowhere. */
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  /** What several threads of a process share, as `createSharedCounters` made it in one of them. Default: counters of its own. */
  readonly shared?: SharedState;
  /** Where the relay's own memory store has its counters between two runs. Default: nothing survives a stop. */
  readonly snapshot?: SnapshotPort;
  /** Keys that stay at the relay, by name. */
  readonly vault?: ReadonlyMap<string, VaultEntry>;
  /** Registry entries beside the built-in ones (the demo provider). */
  readonly moreProviders?: readonly Provider[];
  /** `host:port` pairs beside config's `upstream.allow_private`. */
  readonly allowPrivate?: readonly string[];
  /** Where addresses are, as the file that `server.geoip_file` names has it. Required with that key. */
  readonly countryLookup?: CountryLookup;
  /** False where addresses cannot be checked at dial time. Default true. */
  readonly allowBase?: boolean;
}

/** A relay and what a runtime needs to run it. */
export interface RelayInstance {
  readonly relay: Relay;
  /** Takes a new set of key files whole. Opened tokens are forgotten, running calls of removed keys or revoked tokens end. */
  reloadKeys(files: readonly NamedRai[]): Promise<readonly RejectedRai[]>;
  readonly kids: readonly string[];
  /** Key files that were handed in last and not taken. */
  readonly rejected: readonly RejectedRai[];
  /** One sentence on what the counters survive. */
  readonly storePromise: string;
  /** Whether requests can be served, and what speaks against it. */
  ready(): { readonly ok: boolean; readonly reasons: readonly string[] };
  metrics(): Promise<{ text: string; contentType: string }>;
  /** Calls being forwarded. */
  live(): number;
  /** Refuses new requests with `draining` from now on. */
  drain(): void;
  /** Ends what still runs, keeps the counters, lets go of connections. */
  close(): Promise<void>;
}

/** Config that names what is not there. Lists every problem. */
export class RelayConfigError extends Error {
  override readonly name = 'RelayConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ path, message, fix }) => `${path}: ${message}; ${fix}`).join('\n'));
    this.problems = problems;
  }
}

/** The owner's end of counters that several threads share. */
export interface SharedCounters {
  /** For the relay of each thread. */
  readonly state: SharedState;
  /** Closed once all relays are: it then keeps the counters. */
  readonly store: Store;
}

/** Makes counters for several threads, with those of the last clean stop if a snapshot holds them. Times must come from a clock that all threads have. */
export function createSharedCounters(config: Config, ports: MemoryStorePorts): SharedCounters {
  const table = createSharedTable({ capacityBytes: config.store.max_bytes });
  const store = createSharedMemoryStore(table, { volatile: config.store.volatile }, ports);
  const buckets = createSharedBuckets();
  const damping = createSharedDamping(createPolicyOptions(config).dampingFailures);
  return { state: { counters: table.handle, buckets, damping }, store };
}

const NO_FILES: Problem = {
  path: '$.server.geoip_file',
  message: 'names a file, and this runtime reads none',
  fix: 'remove it, and name the header of the network in front with "country_header"',
};

/** Makes a relay. Throws RelayConfigError when `providers` in config cannot be joined with the registry. */
export async function createRelay(
  config: Config,
  keys: readonly NamedRai[],
  ports: RelayPorts,
): Promise<RelayInstance> {
  const { clock = systemClock } = ports;
  let generation = 0;
  let keyring = await createKeyring(keys, { generation });
  let draining = false;

  let idBoxes = idBoxesOf(keys, keyring.rejected);
  const boxesOf: IdPorts['boxesOf'] = ({ token }) => idBoxes.get(token.kid) ?? [];

  const { stages, store } = createStages(config, keys, ports, () => keyring.keyring, boxesOf);
  const { policy, forwarding, accounting, observability } = stages;

  return {
    relay: createSpine(stages, { clock, isDraining: () => draining }),
    async reloadKeys(files) {
      generation += 1;
      const next = await createKeyring(files, { generation });
      // Two reloads at once: the set that was asked for last is the one in force.
      if (next.keyring.generation < generation) return next.rejected;
      keyring = next;
      idBoxes = idBoxesOf(files, next.rejected);
      // A stream may outlive `exp`, but neither its key nor a revocation.
      forwarding.cut(
        ({ opened }) => ENDS_STREAMS.has(policy.stillValid(opened)?.denied ?? ''),
        deny('token_revoked'),
      );
      return next.rejected;
    },
    get kids() {
      return keyring.keyring.kids;
    },
    get rejected() {
      return keyring.rejected;
    },
    storePromise: store.promise,
    ready() {
      const reasons = [
        ...(draining ? ['draining'] : []),
        ...(keyring.keyring.kids.length === 0 ? ['no key loaded'] : []),
        ...(store.reachable() ? [] : ['store not reachable']),
      ];
      return { ok: reasons.length === 0, reasons };
    },
    metrics() {
      const keys = keyring.keyring.kids.length;
      const rejectedFiles = keyring.rejected.length;
      return observability.metrics({ ...store.size(), ...policy.openingFigures(), keys, rejectedFiles });
    },
    live: forwarding.live,
    drain() {
      draining = true;
    },
    async close() {
      draining = true;
      forwarding.cut(() => true, deny('draining'));
      await accounting.idle();
      await ports.transport.close();
      await store.close();
    },
  };
}

/** The registry with config's changes. Throws where the two, or the file and the runtime, do not fit. */
function openCatalog({ providers, server }: Config, ports: RelayPorts): ProviderCatalog {
  const { catalog, problems } = createCatalog([...REGISTRY, ...(ports.moreProviders ?? [])], providers);
  if (problems.length > 0) throw new RelayConfigError(problems);
  // left unread, the file would silently not bind
  if (server.geoip_file !== null && ports.countryLookup === undefined) throw new RelayConfigError([NO_FILES]);
  return catalog;
}

function openStore(config: Config, ports: RelayPorts): MemoryStore {
  const { clock = systemClock, logger, snapshot, shared } = ports;
  const { max_bytes: capacityBytes, volatile } = config.store;
  const warn = (message: string) => logger?.log('warn', message);
  return shared
    ? createSharedMemoryStore(openSharedTable(shared.counters), { volatile }, { clock, warn })
    : createMemoryStore({ capacityBytes, volatile }, { clock, ...(snapshot && { snapshot }), warn });
}

function createStages(
  config: Config,
  keys: readonly NamedRai[],
  ports: RelayPorts,
  keyring: () => Keyring,
  boxesOf: IdPorts['boxesOf'],
): { stages: RelayStages; store: MemoryStore } {
  const { clock = systemClock, logger, metrics } = ports;
  const { server, cors, rate_limit, damping, upstream } = config;
  const catalog = openCatalog(config, ports);
  const store = openStore(config, ports);
  const policyOptions = createPolicyOptions({ rate_limit, damping, ...server });
  const policy = createPolicy(policyOptions, {
    clock,
    store,
    catalog,
    keyring,
    digest: ports.digest ?? ((text) => sha256(encodeUtf8(text))),
    ...(ports.open && { open: ports.open }),
    ...(ports.shared && {
      buckets: openSharedBuckets(ports.shared.buckets, policyOptions),
      damping: openSharedDamping(ports.shared.damping, policyOptions.dampingWindowMs, clock),
    }),
    ...(ports.vault && { vault: ports.vault }),
    ...(ports.countryLookup && { countryLookup: ports.countryLookup }),
  });
  const allowPrivate = [...upstream.allow_private, ...(ports.allowPrivate ?? [])];
  const { private_network } = cors;
  const ingress = createIngress(createIngressOptions({ ...server, private_network }), { clock });
  const stages: RelayStages = {
    ingress,
    policy,
    routing: createRouting(
      { allowPrivate, allowBase: ports.allowBase ?? true },
      {
        catalog,
        vault: ports.vault ?? new Map(),
        allowOf: policy.allowOf,
        ids: { boxesOf, opens: policy.opensAccount, spells: policy.spellsOut },
      },
    ),
    translation: createTranslation(),
    forwarding: createForwarding(forwardingOptions(upstream, keys), {
      transport: ports.transport,
      maker: createCredentialMaker(clock),
      clock,
      relayBase: ingress.relayBase,
      bookAnswer: ingress.bookAnswer,
      renderError: (denial, arrival) => renderError(denial, arrival, clock.nowMs()),
      errorFrame: frameFor,
    }),
    metering: createMetering({ dialects: DIALECTS }),
    accounting: createAccounting({}, { store, clock }),
    observability: createObservability({}, { clock, ...(logger && { logger }), ...(metrics && { metrics }) }),
  };
  return { stages, store };
}

function forwardingOptions(upstream: Config['upstream'], keys: readonly NamedRai[]): ForwardingOptions {
  return {
    relayId: derive('relay id', kidsOf(keys)),
    idempotencySecret: new Secret(derive('idempotency keys', secretsOf(keys))),
    passRateLimitHeaders: upstream.pass_rate_limit_headers,
    headersTimeoutMs: upstream.headers_timeout * 1000,
    idleTimeoutMs: upstream.idle_timeout * 1000,
    keepAliveCommentMs: upstream.keep_alive_comment * 1000,
  };
}

const frameFor: ErrorFrame = (dialect, { denied: code }, { requestId }) => {
  const row = ERRORS[code];
  return DIALECTS[dialect].streamErrorFrame({ code, row, message: row.message, param: null, requestId });
};

const ENDS_STREAMS: ReadonlySet<string> = new Set(['token_invalid', 'token_revoked']);

/** One value per key set, the same on every replica that loads the same files; tells nothing of what it was made from. */
function derive(purpose: string, parts: readonly (string | Secret)[]): string {
  const sorted = parts.map((part) => (part instanceof Secret ? part.reveal() : part)).sort();
  const bytes = [`relayapi ${purpose}`, ...sorted].map((part) => sha256(encodeUtf8(part)));
  return encodeBase64Url(sha256(concatBytes(...bytes)));
}

/**
 * What seals ids, by key id: the key itself first, then the others of its file, so that ids outlive a rotation for as long as the key that made
 * them stays in the file. The same on every replica that has the file, and after a restart. A file that was not taken has no say: it may name
 * the key id of one that was.
 */
function idBoxesOf(
  files: readonly NamedRai[],
  rejected: readonly RejectedRai[],
): ReadonlyMap<string, readonly SivBox[]> {
  const boxes = new Map<string, readonly SivBox[]>();
  for (const { name, file } of files) {
    if (rejected.some((other) => other.name === name)) continue;
    const all = file.keys.flatMap((key) => {
      const secret = 'k' in key ? key.k : 'd' in key ? key.d : null;
      if (secret === null) return [];
      return [{ kid: key.kid, box: createSivBox(new SecretBytes(encodeUtf8(secret.reveal())), 'ids') }];
    });
    for (const { kid, box } of all) {
      boxes.set(kid, [box, ...all.filter((other) => other.kid !== kid).map((other) => other.box)]);
    }
  }
  return boxes;
}

function kidsOf(files: readonly NamedRai[]): string[] {
  return files.flatMap(({ file }) => file.keys.map((key) => key.kid));
}

function secretsOf(files: readonly NamedRai[]): Secret[] {
  const keys = files.flatMap(({ file }) => [...file.keys]);
  return keys.flatMap((key) => ('k' in key ? [key.k] : 'd' in key ? [key.d] : []));
}
