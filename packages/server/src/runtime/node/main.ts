#!/usr/bin/env node
/**
 * The program relayapi-server: from the command line to a running server and its exit code.
 * 0 after a clean stop, 2 when something in flags, config or key files keeps it from starting.
 */
import { readFileSync } from 'node:fs';
import { errorFields, silentLogger } from '../../observability/logger.ts';
import { keepCompiledCode, shrinkHeap } from './collector.ts';
import { generateRai } from './default-rai.ts';
import { type Flags, parseFlags, USAGE } from './flags.ts';
import { createJsonLogger } from './json-logger.ts';
import { faultLine, type Guard, guardProcess } from './last-resort.ts';
import { createLogOutput } from './log-output.ts';
import { type Prepared, prepare } from './prepare.ts';
import { problemLine, problemText } from './problem-list.ts';
import { handleSignals } from './signals.ts';
import { StartError } from './start-error.ts';
import { type RunningServer, startServer } from './start-server.ts';
import { forgetVariables } from './vault-secrets.ts';

const USAGE_EXIT = 2;

function version(): string {
  const levels = import.meta.url.endsWith('.ts') ? '../../../' : '../';
  const text = readFileSync(new URL(`${levels}package.json`, import.meta.url), 'utf8');
  return String(JSON.parse(text).version);
}

/** Answers flags that start nothing; true when one was there. */
function answerAtOnce(flags: Flags): number | null {
  if (flags.problems.length > 0) return null;
  if (flags.help) process.stdout.write(USAGE);
  else if (flags.version) process.stdout.write(`relayapi-server ${version()}\n`);
  else if (flags.gen !== null) return printRai(flags.gen);
  else return null;
  return 0;
}

function printRai(target: string): number {
  const rai = generateRai(target, '/relayapi/');
  if (typeof rai === 'string') {
    process.stdout.write(rai);
    return 0;
  }
  process.stderr.write(problemText([rai.problem]));
  return USAGE_EXIT;
}

async function run(prepared: Prepared, flags: Flags, guard: Guard): Promise<void> {
  const { config } = prepared;
  keepCompiledCode();
  const output = createLogOutput(process.stdout);
  // whoever read our output went away: that is no reason to stop serving
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const level = flags.debug || config.server.debug ? 'debug' : config.log.level;
  const logger = config.log.console ? createJsonLogger(level, output) : silentLogger;
  const fault = (error: unknown) => logger.log('error', 'fault', errorFields(error));
  const complain = (text: string) => void process.stderr.write(text);
  for (const warning of prepared.warnings) complain(`relayapi-server: ${problemLine(warning)}\n`);

  const leave = (code: number) => {
    output.flush();
    process.exit(code);
  };
  let stopping = false;
  let starting: Promise<RunningServer> | null = null;
  // a start that is under way is brought to its end first: it has taken the counters of the last run
  const stop = (drainMs: number) => {
    stopping = true;
    Promise.resolve(starting)
      .then((server) => server?.close(drainMs))
      .then(
        () => leave(0),
        (error) => {
          fault(error);
          leave(1);
        },
      );
  };
  handleSignals(process, {
    drain: () => stop(config.server.drain_timeout * 1000),
    hurry: () => stop(0),
    reload: () => void starting?.then((server) => server.reload()),
    fault,
  });
  guard.release();
  starting = startServer(prepared, {
    demo: flags.demo,
    logger,
    log: { output, level: config.log.console ? level : null },
    version: version(),
    fault,
    complain,
    onLost(error) {
      complain(faultLine(error));
      leave(1);
    },
  });
  const { greeting } = await starting;
  if (stopping) return;
  process.stdout.write(greeting);
  // what only the start needed would otherwise lie until traffic pushes it out
  setImmediate(shrinkHeap);
}

/** Runs the program; resolves with an exit code, or null while the server runs. */
async function main(argv: readonly string[], guard: Guard): Promise<number | null> {
  const flags = parseFlags(argv);
  const answered = answerAtOnce(flags);
  if (answered !== null) return answered;
  const prepared = await prepare(flags, process.env);
  if ('problems' in prepared) {
    process.stderr.write(problemText(prepared.problems));
    return USAGE_EXIT;
  }
  forgetVariables(prepared.config, process.env);
  try {
    await run(prepared, flags, guard);
    return null;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(problemText(error.problems));
    return USAGE_EXIT;
  }
}

main(process.argv.slice(2), guardProcess(process)).then(
  (code) => {
    if (code !== null) process.exit(code);
  },
  (error: unknown) => {
    process.stderr.write(faultLine(error));
    process.exit(1);
  },
);
