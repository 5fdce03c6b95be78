/**
 * Everything before anything runs: reads flags, config, secrets and key files, tries the ports, and gathers every problem on the way.
 * Starts nothing; leaves nothing behind but a fresh ./default.rai when that is all that was missing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Problem, RaiFile, Secret } from 'relayapi-token';
import { type LoadedConfig, loadConfig } from '../../config/load-config.ts';
import { isLoopbackHost } from '../../config/loopback.ts';
import type { ConfigProblem } from '../../config/problems.ts';
import type { Config } from '../../config/schema.ts';
import { checkProviders, checkVaultKeys } from '../../judge-config.ts';
import type { VaultEntry } from '../../routing/options.ts';
import { DEFAULT_RAI, makeDefaultRai } from './default-rai.ts';
import type { Flags } from './flags.ts';
import { type GeoipFile, type GeoipReadOptions, openGeoipFile } from './geoip-file.ts';
import { checkPort, checkPortSharing } from './port-check.ts';
import { createRaiFiles, type RaiFiles, type RaiLook } from './rai-files.ts';
import { explainSystemError } from './secret-files.ts';
import { readAdminSecret, readVault } from './vault-secrets.ts';
import { countWorkers, shareOf } from './worker-count.ts';

/** What a start needs. */
export interface Prepared {
  readonly config: Config;
  /** Name of the config file, for messages. */
  readonly configName: string;
  /** Threads that are to serve; 1: the main one alone. */
  readonly workers: number;
  readonly warnings: readonly ConfigProblem[];
  readonly vault: ReadonlyMap<string, VaultEntry>;
  readonly adminSecret: Secret | null;
  /** The operator's file of countries; null without one. */
  readonly geoip: GeoipFile | null;
  readonly raiPath: string;
  readonly raiFiles: RaiFiles;
  readonly keys: RaiLook;
}

/** A start, or everything that keeps it from happening. */
export type Preparation = Prepared | { readonly problems: readonly ConfigProblem[] };

/** Reads the config of a start; a file that cannot be read is one more problem. */
export function readConfig(flags: Flags, env: Readonly<Record<string, string | undefined>>): LoadedConfig {
  if (flags.config === null) return loadConfig({ file: null, env, flags: flags.keys });
  try {
    const file = { name: flags.config, bytes: readFileSync(flags.config) };
    return loadConfig({ file, env, flags: flags.keys });
  } catch (error) {
    const loaded = loadConfig({ file: null, env, flags: flags.keys });
    const problem = { source: flags.config, path: '$', ...explainSystemError(error) };
    return { ...loaded, problems: [problem, ...loaded.problems] };
  }
}

/** True when others than this machine reach the relay. */
function isPublic({ server }: Config): boolean {
  return !isLoopbackHost(server.host) || server.public_url !== null;
}

function checkDemo(flags: Flags, config: Config): ConfigProblem[] {
  if (!flags.demo || !isPublic(config)) return [];
  const source = 'command line';
  const message = 'works on loopback only, and this relay is reachable from elsewhere';
  const fix = 'set server.host to 127.0.0.1 and server.public_url to null, or leave -demo out';
  return [{ source, path: '-demo', message, fix }];
}

/** Says which well-formed files may not serve on this relay. */
function createJudge(flags: Flags, config: Config): (file: RaiFile) => Problem | null {
  return (file) => {
    if (file.role === 'issuer') {
      const message = 'this is the backend’s file';
      return { path: '$.role', message, fix: 'give the relay the other half, whose "role" is "relay"' };
    }
    // version 1 files know no roles, and are exempt
    if (file.role !== 'shared' || file.version === 1 || flags.allowShared || !isPublic(config)) return null;
    const message = 'a shared file can also mint, and this relay is reachable from elsewhere';
    const fix = 'make a pair with `relayapi init`, or accept the risk with -allow-shared';
    return { path: '$.role', message, fix };
  };
}

/** The geoip file that config names, open; null where it names none. `options`: how it is held in memory. */
export function readGeoip(
  { server }: Config,
  configName: string,
  options: GeoipReadOptions = {},
): GeoipFile | { problem: ConfigProblem } | null {
  return server.geoip_file === null ? null : openGeoipFile(server.geoip_file, configName, options);
}

/** Key files as a start finds them. */
export interface KeysRead {
  readonly files: RaiFiles;
  readonly look: RaiLook;
  readonly problems: readonly ConfigProblem[];
}

