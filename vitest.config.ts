// The test projects: unit (what `pnpm check` runs), patient (mostly waits, beside the unit tests), wide (crosses rooms and processes), setup
// (the set-up script itself, slow) and sums (computes for long and judges no time, beside setup).
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// Hundreds of processes load the same sources, vitest's workers and the relays that tests start: Node strips and compiles them once.
process.env['NODE_COMPILE_CACHE'] ??= resolve('node_modules/.cache/node-compile');

const UNIT = [
  'packages/*/src/**/*.test.ts',
  'packages/*/test/conformance/**/*.test.ts',
  'scripts/*.test.ts',
  'scripts/mutation/*.test.ts',
  'bench/*.test.ts',
];

const PATIENT = ['packages/server/test/operations/life.test.ts'];

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
    projects: [
      { extends: true, test: { name: 'unit', include: UNIT, maxWorkers: 2, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: 'patient',
          include: PATIENT,
          testTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'wide',
          include: ['packages/*/test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...UNIT, ...PATIENT, ...SUMS],
          testTimeout: 60_000,
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
