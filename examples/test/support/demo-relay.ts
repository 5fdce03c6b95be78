/** The program relayapi-server in demo mode, as get_relayapi.sh starts it, on a port of its own and in a fresh folder. */
import { join } from 'node:path';
import { type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { findFreePort } from '../../../packages/server/test/support/free-port.ts';
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

/**
 * The program as in production, without demo mode: every named provider is answered by a demo provider of its own.
 * So that code which names a real provider runs as it stands.
 */
export async function startRelayFor(providers: readonly string[]): Promise<StandInRelay> {
  const folder = startFolder();
  const port = await findFreePort();
  const demo = await startDemoProvider();
  putFile(folder, 'config.json', {
    server: { port },
    admin: { enabled: false },
    upstream: { allow_private: [`127.0.0.1:${demo.port}`] },
    providers: Object.fromEntries(
      providers.map((name) => [name, { base_url: `${demo.origin}${ROOTS[name] ?? '/v1'}` }]),
    ),
  });
  const server = startProcess(folder, ['-config', 'config.json']);
  await server.printed(/listening on/);
  return {
    origin: `http://127.0.0.1:${port}`,
    folder,
    raiFile: join(folder, 'default.rai'),
    demo,
    async stop() {
      await server.stop('SIGKILL');
      await demo.close();
    },
  };
}

const ROOTS: Readonly<Record<string, string>> = { google: '/v1beta' };

/** A relay with its stand-in upstream. */
export interface StandInRelay extends DemoRelay {
  /** Where the relay runs: `default.rai` and `config.json`. */
  readonly folder: string;
  readonly demo: DemoProvider;
}
