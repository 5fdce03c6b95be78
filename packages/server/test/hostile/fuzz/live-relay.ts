// house: real time, because another process is asked.
/**
 * The relay that the live fuzzer runs against: the real program as a child with a probe in it, key files of both methods, tokens of
 * many kinds. Reads all that the child prints, keeps none of it.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type GenerateOptions, RelayAPIClient } from 'relayapi-sdk';
import { createRai } from 'relayapi-token';
import {
  type Ended,
  putFile,
  type ServerProcess,
  startFolder,
  startProcess,
} from '../../support/server-process.ts';
import { type Allowed, type LiveUpstream, startLiveUpstream } from './live-upstream.ts';

/** What the probe tells of the child. */
export interface Probe {
  /** Handles and timers by kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** Open file descriptors, read from outside. */
  readonly descriptors: number;
  readonly heapUsed: number;
  readonly rss: number;
  /** Rejections and exceptions that nobody caught. */
  readonly strays: number;
  readonly cpuSeconds: number;
}

/** A relay with an upstream, ready to be fuzzed. */
export interface LiveRelay {
  readonly port: number;
  readonly server: ServerProcess;
  readonly upstream: LiveUpstream;
  /** Tokens that open and let calls through. */
  readonly tokens: readonly string[];
  /** Tokens that open and are refused: a step further than a broken one, and cheaper than a call. */
  readonly refused: readonly string[];
  /** A token with calls to spare, for honest requests. */
  readonly honest: string;
  /** Whether a text shows a key, or so much of a token that it could be one. */
  shows(text: string): boolean;
  /** Log lines that hold a secret or tell of a fault; the first few. */
  readonly logFaults: readonly string[];
  readonly logBytes: number;
  probe(): Promise<Probe>;
  stop(): Promise<Ended>;
}

const PROBE = new URL('./process-probe.ts', import.meta.url).href;
const CALLS = 1_000_000_000;
const KEYS = ['plain', 'models', 'held', 'limits', 'nested'].map(
  (name) => `sk-demo-not-a-key-${name}-7d20c4`,
);
const [PLAIN = '', MODELS = '', HELD = '', LIMITS = '', NESTED = ''] = KEYS;

const ALLOWED: readonly Allowed[] = [
  { key: PLAIN },
  { key: MODELS, models: ['demo-chat', 'demo-small'] },
  { key: HELD, models: ['demo-forced'], maxTokens: 5 },
  { key: LIMITS },
  { key: NESTED, models: ['demo-chat'] },
];

/** A search for keys, and for pieces of tokens of more than 100 characters: a shorter one opens nothing. */
interface Search {
  shows(text: string): boolean;
  /** Also searched for from now on. */
  add(keys: readonly string[], tokens: readonly string[]): void;
}

function createSearch(): Search {
  const keys: string[] = [];
  const windows = new Set<string>();
  return {
    shows(text) {
      if (keys.some((key) => text.includes(key))) return true;
      for (const [run] of text.matchAll(/(?<![A-Za-z0-9_.-])[A-Za-z0-9_.-]{100,}/g)) {
        for (const window of windows) if (run.includes(window)) return true;
      }
      return false;
    },
    add(more, tokens) {
      keys.push(...more);
      for (const token of tokens)
        for (let at = 0; at + 64 <= token.length; at += 36) windows.add(token.slice(at, at + 64));
    },
  };
}

