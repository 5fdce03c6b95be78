/**
 * What a start would find in config, secrets and key files, for `relayapi check`. Nothing starts, listens or is made,
 * so a port that is in use or a missing ./default.rai goes unnoticed here.
 */
import type { ConfigProblem } from '../../config/problems.ts';
import type { Config } from '../../config/schema.ts';
import { parseFlags } from './flags.ts';
import { judge, readConfig, readGeoip, readKeys } from './prepare.ts';
import type { LoadedRai } from './rai-files.ts';
import { readAdminSecret, readVault } from './vault-secrets.ts';

/** What to look at, named as the server's flags name it. */
export interface CheckStartOptions {
  /** A config file; null for the defaults. */
  readonly config: string | null;
  /** A key file or a folder of them; null to look at config alone. */
  readonly rai: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly allowShared: boolean;
  readonly raiGroupRead: boolean;
  /** False where the keys that config names are not at hand: they are then not asked for. */
  readonly secrets: boolean;
}

/** What was found. */
export interface StartCheck {
  /** Usable even when it has problems: faulty keys then have their default. */
  readonly config: Config;
  /** Named by their paths. */
  readonly files: readonly LoadedRai[];
  /** All that keeps the relay from starting, and every key file that it would leave out. */
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

/** Looks at everything a start reads. Rejects for nothing that a user wrote. */
export async function checkStart(options: CheckStartOptions): Promise<StartCheck> {
  const { env, raiGroupRead, allowShared } = options;
  const flags = { ...parseFlags([]), config: options.config, raiGroupRead, allowShared };
  const { config, problems, warnings: ownWarnings } = readConfig(flags, env);
  const configName = options.config ?? 'config';
  const sources = { env, groupRead: raiGroupRead, configName };
  const vault = options.secrets ? readVault(config.vault, sources) : null;
  const secrets =
    vault === null ? [] : [...vault.problems, ...readAdminSecret(config.admin, sources).problems];
  const judged = judge(config, configName, vault);
  const warnings = [...ownWarnings, ...judged.warnings];
  const geoip = readGeoip(config, configName);
  const strays = geoip !== null && 'problem' in geoip ? [geoip.problem] : [];
  const found = [...problems, ...judged.problems, ...secrets, ...strays];
  if (options.rai === null) return { config, files: [], problems: found, warnings };
  const { files, look, problems: keyProblems } = await readKeys(options.rai, flags, config);
  // a start leaves files that clash out and goes on; whoever checks wants to know
  const clashes = look.files.length === 0 ? [] : look.rejected.filter(({ clash }) => clash);
  const pathOf = (name: string) => (files.folder ? `${options.rai}/${name}` : (options.rai as string));
  const left = clashes.flatMap(({ name, problems: each }) =>
    each.map((problem) => ({ ...problem, source: pathOf(name) })),
  );
  const good = look.files.map(({ name, file }) => ({ name: pathOf(name), file }));
  return { config, files: good, problems: [...found, ...keyProblems, ...left], warnings };
}
