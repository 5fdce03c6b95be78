#!/usr/bin/env node
/** The command relayapi: runs one command line in this process and leaves its exit code. What goes wrong is said without a stack. */
import process from 'node:process';
import { run } from './program.ts';
import { createTerminal } from './terminal.ts';

// whoever read our output may have gone away (relayapi … | head -1): nothing is left to say to them
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

try {
  process.exitCode = await run(process.argv.slice(2), createTerminal(process));
} catch (error) {
  // a bug: its message could hold what it was working on
  const kind = error instanceof Error ? error.name : 'error';
  const code = (error as NodeJS.ErrnoException)?.code;
  process.stderr.write(
    `relayapi: unexpected ${kind}${code ? ` (${code})` : ''}; please report it with the command you gave\n`,
  );
  process.exitCode = 1;
}
