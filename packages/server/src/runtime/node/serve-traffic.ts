/**
 * Relay and listener of one thread: the whole relay where one thread serves, a share of its traffic in a worker.
 * Not here: key files, admin listener, signals, which are the process's (start-server.ts).
 */
import { hash } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { isLoopbackHost } from '../../config/loopback.ts';
import type { Config } from '../../config/schema.ts';
import {
  createRelay,
  type NamedRai,
  RelayConfigError,
  type RelayInstance,
  type RelayPorts,
} from '../../create-relay.ts';
import { createApp, type TryPage } from '../../http/app.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { createAddressGuard, type ListenAddress } from './addresses.ts';
import type { DemoMint } from './demo.ts';
import { createNodeListener, type NodeListener } from './listener.ts';
import { nativeOpenToken } from './native-opener.ts';
import { loadPageAssets } from './page-assets.ts';
import { explainListenError } from './port-check.ts';
import { createShellListener } from './shell-listener.ts';
import { StartError } from './start-error.ts';
import { createNodeTransport } from './upstream-transport.ts';

/** What one thread serves with. */
export interface TrafficSetting
  extends Pick<RelayPorts, 'vault' | 'countryLookup' | 'allowPrivate' | 'shared' | 'snapshot'> {
  readonly config: Config;
  /** Name of the config file, for messages. */
  readonly configName: string;
  readonly keys: readonly NamedRai[];
  /** Null without `-demo`. */
  readonly mint: DemoMint | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly fault: (error: unknown) => void;
  /** Lets other threads listen on the same port. */
  readonly reusePort: boolean;
}

/** One thread that serves. */
export interface Traffic {
  readonly instance: RelayInstance;
  readonly address: ListenAddress;
  /** Tells of every listener of this process: none of them may be called as an upstream. */
  tellListeners(listeners: readonly ListenAddress[]): void;
  /** Refuses what is new, gives what runs `drainMs`, settles every call. A second call only hurries. */
  close(drainMs: number): Promise<void>;
  /** Ends at once, and keeps nothing. */
  abandon(): Promise<void>;
}

/** Starts to serve. Throws StartError for what an operator can put right; nothing is left behind then, and nothing written. */
export async function serveTraffic(setting: TrafficSetting): Promise<Traffic> {
  const { config } = setting;
  let listeners: readonly ListenAddress[] = [];
  const transport = createNodeTransport({
    guard: createAddressGuard({ ownListeners: () => listeners }),
    connectTimeoutMs: config.upstream.connect_timeout * 1000,
  });
  let listener: NodeListener | null = null;
  const abandon = async () => {
    await listener?.close(0);
    await transport.close();
  };
  try {
    const instance = await makeRelay(setting, transport);
    const open = await makeListener(setting, instance);
    listener = open;
    const address = await listenOn(open, setting);
    listeners = [address];
    return {
      instance,
      address,
      tellListeners(all) {
        listeners = all;
      },
      async close(drainMs) {
        instance.drain();
        await open.close(drainMs);
        await instance.close();
      },
      abandon,
    };
  } catch (error) {
    await abandon();
    throw error;
  }
}

async function makeRelay(
  setting: TrafficSetting,
  transport: RelayPorts['transport'],
): Promise<RelayInstance> {
  const { config, keys, clock, logger, metrics, vault, countryLookup, allowPrivate, shared, snapshot } =
    setting;
  try {
    return await createRelay(config, keys, {
      transport,
      clock,
      logger,
      metrics,
      digest: (text) => hash('sha256', text, 'base64'),
      open: nativeOpenToken,
      ...(vault && { vault }),
      ...(countryLookup && { countryLookup }),
      ...(allowPrivate && { allowPrivate }),
      ...(shared && { shared }),
      ...(snapshot && { snapshot }),
    });
  } catch (error) {
    if (!(error instanceof RelayConfigError)) throw error;
    throw new StartError(error.problems.map((problem) => ({ ...problem, source: setting.configName })));
  }
}

async function makeListener(setting: TrafficSetting, instance: RelayInstance): Promise<NodeListener> {
  const { config, fault, mint, reusePort } = setting;
  const { server } = config;
  const app = createApp({
    tryPage: mint === null ? null : await createTryPage(config, mint),
    onFault: fault,
  });
  return createNodeListener({
    relay: instance.relay,
    fallback: createShellListener((request) => app.fetch(request)),
    options: {
      host: server.host,
      port: server.port,
      maxHeaderBytes: server.max_header_bytes,
      headTimeoutMs: server.read_timeout * 1000,
      bodyIdleMs: server.body_idle_timeout * 1000,
      writeTimeoutMs: server.write_timeout * 1000,
      keepAliveMs: server.keep_alive_timeout * 1000,
      reusePort,
      onFault: fault,
      onRefused: (refusal) => instance.relay.unheard(refusal),
    },
  });
}

async function listenOn(
  listener: NodeListener,
  { config: { server }, configName }: TrafficSetting,
): Promise<ListenAddress> {
  try {
    const { address, port } = await listener.listen();
    return { address, port };
  } catch (error) {
    const { message, fix } = explainListenError(error, server.host, server.port);
    throw new StartError([{ source: configName, path: '$.server.port', message, fix }]);
  }
}

async function createTryPage(config: Config, mint: DemoMint): Promise<TryPage> {
  return {
    assets: await loadPageAssets(),
    isLoopback: isLoopbackHost,
    mint: (choice, origin) => mint.mint(choice, `${origin}${config.server.base_path}`, origin),
  };
}
