// Event streams: many that are slow, as many fast ones as a core carries, the cost of a chunk, and the usage tap.
import { type Bench, type Candidate, interleave } from '../bench.ts';
import { direct, startPipe, startRelay } from '../candidates.ts';
import { startPortkey } from '../contestants.ts';
import { holdStreams, type StreamResult } from '../native.ts';
import { cpuSeconds, peakDuring, residentMb } from '../processes.ts';

interface Hold {
  readonly place: string;
  readonly round: number;
  readonly streams: number;
  readonly eventsPerSecond: number;
  readonly opensPerSecond: number;
  readonly settleSeconds: number;
  readonly windowSeconds: number;
}

// Holds streams at a candidate and records what is the same for every case.
async function hold(bench: Bench, candidate: Candidate, options: Hold): Promise<void> {
  const { place, round, ...load } = options;
  const { process } = candidate;
  const idleMb = process ? residentMb(process) : 0;
  let [from, to] = [0, 0];
  let seen: StreamResult | undefined;
  const run = async () => {
    seen = await holdStreams(candidate.name, candidate, {
      ...load,
      folder: bench.folder,
      mark: (at) => {
        if (!process) return;
        if (at === 'from') from = cpuSeconds(process);
        else to = cpuSeconds(process);
      },
    });
  };
  const peakMb = process ? await peakDuring(process, run) : await run().then(() => 0);
  if (!seen) throw new Error(`${candidate.name}: no result`);
  bench.record(place, candidate.name, round, {
    deliveredShare: seen.windowEvents / seen.offered,
    ...(process && {
      cpuUs: ((to - from) / seen.windowEvents) * 1e6,
      core: (to - from) / seen.windowSeconds,
      idleMb,
      peakMb,
      kbPerStream: ((peakMb - idleMb) * 1024) / load.streams,
    }),
    p50Us: seen.p50,
    p99Us: seen.p99,
    finished: seen.finished,
    lost: seen.lost,
    late: seen.late,
    reordered: seen.reordered + seen.strangers,
  });
}

// A stream of a few seconds for the compiler, on every candidate.
async function warmStreams(bench: Bench, candidates: readonly Candidate[]): Promise<void> {
  for (const candidate of candidates) {
    const load = {
      folder: bench.folder,
      mark: () => {},
      settleSeconds: 0,
      windowSeconds: bench.quick ? 1 : 4,
    };
    await holdStreams(candidate.name, candidate, {
      ...load,
      streams: 100,
      eventsPerSecond: 50,
      opensPerSecond: 400,
    });
    console.log(`  ${candidate.name} is warm`);
  }
}

const OPAQUE = {
  endpoints: [{ method: 'POST', path: '/chat/completions', dialect: 'opaque' }],
};

/** Runs the suite `streams`. */
export async function measureStreams(bench: Bench): Promise<void> {
  const pipe = await startPipe(bench);
  const relay = await startRelay(bench, { name: 'relay' });
  const untapped = await startRelay(bench, { name: 'relay-no-tap', provider: OPAQUE });
  const portkey = await startPortkey(bench, { streams: true });
  const candidates = [direct(bench), pipe, relay, untapped, ...(portkey ? [portkey] : [])];
  await warmStreams(bench, candidates);
  const fast = {
    eventsPerSecond: 50,
    opensPerSecond: 500,
    settleSeconds: 1,
    windowSeconds: Math.max(bench.seconds, 2),
  };
  await interleave(bench, candidates, async (candidate, round) => {
    const streams = bench.quick ? 100 : 500;
    await hold(bench, candidate, { ...fast, place: 'streams-500', round, streams });
  });
  for (let round = 1; round <= Math.min(bench.rounds, 3); round += 1) {
    const streams = bench.quick ? 200 : 850;
    for (const candidate of [pipe, relay]) {
      await hold(bench, candidate, { ...fast, place: 'streams-850', round, streams });
    }
  }
  for (const { process } of candidates) if (process) await bench.stop(process);

  const many = {
    place: 'streams-9000',
    round: 1,
    streams: bench.quick ? 500 : 9000,
    eventsPerSecond: 2,
    opensPerSecond: 600,
    settleSeconds: 3,
    windowSeconds: bench.quick ? 2 : 15,
  };
  const relays = [await startPipe(bench), await startRelay(bench, { name: 'relay-9000', tokens: 9000 })];
  for (const candidate of relays) {
    await hold(bench, { ...candidate, name: candidate.name.replace('-9000', '') }, many);
    if (candidate.process) await bench.stop(candidate.process);
  }
}
