/**
 * One call on its way: request up, answer down, with back-pressure both ways and exactly one end (behaviour.md §1.6, §5, §6).
 * A state machine over the transport's events and the sink's; it decides nothing about who may call.
 */
import { concatBytes, Secret } from 'relayapi-token';
import type { Clock } from '../clock.ts';
import { type Denial, deny } from '../errors.ts';
import type { AdmittedCall, Outcome, Route, Tap } from '../exchange.ts';
import type { HeaderList, RawHeaders, ResponseSink } from '../io.ts';
import { answerDenial, BROKEN, breakStream, type ErrorFrame, type RenderError } from './answer.ts';
import type { CredentialRest } from './credential-rest.ts';
import { createKeySearch, holdsSecret, isSearchable, type KeySearch } from './key-search.ts';
import type { LiveCalls } from './live-calls.ts';
import { DISCARD_BYTES, DISCARD_MS, ERROR_BODY_BYTES, ERROR_BODY_MS } from './options.ts';
import { bodyFault, type OutgoingBody, openOutgoingBody } from './outgoing-body.ts';
import { joinAnswerHeaders, pickResponseHeaders } from './response-headers.ts';
import { contentType, declaredLength, judgeResponse } from './response-rules.ts';
import { createSilenceWatch, type SetTimer, type SilenceWatch, startTimer } from './timers.ts';
import type { Transport, TransportFailure, UpstreamCall } from './transport.ts';

/** What a passage needs of the stage. */
export interface PassageStage {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly setTimer: SetTimer;
  readonly renderError: RenderError;
  readonly errorFrame: ErrorFrame;
  readonly live: LiveCalls;
  readonly rest: CredentialRest;
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly keepAliveCommentMs: number;
  readonly passRateLimitHeaders: boolean;
  /** Why the call must not be sent after all, null when it may. */
  refuse(call: AdmittedCall): Denial | null;
  /** The header list that goes up. */
  headersFor(call: AdmittedCall): readonly string[];
  /** Milliseconds from now until the answer must have ended. */
  deadlineMs(call: AdmittedCall): number;
}

interface Passage {
  readonly call: AdmittedCall;
  readonly sink: ResponseSink;
  readonly tap: Tap;
  readonly stage: PassageStage;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
  readonly secrets: readonly Secret[];
  readonly cleanups: (() => void)[];
  watch: SilenceWatch;
  comments: SilenceWatch | null;
  upstream: UpstreamCall | null;
  body: OutgoingBody | null;
  phase: 'sending' | 'collecting' | 'streaming';
  /** True once the end is decided: whatever the transport still says is stale. */
  ended: boolean;
  sentAtMs: number;
  upstreamStatus: number | null;
  upstreamHeaders: RawHeaders;
  ageMs: number | null;
  status: number | null;
  bodyPassed: boolean;
  callerGone: boolean;
  cut: boolean;
  denial: Denial | null;
  responseBytes: number;
  /** True for an event stream of open length, into which a frame or comment may be put. */
  framed: boolean;
  search: KeySearch | null;
  collected: Uint8Array[];
  collectedBytes: number;
  /** Last bytes written, to know whether an event is under way. */
  tail: string;
}

const KEEP_ALIVE = new TextEncoder().encode(': keep-alive\n\n');

/** Runs a call to its end. Rejects only for a bug, and then with everything let go and the answer left as it is. */
export function pass(
  call: AdmittedCall,
  sink: ResponseSink,
  tap: Tap,
  stage: PassageStage,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const passage: Passage = {
      call,
      sink,
      tap,
      stage,
      resolve,
      reject,
      secrets: secretsOf(call.route),
      cleanups: [],
      watch: createSilenceWatch(stage.clock, stage.setTimer, () => onSilence(passage)),
      comments: null,
      upstream: null,
      body: null,
      phase: 'sending',
      ended: false,
      sentAtMs: 0,
      upstreamStatus: null,
      upstreamHeaders: [],
      ageMs: null,
      status: null,
      bodyPassed: false,
      callerGone: false,
      cut: false,
      denial: null,
      responseBytes: 0,
      framed: false,
      search: null,
      collected: [],
      collectedBytes: 0,
      tail: '',
    };
    begin(passage).catch((error: unknown) => crash(passage, error));
  });
}

