/**
 * Remembers which credentials an upstream has just refused, so that a broken key is not hammered (behaviour.md §5).
 * While one rests its calls are refused with `upstream_auth` before anything is sent. Damping only: forgetting an entry costs one more try.
 */
import { encodeBase64Url, encodeUtf8, sha256 } from 'relayapi-token';
import type { Clock } from '../clock.ts';
import type { Opened, Route } from '../exchange.ts';
import { createLateLru } from '../late-lru.ts';
import { CREDENTIAL_REST_MS } from './options.ts';

/** Who a refusal speaks about: the key as such, or the key for what one token asked. */
export type RestScope = 'credential' | 'token';

/** The resting credentials. */
export interface CredentialRest {
  /** True while the route's credential rests at its origin, for everybody or for this token. A route without a credential never does. */
  isResting(route: Route, opened: Opened): boolean;
  /** Lets the route's credential rest from now on. */
  rest(route: Route, opened: Opened, scope: RestScope): void;
}

const MAX_RESTING = 10_000;

/** Makes the memory. Keyed by a digest, so that no credential is kept as a map key. */
export function createCredentialRest(clock: Clock): CredentialRest {
  const until = createLateLru<string, number>({ max: MAX_RESTING });
  let lastEndMs = Number.NEGATIVE_INFINITY;

  function keyOf(route: Route, token: string): string | null {
    const { credential } = route;
    if (credential === null) return null;
    const { origin } = route.destination;
    const isMade = credential.kind === 'made';
    const of = isMade ? Object.values(credential.ingredients.parts) : [credential.value];
    // a token may be refused at the endpoint that one tenant's variables name, and be had at another's
    const vars = isMade ? JSON.stringify(credential.ingredients.vars) : '';
    const text = [...of.map((secret) => secret.reveal()), vars].join('\0');
    return encodeBase64Url(sha256(encodeUtf8(`${origin}\0${token}\0${text}`)));
  }

  function isUnder(key: string | null): boolean {
    const end = key === null ? undefined : until.get(key);
    return end !== undefined && clock.monotonicMs() < end;
  }

  return {
    isResting(route, opened) {
      // Hashing is for the rare time in which anything rests at all.
      if (clock.monotonicMs() >= lastEndMs) return false;
      return isUnder(keyOf(route, '')) || isUnder(keyOf(route, identityOf(opened)));
    },
    rest(route, opened, scope) {
      const key = keyOf(route, scope === 'credential' ? '' : identityOf(opened));
      if (key === null) return;
      lastEndMs = clock.monotonicMs() + CREDENTIAL_REST_MS;
      until.set(key, lastEndMs);
    },
  };
}

function identityOf({ claims: { iss, jti } }: Opened): string {
  return `${iss}\0${jti}`;
}
