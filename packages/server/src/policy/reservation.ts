/** From claims to what is reserved, and from a store's refusal to what the caller is told (behaviour spec §2, §3). */
import { type Allow, effectiveAttempts, encodeBase64Url, encodeUtf8, sha256 } from 'relayapi-token';
import { type Denial, deny } from '../errors.ts';
import type { Opened } from '../exchange.ts';
import type { ReservationRefusal, ReservationRequest } from '../stores/store.ts';
import type { Once } from './checks/replay.ts';
import { TOKEN_INVALID } from './opener.ts';

type Rate = readonly [count: number, seconds: number];

function rateOf(rate: Rate | undefined): Pick<ReservationRequest, 'rate'> {
  return rate === undefined ? {} : { rate: { count: rate[0], windowMs: rate[1] * 1000 } };
}

function defined<K extends string>(name: K, value: number | undefined): { readonly [P in K]?: number } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: number };
}

/** 16 bytes of SHA-256, base64url: enough to tell nonces apart, too little to give them away. */
function hashOnce(once: Once): string {
  return encodeBase64Url(sha256(encodeUtf8(`${once.kind} ${once.value}`)).subarray(0, 16));
}

function perSubjectOf(
  ceiling: NonNullable<Allow['per_sub']>,
  subject: string,
): ReservationRequest['perSubject'] {
  return {
    subject,
    ...defined('tokens', ceiling.tokens),
    ...defined('calls', ceiling.calls),
    ...defined('concurrency', ceiling.concurrency),
    ...rateOf(ceiling.rate),
  };
}

/** What one request of this token reserves; null when nothing of it needs a counter, so that the store is not touched. */
export function buildReservation(
  opened: Opened,
  allow: Allow,
  once: Once | null,
  leaseMs: number,
): ReservationRequest | null {
  const { claims, token } = opened;
  const { calls, concurrency, rate } = claims.limits;
  const attempts = effectiveAttempts(claims.limits);
  const perSubject =
    allow.per_sub === undefined || claims.sub === undefined
      ? undefined
      : perSubjectOf(allow.per_sub, claims.sub);
  const stateful = [calls, attempts, concurrency, rate, once ?? undefined, perSubject];
  if (stateful.every((limit) => limit === undefined)) return null;
  return {
    issuer: claims.iss,
    jti: claims.jti,
    claimsDigest: token.claimsDigest,
    issuedAtSeconds: claims.iat,
    expiresAtSeconds: claims.exp,
    ...defined('calls', calls),
    ...defined('attempts', attempts),
    ...rateOf(rate),
    ...defined('concurrency', concurrency),
    ...(once === null ? {} : { once: { kind: once.kind, hash: hashOnce(once) } }),
    ...(perSubject === undefined ? {} : { perSubject }),
    leaseMs,
  };
}

/** What a caller is told about a refused reservation. */
export function denyRefused(refusal: ReservationRefusal, request: ReservationRequest): Denial {
  const retry = refusal.retryAtMs === undefined ? {} : { retryAtMs: refusal.retryAtMs };
  const own = (limit: string) => ({ param: refusal.perSubject ? `per_sub.${limit}` : `limits.${limit}` });
  switch (refusal.refused) {
    case 'mismatch':
      return TOKEN_INVALID;
    case 'restarted':
      return deny('relay_restarted');
    case 'capacity':
      return deny('capacity', { reason: 'the counter store is full' });
    case 'calls':
      return deny('calls_exhausted', own('calls'));
    case 'subject-tokens':
      return deny('calls_exhausted', { param: 'per_sub.tokens' });
    case 'attempts':
      return deny('attempts_exhausted', own('attempts'));
    case 'rate':
      return deny('rate_limited', { ...own('rate'), ...retry });
    case 'concurrency': {
      const most = refusal.perSubject ? request.perSubject?.concurrency : request.concurrency;
      // where not even one may run no retry helps, so that a 429 would be wrong
      return deny(most === 0 ? 'calls_exhausted' : 'concurrency_limited', own('concurrency'));
    }
    case 'nonce':
      return deny('nonce_replayed');
    case 'idempotency':
      return deny('idempotency_replayed');
    case 'down':
      return deny('store_down', retry);
  }
}
