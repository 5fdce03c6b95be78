/**
 * Method and path: the default reach (a provider's inference endpoints), the `paths` claim, the key file's leave for the rest
 * (token spec §5 `paths`, behaviour spec §4 and §5). Paths are compared byte for byte.
 */
import type { Allow, Claims, UpstreamClaim } from 'relayapi-token';
import { type Denial, deny } from '../../errors.ts';
import type { Route } from '../../exchange.ts';
import type { Endpoint, Provider, ProviderCatalog } from '../../providers/provider.ts';
import { SEALED_ID_PREFIX } from '../../sealed-id.ts';

/** `POST /chat/completions` taken apart; `prefix` ends in `/` and stands for a trailing `/*`. */
interface PathEntry {
  readonly method: string;
  readonly exact: string | null;
  readonly prefix: string | null;
}

function readEntry(text: string): PathEntry {
  const space = text.indexOf(' ');
  const method = text.slice(0, space);
  const path = text.slice(space + 1);
  return path.endsWith('/*')
    ? { method, exact: null, prefix: path.slice(0, -1) }
    : { method, exact: path, prefix: null };
}

function reaches(entry: PathEntry, relative: string): boolean {
  if (entry.prefix === null) return relative === entry.exact;
  // `/files/*` is what lies below: many servers read `/files/` as the list itself.
  return relative.startsWith(entry.prefix) && relative.length > entry.prefix.length;
}

/** How a list answers: the path with this method, the path with another one, or not at all. */
function findIn(list: readonly string[], method: string, relative: string): 'yes' | 'method' | 'no' {
  let found: 'method' | 'no' = 'no';
  for (const text of list) {
    const entry = readEntry(text);
    if (!reaches(entry, relative)) continue;
    if (entry.method === method) return 'yes';
    found = 'method';
  }
  return found;
}

function refuseBy(found: 'method' | 'no', param: string): Denial {
  return deny(found === 'method' ? 'method_denied' : 'path_denied', { param });
}

