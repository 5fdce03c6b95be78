/**
 * Request bodies: read into memory where a claim looks into them, counted as they pass where none does (behaviour §1.3, §6).
 * Limits: declared and real length, memory over all bodies, places per token and address, least rate.
 */
import type { Clock } from '../clock.ts';
import { type Denial, deny } from '../errors.ts';
import type { Arrival, PreparedBody } from '../exchange.ts';
import { BodyDenied, BodyIdle, type BodySource, isBelowLeastRate } from '../io.ts';
import type { IngressOptions } from './options.ts';
import { createSlots } from './slots.ts';

/** The body half of ingress. */
export interface Bodies {
  /** See `Ingress.collectBody`. */
  collect(arrival: Arrival, tokenName: string, maxBytes: number): Promise<Uint8Array | Denial>;
  /** See `Ingress.releaseBody`. */
  release(arrival: Arrival): void;
  /** See `Ingress.bookAnswer`. */
  bookMore(arrival: Arrival, bytes: number): boolean;
  /** See `Ingress.meterBody`. */
  meter(arrival: Arrival, maxBytes: number): PreparedBody | Denial;
  /** Bytes held at the moment. */
  readonly heldBytes: number;
}

/** A body of at most this many bytes that no claim looks into goes up as one piece (performance.md A3). */
export const GATHER_BYTES = 64 * 1024;

/** Bytes that an arrival has booked; with it and not in a table, which would be filled and emptied with every request (roster.ts). */
const BOOKED = Symbol('booked');

type BookedArrival = Arrival & { [BOOKED]?: number };

const FIRST_BYTES = 16 * 1024;
const EMPTY = new Uint8Array(0);

/** Makes the body half of ingress. */
export function createBodies(options: IngressOptions, clock: Clock): Bodies {
  const perToken = createSlots(options.slotsPerToken, options.slotWaitMs);
  const perAddress = createSlots(options.slotsPerAddress, options.slotWaitMs);
  let heldBytes = 0;

  function release(arrival: BookedArrival): void {
    heldBytes -= arrival[BOOKED] ?? 0;
    arrival[BOOKED] = 0;
  }

  /** Books memory before it is allocated; false when all bodies together would hold too much. */
  function book(arrival: BookedArrival, bytes: number): boolean {
    const before = arrival[BOOKED] ?? 0;
    if (heldBytes - before + bytes > options.maxBufferedBytes) return false;
    heldBytes += bytes - before;
    arrival[BOOKED] = bytes;
    return true;
  }

  /** Grows one buffer instead of keeping the pieces: a body sent byte by byte would cost a hundred times its size. */
  async function read(arrival: Arrival, maxBytes: number): Promise<Uint8Array | Denial> {
    const source = arrival.request.body;
    const startedAtMs = clock.monotonicMs();
    const declared = source.declaredBytes;
    let buffer: Uint8Array = EMPTY;
    let length = 0;
    source.proceed();
    for await (const chunk of source.chunks()) {
      const needed = length + chunk.length;
      if (needed > maxBytes) return deny('request_too_large');
      const elapsedMs = clock.monotonicMs() - startedAtMs;
      const complete = declared !== null && needed >= declared;
      if (!complete && isBelowLeastRate(needed, elapsedMs)) {
        return deny('request_timeout', { reason: 'body below the least rate' });
      }
      if (length === 0 && complete) {
        if (!book(arrival, needed)) return deny('capacity', { reason: 'buffered bodies' });
        buffer = chunk;
      } else {
        if (needed > buffer.length) {
          const size = Math.max(
            needed,
            Math.min(2 * buffer.length, maxBytes),
            Math.min(FIRST_BYTES, maxBytes),
          );
          if (!book(arrival, size)) return deny('capacity', { reason: 'buffered bodies' });
          const larger = new Uint8Array(size);
          larger.set(buffer.subarray(0, length));
          buffer = larger;
        }
        buffer.set(chunk, length);
      }
      length = needed;
    }
    return buffer.subarray(0, length);
  }

  /** Bodies that nobody looks into take at most half of the memory: beyond that they are streamed, and those that must be read still find room. */
  function bookGathered(arrival: Arrival, bytes: number): boolean {
    return bytes <= GATHER_BYTES && heldBytes + bytes <= options.maxBufferedBytes / 2 && book(arrival, bytes);
  }

  function meter(arrival: Arrival, maxBytes: number): PreparedBody | Denial {
    const { declaredBytes } = arrival.request.body;
    if (declaredBytes === 0) return { kind: 'none' };
    if (declaredBytes !== null && declaredBytes > maxBytes) return deny('request_too_large');
    const gather = declaredBytes !== null && bookGathered(arrival, declaredBytes);
    const chunks = () => meteredChunks(arrival, maxBytes);
    if (!gather || arrival.request.body.whole === undefined) {
      return { kind: 'stream', chunks, declaredBytes, gather };
    }
    return {
      kind: 'stream',
      chunks,
      declaredBytes,
      gather,
      whole: () => wholeBody(arrival.request.body, clock),
    };
  }

  async function collect(
    arrival: Arrival,
    tokenName: string,
    maxBytes: number,
  ): Promise<Uint8Array | Denial> {
    const declared = arrival.request.body.declaredBytes;
    if (declared === 0) return EMPTY;
    if (declared !== null && declared > maxBytes) return deny('request_too_large');
    const leaveToken = await perToken.take(tokenName);
    if (leaveToken === null) return deny('capacity', { reason: 'bodies of one token' });
    const leaveAddress = await perAddress.take(arrival.clientGroup ?? '');
    try {
      if (leaveAddress === null) return deny('capacity', { reason: 'bodies of one address' });
      const body =
        declared !== null && arrival.request.body.whole !== undefined && bookGathered(arrival, declared)
          ? await wholeBody(arrival.request.body, clock)
          : await read(arrival, maxBytes);
      if (!(body instanceof Uint8Array)) release(arrival);
      return body;
    } catch (error) {
      release(arrival);
      if (error instanceof BodyDenied) return error.denial;
      if (error instanceof BodyIdle) return deny('request_timeout', { reason: 'body idle' });
      throw error;
    } finally {
      leaveAddress?.();
      leaveToken();
    }
  }

  return {
    collect,
    release,
    bookMore: (arrival: BookedArrival, bytes) => book(arrival, (arrival[BOOKED] ?? 0) + bytes),
    meter,
    get heldBytes() {
      return heldBytes;
    },
  };
}

/** A short body in one piece; its declared length was judged before. */
async function wholeBody(source: BodySource, clock: Clock): Promise<Uint8Array> {
  const startedAtMs = clock.monotonicMs();
  let reason = 'body idle';
  source.proceed();
  try {
    return await (source.whole as NonNullable<BodySource['whole']>)((bytes) => {
      if (!isBelowLeastRate(bytes, clock.monotonicMs() - startedAtMs)) return false;
      reason = 'body below the least rate';
      return true;
    });
  } catch (error) {
    throw error instanceof BodyIdle ? new BodyDenied(deny('request_timeout', { reason })) : error;
  }
}

async function* meteredChunks(arrival: Arrival, maxBytes: number): AsyncGenerator<Uint8Array> {
  const source = arrival.request.body;
  let length = 0;
  source.proceed();
  try {
    for await (const chunk of source.chunks()) {
      length += chunk.length;
      if (length > maxBytes) throw new BodyDenied(deny('request_too_large'));
      yield chunk;
    }
  } catch (error) {
    if (error instanceof BodyIdle) throw new BodyDenied(deny('request_timeout', { reason: 'body idle' }));
    throw error;
  }
}
