/**
 * The two errors this package throws: a `.rai` file that cannot be used, and claims that cannot be sealed.
 * Everything a caller of the relay can cause is a value, not an error. Neither ever holds a byte of a key.
 */

/** One thing wrong with a file: where, what, and how to put it right. */
export interface Problem {
  /** JSON path of the field, `$.keys[0].kid`; `$` is the whole file. */
  path: string;
  /** What is wrong, without the value itself. */
  message: string;
  /** What to do about it. */
  fix: string;
}

/** A `.rai` file that was refused; holds every problem found, not the first alone. */
export class RaiError extends Error {
  override readonly name = 'RaiError';
  /** All problems, in the order of the file. */
  readonly problems: readonly Problem[];

  /** `problems` holds at least one entry. */
  constructor(problems: readonly Problem[]) {
    super(problems.map((p) => `${p.path}: ${p.message}; ${p.fix}`).join('\n'));
    this.problems = problems;
  }
}

/** Claims that no relay would accept, or a file that cannot mint them. */
export class MintError extends TypeError {
  override readonly name = 'MintError';
  /** Name of the claim at fault (`limits.calls`), or `token` (too long) or `relay` (its URL). */
  readonly claim: string;

  /** `reason` completes the sentence that starts with the claim's name. */
  constructor(claim: string, reason: string) {
    super(`${claim}: ${reason}`);
    this.claim = claim;
  }
}
