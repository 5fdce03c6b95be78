/**
 * The spine: the whole path of a request on one screen. Admit, forward, settle.
 * It knows every stage and hands values across; no stage knows another (docs/architecture.md).
 */
import type { Accounting } from './accounting/accounting.ts';
import type { Clock } from './clock.ts';
import { type Denial, deny, isDenial } from './errors.ts';
import type { AdmittedCall, Arrival, Opened, Outcome, PreparedBody, Route } from './exchange.ts';
import type { Forwarding } from './forwarding/forwarding.ts';
import type { Ingress } from './ingress/ingress.ts';
import { BodyAborted, type InboundRequest, type ResponseSink } from './io.ts';
import type { Metering } from './metering/metering.ts';
import type { Observability, Unheard } from './observability/observability.ts';
import type { Policy } from './policy/policy.ts';
import { renderError } from './render-error.ts';
import type { Routing } from './routing/routing.ts';
import type { Translation } from './translation/translation.ts';

/** The stages in the order in which a request meets them. */
export interface RelayStages {
  readonly ingress: Ingress;
  readonly policy: Policy;
  readonly routing: Routing;
  readonly translation: Translation;
  readonly forwarding: Forwarding;
  readonly metering: Metering;
  readonly accounting: Accounting;
  readonly observability: Observability;
}

/** What a runtime calls. */
export interface Relay {
  /** True when a raw request target is the relay's to answer; anything else belongs to the HTTP shell. */
  matches(rawTarget: string): boolean;
  /** Answers one request. Never rejects: a fault inside costs this request alone and is answered with `internal`. */
  handle(request: InboundRequest, sink: ResponseSink): Promise<void>;
  /** Takes note of a refusal that the runtime itself wrote, since no request could be read. */
  unheard(refusal: Unheard): void;
}

/** What the spine itself asks of the world. */
export interface SpinePorts {
  readonly clock: Clock;
  /** True once the relay is shutting down. */
  readonly isDraining: () => boolean;
}

const NO_BODY: PreparedBody = { kind: 'none' };

/** Joins the stages into the one path from a caller to an upstream. */
export function createSpine(stages: RelayStages, { clock, isDraining }: SpinePorts): Relay {
  const { ingress, policy, routing, translation, forwarding, metering, accounting, observability } = stages;

  async function handle(request: InboundRequest, sink: ResponseSink): Promise<void> {
    const { arrival, denial, preflight } = ingress.receive(request);
    let opened: Opened | null = null;
    try {
      if (preflight) return answerPreflight(arrival, sink);
      const call = denial ?? (await admit(arrival, (value) => (opened = value)));
      if (isDenial(call)) return refuse(arrival, opened, call, sink);
      await forwardAndSettle(call, sink);
    } catch (error) {
      if (error instanceof BodyAborted) {
        observability.left(arrival, opened);
        return sink.destroy();
      }
      observability.failed(arrival, error);
      refuse(arrival, opened, deny('internal'), sink);
    } finally {
      ingress.releaseBody(arrival);
    }
  }

  /** Steps 1 to 5 of behaviour.md: all that must hold before anything may reach an upstream. The first refusal wins. */
  async function admit(arrival: Arrival, seen: (opened: Opened) => void): Promise<AdmittedCall | Denial> {
    if (isDraining()) return deny('draining');
    const flood = policy.checkFlood(arrival);
    if (flood) return flood;
    const opened = await policy.open(arrival);
    if (isDenial(opened)) return opened;
    seen(opened);
    const head = policy.checkHead(opened, arrival);
    if (head) return head;
    const route = routing.route(opened, arrival);
    if (isDenial(route)) return route;
    const refused = policy.checkRoute(opened, arrival, route) ?? forwarding.checkHead(arrival, opened, route);
    if (refused) return refused;
    const body = await prepareBody(arrival, opened, route);
    if (isDenial(body)) return body;
    const reserved = await policy.reserve(opened, arrival, route);
    if (isDenial(reserved)) return reserved;
    const { reservation } = reserved;
    const answerHeaders = ingress.answerHeaders(arrival, opened.claims);
    const remainingFor = (status: number | null) => accounting.remainingFor(reservation, status);
    return { arrival, opened, route, body, reservation, answerHeaders, remainingFor } as AdmittedCall;
  }

  /** The body is pumped untouched unless a claim must look into it or a signature covers it. */
  async function prepareBody(arrival: Arrival, opened: Opened, route: Route): Promise<PreparedBody | Denial> {
    const maxBytes = policy.maxRequestBytes(opened);
    const isJudged = policy.needsBody(opened, route) || translation.needsBody(route);
    if (!isJudged && !forwarding.needsWholeBody(route)) return ingress.meterBody(arrival, maxBytes);
    const collected = await ingress.collectBody(arrival, opened.name, maxBytes);
    if (isDenial(collected)) return collected;
    if (!isJudged)
      return collected.length === 0 ? NO_BODY : { kind: 'bytes', bytes: collected, contentType: null };
    const rewritten = translation.rewrite(opened, route, collected, arrival.header('content-type'));
    if (isDenial(rewritten)) return rewritten;
    const { bytes, contentType, formFields } = rewritten;
    return (
      policy.checkBody(opened, route, bytes, contentType, formFields) ?? { kind: 'bytes', bytes, contentType }
    );
  }

  /** Steps 6 and 7: pump, then settle exactly once, whatever happened. */
  async function forwardAndSettle(call: AdmittedCall, sink: ResponseSink): Promise<void> {
    observability.started(call);
    const stopRenewing = accounting.keepAlive(call);
    let outcome: Outcome | null = null;
    try {
      outcome = await forwarding.forward(call, sink, metering.tapFor(call));
    } finally {
      stopRenewing();
      await accounting.settle(call, outcome);
      observability.finished(call, outcome);
    }
  }

  function answerPreflight(arrival: Arrival, sink: ResponseSink): void {
    sink.start(204, ingress.preflightHeaders(arrival));
    sink.end();
  }

  function refuse(arrival: Arrival, opened: Opened | null, denial: Denial, sink: ResponseSink): void {
    const answer = renderError(denial, arrival, clock.nowMs());
    observability.refused(arrival, opened, denial, answer.status);
    if (sink.started) return sink.destroy();
    sink.start(answer.status, [...ingress.answerHeaders(arrival, null), ...answer.headers]);
    sink.end(arrival.method === 'HEAD' ? undefined : answer.body);
  }

  return { matches: ingress.matches, handle, unheard: observability.unheard };
}
