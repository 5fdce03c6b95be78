/** Builders of opened tokens and arrivals for routing's tests. Not part of the relay. */
import { type Allow, type Claims, Secret } from 'relayapi-token';
import type { Arrival, Opened, Route } from '../../src/exchange.ts';

/** An obviously fake key. */
export const KEY = 'sk-demo-not-a-key';

/** Claims with one upstream; `more` replaces members. */
export function openedWith(more: Partial<Claims> = {}): Opened {
  const claims: Claims = {
    iss: 'shop',
    aud: 'relay.example.com',
    jti: 'AAAAAAAAAAAAAAAAAAAAAA',
    iat: 1_000,
    exp: 2_000,
    upstream: [{ provider: 'openai', key: new Secret(KEY) }],
    limits: {},
    ...more,
  };
  const token = { claims, unknown: [], kid: 'k7Qx2a', claimsDigest: 'd', id: 'k7Qx2a:AAAAAAAA' };
  return { token, claims, name: token.id };
}

/** What routing reads of an arrival. */
export function arrivalFor(rest: string, more: Partial<Arrival> = {}): Arrival {
  return { method: 'POST', rest, query: null, ...more } as Arrival;
}

/** The header line of a route's credential, `name: value`; null where it is no header. */
export function lineOf({ credential }: Pick<Route, 'credential'>): string | null {
  return credential?.kind === 'header' ? `${credential.name}: ${credential.value.reveal()}` : null;
}

/** A key file's grants. */
export function allowWith(more: Partial<Allow> = {}): Allow {
  return { hosts: [], vault: [], paths: [], max_ttl_seconds: 86_400, require: [], ...more };
}
