/**
 * Remembers which credentials an upstream has just refused, so that a broken key is not hammered (behaviour.md §5).
 * While one rests its calls are refused with `upstream_auth` before anything is sent. Damping only: forgetting an entry costs one more try.
 */
import { LRUCache } from 'lru-cache';
import { encodeBase64Url, encodeUtf8, sha256 } from 'relayapi-token';
import type { Clock } from '../clock.ts';
import type { Route } from '../exchange.ts';
import { CREDENTIAL_REST_MS } from './options.ts';

/** The resting credentials. */
export interface CredentialRest {
  /** True while the route's credential rests at its origin. A route without a credential never does. */
  isResting(route: Route): boolean;
  /** Lets the route's credential rest from now on. */
  rest(route: Route): void;
}

const MAX_RESTING = 10_000;

/** Makes the memory. Keyed by a digest, so that no credential is kept as a map key. */
export function createCredentialRest(clock: Clock): CredentialRest {
  const until = new LRUCache<string, number>({ max: MAX_RESTING });

  function keyOf(route: Route): string | null {
    if (route.credential === null) return null;
    return encodeBase64Url(
      sha256(encodeUtf8(`${route.destination.origin}\0${route.credential.value.reveal()}`)),
    );
  }

  return {
    isResting(route) {
      if (until.size === 0) return false;
      const key = keyOf(route);
      const end = key === null ? undefined : until.get(key);
      if (key === null || end === undefined) return false;
      if (clock.monotonicMs() < end) return true;
      until.delete(key);
      return false;
    },
    rest(route) {
      const key = keyOf(route);
      if (key !== null) until.set(key, clock.monotonicMs() + CREDENTIAL_REST_MS);
    },
  };
}
