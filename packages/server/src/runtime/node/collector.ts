/**
 * V8's own collector, asked for in the two moments where the relay knows more than V8 does (docs/decisions/0023, 0028): when many
 * buffers outside the heap were read, and once when all that a start needed is garbage. Where an engine has none, nothing is collected early.
 * And kept from the one moment in which V8 knows less: a relay without traffic is not one that has ended (docs/decisions/0031).
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

/** With one of these in Node's own flags V8 stays as it was. */
const WISH = /^--memory-reducer(?:$|-gc-count)/;

/**
 * Keeps compiled code through quiet times: V8 would throw it away some seconds after the last request, to save memory, and the next
 * requests would wait for all of it. For the whole process, threads included.
 */
export function keepCompiledCode(): void {
  if (process.execArgv.some((flag) => WISH.test(flag))) return;
  setFlagsFromString('--memory-reducer-gc-count=0');
  // the shapes of objects that only live within a request: compiled code is bound to them, and a full collection finds none
  setFlagsFromString('--retain-maps-for-n-gc=1000000');
  // Bytes outside the heap count towards the size at which V8 marks all of it. A relay's heap is small, so that after a quiet time the bodies
  // that pass would keep V8 marking without end: it may grow to four times what is in use before it is collected whole.
  setFlagsFromString('--heap-growing-percent=300');
}
