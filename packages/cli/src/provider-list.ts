/** `relayapi providers list`, `search` and `show`: the registry in words, with what config adds to it. */
import type { AuthScheme, Provider } from 'relayapi-server';
import { keyKindsOf } from 'relayapi-token';
import { done, type Outcome, refuse } from './outcome.ts';
import { loadProviders, unknownProvider } from './provider-registry.ts';
import type { Terminal } from './terminal.ts';

/** What to list. */
export interface ListCommand {
  /** Part of an id, name or host; null for all. */
  readonly search: string | null;
  readonly config: string | null;
}

/** Lists. */
export async function listProviders({ search, config }: ListCommand, terminal: Terminal): Promise<Outcome> {
  const known = await loadProviders(config, terminal);
  if ('kind' in known) return known;
  const found = search === null ? known.all : known.all.filter((entry) => holds(entry, search.toLowerCase()));
  if (found.length === 0)
    return refuse('providers', 'none of them holds this text', 'see relayapi providers list');
  const rows = found.map((entry) => [
    entry.id,
    entry.name,
    baseOf(entry),
    credentialOf(entry),
    stateOf(entry),
  ]);
  const data = found.map((entry) => ({
    id: entry.id,
    aliases: entry.aliases,
    name: entry.name,
    base: baseOf(entry),
    credential: entry.credentialFields,
    auth: entry.auth.kind,
    status: entry.status,
    enabled: entry.enabled,
  }));
  return done({ providers: data }, table([['id', 'name', 'base', 'credential', 'status'], ...rows]));
}

function holds({ id, aliases, name, origin, homepage }: Provider, text: string): boolean {
  return [id, ...aliases, name, origin, homepage ?? ''].some((each) => each.toLowerCase().includes(text));
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}

function baseOf({ origin, roots }: Provider): string {
  return origin + (roots[0] ?? '');
}

function stateOf({ status, enabled }: Provider): string {
  return enabled ? status : `${status}, not enabled`;
}

function credentialOf({ credentialFields, auth }: Provider): string {
  return auth.kind === 'none' ? 'none' : credentialFields.join(', ');
}

/** How a credential gets into a request, in words. */
function placeOf(auth: AuthScheme): string {
  switch (auth.kind) {
    case 'none':
      return 'not sent';
    case 'header':
      return `header ${auth.name}: ${auth.template}`;
    case 'basic':
      return `HTTP Basic, ${auth.user} and ${auth.password}`;
    case 'query':
      return `query ${auth.pairs.map(({ name, template }) => `${name}=${template}`).join(auth.separator ?? '&')}`;
    case 'signed':
      return `each request is signed (${auth.by})`;
    case 'exchanged':
      return `exchanged for a short-lived token, then ${placeOf(auth.put)}`;
  }
}

/** Shows one. */
export async function showProvider(
  { id, config }: { readonly id: string; readonly config: string | null },
  terminal: Terminal,
): Promise<Outcome> {
  const known = await loadProviders(config, terminal);
  if ('kind' in known) return known;
  const entry = known.find(id);
  return entry === null ? unknownProvider(id, known) : done(dataOf(entry), textOf(entry), notesOf(entry));
}

function dataOf(entry: Provider): object {
  const { id, aliases, name, origin, roots, vars, credentialFields, optionalFields, auth } = entry;
  const { otherCredentials, endpoints, status, enabled, homepage, env, asOf, sources } = entry;
  const credential = { fields: credentialFields, optional: optionalFields, auth, others: otherCredentials };
  return {
    provider: {
      id,
      aliases,
      name,
      status,
      enabled,
      homepage,
      env,
      origin,
      roots,
      vars,
      credential,
      keys: keyKindsOf(id),
    },
    endpoints: endpoints.map(({ method, path, root, kind, dialect }) => ({
      method,
      path,
      root,
      kind,
      dialect,
    })),
    as_of: asOf,
    sources,
  };
}

function textOf(entry: Provider): string {
  const { aliases, roots, vars, optionalFields, otherCredentials, endpoints, homepage, env } = entry;
  const keys = keyKindsOf(entry.id);
  const told = (kinds: typeof keys.refused) =>
    kinds.map(({ prefix, what }) => `${prefix === '' ? '' : `${prefix}… `}${what}`);
  const optional = optionalFields.length === 0 ? '' : `, optional ${optionalFields.join(', ')}`;
  const others = otherCredentials.map(({ fields, auth }) => `or ${fields.join(', ')}; ${placeOf(auth)}`);
  const facts: [name: string, lines: readonly string[]][] = [
    ['id', [[entry.id, ...aliases].join(', also ')]],
    ['name', [entry.name]],
    ['status', [stateOf(entry)]],
    ['home', homepage === null ? [] : [homepage]],
    ['base', roots.map((root) => entry.origin + root)],
    ['variables', Object.entries(vars).map(([name, pattern]) => `${name}: ${pattern}`)],
    ['credential', [`${credentialOf(entry)}${optional}; ${placeOf(entry.auth)}`, ...others]],
    ['variable', env === null ? [] : [`${env} in its own SDKs`]],
    ['keys', keys.prefixes.length === 0 ? [] : [`begin with ${keys.prefixes.join(' or ')}`]],
    ['refused', told(keys.refused)],
    ['broad', told(keys.broad)],
    ['endpoints', endpoints.map(({ method, path, root, kind }) => `${method} ${root ?? ''}${path}  ${kind}`)],
  ];
  return facts
    .flatMap(([name, lines]) =>
      lines.map((text, index) => `${(index === 0 ? name : '').padEnd(11)}${text}\n`),
    )
    .join('');
}

function notesOf({ enabled, id }: Provider): string[] {
  if (enabled) return [];
  return [
    `not enabled: a relay finds it once its config.json says "providers": { "${id}": { "enabled": true } }`,
  ];
}
