/** The size that a request declares against what it may have; what it turns out to have is counted where the body is read. */
import type { Claims } from 'relayapi-token';
import { type Denial, deny } from '../../errors.ts';

/** Bytes that a body may have: the configured ceiling, lowered by the token's `request_bytes`. */
export function maxRequestBytes(claims: Claims, ceilingBytes: number): number {
  return Math.min(ceilingBytes, claims.limits.request_bytes ?? ceilingBytes);
}

/** `request_too_large` when the declared length is over the limit already; null length: not declared. */
export function checkDeclaredSize(declaredBytes: number | null, maxBytes: number): Denial | null {
  return declaredBytes !== null && declaredBytes > maxBytes ? deny('request_too_large') : null;
}
