// `pnpm check`: format, lint, types, imports, house rules, dead code, docs, packages, unit and conformance tests.
// `pnpm check --no-tests` leaves the tests out.
import { runCheckSteps } from './check-steps.ts';

const failed = runCheckSteps({ tests: !process.argv.includes('--no-tests') });
console.log(failed.length === 0 ? '\ncheck: all steps ok' : `\ncheck: failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
