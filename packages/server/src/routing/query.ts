/** The query that goes upstream: an allow-list by exact name; values are sent as written (behaviour §5). */
import { NEVER_PASSED_QUERY } from '../providers/provider.ts';

/** A filtered query. */
export interface FilteredQuery {
  /** Without `?`; `''` when nothing is left. */
  readonly sent: string;
  /** Allowed pairs, names and values decoded once. `+` is left as it is. */
  readonly pairs: ReadonlyArray<readonly [string, string]>;
}

const EMPTY: FilteredQuery = { sent: '', pairs: [] };
const PLAIN = /^[\x21-\x7e]*$/;

/** Pairs that an entry adds. */
export interface OwnQuery {
  /** Sent when the caller's query has none of that name. */
  readonly defaultQuery: readonly (readonly [name: string, value: string])[];
  /** Always sent, in place of the caller's own. */
  readonly setQuery: readonly (readonly [name: string, value: string])[];
}

const NOTHING_OWN: OwnQuery = { defaultQuery: [], setQuery: [] };

/** Keeps the pairs that `allowed` names and adds the entry's own; null (`bad_target`) for a name given twice, or a value that cannot be read in one way. */
export function filterQuery(
  query: string | null,
  allowed: readonly string[],
  own: OwnQuery = NOTHING_OWN,
): FilteredQuery | null {
  const kept = keepAllowed(query, allowed);
  if (kept === null || own.defaultQuery.length + own.setQuery.length === 0) return kept;
  const forced = new Set(own.setQuery.map(([name]) => name));
  const asked = kept.pairs.filter(([name]) => !forced.has(name));
  const missing = own.defaultQuery.filter(([name]) => !asked.some(([other]) => other === name));
  const texts = kept.sent === '' ? [] : kept.sent.split('&');
  const sent = [
    ...texts.filter((_, index) => !forced.has(kept.pairs[index]?.[0] ?? '')),
    ...[...missing, ...own.setQuery].map(
      ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    ),
  ];
  return { sent: sent.join('&'), pairs: [...asked, ...missing, ...own.setQuery] };
}

function keepAllowed(query: string | null, allowed: readonly string[]): FilteredQuery | null {
  if (query === null) return EMPTY;
  if (!PLAIN.test(query) || query.includes('#')) return null;
  const kept: string[] = [];
  const pairs: [string, string][] = [];
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    const name = decodeOnce(equals === -1 ? pair : pair.slice(0, equals));
    if (name === null || !allowed.includes(name) || NEVER_PASSED_QUERY.has(name.toLowerCase())) continue;
    const value = equals === -1 ? '' : decodeOnce(pair.slice(equals + 1));
    // Some servers split pairs at `;` too.
    if (value === null || pair.includes(';')) return null;
    if (pairs.some(([other]) => other === name)) return null;
    kept.push(pair);
    pairs.push([name, value]);
  }
  return { sent: kept.join('&'), pairs };
}

function decodeOnce(text: string): string | null {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
