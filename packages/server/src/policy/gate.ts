/** A narrow gate: so many pieces of work at once, so many waiting, the rest turned away (behaviour spec §10). */

/** Lets work through. */
export interface Gate {
  /** Runs `work` when there is room; null at once when too many wait already. Rejects as the work does. */
  pass<T>(work: () => Promise<T>): Promise<T> | null;
}

/** `running` at once, `waiting` behind them, in order of arrival. */
export function createGate(running: number, waiting: number): Gate {
  let busy = 0;
  const queue: (() => void)[] = [];

  async function run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      // The place goes straight to the next in line, so that nobody slips in between.
      const next = queue.shift();
      if (next === undefined) busy -= 1;
      else next();
    }
  }

  return {
    pass(work) {
      if (busy < running) {
        busy += 1;
        return run(work);
      }
      if (queue.length >= waiting) return null;
      return new Promise<void>((resolve) => queue.push(resolve)).then(() => run(work));
    },
  };
}
