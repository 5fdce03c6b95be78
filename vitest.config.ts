// The test projects: unit (what `pnpm check` runs), patient (mostly waits) and wide (crosses rooms and processes) side by side; then
// alone (judges times and memory, one file after another); then setup (the set-up script itself) beside sums (computes for long).
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongFirst } from './scripts/test-order.ts';

// Hundreds of processes load the same sources, vitest's workers and the relays that tests start: Node strips and compiles them once.
process.env['NODE_COMPILE_CACHE'] ??= resolve('node_modules/.cache/node-compile');

const UNIT = [
  'packages/*/src/**/*.test.ts',
  'packages/*/test/conformance/**/*.test.ts',
  'scripts/*.test.ts',
  'scripts/mutation/*.test.ts',
  'bench/*.test.ts',
];

const PATIENT = ['packages/server/test/{operations/life,pressure/upstreams}.test.ts'];

// What compares latencies, bounds milliseconds or weighs a process: nothing may run beside it.
const ALONE = [
  'packages/demo-provider/test/{connections,knobs,start-demo-provider}.test.ts',
  // programs that take a core or two themselves: a browser, other people's clients
  'packages/server/test/clients/{browser,jobs,matrix}.test.ts',
  'packages/server/test/contract/transport.test.ts',
  'packages/server/test/hostile/{revocation,secret-lines}.test.ts',
  'packages/server/test/pressure/{bombs,callers,limits}.test.ts',
  'packages/server/test/start/idle.test.ts',
  'packages/server/test/upstream/{after-leaving,node-path,request-bodies,streams}.test.ts',
];

const SUMS = [
  'packages/server/test/differential/{mmdb,openers}.test.ts',
  'packages/server/test/hostile/fuzz/fuzz.test.ts',
  'packages/token/test/{acceptance,twin}.test.ts',
];

export default defineConfig({
  resolve: { conditions: ['relayapi-source'] },
  ssr: { resolve: { conditions: ['relayapi-source'], externalConditions: ['relayapi-source'] } },
  test: {
    testTimeout: 20_000,
    // what is waited for comes at once, but not on a machine that does much else
    expect: { poll: { timeout: 10_000 } },
    execArgv: ['--conditions=relayapi-source'],
    sequence: { sequencer: LongFirst },
    projects: [
      { extends: true, test: { name: 'unit', include: UNIT, maxWorkers: 3, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: 'patient',
          include: PATIENT,
          testTimeout: 60_000,
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'wide',
          include: ['packages/*/test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...UNIT, ...PATIENT, ...ALONE, ...SUMS],
          testTimeout: 60_000,
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          testTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'setup',
          include: ['scripts/setup/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'sums',
          include: SUMS,
          testTimeout: 120_000,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
