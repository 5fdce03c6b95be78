// house: real time, since the operating system's counts of a real process are read here.
/** The program as a child process before an upstream of the test's own, and what it holds: memory, files, timers, leases, counts. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type GenerateOptions, RelayAPIClient } from 'relayapi-sdk';
import { createRai } from 'relayapi-token';
import { sendRaw } from '../support/raw-http.ts';
import { UPSTREAM_KEY } from '../support/relay-fixture.ts';
import {
  putFile,
  type ServerProcess,
  type Start,
  startFolder,
  startProcess,
} from '../support/server-process.ts';
import type { Held } from './inside.ts';

/** One mebibyte. */
export const MIB = 2 ** 20;

/** How a station stands. */
export interface StationOptions {
  /** Where the upstream `up` listens, `http://127.0.0.1:port`. */
  readonly upstream: string;
  /** Laid over the station's config, group by group. */
  readonly config?: Readonly<Record<string, object>>;
  /** Counts timers too. Costs time: not where speed or memory is judged. */
  readonly counted?: boolean;
  readonly openFiles?: number;
  readonly env?: Record<string, string>;
}

/** A running program. */
export interface Station {
  readonly server: ServerProcess;
  readonly port: number;
  /** A sealed URL for the upstream; no limit of calls unless said otherwise. */
  url(options?: Partial<GenerateOptions>): string;
  /** The raw target of such a URL with the chat path. */
  target(options?: Partial<GenerateOptions>): string;
  /** Resident memory, as the operating system counts it. */
  residentBytes(): number;
  /** The highest it has ever been. */
  peakBytes(): number;
  /** CPU time used so far, in milliseconds. */
  cpuMs(): number;
  /** Open files and sockets. */
  openFiles(): number;
  /** What it holds, seen from inside; `collect` runs the garbage collector before. */
  held(order?: 'look' | 'collect'): Promise<Held>;
  /** Everything that can leak, counted: resources, timers, open files, calls under way. */
  count(): Promise<Readonly<Record<string, number>>>;
  /** Takes the count as the start value, once it has stopped falling. */
  rest(): Promise<void>;
  /** What is held above the start value, by kind; empty when everything was let go. */
  excess(): Promise<Readonly<Record<string, number>>>;
  /** Calls under way, by the admin listener. */
  liveCalls(): Promise<number>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts the program. */
export async function startStation(options: StationOptions): Promise<Station> {
  const { upstream, config = {}, counted = false } = options;
  const folder = startFolder();
  const made = createRai({ method: 'aes', relay: 'http://127.0.0.1:1/relayapi/', iss: 'shop', role: 'pair' });
  if (!('issuer' in made)) throw new Error('a pair was asked for');
  putFile(folder, 'relay.rai', made.relay);
  putFile(folder, 'config.json', {
    ...config,
    providers: { up: { base_url: `${upstream}/v1`, like: 'openai' }, ...config['providers'] },
    server: { port: 0, ...config['server'] },
    admin: { port: 0, ...config['admin'] },
    upstream: { allow_private: [new URL(upstream).host], ...config['upstream'] },
  });
  const how: Start = {
    preload: new URL('./inside.ts', import.meta.url),
    ...(options.openFiles !== undefined && { openFiles: options.openFiles }),
  };
  const server = startProcess(
    folder,
    ['-rai', 'relay.rai', '-config', 'config.json'],
    { ...(counted && { RELAYAPI_TEST_COUNT: '1' }), ...options.env },
    null,
    how,
  );
  const [, relay = ''] = await server.printed(/listening on (http:\S+)/);
  const [, admin = ''] = await server.printed(/admin (http:\S+)/);
  const client = new RelayAPIClient({ ...made.issuer, relay });
  const { child } = server;
  const proc = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8');
  const kibOf = (field: string) =>
    Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(proc('status'))?.[1]) * 1024;
  const url = (more: Partial<GenerateOptions> = {}) =>
    client.generateUrl({ provider: 'up', apiKey: UPSTREAM_KEY, maxCalls: null, ...more });
  const openFiles = () => readdirSync(`/proc/${child.pid}/fd`).length;
  async function held(order = 'look'): Promise<Held> {
    child.send(order);
    const [answer] = (await once(child, 'message')) as [Held];
    return answer;
  }
  async function liveCalls(): Promise<number> {
    // a connection of its own: one that is kept would be counted with what the program holds
    const { body } = await sendRaw(
      Number(new URL(admin).port),
      'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
    );
    return (JSON.parse(body) as { live_calls: number }).live_calls;
  }
  async function count(): Promise<Readonly<Record<string, number>>> {
    const live = await liveCalls();
    const { resources } = await held();
    return { ...resources, live, files: openFiles() };
  }
  let start: Readonly<Record<string, number>> = {};
  async function excess(): Promise<Readonly<Record<string, number>>> {
    const now = Object.entries(await count());
    const more = now.map(([kind, n]) => [kind, n - (start[kind] ?? 0)] as const);
    return Object.fromEntries(more.filter(([, n]) => n > 0));
  }
  async function rest(): Promise<void> {
    let sum = Number.POSITIVE_INFINITY;
    for (let steady = 0; steady < 5; steady += 1) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      start = await count();
      const next = Object.values(start).reduce((all, n) => all + n, 0);
      if (next < sum) steady = 0;
      sum = Math.min(sum, next);
    }
  }
  return {
    server,
    port: Number(new URL(relay).port),
    url,
    target: (more) => `${new URL(url(more)).pathname}/v1/chat/completions`,
    residentBytes: () => kibOf('VmRSS'),
    peakBytes: () => kibOf('VmHWM'),
    cpuMs() {
      const fields = proc('stat').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
    openFiles,
    held,
    liveCalls,
    count,
    rest,
    excess,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null) await server.stop(signal);
    },
  };
}
