// The test projects: unit (what `pnpm check` runs), patient (mostly waits, beside the unit tests), wide (crosses rooms and processes) and
// setup (the set-up script itself, slow).
import { defineConfig } from 'vitest/config';

const UNIT = [
  'packages/*/src/**/*.test.ts',
  'packages/*/test/conformance/**/*.test.ts',
  'scripts/*.test.ts',
  'scripts/mutation/*.test.ts',
  'bench/*.test.ts',
];

const PATIENT = ['packages/server/test/operations/life.test.ts'];

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
          exclude: ['**/node_modules/**', ...UNIT, ...PATIENT],
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
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
