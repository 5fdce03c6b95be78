/**
 * Puts a running server together: who serves (this thread or workers), admin listener, key watch, demo mode; and takes it apart again.
 * Knows the order of things; what each is stands in its own file.
 */
import type { DemoProvider } from 'relayapi-demo-provider';
import { systemClock } from '../../clock.ts';
import { isLoopbackHost } from '../../config/loopback.ts';
import type { Config } from '../../config/schema.ts';
import { createAdminApp } from '../../http/admin-app.ts';
import type { Logger } from '../../observability/logger.ts';
import type { LogLevel } from '../../observability/options.ts';
import type { ListenAddress } from './addresses.ts';
import { type AdminListener, createAuthorizer, startAdmin } from './admin.ts';
import { hostPort, listenUrl } from './default-rai.ts';
import { createDemoMint, type DemoMint } from './demo.ts';
import type { LogOutput } from './log-output.ts';
import { explainListenError } from './port-check.ts';
import type { Prepared } from './prepare.ts';
import { createPrometheusMetrics } from './prometheus.ts';
import type { RaiLook, RejectedRai } from './rai-files.ts';
import { type RaiWatch, watchRaiFiles } from './rai-watch.ts';
import { serveTraffic } from './serve-traffic.ts';
import type { Serving } from './serving.ts';
import { type SnapshotFile, takeSnapshotFile } from './snapshot-file.ts';
import { StartError } from './start-error.ts';
import { demoLines, startLine } from './start-line.ts';
import { startWorkerPool } from './worker-pool.ts';

/** A server that serves. */
export interface RunningServer {
  /** What to print: the start line, and in demo mode what to try. */
  readonly greeting: string;
  /** Looks at the key files and the geoip file now. */
  reload(): Promise<void>;
  /** Stops: new requests are refused, running streams get `drainMs`, counters are kept. A second call only hurries. */
  close(drainMs: number): Promise<void>;
}

/** How a server is started. */
export interface StartOptions {
  readonly demo: boolean;
  readonly logger: Logger;
  /** Where log lines go, and their least level (null: none): workers write their own. */
  readonly log: { readonly output: LogOutput; readonly level: LogLevel | null };
  readonly version: string;
  readonly fault: (error: unknown) => void;
  /** Takes what workers have for standard error. */
  readonly complain: (text: string) => void;
  /** Told when a worker was lost: the process must end, since nothing that its counters say is certain any more. */
  readonly onLost: (error: Error) => void;
}

/** Parts that are there while a start is under way, so that a failure can take them apart again. */
interface Parts {
  snapshot: SnapshotFile | null;
  demo: DemoProvider | null;
  serving: Serving | null;
  admin: AdminListener | null;
  watch: RaiWatch | null;
  rejected: readonly RejectedRai[];
}

/** What everything here needs to know. */
interface Setting extends StartOptions {
  readonly prepared: Prepared;
  readonly config: Config;
  readonly mint: DemoMint | null;
  readonly startedAt: Date;
}

/** Starts the server. Throws StartError for what an operator can put right. */
export async function startServer(prepared: Prepared, options: StartOptions): Promise<RunningServer> {
  const parts: Parts = {
    snapshot: null,
    demo: null,
    serving: null,
    admin: null,
    watch: null,
    rejected: prepared.keys.rejected,
  };
  const mint = options.demo ? createDemoMint(systemClock.nowMs) : null;
  const setting = { ...options, prepared, config: prepared.config, mint, startedAt: new Date() };
  try {
    return await assemble(parts, setting);
  } catch (error) {
    await parts.serving?.abandon();
    await parts.admin?.close();
    await parts.demo?.close();
    parts.snapshot?.putBack();
    throw error;
  }
}

async function assemble(parts: Parts, setting: Setting): Promise<RunningServer> {
  const { prepared } = setting;
  const serving = await startServing(parts, setting);
  const admin = await startAdminListener(parts, setting, serving);
  serving.tellListeners(admin === null ? [serving.address] : [serving.address, admin]);
  parts.snapshot?.discardTaken();
  reportRejected(prepared.keys.rejected, setting.logger);
  parts.watch = watchRaiFiles({
    path: prepared.raiPath,
    files: prepared.raiFiles,
    onFault: setting.fault,
    onChange: (look) => takeKeys(parts, setting, serving, look),
  });
  watchGeoip(setting, serving);
  return {
    greeting: greet(parts, setting, serving),
    async reload() {
      await Promise.all([parts.watch?.lookNow(), prepared.geoip?.lookNow()]);
    },
    close(drainMs) {
      prepared.geoip?.stop();
      return closeAll(parts, serving, drainMs);
    },
  };
}

function greet(parts: Parts, setting: Setting, serving: Serving): string {
  const { config, mint, prepared } = setting;
  const { admin } = parts;
  const { port } = serving.address;
  const url = listenUrl(config.server, port);
  const line = startLine({
    url,
    workers: prepared.workers,
    storeType: serving.storeType,
    storePromise: serving.storePromise,
    kids: serving.kids,
    adminUrl: admin === null ? null : `http://${hostPort(config.admin.host, admin.address.port)}`,
  });
  if (mint === null) return line;
  const pageUrl = `http://${hostPort(config.server.host, port)}/`;
  const choice = { calls: 100, seconds: 3600, perMinute: null, model: null, origin: 'any' } as const;
  const { url: relayUrl } = mint.mint(choice, url, pageUrl);
  return line + demoLines({ pageUrl, relayUrl, life: '100 calls, 1 hour' });
}

