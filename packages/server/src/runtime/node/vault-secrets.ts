/** Fetches the secrets that config only names: vault keys and the admin secret, from the environment or from files of mode 0600. */
import type { Secret } from 'relayapi-token';
import type { VaultEntry as ConfigVaultEntry } from '../../config/entries.ts';
import { type ConfigProblem, jsonPath } from '../../config/problems.ts';
import type { Config } from '../../config/schema.ts';
import { redact } from '../../redact.ts';
import type { VaultEntry } from '../../routing/options.ts';
import { readSecretFile, type SecretFileOptions, secretOf } from './secret-files.ts';

/** Where secrets may come from. */
export interface SecretSources extends SecretFileOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Name of the config file, for messages. */
  readonly configName: string;
}

/** A secret, or why there is none. */
type Found = { readonly secret: Secret } | { readonly problem: ConfigProblem };

/** What every credential header can carry, as for keys in tokens. */
const HEADER_SAFE = /^[\x21-\x7e]+$/;

function fromVariable(name: string, path: readonly string[], sources: SecretSources): Found {
  const secret = secretOf(sources.env[name] ?? '');
  if (secret !== null) return { secret };
  const fix = `set it before the start: export ${name}=…`;
  const message = `names the variable ${name}, which is not set or empty`;
  return { problem: { source: sources.configName, path: jsonPath(path), message, fix } };
}

function fromFile(file: string, path: readonly string[], sources: SecretSources): Found {
  const read = readSecretFile(file, sources);
  // a key that was written in place of its file's name
  const name = redact(file);
  if ('problem' in read) {
    const message = `names ${name}: ${read.problem.message}`;
    return {
      problem: { source: sources.configName, path: jsonPath(path), message, fix: read.problem.fix },
    };
  }
  const secret = secretOf(Buffer.from(read.bytes.reveal()).toString('utf8'));
  if (secret !== null) return { secret };
  const message = `names ${name}, which is empty or holds more than one line`;
  return {
    problem: {
      source: sources.configName,
      path: jsonPath(path),
      message,
      fix: 'write the key alone into it',
    },
  };
}

type Wanted = readonly [field: string, path: readonly string[], found: Found];

function findParts(name: string, entry: ConfigVaultEntry, sources: SecretSources): Wanted[] {
  const at = ['vault', name];
  const wanted: Wanted[] = [];
  if (entry.key_env !== undefined) {
    const path = [...at, 'key_env'];
    wanted.push(['key', path, fromVariable(entry.key_env, path, sources)]);
  }
  if (entry.key_file !== undefined) {
    const path = [...at, 'key_file'];
    wanted.push(['key', path, fromFile(entry.key_file, path, sources)]);
  }
  for (const [part, variable] of Object.entries(entry.credential_env ?? {})) {
    const path = [...at, 'credential_env', part];
    wanted.push([part, path, fromVariable(variable, path, sources)]);
  }
  for (const [part, file] of Object.entries(entry.credential_file ?? {})) {
    const path = [...at, 'credential_file', part];
    wanted.push([part, path, fromFile(file, path, sources)]);
  }
  return wanted;
}

function unfit(path: readonly string[], { configName }: SecretSources): ConfigProblem {
  const message = 'is a key with a space, a control character or one beyond ASCII';
  return { source: configName, path: jsonPath(path), message, fix: 'look for what was copied along with it' };
}

/** The vault as routing takes it, and every key that could not be had. */
export function readVault(
  vault: Config['vault'],
  sources: SecretSources,
): { vault: ReadonlyMap<string, VaultEntry>; problems: ConfigProblem[] } {
  const entries = new Map<string, VaultEntry>();
  const problems: ConfigProblem[] = [];
  for (const [name, entry] of Object.entries(vault)) {
    const credential: Record<string, Secret> = {};
    for (const [field, at, found] of findParts(name, entry, sources)) {
      if ('problem' in found) problems.push(found.problem);
      else if (!HEADER_SAFE.test(found.secret.reveal())) problems.push(unfit(at, sources));
      else credential[field] = found.secret;
    }
    const { provider, vars, models, paths, limits } = entry;
    entries.set(name, { provider, credential, vars, models, paths, limits });
  }
  return { vault: entries, problems };
}

/** Least length of an admin secret, in characters. */
const MIN_SECRET = 16;

/** The admin secret; null when config names none. */
export function readAdminSecret(
  admin: Config['admin'],
  sources: SecretSources,
): { secret: Secret | null; problems: ConfigProblem[] } {
  const { secret_env: variable, secret_file: file } = admin;
  if (!admin.enabled || (variable === null && file === null)) return { secret: null, problems: [] };
  const path = ['admin', variable === null ? 'secret_file' : 'secret_env'];
  const found =
    variable === null ? fromFile(file as string, path, sources) : fromVariable(variable, path, sources);
  if ('problem' in found) return { secret: null, problems: [found.problem] };
  if (found.secret.length >= MIN_SECRET) return { secret: found.secret, problems: [] };
  const message = `names a secret of less than ${MIN_SECRET} characters`;
  const fix = 'choose a longer one, such as that of: openssl rand -hex 24';
  return {
    secret: null,
    problems: [{ source: sources.configName, path: jsonPath(path), message, fix }],
  };
}

/** The variables that hold secrets under this config. */
function secretVariables({ vault, admin }: Pick<Config, 'vault' | 'admin'>): string[] {
  const named = Object.values(vault).flatMap((entry) => [
    entry.key_env,
    ...Object.values(entry.credential_env ?? {}),
  ]);
  return [...named, admin.secret_env].filter((name) => typeof name === 'string');
}

/** Takes the secrets that were read out of the environment: a report that Node writes as it dies lists every variable, and so does a child process's. */
export function forgetVariables(
  config: Pick<Config, 'vault' | 'admin'>,
  env: Record<string, string | undefined>,
): void {
  for (const name of secretVariables(config)) delete env[name];
}