async function begin(p: Passage): Promise<void> {
  const { call, sink, stage } = p;
  p.cleanups.push(stage.live.enter(call, (reason) => endWith(p, reason)));
  sink.onGone(() => onGone(p));
  if (p.ended) return;
  const refused = stage.refuse(call);
  if (refused) return endWith(p, refused);
  p.cleanups.push(startTimer(stage.setTimer, stage.deadlineMs(call), () => endWith(p, overdue(p))));
  try {
    p.body = await openOutgoingBody(
      call.body,
      () => p.phase === 'sending' && p.watch.start(stage.headersTimeoutMs),
    );
  } catch (error) {
    return onBodyFault(p, error);
  }
  if (p.ended) return;
  sink.onDrain(() => onDrain(p));
  p.sentAtMs = stage.clock.monotonicMs();
  p.watch.start(stage.headersTimeoutMs);
  p.upstream = stage.transport.dispatch(
    {
      destination: call.route.destination,
      method: call.arrival.method,
      path: call.route.path,
      headers: stage.headersFor(call),
      body: p.body.body,
      bodyBytes: p.body.bytes,
    },
    {
      onHeaders: (status, rawHeaders) => contain(p, () => onHeaders(p, status, rawHeaders)),
      onData: (chunk) => contain(p, () => onData(p, chunk)),
      onEnd: () => contain(p, () => onEnd(p)),
      onFailure: (failure) => contain(p, () => onFailure(p, failure)),
    },
  );
  // broken off from inside dispatch, by a transport that answers at once
  if (p.ended) p.upstream.abort();
}

function onHeaders(p: Passage, status: number, rawHeaders: RawHeaders): void {
  if (p.ended) return;
  const { call, stage } = p;
  p.upstreamStatus = status;
  p.upstreamHeaders = rawHeaders;
  p.ageMs = stage.clock.monotonicMs() - p.sentAtMs;
  const type = contentType(rawHeaders);
  p.tap.onHeaders(status, type);
  const features = call.opened.claims.features ?? [];
  const verdict = judgeResponse(status, rawHeaders, {
    method: call.arrival.method,
    allowPdf: features.includes('pdf'),
  });
  if (verdict.kind === 'replace') {
    if (verdict.rest) stage.rest.rest(call.route);
    return endWith(p, verdict.denial, verdict.keepStatus);
  }
  p.watch.start(stage.idleTimeoutMs);
  if (verdict.kind === 'collect') {
    p.phase = 'collecting';
    p.cleanups.push(startTimer(stage.setTimer, ERROR_BODY_MS, () => onSilence(p)));
    return;
  }
  const length = status === 204 ? null : declaredLength(rawHeaders);
  const limit = call.opened.claims.limits.response_bytes;
  if (verdict.kind === 'stream' && length !== null && limit !== undefined && length > limit) {
    return endWith(p, tooLong());
  }
  const passed = passedHeaders(p, length);
  if (passed === null) return endWith(p, leaked('a header'), status >= 400);
  p.phase = 'streaming';
  p.framed = type === 'text/event-stream' && length === null;
  if (!call.route.trusted && isSearchable(p.secrets)) p.search = createKeySearch(p.secrets);
  p.status = status;
  p.sink.start(status, joinAnswerHeaders(call, passed, call.remainingFor(status)));
  if (p.framed && stage.keepAliveCommentMs > 0) startComments(p);
}

function onData(p: Passage, chunk: Uint8Array): void {
  if (p.ended) return;
  p.watch.feed();
  if (p.phase === 'collecting') {
    p.collected.push(chunk);
    p.collectedBytes += chunk.length;
    if (p.collectedBytes > ERROR_BODY_BYTES) {
      endWith(p, deny('upstream_invalid', { reason: 'the error body is too long to be searched' }), true);
    }
    return;
  }
  if (p.phase === 'sending') return;
  if (p.search === null) return write(p, chunk);
  const pieces = p.search.push(chunk);
  if (pieces === null) return endWith(p, leaked('the body'));
  for (const piece of pieces) write(p, piece);
}

/** Passes bytes to the caller, up to the token's limit. */
function write(p: Passage, bytes: Uint8Array): void {
  if (p.ended) return;
  const limit = p.call.opened.claims.limits.response_bytes;
  const room = limit === undefined ? bytes.length : limit - p.responseBytes;
  const piece = bytes.length <= room ? bytes : bytes.subarray(0, room);
  if (piece.length > 0) {
    p.tap.onData(piece);
    p.bodyPassed = true;
    p.responseBytes += piece.length;
    if (p.comments) {
      p.tail = (p.tail + String.fromCharCode(...piece.subarray(-4))).slice(-4);
      p.comments.feed();
    }
    if (!p.sink.write(piece) && !p.ended) {
      p.upstream?.pause();
      // from here on the silence is the caller's
      p.watch.suspend();
    }
  }
  if (piece.length < bytes.length) endWith(p, tooLong());
}

function onDrain(p: Passage): void {
  if (p.ended || p.phase !== 'streaming') return;
  p.watch.feed();
  p.upstream?.resume();
}

function onEnd(p: Passage): void {
  if (p.ended) return;
  if (p.phase === 'sending') return endWith(p, BROKEN);
  if (p.phase === 'collecting') return endCollected(p);
  for (const piece of p.search?.flush() ?? []) write(p, piece);
  if (p.ended) return;
  p.ended = true;
  p.sink.end();
  complete(p);
}

