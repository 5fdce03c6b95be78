/** What sealed ids change on one route: the path and query that are sent, and what body and answer need. */
import { type Denial, deny } from '../errors.ts';
import type { RouteIds } from '../exchange.ts';
import type { BodyIdTaken, Endpoint, Provider } from '../providers/provider.ts';
import { type IdScope, leadsToIds } from './id-scope.ts';
import type { UpstreamOrigin } from './more-origins.ts';
import { openPath, relayPathOf } from './own-urls.ts';
import type { FilteredQuery } from './query.ts';

/** The part of a target that may hold ids. */
interface IdTarget {
  readonly relative: string;
  readonly query: FilteredQuery;
  readonly match: { readonly endpoint: Endpoint } | null;
}

/** Path and query as the upstream has them. One refusal for a foreign id, a raw one, a mere guess and a path to everybody's: none tells which. */
export function openTarget(
  target: IdTarget,
  provider: Provider,
  scope: IdScope,
  method: string,
): Pick<IdTarget, 'relative' | 'query'> | Denial {
  const row = target.match?.endpoint ?? null;
  const isSpelled = () => scope.spells(method, target.relative);
  if (row === null) {
    return leadsToIds(provider, scope, target.relative) && !isSpelled() ? deny('path_denied') : target;
  }
  if (row.takes === undefined) return target;
  const relative = openPath(row, target.relative, scope) ?? (isSpelled() ? target.relative : null);
  const query = namesJob(row, target.query) ? openQuery(row, target.query, scope) : null;
  return relative === null || query === null ? deny('path_denied') : { relative, query };
}

/** A job that is named in the query has to be named: what an upstream shows of none is its own affair, or everybody's. */
function namesJob({ kind, takes = [] }: Endpoint, { pairs }: FilteredQuery): boolean {
  if (kind !== 'job') return true;
  return takes.every((place) => place.in !== 'query' || pairs.some(([name]) => name === place.name));
}

function openQuery(row: Endpoint, query: FilteredQuery, scope: IdScope): FilteredQuery | null {
  const texts = query.sent.split('&');
  for (const [i, [name, value]] of query.pairs.entries()) {
    const taken = row.takes?.find((place) => place.in === 'query' && place.name === name);
    if (taken === undefined || !scope.kinds.has(taken.kind)) continue;
    const id = scope.open(taken.kind, value);
    if (id === null) return null;
    texts[i] = `${encodeURIComponent(name)}=${encodeURIComponent(id)}`;
  }
  return { sent: texts.join('&'), pairs: query.pairs };
}

/** What is rewritten in body and answer; null when nothing is. */
export function idsOf(
  upstream: { readonly provider: Provider; readonly origins: readonly UpstreamOrigin[] },
  { match, query }: Pick<IdTarget, 'match' | 'query'>,
  scope: IdScope,
): RouteIds | null {
  const row = match?.endpoint ?? null;
  if (row === null) return null;
  const isSealed = ({ kind }: { readonly kind: string }) => scope.kinds.has(kind);
  const takes = (row.takes ?? []).filter(
    (place): place is BodyIdTaken =>
      place.in === 'body' && isSealed(place) && !query.pairs.some(([name]) => name === place.unlessQuery),
  );
  const makes = (row.makes ?? []).filter(isSealed);
  const urls = row.urls ?? [];
  if (takes.length + makes.length + urls.length === 0) return null;
  return {
    takes,
    makes,
    urls,
    seal: scope.seal,
    open: scope.open,
    relayPath: (url, tokenPlace) => relayPathOf(upstream, scope, url, tokenPlace),
  };
}
