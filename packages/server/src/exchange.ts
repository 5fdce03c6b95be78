/** The values that the stages hand to one another through the spine. Types only: what a request becomes on its way. */
import type { Claims, OpenedToken, Secret } from 'relayapi-token';
import type { Ingredients } from './credentials/credential.ts';
import type { ErrorShape } from './dialects/dialect.ts';
import type { Denial } from './errors.ts';
import type { Destination } from './forwarding/transport.ts';
import type { HeaderList, InboundRequest } from './io.ts';
import type { BodyIdTaken, Endpoint, IdMade, Provider, UrlMade } from './providers/provider.ts';
import type { Reservation } from './stores/store.ts';
import type { Usage } from './usage.ts';

/** What a trusted proxy says of the caller's country. */
export interface ProxyCountry {
  /** ISO 3166-1 code; null when the header is there and names no country, or more than one. */
  readonly code: string | null;
}

/** After ingress: who asks, where the token stands, what is asked for. */
export interface Arrival {
  readonly request: InboundRequest;
  /** Our own id, sent as `x-request-id`. */
  readonly requestId: string;
  /** Monotonic milliseconds. */
  readonly startedAtMs: number;
  readonly method: string;
  /** The client's address (trusted proxies resolved), canonical text; null where unknown. */
  readonly client: string | null;
  /** The address that limits count: IPv4 whole, IPv6 its /64. */
  readonly clientGroup: string | null;
  /** The caller's country by a trusted proxy's header; null where config names none, it is absent, or the peer is not trusted. */
  proxyCountry(): ProxyCountry | null;
  /** Browser origin as sent, or null. */
  readonly origin: string | null;
  /** True when a missing `Origin` stands for the relay's own (`Sec-Fetch-Site: same-origin`). */
  readonly sameOrigin: boolean;
  /** The token as found, still sealed; null when none was. */
  readonly token: Secret | null;
  readonly tokenPlace: 'path' | 'header' | null;
  /** Path after the token, raw (`/v1/chat/completions`); '' when nothing follows. */
  readonly rest: string;
  /** Query without `?`, raw; null when there is none. */
  readonly query: string | null;
  /** Which error body the caller's SDK reads. */
  readonly shape: ErrorShape;
  /** True when `Accept` names application/problem+json. */
  readonly problemJson: boolean;
  /** Lower-cased header access: first value, null when absent. */
  header(name: string): string | null;
}

/** After opening: authentic claims, judged against clock, key file and revocation. */
export interface Opened {
  readonly token: OpenedToken;
  readonly claims: Claims;
  /** `kid:jti` (first 8), the only name of a token in logs. */
  readonly name: string;
}

/** How the real credential gets into a request. */
export type RouteCredential =
  | { readonly kind: 'header'; readonly name: string; readonly value: Secret }
  /** Encoded pairs, put behind the query. */
  | { readonly kind: 'query'; readonly value: Secret }
  /** Made when the request is sent: a signature, or a short-lived token. */
  | {
      readonly kind: 'made';
      readonly ingredients: Ingredients;
      /** Where a token endpoint stands. */
      readonly destinationOf: (origin: string) => Destination;
    };

/** What changes between caller and upstream on one route: ids that belong to the token's subject, and URLs that would lead past the relay. */
export interface RouteIds {
  /** Places of the request body that hold sealed ids. */
  readonly takes: readonly BodyIdTaken[];
  /** Places of an answer whose ids are sealed, and whose URLs are led through the relay. */
  readonly makes: readonly IdMade[];
  readonly urls: readonly UrlMade[];
  /** The id as the caller sees it; the same each time. */
  seal(kind: string, id: string): string;
  /** The upstream's id; null for anything that this subject was not given. */
  open(kind: string, sealed: string): string | null;
  /** Where an absolute URL of the provider's is reached below the token (`/~queue/…`), its ids sealed; null for a URL that stays as it is. */
  relayPath(url: string, tokenPlace: Arrival['tokenPlace']): string | null;
}

/** After routing: exactly where the request would go. */
export interface Route {
  readonly provider: Provider;
  readonly destination: Destination;
  /** Root and relative path that the policy judges and that are sent, byte for byte. */
  readonly root: string;
  readonly relative: string;
  /** Path and filtered query as sent; without a credential that goes into the query. */
  readonly path: string;
  /** The registry row that matches, null when none does. */
  readonly endpoint: Endpoint | null;
  /** Values of `{model}` and other segments of the row, decoded once. */
  readonly segments: Readonly<Record<string, string>>;
  /** Allowed query pairs, decoded. */
  readonly query: ReadonlyArray<readonly [string, string]>;
  /** Variables of the provider's host. */
  readonly vars: Readonly<Record<string, string>>;
  /** The credential that is put in, and every secret text that must never come back. */
  readonly credential: RouteCredential | null;
  readonly secrets: readonly Secret[];
  /** True when success bodies pass without the search for the key. */
  readonly trusted: boolean;
  /** Models and paths that the vault entry allows on top of the token's claims; null: no vault or no such limit. */
  readonly vaultModels: readonly string[] | null;
  readonly vaultPaths: readonly string[] | null;
  /** What is rewritten on the way; null on most routes. */
  readonly ids: RouteIds | null;
}

/** The body to send: untouched and streamed, or held in memory because a claim looked into it. */
export type PreparedBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly contentType: string | null }
  | {
      readonly kind: 'stream';
      readonly chunks: () => AsyncIterable<Uint8Array>;
      readonly declaredBytes: number | null;
      /** True when the whole body may be gathered and sent as one piece: it is short, and its memory is booked. */
      readonly gather: boolean;
      /** A shorter way to that one piece than `chunks`, where the runtime has one. Throws as `chunks` does. */
      readonly whole?: () => Promise<Uint8Array>;
    };

declare const admitted: unique symbol;

/** Proof that steps 1 to 5 were passed. Only the spine makes one; forwarding takes nothing else. */
export interface AdmittedCall {
  readonly [admitted]: true;
  readonly arrival: Arrival;
  readonly opened: Opened;
  readonly route: Route;
  readonly body: PreparedBody;
  readonly reservation: Reservation | null;
  /** Headers that stand on every answer to this caller (CORS, cache, security, relay-expires). */
  readonly answerHeaders: HeaderList;
  /** Value of `relay-calls-remaining` for a given upstream status (null: nothing was sent up), null without a limit. */
  remainingFor(status: number | null): number | null;
}

/** What came of a forwarded call; enough to settle and to log. */
export interface Outcome {
  /** Upstream status, null when none came. */
  readonly upstreamStatus: number | null;
  /** Status the caller got, null when the caller got none. */
  readonly status: number | null;
  /** True once a byte of the request went to the upstream. */
  readonly written: boolean;
  /** True once a body byte was passed to the caller. */
  readonly bodyPassed: boolean;
  readonly callerGone: boolean;
  /** True when the answer was broken off after it began. */
  readonly cut: boolean;
  /** What the relay said instead of the upstream. */
  readonly denial: Denial | null;
  /** Milliseconds from sending to the upstream's status. */
  readonly ageMs: number | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly usage: Usage | null;
}

/** Watches an answer as it passes; never changes it. */
export interface Tap {
  onHeaders(status: number, contentType: string | null): void;
  onData(chunk: Uint8Array): void;
  /** Called once; null when the answer names no usage. */
  finish(): Usage | null;
}
