/**
 * Loaded into a child process before its program: on SIGUSR2 it writes one line about itself to standard error. Counts what no
 * caller sees: handles, timers, memory, and rejections that nobody handled. Changes nothing of the program.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
let strays = 0;
process.on('unhandledRejection', () => {
  strays += 1;
});
process.on('uncaughtExceptionMonitor', () => {
  strays += 1;
});
process.on('SIGUSR2', () => {
  collect();
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const { heapUsed, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  process.stderr.write(`probe ${JSON.stringify({ resources, heapUsed, rss, strays, cpuSeconds })}\n`);
});