/** An error body that is all there: passed on unless it shows the key. */
function endCollected(p: Passage): void {
  const { call, sink } = p;
  const status = p.upstreamStatus as number;
  const body = concatBytes(...p.collected);
  const passed = passedHeaders(p, body.length);
  if (passed === null || holdsSecret(body, p.secrets)) return endWith(p, leaked('an error'), true);
  p.ended = true;
  p.status = status;
  sink.start(status, joinAnswerHeaders(call, passed, call.remainingFor(status)));
  p.responseBytes = body.length;
  sink.end(body);
  complete(p);
}

function onFailure(p: Passage, failure: TransportFailure): void {
  if (p.ended) return;
  if (failure.kind === 'body') return onBodyFault(p, failure.cause);
  endWith(p, denialOf(failure), p.phase === 'collecting');
}

function onBodyFault(p: Passage, error: unknown): void {
  const fault = bodyFault(error);
  if (fault === 'gone') onGone(p);
  else if (fault) endWith(p, fault);
  else crash(p, error);
}

/** A bug must not reach the transport, whose other calls have nothing to do with it. */
function contain(p: Passage, action: () => void): void {
  try {
    action();
  } catch (error) {
    crash(p, error);
  }
}

/** Lets go of everything and hands the error on; answering `internal` is the spine's. */
function crash(p: Passage, error: unknown): void {
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

function onSilence(p: Passage): void {
  if (p.phase === 'sending' && p.upstream?.written === false) {
    return endWith(p, deny('upstream_unreachable', { reason: 'no connection in time' }));
  }
  endWith(p, deny('upstream_timeout', { reason: p.phase === 'sending' ? 'no status in time' : 'silence' }));
}

/** The caller has left: nothing is owed to it, and the upstream stops at once. */
function onGone(p: Passage): void {
  if (p.ended) return;
  p.ended = true;
  p.callerGone = true;
  p.cut = p.sink.started;
  p.upstream?.abort();
  complete(p);
}

/** Ends the call by the relay's decision: a refusal while nothing has been sent, else a break that no client takes for success. */
function endWith(p: Passage, denial: Denial, keepStatus = false): void {
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
function complete(p: Passage): void {
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

/** The upstream's lines for the caller, null when one of them shows the key. */
function passedHeaders(p: Passage, contentLength: number | null): [string, string][] | null {
  const picked = pickResponseHeaders(
    p.upstreamStatus as number,
    p.upstreamHeaders,
    p.call.route.provider.requestIdHeader,
    { passRateLimitHeaders: p.stage.passRateLimitHeaders, contentLength, nowMs: p.stage.clock.nowMs() },
  );
  const encoder = new TextEncoder();
  const shown = picked.some(([, value]) => holdsSecret(encoder.encode(value), p.secrets));
  return shown ? null : picked;
}

/** Of the upstream's lines those that go with its status, whoever wrote the body. */
function keptHeaders(p: Passage): HeaderList {
  const kept = passedHeaders(p, null) ?? [];
  return kept.filter(([name]) => !name.startsWith('content-') && name !== 'accept-ranges');
}

/** What the token has left after a call that the relay ended itself; null where the store would have to be asked. */
function remainingAfter(p: Passage): number | null {
  if (p.upstreamStatus !== null) return p.call.remainingFor(p.upstreamStatus);
  return p.upstream?.written ? p.call.remainingFor(200) : null;
}

/** Keeps idle connections of an event stream open with comments, but never inside an event. */
function startComments(p: Passage): void {
  const { stage } = p;
  p.comments = createSilenceWatch(stage.clock, stage.setTimer, () => {
    if (p.ended) return;
    const between = p.tail === '' || /(?:\n\n|\r\r|\r\n\r\n)$/.test(p.tail);
    if (between) p.sink.write(KEEP_ALIVE);
    p.comments?.start(stage.keepAliveCommentMs);
  });
  p.comments.start(stage.keepAliveCommentMs);
}

/** Every text that must not come back, the word after the scheme included. */
function secretsOf(route: Route): readonly Secret[] {
  const texts = new Set(route.secrets.map((secret) => secret.reveal()));
  const word = route.credential?.value.reveal().split(' ').at(-1);
  if (word) texts.add(word);
  return [...texts].map((text) => new Secret(text));
}

function denialOf(failure: TransportFailure): Denial {
  const { kind, written, reason } = failure;
  if (kind === 'destination_denied') return deny('destination_denied', { reason });
  if (kind === 'protocol') return deny('upstream_invalid', { reason });
  if (kind === 'timeout' && written) return deny('upstream_timeout', { reason });
  return deny('upstream_unreachable', { reason });
}

function overdue(p: Passage): Denial {
  if (p.call.opened.claims.limits.stream_seconds === undefined) return deny('token_expired');
  if (!p.sink.started) return deny('upstream_timeout', { param: 'limits.stream_seconds' });
  return deny('token_expired', { param: 'limits.stream_seconds' });
}

function tooLong(): Denial {
  return deny('budget_exhausted', { param: 'limits.response_bytes' });
}

function leaked(where: string): Denial {
  return deny('upstream_invalid', { reason: `the credential stood in ${where}` });
}
