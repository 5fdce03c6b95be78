/**
 * Log lines of a worker on their way to the main thread, which alone writes to standard output: lines of several threads could
 * otherwise be cut by one another. As with a pipe that nobody reads, a worker whose lines are not taken waits.
 */
import type { TextStream } from './log-output.ts';

/** Characters that may be under way; from there on the worker waits for the main thread. */
const MAX_UNDER_WAY = 4 * 1024 * 1024;
/** Longest wait at a time, in milliseconds; then it looks again, since a signal may have been missed. */
const LOOK_AGAIN_MS = 100;

/** Room for the count that both sides keep. */
export function createLogBacklog(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** The worker's end: sends each text, and waits while `most` characters or more have not been taken. */
export function createLogSender(
  backlog: Int32Array,
  send: (text: string) => void,
  most: number = MAX_UNDER_WAY,
): TextStream {
  return {
    write(text) {
      send(text);
      let underWay = Atomics.add(backlog, 0, text.length) + text.length;
      while (underWay >= most) {
        Atomics.wait(backlog, 0, underWay, LOOK_AGAIN_MS);
        underWay = Atomics.load(backlog, 0);
      }
    },
  };
}

/** The main thread's end: `text` was taken. */
export function takeLog(backlog: Int32Array, text: string): void {
  Atomics.sub(backlog, 0, text.length);
  Atomics.notify(backlog, 0);
}
