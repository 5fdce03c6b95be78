/** Finds the registry row of a request. Raw segments are compared byte for byte; only what `{…}` captures is decoded, once. */
import type { Endpoint, Provider } from '../providers/provider.ts';
import { decodeSegment } from './path.ts';

/** A row and what its `{…}` segments hold. */
export interface EndpointMatch {
  readonly endpoint: Endpoint;
  readonly segments: Readonly<Record<string, string>>;
}

type Part =
  | { readonly literal: string }
  | { readonly name: string; readonly before: string; readonly after: string; readonly isModel: boolean };

interface CompiledRow {
  readonly endpoint: Endpoint;
  readonly parts: readonly Part[];
  /** Patterns of its segments, null for none. */
  readonly patterns: ReadonlyMap<string, RegExp> | null;
  /** The row ends in `/*`. */
  readonly open: boolean;
}

interface Table {
  readonly literal: ReadonlyMap<string, readonly Endpoint[]>;
  readonly patterns: readonly CompiledRow[];
  /** Rows of the account, which other spellings may reach too. */
  readonly closed: readonly CompiledRow[];
}

const tables = new WeakMap<Provider, Table>();
const NO_SEGMENTS: Readonly<Record<string, string>> = Object.freeze({});

/** The row for a method and a rooted path, or null. A row that names no root is for any root of the entry's own origin. Literal rows win over patterns, then the order of the registry. */
export function findEndpoint(
  provider: Provider,
  method: string,
  root: string,
  relative: string,
): EndpointMatch | null {
  const table = tableOf(provider);
  for (const endpoint of table.literal.get(`${method} ${relative}`) ?? []) {
    if (isUnder(endpoint, root)) return { endpoint, segments: NO_SEGMENTS };
  }
  const raw = relative.slice(1).split('/');
  const isHere = ({ endpoint }: CompiledRow) => endpoint.method === method && isUnder(endpoint, root);
  for (const row of table.patterns) {
    if (!isHere(row)) continue;
    const segments = matchRow(row, raw);
    if (segments === null) continue;
    const { endpoint } = row;
    // `/%66iles` and `/Files` may be `/files` to an upstream: no row with a free segment may take them in
    const isAnother =
      endpoint.kind !== 'account' && table.closed.some((other) => isHere(other) && looksLike(other, raw));
    return isAnother ? null : { endpoint, segments };
  }
  return null;
}

/** Whether some reader could take a path for this row's: escapes decoded, capital letters made small. */
function looksLike({ parts, open }: CompiledRow, raw: readonly string[]): boolean {
  if (open ? raw.length <= parts.length : raw.length !== parts.length) return false;
  return parts.every((part, index) => {
    const text = (decodeSegment(raw[index] as string) ?? '').toLowerCase();
    if ('literal' in part) return text === part.literal.toLowerCase();
    return text.startsWith(part.before.toLowerCase()) && text.endsWith(part.after.toLowerCase());
  });
}

function isUnder(row: Endpoint, root: string): boolean {
  return row.root === undefined ? !root.startsWith('/~') : row.root === root;
}

function tableOf(provider: Provider): Table {
  const known = tables.get(provider);
  if (known !== undefined) return known;
  const literal = new Map<string, Endpoint[]>();
  const patterns: CompiledRow[] = [];
  for (const endpoint of provider.endpoints) {
    if (!/[{*]/.test(endpoint.path)) {
      const key = `${endpoint.method} ${endpoint.path}`;
      literal.set(key, [...(literal.get(key) ?? []), endpoint]);
    } else patterns.push(compileRow(endpoint));
  }
  const closed = provider.endpoints.filter((row) => row.kind === 'account').map(compileRow);
  const table = { literal, patterns, closed };
  tables.set(provider, table);
  return table;
}

function compileRow(endpoint: Endpoint): CompiledRow {
  const open = endpoint.path.endsWith('/*');
  const path = open ? endpoint.path.slice(0, -2) : endpoint.path;
  const parts = path
    .slice(1)
    .split('/')
    .map((text): Part => {
      const match = /^([^{]*)\{([^}]+)\}([^{]*)$/.exec(text);
      if (match === null) return { literal: text };
      const [, before = '', name = '', after = ''] = match;
      // a name of several segments has its slashes between them
      const named =
        endpoint.models?.some((place) => place.in === 'path' && place.segment === name && !place.more) ??
        false;
      return { name, before, after, isModel: named || name === 'model' };
    });
  return { endpoint, parts, patterns: patternsOf(endpoint), open };
}

function patternsOf({ segments }: Endpoint): CompiledRow['patterns'] {
  if (segments === undefined) return null;
  return new Map(Object.entries(segments).map(([name, text]) => [name, new RegExp(`^(?:${text})$`, 'u')]));
}

function matchRow(row: CompiledRow, raw: readonly string[]): Record<string, string> | null {
  const { parts, open } = row;
  if (open ? raw.length <= parts.length : raw.length !== parts.length) return null;
  const segments: Record<string, string> = Object.create(null);
  for (const [index, part] of parts.entries()) {
    const text = raw[index] as string;
    if ('literal' in part) {
      if (text !== part.literal) return null;
      continue;
    }
    const value = captureSegment(part, text);
    if (value === null || row.patterns?.get(part.name)?.test(value) === false) return null;
    segments[part.name] = value;
  }
  // An encoded slash below `/*` is in no segment that names a model.
  for (const text of raw.slice(parts.length)) if (decodeSegment(text)?.includes('/') !== false) return null;
  return segments;
}

function captureSegment(part: Exclude<Part, { literal: string }>, text: string): string | null {
  if (!text.startsWith(part.before) || !text.endsWith(part.after)) return null;
  const value = decodeSegment(text.slice(part.before.length, text.length - part.after.length));
  if (value === null || value === '') return null;
  if (value.includes('/') && !part.isModel) return null;
  // `{model}:verb`: a second verb, plain or escaped, would let the upstream read another one than the row's.
  if (part.after !== '' && value.includes(part.after[0] as string)) return null;
  return value;
}
