/** The credential of a call where it has to be made: signed over what goes up, or fetched first from the provider's token endpoint. */
import { concatBytes, type Secret } from 'relayapi-token';
import {
  type CredentialFault,
  type CredentialMaker,
  type FetchToken,
  type MadeCredential,
  signsBody,
  type TokenReply,
} from '../credentials/credential.ts';
import { type Denial, deny } from '../errors.ts';
import type { AdmittedCall, Route, RouteCredential } from '../exchange.ts';
import { dispatch } from './dispatch.ts';
import { createKeyFinder, type KeyFinder } from './key-search.ts';
import { type SetTimer, startTimer } from './timers.ts';
import type { Transport, UpstreamCall } from './transport.ts';

/** What making a credential takes. */
export interface AuthenticationParts {
  readonly maker: CredentialMaker;
  readonly transport: Transport;
  readonly setTimer: SetTimer;
}

type MadeRoute = Extract<RouteCredential, { kind: 'made' }>;

/** Longest wait for a token endpoint, and its longest answer. */
const TOKEN_MS = 15_000;
const TOKEN_BYTES = 64 * 1024;
const EMPTY = new Uint8Array(0);

/** Whether the whole body must be there before a call of this route can be sent. */
export function needsWholeBody({ credential }: Route): boolean {
  return credential?.kind === 'made' && signsBody(credential.ingredients.scheme);
}

/** The credential for a call with these header lines, or why there is none. A signature covers the call's body, which is there whole then. */
export function makeCredential(
  call: AdmittedCall,
  credential: MadeRoute,
  headers: readonly string[],
  parts: AuthenticationParts,
): Promise<MadeCredential | CredentialFault> {
  const { arrival, route, body } = call;
  const request = {
    method: arrival.method,
    origin: route.destination.origin,
    path: route.path,
    headers,
    body: body.kind === 'bytes' ? body.bytes : EMPTY,
  };
  return parts.maker.make(credential.ingredients, request, tokenFetcher(call, credential, parts));
}

/** A header list with what was made, in place of lines of the same names. */
export function withLines(headers: readonly string[], made: MadeCredential): readonly string[] {
  if (made.headers.length === 0) return headers;
  const names = new Set(made.headers.map(([name]) => name));
  const lines: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (!names.has(headers[i] as string)) lines.push(headers[i] as string, headers[i + 1] as string);
  }
  for (const [name, value] of made.headers) lines.push(name, value.reveal());
  return lines;
}

/** A target with encoded pairs behind its query. */
export function withQuery(path: string, query: Secret): string {
  return [path, path.includes('?') ? '&' : '?', query.reveal()].join('');
}

const finders = new WeakMap<readonly Secret[], KeyFinder>();

/** Looks for the parts of a credential and what was made of them; made once for as long as the same token is used. */
export function finderOfMade(credential: MadeRoute, made: MadeCredential): KeyFinder {
  const known = finders.get(made.secrets);
  if (known !== undefined) return known;
  const finder = createKeyFinder([...Object.values(credential.ingredients.parts), ...made.secrets]);
  finders.set(made.secrets, finder);
  return finder;
}

/** A fault as the caller is told: never that its own token was bad. */
export function denialOfFault({ fault, reason }: CredentialFault): Denial {
  switch (fault) {
    case 'unusable':
    case 'refused':
      return deny('upstream_auth', { reason });
    case 'denied':
      return deny('destination_denied', { reason });
    case 'invalid':
      return deny('upstream_invalid', { reason });
    case 'unreachable':
      return deny('upstream_unreachable', { reason });
  }
}

/** Asks a token endpoint. The answer is for all calls that wait for this token, so the caller's leaving does not end it. */
function tokenFetcher(
  call: AdmittedCall,
  { destinationOf }: MadeRoute,
  { transport, setTimer }: AuthenticationParts,
): FetchToken {
  return ({ method, origin, path, headers, body }) =>
    new Promise<TokenReply | CredentialFault>((resolve) => {
      let status = 0;
      let bytes = 0;
      const pieces: Uint8Array[] = [];
      let sent: UpstreamCall | null = null;
      const give = (result: TokenReply | CredentialFault) => {
        stop();
        resolve(result);
      };
      const giveUp = (fault: CredentialFault) => {
        give(fault);
        sent?.abort();
      };
      const stop = startTimer(setTimer, TOKEN_MS, () =>
        giveUp({ fault: 'unreachable', reason: 'the token endpoint gave no whole answer in time' }),
      );
      const request = {
        destination: destinationOf(origin),
        method,
        path,
        headers: [...headers, 'accept-encoding', 'identity'],
        body,
        bodyBytes: body?.length ?? null,
      };
      sent = dispatch(transport, call, request, {
        onHeaders(answered) {
          status = answered;
        },
        onData(chunk) {
          bytes += chunk.length;
          if (bytes <= TOKEN_BYTES) pieces.push(chunk);
          else giveUp({ fault: 'invalid', reason: 'the token endpoint’s answer is too long' });
        },
        onEnd: () => give({ status, body: concatBytes(...pieces) }),
        onFailure: ({ kind }) => give(faultOf(kind)),
      });
    });
}

function faultOf(kind: string): CredentialFault {
  const reason = `the token endpoint: ${kind}`;
  if (kind === 'destination_denied') return { fault: 'denied', reason };
  return { fault: kind === 'protocol' ? 'invalid' : 'unreachable', reason };
}
