/** What a start of the built program leaves behind (docs/decisions/0028). house: real time, since a real process starts here. */
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BUILT_MAIN, type ServerProcess, startFolder, startProcess } from '../support/server-process.ts';

const FREE = ['-server.port=0', '-admin.port=0'];
const running: ServerProcess[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop('SIGKILL')));
});

async function startBuilt(argv: readonly string[], preload?: URL): Promise<ServerProcess> {
  const more = preload === undefined ? {} : { preload };
  const server = startProcess(startFolder(), [...FREE, ...argv], {}, null, { built: true, ...more });
  running.push(server);
  await server.printed(/listening on /);
  return server;
}

/** Resident memory in MiB. */
function residentOf({ child }: ServerProcess): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}

const ready = existsSync('/proc/self/status') && existsSync(BUILT_MAIN);

describe('the built program, idle', () => {
  it('takes 90 MiB at most', async (context) => {
    context.skip(!ready, 'no /proc, or not built');
    const server = await startBuilt([]);
    await vi.waitFor(() => expect(residentOf(server)).toBeLessThan(90), { timeout: 10_000 });
  });

  it('has not loaded Node’s own fetch, and loads it with the first request to the shell', async (context) => {
    context.skip(!ready, 'no /proc, or not built');
    const tell = `
      process.on('message', () => process.send(process.moduleLoadList.some((name) => /deps.undici/.test(name))));
      process.channel.unref();
    `;
    const server = await startBuilt([], new URL(`data:text/javascript,${encodeURIComponent(tell)}`));
    const asked = () => {
      const answer = new Promise((resolve) => server.child.once('message', resolve));
      server.child.send('?');
      return answer;
    };
    expect(await asked()).toBe(false);
    const [, origin = ''] = await server.printed(/listening on (http:\S+)\/relayapi\//);
    expect(await (await fetch(`${origin}/health`)).text()).toBe('ok\n');
    expect(await asked()).toBe(true);
  });
});
