/** The credential of a call as it is sent: put in as it is, signed over what goes up, or fetched first from the provider's token endpoint. */
import { concatBytes, type Secret } from 'relayapi-token';
import {
  type CredentialFault,
  type CredentialMaker,
  type FetchToken,
  isFault,
  signsBody,
  type TokenReply,
} from '../credentials/credential.ts';
import { type Denial, deny } from '../errors.ts';
import type { AdmittedCall, Route, RouteCredential } from '../exchange.ts';
import { dispatch } from './dispatch.ts';
import { type SetTimer, startTimer } from './timers.ts';
import type { Transport, UpstreamCall } from './transport.ts';

/** What making a credential takes. */
export interface AuthenticationParts {
  readonly maker: CredentialMaker;
  readonly transport: Transport;
  readonly setTimer: SetTimer;
}

/** A request with its credential in place. */
export interface Authenticated {
  readonly path: string;
  /** Flat list, lower-case names. */
  readonly headers: readonly string[];
  /** Texts that must not come back, beside the route's own. */
  readonly secrets: readonly Secret[];
}

/** Longest wait for a token endpoint, and its longest answer. */
const TOKEN_MS = 15_000;
const TOKEN_BYTES = 64 * 1024;
const NO_SECRETS: readonly Secret[] = [];

/** Whether the whole body must be there before a call of this route can be sent. */
export function needsWholeBody({ credential }: Route): boolean {
  return credential?.kind === 'made' && signsBody(credential.ingredients.scheme);
}

/** Path and header list where the credential is put in as it is; null when it has to be made. `headers` hold it already where it is a header. */
export function authenticateAtOnce(route: Route, headers: readonly string[]): Authenticated | null {
  const { credential } = route;
  if (credential?.kind === 'made') return null;
  const path = credential?.kind === 'query' ? withQuery(route.path, credential.value) : route.path;
  return { path, headers, secrets: NO_SECRETS };
}

/** The same where it has to be made, or why the call cannot be sent. `body`: all of it where the signature covers it. */
export async function authenticate(
  call: AdmittedCall,
  headers: readonly string[],
  body: Uint8Array | null,
  parts: AuthenticationParts,
): Promise<Authenticated | CredentialFault> {
  const { route, arrival } = call;
  const credential = route.credential as Extract<RouteCredential, { kind: 'made' }>;
  const made = await parts.maker.make(
    credential.ingredients,
    {
      method: arrival.method,
      origin: route.destination.origin,
      path: route.path,
      headers,
      body: body ?? new Uint8Array(0),
    },
    tokenFetcher(call, credential, parts),
  );
  if (isFault(made)) return made;
  const names = new Set(made.headers.map(([name]) => name));
  const lines: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (!names.has(headers[i] as string)) lines.push(headers[i] as string, headers[i + 1] as string);
  }
  for (const [name, value] of made.headers) lines.push(name, value.reveal());
  const path = made.query === null ? route.path : withQuery(route.path, made.query);
  return { path, headers: lines, secrets: made.secrets };
}

/** A fault as the caller is told: never that its own token was bad. */
export function denialOfFault({ fault, reason }: CredentialFault): Denial {
  if (fault === 'refused') return deny('upstream_auth', { reason });
  return deny(fault === 'invalid' ? 'upstream_invalid' : 'upstream_unreachable', { reason });
}

function withQuery(path: string, query: Secret): string {
  return `${path}${path.includes('?') ? '&' : '?'}${query.reveal()}`;
}

/** Asks a token endpoint. The answer is for all calls that wait for this token, so the caller's leaving does not end it. */
function tokenFetcher(
  call: AdmittedCall,
  { destinationOf }: Extract<RouteCredential, { kind: 'made' }>,
  { transport, setTimer }: AuthenticationParts,
): FetchToken {
  return ({ method, origin, path, headers, body }) =>
    new Promise<TokenReply | CredentialFault>((resolve) => {
      let status = 0;
      let bytes = 0;
      const pieces: Uint8Array[] = [];
      let sent: UpstreamCall | null = null;
      const stop = startTimer(setTimer, TOKEN_MS, () =>
        give({ fault: 'unreachable', reason: 'the token endpoint was silent' }),
      );
      const give = (result: TokenReply | CredentialFault) => {
        stop();
        resolve(result);
        sent?.abort();
      };
      sent = dispatch(
        transport,
        call,
        {
          destination: destinationOf(origin),
          method,
          path,
          headers: [...headers, 'accept-encoding', 'identity'],
          body,
          bodyBytes: body?.length ?? null,
        },
        {
          onHeaders(answered) {
            status = answered;
          },
          onData(chunk) {
            bytes += chunk.length;
            pieces.push(chunk);
            if (bytes > TOKEN_BYTES)
              give({ fault: 'invalid', reason: 'the token endpoint’s answer is too long' });
          },
          onEnd: () => give({ status, body: concatBytes(...pieces) }),
          onFailure: ({ kind }) => give({ fault: 'unreachable', reason: `token endpoint: ${kind}` }),
        },
      );
    });
}
