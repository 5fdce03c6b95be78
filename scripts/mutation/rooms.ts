// The rooms that mutation runs measure, and the tests that may kill a mutant there. Only tests that stay in one process and take no real time.
import { globSync } from 'node:fs';

/** One room of the table. */
export interface Room {
  /** Sources to mutate, below the repository. */
  readonly sources: string;
  /** Tests beside the sources: they meet every mutant first. */
  readonly near: readonly string[];
  /** Tests across rooms: they meet what the near ones let live. */
  readonly far: readonly string[];
}

const SERVER = 'packages/server';
const ACROSS = [`${SERVER}/test/conformance/*.test.ts`];

const serverRoom = (name: string): Room => ({
  sources: `${SERVER}/src/${name}`,
  near: [`${SERVER}/src/${name}/**/*.test.ts`],
  far: ACROSS,
});

/** By the name that stands on the command line. */
export const ROOMS: Readonly<Record<string, Room>> = {
  routing: serverRoom('routing'),
  ingress: serverRoom('ingress'),
  token: {
    sources: 'packages/token/src',
    near: ['packages/token/src/**/*.test.ts'],
    far: ['packages/token/test/{keyring,rai-edges,rai-files,vectors}.test.ts'],
  },
  forwarding: serverRoom('forwarding'),
  policy: serverRoom('policy'),
};

/** The sources of a room, tests left out. */
export function sourcesOf(room: Room): string[] {
  return globSync(`${room.sources}/**/*.ts`)
    .filter((path) => !path.endsWith('.test.ts'))
    .sort();
}
