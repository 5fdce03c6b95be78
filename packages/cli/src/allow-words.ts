/** What a key file grants and takes back, in words for people (token spec §7, `allow` and `revoke`). */
import type { Allow, Revoke } from 'relayapi-token';
import { formatSpan, formatTime } from './times.ts';

const list = (items: readonly string[]): string => items.join(', ');

/** One sentence per grant or demand, the widest first. */
export function describeAllow(allow: Allow): string[] {
  return [
    allow.providers === undefined
      ? 'every provider of the registry'
      : `providers ${list(allow.providers) || 'none'}`,
    allow.vault.length > 0 ? `keys of the vault: ${list(allow.vault)}` : 'no keys of the vault',
    ...(allow.hosts.length > 0 ? [`other hosts by "base": ${list(allow.hosts)}`] : []),
    allow.paths.length > 0 ? `inference, and on demand ${list(allow.paths)}` : 'inference endpoints only',
    `tokens live ${formatSpan(allow.max_ttl_seconds)} at most`,
    ...(allow.max_calls === undefined ? [] : [`${allow.max_calls} calls each at most`]),
    ...(allow.require.length > 0 ? [`must carry ${list(allow.require)}`] : []),
    ...(allow.features === undefined ? [] : [`body features ${list(allow.features) || 'none'}`]),
    ...describePerSub(allow.per_sub),
    ...(allow.store_down === true ? ['may stay open when the store is down'] : []),
  ];
}

function describePerSub(bounds: Allow['per_sub']): string[] {
  if (bounds === undefined) return [];
  const { calls, rate, concurrency, tokens } = bounds;
  const parts = [
    calls === undefined ? null : `${calls} calls`,
    rate === undefined ? null : `${rate[0]} calls in ${formatSpan(rate[1])}`,
    concurrency === undefined ? null : `${concurrency} at a time`,
    tokens === undefined ? null : `${tokens} model tokens`,
  ].filter((part) => part !== null);
  return [`per subject: ${list(parts) || 'a subject must be named'}`];
}

/** What was taken back; empty when nothing was. Ids are counted, not listed: there may be thousands. */
export function describeRevoke({ iat_before: before, sub, jti, kid = [] }: Revoke): string[] {
  const subjects = Object.keys(sub).length;
  return [
    ...(before > 0 ? [`revoked: all issued before ${formatTime(before)}`] : []),
    ...(jti.length > 0 ? [`revoked: ${jti.length} tokens by id`] : []),
    ...(subjects > 0 ? [`revoked: older tokens of ${subjects} subjects`] : []),
    ...(kid.length > 0 ? [`revoked: tokens of keys ${list(kid)}`] : []),
  ];
}
