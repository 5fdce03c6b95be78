/** Builds a full registry entry from the few lines that differ: presets for the common case. */
import { splitBase } from './base-url.ts';
import type { AuthScheme, Endpoint, Provider } from './provider.ts';

/** `Authorization: Bearer <key>`, what three of four providers take. */
export const BEARER: AuthScheme = { kind: 'header', name: 'authorization', template: 'Bearer {key}' };

/** The bare key in a header of its own. */
export function keyHeader(name: string): AuthScheme {
  return { kind: 'header', name, template: '{key}' };
}

/** What an entry has to say. Everything else has a default: bearer auth, one key, no variables, no extra headers. */
export interface ProviderSeed extends Partial<Omit<Provider, 'origin' | 'roots'>> {
  readonly id: string;
  readonly name: string;
  /** Origin and first root in one, as a client SDK is given it: `https://api.groq.com/openai/v1`. */
  readonly base: string;
  /** More roots after the first. */
  readonly moreRoots?: readonly string[];
  readonly endpoints: readonly Endpoint[];
  readonly asOf: string;
  readonly sources: readonly string[];
}

/** A full entry, frozen. Trusted, since a registry entry names its own host. */
export function defineProvider(seed: ProviderSeed): Provider {
  const { base, moreRoots, ...rest } = seed;
  const { origin, root } = splitBase(base);
  return Object.freeze({
    aliases: [],
    vars: {},
    originByKey: [],
    moreOrigins: [],
    ids: [],
    credentialFields: ['key'],
    optionalFields: [],
    auth: BEARER,
    otherCredentials: [],
    defaultHeaders: [],
    setHeaders: [],
    passHeaders: [],
    passQuery: [],
    defaultQuery: [],
    setQuery: [],
    requestIdHeader: null,
    adminPaths: [],
    webSockets: [],
    needsIncludeUsage: false,
    status: 'active',
    enabled: true,
    homepage: null,
    env: null,
    abortStopsBilling: null,
    refusedKeys: [],
    trusted: true,
    ...rest,
    origin,
    roots: [root, ...(moreRoots ?? [])],
  });
}
