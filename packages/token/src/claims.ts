/**
 * The claims of a token: their types and the shape part of opening (token spec §4 step 8, §5).
 * Not here: anything that needs the clock or the key file (open.ts, judge.ts).
 */
import { CLAIM_RULES, type ClaimRule, isObject, LIMIT_RULES, REQUIRED_CLAIMS } from './claim-rules.ts';
import { Secret } from './secret.ts';
import { type JsonValue, parseStrictJson } from './strict-json.ts';

/** Where a token's calls may go, and with which credential: exactly one of `key`, `credential`, `vault`. */
export interface UpstreamClaim {
  provider: string;
  key?: Secret;
  credential?: Readonly<Record<string, Secret>>;
  vault?: string;
  vars?: Readonly<Record<string, string>>;
  base?: string;
}

/** Ceilings over a token's life; an absent one does not apply. */
export interface Limits {
  calls?: number;
  attempts?: number;
  rate?: readonly [count: number, seconds: number];
  concurrency?: number;
  tokens?: number;
  micro_usd?: number;
  request_bytes?: number;
  response_bytes?: number;
  stream_seconds?: number;
}

/** Claims as opened: `upstream` is always a list, `limits` always there, keys are `Secret`s. Times are whole seconds. */
export interface Claims {
  iss: string;
  aud: string;
  jti: string;
  iat: number;
  exp: number;
  nbf?: number;
  sub?: string;
  cnf?: { jkt: string };
  upstream: readonly UpstreamClaim[];
  limits: Limits;
  models?: readonly string[];
  paths?: readonly string[];
  features?: readonly string[];
  origins?: readonly string[];
  /** CIDR list, or `first`, or `first/24,48`. */
  ips?: readonly string[] | string;
  set?: Readonly<Record<string, JsonValue>>;
  cap?: Readonly<Record<string, number>>;
  /** ISO 3166-1 alpha-2, capitals, at least one. */
  countries?: readonly string[];
  replay?: 'nonce' | 'idempotency';
  store_down?: 'closed' | 'open';
  meta?: JsonValue;
}

/** Well-formed claims and the names in them that this release does not know (`foo`, `limits.bar`). */
export interface ParsedClaims {
  claims: Claims;
  unknown: readonly string[];
}

/** What a relay can enforce beyond the core; a claim that needs more is `token_unsupported`. */
export interface TokenFeatures {
  countries: boolean;
  ipsFirst: boolean;
  modelTokens: boolean;
  money: boolean;
  proofOfPossession: boolean;
  upstreamList: boolean;
}

/** What every relay of this release supports, however it is set up: none of the optional features. */
export const CORE_FEATURES: TokenFeatures = Object.freeze({
  countries: false,
  ipsFirst: false,
  modelTokens: false,
  money: false,
  proofOfPossession: false,
  upstreamList: false,
});

/** What a relay of this release can be set up to support: what may be minted. `countries` asks for `server.country_header` or `server.geoip_file`. */
export const RELEASE_FEATURES: TokenFeatures = Object.freeze({ ...CORE_FEATURES, countries: true });

/** Why claims are malformed: the claim, and what it should be. Never holds the value. */
export interface ClaimFault {
  claim: string;
  reason: string;
}

type RuleMap = ReadonlyMap<string, ClaimRule>;
type JsonObject = { [k: string]: JsonValue };

const CLAIMS_BY_NAME: RuleMap = new Map(Object.entries(CLAIM_RULES));
const LIMITS_BY_NAME: RuleMap = new Map(Object.entries(LIMIT_RULES));

/** Claims from their UTF-8 JSON; null when any rule of shape is broken. */
export function parseClaims(bytes: Uint8Array): ParsedClaims | null {
  let value: JsonValue;
  try {
    value = parseStrictJson(bytes);
  } catch {
    return null;
  }
  const checked = checkClaims(value);
  return 'fault' in checked ? null : checked.parsed;
}

/** The same on a parsed value, naming the fault: for whoever mints. */
export function checkClaims(value: JsonValue): { parsed: ParsedClaims } | { fault: ClaimFault } {
  if (!isObject(value)) return { fault: { claim: 'claims', reason: 'must be an object' } };
  const unknown: string[] = [];
  const fault =
    findMissing(value) ??
    findFault(value, CLAIMS_BY_NAME, '', unknown) ??
    findLimitFault(value, unknown) ??
    findConflict(value);
  return fault === null ? { parsed: { claims: buildClaims(value), unknown } } : { fault };
}

