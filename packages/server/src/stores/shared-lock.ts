/**
 * A lock over shared memory, held for a microsecond at a time by one thread of this process. A thread that is ended inside
 * (`worker.terminate()`, a crash) never lets go: a runtime that loses a thread must end the process, as counters may be half written.
 */

/** The lock's word: free, held, held while others sleep. */
const FREE = 0;
const HELD = 1;
const WANTED = 2;

/** Looks at the word before a thread lies down: some microseconds, longer than anybody holds it. */
const SPINS = 400;
/** A sleeper looks again by itself after this time, in case that it was not woken. */
const NAP_MS = 20;
/** Nobody holds it this long and lives. */
const GIVE_UP_MS = 10_000;

/** Takes the lock at `words[at]`; blocks the thread. Throws when it is not let go for `giveUpMs`: its holder is dead. Not reentrant. */
export function enterLock(words: Int32Array, at: number, giveUpMs = GIVE_UP_MS): void {
  if (Atomics.compareExchange(words, at, FREE, HELD) !== FREE) waitForLock(words, at, giveUpMs);
}

/** Lets the lock go and wakes one sleeper. */
export function leaveLock(words: Int32Array, at: number): void {
  if (Atomics.exchange(words, at, FREE) === WANTED) Atomics.notify(words, at, 1);
}

function waitForLock(words: Int32Array, at: number, giveUpMs: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.load(words, at) === FREE && Atomics.compareExchange(words, at, FREE, HELD) === FREE) return;
  }
  for (let waitedMs = 0; waitedMs < giveUpMs; ) {
    // Who has slept cannot know whether others sleep, and so leaves the word as if some did.
    if (Atomics.exchange(words, at, WANTED) === FREE) return;
    if (Atomics.wait(words, at, WANTED, NAP_MS) === 'timed-out') waitedMs += NAP_MS;
  }
  throw new Error('The counters are locked by a thread that does not let them go.');
}
