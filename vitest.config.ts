// The test projects: unit (what `pnpm check` runs), wide (crosses rooms and processes) and setup (the set-up script itself, slow).
import { defineConfig } from 'vitest/config';

const UNIT = [
  'packages/*/src/**/*.test.ts',
  'packages/*/test/conformance/**/*.test.ts',
  'scripts/*.test.ts',
  'scripts/mutation/*.test.ts',
  'bench/*.test.ts',
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
      { extends: true, test: { name: 'unit', include: UNIT, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: 'wide',
          include: ['packages/*/test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...UNIT],
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
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
