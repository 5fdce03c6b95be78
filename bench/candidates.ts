// What is measured beside the relay from this repository and from the distribution: the relay itself, the bare pipe, nginx, haproxy.
import { existsSync, globSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type GenerateOptions, RelayAPIClient } from 'relayapi-sdk';
import { createRai } from 'relayapi-token';
import type { Bench, Candidate } from './bench.ts';
import { freePort } from './processes.ts';

const ROOT = resolve(import.meta.dirname, '..');
// The built relay.
const RELAY_MAIN = join(ROOT, 'packages/server/dist/main.js');
const PATH = '/v1/chat/completions';
const CANDIDATE_CORE = 0;
const LIFE_SECONDS = 6 * 3600;

/** The limits of the first target: calls, expiry, origin and a policy that does not look into the body. */
export const USUAL_LIMITS: GenerateOptions = {
  maxCalls: 1_000_000_000,
  expireSeconds: LIFE_SECONDS,
  allowedOrigins: ['https://app.example'],
  allowedPaths: ['POST /chat/completions'],
};

/** No limits but an end. */
export const NO_LIMITS: GenerateOptions = { maxCalls: null, expireSeconds: LIFE_SECONDS };

/** How a relay differs from the usual one. */
export interface RelayOptions {
  readonly name: string;
  /** Default `aes`. */
  readonly method?: 'aes' | 'ecc';
  readonly limits?: GenerateOptions;
  /** Different tokens that the load cycles through. Default 1,000. */
  readonly tokens?: number;
  /** Groups of config.json that are laid over the usual ones. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Members laid over the provider's entry. */
  readonly provider?: Readonly<Record<string, unknown>>;
  /** Settings of Node itself. Default none: as the program starts. */
  readonly nodeFlags?: readonly string[];
  /** Core to run on; default 0, null: any. */
  readonly core?: number | null;
}

/** What starts a relay, and seals tokens for it. */
export interface PreparedRelay {
  readonly command: readonly string[];
  readonly port: number;
  /** A request target with a fresh token. */
  readonly mint: (limits: GenerateOptions) => string;
}

/** The first source that is newer than the build made from it; null when the build is fresh. */
export function findStaleSource(root: string): string | null {
  for (const name of ['token', 'demo-provider', 'server']) {
    const built = join(root, 'packages', name, 'dist', name === 'server' ? 'main.js' : 'index.js');
    const age = existsSync(built) ? statSync(built).mtimeMs : 0;
    const stale = globSync(`packages/${name}/src/**/*.{ts,tsx}`, { cwd: root }).find(
      (path) => !path.endsWith('.test.ts') && statSync(join(root, path)).mtimeMs > age,
    );
    if (stale !== undefined) return stale;
  }
  return null;
}

/** Writes key file and config of a relay. */
export async function prepareRelay(
  bench: Pick<Bench, 'folder' | 'upstreamPort'>,
  options: RelayOptions,
): Promise<PreparedRelay> {
  const { name, method = 'aes', config = {} } = options;
  const port = await freePort();
  const { issuer, relay } = createRai({ method, relay: `http://127.0.0.1:${port}/relayapi/` });
  const host = `127.0.0.1:${bench.upstreamPort}`;
  const rai = join(bench.folder, `${name}.rai`);
  const file = join(bench.folder, `${name}.json`);
  // trusted: what answers stands for the provider's own host, as the registry's entries do
  const openai = { base_url: `http://${host}/v1`, trusted: true, ...options.provider };
  writeFileSync(rai, JSON.stringify(relay), { mode: 0o600 });
  writeFileSync(
    file,
    JSON.stringify({
      store: { snapshot: join(bench.folder, `${name}.state`), ...config.store },
      upstream: { allow_private: [host], ...config.upstream },
      damping: { ...config.damping },
      log: { ...config.log },
      server: { port, ...config.server },
      providers: { openai },
      admin: { enabled: false },
    }),
  );
  const client = new RelayAPIClient(issuer as never);
  const mint = (wanted: GenerateOptions) =>
    `${new URL(client.generateUrl({ apiKey: 'sk-demo-not-a-key', ...wanted })).pathname}/chat/completions`;
  return {
    command: [process.execPath, ...(options.nodeFlags ?? []), RELAY_MAIN, '-rai', rai, '-config', file],
    port,
    mint,
  };
}

/** Starts a relay. */
export async function startRelay(
  bench: Bench,
  options: RelayOptions,
): Promise<Candidate & { process: NonNullable<Candidate['process']>; mint: PreparedRelay['mint'] }> {
  const { name, limits = USUAL_LIMITS, tokens = 1000 } = options;
  const { command, port, mint } = await prepareRelay(bench, options);
  const core = options.core === undefined ? CANDIDATE_CORE : options.core;
  const running = await bench.start({ name, command, core, port });
  // a token with counters that is older than the relay is refused, and a token's age is in whole seconds
  await wait(1000);
  const paths = Array.from({ length: tokens }, () => mint(limits));
  return { name, port, paths, headers: {}, process: running, mint };
}

/** The upstream itself. */
export function direct(bench: Bench): Candidate {
  return { name: 'direct', port: bench.upstreamPort, paths: [PATH], headers: {}, process: null };
}

/** Starts what passes requests on without a look at them. */
async function startPlain(
  bench: Bench,
  name: string,
  commandFor: (port: number) => readonly string[],
): Promise<Candidate> {
  const port = await freePort();
  const running = await bench.start({ name, command: commandFor(port), core: CANDIDATE_CORE, port });
  return { name, port, paths: [PATH], headers: {}, process: running };
}

/** The yardstick: plain-proxy.ts. */
export function startPipe(bench: Bench): Promise<Candidate> {
  return startPlain(bench, 'node-pipe', (port) => [
    process.execPath,
    join(ROOT, 'bench/plain-proxy.ts'),
    String(port),
    String(bench.upstreamPort),
  ]);
}

/** nginx with kept connections; null when it is missing. */
export async function startNginx(bench: Bench): Promise<Candidate | null> {
  const { folder, upstreamPort } = bench;
  if (!existsSync('/usr/sbin/nginx')) return missing(bench, 'nginx');
  const file = join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder};`,
  );
  return startPlain(bench, 'nginx', (port) => {
    writeFileSync(
      file,
      `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx-error.log;
worker_rlimit_nofile 65536;
events { worker_connections 32768; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; client_max_body_size 0;
  ${temporary.join(' ')}
  upstream provider { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering off;
    }
  }
}
`,
    );
    return ['/usr/sbin/nginx', '-p', folder, '-c', file];
  });
}

/** haproxy with kept connections; null when it is missing. */
export async function startHaproxy(bench: Bench): Promise<Candidate | null> {
  if (!existsSync('/usr/sbin/haproxy')) return missing(bench, 'haproxy');
  const file = join(bench.folder, 'haproxy.cfg');
  return startPlain(bench, 'haproxy', (port) => {
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  option http-keep-alive
  http-reuse always
frontend calls
  bind 127.0.0.1:${port} backlog 4096
  default_backend provider
backend provider
  server one 127.0.0.1:${bench.upstreamPort}
`,
    );
    return ['/usr/sbin/haproxy', '-db', '-f', file];
  });
}

function missing(bench: Bench, name: string): null {
  bench.note(`${name} is not on this machine, so it was left out.`);
  return null;
}
