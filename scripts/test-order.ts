// The order of test files within a group: those known to take long begin first, so that none of them is left to run alone at the end.
// On a fresh checkout vitest knows no times, and would go by the size of the files.
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take ten seconds or more on two cores, in the order in which they begin; waiting and computing ones alternate. */
export const LONG = [
  'packages/server/test/operations/life.test.ts',
  'packages/server/test/hostile/fuzz/live.test.ts',
  'packages/server/test/operations/workers.test.ts',
  'packages/server/test/pressure/upstreams.test.ts',
  'packages/server/test/limits/exactly-calls.test.ts',
  'packages/server/test/clients/browser.test.ts',
  'packages/server/test/start/try-page.test.ts',
  'packages/server/test/start/workers.test.ts',
  'packages/server/test/start/running.test.ts',
  'packages/server/test/start/bad-starts.test.ts',
  'packages/server/test/hostile/json-bodies.test.ts',
  'packages/server/test/hostile/tls.test.ts',
  'packages/server/test/differential/two-paths.test.ts',
  'scripts/setup/newcomer.test.ts',
  'scripts/setup/get-relayapi.test.ts',
  'packages/token/test/twin.test.ts',
  'packages/token/test/acceptance.test.ts',
  'packages/server/test/hostile/fuzz/fuzz.test.ts',
  'packages/server/test/differential/openers.test.ts',
];

/** Where a file, named from the root of the checkout, begins: the place of a long one, behind all of them for any other. */
export function placeOf(path: string): number {
  const place = LONG.indexOf(path);
  return place === -1 ? LONG.length : place;
}

/** vitest's own order, the long files of each group before the others. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const groupOf = (file: TestSpecification) => file.project.config.sequence.groupOrder;
    const place = (file: TestSpecification) => placeOf(relative(this.ctx.config.root, file.moduleId));
    return sorted.toSorted((a, b) => groupOf(a) - groupOf(b) || place(a) - place(b));
  }
}
