// More than one core: two workers against one, and exact counts with two.
import { Agent, request } from 'node:http';
import { type Bench, closedRound, interleave, warmUp } from '../bench.ts';
import { startRelay, USUAL_LIMITS } from '../candidates.ts';
import { chatBody, SDK_HEADERS, type Target } from '../requests.ts';

const CALLS = 5000;
const ALLOWED = 100;
const IN_FLIGHT = 500;

/** Statuses of many calls at once with one token: how many of each. */
async function callAtOnce(target: Target, path: string): Promise<Map<number, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const body = chatBody();
  const headers = { ...SDK_HEADERS, 'content-length': Buffer.byteLength(body) };
  const counts = new Map<number, number>();
  const call = () =>
    new Promise<void>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: target.port, path, method: 'POST', headers, agent };
      const outgoing = request(options, (answer) => {
        counts.set(answer.statusCode ?? 0, (counts.get(answer.statusCode ?? 0) ?? 0) + 1);
        answer.resume().on('end', resolve).on('error', reject);
      });
      outgoing.on('error', reject).end(body);
    });
  await Promise.all(Array.from({ length: CALLS }, call));
  agent.destroy();
  return counts;
}

/** Runs the suite `workers`. Load and upstream share both cores with the relay. */
export async function measureWorkers(bench: Bench): Promise<void> {
  const one = await startRelay(bench, { name: 'relay-1', core: null });
  let two: Awaited<ReturnType<typeof startRelay>>;
  try {
    two = await startRelay(bench, { name: 'relay-2', core: null, config: { server: { workers: 2 } } });
  } catch (error) {
    const reason = String(error instanceof Error ? error.message : error).replaceAll(/\s+/g, ' ');
    bench.note(
      `Two workers were not measured: the relay does not start with them (${reason.slice(0, 200)}).`,
    );
    return;
  }
  const relays = [one, two];
  await warmUp(bench, relays, { core: null });
  await interleave(bench, relays, async (candidate, round) => {
    const options = { seconds: bench.seconds, connections: 64, core: null };
    bench.record('workers', candidate.name, round, await closedRound(bench, candidate, options));
  });
  for (let round = 1; round <= Math.min(bench.rounds, 3); round += 1) {
    const path = two.mint({ ...USUAL_LIMITS, maxCalls: ALLOWED });
    const counts = await callAtOnce(two, path);
    bench.record('exact', 'relay-2', round, {
      passed: counts.get(200) ?? 0,
      refused: CALLS - (counts.get(200) ?? 0),
      odd: [...counts].reduce(
        (sum, [status, count]) => sum + ([200, 402, 403, 429].includes(status) ? 0 : count),
        0,
      ),
    });
  }
}