/** Reads the key files and says which may not serve under this config. */
export async function readKeys(path: string, flags: Flags, config: Config): Promise<KeysRead> {
  const files = createRaiFiles({ path, groupRead: flags.raiGroupRead, judge: createJudge(flags, config) });
  const look = await files.look();
  const problems = look.rejected
    // files that clash are left out alone, unless there is nothing else
    .filter(({ clash }) => !clash || look.files.length === 0)
    .flatMap(({ name, problems: found }) =>
      found.map((problem) => ({ ...problem, source: files.folder ? `${path}/${name}` : path })),
    );
  if (look.files.length === 0 && problems.length === 0) {
    const fix = 'put a relay’s .rai file into it, such as relayapi init makes';
    problems.push({ source: path, path: '$', message: 'is a folder without any .rai file', fix });
  }
  return { files, look, problems };
}

/** Memory for bodies is divided among the workers, so that the sum holds; one share may then be less than one body. */
function adviseOnShares({ server }: Config, configName: string, workers: number): ConfigProblem[] {
  const share = shareOf(server.max_buffered_bytes, workers);
  if (workers === 1 || share >= server.max_body_bytes) return [];
  const path = '$.server.max_buffered_bytes';
  const message = `leaves each of ${workers} workers ${share} bytes, less than "max_body_bytes"`;
  const fix = `raise it to ${workers * server.max_body_bytes}, or larger bodies that a claim looks into get 503`;
  return [{ source: configName, path, message, fix }];
}

async function checkPorts(config: Config, configName: string, workers: number): Promise<ConfigProblem[]> {
  const { server, admin } = config;
  const place = (path: string) => ({ source: configName, path });
  const found = await Promise.all([
    checkPort(server.host, server.port, place('$.server.port')),
    workers > 1 ? checkPortSharing(place('$.server.workers')) : null,
    admin.enabled ? checkPort(admin.host, admin.port, place('$.admin.port')) : null,
  ]);
  return found.filter((problem) => problem !== null);
}

/** Providers and keys of the vault against the registry. Keys that could not all be read are not judged. */
export function judge(
  config: Config,
  source: string,
  read: ReturnType<typeof readVault> | null,
): { readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] } {
  const named = (problem: Problem): ConfigProblem => ({ ...problem, source });
  const keys =
    read === null || read.problems.length > 0
      ? { problems: [], warnings: [] }
      : checkVaultKeys(config, read.vault);
  return {
    problems: [...checkProviders(config), ...keys.problems].map(named),
    warnings: keys.warnings.map(named),
  };
}

/** Gathers what a start needs. */
export async function prepare(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Preparation> {
  const { config, problems: configProblems, warnings } = readConfig(flags, env);
  const configName = flags.config ?? 'config';
  const sources = { env, groupRead: flags.raiGroupRead, configName };
  const vault = readVault(config.vault, sources);
  const admin = readAdminSecret(config.admin, sources);
  const workers = countWorkers(config.server.workers);
  const geoip = readGeoip(config, configName, { shared: workers > 1 });
  const judged = judge(config, configName, vault);
  const problems = [
    ...flags.problems,
    ...configProblems,
    ...judged.problems,
    ...vault.problems,
    ...admin.problems,
    ...(geoip !== null && 'problem' in geoip ? [geoip.problem] : []),
    ...checkDemo(flags, config),
    ...(await checkPorts(config, configName, workers)),
  ];

  const raiPath = flags.rai ?? DEFAULT_RAI;
  const missing = resolve(raiPath) === resolve(DEFAULT_RAI) && !existsSync(raiPath);
  // a start that fails anyway makes no key
  if (missing && problems.length > 0) return { problems };
  if (missing) {
    const problem = await makeDefault(raiPath, flags, config);
    if (problem !== null) return { problems: [problem] };
  }
  const keys = await readKeys(raiPath, flags, config);
  problems.push(...keys.problems);
  if (problems.length > 0) return { problems };
  return {
    config,
    configName,
    workers,
    warnings: [...warnings, ...judged.warnings, ...adviseOnShares(config, configName, workers)],
    vault: vault.vault,
    adminSecret: admin.secret,
    geoip: geoip !== null && 'problem' in geoip ? null : geoip,
    raiPath,
    raiFiles: keys.files,
    keys: keys.look,
  };
}

async function makeDefault(path: string, flags: Flags, config: Config): Promise<ConfigProblem | null> {
  if (isPublic(config) && !flags.allowShared) {
    const message = 'is not there, and would be a shared file, which serves on loopback only';
    const fix = 'make a pair with `relayapi init` and name the relay’s file with -rai';
    return { source: path, path: '$', message, fix };
  }
  return makeDefaultRai(path, config.server);
}
