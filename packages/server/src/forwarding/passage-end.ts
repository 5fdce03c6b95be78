/** How a call ends: complete, refused, broken off, left by its caller. Whoever comes first decides; the rest is stale. */
import type { Denial } from '../errors.ts';
import type { HeaderList } from '../io.ts';
import { answerDenial, breakStream } from './answer.ts';
import { DISCARD_BYTES, DISCARD_MS } from './options.ts';
import type { Passage } from './passage-state.ts';
import { pickResponseHeaders, rowHeaders } from './response-headers.ts';

/** The caller has left: nothing is owed to it, and the upstream stops at once. */
export function onGone(p: Passage): void {
  if (p.ended) return;
  p.ended = true;
  p.callerGone = true;
  p.cut = p.sink.started;
  p.upstream?.abort();
  complete(p);
}

/** Ends the call by the relay's decision: a refusal while nothing has been sent, else a break that no client takes for success. */
export function endWith(p: Passage, denial: Denial, keepStatus = false): void {
  if (p.ended) return;
  p.ended = true;
  p.denial = denial;
  p.upstream?.abort();
  const { sink, stage, call } = p;
  if (sink.closed) {
    p.callerGone = true;
    return complete(p);
  }
  if (!sink.started) {
    const kept =
      keepStatus && p.upstreamStatus !== null ? { status: p.upstreamStatus, headers: keptHeaders(p) } : null;
    p.status = answerDenial(call, sink, denial, stage.renderError, kept, remainingAfter(p));
    return complete(p);
  }
  p.cut = true;
  const dialect = call.route.endpoint?.dialect ?? 'opaque';
  const frame = p.framed ? stage.errorFrame(dialect, denial, call.arrival) : null;
  breakStream(sink, frame, stage.setTimer)
    .then(() => complete(p))
    .catch(p.reject);
}

/** Hands in the outcome. The end has been decided before. */
export function complete(p: Passage): void {
  const { call, tap } = p;
  letGo(p);
  if (!p.callerGone && p.body?.complete() !== true && call.body.kind === 'stream') {
    void call.arrival.request.body.discard(DISCARD_BYTES, DISCARD_MS);
  }
  const written = p.upstream?.written ?? false;
  p.resolve({
    upstreamStatus: p.upstreamStatus,
    status: p.status,
    written,
    bodyPassed: p.bodyPassed,
    callerGone: p.callerGone,
    cut: p.cut,
    denial: p.denial,
    ageMs: p.ageMs,
    requestBytes: written ? (p.body?.handed() ?? 0) : 0,
    responseBytes: p.responseBytes,
    usage: tap.finish(),
  });
}

/** Lets go of everything and hands the error on; answering `internal` is the spine's. */
export function crash(p: Passage, error: unknown): void {
  p.ended = true;
  p.upstream?.abort();
  letGo(p);
  p.reject(error);
}

function letGo(p: Passage): void {
  p.watch.stop();
  p.comments?.stop();
  for (const cleanup of p.cleanups.splice(0)) cleanup();
}

/** The upstream's lines for the caller, null when one of them shows the key. */
export function passedHeaders(p: Passage, contentLength: number | null): [string, string][] | null {
  const picked = pickResponseHeaders(
    p.upstreamStatus as number,
    p.upstreamHeaders,
    p.call.route.provider.requestIdHeader,
    { passRateLimitHeaders: p.stage.passRateLimitHeaders, contentLength, nowMs: p.stage.clock.nowMs() },
  );
  const { endpoint, ids } = p.call.route;
  if (endpoint?.answerHeaders !== undefined) {
    const reader = { base: p.stage.relayBase(p.call), tokenPlace: p.call.arrival.tokenPlace };
    picked.push(...rowHeaders(p.upstreamHeaders, endpoint.answerHeaders, ids, reader));
  }
  return picked.some(([, value]) => p.finder.inText(value)) ? null : picked;
}

/** Of the upstream's lines those that go with its status, whoever wrote the body. */
function keptHeaders(p: Passage): HeaderList {
  const kept = passedHeaders(p, null) ?? [];
  return kept.filter(([name]) => !name.startsWith('content-') && name !== 'accept-ranges');
}

/** What the token has left after a call that the relay ended itself; null without a limit. */
function remainingAfter(p: Passage): number | null {
  if (p.upstreamStatus !== null) return p.call.remainingFor(p.upstreamStatus);
  // sent and lost counts as any answer does
  return p.call.remainingFor(p.upstream?.written ? 200 : null);
}
