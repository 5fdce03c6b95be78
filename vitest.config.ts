import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['relayapi-source'] },
  ssr: { resolve: { conditions: ['relayapi-source'], externalConditions: ['relayapi-source'] } },
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'examples/**/*.test.ts', 'scripts/**/*.test.ts'],
    testTimeout: 20_000,
    execArgv: ['--conditions=relayapi-source'],
  },
});
