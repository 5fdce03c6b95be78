// Builds the relay: the library (index), the command (main, executable by its first line), the thread of its workers, the fetch entry
// and the try-it page.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { defineConfig } from 'tsup';

const entries = {
  index: 'src/index.ts',
  main: 'src/runtime/node/main.ts',
  worker: 'src/runtime/node/worker.ts',
  fetch: 'src/runtime/fetch/fetch-app.ts',
};
const present = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file)));
const { main: _command, worker: _thread, ...typed } = present;
const pageScript = 'scripts/build-page.ts';

export default defineConfig({
  entry: present,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  dts: { entry: typed },
  // both entries load what the relay has no use for, at each start and for good
  noExternal: ['undici'],
  removeNodeProtocol: false,
  esbuildOptions(options) {
    options.alias = {
      undici: './src/runtime/node/undici-parts.ts',
      'node:http': './src/runtime/node/http-parts.ts',
    };
  },
  clean: true,
  onSuccess: async () => {
    if (!existsSync(pageScript)) return;
    execFileSync(process.execPath, ['--conditions=relayapi-source', pageScript], { stdio: 'inherit' });
  },
});
