// Small requests: 1 KB of JSON in, 1.5 KB out, 64 connections, one core.
import { type Bench, type Candidate, closedRound, interleave, warmUp } from '../bench.ts';
import {
  direct,
  NO_LIMITS,
  type RelayOptions,
  startHaproxy,
  startNginx,
  startPipe,
  startRelay,
  USUAL_LIMITS,
} from '../candidates.ts';
import { startCaddy, startLitellm, startPortkey } from '../contestants.ts';

const CONNECTIONS = 64;

const RELAYS: readonly RelayOptions[] = [
  { name: 'relay' },
  { name: 'relay-rate', limits: { ...USUAL_LIMITS, rateLimit: { requests: 100_000, perSeconds: 1 } } },
  { name: 'relay-no-limits', limits: NO_LIMITS },
  { name: 'relay-quiet', config: { log: { console: false } } },
  { name: 'relay-young-64', nodeFlags: ['--max-semi-space-size=64'] },
  { name: 'relay-cold-aes', config: { damping: { cached_tokens: 1 } } },
  { name: 'relay-cold-ecc', method: 'ecc', config: { damping: { cached_tokens: 1 } } },
];

/** Runs the suite `small`. */
export async function measureSmall(bench: Bench): Promise<void> {
  const candidates: (Candidate | null)[] = [
    direct(bench),
    await startNginx(bench),
    await startHaproxy(bench),
    await startCaddy(bench),
    await startPipe(bench),
  ];
  for (const options of RELAYS) candidates.push(await startRelay(bench, options));
  candidates.push(await startPortkey(bench, { streams: false }), await startLitellm(bench));
  const present = candidates.filter((candidate) => candidate !== null);
  const warm = await warmUp(bench, present);
  await interleave(bench, warm, async (candidate, round) => {
    const options = { seconds: bench.seconds, connections: CONNECTIONS };
    bench.record('small', candidate.name, round, await closedRound(bench, candidate, options));
  });
}
