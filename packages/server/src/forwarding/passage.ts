/**
 * One call on its way: request up, answer down, with back-pressure both ways and exactly one end (behaviour.md §1.6, §5, §6).
 * A state machine over the transport's events and the sink's; it decides nothing about who may call.
 */
import { LRUCache } from 'lru-cache';
import { concatBytes, Secret } from 'relayapi-token';
import { isFault } from '../credentials/credential.ts';
import { type Denial, deny } from '../errors.ts';
import type { AdmittedCall, Outcome, Route, Tap } from '../exchange.ts';
import type { RawHeaders, ResponseSink } from '../io.ts';
import { BROKEN } from './answer.ts';
import { denialOfFault, finderOfMade, makeCredential, withLines, withQuery } from './authenticate.ts';
import type { RestScope } from './credential-rest.ts';
import { dispatch } from './dispatch.ts';
import { createKeyFinder, type KeyFinder } from './key-search.ts';
import { ERROR_BODY_BYTES, ERROR_BODY_MS } from './options.ts';
import { bodyFault, type OutgoingBody, openOutgoingBody } from './outgoing-body.ts';
import { complete, crash, endWith, onGone, passedHeaders } from './passage-end.ts';
import type { Passage, PassageStage } from './passage-state.ts';
import { endRewrite, leaked, rewriteOf, take, tooLong } from './passage-write.ts';
import { joinAnswerHeaders } from './response-headers.ts';
import { contentType, declaredLength, judgeResponse } from './response-rules.ts';
import { createSilenceWatch, startTimer } from './timers.ts';
import type { TransportFailure, UpstreamEvents } from './transport.ts';

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
      finder: finderOf(call.route),
      made: null,
      cleanups: [],
      watch: createSilenceWatch(
        stage.clock,
        stage.setTimer,
        () => onSilence(passage),
        { inMs: stage.deadlineMs(call), action: () => endWith(passage, overdue(passage)) },
        Math.min(stage.headersTimeoutMs, stage.idleTimeoutMs),
      ),
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
      rewrite: null,
      unread: false,
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
  try {
    p.body = await openOutgoingBody(call.body, stage.clock, () => {
      if (p.phase === 'sending' && !p.ended) p.watch.start(stage.headersTimeoutMs);
    });
  } catch (error) {
    return onBodyFault(p, error);
  }
  if (p.ended) return;
  const headers = stage.headersFor(call);
  const { path, credential } = call.route;
  if (credential === null || credential.kind === 'header') return send(p, path, headers);
  if (credential.kind === 'query') return send(p, withQuery(path, credential.value), headers);
  const made = await makeCredential(call, credential, headers, stage);
  if (p.ended) return;
  if (isFault(made)) {
    if (made.fault === 'refused') stage.rest.rest(call.route, call.opened, 'credential');
    return endWith(p, denialOfFault(made));
  }
  p.made = made;
  if (made.secrets.length > 0) p.finder = finderOfMade(credential, made);
  send(p, made.query === null ? path : withQuery(path, made.query), withLines(headers, made));
}

/** Hands the request to the transport. */
function send(p: Passage, path: string, headers: readonly string[]): void {
  const { call, sink, stage } = p;
  const body = p.body as OutgoingBody;
  sink.onDrain(() => onDrain(p));
  p.sentAtMs = stage.clock.monotonicMs();
  p.watch.start(stage.headersTimeoutMs);
  p.upstream = dispatch(
    stage.transport,
    call,
    {
      destination: call.route.destination,
      method: call.arrival.method,
      path,
      headers,
      body: body.take(),
      bodyBytes: body.bytes,
    },
    new PassageEvents(p),
  );
  // broken off from inside dispatch, by a transport that answers at once
  if (p.ended) p.upstream.abort();
}

/** What the transport tells of a call. A bug must not reach it: its other calls have nothing to do with this one. */
class PassageEvents implements UpstreamEvents {
  readonly #passage: Passage;

  constructor(passage: Passage) {
    this.#passage = passage;
  }

