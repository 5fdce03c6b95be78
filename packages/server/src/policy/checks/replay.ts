/** `replay`: the header that must be new for each request (token spec §5). Whether it is new, the store knows. */
import type { Claims } from 'relayapi-token';
import { type Denial, deny } from '../../errors.ts';
import type { Arrival } from '../../exchange.ts';
import type { ReservationRequest } from '../../stores/store.ts';

const NONCE = /^[\x21-\x7e]{16,64}$/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** A value to be used once, as sent. */
export interface Once {
  readonly kind: NonNullable<ReservationRequest['once']>['kind'];
  readonly value: string;
}

function countLines(arrival: Arrival, name: string): number {
  const { rawHeaders } = arrival.request;
  let lines = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === name) lines += 1;
  return lines;
}

function readHeader(arrival: Arrival, name: string, form: RegExp): string | null {
  // Two lines could show one value here and another one further on.
  if (countLines(arrival, name) > 1) return null;
  const value = arrival.header(name)?.trim();
  return value !== undefined && form.test(value) ? value : null;
}

/** The value that may be used once; `nonce_missing` when the claim asks for one and none of the right form came; null without the claim. */
export function readOnce(claims: Claims, arrival: Arrival): Once | Denial | null {
  const kind = claims.replay;
  if (kind === undefined) return null;
  const name = kind === 'nonce' ? 'relay-nonce' : 'idempotency-key';
  const value = readHeader(arrival, name, kind === 'nonce' ? NONCE : IDEMPOTENCY_KEY);
  return value === null ? deny('nonce_missing', { param: name }) : { kind, value };
}
