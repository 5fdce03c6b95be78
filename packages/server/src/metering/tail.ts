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
/** What a tail of small pieces takes, and how many of its longest piece it has room for otherwise: what is looked for stands in one of the last. */
const FIRST_SIZE = 2048;
const PIECES = 4;

/**
 * A tail of at most `bound` bytes, of less where the pieces are small, but for `least` of them: a stream may be held for long. No memory is
 * taken before the first piece.
 */
export function createTail(bound: number, least: number = FIRST_SIZE): Tail {
  return new CopiedTail(bound, Math.min(least, bound));
}

class CopiedTail implements Tail {
  readonly #bound: number;
  readonly #least: number;
  #buffer: Uint8Array | null = null;
  #used = 0;
  #next = 0;
  #total = 0;

  constructor(bound: number, least: number) {
    this.#bound = bound;
    this.#least = least;
  }

  push(chunk: Uint8Array): void {
    this.#total += chunk.length;
    if (chunk.length === 0) return;
    const piece = chunk.length > this.#bound ? chunk.subarray(chunk.length - this.#bound) : chunk;
    const buffer = this.#roomFor(piece.length);
    const fits = Math.min(piece.length, buffer.length - this.#next);
    buffer.set(fits === piece.length ? piece : piece.subarray(0, fits), this.#next);
    if (fits < piece.length) buffer.set(piece.subarray(fits), 0);
    this.#next = (this.#next + piece.length) % buffer.length;
    this.#used = Math.min(this.#used + piece.length, buffer.length);
  }

  total(): number {
    return this.#total;
  }

  bytes(): Uint8Array {
    const buffer = this.#buffer;
    if (buffer === null) return new Uint8Array(0);
    const used = this.#used;
    if (used < buffer.length || this.#next === 0) return buffer.subarray(0, used);
    const ordered = new Uint8Array(used);
    this.#copyInto(ordered);
    return ordered;
  }

  #roomFor(bytes: number): Uint8Array {
    const before = this.#buffer;
    const size = Math.min(Math.max(this.#least, PIECES * bytes), this.#bound);
    if (before !== null && size <= before.length) return before;
    const larger = new Uint8Array(size);
    this.#copyInto(larger);
    this.#buffer = larger;
    this.#next = this.#used % size;
    return larger;
  }

  /** What is kept, in its order. */
  #copyInto(target: Uint8Array): void {
    const buffer = this.#buffer;
    if (buffer === null) return;
    const start = this.#used < buffer.length ? 0 : this.#next;
    target.set(buffer.subarray(start, this.#used));
    target.set(buffer.subarray(0, start), this.#used - start);
  }
}

/** A tail of the pieces themselves, nothing copied: as few of the last ones as hold `bound` bytes. */
export function createChunkTail(bound: number): Tail {
  return new ChunkTail(bound);
}

class ChunkTail implements Tail {
  readonly #bound: number;
  #chunks: Uint8Array[] = [];
  #held = 0;
  #total = 0;

  constructor(bound: number) {
    this.#bound = bound;
  }

  push(chunk: Uint8Array): void {
    const chunks = this.#chunks;
    chunks.push(chunk);
    this.#total += chunk.length;
    this.#held += chunk.length;
    while (chunks.length > 1 && this.#held - (chunks[0] as Uint8Array).length >= this.#bound) {
      this.#held -= (chunks.shift() as Uint8Array).length;
    }
    // pieces of a byte each would take a hundred times what is in them
    if (chunks.length === MAX_CHUNKS) this.#chunks = [concatBytes(...chunks)];
  }

  total(): number {
    return this.#total;
  }

  bytes(): Uint8Array {
    const chunks = this.#chunks;
    const [only] = chunks;
    const all = only === undefined || chunks.length > 1 ? concatBytes(...chunks) : only;
    return all.length > this.#bound ? all.subarray(all.length - this.#bound) : all;
  }
}
