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
  return new CopiedTail(bound);
}

class CopiedTail implements Tail {
  readonly #bound: number;
  #buffer: Uint8Array | null = null;
  #used = 0;
  #next = 0;
  #total = 0;

  constructor(bound: number) {
    this.#bound = bound;
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
    const next = this.#next;
    const used = this.#used;
    if (used < buffer.length || next === 0) return buffer.subarray(0, used);
    const ordered = new Uint8Array(used);
    ordered.set(buffer.subarray(next));
    ordered.set(buffer.subarray(0, next), used - next);
    return ordered;
  }

  /** The buffer, grown where it may: only before the first turn, so that `used` bytes stand from the start. */
  #roomFor(bytes: number): Uint8Array {
    const wanted = this.#used + bytes;
    if (this.#buffer !== null && (wanted <= this.#buffer.length || this.#buffer.length === this.#bound)) {
      return this.#buffer;
    }
    let size = this.#buffer?.length ?? Math.min(FIRST_SIZE, this.#bound);
    while (size < wanted) size *= 2;
    const larger = new Uint8Array(Math.min(size, this.#bound));
    if (this.#buffer !== null) larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
    this.#next = this.#used % larger.length;
    return larger;
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
