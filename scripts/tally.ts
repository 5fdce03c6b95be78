// Counts of a test run and the plain closing line. Pure: knows neither vitest nor the process.

/** What one run of the tests came to. `skipped` names every test that did not run, with its reason. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: { name: string; reason: string }[];
}

/** One test as a reporter sees it. */
export interface Outcome {
  name: string;
  state: 'passed' | 'failed' | 'skipped' | 'pending';
  note: string | undefined;
}

/**
 * Adds up outcomes. `brokenModules` are test files that could not even be loaded and errors outside any test:
 * each counts as one failure. A test that never finished is a failure, too.
 */
export function tallyOutcomes(outcomes: Iterable<Outcome>, brokenModules: number): Tally {
  const tally: Tally = { passed: 0, failed: brokenModules, skipped: [] };
  for (const { name, state, note } of outcomes) {
    if (state === 'passed') tally.passed += 1;
    else if (state === 'skipped') tally.skipped.push({ name, reason: note ?? 'no reason given' });
    else tally.failed += 1;
  }
  return tally;
}

/** How a run ends: its plain closing line, the lines to print before it, and the exit code. */
export interface Closing {
  before: string[];
  line: string;
  exitCode: 0 | 1;
}

/**
 * Judges a run. With `requireAll` each skipped test is a failure; a run that passed no test has failed;
 * each name in `failedSteps` (checks other than tests) counts as one failure.
 */
export function closeRun(
  tally: Tally,
  options: { requireAll: boolean; failedSteps: readonly string[] },
): Closing {
  const verb = options.requireAll ? 'not run, but RELAYAPI_TEST_REQUIRE=all' : 'skipped';
  const before = tally.skipped.map(({ name, reason }) => `${verb}: ${name}: ${reason}`);
  const skipped = options.requireAll ? 0 : tally.skipped.length;
  const failed = tally.failed + options.failedSteps.length + (tally.skipped.length - skipped);
  if (options.failedSteps.length > 0) before.push(`failed checks: ${options.failedSteps.join(', ')}`);
  if (tally.passed === 0) before.push('no test ran and passed');
  const line = `${tally.passed} passed, ${failed} failed, ${skipped} skipped`;
  return { before, line, exitCode: failed > 0 || tally.passed === 0 ? 1 : 0 };
}
