import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as undici from 'undici';
import { expect, it } from 'vitest';
import { buildConnector, Client } from './undici-parts.ts';

it('are the very parts that the package’s entry has', () => {
  expect(Client).toBe(undici.Client);
  expect(buildConnector).toBe(undici.buildConnector);
});

it('load nothing of undici’s fetch, caches, mocks and WebSockets', () => {
  const file = fileURLToPath(new URL('./undici-parts.ts', import.meta.url));
  const source = `
    import { createRequire } from 'node:module';
    await import(${JSON.stringify(file)});
    console.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'));
  `;
  const loaded = execFileSync(process.execPath, ['--input-type=module', '--eval', source], {
    encoding: 'utf8',
  });
  const files = loaded.split('\n').filter((name) => name.includes('/undici/lib/'));
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((name) => /\/(?:web\/fetch|mock|cache|web\/websocket)\//.test(name))).toEqual([]);
});
