import { execFileSync } from 'node:child_process';
import * as http from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import * as parts from './http-parts.ts';

it('are the very parts of node:http', () => {
  expect(Object.keys(parts).length).toBeGreaterThan(0);
  expect(http).toMatchObject(parts);
  expect(parts.createServer).toBe(http.createServer);
});

it('load nothing of Node’s own fetch, which an import of node:http does', () => {
  const file = fileURLToPath(new URL('./http-parts.ts', import.meta.url));
  const loads = (module: string) => {
    const source = `
      const { createServer } = await import(${JSON.stringify(module)});
      console.log(typeof createServer, process.moduleLoadList.filter((name) => /undici/.test(name)).length);
    `;
    return execFileSync(process.execPath, ['--input-type=module', '--eval', source], {
      encoding: 'utf8',
    }).trim();
  };
  expect(loads(file)).toBe('function 0');
  // where that is no longer so, these parts can go
  expect(loads('node:http')).not.toBe('function 0');
});
