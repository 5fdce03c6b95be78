// Builds the relayapi command (dist/main.js, executable by its first line) and the package's index.
import { existsSync } from 'node:fs';
import { defineConfig } from 'tsup';

const entries = { index: 'src/index.ts', main: 'src/main.ts' };

export default defineConfig({
  entry: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file))),
  format: 'esm',
  platform: 'node',
  target: 'node24',
  dts: { entry: { index: entries.index } },
  clean: true,
});
