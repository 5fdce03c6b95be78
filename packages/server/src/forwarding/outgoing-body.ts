/** The request body on its way up: gathered where that is allowed, else streamed and counted, and ended when the call is. */
import type { Clock } from '../clock.ts';
import { type Denial, deny } from '../errors.ts';
import type { PreparedBody } from '../exchange.ts';
import { BodyAborted, BodyDenied, BodyIdle, isBelowLeastRate, type MaybePromise } from '../io.ts';

/** A body as the transport takes it. */
export interface OutgoingBody {
  /** The body itself; asked for once. One in memory is not held here any longer: a second time gives null. */
  take(): Uint8Array | AsyncIterable<Uint8Array> | null;
  /** Length in bytes where known. */
  readonly bytes: number | null;
  /** Bytes handed over so far. */
  handed(): number;
  /** True once the caller's body has been read to its end. */
  complete(): boolean;
}

/** Collects or wraps a body. Throws or rejects with what reading it throws: see `bodyFault`. `onChunk` is called for each streamed piece. */
export function openOutgoingBody(
  body: PreparedBody,
  clock: Clock,
  onChunk: () => void,
): MaybePromise<OutgoingBody> {
  if (body.kind === 'none') return new WholeBody(null);
  if (body.kind === 'bytes') return new WholeBody(body.bytes);
  const { declaredBytes } = body;
  if (body.gather && declaredBytes !== null) {
    return (body.whole?.() ?? collect(body.chunks(), declaredBytes, clock)).then(wholeBody);
  }
  return streamedBody(body.chunks(), declaredBytes, onChunk);
}

function streamedBody(
  chunks: AsyncIterable<Uint8Array>,
  declaredBytes: number | null,
  onChunk: () => void,
): OutgoingBody {
  let handed = 0;
  let complete = false;
  // not a generator: its return() must reach the source at once, even while a chunk is awaited
  const counted: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]() {
      const source = chunks[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await source.next();
          if (result.done) complete = true;
          else handed += result.value.length;
          onChunk();
          return result;
        },
        return: async () => (await source.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
  return { take: () => counted, bytes: declaredBytes, handed: () => handed, complete: () => complete };
}

/** What a failed request body means: the denial that the caller is owed, `gone` when it has left, null when the error is a bug. */
export function bodyFault(error: unknown): Denial | 'gone' | null {
  if (error instanceof BodyAborted) return 'gone';
  if (error instanceof BodyIdle) return deny('request_timeout');
  return error instanceof BodyDenied ? error.denial : null;
}

class WholeBody implements OutgoingBody {
  readonly bytes: number;
  #body: Uint8Array | null;

  constructor(body: Uint8Array | null) {
    this.bytes = body?.length ?? 0;
    this.#body = this.bytes > 0 ? body : null;
  }

  take(): Uint8Array | null {
    const body = this.#body;
    this.#body = null;
    return body;
  }

  handed(): number {
    return this.bytes;
  }

  complete(): boolean {
    return true;
  }
}

function wholeBody(bytes: Uint8Array): OutgoingBody {
  return new WholeBody(bytes);
}

/** One buffer of the declared size instead of the pieces: sent byte by byte they would cost a hundred times as much. */
async function collect(
  chunks: AsyncIterable<Uint8Array>,
  declaredBytes: number,
  clock: Clock,
): Promise<Uint8Array> {
  const startedAtMs = clock.monotonicMs();
  let buffer = new Uint8Array(0);
  let length = 0;
  for await (const chunk of chunks) {
    const needed = length + chunk.length;
    if (needed < declaredBytes && isBelowLeastRate(needed, clock.monotonicMs() - startedAtMs)) {
      throw new BodyDenied(deny('request_timeout', { reason: 'body below the least rate' }));
    }
    if (length === 0 && needed >= declaredBytes) buffer = chunk as Uint8Array<ArrayBuffer>;
    else {
      if (needed > buffer.length) {
        const larger = new Uint8Array(Math.max(needed, declaredBytes));
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(chunk, length);
    }
    length = needed;
  }
  return buffer.subarray(0, length);
}
