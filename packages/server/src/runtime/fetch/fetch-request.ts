/**
 * A Fetch `Request` as an `InboundRequest`. Target and header lines are already normalised here and framing cannot be judged,
 * so `exact` is false and the normalised path is what gets checked and sent.
 */
import { BodyAborted, BodyIdle, type BodySource, type InboundRequest } from '../../io.ts';

/** What a runtime may know beyond the `Request`. */
export interface FetchRequestInfo {
  /** The peer's address without port; absent: unknown, and then no forwarding header is believed either. */
  readonly remoteAddress?: string | undefined;
}

/** How bodies are read. */
export interface FetchRequestOptions {
  /** Longest pause between two pieces of a body, in milliseconds. */
  readonly bodyIdleMs: number;
}

/** Wraps a request. */
export function wrapFetchRequest(
  request: Request,
  info: FetchRequestInfo,
  options: FetchRequestOptions,
): InboundRequest {
  const rawHeaders: string[] = [];
  request.headers.forEach((value, name) => {
    rawHeaders.push(name, value);
  });
  return {
    method: request.method,
    rawTarget: targetOf(request.url),
    rawHeaders,
    httpVersion: null,
    origin: request.url.slice(0, request.url.indexOf('/', request.url.indexOf('//') + 2)),
    peerAddress: info.remoteAddress ?? null,
    exact: false,
    upgrade: request.headers.has('upgrade'),
    body: wrapBody(request, options.bodyIdleMs),
  };
}

/** Path and query of a serialised URL, byte for byte; building a `URL` would copy it once more. */
export function targetOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  const hash = url.indexOf('#');
  return url.slice(start, hash === -1 ? undefined : hash);
}

function wrapBody(request: Request, idleMs: number): BodySource {
  const length = request.headers.get('content-length');
  const known = length !== null && /^\d{1,15}$/.test(length) ? Number(length) : null;
  const stream = request.body;

  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (stream === null) return;
    const reader = stream.getReader();
    try {
      for (;;) {
        const { done, value } = await readWithin(reader, idleMs);
        if (done) return;
        yield value;
      }
    } finally {
      reader.releaseLock();
    }
  }

  async function discard(maxBytes: number, maxMs: number): Promise<void> {
    if (stream === null || stream.locked) return;
    const reader = stream.getReader();
    const timer = setTimeout(() => reader.cancel().catch(() => {}), maxMs);
    let left = maxBytes;
    try {
      while (left > 0) {
        const { done, value } = await reader.read();
        if (done) return;
        left -= value.length;
      }
      await reader.cancel();
    } catch {
      // The caller left: nothing more to drop.
    } finally {
      clearTimeout(timer);
      reader.releaseLock();
    }
  }

  return { declaredBytes: stream === null ? 0 : known, proceed: () => {}, chunks, discard };
}

/** One read; `BodyIdle` after `idleMs` of nothing, `BodyAborted` when the stream breaks. */
async function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  idleMs: number,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const idle = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new BodyIdle()), idleMs);
  });
  try {
    return await Promise.race([reader.read(), idle]);
  } catch (error) {
    throw error instanceof BodyIdle ? error : new BodyAborted();
  } finally {
    clearTimeout(timer);
  }
}
