/**
 * What an authentic token may still be refused for (token spec §4 step 9): revocation, time, unknown claims, the file's allow.
 * Synchronous and cheap: run again on every hit of a cache of opened tokens.
 */
import { LIMIT_RULES } from './claim-rules.ts';
import {
  type Claims,
  findUnsupported,
  type Limits,
  type TokenFeatures,
  type UpstreamClaim,
} from './claims.ts';
import { type IssuerEntry, type Keyring, stateOf } from './keyring.ts';
import { hasEnded, type OpenedToken } from './open-checks.ts';
import type { Allow, Revoke } from './rai-allow.ts';

/** A refusal; `claim` names the claim at fault where one is. */
export interface TokenDenial {
  code:
    | 'token_invalid'
    | 'token_expired'
    | 'token_not_yet_valid'
    | 'token_unsupported'
    | 'claim_not_allowed'
    | 'token_revoked';
  claim?: string;
}

/** Whether a `paths` entry of a token reaches account-wide endpoints of an upstream. */
export type ReachesAccount = (upstream: UpstreamClaim, path: string) => boolean;

/** What a relay knows when it judges. */
export interface JudgeOptions {
  /** Seconds. */
  now: number;
  supported: TokenFeatures;
  /** Account-wide paths must stand in `allow.paths`; absent: not judged here. */
  reachesAccount?: ReachesAccount;
}

/** How long before its `nbf` a token may be used, for clocks that differ. */
const NOT_BEFORE_SKEW_SECONDS = 60;

/** The first reason to refuse, or null. In order: key gone, revoked, expired, not yet valid, unsupported, not allowed. */
export function judgeToken(opened: OpenedToken, keyring: Keyring, options: JudgeOptions): TokenDenial | null {
  const { claims } = opened;
  const { now } = options;
  const issuer = issuerOf(opened, keyring, now);
  if (issuer === null) return { code: 'token_invalid' };
  const revoked = findRevocation(opened, issuer.revoke);
  if (revoked !== null) return { code: 'token_revoked', claim: revoked };
  if (claims.exp <= now) return { code: 'token_expired', claim: 'exp' };
  if (claims.nbf !== undefined && claims.nbf > now + NOT_BEFORE_SKEW_SECONDS) {
    return { code: 'token_not_yet_valid', claim: 'nbf' };
  }
  const unsupported = findUnsupported(opened, options.supported);
  if (unsupported !== null) return { code: 'token_unsupported', claim: unsupported };
  const excess = findExcess(claims, issuer.allow, options.reachesAccount);
  return excess === null ? null : { code: 'claim_not_allowed', claim: excess };
}

/** The `allow` that holds for a token; null when its key is no longer loaded. */
export function allowOf(opened: OpenedToken, keyring: Keyring): Allow | null {
  return issuerOf(opened, keyring, null)?.allow ?? null;
}

/** The issuer behind a token's keys, if they are all still loaded and (`now` given) have not ended. */
function issuerOf(opened: OpenedToken, keyring: Keyring, now: number | null): IssuerEntry | null {
  const state = stateOf(keyring);
  const outer = state.outer.get(opened.kid);
  if (outer === undefined || outer.aud !== opened.claims.aud) return null;
  const signer = opened.signerKid === undefined ? undefined : state.signers.get(opened.signerKid);
  const issuer = opened.signerKid === undefined ? outer.issuer : signer?.issuer;
  if (issuer === undefined || issuer === null || issuer.iss !== opened.claims.iss) return null;
  if (now === null) return issuer;
  if (hasEnded(outer.entry, now) || (signer !== undefined && hasEnded(signer.entry, now))) return null;
  return issuer;
}

function findRevocation(opened: OpenedToken, revoke: Revoke): string | null {
  const { jti, sub, iat } = opened.claims;
  if (revoke.kid?.includes(opened.kid) || revoke.kid?.includes(opened.signerKid ?? opened.kid)) return 'kid';
  if (revoke.jti.includes(jti)) return 'jti';
  if (iat < revoke.iat_before) return 'iat';
  if (sub !== undefined && Object.hasOwn(revoke.sub, sub) && iat < (revoke.sub[sub] as number)) return 'sub';
  return null;
}

/** The first claim that asks for more than a key file's `allow` grants, or null. Used at mint too. */
export function findExcess(claims: Claims, allow: Allow, reachesAccount?: ReachesAccount): string | null {
  if (claims.exp - claims.iat > allow.max_ttl_seconds) return 'exp';
  const calls = claims.limits.calls ?? Number.POSITIVE_INFINITY;
  if (allow.max_calls !== undefined && calls > allow.max_calls) return 'limits.calls';
  const missing = allow.require.find((name) => !carries(claims, name));
  if (missing !== undefined) return missing in LIMIT_RULES ? `limits.${missing}` : missing;
  if (allow.per_sub !== undefined && claims.sub === undefined) return 'sub';
  return (
    findUpstreamExcess(claims.upstream, allow) ??
    findPathExcess(claims, allow, reachesAccount) ??
    findFeatureExcess(claims, allow) ??
    findStoreExcess(claims, allow)
  );
}

function carries(claims: Claims, name: string): boolean {
  return name in LIMIT_RULES
    ? claims.limits[name as keyof Limits] !== undefined
    : claims[name as keyof Claims] !== undefined;
}

function findUpstreamExcess(upstreams: readonly UpstreamClaim[], allow: Allow): string | null {
  for (const { provider, vault, base } of upstreams) {
    if (allow.providers !== undefined && !allow.providers.includes(provider)) return 'upstream.provider';
    if (vault !== undefined && !allow.vault.includes(vault)) return 'upstream.vault';
    if (base !== undefined && !allow.hosts.includes(new URL(base).host)) return 'upstream.base';
  }
  return null;
}

function findPathExcess(claims: Claims, allow: Allow, reachesAccount?: ReachesAccount): string | null {
  if (reachesAccount === undefined || claims.paths === undefined) return null;
  const beyond = claims.paths.some(
    (path) =>
      !allow.paths.some((granted) => covers(granted, path)) &&
      claims.upstream.some((upstream) => reachesAccount(upstream, path)),
  );
  return beyond ? 'paths' : null;
}

/** Whether all that `path` opens is open under `granted`. */
function covers(granted: string, path: string): boolean {
  return granted === path || (granted.endsWith('/*') && path.startsWith(granted.slice(0, -1)));
}

function findFeatureExcess(claims: Claims, allow: Allow): string | null {
  const granted = allow.features;
  if (granted === undefined) return null;
  // without the claim bodies are not looked into, which is the widest of all
  return claims.features?.every((feature) => granted.includes(feature)) === true ? null : 'features';
}

/** Local counters may not stand in for money, model tokens, replay or the first address. */
function findStoreExcess(claims: Claims, allow: Allow): string | null {
  if (claims.store_down !== 'open') return null;
  const { tokens, micro_usd } = claims.limits;
  const exact = tokens !== undefined || micro_usd !== undefined || claims.replay !== undefined;
  return allow.store_down === true && !exact && typeof claims.ips !== 'string' ? null : 'store_down';
}
