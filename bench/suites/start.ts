// Starting: how long until the relay listens, and what it holds when nobody asks anything.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { prepareRelay } from '../candidates.ts';
import { endWithThis, onCore, residentMb } from '../processes.ts';

const STARTS = 10;
const IDLE_MS = 5000;
const PATIENCE_MS = 20_000;

/** Runs the suite `start`. */
export async function measureStart(bench: Bench): Promise<void> {
  const { command } = await prepareRelay(bench, { name: 'relay' });
  const [program = '', ...args] = onCore(0, command);
  const starts = bench.quick ? 3 : STARTS;
  for (let round = 1; round <= starts; round += 1) {
    const began = performance.now();
    const child = spawn(program, args, { cwd: bench.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    endWithThis(child);
    let said = '';
    const patience = setTimeout(() => child.kill(), PATIENCE_MS);
    try {
      const listening = new Promise<number>((resolve, reject) => {
        for (const stream of [child.stdout, child.stderr]) {
          stream.setEncoding('utf8').on('data', (text: string) => {
            said += text;
            if (said.includes('listening on')) resolve(performance.now() - began);
          });
        }
        child.once('exit', () => reject(new Error(`the relay did not start: ${said.slice(0, 500)}`)));
      });
      const startMs = await listening;
      const idle = round <= 3 ? { idleMb: await idleMemory(child.pid ?? 0) } : {};
      bench.record('start', 'relay', round, { startMs, ...idle });
    } finally {
      clearTimeout(patience);
      child.removeAllListeners('exit');
      const ended = once(child, 'exit');
      if (child.exitCode === null && child.kill()) await ended;
    }
  }
}

async function idleMemory(pid: number): Promise<number> {
  await wait(IDLE_MS);
  return residentMb({ pid });
}
