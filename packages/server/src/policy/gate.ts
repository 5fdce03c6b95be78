/** A narrow gate: so many pieces of work at once, so many waiting, the rest turned away (behaviour spec §10). */
import type { MaybePromise } from '../io.ts';

/** Lets work through. */
export interface Gate {
  /**
   * Runs `work` when there is room; null when too many wait already. Throws or rejects as the work does. Work that answers at once,
   * and finds room, has its answer handed on at once.
   * Work that goes `ahead` is next, before all that does not, and takes the place of the last of those when no place is left.
   */
  pass<T>(work: () => MaybePromise<T>, ahead?: boolean): MaybePromise<T | null>;
}

/** `running` at once, `waiting` behind them, in order of arrival. */
export function createGate(running: number, waiting: number): Gate {
  let busy = 0;
  const first: ((enters: boolean) => void)[] = [];
  const others: ((enters: boolean) => void)[] = [];

  /** The place goes straight to the next in line, so that nobody slips in between. */
  function leave(): void {
    const next = first.shift() ?? others.shift();
    if (next === undefined) busy -= 1;
    else next(true);
  }

  function run<T>(work: () => MaybePromise<T>): MaybePromise<T> {
    let result: MaybePromise<T>;
    try {
      result = work();
    } catch (error) {
      leave();
      throw error;
    }
    if (result instanceof Promise) return result.finally(leave);
    leave();
    return result;
  }

  async function wait<T>(work: () => MaybePromise<T>, ahead: boolean): Promise<T | null> {
    const enters = await new Promise<boolean>((resolve) => (ahead ? first : others).push(resolve));
    return enters ? run(work) : null;
  }

  return {
    pass(work, ahead = false) {
      if (busy < running) {
        busy += 1;
        return run(work);
      }
      if (first.length + others.length >= waiting) {
        const displaced = ahead ? others.pop() : undefined;
        if (displaced === undefined) return null;
        displaced(false);
      }
      return wait(work, ahead);
    },
  };
}