/** Starts the upstream and the relay in front of it. */
export async function startLiveRelay(config: object = {}): Promise<LiveRelay> {
  const upstream = await startLiveUpstream(ALLOWED);
  const folder = startFolder();
  mkdirSync(join(folder, 'keys'));
  const at = 'http://127.0.0.1:1/relayapi/';
  const made = {
    aes: createRai({ method: 'aes', relay: at, iss: 'shop', role: 'pair' }) as {
      issuer: object;
      relay: object;
    },
    ecc: createRai({ method: 'ecc', relay: at, iss: 'nested', role: 'pair' }) as {
      issuer: object;
      relay: object;
    },
  };
  putFile(folder, 'keys/aes.rai', made.aes.relay);
  putFile(folder, 'keys/ecc.rai', made.ecc.relay);
  putFile(folder, 'config.json', {
    server: { port: 0, drain_timeout: 5 },
    admin: { enabled: false },
    // mutated tokens are to reach the cryptography
    damping: { failures: 0 },
    providers: { fake: { base_url: `http://127.0.0.1:${upstream.port}/v1`, like: 'openai' } },
    upstream: { allow_private: [`127.0.0.1:${upstream.port}`] },
    ...config,
  });
  const search = createSearch();
  search.add(
    KEYS.map((key) => key.slice(4)),
    [],
  );
  const log = watchLog(search);
  const server = startProcess(
    folder,
    ['-rai', 'keys', '-config', 'config.json'],
    {
      NODE_OPTIONS: `--import=${PROBE}`,
    },
    log,
  );
  const [, relay = ''] = await server.printed(/listening on (http:\S+)/);
  const clients = {
    aes: new RelayAPIClient({ ...made.aes.issuer, relay }),
    ecc: new RelayAPIClient({ ...made.ecc.issuer, relay }),
  };
  const make = (apiKey: string, more: Partial<GenerateOptions> = {}, method: 'aes' | 'ecc' = 'aes') =>
    clients[method].generateToken({
      provider: 'fake',
      apiKey,
      maxCalls: CALLS,
      expireSeconds: 80_000,
      ...more,
    });
  const tokens = [
    make(PLAIN),
    make(PLAIN),
    make(MODELS, { allowedModels: ['demo-chat', 'demo-small'] }),
    make(MODELS, { allowedModels: ['demo-chat', 'demo-small'], allowedFeatures: [] }),
    make(HELD, {
      set: { model: 'demo-forced' },
      cap: { max_tokens: 5, n: 1 },
      allowedModels: ['demo-forced'],
    }),
    make(LIMITS, { allowedOrigins: ['https://app.example.com', 'none'], maxConcurrency: 3 }),
    make(LIMITS, { rateLimit: { requests: 50, perSeconds: 1 }, maxRequestBytes: 90 }),
    make(LIMITS, { allowedPaths: ['POST /chat/completions', 'GET /models'], maxCalls: 500, replay: 'nonce' }),
    make(NESTED, { allowedModels: ['demo-chat'] }, 'ecc'),
  ];
  const refused = [
    make(LIMITS, { allowedIps: ['203.0.113.0/24'] }),
    make(LIMITS, { allowedOrigins: ['https://other.example.com'] }),
    make(LIMITS, { expireSeconds: 80_000, notBeforeSeconds: 70_000 }),
    make(LIMITS, { maxCalls: 0 }),
    make(LIMITS, { allowedIps: ['2001:db8::/32'] }, 'ecc'),
  ];
  const honest = make(PLAIN);
  const files = [made.aes.relay, made.ecc.relay] as unknown as { keys: { k?: string; d?: string }[] }[];
  search.add(
    files.flatMap(({ keys }) => keys.map(({ k, d }) => (k ?? d) as string)),
    [...tokens, ...refused, honest],
  );
  return {
    port: Number(new URL(relay).port),
    server,
    upstream,
    tokens,
    refused,
    honest,
    shows: search.shows,
    logFaults: log.faults,
    get logBytes() {
      return log.bytes();
    },
    probe: () => askProbe(server),
    async stop() {
      const ended = await server.stop('SIGTERM');
      await upstream.close();
      return ended;
    },
  };
}

interface LogWatch {
  (text: string): void;
  readonly faults: string[];
  bytes(): number;
}

/** Reads a log as it is written: secrets, and lines that tell of a bug. */
function watchLog({ shows }: Search): LogWatch {
  const faults: string[] = [];
  let bytes = 0;
  let rest = '';
  const tells = (text: string) =>
    text.includes('"msg":"fault"') || text.includes('"internal"') || shows(text);
  const watch = (text: string): void => {
    bytes += text.length;
    const all = rest + text;
    if (faults.length < 20 && tells(all)) faults.push(...all.split('\n').filter(tells).slice(0, 3));
    rest = all.slice(all.lastIndexOf('\n') + 1).slice(-65_536);
  };
  return Object.assign(watch, { faults, bytes: () => bytes });
}

async function askProbe(server: ServerProcess): Promise<Probe> {
  const { pid } = server.child;
  const before = server.stderr().length;
  process.kill(pid as number, 'SIGUSR2');
  for (;;) {
    const line = /probe (\{.*\})\n/.exec(server.stderr().slice(before));
    if (line !== null) {
      const descriptors = readdirSync(`/proc/${pid}/fd`).length;
      return { ...(JSON.parse(line[1] as string) as Omit<Probe, 'descriptors'>), descriptors };
    }
    if (server.child.exitCode !== null) throw new Error('the relay has ended');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
