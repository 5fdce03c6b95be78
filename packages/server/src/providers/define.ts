/** Builds a full registry entry from the few lines that differ: presets for the common case. */
import { splitBase } from './base-url.ts';
import { assumed, MODEL_LIST } from './endpoints.ts';
import { KEPT_IDS, keepingAlike } from './kept-rows.ts';
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

/** What an entry says that speaks a known language with one key: mostly a base and a list of rows. */
export interface CompatibleSeed extends Partial<Omit<Provider, 'origin' | 'roots' | 'endpoints'>> {
  readonly id: string;
  readonly name: string;
  /** Origin and first root, as a client SDK is given it. */
  readonly base: string;
  /** Rows under the first root; the model list comes with them. */
  readonly use: readonly Endpoint[];
  /** Rows under further roots: `{ '/anthropic/v1': [MESSAGES] }`. */
  readonly also?: Readonly<Record<string, readonly Endpoint[]>>;
  /** Credential of a further root where it differs. */
  readonly alsoAuth?: AuthScheme;
  /** False where there is no `GET /models` under the first root. Default true. */
  readonly list?: boolean;
  readonly sources: readonly string[];
}

/** The usual account-wide collections next to an OpenAI-like API: what `adminPaths` says of an entry that says nothing itself. */
const USUAL_ACCOUNT = [
  'files',
  'batches',
  'fine_tuning/',
  'fine-tunes',
  'organization/',
  'organizations/',
  'api_keys',
];

/**
 * Full entries from short ones. Added to each: the model list, Anthropic's version headers where it speaks Anthropic's language, `needsIncludeUsage` where
 * it has OpenAI's chat, what an API like OpenAI's is taken to keep (nothing of it open), and as `adminPaths` the usual collections under the first root.
 */
export function defineCompatible(seeds: readonly CompatibleSeed[]): readonly Provider[] {
  return seeds.map(defineOne);
}

function defineOne(seed: CompatibleSeed): Provider {
  const { base, use, also = {}, alsoAuth, list = true, ...rest } = seed;
  const { root } = splitBase(base);
  const moreRoots = Object.keys(also);
  const isAlike = use.some(({ path, dialect }) => path === '/chat/completions' && dialect === 'openai-chat');
  const kept = isAlike && seed.ids === undefined ? keepingAlike(use) : use;
  const first = list ? [...kept, ...MODEL_ROWS] : kept;
  const endpoints =
    moreRoots.length === 0
      ? first
      : [
          ...first.map((row) => ({ ...row, root })),
          ...moreRoots.flatMap((other) =>
            (also[other] ?? []).map((row) => ({ ...row, root: other, ...(alsoAuth && { auth: alsoAuth }) })),
          ),
        ];
  const speaks = (dialect: Endpoint['dialect']) => endpoints.some((row) => row.dialect === dialect);
  return defineProvider({
    ...(speaks('anthropic-messages') && ANTHROPIC_WORDS),
    needsIncludeUsage: speaks('openai-chat'),
    adminPaths: USUAL_ACCOUNT.map((name) => `ANY ${root}/${name}*`),
    asOf: '2026-11',
    ...(kept !== use && { ids: KEPT_IDS }),
    ...rest,
    base,
    moreRoots,
    endpoints,
  });
}

const MODEL_ROWS = assumed(...MODEL_LIST);
const ANTHROPIC_WORDS = { passHeaders: ['anthropic-version', 'anthropic-beta'], passQuery: ['beta'] };
