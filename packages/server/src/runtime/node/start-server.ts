/**
 * Puts a running server together: relay, listener, admin listener, key watch, demo mode; and takes it apart again.
 * Knows the order of things; what each is stands in its own file.
 */
import { hash } from 'node:crypto';
import { type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { systemClock } from '../../clock.ts';
import { isLoopbackHost } from '../../config/loopback.ts';
import type { ConfigProblem } from '../../config/problems.ts';
import type { Config } from '../../config/schema.ts';
import { createRelay, RelayConfigError, type RelayInstance } from '../../create-relay.ts';
import { createAdminApp } from '../../http/admin-app.ts';
import { createApp, type TryPage } from '../../http/app.ts';
import type { Logger } from '../../observability/logger.ts';
import { createAddressGuard, type ListenAddress } from './addresses.ts';
import { type AdminListener, createAuthorizer, startAdmin } from './admin.ts';
import { hostPort, listenUrl } from './default-rai.ts';
import { createDemoMint, type DemoMint } from './demo.ts';
import { createNodeListener, type NodeListener } from './listener.ts';
import { loadPageAssets } from './page-assets.ts';
import { explainListenError } from './port-check.ts';
import type { Prepared } from './prepare.ts';
import { createPrometheusMetrics } from './prometheus.ts';
import type { RaiLook, RejectedRai } from './rai-files.ts';
import { type RaiWatch, watchRaiFiles } from './rai-watch.ts';
import { createShellListener } from './shell-listener.ts';
import { type SnapshotFile, takeSnapshotFile } from './snapshot-file.ts';
import { demoLines, startLine } from './start-line.ts';
import { createNodeTransport } from './upstream-transport.ts';

/** Keeps a start from happening; its problems are for the operator. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super('the relay cannot start');
    this.problems = problems;
  }
}

/** A server that serves. */
export interface RunningServer {
  /** What to print: the start line, and in demo mode what to try. */
  readonly greeting: string;
  /** Looks at the key files and the geoip file now. */
  reload(): Promise<void>;
  /** Stops: new requests are refused, running streams get `drainMs`, counters are kept. */
  close(drainMs: number): Promise<void>;
}

/** Parts that are there while a start is under way, so that a failure can take them apart again. */
interface Parts {
  snapshot: SnapshotFile | null;
  demo: DemoProvider | null;
  instance: RelayInstance | null;
  listener: NodeListener | null;
  admin: AdminListener | null;
  watch: RaiWatch | null;
  rejected: readonly RejectedRai[];
  readonly listening: ListenAddress[];
}

/** What everything here needs to know. */
interface Setting {
  readonly prepared: Prepared;
  readonly config: Config;
  readonly logger: Logger;
  readonly fault: (error: unknown) => void;
  readonly mint: DemoMint | null;
  readonly version: string;
  readonly startedAt: Date;
}

/** Starts the server. Throws StartError for what an operator can put right. */
export async function startServer(
  prepared: Prepared,
  options: { demo: boolean; logger: Logger; version: string; fault: (error: unknown) => void },
): Promise<RunningServer> {
  const { demo, logger, fault, version } = options;
  const mint = demo ? createDemoMint(systemClock.nowMs) : null;
  const parts: Parts = {
    snapshot: null,
    demo: null,
    instance: null,
    listener: null,
    admin: null,
    watch: null,
    rejected: prepared.keys.rejected,
    listening: [],
  };
  const setting = { prepared, config: prepared.config, logger, fault, mint, version, startedAt: new Date() };
  try {
    return await assemble(parts, setting);
  } catch (error) {
    await parts.listener?.close(0);
    await parts.admin?.close();
    await parts.demo?.close();
    parts.snapshot?.putBack();
    throw error;
  }
}

async function assemble(parts: Parts, setting: Setting): Promise<RunningServer> {
  const { prepared } = setting;
  const instance = await startRelay(parts, setting);
  const port = await startListener(parts, setting, instance);
  await startAdminListener(parts, setting, instance);
  parts.snapshot?.discardTaken();
  reportRejected(prepared.keys.rejected, setting.logger);
  parts.watch = watchRaiFiles({
    path: prepared.raiPath,
    files: prepared.raiFiles,
    onFault: setting.fault,
    onChange: (look) => takeKeys(parts, setting, instance, look),
  });
  watchGeoip(setting);
  return {
    greeting: greet(parts, setting, instance, port),
    async reload() {
      await Promise.all([parts.watch?.lookNow(), prepared.geoip?.lookNow()]);
    },
    close(drainMs) {
      prepared.geoip?.stop();
      return closeAll(parts, instance, drainMs);
    },
  };
}

function greet(parts: Parts, setting: Setting, instance: RelayInstance, port: number): string {
  const { config, mint } = setting;
  const { admin } = parts;
  const url = listenUrl(config.server, port);
  const line = startLine({
    url,
    storeType: config.store.type,
    storePromise: instance.storePromise,
    kids: instance.kids,
    adminUrl: admin === null ? null : `http://${hostPort(config.admin.host, admin.address.port)}`,
  });
  if (mint === null) return line;
  const pageUrl = `http://${hostPort(config.server.host, port)}/`;
  const choice = { calls: 100, seconds: 3600, perMinute: null, model: null, origin: 'any' } as const;
  const { url: relayUrl } = mint.mint(choice, url, pageUrl);
  return line + demoLines({ pageUrl, relayUrl, life: '100 calls, 1 hour' });
}

async function startRelay(parts: Parts, { prepared, config, logger, mint }: Setting): Promise<RelayInstance> {
  if (config.store.snapshot !== null) {
    const snapshot = takeSnapshotFile(config.store.snapshot);
    if ('problem' in snapshot) throw new StartError([snapshot.problem]);
    parts.snapshot = snapshot;
  }
  if (mint !== null) parts.demo = await startDemoProvider({ paceMs: 25 });
  const guard = createAddressGuard({ ownListeners: () => parts.listening });
  const transport = createNodeTransport({
    guard,
    connectTimeoutMs: config.upstream.connect_timeout * 1000,
  });
  try {
    parts.instance = await createRelay(
      withDemo(config, parts.demo),
      mint?.withKeys(prepared.keys.files) ?? prepared.keys.files,
      {
        transport,
        logger,
        metrics: createPrometheusMetrics(),
        digest: (text) => hash('sha256', text, 'base64'),
        vault: prepared.vault,
        ...(prepared.geoip && { countryLookup: prepared.geoip }),
        ...(parts.snapshot && { snapshot: parts.snapshot }),
        ...(parts.demo && { allowPrivate: [`127.0.0.1:${parts.demo.port}`] }),
      },
    );
    return parts.instance;
  } catch (error) {
    await transport.close();
    if (!(error instanceof RelayConfigError)) throw error;
    throw new StartError(error.problems.map((problem) => ({ ...problem, source: prepared.configName })));
  }
}

/** The demo provider's address takes the place of the registry's. */
function withDemo(config: Config, demo: DemoProvider | null): Config {
  if (demo === null) return config;
  const base = { ...config.providers['demo'], base_url: `${demo.origin}/v1` };
  return { ...config, providers: { ...config.providers, demo: base } };
}

async function startListener(parts: Parts, setting: Setting, instance: RelayInstance): Promise<number> {
  const { config, fault, mint } = setting;
  const { server } = config;
  const app = createApp({
    tryPage: mint === null ? null : await createTryPage(config, mint),
    onFault: fault,
  });
  const listener = createNodeListener({
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
      onFault: fault,
      onRefused: (refusal) => instance.relay.unheard(refusal),
    },
  });
  parts.listener = listener;
  const address = await listen(() => listener.listen(), server.host, server.port, '$.server.port', setting);
  parts.listening.push({ address: address.address, port: address.port });
  return address.port;
}

