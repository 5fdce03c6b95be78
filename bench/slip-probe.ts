// Loaded into the relay by slip.ts before it starts: answers each message with what V8 has allocated so far. No part of the relay.
import { getHeapStatistics } from 'node:v8';

process.on('message', () => {
  // cumulative since Node 26; with a young generation that is never collected the heap's growth is the same
  const { total_allocated_bytes: total, used_heap_size: used } = getHeapStatistics() as {
    total_allocated_bytes?: number;
    used_heap_size: number;
  };
  process.send?.(total ?? used);
});
process.channel?.unref();
