/** Example programs as child processes, in their own folder, with nothing in the environment that they do not name. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The folder of an example. */
function exampleFolder(name: string): string {
  return fileURLToPath(new URL(`../../${name}/`, import.meta.url));
}

/** A started example. */
export interface StartedExample {
  readonly child: ChildProcess;
  /** Resolves with standard output when the program ends with 0; rejects with all it said otherwise. */
  readonly done: Promise<string>;
  /** Resolves when standard output matches. */
  printed(pattern: RegExp): Promise<void>;
}

/** Starts a command in an example's folder. */
export function startExample(
  name: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): StartedExample {
  const child = spawn(command, args, {
    cwd: exampleFolder(name),
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const done = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`));
    });
  });
  done.catch(() => {});
  return {
    child,
    done,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => pattern.test(stdout) && resolve();
        child.stdout.on('data', look);
        child.on('close', () =>
          reject(new Error(`ended without printing ${pattern}:\n${stdout}\n${stderr}`)),
        );
        look();
      }),
  };
}
