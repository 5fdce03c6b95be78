/**
 * The loop as a program: `node --conditions=relayapi-source run.ts RUNS SEED [TARGET…]` prints one report per target as a line of JSON.
 * A process of its own, because V8 counts blocks per process.
 */
import { runLoop } from './loop.ts';
import { blindTarget, plantedTarget } from './targets/planted.ts';
import { TARGETS } from './targets.ts';

const [runs = '20000', seed = '1', ...names] = process.argv.slice(2);
const targets = names.length === 0 ? TARGETS : [...TARGETS, plantedTarget, blindTarget];
for (const target of targets) {
  if (names.length > 0 && !names.includes(target.name)) continue;
  const started = performance.now();
  const report = await runLoop(target, Number(runs), Number(seed));
  console.log(JSON.stringify({ ...report, seconds: Math.round((performance.now() - started) / 100) / 10 }));
}
