/**
 * One request on an undici connection: turns undici's callbacks into the transport's events and keeps `written` truthful.
 * Repeats a request only when a connection that had served before died without one byte of it (behaviour.md §2).
 */
import { Buffer } from 'node:buffer';
import type { Dispatcher } from 'undici';
import type {
  TransportFailure,
  UpstreamCall,
  UpstreamEvents,
  UpstreamRequest,
} from '../../forwarding/transport.ts';
import type { Seat } from '../../roster.ts';
import { countRead } from './read-buffers.ts';
import { createRestartableBody, type RestartableBody } from './upstream-body.ts';
import { ConnectFailure, codeOf } from './upstream-connector.ts';
import type { Connection, ConnectionPool, Waiter } from './upstream-pool.ts';

/** Where a request is sent. */
export interface CallDoors {
  /** The connections to an origin. Throws when the transport is closed. */
  pool(destination: UpstreamRequest['destination']): ConnectionPool;
  /** A connection of its own. */
  fresh(destination: UpstreamRequest['destination']): Connection;
  /** A call is under way until it leaves. */
  enter(call: UpstreamCall): Seat<UpstreamCall>;
  leave(seat: Seat<UpstreamCall>): void;
}

/** More interim answers than this end the call (behaviour.md §5). */
const MAX_INFORMATIONAL = 32;

/** Sends `request`; events never come before this returns. */
export function startUpstreamCall(
  request: UpstreamRequest,
  events: UpstreamEvents,
  doors: CallDoors,
): UpstreamCall {
  const call = new PooledCall(request, events, doors);
  queueMicrotask(() => call.begin());
  return call;
}

/** A class, as it owns a connection for a while; and its methods are shared, where a function for each of them and call cost a tenth of the whole. */
class PooledCall implements UpstreamCall, Waiter {
  written = false;
  /** Null once it has been answered: an answer may be long in coming, and nothing of the request is needed for it. */
  #request: UpstreamRequest | null;
  readonly #events: UpstreamEvents;
  readonly #doors: CallDoors;
  readonly #body: RestartableBody | null;
  readonly #seat: Seat<UpstreamCall>;
  #pool: ConnectionPool | null = null;
  #controller: Dispatcher.DispatchController | null = null;
  #paused = false;
  #ended = false;
  #retried = false;

  constructor(request: UpstreamRequest, events: UpstreamEvents, doors: CallDoors) {
    this.#request = request;
    this.#events = events;
    this.#doors = doors;
    this.#seat = doors.enter(this);
    const { body } = request;
    this.#body = body === null || body instanceof Uint8Array ? null : createRestartableBody(body);
  }

