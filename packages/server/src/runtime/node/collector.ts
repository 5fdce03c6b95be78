/**
 * V8's own collector, asked for in the two moments where the relay knows more than V8 does (docs/decisions/0023, 0028): when many
 * buffers outside the heap were read, and once when all that a start needed is garbage. Where an engine has none, nothing is collected early.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'minor' | 'major'; flavor?: 'regular' | 'last-resort' }) => void;

/** Tries to find the collector: the switch is the process's, and another thread that starts may put it back in between. */
const TRIES = 20;

/** The engine's function; no other code gets hold of it. */
function findCollector(): Collect | null {
  for (let left = TRIES; left > 0; left -= 1) {
    try {
      setFlagsFromString('--expose-gc');
      return runInNewContext('gc') as Collect;
    } catch {
      // not exposed at that moment
    } finally {
      setFlagsFromString('--no-expose-gc');
    }
  }
  return null;
}

const collect = findCollector();

/** Collects young objects, and the buffers that only they held. A millisecond or less. */
export function collectYoung(): void {
  collect?.({ type: 'minor' });
}

/** Collects everything and gives the memory back to the system, that of the young space as well. Tens of milliseconds: never under load. */
export function shrinkHeap(): void {
  collect?.({ type: 'major', flavor: 'last-resort' });
}
