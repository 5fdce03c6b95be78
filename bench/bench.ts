// What every suite works with: the folder, the upstream, the programs it started, and where figures and notes go.

import { join } from 'node:path';
import type { Figure } from './figures.ts';
import { buildTools, closedLoop, LOAD_CORE } from './native.ts';
import {
  cpuSeconds,
  emptyLog,
  freePort,
  type Running,
  residentMb,
  type Start,
  start,
  stop,
} from './processes.ts';
import { chatBody, SDK_HEADERS, type Target } from './requests.ts';

/** What was asked for on the command line. */
export interface BenchOptions {
  /** A temporary folder, emptied by the caller. */
  readonly folder: string;
  /** Where contestants are installed and kept. */
  readonly contestants: string;
  readonly rounds: number;
  /** Seconds of one candidate in one round. */
  readonly seconds: number;
  /** Short looks that prove the machinery; their figures say little. */
  readonly quick: boolean;
  /** Default true: the upstream is held to the load's core. */
  readonly pinUpstream?: boolean;
}

/** A program under load. `process` is null for the upstream itself. */
export interface Candidate extends Target {
  readonly name: string;
  readonly process: Running | null;
  /** Another gateway: when it fails it is left out, and a note says so; what is ours must not fail. */
  readonly guest?: boolean;
}

/** A run of one suite. */
export interface Bench extends BenchOptions {
  readonly upstreamPort: number;
  readonly figures: Figure[];
  readonly notes: string[];
  /** Starts a program; it is ended with the suite. */
  start(options: Omit<Start, 'folder'>): Promise<Running>;
  /** Ends a program before its suite does. */
  stop(running: Running): Promise<void>;
  record(place: string, candidate: string, round: number, values: Readonly<Record<string, number>>): void;
  /** Keeps a sentence for the page, and prints it. */
  note(text: string): void;
  close(): Promise<void>;
}

/** Starts the upstream and gives what a suite needs. Close it. */
export async function openBench(options: BenchOptions): Promise<Bench> {
  buildTools(options.folder);
  const started = new Set<Running>();
  const startOne = async (program: Omit<Start, 'folder'>) => {
    const running = await start({ ...program, folder: options.folder });
    started.add(running);
    return running;
  };
  const upstreamPort = await freePort();
  const command = [join(options.folder, 'upstream'), String(upstreamPort)];
  const core = options.pinUpstream === false ? null : LOAD_CORE;
  await startOne({ name: 'upstream', command, core, port: upstreamPort });
  const figures: Figure[] = [];
  const notes: string[] = [];
  return {
    ...options,
    upstreamPort,
    figures,
    notes,
    start: startOne,
    async stop(running) {
      started.delete(running);
      await stop(running);
    },
    record(place, candidate, round, values) {
      for (const [figure, value] of Object.entries(values)) {
        // a share of nothing says nothing
        if (!Number.isFinite(value)) continue;
        figures.push({ case: place, candidate, figure, round, value: Number(value.toPrecision(7)) });
      }
      const text = Object.entries(values).map(
        ([figure, value]) => `${figure} ${Number(value.toPrecision(4))}`,
      );
      console.log(`  ${place}, round ${round}, ${candidate}: ${text.join(', ')}`);
    },
    note(text) {
      const short = text.replaceAll(`${options.folder}/`, '').replaceAll(`${options.contestants}/`, '');
      if (!notes.includes(short)) notes.push(short);
      console.log(`  note: ${short}`);
    },
    async close() {
      for (const running of started) await stop(running);
      started.clear();
    },
  };
}

// Runs something with a candidate. False: it is a guest and failed; a note says why.
async function allowGuest(
  bench: Pick<Bench, 'note'>,
  candidate: Candidate,
  when: string,
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!candidate.guest) throw error;
    const reason = String(error instanceof Error ? error.message : error).replaceAll(/\s+/g, ' ');
    bench.note(`${candidate.name} was left out of ${when}: ${reason.slice(0, 300)}`);
    return false;
  }
}

/** Measures every candidate in every round. Each round starts with another one, so that none is always first or after the same. */
export async function interleave(
  bench: Pick<Bench, 'rounds' | 'note'>,
  candidates: readonly Candidate[],
  measure: (candidate: Candidate, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 1; round <= bench.rounds; round += 1) {
    for (let index = 0; index < candidates.length; index += 1) {
      const candidate = candidates[(index + round - 1) % candidates.length];
      if (!candidate) continue;
      await allowGuest(bench, candidate, `round ${round}`, () => measure(candidate, round));
      if (candidate.process) emptyLog(candidate.process);
    }
  }
}

/** One closed-loop round of a candidate: `rps`, `cpuUs` per request, `p50Us`, `p99Us`, `rssMb`. */
export async function closedRound(
  bench: Bench,
  candidate: Candidate,
  options: { seconds: number; connections: number; bodyBytes?: number; core?: number | null },
): Promise<Record<string, number>> {
  const { process } = candidate;
  const before = process ? cpuSeconds(process) : 0;
  const result = await closedLoop(candidate.name, candidate, { folder: bench.folder, ...options });
  return {
    rps: result.requests / result.seconds,
    ...(process && { cpuUs: ((cpuSeconds(process) - before) / result.requests) * 1e6 }),
    p50Us: result.p50,
    p99Us: result.p99,
    ...(process && { rssMb: residentMb(process) }),
  };
}

// One call, so that a candidate that cannot serve says why.
async function probe(candidate: Candidate): Promise<void> {
  const url = `http://127.0.0.1:${candidate.port}${candidate.paths[0]}`;
  const headers = { ...SDK_HEADERS, ...candidate.headers };
  const answer = await fetch(url, { method: 'POST', headers, body: chatBody() });
  const text = await answer.text();
  if (answer.status !== 200) {
    throw new Error(`${candidate.name} answers ${answer.status}: ${text.slice(0, 300)}`);
  }
}

/** Lets the compiler finish with the hot paths: so many requests, or so many seconds, whatever comes first. Gives those that can serve. */
export async function warmUp(
  bench: Bench,
  candidates: readonly Candidate[],
  options: {
    requests?: number;
    seconds?: number;
    connections?: number;
    bodyBytes?: number;
    core?: number | null;
  } = {},
): Promise<Candidate[]> {
  const { requests = 40_000, connections = 64, seconds = 8, ...rest } = options;
  const slice = bench.quick ? 1 : 2;
  const warm: Candidate[] = [];
  for (const candidate of candidates) {
    const serves = await allowGuest(bench, candidate, 'the run', async () => {
      await probe(candidate);
      let left = bench.quick ? 1 : requests;
      for (let spent = 0; left > 0 && spent < seconds; spent += slice) {
        const { rps = 0 } = await closedRound(bench, candidate, { ...rest, seconds: slice, connections });
        left -= rps * slice;
      }
    });
    if (!serves) continue;
    if (candidate.process) emptyLog(candidate.process);
    warm.push(candidate);
    console.log(`  ${candidate.name} is warm`);
  }
  return warm;
}
