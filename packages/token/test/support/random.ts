/** A seeded generator (sfc32, public domain), so that a run can be told again by its seed. Not for secrets. */

/** Draws from one seeded sequence. */
export interface Random {
  /** A whole number from 0 to `end` - 1. */
  below(end: number): number;
  /** True once in `n` times. */
  oneIn(n: number): boolean;
  pick<T>(items: readonly T[]): T;
}

/** A generator that starts from `seed`. */
export function createRandom(seed: number): Random {
  let [a, b, c, d] = [seed | 0, 0x9e3779b9, 0x243f6a88, 0xb7e15162];
  function next(): number {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return t >>> 0;
  }
  for (let i = 0; i < 16; i++) next();
  const below = (end: number): number => Math.floor((next() / 4_294_967_296) * end);
  return {
    below,
    oneIn: (n) => below(n) === 0,
    pick: (items) => items[below(items.length)] as never,
  };
}
