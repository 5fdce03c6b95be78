/**
 * A whole relay on a free loopback port before a demo provider, on the Node path or on the fetch path, for tests that cross rooms.
 * Real sockets on both sides; what differs from production is named in the options.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { type GenerateOptions, RelayAPIClient } from 'relayapi-sdk';
import { createRai, parseRai } from 'relayapi-token';
import type { Clock } from '../../src/clock.ts';
import { type Config, configSchema } from '../../src/config/schema.ts';
import { createRelay, type NamedRai, type RelayInstance, type RelayPorts } from '../../src/create-relay.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { LogLevel } from '../../src/observability/options.ts';
import { demoProvider } from '../../src/providers/entries/demo.ts';
import { createFetchApp } from '../../src/runtime/fetch/fetch-app.ts';
import { createAddressGuard } from '../../src/runtime/node/addresses.ts';
import { createNodeListener } from '../../src/runtime/node/listener.ts';
import { createNodeTransport } from '../../src/runtime/node/upstream-transport.ts';

/** The upstream key of every test: nothing that looks real, and easy to search for. */
export const UPSTREAM_KEY = 'sk-demo-not-a-key-4f1c9b';

/** Which of the two ways into the relay a test uses. */
export type RelayPath = 'node' | 'fetch';
export const RELAY_PATHS: readonly RelayPath[] = ['node', 'fetch'];

export interface FixtureOptions {
  readonly path?: RelayPath;
  readonly method?: 'aes' | 'ecc';
  /** Laid over the defaults, group by group. */
  readonly config?: { readonly [Group in keyof Config]?: object };
  /** `allow` of the relay's key file. */
  readonly allow?: object;
  readonly clock?: Clock;
  readonly ports?: Partial<RelayPorts>;
  readonly demo?: DemoProvider;
  /** The key files of another relay, for a second one that opens the same tokens. */
  readonly files?: RelayFixture['files'];
}

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A running relay and all that a test asks of it. */
export interface RelayFixture {
  readonly origin: string;
  readonly port: number;
  readonly demo: DemoProvider;
  readonly instance: RelayInstance;
  readonly client: RelayAPIClient;
  readonly lines: LogLine[];
  readonly files: { readonly issuer: object; readonly relay: object };
  /** A sealed URL for the demo provider; 100 calls and an hour unless said otherwise. */
  url(options?: Partial<GenerateOptions>): string;
  /** The sealed token alone. */
  token(options?: Partial<GenerateOptions>): string;
  close(): Promise<void>;
}

/** A plain chat body for the demo provider. */
export function chatBody(model = 'demo-chat', more: object = {}): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }], ...more });
}

/** Posts a plain chat through a relay URL. */
export function postChat(
  url: string,
  body: string = chatBody(),
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
}

/** `402 calls_exhausted`: status and code of a refusal in OpenAI's shape. Reads the body. */
export async function codeOf(response: Response): Promise<string> {
  const { error, code } = (await response.json()) as { error: { code?: string } | string; code?: string };
  return `${response.status} ${typeof error === 'string' ? code : error.code}`;
}

/** Starts a relay and, unless given one, its demo provider. */
export async function startRelay(options: FixtureOptions = {}): Promise<RelayFixture> {
  const demo = options.demo ?? (await startDemoProvider());
  const config = configSchema.parse(options.config ?? {});
  const lines: LogLine[] = [];
  const made =
    options.files ??
    createRai({
      method: options.method ?? 'aes',
      relay: 'http://127.0.0.1:1/relayapi/',
      iss: 'shop',
      role: 'pair',
      ...(options.allow && { allow: options.allow }),
    });
  if (!('issuer' in made)) throw new Error('a pair was asked for');
  const ports: Omit<RelayPorts, 'transport'> = {
    logger: collectLines(lines),
    moreProviders: [demoProvider(demo.origin)],
    allowPrivate: [`127.0.0.1:${demo.port}`],
    ...(options.clock && { clock: options.clock }),
    ...options.ports,
  };
  const listener =
    options.path === 'fetch'
      ? await listenFetch(options.config ?? {}, made.relay, ports)
      : await listenNode(config, made.relay, ports);
  const { instance } = listener;
  const origin = `http://127.0.0.1:${listener.port}`;
  const issuer = { ...made.issuer, relay: `${origin}/relayapi/` };
  const client = new RelayAPIClient(issuer);
  const withDefaults = (more: Partial<GenerateOptions> = {}): GenerateOptions => ({
    provider: 'demo',
    ...(more.vault === undefined && more.credential === undefined && { apiKey: UPSTREAM_KEY }),
    ...more,
  });
  return {
    origin,
    port: listener.port,
    demo,
    instance,
    client,
    lines,
    files: { issuer, relay: made.relay },
    url: (more) => client.generateUrl(withDefaults(more)),
    token: (more) => client.generateToken(withDefaults(more)),
    async close() {
      await instance.close();
      await listener.close();
      if (!options.demo) await demo.close();
    },
  };
}

/** A key file under a name. */
export function named(name: string, content: object): NamedRai {
  return { name, file: parseRai(content) };
}

function collectLines(lines: LogLine[]): Logger {
  return {
    enabled: () => true,
    log: (level, message, fields = {}) => void lines.push({ level, message, ...fields }),
  };
}

interface Listening {
  readonly port: number;
  readonly instance: RelayInstance;
  close(): Promise<void>;
}

type Ports = Omit<RelayPorts, 'transport'>;

async function listenNode(config: Config, rai: object, ports: Ports): Promise<Listening> {
  const { server } = config;
  const instance = await createRelay(config, [named('relay.rai', rai)], {
    transport: createNodeTransport({ guard: createAddressGuard() }),
    ...ports,
  });
  const listener = createNodeListener({
    relay: instance.relay,
    fallback: (_req, res) => res.writeHead(404).end(),
    options: {
      host: '127.0.0.1',
      port: 0,
      headTimeoutMs: server.read_timeout * 1000,
      writeTimeoutMs: server.write_timeout * 1000,
      bodyIdleMs: server.body_idle_timeout * 1000,
      maxHeaderBytes: server.max_header_bytes,
      onRefused: (refusal) => instance.relay.unheard(refusal),
    },
  });
  const { port } = await listener.listen();
  return { port, instance, close: () => listener.close(0) };
}

let quiet = false;

/** The adapter prints the error of each answer that breaks off. Tests break answers on purpose; whatever else is printed stays. */
function hushBrokenAnswers(): void {
  if (quiet) return;
  quiet = true;
  const print = console.error;
  console.error = (...words: unknown[]) => {
    const [first] = words;
    if (!(first instanceof Error && first.message === 'the answer broke off')) print(...words);
  };
}

/** The fetch path over real sockets: Hono, Web `Request` and `Response`, and the platform's `fetch` to the upstream. */
async function listenFetch(config: object, rai: object, ports: Ports): Promise<Listening> {
  hushBrokenAnswers();
  const app = await createFetchApp({ config, rai: { 'relay.rai': rai }, ports });
  const serve = getRequestListener((request) => app.fetch(request, { remoteAddress: '127.0.0.1' }), {
    overrideGlobalObjects: false,
  });
  const server = createServer({ requestTimeout: 0, maxHeaderSize: 32_768 }, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    instance: app.instance,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
