/** The two small interfaces between the relay and whatever carries HTTP: an inbound request and a response sink. No Web objects. */
import type { Denial } from './errors.ts';

/** Header lines in order, flat: name, value, name, value. Names keep their wire spelling on Node and are lower case on fetch runtimes. */
export type RawHeaders = readonly string[];

/** Every value of `name` (lower case), in order. */
export function headerValues(rawHeaders: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (isNamed(rawHeaders[i] as string, name)) values.push(rawHeaders[i + 1] as string);
  }
  return values;
}

/** The first value of `name` (lower case), null when it is absent. */
export function headerValue(rawHeaders: RawHeaders, name: string): string | null {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (isNamed(rawHeaders[i] as string, name)) return rawHeaders[i + 1] as string;
  }
  return null;
}

/** Whether a field name is `name` (lower case) in whatever case. Most fall out by length, before anything is copied. */
function isNamed(field: string, name: string): boolean {
  return field.length === name.length && (field === name || field.toLowerCase() === name);
}

/** A header list that the relay builds: `[name, value]`, lower-case names. */
export type HeaderList = ReadonlyArray<readonly [name: string, value: string]>;

/** The caller's request body, pulled by the relay. At most one consumer. */
export interface BodySource {
  /** `Content-Length` in bytes; 0 when there is no body; null when the length is not declared (chunked). */
  readonly declaredBytes: number | null;
  /** Sends `100 Continue` if the caller waits for it; otherwise nothing. Called once, after the checks on the head have passed. */
  proceed(): void;
  /** The bytes as they arrive, with back-pressure. Throws `BodyAborted` when the caller leaves, `BodyIdle` when it stalls. Leaving the loop early keeps the connection usable for an answer. */
  chunks(): AsyncIterable<Uint8Array>;
  /**
   * The body in one piece, where a runtime has a shorter way to it than `chunks`: only for a declared length above 0 that the caller of
   * this has room for. Instead of `chunks`, not beside it. `isTooSlow` is asked, with the bytes so far, after each piece but the last. Throws
   * as `chunks` does, and `BodyIdle` too when it is too slow.
   */
  whole?(isTooSlow: (bytes: number) => boolean): Promise<Uint8Array>;
  /** Reads and drops up to `maxBytes` for up to `maxMs`, so that a browser still uploading can read a refusal. Never throws. */
  discard(maxBytes: number, maxMs: number): Promise<void>;
}

/** Thrown by `BodySource.chunks` when the caller's connection ends before the body does. */
export class BodyAborted extends Error {
  override readonly name = 'BodyAborted';
}

/** Thrown by `BodySource.chunks` when no byte has arrived for the body idle time (15 s). */
export class BodyIdle extends Error {
  override readonly name = 'BodyIdle';
}

const RATE_GRACE_MS = 10_000;
const LEAST_BYTES_PER_MS = 1024 / 1000;

/** Whether a body that is read into memory comes too slowly to be waited for: below 1 KiB/s once 10 s have passed. A body that is passed on is not judged so: its pace may be the upstream's. */
export function isBelowLeastRate(bytes: number, elapsedMs: number): boolean {
  return elapsedMs > RATE_GRACE_MS && bytes < elapsedMs * LEAST_BYTES_PER_MS;
}

/** Thrown by a metered body (`Ingress.meterBody`) when the request must be refused while its body is under way: too long, or stalled. */
export class BodyDenied extends Error {
  override readonly name = 'BodyDenied';
  readonly denial: Denial;

  constructor(denial: Denial) {
    super(denial.denied);
    this.denial = denial;
  }
}

/** One request as it came in. */
export interface InboundRequest {
  readonly method: string;
  /** The request target as on the wire (`/relayapi/…?x=1`); on fetch runtimes the already normalised path and query. */
  readonly rawTarget: string;
  readonly rawHeaders: RawHeaders;
  /** `1.0`, `1.1`, `2`; `null` where the runtime does not say. */
  readonly httpVersion: string | null;
  /** Scheme and host that the request was sent to, where the runtime says so itself (fetch runtimes); else absent, and `Host` tells. */
  readonly origin?: string;
  /** The peer's address as text, without brackets or port; null where the runtime does not say. */
  readonly peerAddress: string | null;
  /** True where target, header lines and framing are as sent (Node); false behind a fetch runtime, where framing cannot be judged. */
  readonly exact: boolean;
  /** True when the request asks for a protocol upgrade. */
  readonly upgrade: boolean;
  readonly body: BodySource;
}

/** Where an answer goes. All methods are synchronous; nothing throws after the caller has left. */
export interface ResponseSink {
  /** True once `start` was called. */
  readonly started: boolean;
  /** True once the caller's connection is gone or `end`/`destroy` was called. */
  readonly closed: boolean;
  /** Sends the status line and headers; at most once. Flushed at once, so that the first byte is never held back. */
  start(status: number, headers: HeaderList): void;
  /** Sends body bytes. Returns false when the caller reads slower than the upstream sends: stop until `onDrain`. */
  write(chunk: Uint8Array): boolean;
  /** Ends the answer cleanly, optionally with last bytes. */
  end(chunk?: Uint8Array): void;
  /** Ends the connection without a clean end of the message: the caller's client must see a failure. */
  destroy(): void;
  /** Registers the one listener for "ready for more after `write` returned false". */
  onDrain(listener: () => void): void;
  /** Registers a listener for "the caller left before the answer was complete". Called at most once, at once if already so. A caller who stops reading for `write_timeout` is closed by the sink and reported here too. */
  onGone(listener: () => void): void;
}

/** A value or a promise of it: stores and openers that need no wait answer directly. */
export type MaybePromise<T> = T | Promise<T>;
