/** Log lines on their way to standard output: gathered for a moment, written in one piece, so that a busy relay does not pay a system call per line. */

/** A stream that takes text. */
export interface TextStream {
  write(text: string): unknown;
}

/** Gathers lines. */
export interface LogOutput {
  write(line: string): void;
  /** Writes what waits, now. */
  flush(): void;
}

/** Longest wait of a line, in milliseconds. */
const WAIT_MS = 10;
/** From so many characters on there is no waiting. */
const MAX_WAITING = 64 * 1024;

/** Gathers lines for a stream. The wait never keeps the process alive: flush at its end. */
export function createLogOutput(stream: TextStream): LogOutput {
  let waiting = '';
  let timer: NodeJS.Timeout | null = null;

  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const text = waiting;
    waiting = '';
    if (text !== '') stream.write(text);
  }

  return {
    flush,
    write(line) {
      waiting += line;
      if (waiting.length >= MAX_WAITING) flush();
      else timer ??= setTimeout(flush, WAIT_MS).unref();
    },
  };
}
