/** How many threads serve, and what each of them may hold of a bound that is kept thread by thread. */
import { availableParallelism } from 'node:os';

/** Threads that `server.workers` asks for; 0: one for each core that this process may use. */
export function countWorkers(wanted: number, cores: () => number = availableParallelism): number {
  return wanted === 0 ? Math.max(1, cores()) : wanted;
}

/** One worker's share of a bound, a whole number: all shares together are never more than the bound, whoever is busy. */
export function shareOf(total: number, workers: number): number {
  return Math.floor(total / workers);
}