async function listen<T>(
  start: () => Promise<T>,
  host: string,
  port: number,
  path: string,
  { prepared }: Setting,
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const { message, fix } = explainListenError(error, host, port);
    throw new StartError([{ source: prepared.configName, path, message, fix }]);
  }
}

async function createTryPage(config: Config, mint: DemoMint): Promise<TryPage> {
  return {
    assets: await loadPageAssets(),
    isLoopback: isLoopbackHost,
    mint: (choice, origin) => mint.mint(choice, `${origin}${config.server.base_path}`, origin),
  };
}

async function startAdminListener(parts: Parts, setting: Setting, instance: RelayInstance): Promise<void> {
  const { config, prepared, fault } = setting;
  if (!config.admin.enabled) return;
  const ready = () => ({
    ...instance.ready(),
    rejected: parts.rejected.map(({ name, problems }) => ({ name, problems })),
    store: instance.storePromise,
  });
  const app = createAdminApp({
    ready,
    metrics: () => instance.metrics(),
    details: () => ({
      version: setting.version,
      node: process.version,
      started_at: setting.startedAt.toISOString(),
      listening: parts.listening.slice(0, 1).map(({ address, port }) => hostPort(address, port))[0],
      keys: instance.kids,
      live_calls: instance.live(),
      ...ready(),
    }),
    authorize: prepared.adminSecret === null ? null : createAuthorizer(prepared.adminSecret),
    isLoopback: isLoopbackHost,
    onFault: fault,
  });
  const { host, port } = config.admin;
  const admin = await listen(
    () => startAdmin((request) => app.fetch(request), { host, port }),
    host,
    port,
    '$.admin.port',
    setting,
  );
  parts.admin = admin;
  parts.listening.push({ address: admin.address.address, port: admin.address.port });
}

async function takeKeys(
  parts: Parts,
  setting: Setting,
  instance: RelayInstance,
  look: RaiLook,
): Promise<void> {
  const { mint, logger } = setting;
  parts.rejected = look.rejected;
  if (look.changed) {
    await instance.reloadKeys(mint?.withKeys(look.files) ?? look.files);
    logger.log('info', 'keys reloaded', {
      files: look.files.map(({ name }) => name).join(', '),
      keys: instance.kids.join(', '),
    });
  }
  reportRejected(look.newlyRejected, logger);
}

function watchGeoip({ prepared: { geoip }, logger }: Setting): void {
  if (geoip === null) return;
  const report = (message: string) => {
    const { type, built } = geoip.database;
    logger.log('info', message, { file: geoip.path, type, built });
  };
  report('geoip file in use');
  geoip.watch({
    onTaken: () => report('geoip file reloaded'),
    onRejected({ message, fix }) {
      const fields = { file: geoip.path, problem: message, fix, in_use: 'its last good state' };
      logger.log('error', 'geoip file rejected', fields);
    },
  });
}

function reportRejected(rejected: readonly RejectedRai[], logger: Logger): void {
  for (const { name, problems, keepsOld } of rejected) {
    for (const { path, message, fix } of problems) {
      logger.log('error', 'key file rejected', {
        file: name,
        path,
        problem: message,
        fix,
        in_use: keepsOld ? 'its last good state' : 'nothing of it',
      });
    }
  }
}

async function closeAll(parts: Parts, instance: RelayInstance, drainMs: number): Promise<void> {
  parts.watch?.stop();
  instance.drain();
  await parts.listener?.close(drainMs);
  await instance.close();
  await parts.admin?.close();
  await parts.demo?.close();
}
