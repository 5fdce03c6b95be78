/**
 * One request on an undici connection: turns undici's callbacks into the transport's events and keeps `written` truthful.
 * Repeats a request only when a connection that had served before died without one byte of it (behaviour.md §2).
 */
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import type {
  TransportFailure,
  UpstreamCall,
  UpstreamEvents,
  UpstreamRequest,
} from '../../forwarding/transport.ts';
import { countRead } from './read-buffers.ts';
import { createRestartableBody, type RestartableBody } from './upstream-body.ts';
import { ConnectFailure, codeOf } from './upstream-connector.ts';

/** What is known of the connection that carries a request. */
export interface ConnectionSlot {
  socket: Socket | null;
  /** Requests started on this socket. */
  requests: number;
}

/** Where a request is sent. */
export interface CallDoors {
  /** The pool of its origin. Throws when the transport is closed. */
  pooled(): Dispatcher;
  /** A connection of its own. */
  fresh(): Dispatcher;
  /** The call has ended, one way or another. */
  ended(call: UpstreamCall): void;
}

/** More interim answers than this end the call (behaviour.md §5). */
const MAX_INFORMATIONAL = 32;

interface CallState {
  readonly request: UpstreamRequest;
  readonly events: UpstreamEvents;
  readonly doors: CallDoors;
  readonly body: RestartableBody | null;
  readonly self: UpstreamCall;
  controller: Dispatcher.DispatchController | null;
  written: boolean;
  paused: boolean;
  ended: boolean;
  retried: boolean;
}

/** Sends `request`; events never come before this returns. */
export function startUpstreamCall(
  request: UpstreamRequest,
  events: UpstreamEvents,
  doors: CallDoors,
): UpstreamCall {
  const streamed = request.body !== null && !(request.body instanceof Uint8Array);
  const self: UpstreamCall = {
    get written() {
      return state.written;
    },
    pause() {
      state.paused = true;
      state.controller?.pause();
    },
    resume() {
      state.paused = false;
      // A caller's socket may drain while undici parses, on this connection or another: its parser must not be entered twice.
      queueMicrotask(() => {
        if (!state.ended && !state.paused) state.controller?.resume();
      });
    },
    abort() {
      if (state.ended) return;
      const { controller } = state;
      fail(state, 'aborted', 'aborted by the relay');
      controller?.abort(new Error('aborted'));
    },
  };
  const state: CallState = {
    request,
    events,
    doors,
    body: streamed ? createRestartableBody(request.body as AsyncIterable<Uint8Array>) : null,
    self,
    controller: null,
    written: false,
    paused: false,
    ended: false,
    retried: false,
  };
  queueMicrotask(() => {
    if (!state.ended) send(state, doors.pooled);
  });
  return self;
}

function send(state: CallState, door: () => Dispatcher): void {
  const { request, body } = state;
  try {
    const dispatcher = door();
    dispatcher.dispatch(
      {
        method: request.method as Dispatcher.HttpMethod,
        path: request.path,
        headers: headersFor(request),
        body: (body ? body.open() : request.body) as never,
      },
      createHandler(state) as Dispatcher.DispatchHandler,
    );
    // a connection of its own is let go as soon as its one request has ended
    if (door !== state.doors.pooled) (dispatcher as { close?(): Promise<void> }).close?.().catch(() => {});
  } catch (error) {
    fail(state, 'unreachable', codeOf(error));
  }
}

/** undici takes the length of a streamed body from the header list and then holds the stream to it. */
function headersFor(request: UpstreamRequest): string[] {
  const headers = [...request.headers];
  if (request.bodyBytes !== null && request.body !== null && !(request.body instanceof Uint8Array)) {
    headers.push('content-length', String(request.bodyBytes));
  }
  return headers;
}

interface Handler extends Dispatcher.DispatchHandler {
  slot?: ConnectionSlot;
  onBodySent(): void;
  onRequestSent(): void;
}

function createHandler(state: CallState): Handler {
  let started = false;
  let answered = false;
  let reused = false;
  let informational = 0;

  /** A write that failed at once put no byte on the wire. */
  function markWritten(): void {
    if (state.written || handler.slot?.socket?.errored) return;
    state.written = true;
  }

  const handler: Handler = {
    onRequestStart(controller) {
      // thrown here, undici drops the request and keeps the connection for the next one
      if (state.ended) throw new Error('the caller has left');
      started = true;
      state.controller = controller;
      if (handler.slot) {
        reused = handler.slot.requests > 0;
        handler.slot.requests++;
      }
    },
    onBodySent() {
      markWritten();
      state.body?.confirm();
    },
    onRequestSent: markWritten,
    onResponseStart(controller, status) {
      if (state.ended) return;
      if (status < 200) {
        if (++informational > MAX_INFORMATIONAL) endWith(state, 'protocol', 'too many interim answers');
        return;
      }
      answered = true;
      if (state.paused) controller.pause();
      state.events.onHeaders(status, decodeHeaders(controller.rawHeaders));
    },
    onResponseData(_controller, chunk) {
      countRead(chunk.length);
      if (!state.ended) state.events.onData(chunk);
    },
    onResponseEnd() {
      if (state.ended) return;
      finish(state);
      state.events.onEnd();
    },
    onResponseError(_controller, error) {
      if (state.ended) return;
      const bodyFailure = state.body?.failure();
      if (bodyFailure) return fail(state, 'body', 'the request body ended early', bodyFailure.cause);
      if (error instanceof ConnectFailure) return fail(state, error.kind, error.message);
      if (!started) reused = (handler.slot?.requests ?? 0) > 0;
      if (!state.written && !answered && reused && !state.retried) {
        state.retried = true;
        state.controller = null;
        return send(state, state.doors.fresh);
      }
      // two lengths that contradict each other are reported as a mismatch before there is an answer
      const contradicts = !answered && codeOf(error) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';
      fail(state, contradicts || isProtocolError(error) ? 'protocol' : 'reset', codeOf(error));
    },
  };
  return handler;
}

/** Ends the call from inside a callback of its own. */
function endWith(state: CallState, kind: TransportFailure['kind'], reason: string): void {
  const { controller } = state;
  fail(state, kind, reason);
  controller?.abort(new Error(reason));
}

function fail(state: CallState, kind: TransportFailure['kind'], reason: string, cause?: unknown): void {
  if (state.ended) return;
  finish(state);
  state.events.onFailure({ kind, written: state.written, reason, ...(kind === 'body' ? { cause } : {}) });
}

function finish(state: CallState): void {
  state.ended = true;
  state.body?.stop();
  state.doors.ended(state.self);
}

/** What the peer sent was not HTTP/1.1, as opposed to a connection that broke. */
function isProtocolError(error: unknown): boolean {
  const code = codeOf(error);
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') return true;
  if (!(error instanceof Error)) return false;
  return (
    error.name === 'HTTPParserError' || error.message === 'bad response' || error.message === 'bad upgrade'
  );
}

/** Header bytes as latin1 text: what HTTP/1.1 carries, one character per byte. */
function decodeHeaders(raw: unknown): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((item) => (Buffer.isBuffer(item) ? item.toString('latin1') : String(item)));
}
