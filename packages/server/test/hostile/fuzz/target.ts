/** What the coverage-guided loop runs: one parser, seeds for it, and what must always hold. */

/** Broken by an input: what should have held. */
class Broken extends Error {
  override readonly name = 'Broken';
}

/** Throws `Broken` unless the condition holds. */
export function hold(condition: boolean, words: string): asserts condition {
  if (!condition) throw new Broken(words);
}

/** One parser under fuzzing. Inputs are bytes, one per character. */
export interface FuzzTarget {
  readonly name: string;
  /** The files whose blocks count as coverage. */
  readonly sources: RegExp;
  readonly seeds: readonly string[];
  readonly dictionary: readonly string[];
  readonly maxLength: number;
  /**
   * Runs the parser on one input and throws where an invariant is broken. Returns in one short word how it came out: a word not seen
   * before keeps the input as new coverage does.
   */
  check(input: string): string | Promise<string>;
}

/** The bytes of an input. */
export function bytesOf(input: string): Uint8Array {
  return Buffer.from(input, 'latin1');
}