  onHeaders(status: number, rawHeaders: RawHeaders): void {
    try {
      onHeaders(this.#passage, status, rawHeaders);
    } catch (error) {
      crash(this.#passage, error);
    }
  }

  onData(chunk: Uint8Array): void {
    try {
      onData(this.#passage, chunk);
    } catch (error) {
      crash(this.#passage, error);
    }
  }

  onEnd(): void {
    try {
      onEnd(this.#passage);
    } catch (error) {
      crash(this.#passage, error);
    }
  }

  onFailure(failure: TransportFailure): void {
    try {
      onFailure(this.#passage, failure);
    } catch (error) {
      crash(this.#passage, error);
    }
  }
}

function onHeaders(p: Passage, status: number, rawHeaders: RawHeaders): void {
  if (p.ended) return;
  const { call, stage } = p;
  p.upstreamStatus = status;
  p.upstreamHeaders = rawHeaders;
  p.ageMs = stage.clock.monotonicMs() - p.sentAtMs;
  const type = contentType(rawHeaders);
  p.tap.onHeaders(status, type);
  const verdict = judgeResponse(status, rawHeaders, {
    method: call.arrival.method,
    allowPdf: call.opened.claims.features?.includes('pdf') ?? false,
  });
  if (verdict.kind === 'replace') {
    if (verdict.rest) restCredential(p, verdict.rest);
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
  if (call.route.ids && verdict.kind === 'stream') p.rewrite = rewriteOf(p, call.route.ids, type);
  if (p.rewrite?.whole) return holdAnswer(p);
  const passed = passedHeaders(p, p.rewrite === null ? length : null);
  if (passed === null) return endWith(p, leaked('a header'), status >= 400);
  p.phase = 'streaming';
  p.framed = type === 'text/event-stream' && (length === null || p.rewrite !== null);
  startSearch(p);
  p.status = status;
  p.sink.start(status, joinAnswerHeaders(call, passed, call.remainingFor(status)));
  if (p.framed && stage.keepAliveCommentMs > 0) startComments(p);
}

function startSearch(p: Passage): void {
  if (!p.call.route.trusted && p.finder.searchable) p.search = p.finder.search();
}

/** Nothing goes to the caller before the answer is there and rewritten. */
function holdAnswer(p: Passage): void {
  p.phase = 'streaming';
  startSearch(p);
}

/** A refused credential rests, unless another token may fare better. What a caller can provoke tells nothing of a token. */
function restCredential({ call, stage, made }: Passage, scope: RestScope): void {
  if (scope === 'credential' && made?.refuse()) return;
  stage.rest.rest(call.route, call.opened, scope);
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
  if (p.search === null) return take(p, chunk);
  const pieces = p.search.push(chunk);
  if (pieces === null) return endWith(p, leaked('the body'));
  for (const piece of pieces) take(p, piece);
}

function onDrain(p: Passage): void {
  if (p.ended || p.phase !== 'streaming') return;
  if (p.unread) return finish(p);
  p.watch.feed();
  p.upstream?.resume();
}

function onEnd(p: Passage): void {
  if (p.ended) return;
  if (p.phase === 'sending') return endWith(p, BROKEN);
  if (p.phase === 'collecting') return endCollected(p);
  for (const piece of p.search?.flush() ?? []) take(p, piece);
  if (p.ended) return;
  if (p.rewrite !== null) endRewrite(p, p.rewrite);
  if (!p.ended && !p.unread) finish(p);
}

function finish(p: Passage): void {
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
  if (passed === null || p.finder.inBytes(body)) return endWith(p, leaked('an error'), true);
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
  endWith(p, denialOf(failure), true);
}

function onBodyFault(p: Passage, error: unknown): void {
  const fault = bodyFault(error);
  if (fault === 'gone') onGone(p);
  else if (fault) endWith(p, fault);
  else crash(p, error);
}

function onSilence(p: Passage): void {
  if (p.phase === 'sending' && p.upstream?.written === false) {
    return endWith(p, deny('upstream_unreachable', { reason: 'no connection in time' }));
  }
  endWith(p, deny('upstream_timeout', { reason: p.phase === 'sending' ? 'no status in time' : 'silence' }));
}

/** Keeps idle connections of an event stream open with comments, but never inside an event. */
function startComments(p: Passage): void {
  const { stage } = p;
  const comments = createSilenceWatch(stage.clock, stage.setTimer, () => {
    if (p.ended) return;
    const between = p.tail === '' || /(?:\n\n|\r\r|\r\n\r\n)$/.test(p.tail);
    if (between) p.sink.write(KEEP_ALIVE);
    comments.start(stage.keepAliveCommentMs);
  });
  comments.start(stage.keepAliveCommentMs);
  p.comments = comments;
}

/** Finders by route: a token's calls share one, and what a search takes is made once. Bounded, since it is no small thing. */
const finders = new LRUCache<Route, KeyFinder>({ max: 1024 });

function finderOf(route: Route): KeyFinder {
  const known = finders.get(route);
  if (known !== undefined) return known;
  const finder = createKeyFinder(secretsOf(route));
  finders.set(route, finder);
  return finder;
}

/** Every text that must not come back, the word after the scheme included. */
function secretsOf(route: Route): readonly Secret[] {
  const texts = new Set(route.secrets.map((secret) => secret.reveal()));
  const { credential } = route;
  const word = credential?.kind === 'header' ? credential.value.reveal().split(' ').at(-1) : undefined;
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
