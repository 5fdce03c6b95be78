// `pnpm check`: format, lint, types, imports, house rules, dead code, docs, packages, unit and conformance tests.
// `pnpm check --no-tests` leaves the tests out.
import { runCheckSteps } from './check-steps.ts';

const FLAGS = ['--no-tests'];
// a package manager may hand its own `--` on
const flags = process.argv.slice(2).filter((flag) => flag !== '--');
const unknown = flags.find((flag) => !FLAGS.includes(flag));
if (unknown !== undefined) {
  console.error(`check: unknown argument ${unknown}; known: ${FLAGS.join(', ')}`);
  process.exitCode = 2;
} else {
  const failed = await runCheckSteps({ tests: !flags.includes('--no-tests') });
  console.log(failed.length === 0 ? '\ncheck: all steps ok' : `\ncheck: failed: ${failed.join(', ')}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
