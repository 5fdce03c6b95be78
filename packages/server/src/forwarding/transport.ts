/** The port to the upstream: one verb, one set of events. Implemented by each runtime; nothing else in the relay opens connections. */

/** An upstream origin that came from the registry, the config or an allowed host. */
export interface Destination {
  /** `https://api.openai.com`, without a path; never made of caller text. */
  readonly origin: string;
  /** True when config lists this host and port in `upstream.allow_private`. */
  readonly allowPrivate: boolean;
}

/** One request to send. */
export interface UpstreamRequest {
  readonly destination: Destination;
  readonly method: string;
  /** Origin-form target, exactly one leading slash, sent byte for byte. */
  readonly path: string;
  /** Flat list, lower-case names; no `host`, no hop-by-hop. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
  /** Declared length of a streamed body in bytes, null for chunked. */
  readonly bodyBytes: number | null;
}

/** Why no (complete) answer came. */
export interface TransportFailure {
  readonly kind: 'unreachable' | 'destination_denied' | 'timeout' | 'reset' | 'protocol' | 'aborted' | 'body';
  /** True when at least one byte of the request had gone out. */
  readonly written: boolean;
  /** For the operator's log; no secrets. */
  readonly reason: string;
  /** The error that the request body threw, when kind is `body`. */
  readonly cause?: unknown;
}

/** Called by the transport, in order: onHeaders, onData*, then one of onEnd and onFailure (which may also come first). */
export interface UpstreamEvents {
  /** The final status (1xx never reach here) and header lines, flat. */
  onHeaders(status: number, rawHeaders: readonly string[]): void;
  /** Body bytes. */
  onData(chunk: Uint8Array): void;
  onEnd(): void;
  onFailure(failure: TransportFailure): void;
}

/** A call under way. */
export interface UpstreamCall {
  /** Stops reading from the upstream until `resume`. */
  pause(): void;
  resume(): void;
  /** Closes the upstream connection at once, also while still queued; then `onFailure` with kind `aborted`, unless already ended. */
  abort(): void;
  /** True once a byte of the request has gone out. */
  readonly written: boolean;
}

/** The only door to the upstream. */
export interface Transport {
  dispatch(request: UpstreamRequest, events: UpstreamEvents): UpstreamCall;
  /** Lets go of idle connections; running calls are aborted. */
  close(): Promise<void>;
}
