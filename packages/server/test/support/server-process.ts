/** The program relayapi-server as a child process, run from source, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/runtime/node/main.ts', import.meta.url));
/** The program as it is published; absent until it is built. */
export const BUILT_MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Node's compile cache, as the test run set it (vitest.config.ts). What is built starts without, as it does for operators. */
const COMPILED = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] };

/** A fresh folder to start in. */
export function startFolder(): string {
  return mkdtempSync(join(tmpdir(), 'relayapi-start-'));
}

/** Writes a file with mode 0600 unless told otherwise; objects as JSON. Returns its path. */
export function putFile(folder: string, name: string, content: unknown, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode });
  return path;
}

/** What a run said and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program. */
export interface ServerProcess {
  readonly child: ChildProcess;
  /** What it wrote so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when standard output matches; rejects when the program ends first. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
  /** Asks it to stop and waits. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

/** Most characters of standard output that are kept for a run whose output is watched. */
const KEPT_WATCHED = 65_536;

/** How a program is started where it matters. */
export interface Start {
  /** A module that runs inside the program before it; the channel to it is `child.send` and `message`. */
  readonly preload?: URL;
  /** Most open files (`ulimit -n`). */
  readonly openFiles?: number;
  /** Starts what is built instead of the sources. Default false. */
  readonly built?: boolean;
}

/**
 * Starts the program in `folder`. Ports are free ones unless the arguments or `config` say otherwise. With `watch` each piece of
 * standard output goes there, and only the first ones are kept: for runs that print without end.
 */
export function startProcess(
  folder: string,
  argv: readonly string[],
  env: Record<string, string> = {},
  watch: ((text: string) => void) | null = null,
  { preload, openFiles, built = false }: Start = {},
): ServerProcess {
  const node = built ? [process.execPath] : [process.execPath, '--conditions=relayapi-source'];
  if (preload !== undefined) node.push(`--import=${preload.href}`);
  // exec: the shell becomes the program, so that signals and /proc mean the program
  const shell = openFiles === undefined ? [] : ['/bin/sh', '-c', `ulimit -n ${openFiles} && exec "$@"`, 'sh'];
  const [program = '', ...rest] = [...shell, ...node, built ? BUILT_MAIN : MAIN, ...argv];
  const child = spawn(program, rest, {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...(built ? {} : COMPILED), ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(preload === undefined ? [] : ['ipc' as const])],
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout?.on('data', (chunk) => {
    watch?.(String(chunk));
    if (watch !== null && stdout.length > KEPT_WATCHED) return;
    stdout += chunk;
    for (const watcher of watchers) watcher();
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
      for (const watcher of watchers) watcher();
    });
  });
  let over = false;
  void ended.then(() => {
    over = true;
  });

  function printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(stdout);
        if (!match && !over && child.exitCode === null) return;
        watchers.delete(look);
        if (match) resolve(match);
        else reject(new Error(`ended without printing ${pattern}:\n${stdout}\n${stderr}`));
      };
      watchers.add(look);
      look();
    });
  }

  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    printed,
    ended,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

/** Runs the program to its end. */
export function runProcess(
  folder: string,
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  return startProcess(folder, argv, env).ended;
}
