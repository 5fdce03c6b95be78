/** Absolute URLs of the provider's in its answers, as paths below the token: only to origins that the entry names, and only where a row leads. */
import type { Arrival } from '../exchange.ts';
import type { Endpoint, Provider } from '../providers/provider.ts';
import { findEndpoint } from './endpoints.ts';
import type { IdScope } from './id-scope.ts';
import type { UpstreamOrigin } from './more-origins.ts';
import { cleanPath, decodeSegment } from './path.ts';
import { filterQuery } from './query.ts';
import { readRoots } from './roots.ts';

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];
const URL_PARTS = /^(https?:\/\/[A-Za-z0-9.:[\]-]+)(\/[^?#]*)?(?:\?([^#]*))?$/;
const MAX_URL = 4096;

/** Path and query below the token for `url`, or null when it stays as it is. Ids in it are sealed, queries filtered as a caller's own. */
export function relayPathOf(
  { provider, origins }: { readonly provider: Provider; readonly origins: readonly UpstreamOrigin[] },
  scope: IdScope,
  url: string,
  tokenPlace: Arrival['tokenPlace'],
): string | null {
  if (url.length > MAX_URL) return null;
  const parts = URL_PARTS.exec(url);
  if (parts === null || !URL.canParse(url)) return null;
  const at = origins.find(({ destination: { origin } }) => origin === new URL(parts[1] as string).origin);
  const clean = cleanPath(parts[2] ?? '');
  if (at === undefined || clean === null) return null;
  for (const { root, relative } of readRoots(clean.path, at.roots)) {
    // a root that was only guessed would make the path another one
    if (root + relative !== clean.path) continue;
    const row = rowOf(provider, at.prefix + root, relative);
    const query = row === null ? null : filterQuery(parts[3] ?? null, provider.passQuery);
    if (row === null || query === null) continue;
    // whoever follows it sends no credential, so that only a token in the URL itself would let them in
    if (row.auth?.kind === 'none' && tokenPlace !== 'path') return null;
    const path = at.prefix + root + sealPath(row, relative, scope);
    const pairs = query.pairs.map(([name, value], i) => {
      const taken = row.takes?.find((place) => place.in === 'query' && place.name === name);
      if (taken === undefined || !scope.kinds.has(taken.kind)) return query.sent.split('&')[i] as string;
      return `${encodeURIComponent(name)}=${encodeURIComponent(scope.seal(taken.kind, value))}`;
    });
    return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
  }
  return null;
}

/** The row that the URL leads to, whatever its method. A new call is begun by nobody who follows a URL. */
function rowOf(provider: Provider, root: string, relative: string): Endpoint | null {
  for (const method of METHODS) {
    const match = findEndpoint(provider, method, root, relative);
    if (match !== null && match.endpoint.kind !== 'inference') return match.endpoint;
  }
  return null;
}

function sealPath(row: Endpoint, relative: string, scope: IdScope): string {
  return mapTaken(row, relative, scope, (kind, text) => scope.seal(kind, text)) as string;
}

/** The path with its sealed ids as the upstream has them, null when one of them opens to nothing that can stand in a path. */
export function openPath(row: Endpoint, relative: string, scope: IdScope): string | null {
  return mapTaken(row, relative, scope, (kind, text) => {
    const id = scope.open(kind, text);
    if (id === null || id.includes('/') || decodeSegment(encodeURIComponent(id)) !== id) return null;
    return id;
  });
}

function mapTaken(
  row: Endpoint,
  relative: string,
  scope: IdScope,
  change: (kind: string, text: string) => string | null,
): string | null {
  const parts = row.path.slice(1).split('/');
  const segments = relative.slice(1).split('/');
  for (const place of row.takes ?? []) {
    if (place.in !== 'path' || !scope.kinds.has(place.kind)) continue;
    const at = parts.findIndex((part) => part.includes(`{${place.segment}}`));
    const [before = '', after = ''] = (parts[at] as string).split(`{${place.segment}}`);
    const raw = segments[at] as string;
    const text = decodeSegment(raw.slice(before.length, raw.length - after.length));
    const changed = text === null ? null : change(place.kind, text);
    if (changed === null) return null;
    segments[at] = before + encodeURIComponent(changed) + after;
  }
  return `/${segments.join('/')}`;
}
