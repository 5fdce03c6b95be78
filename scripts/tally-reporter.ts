// A vitest reporter that writes the counts of the run to the file named by RELAYAPI_TEST_TALLY. Prints nothing.
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';
import { type Outcome, tallyOutcomes } from './tally.ts';

function listOutcomes(module: TestModule): Outcome[] {
  const outcomes: Outcome[] = [];
  for (const test of module.children.allTests()) {
    const result = test.result();
    outcomes.push({
      name: `${module.relativeModuleId} > ${test.fullName}`,
      state: result.state,
      note: result.state === 'skipped' ? result.note : undefined,
    });
  }
  return outcomes;
}

// A hook that throws fails its suite and may leave its tests skipped: the suite's error must count.
function countBroken(module: TestModule): number {
  let broken = module.errors().length > 0 ? 1 : 0;
  for (const suite of module.children.allSuites()) broken += suite.errors().length > 0 ? 1 : 0;
  return broken;
}

class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env['RELAYAPI_TEST_TALLY'];
    if (file === undefined) return;
    const broken = modules.reduce((sum, module) => sum + countBroken(module), unhandled.length);
    writeFileSync(file, JSON.stringify(tallyOutcomes(modules.flatMap(listOutcomes), broken)));
  }
}

export default TallyReporter;
