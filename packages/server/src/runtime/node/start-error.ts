/** What keeps a start from happening, in words for an operator. */
import type { ConfigProblem } from '../../config/problems.ts';

/** Keeps a start from happening; its problems are for the operator. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super('the relay cannot start');
    this.problems = problems;
  }
}
