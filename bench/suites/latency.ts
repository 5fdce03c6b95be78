// Added latency: an open loop at a quarter of what the relay can do.
import { type Bench, closedRound, interleave, warmUp } from '../bench.ts';
import { direct, startNginx, startPipe, startRelay } from '../candidates.ts';
import { openLoop } from '../native.ts';

const CONNECTIONS = 64;

/** Requests per second of the relay under full load, in one look of a second or two. */
export async function findCapacity(
  bench: Bench,
  relay: Awaited<ReturnType<typeof startRelay>>,
): Promise<number> {
  const options = { seconds: bench.quick ? 1 : 3, connections: CONNECTIONS };
  const { rps = 0 } = await closedRound(bench, relay, options);
  return rps;
}

/** Runs the suite `latency`. */
export async function measureLatency(bench: Bench): Promise<void> {
  const relay = await startRelay(bench, { name: 'relay' });
  const pipe = await startPipe(bench);
  const nginx = await startNginx(bench);
  await warmUp(bench, [pipe, relay]);
  const rate = Math.round((await findCapacity(bench, relay)) / 4);
  bench.note(
    `Latency was measured at ${rate} requests per second, a quarter of what the relay did just before.`,
  );
  const candidates = [direct(bench), ...(nginx ? [nginx] : []), pipe, relay];
  await interleave(bench, candidates, async (candidate, round) => {
    const { folder, seconds } = bench;
    const seen = await openLoop(candidate.name, candidate, {
      folder,
      rate,
      seconds,
      connections: CONNECTIONS,
    });
    bench.record('latency', candidate.name, round, {
      p50Us: seen.p50,
      p90Us: seen.p90,
      p99Us: seen.p99,
      p999Us: seen.p999,
    });
  });
}
