/** The secrets a config leads to, for `relayapi check --secrets`: whoever looks for leaks must know what to look for. Nothing is shown here. */
import type { Secret } from 'relayapi-token';
import type { ConfigProblem } from '../../config/problems.ts';
import { parseFlags } from './flags.ts';
import { readConfig } from './prepare.ts';
import { readAdminSecret, readVault } from './vault-secrets.ts';

/** A secret and where config names it. */
export interface OwnSecret {
  /** `vault.main.key`, `admin.secret`. */
  readonly name: string;
  readonly secret: Secret;
}

/** Reads the vault's keys and the admin secret of a config. What cannot be had is a problem, and the rest is given all the same. */
export function readOwnSecrets(options: {
  readonly config: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly groupRead: boolean;
}): { readonly secrets: readonly OwnSecret[]; readonly problems: readonly ConfigProblem[] } {
  const { config: configName, env, groupRead } = options;
  const loaded = readConfig({ ...parseFlags([]), config: configName }, env);
  const sources = { env, groupRead, configName };
  const vault = readVault(loaded.config.vault, sources);
  const admin = readAdminSecret(loaded.config.admin, sources);
  const secrets = [...vault.vault].flatMap(([entry, { credential }]) =>
    Object.entries(credential).map(([part, secret]) => ({ name: `vault.${entry}.${part}`, secret })),
  );
  if (admin.secret !== null) secrets.push({ name: 'admin.secret', secret: admin.secret });
  return { secrets, problems: [...loaded.problems, ...vault.problems, ...admin.problems] };
}
