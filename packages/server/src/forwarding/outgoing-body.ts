/** The request body on its way up: gathered where that is allowed, else streamed and counted, and ended when the call is. */
import type { Clock } from '../clock.ts';
import { type Denial, deny } from '../errors.ts';
import type { PreparedBody } from '../exchange.ts';
import { BodyAborted, BodyDenied, BodyIdle, isBelowLeastRate } from '../io.ts';

/** A body as the transport takes it. */
export interface OutgoingBody {
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
  /** Length in bytes where known. */
  readonly bytes: number | null;
  /** Bytes handed over so far. */
  handed(): number;
  /** True once the caller's body has been read to its end. */
  complete(): boolean;
}

/** Collects or wraps a body. Throws what reading it throws: see `bodyFault`. `onChunk` is called for each streamed piece. */
export async function openOutgoingBody(
  body: PreparedBody,
  clock: Clock,
  onChunk: () => void,
): Promise<OutgoingBody> {
  if (body.kind === 'none') return whole(null);
  if (body.kind === 'bytes') return whole(body.bytes);
  const { declaredBytes } = body;
  if (body.gather && declaredBytes !== null) {
    return whole(await (body.whole?.() ?? collect(body.chunks(), declaredBytes, clock)));
  }
  let handed = 0;
  let complete = false;
  const chunks = body.chunks();
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
  return { body: counted, bytes: declaredBytes, handed: () => handed, complete: () => complete };
}

/** What a failed request body means: the denial that the caller is owed, `gone` when it has left, null when the error is a bug. */
export function bodyFault(error: unknown): Denial | 'gone' | null {
  if (error instanceof BodyAborted) return 'gone';
  if (error instanceof BodyIdle) return deny('request_timeout');
  return error instanceof BodyDenied ? error.denial : null;
}

function whole(bytes: Uint8Array | null): OutgoingBody {
  return {
    body: bytes && bytes.length > 0 ? bytes : null,
    bytes: bytes?.length ?? 0,
    handed: () => bytes?.length ?? 0,
    complete: () => true,
  };
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
