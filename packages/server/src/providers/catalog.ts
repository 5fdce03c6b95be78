/**
 * The registry as one relay sees it: built-in entries, changed and extended by config. The entry file of this shelf.
 * Finds by id or alias, exactly as written; a name that no entry has is never taken for a URL, and an entry that is off is not found.
 */

import type { Problem } from 'relayapi-token';
import { reachesOwnedHeader } from '../owned-headers.ts';
import { isPlainOrigin, isPlainPath, splitBase } from './base-url.ts';
import { addProvider, overrideProvider, type ProviderOverride } from './override.ts';
import { NEVER_PASSED_QUERY, type Provider, type ProviderCatalog } from './provider.ts';
import { rebaseProvider } from './rebase.ts';

/** A catalog and what was wrong with the overrides; entries with a problem are left as the registry has them. */
export interface CatalogResult {
  readonly catalog: ProviderCatalog;
  readonly problems: readonly Problem[];
}

/** Config's `providers`, by name. */
export type ProviderOverrides = Readonly<Record<string, ProviderOverride>>;

/** Puts config's `providers` over the built-in entries. Reports every problem at once with its path in the file; throws nothing. */
export function createCatalog(
  builtIn: readonly Provider[],
  overrides: ProviderOverrides = {},
): CatalogResult {
  const problems: Problem[] = [];
  const byId = new Map(builtIn.map((entry) => [entry.id, entry]));
  const registry = namesOf(byId.values()).byName;
  for (const [name, override] of Object.entries(overrides)) {
    const known = byId.get(name) ?? null;
    const found = problemsOf(`$.providers.${name}`, name, override, registry);
    problems.push(...found);
    if (found.length > 0) continue;
    const model = override.like === undefined ? null : (registry.get(override.like) ?? null);
    byId.set(name, known ? overrideProvider(known, override) : addProvider(name, override, model));
  }
  const { byName, clashes } = namesOf(byId.values());
  for (const { entry, alias, owner } of clashes) {
    problems.push({
      path: `$.providers.${entry.id}.aliases`,
      message: `the name "${alias}" already belongs to ${owner.id}`,
      fix: 'choose another alias',
    });
  }
  const ids = Object.freeze([...byId.values()].filter(({ enabled }) => enabled).map(({ id }) => id));
  const find = (name: string) => {
    const entry = byName.get(name);
    return entry?.enabled ? entry : null;
  };
  return { catalog: { find, at: createRebaser(), ids }, problems };
}

/** Entries at a token's `base` that are kept, since each brings its own endpoint table. */
const MAX_REBASED = 256;

function createRebaser(): ProviderCatalog['at'] {
  const made = new Map<string, Provider>();
  return (provider, base) => {
    const { origin, root } = splitBase(base);
    if (!isPlainOrigin(origin) || !isPlainPath(root)) return null;
    const name = `${provider.id} ${base}`;
    const known = made.get(name);
    if (known !== undefined) return known;
    if (made.size >= MAX_REBASED) made.clear();
    const entry = rebaseProvider(provider, base);
    made.set(name, entry);
    return entry;
  };
}

interface Clash {
  readonly entry: Provider;
  readonly alias: string;
  readonly owner: Provider;
}

function namesOf(entries: Iterable<Provider>): { byName: Map<string, Provider>; clashes: Clash[] } {
  const all = [...entries];
  const byName = new Map(all.map((entry) => [entry.id, entry]));
  const clashes: Clash[] = [];
  for (const entry of all) {
    for (const alias of entry.aliases) {
      const owner = byName.get(alias);
      if (owner === undefined) byName.set(alias, entry);
      else if (owner !== entry) clashes.push({ entry, alias, owner });
    }
  }
  return { byName, clashes };
}

function problemsOf(
  path: string,
  name: string,
  override: ProviderOverride,
  registry: ReadonlyMap<string, Provider>,
): Problem[] {
  const problems: Problem[] = [];
  const say = (at: string, message: string, fix: string) =>
    problems.push({ path: at === '' ? path : `${path}.${at}`, message, fix });
  const owner = registry.get(name) ?? null;
  const known = owner?.id === name ? owner : null;
  if (known === null && owner !== null) {
    say('', `is another name of ${owner.id}`, `write the entry under "${owner.id}"`);
  } else if (known === null && override.base_url === undefined) {
    say('base_url', 'is missing', 'a provider that the registry does not know needs its address');
  }
  if (override.enabled === true && override.base_url === undefined && known?.origin.startsWith('http:')) {
    say('base_url', 'is missing', 'a local server has no address of its own: say where yours listens');
  }
  if (override.like !== undefined) {
    if (known !== null) say('like', 'stands only in a new entry', 'remove it');
    else if (!registry.has(override.like)) {
      say('like', `"${override.like}" is not in the registry`, 'name an entry of docs/providers.md');
    }
  }
  if (override.base_url !== undefined && !isPlainOrigin(splitBase(override.base_url).origin)) {
    say('base_url', 'holds a host that programs read differently', 'write it in lower case and plain form');
  }
  if (override.base_url !== undefined && !isPlainPath(splitBase(override.base_url).root)) {
    say(
      'base_url',
      'has a path that a relay cannot join to',
      'use plain segments, without "..", "//" or escapes',
    );
  }
  problems.push(...headerProblems(path, override));
  const model = override.like === undefined ? null : registry.get(override.like);
  const fields = override.credential_fields ?? known?.credentialFields ?? model?.credentialFields ?? ['key'];
  if (override.auth?.kind === 'header') {
    const named = [...override.auth.template.matchAll(/\{([a-z_][a-z0-9_]*)\}/g)].map(
      (match) => match[1] ?? '',
    );
    if (named.length === 0)
      say('auth.template', 'holds no credential field', 'write "Bearer {key}" or "{key}"');
    for (const field of named) {
      if (fields.includes(field)) continue;
      say('auth.template', `names {${field}}, which is no credential field`, `use ${fields.join(', ')}`);
    }
  }
  return problems;
}

function headerProblems(path: string, override: ProviderOverride): Problem[] {
  const fix = 'remove it';
  const problems: Problem[] = [];
  for (const [index, name] of (override.pass_query ?? []).entries()) {
    if (!NEVER_PASSED_QUERY.has(name.toLowerCase())) continue;
    const message = `"${name}" names a credential, which is always dropped`;
    problems.push({ path: `${path}.pass_query[${index}]`, message, fix });
  }
  for (const [index, name] of (override.pass_headers ?? []).entries()) {
    if (!reachesOwnedHeader(name)) continue;
    const message = `"${name}" reaches a header that the relay sets itself`;
    problems.push({ path: `${path}.pass_headers[${index}]`, message, fix });
  }
  for (const name of Object.keys(override.default_headers ?? {})) {
    if (!reachesOwnedHeader(name)) continue;
    problems.push({
      path: `${path}.default_headers.${name}`,
      message: 'is a header that the relay sets itself',
      fix,
    });
  }
  return problems;
}
