/** The program relayapi-server in demo mode, as get_relayapi.sh starts it, on a port of its own and in a fresh folder. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { putFile, startFolder, startProcess } from '../../../packages/server/test/support/server-process.ts';

/** A relay that an example can use. */
export interface DemoRelay {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** The shared key file that the relay made. */
  readonly raiFile: string;
  stop(): Promise<unknown>;
}

/** Starts it; further key files stand beside `default.rai` by their names. */
export async function startDemoRelay(raiFiles: Readonly<Record<string, object>> = {}): Promise<DemoRelay> {
  const folder = startFolder();
  const port = await findFreePort();
  const common = ['-demo', `-server.port=${port}`, '-admin.enabled=false'];
  for (const [name, content] of Object.entries(raiFiles)) putFile(folder, name, content);
  const given = Object.keys(raiFiles).length > 0;
  const server = startProcess(folder, given ? [...common, '-rai', folder] : common);
  await server.printed(/listening on/);
  return {
    origin: `http://127.0.0.1:${port}`,
    raiFile: join(folder, 'default.rai'),
    stop: () => server.stop('SIGKILL'),
  };
}

/** A port that nobody listens on right now. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
