/** A start that fails half way takes everything apart again. house: real time, sockets have no fake clock. */
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createRai } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/observability/logger.ts';
import { parseFlags } from '../../src/runtime/node/flags.ts';
import { createLogOutput } from '../../src/runtime/node/log-output.ts';
import { type Prepared, prepare } from '../../src/runtime/node/prepare.ts';
import { StartError } from '../../src/runtime/node/start-error.ts';
import { startServer } from '../../src/runtime/node/start-server.ts';
import { putFile, startFolder } from '../support/server-process.ts';

const FREE = ['-server.port=0', '-admin.port=0'];

async function prepared(folder: string, argv: readonly string[] = []): Promise<Prepared> {
  const { shared } = createRai({ method: 'aes', relay: 'http://127.0.0.1:8840/relayapi/', role: 'shared' });
  const rai = putFile(folder, 'a.rai', shared);
  const defaults = [...FREE, `-store.snapshot=${join(folder, 'relayapi.state')}`];
  const nameOf = (flag: string) => flag.split('=', 1)[0];
  const kept = defaults.filter((flag) => !argv.some((other) => nameOf(other) === nameOf(flag)));
  const result = await prepare(parseFlags(['-rai', rai, ...kept, ...argv]), {});
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result;
}

const options = (more: object = {}) => ({
  demo: false,
  logger: silentLogger,
  log: { output: createLogOutput(process.stdout), level: null },
  complain: () => {},
  onLost: (error: Error) => expect.unreachable(error.message),
  version: '0.0.0',
  fault: () => {},
  ...more,
});

async function takenPort(): Promise<{ port: number; release: () => Promise<void> }> {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const release = () => new Promise<void>((resolve) => other.close(() => resolve()));
  return { port: (other.address() as AddressInfo).port, release };
}

describe('a start', () => {
  it('serves, and stops as it came, twice in a row on the same port', async () => {
    const folder = startFolder();
    const { port, release } = await takenPort();
    await release();
    for (let round = 0; round < 2; round += 1) {
      const server = await startServer(await prepared(folder, [`-server.port=${port}`]), options());
      expect(server.greeting).toContain(`listening on http://127.0.0.1:${port}/relayapi/`);
      expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
      await server.reload();
      await server.close(0);
      await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
    }
  });

  it.each(['server', 'admin'] as const)(
    'that finds the %s port taken in the last moment gives back the counters',
    async (which) => {
      const folder = startFolder();
      await (await startServer(await prepared(folder), options())).close(0);
      const state = join(folder, 'relayapi.state');
      const kept = readFileSync(state, 'utf8');

      const ready = await prepared(folder);
      const { port, release } = await takenPort();
      const config = { ...ready.config, [which]: { ...ready.config[which], port } };
      const failing = startServer({ ...ready, config }, options({ demo: true }));
      await expect(failing).rejects.toMatchObject({
        problems: [{ path: `$.${which}.port`, message: `127.0.0.1:${port} is in use` }],
      });
      await expect(failing).rejects.toBeInstanceOf(StartError);
      await release();
      expect(readFileSync(state, 'utf8')).toBe(kept);
      expect(existsSync(`${state}.taken`)).toBe(false);
    },
  );

  it('that succeeds leaves no snapshot behind until it stops', async () => {
    const folder = startFolder();
    const state = join(folder, 'relayapi.state');
    await (await startServer(await prepared(folder), options())).close(0);
    expect(existsSync(state)).toBe(true);
    const server = await startServer(await prepared(folder), options());
    expect([existsSync(state), existsSync(`${state}.taken`)]).toEqual([false, false]);
    await server.close(0);
    expect(existsSync(state)).toBe(true);
  });

  it('without a snapshot in config writes none', async () => {
    const folder = startFolder();
    const server = await startServer(await prepared(folder, ['-store.snapshot=null']), options());
    await server.close(0);
    expect(existsSync(join(folder, 'relayapi.state'))).toBe(false);
  });

  it('with a snapshot that others can write is refused', async () => {
    const folder = startFolder();
    const ready = await prepared(folder);
    putFile(folder, 'relayapi.state', '{}', 0o666);
    chmodSync(join(folder, 'relayapi.state'), 0o666);
    await expect(startServer(ready, options())).rejects.toMatchObject({
      problems: [{ fix: expect.stringContaining('chmod 600') }],
    });
  });
});
