/**
 * The limits of a vault entry, laid over those of each token that names it (token spec §5 `upstream`): the lower one holds.
 * Not here: what the key file allows to stand in a token at all, which is the token package's.
 */
import type { Claims, Limits } from 'relayapi-token';

/** What of a vault entry bounds its tokens. */
export interface VaultBounds {
  readonly limits?: { readonly [K in keyof Limits]?: Limits[K] | undefined } | undefined;
}

type Rate = NonNullable<Limits['rate']>;
type Count = Exclude<keyof Limits, 'rate'>;

/** One rate that keeps both: where `n` are too many for the longer window they are for any shorter one. */
function lowerRate(own: Rate | undefined, other: Rate | undefined): Rate | undefined {
  if (own === undefined || other === undefined) return own ?? other;
  return [Math.min(own[0], other[0]), Math.max(own[1], other[1])];
}

function lowerLimits(own: Limits, other: NonNullable<VaultBounds['limits']>): Limits {
  const { rate: ownRate, ...lower } = own;
  const { rate: otherRate, ...counts } = other;
  for (const [name, bound] of Object.entries(counts) as [Count, number | undefined][]) {
    if (bound !== undefined) lower[name] = Math.min(lower[name] ?? bound, bound);
  }
  const rate = lowerRate(ownRate, otherRate);
  return rate === undefined ? lower : { ...lower, rate };
}

/** Claims as they bind the token's calls; the very same object where no vault entry of theirs has limits. */
export function boundByVault(claims: Claims, vault: ReadonlyMap<string, VaultBounds>): Claims {
  let { limits } = claims;
  for (const { vault: name } of claims.upstream) {
    const bounds = name === undefined ? undefined : vault.get(name)?.limits;
    if (bounds !== undefined) limits = lowerLimits(limits, bounds);
  }
  return limits === claims.limits ? claims : { ...claims, limits };
}
