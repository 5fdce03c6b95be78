/**
 * The outside of a command: streams, environment, standard input, clock. Passed in, so that tests need no process.
 */

/** Where a command reads and writes. */
export interface Terminal {
  /** Results. */
  stdout(text: string): void;
  /** Words for people. */
  stderr(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True when a person would have to type: keys are then not read from standard input. */
  readonly stdinIsTerminal: boolean;
  /** All of standard input as text; null when it is longer than a key or token can be. */
  readStdin(): Promise<string | null>;
  /** Standard input as it comes, however long. */
  stdinBytes(): AsyncIterable<Uint8Array>;
  /** Seconds since 1970. */
  now(): number;
}

/** Most characters that are read from standard input. */
const MAX_STDIN = 65_536;

/** The terminal of a process. */
export function createTerminal(process: NodeJS.Process): Terminal {
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    env: process.env,
    stdinIsTerminal: process.stdin.isTTY === true,
    async readStdin() {
      let text = '';
      process.stdin.setEncoding('utf8');
      for await (const chunk of process.stdin) {
        text += chunk;
        if (text.length > MAX_STDIN) return null;
      }
      return text;
    },
    stdinBytes: () => process.stdin,
    now: () => Math.floor(Date.now() / 1000),
  };
}