/** Whether a row's path, with `{name}` for one segment and a trailing `/*`, can stand for a relative path. */
function rowMatches(row: Endpoint, relative: string): boolean {
  const pattern = row.path
    .split(/(\{[^}]*\}|\/\*$)/)
    .map((part) => {
      if (part === '/*') return '/.*';
      return part.startsWith('{') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${pattern}$`).test(relative);
}

/** Without a `paths` claim: inference endpoints with their own method, and the model list. */
function checkDefault(method: string, route: Route): Denial | null {
  const row = route.endpoint;
  if (row === null || row.method !== method) {
    const elsewhere = route.provider.endpoints.some((other) => rowMatches(other, route.relative));
    return deny(elsewhere ? 'method_denied' : 'path_denied');
  }
  if (row.kind === 'account') return deny('path_denied');
  // A link that is merely opened must not spend a call.
  if (row.kind === 'inference' && (method === 'GET' || method === 'HEAD')) return deny('method_denied');
  return null;
}

/** The first reason why this method and path are not open to the token, or null. `allow` is the key file's. */
export function checkPath(claims: Claims, allow: Allow, method: string, route: Route): Denial | null {
  if (route.vaultPaths !== null) {
    const found = findIn(route.vaultPaths, method, route.relative);
    if (found !== 'yes') return refuseBy(found, 'vault');
  }
  if (claims.paths === undefined) return checkDefault(method, route);
  const found = findIn(claims.paths, method, route.relative);
  if (found !== 'yes') return refuseBy(found, 'paths');
  const row = route.endpoint;
  const open = row !== null && row.method === method && row.kind !== 'account';
  // What the registry does not know counts as account-wide: the claim alone does not open it.
  if (open || findIn(allow.paths, method, route.relative) === 'yes') return null;
  return deny('path_denied', { param: 'allow.paths' });
}

function overlaps(entry: PathEntry, row: Endpoint): boolean {
  if (entry.method !== row.method) return false;
  return touches(entry, row);
}

/** What stands before the first `{…}` of a row's path. */
function fixedOf(row: Endpoint): string {
  return row.path.replace(/[{*].*$/s, '');
}

/** Whether an entry reaches a row's path, whatever their methods. */
function touches(entry: PathEntry, row: Endpoint): boolean {
  if (entry.exact !== null) return rowMatches(row, entry.exact);
  const fixed = fixedOf(row);
  const prefix = entry.prefix as string;
  // a row without placeholders is one path; any other may reach into the prefix or lie within it
  return fixed.startsWith(prefix) || (fixed !== row.path && prefix.startsWith(fixed));
}

/** Whether an entry is the list above a row's ids, which shows everybody's. A call that makes one of them is a row of its own. */
function isListOf({ method, exact }: PathEntry, row: Endpoint, provider: Provider): boolean {
  const fixed = fixedOf(row);
  if (exact === null || ![fixed, fixed.replace(/\/$/, '')].includes(exact)) return false;
  return !provider.endpoints.some((other) => other.method === method && rowMatches(other, exact));
}

/** Whether an entry spells out an id of the upstream's where a row takes one: somebody's choice of that id. What stands before it may be any app or model. */
function spellsId({ exact, prefix }: PathEntry, row: Endpoint): boolean {
  const parts = row.path.split('/');
  const at = parts.findIndex((part) =>
    row.takes?.some((place) => place.in === 'path' && part.includes(`{${place.segment}}`)),
  );
  if (at === -1) return false;
  const texts = (exact ?? (prefix as string)).split('/');
  // a prefix ends in a slash: behind it nothing is spelled
  const id = texts[at] ?? '';
  if (id === '' || id.startsWith(SEALED_ID_PREFIX)) return false;
  return parts.slice(0, at).every((part, i) => part.includes('{') || part === texts[i]);
}

/** Whether a token opens an account row for ids of its subject: by its own list and by the key file's. */
export function opensAccount(
  claims: Claims,
  allow: Allow | null,
  provider: Provider,
  row: Endpoint,
): boolean {
  const opens = (text: string) => {
    const entry = readEntry(text);
    return (touches(entry, row) && !spellsId(entry, row)) || isListOf(entry, row, provider);
  };
  return (claims.paths?.some(opens) ?? false) && (allow?.paths.some(opens) ?? false);
}

/** Whether a token spells out the very id that is asked for, or what lies below it, and the key file agrees: it is then sent as it stands. */
export function spellsOut(
  claims: Claims,
  allow: Allow | null,
  provider: Provider,
  { method, relative }: { readonly method: string; readonly relative: string },
): boolean {
  if (allow === null || findIn(allow.paths, method, relative) !== 'yes') return false;
  return (claims.paths ?? []).some((text) => {
    const entry = readEntry(text);
    if (entry.method !== method || !reaches(entry, relative)) return false;
    return provider.endpoints.some((row) => spellsId(entry, row));
  });
}

function entryReachesAccount(provider: Provider, text: string): boolean {
  const entry = readEntry(text);
  const rows = provider.endpoints.filter((row) => overlaps(entry, row));
  return rows.length === 0 || rows.some((row) => row.kind === 'account');
}

/** Answers kept per provider; past it they are made anew. Entries come from authentic tokens, a few texts each. */
const MAX_KEPT = 1000;

/** Whether a `paths` entry reaches beyond inference, so that the key file must list it. An unknown provider is refused elsewhere. */
export function createReachTest(
  catalog: Pick<ProviderCatalog, 'find'>,
): (upstream: UpstreamClaim, path: string) => boolean {
  const kept = new WeakMap<Provider, Map<string, boolean>>();
  return (upstream, path) => {
    const provider = catalog.find(upstream.provider);
    if (provider === null) return false;
    const answers = kept.get(provider) ?? new Map<string, boolean>();
    kept.set(provider, answers);
    const known = answers.get(path);
    if (known !== undefined) return known;
    if (answers.size >= MAX_KEPT) answers.clear();
    const reaches = entryReachesAccount(provider, path);
    answers.set(path, reaches);
    return reaches;
  };
}
