/** The options of `generateUrl` and `generateToken`: their names, defaults and how they become claims (docs/spec/token.md, claims). */
import {
  encodeBase64Url,
  type JsonValue,
  judgeKey,
  type KeyPlace,
  type MintClaims,
  type MintUpstream,
  randomBytes,
  Secret,
} from 'relayapi-token';
import type { Credential } from './credential-types.ts';
import { partsOf } from './credentials.ts';

/** Where calls go and with which credential: exactly one of `apiKey`, `credential` and `vault`. */
export interface UpstreamOptions {
  /** Provider name in the relay's registry. Default `openai`. */
  provider?: string | undefined;
  /** The provider's key; sealed into the token. */
  apiKey?: string | Secret | undefined;
  /** Credential of several parts: the vendor's own object, such as `{ accessKeyId, secretAccessKey }`, the text of a service account's key file, or parts named as in the registry. */
  credential?: Credential | undefined;
  /** Name of a key that stays at the relay; the relay's key file must list it. */
  vault?: string | undefined;
  /** Variables of the provider's host, e.g. `{ resource: 'my-resource' }` for Azure. */
  vars?: Readonly<Record<string, string>> | undefined;
  /** Another base URL (https); the relay's key file must list its host. Not with `vault`. */
  base?: string | undefined;
}

/** What a token may be used for. Everything narrows; nothing widens what the relay's key file allows. */
export interface GenerateOptions extends UpstreamOptions {
  /** Instead of the single upstream above. This release takes one entry. */
  upstreams?: readonly UpstreamOptions[] | undefined;
  /** Calls over the token's life. Default 100; `null` for no limit. */
  maxCalls?: number | null | undefined;
  /** Requests sent upstream, failed ones included. Default min(2·maxCalls+8, maxCalls+100). */
  maxAttempts?: number | undefined;
  /** Life in seconds from now. Default 3600. */
  expireSeconds?: number | undefined;
  /** Seconds from now before which the token is refused. Default: valid at once. */
  notBeforeSeconds?: number | undefined;
  /** The end user or tenant, for logs, revocation and ceilings per subject. */
  subject?: string | undefined;
  /** Addresses and CIDR ranges of callers. */
  allowedIps?: readonly string[] | undefined;
  /** Browser origins, exact; `none` also lets requests without an `Origin` pass. */
  allowedOrigins?: readonly string[] | undefined;
  /** Models, exact or with a trailing `*`. */
  allowedModels?: readonly string[] | undefined;
  /** Endpoints such as `POST /chat/completions`, relative to the provider's API root. */
  allowedPaths?: readonly string[] | undefined;
  /** Body features beyond plain inference that may be used; `[]` for none. Default: not looked into. */
  allowedFeatures?: readonly string[] | undefined;
  /** Countries of callers by ISO 3166-1 code, in capitals (`['DE', 'AT']`). Works only at a relay with `server.country_header` or `server.geoip_file`. */
  allowedCountries?: readonly string[] | undefined;
  /** At most `requests` in any window of `perSeconds` seconds. */
  rateLimit?: { readonly requests: number; readonly perSeconds: number } | undefined;
  /** Requests at the same time. */
  maxConcurrency?: number | undefined;
  /** Model tokens in total. Refused until the relay supports it. */
  maxTokens?: number | undefined;
  /** Spend in millionths of a US dollar. Refused until the relay supports it. */
  maxMicroUsd?: number | undefined;
  /** Bytes of one request body. */
  maxRequestBytes?: number | undefined;
  /** Bytes of one answer. */
  maxResponseBytes?: number | undefined;
  /** Seconds one stream may last. */
  maxStreamSeconds?: number | undefined;
  /** `nonce`: each request needs a fresh `Relay-Nonce`; `idempotency`: a repeated `Idempotency-Key` is refused. */
  replay?: 'nonce' | 'idempotency' | undefined;
  /** Body members forced on every JSON request. */
  set?: Readonly<Record<string, JsonValue>> | undefined;
  /** Ceilings on numeric body members, e.g. `{ max_tokens: 1024 }`. */
  cap?: Readonly<Record<string, number>> | undefined;
  /** What the relay does when its shared store is down. Default `closed`. */
  storeDown?: 'closed' | 'open' | undefined;
  /** Free data, at most 512 bytes as JSON; readable by whoever holds the key file. */
  meta?: JsonValue | undefined;
}

