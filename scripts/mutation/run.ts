// Runs the mutants of a room against its tests and says which lived: `node scripts/mutation/run.ts routing [--again] [--near]`.
// By hand only, minutes long; Stryker is fetched on first use and is no dependency of the workspace. See docs/decisions/0022-mutation-runs.md.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type MutantState, type RoomResult, renderSurvivors, renderTable } from './report.ts';
import { ROOMS, type Room, sourcesOf } from './rooms.ts';

const STRYKER = '10.1.1';
const HOME = resolve('.tools/mutation');
const PROGRAM = join(HOME, 'node_modules/@stryker-mutator/core/bin/stryker.js');

interface StrykerMutant {
  readonly mutatorName: string;
  readonly replacement: string;
  readonly status: MutantState['status'];
  readonly location: { readonly start: Place; readonly end: Place };
}
interface Place {
  readonly line: number;
  readonly column: number;
}
interface StrykerReport {
  readonly files: Readonly<
    Record<string, { readonly source: string; readonly mutants: readonly StrykerMutant[] }>
  >;
}

function fetchStryker(): void {
  if (existsSync(PROGRAM)) return;
  const args = [
    'i',
    '--prefix',
    HOME,
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    `@stryker-mutator/core@${STRYKER}`,
  ];
  const done = spawnSync('npm', args, { stdio: 'inherit' });
  if (done.status !== 0) throw new Error('Stryker could not be fetched');
}

function runStryker(room: string, mutate: readonly string[], tests: readonly string[]): StrykerReport {
  const reportPath = join(HOME, `${room}.stryker.json`);
  const configPath = join(HOME, `${room}.config.json`);
  const config = {
    plugins: [resolve('scripts/mutation/warm-runner.ts')],
    testRunner: 'warm',
    testRunnerNodeArgs: ['--conditions=relayapi-source'],
    coverageAnalysis: 'perTest',
    concurrency: Math.min(2, availableParallelism()),
    mutate,
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: reportPath },
    tempDirName: join(HOME, `sandbox-${room}`),
    disableTypeChecks: false,
    timeoutMS: 15_000,
    ignorePatterns: ['/.tools', '/bench', '/docs', '/examples', '/packages/cli'],
  };
  writeFileSync(configPath, JSON.stringify(config, null, 2));
  const env = { ...process.env, RELAYAPI_MUTATION_TESTS: JSON.stringify(tests) };
  const done = spawnSync(process.execPath, [PROGRAM, 'run', configPath], { stdio: 'inherit', env });
  if (done.status !== 0) throw new Error('Stryker failed: see above');
  return JSON.parse(readFileSync(reportPath, 'utf8'));
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex');

function readReport(report: StrykerReport): RoomResult {
  const result: RoomResult = { files: {} };
  for (const [path, file] of Object.entries(report.files)) {
    const lines = file.source.split('\n');
    const mutants = file.mutants.map(
      ({ mutatorName, replacement, status, location: { start, end } }): MutantState => ({
        mutator: mutatorName,
        place: `${start.line}:${start.column}-${end.line}:${end.column}`,
        original: textAt(lines, start, end),
        replacement,
        status,
      }),
    );
    result.files[path] = { digest: digest(file.source), mutants };
  }
  return result;
}

function textAt(lines: readonly string[], start: Place, end: Place): string {
  const first = lines[start.line - 1] ?? '';
  if (start.line === end.line) return first.slice(start.column - 1, end.column - 1);
  const middle = lines.slice(start.line, end.line - 1);
  return [
    first.slice(start.column - 1),
    ...middle,
    (lines[end.line - 1] ?? '').slice(0, end.column - 1),
  ].join('\n');
}

const lives = ({ status }: MutantState) => status === 'Survived' || status === 'NoCoverage';
const keyOf = ({ mutator, place, replacement }: MutantState) => `${mutator} ${place} ${replacement}`;

/** What is left to run: the living mutants of unchanged files, and whole files that changed since. */
function leftToRun(known: RoomResult, sources: readonly string[]): string[] {
  return sources.flatMap((path) => {
    const file = known.files[path];
    if (file === undefined || file.digest !== digest(readFileSync(path, 'utf8'))) return [path];
    return [...new Set(file.mutants.filter(lives).map(({ place }) => `${path}:${strykerRange(place)}`))];
  });
}

// Stryker counts columns from one in its report and from zero in its ranges
const strykerRange = (place: string) =>
  place.replace(/:(\d+)/g, (_whole, column: string) => `:${Number(column) - 1}`);

// the tests of another round may not reach what those of this one reached and let live
const later = (mutant: MutantState, now: MutantState | undefined): MutantState =>
  now === undefined || now.status === 'NoCoverage' ? mutant : now;

/** A mutant once killed stays killed; a file that changed is replaced whole. */
function merge(known: RoomResult, fresh: RoomResult): RoomResult {
  const files = { ...known.files };
  for (const [path, file] of Object.entries(fresh.files)) {
    const before = files[path];
    if (before === undefined || before.digest !== file.digest) {
      files[path] = file;
      continue;
    }
    const now = new Map(file.mutants.map((mutant) => [keyOf(mutant), mutant]));
    const mutants = before.mutants.map((mutant) =>
      lives(mutant) ? later(mutant, now.get(keyOf(mutant))) : mutant,
    );
    files[path] = { digest: file.digest, mutants };
  }
  return { files };
}

function runRoom(
  name: string,
  room: Room,
  options: { again: boolean; near: boolean; far: boolean },
): RoomResult {
  const storePath = join(HOME, `${name}.json`);
  const sources = sourcesOf(room);
  let result: RoomResult = { files: {} };
  if (options.again && existsSync(storePath)) result = JSON.parse(readFileSync(storePath, 'utf8'));
  result.files = Object.fromEntries(Object.entries(result.files).filter(([path]) => sources.includes(path)));
  const rounds = [...(options.far ? [] : [room.near]), ...(options.near ? [] : [room.far])];
  for (const tests of rounds) {
    const left = leftToRun(result, sources);
    if (left.length === 0) break;
    result = merge(result, readReport(runStryker(name, left, tests)));
    writeFileSync(storePath, JSON.stringify(result));
  }
  writeFileSync(join(HOME, `${name}.txt`), renderSurvivors(result));
  return result;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    again: { type: 'boolean', default: false },
    near: { type: 'boolean', default: false },
    far: { type: 'boolean', default: false },
  },
});
mkdirSync(HOME, { recursive: true });
fetchStryker();
const results: Record<string, RoomResult> = {};
for (const name of positionals.length === 0 ? Object.keys(ROOMS) : positionals) {
  const room = ROOMS[name];
  if (room === undefined) throw new Error(`no room "${name}": ${Object.keys(ROOMS).join(', ')}`);
  results[name] = runRoom(name, room, values);
}
console.log(renderTable(results));
console.log(
  `The living mutants, one by one: ${Object.keys(results)
    .map((name) => `.tools/mutation/${name}.txt`)
    .join(' ')}`,
);
