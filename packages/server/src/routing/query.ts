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

/** Keeps the pairs that `allowed` names; null (`bad_target`) for a name given twice, or a value that cannot be read in one way. */
export function filterQuery(query: string | null, allowed: readonly string[]): FilteredQuery | null {
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
