/**
 * Has the buffers collected in which bodies were read from sockets. Node reads into 64 KiB outside V8's heap, so V8 sees a few objects
 * where tens of MiB lie, and lets about 64 MiB of them wait. Not a limit on what is in flight: back-pressure is (docs/decisions/0023).
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes read between two collections: as much garbage as may lie, at a cost that small calls do not notice. */
const BYTES_PER_COLLECTION = 8 * 1024 * 1024;

type Collect = (options: { type: 'minor' }) => void;

/** Tries to find the collector: the switch is the process's, and another thread that starts may put it back in between. */
const TRIES = 20;

/** V8's own collector of young objects; no other code gets hold of it. */
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
let readBytes = 0;

/** Counts what was read of a body, in bytes, from either side. */
export function countRead(bytes: number): void {
  readBytes += bytes;
  if (readBytes < BYTES_PER_COLLECTION) return;
  readBytes = 0;
  collect?.({ type: 'minor' });
}
