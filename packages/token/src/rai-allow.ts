/**
 * The relay's side of a `.rai` file: what it grants (`allow`) and what it takes back (`revoke`) (token spec §7).
 */
import {
  CLAIM_RULES,
  isCount,
  isName,
  isPathEntry,
  isProviderName,
  isRate,
  isVaultName,
  LIMIT_RULES,
} from './claim-rules.ts';
import {
  below,
  type FieldRule,
  type JsonObject,
  type Place,
  readField,
  readList,
  readObject,
  readOptional,
  report,
  showName,
} from './rai-problems.ts';
import type { JsonValue } from './strict-json.ts';

/** What a key file grants to the tokens of one issuer. Names as in the file. */
export interface Allow {
  /** Provider names; absent: every provider of the registry. */
  providers?: readonly string[];
  /** Hosts (`host` or `host:port`) that a `base` may name; default none. */
  hosts: readonly string[];
  /** Vault names; default none. */
  vault: readonly string[];
  /** Account-wide paths that a `paths` claim may open; default none. */
  paths: readonly string[];
  /** Longest `exp - iat`; default 86,400. */
  max_ttl_seconds: number;
  /** Most `limits.calls`; a token without `calls` is refused too. */
  max_calls?: number;
  /** Claims or limits that every token must carry (`calls`, `origins`, …). */
  require: readonly string[];
  /** Bounds over all live tokens of one `sub`; a token without `sub` is refused. */
  per_sub?: {
    tokens?: number;
    calls?: number;
    rate?: readonly [count: number, seconds: number];
    concurrency?: number;
  };
  /** Lets tokens say `store_down: "open"`; default false. */
  store_down?: boolean;
  /** The only names a `features` claim may hold; a token without the claim is refused. */
  features?: readonly string[];
}

/** Tokens that are refused although authentic. */
export interface Revoke {
  /** Tokens issued before this time (seconds); 0 = none. */
  iat_before: number;
  /** Per `sub`: its tokens issued before this time. */
  sub: Readonly<Record<string, number>>;
  /** Token ids. */
  jti: readonly string[];
  /** Key ids whose tokens are refused. */
  kid?: readonly string[];
}

/** Longest life of a token when a file does not say: one day. */
export const DEFAULT_MAX_TTL_SECONDS = 86_400;

const count: FieldRule<number> = { test: isCount, expects: 'a whole number', fix: 'write 0 or more' };
const positive: FieldRule<number> = {
  test: (v): v is number => isCount(v) && v > 0,
  expects: 'a whole number above 0',
  fix: 'write 1 or more',
};
const flag: FieldRule<boolean> = {
  test: (v): v is boolean => typeof v === 'boolean',
  expects: 'true or false',
  fix: 'write true or false',
};
const rate: FieldRule<JsonValue[]> = {
  test: (v): v is JsonValue[] => isRate(v),
  expects: '[count, seconds], both above 0',
  fix: 'write [10, 60] for ten a minute',
};
const text = (test: (v: JsonValue) => v is string, expects: string, fix: string): FieldRule<string> => ({
  test,
  expects,
  fix,
});

const providerRule = text(isProviderName, 'the name of a provider', 'write a name of the registry, "openai"');
const hostRule = text(
  (v): v is string => typeof v === 'string' && isHost(v),
  'a host, or host:port, in lower case',
  'write it without scheme, path or star',
);
const vaultRule = text(isVaultName, 'the name of a vault entry', 'write a name of the vault in config.json');
const pathRule = text(
  (v): v is string => typeof v === 'string' && isPathEntry(v),
  'a method and a path, exact or ending in /*',
  'write "GET /files/*"',
);
const nameRule = text(isName, 'printable ASCII without spaces', 'write a name');
const demandRule = text(
  (v): v is string =>
    typeof v === 'string' && (Object.hasOwn(CLAIM_RULES, v) || Object.hasOwn(LIMIT_RULES, v)),
  'the name of a claim or limit',
  'write a name such as "calls" or "origins"',
);

/** A host name, IPv4 or bracketed IPv6 address as URLs write it, with a port where it is not 443. */
function isHost(value: string): boolean {
  if (!/^[a-z0-9.:[\]_-]{1,260}$/.test(value)) return false;
  try {
    return new URL(`https://${value}/`).host === value;
  } catch {
    return false;
  }
}

/** Adds a member only where it has a value, as exact optional types want it. */
function given<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: V };
}

/** Reads `allow`, filling in the defaults; absent means the narrow default grant. */
export function readAllow(value: JsonValue | undefined, place: Place): Allow {
  const names = [
    'providers',
    'hosts',
    'vault',
    'paths',
    'max_ttl_seconds',
    'max_calls',
    'require',
    'per_sub',
    'store_down',
    'features',
  ];
  const object = value === undefined ? {} : (readObject(value, place, names) ?? {});
  return {
    ...given('providers', readList(object, 'providers', place, providerRule)),
    hosts: readList(object, 'hosts', place, hostRule) ?? [],
    vault: readList(object, 'vault', place, vaultRule) ?? [],
    paths: readList(object, 'paths', place, pathRule) ?? [],
    max_ttl_seconds: readOptional(object, 'max_ttl_seconds', place, positive) ?? DEFAULT_MAX_TTL_SECONDS,
    ...given('max_calls', readOptional(object, 'max_calls', place, count)),
    require: readList(object, 'require', place, demandRule) ?? [],
    ...given('per_sub', readPerSub(object, place)),
    ...given('store_down', readOptional(object, 'store_down', place, flag)),
    ...given('features', readList(object, 'features', place, nameRule)),
  };
}

function readPerSub(object: JsonObject, place: Place): Allow['per_sub'] {
  if (!Object.hasOwn(object, 'per_sub')) return undefined;
  const at = below(place, '.per_sub');
  const inner = readObject(object.per_sub, at, ['tokens', 'calls', 'rate', 'concurrency']) ?? {};
  return {
    ...given('tokens', readOptional(inner, 'tokens', at, count)),
    ...given('calls', readOptional(inner, 'calls', at, count)),
    ...given('rate', readOptional(inner, 'rate', at, rate) as [number, number] | undefined),
    ...given('concurrency', readOptional(inner, 'concurrency', at, count)),
  };
}

/** Reads `revoke`; absent revokes nothing. */
export function readRevoke(value: JsonValue | undefined, place: Place): Revoke {
  const object =
    value === undefined ? {} : (readObject(value, place, ['iat_before', 'sub', 'jti', 'kid']) ?? {});
  return {
    iat_before: readOptional(object, 'iat_before', place, count) ?? 0,
    sub: readSubs(object, below(place, '.sub')),
    jti: readList(object, 'jti', place, nameRule) ?? [],
    ...given('kid', readList(object, 'kid', place, nameRule)),
  };
}

/** A Map would be safer than an object for names from outside; no prototype makes it as safe. */
function readSubs(object: JsonObject, place: Place): Record<string, number> {
  const subs: Record<string, number> = Object.create(null);
  if (!Object.hasOwn(object, 'sub')) return subs;
  const value = object.sub;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(place, '', 'is not an object', 'write {"user-42": <seconds>}');
    return subs;
  }
  for (const name of Object.keys(value)) {
    const at = { problems: [], path: '' };
    const time = readField(value, name, at, count);
    if (time === undefined)
      report(place, `.${showName(name)}`, 'must be a time in whole seconds', 'write a time');
    else subs[name] = time;
  }
  return subs;
}
