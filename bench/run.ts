// Runs the benchmarks: node --conditions=relayapi-source bench/run.ts [suite…] [--rounds 5] [--seconds 4] [--quick]. See README.md.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Bench, openBench } from './bench.ts';
import { findStaleSource } from './candidates.ts';
import { renderChart } from './chart.ts';
import { CONTESTANT_VERSIONS } from './contestants.ts';
import type { Machine, Results, SuiteRun } from './figures.ts';
import { renderPage } from './page.ts';
import { PINNED } from './processes.ts';
import { measureBodies } from './suites/bodies.ts';
import { measureLatency } from './suites/latency.ts';
import { measureSmall } from './suites/small.ts';
import { measureStart } from './suites/start.ts';
import { measureStreams } from './suites/streams.ts';
import { measureTokenCosts } from './suites/tokens.ts';
import { measureWorkers } from './suites/workers.ts';

const ROOT = resolve(import.meta.dirname, '..');
const SUITES: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  start: measureStart,
  small: measureSmall,
  latency: measureLatency,
  bodies: measureBodies,
  streams: measureStreams,
  tokens: measureTokenCosts,
  workers: measureWorkers,
};
const USAGE = `node --conditions=relayapi-source bench/run.ts [suite…] [--rounds 5] [--seconds 4] [--quick] [--page]

suites: ${Object.keys(SUITES).join(' ')}; none: all
--quick   short looks that prove the machinery; nothing is kept in docs/
--page    measures nothing, writes docs/performance.md and its chart from bench/results/performance.json
`;

function version(command: string, args: readonly string[], pattern: RegExp): string | null {
  try {
    // some of them print their version where errors go
    const said = execFileSync('sh', ['-c', `"$@" 2>&1 || true`, 'sh', command, ...args], {
      encoding: 'utf8',
    });
    return pattern.exec(said)?.[0] ?? null;
  } catch {
    return null;
  }
}

function findVersions(): Record<string, string> {
  const asked: [string, string | null][] = [
    ['nginx', version('/usr/sbin/nginx', ['-v'], /nginx\/[\d.]+/)],
    ['haproxy', version('/usr/sbin/haproxy', ['-v'], /version [\d.]+/)],
    ['wrk', version('/usr/bin/wrk', ['-v'], /wrk \S+/)],
    ['cc', version('cc', ['--version'], /.+/)],
  ];
  const found = asked.flatMap(([name, said]) => (said === null ? [] : [[name, said] as const]));
  return { ...Object.fromEntries(found), ...CONTESTANT_VERSIONS };
}

function describeMachine(): Machine {
  const list = cpus();
  return {
    cpu: list[0]?.model.trim() ?? 'unknown',
    cores: list.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release().split('-')[0]}`,
    node: process.version,
    pinned: PINNED,
  };
}

function commit(): string {
  const git = (...args: string[]) => execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'packages') !== '';
  return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '');
}

async function runSuite(
  name: string,
  options: { rounds: number; seconds: number; quick: boolean },
): Promise<SuiteRun> {
  const folder = mkdtempSync(join(tmpdir(), 'relayapi-bench-'));
  const contestants = join(ROOT, '.tools/bench');
  mkdirSync(contestants, { recursive: true });
  const began = performance.now();
  const at = new Date().toISOString();
  const loadAverage = loadavg().map((value) => value.toFixed(2));
  console.log(`\n== ${name} (load average ${loadAverage.join(' ')})`);
  let bench: Bench | null = null;
  try {
    // two workers are measured with everything on both cores
    const pinUpstream = name !== 'workers';
    bench = await openBench({ ...options, folder, contestants, pinUpstream });
    await SUITES[name]?.(bench);
    const tookSeconds = Math.round((performance.now() - began) / 1000);
    console.log(`== ${name}: ${tookSeconds} s`);
    return {
      suite: name,
      at,
      commit: commit(),
      quick: options.quick,
      rounds: options.rounds,
      tookSeconds,
      loadAverage: loadAverage.join(' '),
      figures: bench.figures,
      notes: bench.notes,
    };
  } finally {
    await bench?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function writePage(results: Results): void {
  const chart = join(ROOT, 'docs/img/performance.svg');
  mkdirSync(dirname(chart), { recursive: true });
  writeFileSync(chart, renderChart(results));
  writeFileSync(join(ROOT, 'docs/performance.md'), renderPage(results));
  console.log('wrote docs/performance.md and docs/img/performance.svg');
}

function readResults(file: string): Results | null {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      page: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.find((name) => !Object.hasOwn(SUITES, name));
  if (values.help || unknown !== undefined) {
    console.log(unknown === undefined ? USAGE : `no suite "${unknown}"\n\n${USAGE}`);
    process.exitCode = unknown === undefined ? 0 : 2;
    return;
  }
  const { quick } = values;
  const file = quick ? join(ROOT, '.tools/bench/quick.json') : join(ROOT, 'bench/results/performance.json');
  const before = readResults(file);
  if (values.page) {
    if (before === null) throw new Error(`there are no results: ${file}`);
    writePage(before);
    return;
  }
  const stale = findStaleSource(ROOT);
  if (stale !== null) throw new Error(`${stale} is newer than the build: ./get_relayapi.sh build`);
  const rounds = Number(values.rounds ?? (quick ? 2 : 5));
  const seconds = Number(values.seconds ?? (quick ? 1 : 4));
  const names = positionals.length > 0 ? positionals : Object.keys(SUITES);
  const failed: string[] = [];
  let suites = before?.suites ?? {};
  for (const name of names) {
    try {
      suites = { ...suites, [name]: await runSuite(name, { rounds, seconds, quick }) };
    } catch (error) {
      failed.push(name);
      console.error(`== ${name} FAILED: ${error instanceof Error ? error.stack : error}`);
      continue;
    }
    // what is measured is kept, whatever the next suite does
    const results: Results = { machine: describeMachine(), versions: findVersions(), suites };
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
    if (!quick) writePage(results);
  }
  console.log(`\nresults: ${file}`);
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

await main();
