/** Credentials that are made for a request, not just put in: signatures and short-lived tokens. The interface of this shelf; a scheme is data (providers/provider.ts). */
import type { Secret } from 'relayapi-token';
import type { ExchangedAuth, SignedAuth } from '../providers/provider.ts';

/** What a credential is made of. */
export interface Ingredients {
  readonly scheme: SignedAuth | ExchangedAuth;
  /** The credential's parts by field. */
  readonly parts: Readonly<Record<string, Secret>>;
  /** Variables of the provider's host. */
  readonly vars: Readonly<Record<string, string>>;
}

/** The request that a signature covers, as it will be sent. */
export interface RequestToSign {
  readonly method: string;
  /** `https://host`, without a path. */
  readonly origin: string;
  /** Path and query, byte for byte. */
  readonly path: string;
  /** Flat list, lower-case names. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

/** What is added to a request. */
export interface MadeCredential {
  /** Lines with lower-case names. They replace lines of the same names. */
  readonly headers: readonly (readonly [name: string, value: Secret])[];
  /** Put behind the query, encoded; null for none. */
  readonly query: Secret | null;
  /** Texts that must not come back, beside the credential's parts. The very same list for as long as the same token is used. */
  readonly secrets: readonly Secret[];
  /** To be told when the provider refused it: it is not used again. True when the next one may fare better. */
  refuse(): boolean;
}

/** A request to a token endpoint. */
export interface TokenFetch {
  readonly method: 'GET' | 'POST';
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  /** Flat list, lower-case names. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | null;
}

/**
 * Why there is no credential; `reason` is for the log and holds no secret. `unusable`: its parts are no such key. `refused`: the token endpoint
 * took none of them. `denied`: that endpoint's address is one the relay does not go to. `unreachable`: it could not be asked, or not now.
 * `invalid`: its answer cannot be read.
 */
export interface CredentialFault {
  readonly fault: 'unusable' | 'refused' | 'denied' | 'unreachable' | 'invalid';
  readonly reason: string;
}

/** What a token endpoint answered. */
export interface TokenReply {
  readonly status: number;
  readonly body: Uint8Array;
}

/** Sends a request to a token endpoint, by the relay's one door to upstreams. */
export type FetchToken = (request: TokenFetch) => Promise<TokenReply | CredentialFault>;

/** Makes credentials. */
export interface CredentialMaker {
  /** The credential for one request. `fetchToken` is asked only where nothing usable is remembered; who comes meanwhile waits for the same answer. */
  make(
    ingredients: Ingredients,
    request: RequestToSign,
    fetchToken: FetchToken,
  ): Promise<MadeCredential | CredentialFault>;
}

/** Whether a value is the reason for there being none. */
export function isFault<T extends object>(value: T | CredentialFault): value is CredentialFault {
  return 'fault' in value;
}

/** Whether a scheme's signature covers the body, so that all of it must be there first. */
export function signsBody(scheme: SignedAuth | ExchangedAuth): boolean {
  return scheme.kind === 'signed';
}