const DEFAULT_PROVIDER = 'openai';
const DEFAULT_CALLS = 100;
const DEFAULT_EXPIRE_SECONDS = 3600;
const JTI_BYTES = 16;

/** Which claim each option becomes; also the list of known options. */
const CLAIM_OF: Readonly<Record<keyof GenerateOptions, string>> = {
  provider: 'upstream.provider',
  apiKey: 'upstream.key',
  credential: 'upstream.credential',
  vault: 'upstream.vault',
  vars: 'upstream.vars',
  base: 'upstream.base',
  upstreams: 'upstream',
  maxCalls: 'limits.calls',
  maxAttempts: 'limits.attempts',
  expireSeconds: 'exp',
  notBeforeSeconds: 'nbf',
  subject: 'sub',
  allowedIps: 'ips',
  allowedOrigins: 'origins',
  allowedModels: 'models',
  allowedPaths: 'paths',
  allowedFeatures: 'features',
  allowedCountries: 'countries',
  rateLimit: 'limits.rate',
  maxConcurrency: 'limits.concurrency',
  maxTokens: 'limits.tokens',
  maxMicroUsd: 'limits.micro_usd',
  maxRequestBytes: 'limits.request_bytes',
  maxResponseBytes: 'limits.response_bytes',
  maxStreamSeconds: 'limits.stream_seconds',
  replay: 'replay',
  set: 'set',
  cap: 'cap',
  storeDown: 'store_down',
  meta: 'meta',
};

/** Every option name, for front ends such as the command line. */
export const OPTION_NAMES = Object.keys(CLAIM_OF) as readonly (keyof GenerateOptions)[];

/** The option that a claim came from, for messages; the claim itself when none did. */
export function optionForClaim(claim: string): string {
  const exact = OPTION_NAMES.find((name) => CLAIM_OF[name] === claim);
  if (exact) return exact;
  const parent = OPTION_NAMES.filter(
    (name) => claim.startsWith(`${CLAIM_OF[name]}.`) || claim.startsWith(`${CLAIM_OF[name]}[`),
  );
  return parent.sort((a, b) => CLAIM_OF[b].length - CLAIM_OF[a].length)[0] ?? claim;
}

/** What claims are made with beside the options. */
export interface Issue {
  readonly iss: string;
  readonly aud: string;
  readonly nowSeconds: number;
  /** Told of keys that open more than model calls. */
  readonly warn: (warning: string) => void;
}

/** Options as claims. Throws a TypeError that names the wrong option; values are never shown. */
export function claimsFromOptions(
  options: GenerateOptions,
  { iss, aud, nowSeconds, warn }: Issue,
): MintClaims {
  refuseUnknown(options);
  const expireSeconds = wholeNumber('expireSeconds', options.expireSeconds ?? DEFAULT_EXPIRE_SECONDS, 1);
  const notBefore = options.notBeforeSeconds;
  const calls =
    options.maxCalls === null ? undefined : wholeNumber('maxCalls', options.maxCalls ?? DEFAULT_CALLS, 0);
  return {
    iss,
    aud,
    jti: encodeBase64Url(randomBytes(JTI_BYTES)),
    iat: nowSeconds,
    exp: nowSeconds + expireSeconds,
    nbf: notBefore === undefined ? undefined : nowSeconds + wholeNumber('notBeforeSeconds', notBefore, 0),
    sub: options.subject,
    upstream: upstreamFrom(options, warn),
    limits: {
      calls,
      attempts: options.maxAttempts,
      rate: rateFrom(options.rateLimit),
      concurrency: options.maxConcurrency,
      tokens: options.maxTokens,
      micro_usd: options.maxMicroUsd,
      request_bytes: options.maxRequestBytes,
      response_bytes: options.maxResponseBytes,
      stream_seconds: options.maxStreamSeconds,
    },
    ips: options.allowedIps,
    origins: options.allowedOrigins,
    models: options.allowedModels,
    paths: options.allowedPaths,
    features: options.allowedFeatures,
    countries: options.allowedCountries,
    replay: options.replay,
    set: options.set,
    cap: options.cap,
    store_down: options.storeDown,
    meta: options.meta,
  };
}

