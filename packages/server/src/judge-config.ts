/** What config says of providers and keys, judged against the registry: for a start, and for `relayapi check`. */
import { judgeKey, type Problem } from 'relayapi-token';
import type { Config } from './config/schema.ts';
import { createCatalog } from './providers/catalog.ts';
import type { Provider } from './providers/provider.ts';
import { REGISTRY } from './providers/registry.ts';
import { misfitOf } from './routing/credential.ts';
import type { VaultEntry } from './routing/options.ts';
import { varsFit } from './routing/variables.ts';

/** What is wrong with `providers` and `vault` in config, judged against the registry; every problem at once, before anything is made. */
export function checkProviders(config: Pick<Config, 'providers' | 'vault'>): readonly Problem[] {
  const { catalog, problems } = createCatalog(REGISTRY, config.providers);
  const strays = Object.entries(config.vault).flatMap(([name, { provider, vars = {} }]) => {
    const found = catalog.find(provider);
    if (found !== null) return varsFit(found, vars) ? [] : [otherVars(name, found)];
    const message = `"${provider}" is not in the registry, or is off there`;
    return [
      {
        path: `$.vault.${name}.provider`,
        message,
        fix: 'name a provider of docs/providers.md that is on, or add one under "providers", or turn it on there',
      },
    ];
  });
  return [...problems, ...strays];
}

function otherVars(name: string, { id, vars }: Provider): Problem {
  const wanted = Object.entries(vars).map(([variable, pattern]) => `"${variable}" (${pattern})`);
  return {
    path: `$.vault.${name}.vars`,
    message: wanted.length === 0 ? `${id} takes none` : `${id} takes ${wanted.join(', ')}`,
    fix: wanted.length === 0 ? 'remove it' : 'name all of them: a token with this key names none',
  };
}

/** What is to be said of keys in the vault, once they are read: those that the provider refuses, and those that open more than model calls. */
export function checkVaultKeys(
  config: Pick<Config, 'providers' | 'vault'>,
  vault: ReadonlyMap<string, VaultEntry>,
): { readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] } {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  if (vault.size === 0) return { problems, warnings };
  const { catalog } = createCatalog(REGISTRY, config.providers);
  for (const [name, { provider, credential }] of vault) {
    const found = catalog.find(provider);
    // one without any key is told of already
    if (found === null || Object.keys(credential).length === 0) continue;
    const path = `$.vault.${name}`;
    const misfit = misfitOf(found, credential);
    if (misfit !== null) {
      problems.push({ path, message: misfit, fix: `give a key of ${found.id} that calls models` });
      continue;
    }
    for (const [field, part] of Object.entries(credential)) {
      const verdict = judgeKey(part, { provider: found.id, field, ownBase: found.ownBase === true });
      if (verdict?.kind !== 'broad') continue;
      warnings.push({ path, message: `the key ${verdict.reason}`, fix: verdict.fix });
    }
  }
  return { problems, warnings };
}
