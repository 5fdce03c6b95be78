// All checks and all tests in one run, ending with the plain line "N passed, N failed, N skipped". Started by `npm test`.
// Arguments go to vitest; with any (a file, a name) the checks are left out.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCheckSteps } from './check-steps.ts';
import { closeRun, type Tally } from './tally.ts';

// Programs that tests start keep their droppings (caches, crash reports, tokens) in the checkout, not in the user's home.
for (const kind of ['CACHE', 'CONFIG', 'DATA', 'STATE']) {
  process.env[`XDG_${kind}_HOME`] = resolve('.tools/home', kind.toLowerCase());
}

const filters = process.argv.slice(2);
const failedSteps = filters.length > 0 ? [] : await runCheckSteps({ tests: false });

const folder = mkdtempSync(join(tmpdir(), 'relayapi-tally-'));
const file = join(folder, 'tally.json');
const vitest = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=./scripts/tally-reporter.ts',
    ...filters,
  ],
  { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, RELAYAPI_TEST_TALLY: file } },
);
const tally: Tally = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { passed: 0, failed: 1, skipped: [] };
rmSync(folder, { recursive: true });
if (vitest.status !== 0 && tally.failed === 0) tally.failed = 1;

const requireAll = process.env['RELAYAPI_TEST_REQUIRE'] === 'all' && filters.length === 0;
const closing = closeRun(tally, { requireAll, failedSteps });
for (const line of closing.before) console.log(line);
console.log(closing.line);
process.exitCode = closing.exitCode;