function upstreamFrom(options: GenerateOptions, warn: Issue['warn']): MintUpstream | readonly MintUpstream[] {
  if (options.upstreams === undefined) return oneUpstream(options, '', warn);
  const doubled = (['provider', 'apiKey', 'credential', 'vault', 'vars', 'base'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (doubled) throw new TypeError(`${doubled}: give either upstreams or ${doubled}, not both`);
  if (!Array.isArray(options.upstreams) || options.upstreams.length === 0) {
    throw new TypeError('upstreams: give a list with one entry');
  }
  return options.upstreams.map((entry, index) => oneUpstream(entry, `upstreams[${index}].`, warn));
}

function oneUpstream(options: UpstreamOptions, at: string, warn: Issue['warn']): MintUpstream {
  const given = (['apiKey', 'credential', 'vault'] as const).filter((name) => options[name] !== undefined);
  if (given.length !== 1) {
    const how = given.length === 0 ? 'is missing' : 'stands beside another credential';
    throw new TypeError(
      `${at}${given[0] ?? 'apiKey'}: ${how}; give exactly one of apiKey, credential and vault`,
    );
  }
  if (options.apiKey === '') throw new TypeError(`${at}apiKey: is empty; is the environment variable set?`);
  if (options.vault !== undefined && options.vars !== undefined) {
    throw new TypeError(
      `${at}vars: the vault entry says where its key goes; remove them here, and give them there ("vault" in config.json)`,
    );
  }
  const provider = options.provider ?? DEFAULT_PROVIDER;
  const parts = options.credential === undefined ? null : partsOf(options.credential, at);
  const upstream: MintUpstream = {
    provider,
    ...(options.apiKey !== undefined && { key: wrap(options.apiKey) }),
    ...(parts !== null && { credential: parts }),
    ...(options.vault !== undefined && { vault: options.vault }),
    ...(options.vars !== undefined && { vars: options.vars }),
    ...(options.base !== undefined && { base: options.base }),
  };
  const ownBase = options.base !== undefined;
  judgePart(upstream.key, `${at}apiKey`, { provider, field: 'key', ownBase }, warn);
  for (const [field, part] of Object.entries(parts ?? {})) {
    judgePart(part, `${at}credential.${field}`, { provider, field, ownBase }, warn);
  }
  return upstream;
}

/** A key that no relay would take is refused where it is sealed; one that opens more than model calls is told of. */
function judgePart(part: unknown, option: string, place: KeyPlace, warn: Issue['warn']): void {
  // whatever is no text is left for the claims' own rules
  const verdict = part instanceof Secret ? judgeKey(part, place) : null;
  if (verdict === null) return;
  const told = `${option}: this key ${verdict.reason}; ${verdict.fix}`;
  if (verdict.kind === 'refused') throw new TypeError(told);
  warn(told);
}

/** A caller's plain key becomes a Secret here, so that nothing that comes later can show it; what is no text is left for the claims' own rules. */
function wrap<T>(value: T): T | Secret {
  return typeof value === 'string' ? new Secret(value) : value;
}

function rateFrom(rate: GenerateOptions['rateLimit']): readonly [number, number] | undefined {
  if (rate === undefined) return undefined;
  if (typeof rate !== 'object' || rate === null) {
    throw new TypeError('rateLimit: give { requests, perSeconds }');
  }
  return [
    wholeNumber('rateLimit.requests', rate.requests, 1),
    wholeNumber('rateLimit.perSeconds', rate.perSeconds, 1),
  ];
}

function wholeNumber(name: string, value: unknown, least: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new TypeError(`${name}: must be a whole number of at least ${least}`);
  }
  return value;
}

function refuseUnknown(options: unknown): asserts options is GenerateOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError('options: give an object');
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(CLAIM_OF, name));
  if (unknown === undefined) return;
  const near = OPTION_NAMES.find(
    (name) => name.toLowerCase().replaceAll('_', '') === unknown.toLowerCase().replaceAll('_', ''),
  );
  throw new TypeError(
    `${unknown}: no such option${near ? `; did you mean ${near}?` : `; known are ${OPTION_NAMES.join(', ')}`}`,
  );
}