function findMissing(value: JsonObject): ClaimFault | null {
  const name = REQUIRED_CLAIMS.find((required) => !Object.hasOwn(value, required));
  return name === undefined ? null : { claim: name, reason: 'is missing' };
}

function findFault(value: JsonObject, rules: RuleMap, prefix: string, unknown: string[]): ClaimFault | null {
  for (const name of Object.keys(value)) {
    const rule = rules.get(name);
    if (rule === undefined) {
      // its members have rules of their own
      if (name === 'limits' && prefix === '') continue;
      unknown.push(prefix + name);
      continue;
    }
    const fault = rule.check(value[name] as JsonValue);
    if (fault !== null) return { claim: prefix + name + fault, reason: rule.expects };
  }
  return null;
}

function findLimitFault(value: JsonObject, unknown: string[]): ClaimFault | null {
  if (!Object.hasOwn(value, 'limits')) return null;
  if (!isObject(value.limits)) return { claim: 'limits', reason: 'must be an object' };
  return findFault(value.limits, LIMITS_BY_NAME, 'limits.', unknown);
}

/** Claims that are well formed one by one and wrong together. */
function findConflict(value: JsonObject): ClaimFault | null {
  const exp = value.exp as number;
  if ((value.iat as number) >= exp) return { claim: 'exp', reason: 'must be after iat' };
  if (value.nbf !== undefined && (value.nbf as number) >= exp) {
    return { claim: 'nbf', reason: 'must be before exp' };
  }
  const limits = value.limits as JsonObject | undefined;
  if (value.replay !== undefined && limits?.calls === undefined && limits?.attempts === undefined) {
    return { claim: 'replay', reason: 'needs limits.calls or limits.attempts' };
  }
  return null;
}

function pick(value: JsonObject, rules: RuleMap): JsonObject {
  const picked: JsonObject = {};
  for (const name of Object.keys(value)) if (rules.has(name)) picked[name] = value[name] as JsonValue;
  return picked;
}

/** Only after every check: the shapes are known. */
function buildClaims(value: JsonObject): Claims {
  const upstream = Array.isArray(value.upstream) ? value.upstream : [value.upstream as JsonValue];
  const claims = pick(value, CLAIMS_BY_NAME) as unknown as Claims;
  claims.upstream = upstream.map((item) => buildUpstream(item as JsonObject));
  claims.limits =
    value.limits === undefined ? {} : (pick(value.limits as JsonObject, LIMITS_BY_NAME) as Limits);
  return claims;
}

function buildUpstream(value: JsonObject): UpstreamClaim {
  const built = { ...value } as unknown as UpstreamClaim;
  if (value.key !== undefined) built.key = new Secret(value.key as string);
  if (value.credential !== undefined) {
    built.credential = Object.fromEntries(
      Object.entries(value.credential as JsonObject).map(([name, part]) => [
        name,
        new Secret(part as string),
      ]),
    );
  }
  return built;
}

/** Attempts a token has: as claimed, else min(2·calls+8, calls+100), else undefined (no bound). */
export function effectiveAttempts(limits: Limits): number | undefined {
  if (limits.attempts !== undefined || limits.calls === undefined) return limits.attempts;
  return Math.min(2 * limits.calls + 8, limits.calls + 100, Number.MAX_SAFE_INTEGER);
}

/** The first claim that a relay with `supported` cannot enforce, or null. Used when minting and when opening. */
export function findUnsupported(parsed: ParsedClaims, supported: TokenFeatures): string | null {
  const { claims, unknown } = parsed;
  if (unknown[0] !== undefined) return printable(unknown[0]);
  if (claims.cnf !== undefined && !supported.proofOfPossession) return 'cnf';
  if (claims.upstream.length > 1 && !supported.upstreamList) return 'upstream';
  if (claims.limits.tokens !== undefined && !supported.modelTokens) return 'limits.tokens';
  if (claims.limits.micro_usd !== undefined && !supported.money) return 'limits.micro_usd';
  if (typeof claims.ips === 'string' && !supported.ipsFirst) return 'ips';
  if (claims.countries !== undefined && !supported.countries) return 'countries';
  return null;
}

/** The name goes into answers and logs: a strange one is not repeated there. */
function printable(name: string): string {
  return /^[A-Za-z0-9_.-]{1,64}$/.test(name) ? name : '(a claim with an unusual name)';
}
