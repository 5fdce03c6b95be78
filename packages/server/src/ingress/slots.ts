/** Places for work that holds memory, counted per key: whoever finds none free waits in line for a bounded time. */

/** A counter of places per key. */
export interface Slots {
  /** Takes a place; null when none came free within the wait. The function gives it back, once. */
  take(key: string): Promise<(() => void) | null>;
  /** Keys with a place taken; for tests and metrics. */
  readonly size: number;
}

interface Line {
  taken: number;
  readonly waiting: Set<() => void>;
}

/** Makes `perKey` places for each key, with at most `waitMs` milliseconds of waiting and 1,024 waiting per key. */
export function createSlots(perKey: number, waitMs: number): Slots {
  const lines = new Map<string, Line>();

  function releaser(key: string, line: Line): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = line.waiting.values().next().value;
      if (next !== undefined) return next();
      line.taken--;
      if (line.taken === 0) lines.delete(key);
    };
  }

  async function take(key: string): Promise<(() => void) | null> {
    const line = lines.get(key) ?? { taken: 0, waiting: new Set() };
    lines.set(key, line);
    if (line.taken < perKey) {
      line.taken++;
      return releaser(key, line);
    }
    if (line.waiting.size >= 1024) return null;
    return new Promise((resolve) => {
      // The place passes from hand to hand: `taken` does not change.
      const proceed = () => {
        clearTimeout(timer);
        line.waiting.delete(proceed);
        resolve(releaser(key, line));
      };
      const timer = setTimeout(() => {
        line.waiting.delete(proceed);
        resolve(null);
      }, waitMs);
      line.waiting.add(proceed);
    });
  }

  return {
    take,
    get size() {
      return lines.size;
    },
  };
}
