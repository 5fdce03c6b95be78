/**
 * Ingress: from raw lines to an arrival (behaviour §1 step 1, §4; token spec §6). Finds the token, the rest of the path, the client's
 * address and the shape of errors; refuses what is not framed or addressed as it must be. Opens no token and keeps no count.
 */
import type { Claims, Secret } from 'relayapi-token';
import { RELAYED_METHODS } from '../base-headers.ts';
import type { Clock } from '../clock.ts';
import { type Denial, deny, isDenial } from '../errors.ts';
import type { Arrival, PreparedBody, ProxyCountry } from '../exchange.ts';
import type { HeaderList, InboundRequest } from '../io.ts';
import { createBodies } from './body.ts';
import { createClientFinder, isTrustedPeer } from './client-address.ts';
import { answerHeaders, preflightHeaders } from './cors.ts';
import { createShapeFinder } from './error-shape.ts';
import { checkHead, type Head, readHead } from './head.ts';
import { findHeaderToken } from './header-token.ts';
import type { IngressOptions } from './options.ts';
import { readProxyCountry } from './proxy-country.ts';
import { relayBaseOf } from './relay-base.ts';
import { isRelayTarget, readTarget, type Target } from './target.ts';

/** What ingress needs from outside. */
export interface IngressPorts {
  readonly clock: Clock;
  /** A fresh id per request, safe in a header. Default: a random UUID. */
  readonly newRequestId?: () => string;
}

/** A request as received. */
export interface Received {
  readonly arrival: Arrival;
  /** Why it goes no further; null when it may. */
  readonly denial: Denial | null;
  /** True when the answer is the preflight's 204, whatever the token. */
  readonly preflight: boolean;
}

/** The ingress stage. */
export interface Ingress {
  /** True when the relay answers this raw target; anything else belongs to the HTTP shell. */
  matches(rawTarget: string): boolean;
  receive(request: InboundRequest): Received;
  /** Headers of every answer but a preflight's; `claims` for relayed answers, null for refusals. */
  answerHeaders(arrival: Arrival, claims: Claims | null): HeaderList;
  /** Headers of the 204 to a preflight. */
  preflightHeaders(arrival: Arrival): HeaderList;
  /**
   * Reads the whole body into memory, at most `maxBytes`. `tokenName` is what places are counted by. Rejects with `BodyAborted` when the
   * caller leaves. The memory counts against the global budget until `releaseBody`, which the spine calls when the exchange is over.
   */
  collectBody(arrival: Arrival, tokenName: string, maxBytes: number): Promise<Uint8Array | Denial>;
  /** Gives back what `collectBody` or `meterBody` booked; harmless when there was nothing or it was done before. */
  releaseBody(arrival: Arrival): void;
  /** This relay's URL up to where a path is appended, the token or `-` in it as it was asked; null where it cannot be known. No last slash. */
  relayBase(arrival: Arrival): string | null;
  /** Books memory for what is held of the answer, beside what the body has; false when all together would hold too much. */
  bookAnswer(arrival: Arrival, bytes: number): boolean;
  /** The body as a stream that throws `BodyDenied` past `maxBytes` or when it stalls; a denial when the declared length is too large already. A short one may be gathered: its memory is booked. */
  meterBody(arrival: Arrival, maxBytes: number): PreparedBody | Denial;
}

const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);
const NO_LINES: readonly string[] = [];

/** Makes the ingress stage. */
export function createIngress(options: IngressOptions, ports: IngressPorts): Ingress {
  const { clock } = ports;
  const newRequestId = ports.newRequestId ?? (() => crypto.randomUUID());
  const bodies = createBodies(options, clock);
  const clients = createClientFinder(options.trustedProxies);
  const shapes = createShapeFinder();

  function receive(request: InboundRequest): Received {
    const head = readHead(request);
    const target = readTarget(request.rawTarget, options.basePath);
    const refusal = checkHead(request, head) ?? target.denial ?? checkMethod(request, head);
    const preflight = request.method === 'OPTIONS';
    // A page cannot read a failed preflight: what the real request will be told anyway must not fail here.
    const passesPreflight = refusal === null || (preflight && PREFLIGHT_PASSES.has(refusal.denied));
    const token = refusal === null && !preflight ? findToken(target, head) : null;
    const denied = isDenial(token) ? token : null;
    const found = isDenial(token) ? null : token;
    return {
      arrival: createArrival(request, head, target, found),
      denial: preflight && passesPreflight ? null : (refusal ?? denied),
      preflight: preflight && passesPreflight,
    };
  }

  function createArrival(request: InboundRequest, head: Head, target: Target, token: Secret | null): Arrival {
    const { client, group } = clients.find(request.peerAddress, head);
    const origin = head.get('origin')?.join(', ') ?? null;
    return {
      request,
      requestId: newRequestId(),
      startedAtMs: clock.monotonicMs(),
      method: request.method,
      client,
      clientGroup: group,
      proxyCountry: () => proxyCountryOf(request, head),
      origin,
      sameOrigin: origin === null && head.first('sec-fetch-site') === 'same-origin',
      token,
      tokenPlace: target.place,
      rest: target.rest,
      query: target.query,
      shape: shapes.find(target.rest),
      problemJson: namesProblemJson(head),
      header: head.first,
    };
  }

  function proxyCountryOf(request: InboundRequest, head: Head): ProxyCountry | null {
    const { countryHeader, trustedProxies } = options;
    if (countryHeader === null || !isTrustedPeer(request.peerAddress, trustedProxies)) return null;
    return readProxyCountry(head.get(countryHeader));
  }

  return {
    matches: (rawTarget) => isRelayTarget(rawTarget, options.basePath),
    receive,
    answerHeaders,
    preflightHeaders: (arrival) => preflightHeaders(arrival, options.privateNetwork),
    collectBody: bodies.collect,
    releaseBody: bodies.release,
    relayBase: (arrival) => relayBaseOf(arrival, options),
    bookAnswer: bodies.bookMore,
    meterBody: bodies.meter,
  };
}

/** True when `Accept` names application/problem+json. */
function namesProblemJson(head: Head): boolean {
  const lines = head.get('accept');
  return (
    lines?.some(
      // a look at the length spares most requests the pattern
      (line) => line.length > 23 && /(?:^|[\s,])application\/problem\+json\s*(?:$|[;,])/i.test(line),
    ) ?? false
  );
}

const PREFLIGHT_PASSES: ReadonlySet<string> = new Set(['uri_too_long', 'headers_too_large']);

function checkMethod(request: InboundRequest, head: Head): Denial | null {
  if (!METHODS.has(request.method)) {
    return deny('method_not_allowed', { headers: [['allow', `${RELAYED_METHODS}, OPTIONS`]] });
  }
  // Other upgrades (h2c) are offers that a server may pass over (RFC 9110 §7.8).
  if (!request.upgrade || !/websocket/i.test((head.get('upgrade') ?? NO_LINES).join())) return null;
  return deny('upgrade_required', {
    headers: request.exact
      ? [
          ['upgrade', 'HTTP/1.1'],
          ['connection', 'close, upgrade'],
        ]
      : [],
  });
}

function findToken(target: Target, head: Head): Secret | Denial {
  if (target.tokenDenial !== null) return target.tokenDenial;
  return target.token ?? findHeaderToken(head);
}
