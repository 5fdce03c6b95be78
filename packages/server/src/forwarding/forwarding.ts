/**
 * The forwarding stage: sends an admitted call upstream and streams the answer back. The only part of the relay that speaks
 * to an upstream, and it takes nothing but an `AdmittedCall` (behaviour.md §1).
 */
import { type Clock, createExpiryTime } from '../clock.ts';
import type { CredentialMaker } from '../credentials/credential.ts';
import { type Denial, deny } from '../errors.ts';
import type { AdmittedCall, Arrival, Opened, Outcome, Route, Tap } from '../exchange.ts';
import type { ResponseSink } from '../io.ts';
import type { ErrorFrame, RenderError } from './answer.ts';
import { needsWholeBody } from './authenticate.ts';
import { hasPassedUs, loopName } from './cdn-loop.ts';
import { createCredentialRest } from './credential-rest.ts';
import { isEncoded } from './header-text.ts';
import { createLiveCalls } from './live-calls.ts';
import type { ForwardingOptions } from './options.ts';
import { pass } from './passage.ts';
import type { PassageStage } from './passage-state.ts';
import { buildRequestHeaders } from './request-headers.ts';
import { answerDeadlineMs, type SetTimer } from './timers.ts';
import type { Transport } from './transport.ts';

/** What the stage is given. */
export interface ForwardingPorts {
  readonly transport: Transport;
  readonly clock: Clock;
  /** Makes credentials that are not just put in. */
  readonly maker: CredentialMaker;
  /** This relay's URL as the caller reaches it, up to where a path is appended; null where it is not known. Default: not known. */
  readonly relayBase?: (arrival: Arrival) => string | null;
  /** Books memory for an answer that has to be held, for as long as the exchange lasts. Default: as much as is asked for. */
  readonly bookAnswer?: (arrival: Arrival, bytes: number) => boolean;
  /** Makes error bodies in the caller's shape. */
  readonly renderError: RenderError;
  /** Makes the last frame of a broken event stream. */
  readonly errorFrame: ErrorFrame;
  /** Timers; the platform's by default. */
  readonly setTimer?: SetTimer;
}

/** The stage. */
export interface Forwarding {
  /** What speaks against sending, judged on head and route alone, before anything is reserved: a loop, an encoded body, a resting credential. */
  checkHead(arrival: Arrival, opened: Opened, route: Route): Denial | null;
  /** Whether the whole body must be there first: a signature covers it. */
  needsWholeBody(route: Route): boolean;
  /** Sends the call, streams the answer, resolves once everything has ended. Never rejects for a fault of upstream, caller or body. */
  forward(call: AdmittedCall, sink: ResponseSink, tap: Tap): Promise<Outcome>;
  /** Breaks off every running call that matches, for instance those of a removed key; returns how many. */
  cut(matches: (call: AdmittedCall) => boolean, reason: Denial): number;
  /** Calls under way. */
  live(): number;
}

/** Makes the stage. Throws a TypeError for a `relayId` that cannot stand in a header. */
export function createForwarding(options: ForwardingOptions, ports: ForwardingPorts): Forwarding {
  const name = loopName(options.relayId);
  const { clock } = ports;
  const rest = createCredentialRest(clock);
  const live = createLiveCalls();
  const defaultStreamSeconds = options.defaultStreamSeconds ?? 600;
  const expiryMs = createExpiryTime(clock);

  function checkHead(arrival: Arrival, opened: Opened, route: Route): Denial | null {
    const { rawHeaders } = arrival.request;
    if (hasPassedUs(rawHeaders, name)) return deny('loop_detected');
    // the header is not on the allow-list, and without it an encoded body would arrive as nonsense
    if (isEncoded(rawHeaders)) return deny('unsupported_body', { param: 'content-encoding' });
    return rest.isResting(route, opened) ? deny('upstream_auth', { reason: 'the credential rests' }) : null;
  }

  const stage: PassageStage = {
    transport: ports.transport,
    maker: ports.maker,
    clock,
    setTimer: ports.setTimer ?? setPlatformTimer,
    renderError: ports.renderError,
    errorFrame: ports.errorFrame,
    live,
    rest,
    headersTimeoutMs: options.headersTimeoutMs ?? 600_000,
    idleTimeoutMs: options.idleTimeoutMs ?? 300_000,
    keepAliveCommentMs: options.keepAliveCommentMs ?? 0,
    passRateLimitHeaders: options.passRateLimitHeaders ?? false,
    relayBase: ({ arrival }) => ports.relayBase?.(arrival) ?? null,
    bookAnswer: ({ arrival }, bytes) => ports.bookAnswer?.(arrival, bytes) ?? true,
    refuse: (call) => checkHead(call.arrival, call.opened, call.route),
    headersFor: (call) => buildRequestHeaders(call, name, options),
    deadlineMs: ({ arrival, opened: { claims } }) =>
      answerDeadlineMs(
        { method: arrival.method, expSeconds: claims.exp, streamSeconds: claims.limits.stream_seconds },
        defaultStreamSeconds,
        expiryMs(),
      ),
  };

  return {
    checkHead,
    needsWholeBody,
    forward: (call, sink, tap) => pass(call, sink, tap, stage),
    cut: live.cut,
    live: live.size,
  };
}

const setPlatformTimer: SetTimer = (ms, action) => {
  const timer = setTimeout(action, ms);
  return () => clearTimeout(timer);
};
