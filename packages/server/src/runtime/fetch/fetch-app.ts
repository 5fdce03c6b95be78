/**
 * A whole relay as one fetch function, for runtimes without Node's HTTP server: Hono in front, the same relay behind.
 * Less exact than the Node listener (normalised target, no framing, no address check at dial time), so a token's `base` is refused.
 */
import { parseRai } from 'relayapi-token';
import { loadConfig } from '../../config/load-config.ts';
import {
  createRelay,
  type NamedRai,
  RelayConfigError,
  type RelayInstance,
  type RelayPorts,
} from '../../create-relay.ts';
import { createApp } from '../../http/app.ts';
import { errorFields, maskLogger, silentLogger } from '../../observability/logger.ts';
import { createFetchHandler } from './entry.ts';
import { type FetchRequestInfo, targetOf } from './fetch-request.ts';
import { AnswerBroken } from './fetch-sink.ts';
import { createFetchTransport } from './upstream-transport.ts';

/** What a fetch runtime brings. */
export interface FetchAppOptions {
  /** The content of config.json; default all defaults. Listener, admin and worker keys have no effect here. */
  readonly config?: object;
  /** Key files, parsed or as text, by a name for messages. */
  readonly rai: Readonly<Record<string, object | string>>;
  /** Variables for config (`RELAYAPI_…`); default none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Logger, metrics, vault keys, providers, clock. */
  readonly ports?: Omit<Partial<RelayPorts>, 'allowBase'>;
}

/** A relay that answers Fetch requests. */
export interface FetchApp {
  /** Answers any request. `info.remoteAddress`: the peer's address, where the runtime knows it. */
  fetch(request: Request, info?: FetchRequestInfo): Promise<Response>;
  readonly instance: RelayInstance;
}

/**
 * Makes a relay for a fetch runtime.
 * Throws RelayConfigError for a faulty config or a key file that cannot be taken, RaiError for one that cannot be read.
 *
 * @example
 * const app = await createFetchApp({ rai: { 'relay.rai': process.env.RELAY_RAI } });
 * export default { fetch: (request) => app.fetch(request) };
 */
export async function createFetchApp(options: FetchAppOptions): Promise<FetchApp> {
  const bytes = new TextEncoder().encode(JSON.stringify(options.config ?? {}));
  const loaded = loadConfig({ file: { name: 'config', bytes }, env: options.env ?? {}, flags: {} });
  if (loaded.problems.length > 0) throw new RelayConfigError(loaded.problems);
  const { config } = loaded;
  const files: NamedRai[] = Object.entries(options.rai).map(([name, file]) => ({
    name,
    file: parseRai(file),
  }));
  const logger = maskLogger(options.ports?.logger ?? silentLogger);
  const ports: RelayPorts = { transport: createFetchTransport(), ...options.ports, logger, allowBase: false };
  const instance = await createRelay(config, files, ports);
  if (instance.rejected.length > 0) {
    throw new RelayConfigError(
      instance.rejected.flatMap(({ name, problems }) =>
        problems.map((problem) => ({ ...problem, path: `${name}: ${problem.path}` })),
      ),
    );
  }
  const onFault = (error: unknown) => {
    if (!(error instanceof AnswerBroken)) logger.log('error', 'fault', errorFields(error));
  };
  const answer = createFetchHandler(instance.relay, {
    bodyIdleMs: config.server.body_idle_timeout * 1000,
    writeTimeoutMs: config.server.write_timeout * 1000,
    onFault,
  });
  const matches = (request: Request) => instance.relay.matches(targetOf(request.url));
  const app = createApp({ tryPage: null, relay: { matches, answer }, onFault });
  return { instance, fetch: async (request, info = {}) => app.fetch(request, info) };
}
