/**
 * Tools of the machine that a test needs: where one is missing the test is skipped with a line that names it,
 * and under RELAYAPI_TEST_REQUIRE=all it fails instead.
 */
import { spawnSync } from 'node:child_process';

/** Whether `command args` runs and exits 0. Prints the skip, or throws, when it does not. */
export function requireTool(name: string, command: string, args: readonly string[]): boolean {
  const done = spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 });
  if (done.status === 0) return true;
  if (process.env.RELAYAPI_TEST_REQUIRE === 'all') throw new Error(`${name} is required and not there`);
  console.warn(`skipped: ${name} is not installed`);
  return false;
}

/** A tool's standard output; throws with its standard error when it fails. */
export function runTool(command: string, args: readonly string[], input: string): string {
  const done = spawnSync(command, args, { input, encoding: 'utf8', timeout: 20_000 });
  if (done.status !== 0) throw new Error(`${command} failed: ${done.stderr}`);
  return done.stdout;
}