  begin(): void {
    if (this.#ended) return;
    try {
      this.#pool = this.#doors.pool((this.#request as UpstreamRequest).destination);
      this.#pool.take(this);
    } catch (error) {
      this.#fail('unreachable', codeOf(error));
    }
  }

  /** Its turn has come. */
  use(connection: Connection): void {
    this.#send(connection, this.#pool);
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    // A caller's socket may drain while undici parses, on this connection or another: its parser must not be entered twice.
    queueMicrotask(() => {
      if (!this.#ended && !this.#paused) this.#controller?.resume();
    });
  }

  abort(): void {
    if (this.#ended) return;
    this.#pool?.leave(this);
    this.#endWith('aborted', 'aborted by the relay');
  }

  #send(connection: Connection, pool: ConnectionPool | null): void {
    const request = this.#request as UpstreamRequest;
    const body = this.#body;
    try {
      connection.client.dispatch(
        {
          method: request.method as Dispatcher.HttpMethod,
          path: request.path,
          headers: headersFor(request),
          body: (body ? body.open() : request.body) as never,
        },
        new Attempt(this, connection, pool),
      );
      // a connection of its own is let go as soon as its one request has ended
      if (pool === null) connection.client.close().catch(() => {});
    } catch (error) {
      pool?.give(connection);
      this.#fail('unreachable', codeOf(error));
    }
  }

  /** The request is about to go out. Throws when the call has ended: undici then drops the request and keeps the connection for the next one. */
  started(controller: Dispatcher.DispatchController): void {
    if (this.#ended) throw new Error('the caller has left');
    this.#controller = controller;
  }

  /** Bytes went out on `connection`. A write that failed at once put none on the wire. */
  wrote(connection: Connection): void {
    if (!this.written && !connection.socket?.errored) this.written = true;
    this.#body?.confirm();
  }

  answered(controller: Dispatcher.DispatchController, status: number): void {
    if (this.#ended) return;
    if (this.#paused) controller.pause();
    this.#request = null;
    this.#events.onHeaders(status, decodeHeaders(controller.rawHeaders));
  }

  received(chunk: Uint8Array): void {
    countRead(chunk.length);
    if (!this.#ended) this.#events.onData(chunk);
  }

  completed(): void {
    if (this.#ended) return;
    this.#finish();
    this.#events.onEnd();
  }

  tooManyInterimAnswers(): void {
    if (!this.#ended) this.#endWith('protocol', 'too many interim answers');
  }

  /** An attempt failed. `unused`: on a connection that had served before, without any sign of an answer. */
  failed(error: unknown, unused: boolean, answered: boolean): void {
    if (this.#ended) return;
    const bodyFailure = this.#body?.failure();
    if (bodyFailure) return this.#fail('body', 'the request body ended early', bodyFailure.cause);
    if (error instanceof ConnectFailure) return this.#fail(error.kind, error.message);
    if (!this.written && unused && !this.#retried && this.#request !== null) {
      this.#retried = true;
      this.#controller = null;
      return this.#send(this.#doors.fresh(this.#request.destination), null);
    }
    // two lengths that contradict each other are reported as a mismatch before there is an answer
    const contradicts = !answered && codeOf(error) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';
    this.#fail(contradicts || isProtocolError(error) ? 'protocol' : 'reset', codeOf(error));
  }

  /** Ends the call by our own decision; the connection goes with it. */
  #endWith(kind: TransportFailure['kind'], reason: string): void {
    const controller = this.#controller;
    this.#fail(kind, reason);
    controller?.abort(new Error(reason));
  }

  #fail(kind: TransportFailure['kind'], reason: string, cause?: unknown): void {
    if (this.#ended) return;
    this.#finish();
    const { written } = this;
    this.#events.onFailure({ kind, written, reason, ...(kind === 'body' ? { cause } : {}) });
  }

  #finish(): void {
    this.#ended = true;
    this.#body?.stop();
    this.#doors.leave(this.#seat);
  }
}

/** One try of a call on one connection, as undici tells of it. A later try has its own, so that what comes late of an earlier one is not mixed up. */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #call: PooledCall;
  readonly #connection: Connection;
  readonly #pool: ConnectionPool | null;
  #started = false;
  #answered = false;
  #reused = false;
  #given = false;
  #informational = 0;

  constructor(call: PooledCall, connection: Connection, pool: ConnectionPool | null) {
    this.#call = call;
    this.#connection = connection;
    this.#pool = pool;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#call.started(controller);
    this.#started = true;
    this.#reused = this.#connection.requests > 0;
    this.#connection.requests++;
  }

  onBodySent(): void {
    this.#call.wrote(this.#connection);
  }

  onRequestSent(): void {
    this.#call.wrote(this.#connection);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status >= 200) {
      this.#answered = true;
      this.#call.answered(controller, status);
    } else if (++this.#informational > MAX_INFORMATIONAL) this.#call.tooManyInterimAnswers();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#call.received(chunk);
  }

  onResponseEnd(): void {
    this.#giveBack();
    this.#call.completed();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: unknown): void {
    const reused = this.#started ? this.#reused : this.#connection.requests > 0;
    // behind whatever undici does about it now: to its socket, most of all
    queueMicrotask(() => this.#giveBack());
    this.#call.failed(error, reused && !this.#answered, this.#answered);
  }

  /** undici is done with the request: not before, whatever became of the call. */
  #giveBack(): void {
    if (this.#given) return;
    this.#given = true;
    this.#pool?.give(this.#connection);
  }
}

/** undici takes the length of a streamed body from the header list and then holds the stream to it. */
function headersFor(request: UpstreamRequest): string[] {
  const headers = request.headers as string[];
  if (request.bodyBytes === null || request.body === null || request.body instanceof Uint8Array) {
    return headers;
  }
  return [...headers, 'content-length', String(request.bodyBytes)];
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
