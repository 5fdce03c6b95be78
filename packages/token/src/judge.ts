/**
 * What an authentic token may still be refused for (token spec §4 step 9): revocation, time, unknown claims, the file's allow.
 * Synchronous and cheap: run again on every hit of a cache of opened tokens.
 */
import type { TokenFeatures, UpstreamClaim } from './claims.ts';
import type { Keyring } from './keyring.ts';
import type { OpenedToken } from './open.ts';
import type { Allow } from './rai.ts';

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

/** What a relay knows when it judges. */
export interface JudgeOptions {
  /** Seconds. */
  now: number;
  supported: TokenFeatures;
  /** Whether a `paths` entry reaches account-wide endpoints, which `allow.paths` must list; absent: not judged here. */
  reachesAccount?: (upstream: UpstreamClaim, path: string) => boolean;
}

/** The first reason to refuse, or null. */
export function judgeToken(
  _opened: OpenedToken,
  _keyring: Keyring,
  _options: JudgeOptions,
): TokenDenial | null {
  throw new Error('not built yet');
}

/** The `allow` that holds for a token; null when its key is no longer loaded. */
export function allowOf(_opened: OpenedToken, _keyring: Keyring): Allow | null {
  throw new Error('not built yet');
}
