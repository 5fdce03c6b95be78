/** A narrow gate: so many pieces of work at once, so many waiting, the rest turned away (behaviour spec §10). */

/** Lets work through. */
export interface Gate {
  /**
   * Runs `work` when there is room; resolves with null when too many wait already. Rejects as the work does.
   * Work that goes `ahead` is next, before all that does not, and takes the place of the last of those when no place is left.
   */
  pass<T>(work: () => Promise<T>, ahead?: boolean): Promise<T | null>;
}

/** `running` at once, `waiting` behind them, in order of arrival. */
export function createGate(running: number, waiting: number): Gate {
  let busy = 0;
  const first: ((enters: boolean) => void)[] = [];
  const others: ((enters: boolean) => void)[] = [];

  async function run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      // The place goes straight to the next in line, so that nobody slips in between.
      const next = first.shift() ?? others.shift();
      if (next === undefined) busy -= 1;
      else next(true);
    }
  }

  return {
    async pass(work, ahead = false) {
      if (busy < running) {
        busy += 1;
        return run(work);
      }
      if (first.length + others.length >= waiting) {
        const displaced = ahead ? others.pop() : undefined;
        if (displaced === undefined) return null;
        displaced(false);
      }
      const enters = await new Promise<boolean>((resolve) => (ahead ? first : others).push(resolve));
      return enters ? run(work) : null;
    },
  };
}
