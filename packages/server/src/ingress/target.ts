/**
 * The raw request target: is it the relay's, does it hold a token, what follows it (token spec §6, behaviour §1 and §5).
 * Nothing is decoded here; how the rest joins an upstream path is routing's to say.
 */
import { isTokenShaped, Secret } from 'relayapi-token';
import { type Denial, deny } from '../errors.ts';

/** Where a target points. */
export interface Target {
  /** The first segment after the base path when it has the shape of a token. */
  readonly token: Secret | null;
  /** Where the token has to be looked for; null when the target is refused. */
  readonly place: 'path' | 'header' | null;
  /** Path after the token, raw. */
  readonly rest: string;
  /** Query without `?`; null when there is none. */
  readonly query: string | null;
  /** Why the target goes no further, apart from the token. */
  readonly denial: Denial | null;
  /** What is wrong with the token's place; preflights pass over it. */
  readonly tokenDenial: Denial | null;
}

/** Longest target in bytes. */
const MAX_TARGET = 8192;
const ODD_BYTE = /[^\x21-\x7e]|[#]/;
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i;
const PLAIN = ['/v1/', '/v1beta/'];

function pathOf(rawTarget: string): string {
  const mark = rawTarget.indexOf('?');
  return mark === -1 ? rawTarget : rawTarget.slice(0, mark);
}

/**
 * Whether a raw target is the relay's to answer. True also for targets that no other handler may normalise into
 * something else: absolute form, `*`, `//…`, backslashes, fragments, control bytes, dot segments.
 */
export function isRelayTarget(rawTarget: string, basePath: string): boolean {
  if (rawTarget.startsWith(basePath)) return true;
  for (const prefix of PLAIN) if (rawTarget.startsWith(prefix)) return true;
  const path = pathOf(rawTarget);
  if (`${path}/` === basePath) return true;
  return isOdd(rawTarget, path);
}

function isOdd(rawTarget: string, path: string): boolean {
  if (!path.startsWith('/') || path.startsWith('//') || path.includes('\\')) return true;
  return ODD_BYTE.test(rawTarget) || DOT_SEGMENT.test(path);
}

const NOTHING = { token: null, place: null, rest: '', query: null, tokenDenial: null } as const;

/** Reads a raw target. */
export function readTarget(rawTarget: string, basePath: string): Target {
  const plain = readPathToken(rawTarget, basePath);
  if (plain !== null) return plain;
  if (!rawTarget.startsWith('/')) return { ...NOTHING, denial: deny('bad_target', { reason: 'form' }) };
  if (ODD_BYTE.test(rawTarget)) return { ...NOTHING, denial: deny('bad_target', { reason: 'byte' }) };
  const path = pathOf(rawTarget);
  const query = path.length === rawTarget.length ? null : rawTarget.slice(path.length + 1);
  const denial = rawTarget.length > MAX_TARGET ? deny('uri_too_long') : null;
  if (path.startsWith(basePath)) return readAfterBase(path.slice(basePath.length), query, denial);
  if (PLAIN.some((prefix) => path.startsWith(prefix))) {
    return { token: null, place: 'header', rest: path, query, denial, tokenDenial: null };
  }
  if (`${path}/` === basePath) {
    return { ...NOTHING, query, denial, tokenDenial: deny('token_missing') };
  }
  const odd = isOdd(rawTarget, path);
  return { ...NOTHING, query, denial: denial ?? deny(odd ? 'bad_target' : 'not_found') };
}

/** The usual case with one look at each byte: what has the shape of a token holds nothing odd. Null for all that is not this plain. */
function readPathToken(rawTarget: string, basePath: string): Target | null {
  if (rawTarget.length > MAX_TARGET || !rawTarget.startsWith(basePath)) return null;
  const slash = rawTarget.indexOf('/', basePath.length);
  if (slash === -1) return null;
  const segment = rawTarget.slice(basePath.length, slash);
  const after = rawTarget.slice(slash);
  if (ODD_BYTE.test(after) || !isTokenShaped(segment)) return null;
  const rest = pathOf(after);
  return {
    token: new Secret(segment),
    place: 'path',
    rest,
    query: rest.length === after.length ? null : after.slice(rest.length + 1),
    denial: null,
    tokenDenial: null,
  };
}

function readAfterBase(after: string, query: string | null, denial: Denial | null): Target {
  const slash = after.indexOf('/');
  const segment = slash === -1 ? after : after.slice(0, slash);
  const rest = slash === -1 ? '' : after.slice(slash);
  if (segment === '-') return { token: null, place: 'header', rest, query, denial, tokenDenial: null };
  if (after === '') return { ...NOTHING, query, denial, tokenDenial: deny('token_missing') };
  const shaped = isTokenShaped(segment);
  return {
    token: shaped ? new Secret(segment) : null,
    place: 'path',
    rest,
    query,
    denial,
    tokenDenial: shaped ? null : deny('token_invalid', { reason: 'shape' }),
  };
}