async function startServing(parts: Parts, setting: Setting): Promise<Serving> {
  const { config, mint } = setting;
  if (config.store.snapshot !== null) {
    const snapshot = takeSnapshotFile(config.store.snapshot);
    if ('problem' in snapshot) throw new StartError([snapshot.problem]);
    parts.snapshot = snapshot;
  }
  if (mint !== null) {
    const { startDemoProvider } = await import('relayapi-demo-provider');
    parts.demo = await startDemoProvider({ paceMs: 25 });
  }
  parts.serving =
    setting.prepared.workers === 1 ? await serveHere(parts, setting) : await serveByWorkers(parts, setting);
  return parts.serving;
}

/** What serves needs to know, whoever it is. */
function servedWith({ snapshot, demo }: Parts, { prepared, config, mint }: Setting) {
  const { configName, vault, keys } = prepared;
  return {
    config: withDemo(config, demo),
    configName,
    vault,
    keys: mint?.withKeys(keys.files) ?? keys.files,
    allowPrivate: demo === null ? [] : [`127.0.0.1:${demo.port}`],
    snapshot,
  };
}

async function serveHere(parts: Parts, setting: Setting): Promise<Serving> {
  const { prepared, config, logger, fault, mint } = setting;
  const { snapshot, ...served } = servedWith(parts, setting);
  const { instance, ...traffic } = await serveTraffic({
    ...served,
    mint,
    clock: systemClock,
    logger,
    metrics: createPrometheusMetrics(),
    fault,
    reusePort: false,
    ...(snapshot && { snapshot }),
    ...(prepared.geoip && { countryLookup: prepared.geoip }),
  });
  return {
    ...traffic,
    get kids() {
      return instance.kids;
    },
    storeType: config.store.type,
    storePromise: instance.storePromise,
    ready: () => instance.ready(),
    metrics: () => instance.metrics(),
    live: () => instance.live(),
    async takeKeys(files) {
      await instance.reloadKeys(files);
    },
    // looks up in the file's own reader, which has the new one
    takeCountries: () => {},
  };
}

function serveByWorkers(parts: Parts, setting: Setting): Promise<Serving> {
  const { prepared, logger, log, demo, complain, onLost } = setting;
  return startWorkerPool({
    ...servedWith(parts, setting),
    workers: prepared.workers,
    countries: prepared.geoip?.bytes ?? null,
    demo,
    ...log,
    warn: (message) => logger.log('warn', message),
    complain,
    onLost,
  });
}

/** The demo provider's address takes the place of the registry's. */
function withDemo(config: Config, demo: DemoProvider | null): Config {
  if (demo === null) return config;
  const base = { ...config.providers['demo'], base_url: `${demo.origin}/v1` };
  return { ...config, providers: { ...config.providers, demo: base } };
}

async function startAdminListener(
  parts: Parts,
  setting: Setting,
  serving: Serving,
): Promise<ListenAddress | null> {
  const { config, prepared, fault } = setting;
  if (!config.admin.enabled) return null;
  const ready = () => ({
    ...serving.ready(),
    rejected: parts.rejected.map(({ name, problems }) => ({ name, problems })),
    store: serving.storePromise,
  });
  const app = createAdminApp({
    ready,
    metrics: () => serving.metrics(),
    details: async () => ({
      version: setting.version,
      node: process.version,
      started_at: setting.startedAt.toISOString(),
      listening: hostPort(serving.address.address, serving.address.port),
      workers: prepared.workers,
      keys: serving.kids,
      live_calls: await serving.live(),
      ...ready(),
    }),
    authorize: prepared.adminSecret === null ? null : createAuthorizer(prepared.adminSecret),
    isLoopback: isLoopbackHost,
    onFault: fault,
  });
  const { host, port } = config.admin;
  try {
    parts.admin = await startAdmin((request) => app.fetch(request), { host, port });
  } catch (error) {
    const { message, fix } = explainListenError(error, host, port);
    throw new StartError([{ source: prepared.configName, path: '$.admin.port', message, fix }]);
  }
  const { address } = parts.admin;
  return { address: address.address, port: address.port };
}

async function takeKeys(parts: Parts, setting: Setting, serving: Serving, look: RaiLook): Promise<void> {
  const { mint, logger } = setting;
  parts.rejected = look.rejected;
  if (look.changed) {
    await serving.takeKeys(mint?.withKeys(look.files) ?? look.files);
    logger.log('info', 'keys reloaded', {
      files: look.files.map(({ name }) => name).join(', '),
      keys: serving.kids.join(', '),
    });
  }
  reportRejected(look.newlyRejected, logger);
}

function watchGeoip({ prepared: { geoip }, logger }: Setting, serving: Serving): void {
  if (geoip === null) return;
  const report = (message: string) => {
    const { type, built } = geoip.database;
    logger.log('info', message, { file: geoip.path, type, built });
  };
  report('geoip file in use');
  geoip.watch({
    onTaken() {
      serving.takeCountries(geoip.bytes);
      report('geoip file reloaded');
    },
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

async function closeAll(parts: Parts, serving: Serving, drainMs: number): Promise<void> {
  parts.watch?.stop();
  await serving.close(drainMs);
  await parts.admin?.close();
  await parts.demo?.close();
}
