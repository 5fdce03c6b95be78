/**
 * Keeps the last bytes of what passes: copied into one buffer that grows to a bound and then turns round, for streams, whose small pieces
 * each hold a whole read buffer; or the pieces themselves, for bodies that are over at once.
 */

import { concatBytes } from 'relayapi-token';

/** The end of a stream of bytes. */
export interface Tail {
  /** Copies a chunk in; of a chunk over the bound only its end. */
  push(chunk: Uint8Array): void;
  /** Bytes seen in all. */
  total(): number;
  /** The kept bytes in order. */
  bytes(): Uint8Array;
}

const MAX_CHUNKS = 32;
const FIRST_SIZE = 2048;

/** A tail of at most `bound` bytes; no memory is taken before the first chunk. */
export function createTail(bound: number): Tail {
  let buffer = new Uint8Array(0);
  let used = 0;
  let next = 0;
  let total = 0;

  function push(chunk: Uint8Array): void {
    total += chunk.length;
    const piece = chunk.length > bound ? chunk.subarray(chunk.length - bound) : chunk;
    if (used + piece.length > buffer.length && buffer.length < bound) grow(used + piece.length);
    const fits = Math.min(piece.length, buffer.length - next);
    buffer.set(fits === piece.length ? piece : piece.subarray(0, fits), next);
    if (fits < piece.length) buffer.set(piece.subarray(fits), 0);
    next = (next + piece.length) % Math.max(buffer.length, 1);
    used = Math.min(used + piece.length, buffer.length);
  }

  // Only before the first turn: then `used` bytes stand from the start.
  function grow(wanted: number): void {
    let size = Math.max(buffer.length, FIRST_SIZE);
    while (size < wanted) size *= 2;
    const larger = new Uint8Array(Math.min(size, bound));
    larger.set(buffer.subarray(0, used));
    buffer = larger;
    next = used % larger.length;
  }

  function bytes(): Uint8Array {
    if (used < buffer.length || next === 0) return buffer.subarray(0, used);
    const ordered = new Uint8Array(used);
    ordered.set(buffer.subarray(next));
    ordered.set(buffer.subarray(0, next), used - next);
    return ordered;
  }

  return {
    push,
    total: () => total,
    bytes,
  };
}

/** A tail of the pieces themselves, nothing copied: as few of the last ones as hold `bound` bytes. */
export function createChunkTail(bound: number): Tail {
  let chunks: Uint8Array[] = [];
  let held = 0;
  let total = 0;
  return {
    push(chunk) {
      chunks.push(chunk);
      total += chunk.length;
      held += chunk.length;
      while (chunks.length > 1 && held - (chunks[0] as Uint8Array).length >= bound) {
        held -= (chunks.shift() as Uint8Array).length;
      }
      // pieces of a byte each would take a hundred times what is in them
      if (chunks.length === MAX_CHUNKS) chunks = [concatBytes(...chunks)];
    },
    total: () => total,
    bytes() {
      const [only] = chunks;
      const all = only === undefined || chunks.length > 1 ? concatBytes(...chunks) : only;
      return all.length > bound ? all.subarray(all.length - bound) : all;
    },
  };
}
