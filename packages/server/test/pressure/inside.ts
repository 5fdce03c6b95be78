/**
 * Runs inside the relay's process before the program, in tests alone: counts what the process holds and says so when asked over the
 * channel. No part of the program.
 */
import { createHook } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What the process holds, by kind of resource; timers that do not keep the process alive are counted too. */
export interface Held {
  readonly resources: Readonly<Record<string, number>>;
  readonly heapBytes: number;
  readonly externalBytes: number;
}

const timers = new Set<number>();
// `RELAYAPI_TEST_COUNT`: a hook on every resource costs time, so figures of speed and memory go without
if (process.env['RELAYAPI_TEST_COUNT'] !== undefined) {
  createHook({
    init(id, type) {
      if (type === 'Timeout') timers.add(id);
    },
    destroy: (id) => void timers.delete(id),
  }).enable();
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function look(): Held {
  const resources: Record<string, number> = { timers: timers.size };
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const { heapUsed, external } = process.memoryUsage();
  return { resources, heapBytes: heapUsed, externalBytes: external };
}

process.on('message', (order) => {
  if (order !== 'collect') return void process.send?.(look());
  // the first collection lets go of what only then lets go of its buffers
  collectGarbage();
  setImmediate(() => {
    collectGarbage();
    process.send?.(look());
  });
});
// the channel must not keep the program running
process.channel?.unref();
