/**
 * The fetch entry: one function from `Request` to `Response`, for Hono and for runtimes without Node's HTTP server.
 * Slower than the Node listener and less exact (normalised target, no framing); the relay behind it is the same.
 */
import { OPEN_HEADERS } from '../../base-headers.ts';
import { deny } from '../../errors.ts';
import type { InboundRequest, ResponseSink } from '../../io.ts';
import { renderError } from '../../render-error.ts';
import { type FetchRequestInfo, wrapFetchRequest } from './fetch-request.ts';
import { createFetchSink } from './fetch-sink.ts';

/** The relay as the entry sees it. */
export interface FetchRelay {
  handle(request: InboundRequest, sink: ResponseSink): Promise<void> | void;
}

/** Options of the entry. Times in milliseconds. */
export interface FetchHandlerOptions {
  /** Longest pause between two pieces of a request body. Default 15 s. */
  readonly bodyIdleMs?: number;
  /** How long a caller may stop reading. Default 60 s. */
  readonly writeTimeoutMs?: number;
  /** Told of every fault that the relay let through; the request was answered already. Default: nothing. */
  readonly onFault?: (error: unknown) => void;
}

/** Answers a request that the relay `matches`. `info.remoteAddress` is the peer's address, where the runtime knows it. */
export type FetchHandler = (request: Request, info?: FetchRequestInfo) => Promise<Response>;

/** Makes the handler. Its promise rejects only when the answer must fail before it began. */
export function createFetchHandler(relay: FetchRelay, options: FetchHandlerOptions = {}): FetchHandler {
  const sinkOptions = { writeTimeoutMs: options.writeTimeoutMs ?? 60_000 };
  const requestOptions = { bodyIdleMs: options.bodyIdleMs ?? 15_000 };

  async function run(request: Request, info: FetchRequestInfo, sink: ResponseSink): Promise<void> {
    try {
      await relay.handle(wrapFetchRequest(request, info, requestOptions), sink);
      // A handler that says nothing must not leave the caller waiting.
      if (!sink.started) sink.destroy();
    } catch (error) {
      options.onFault?.(error);
      if (sink.started || sink.closed) return sink.destroy();
      const requestId = crypto.randomUUID();
      const { status, headers, body } = renderError(deny('internal'), {
        shape: 'union',
        problemJson: false,
        requestId,
      });
      sink.start(status, [...OPEN_HEADERS, ['x-request-id', requestId], ...headers]);
      sink.end(body);
    }
  }

  return (request, info = {}) => {
    const { sink, response } = createFetchSink(request, sinkOptions);
    void run(request, info, sink);
    return response;
  };
}
