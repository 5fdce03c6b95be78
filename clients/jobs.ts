/** Runs whole jobs as it is told by lines (lines.ts): `{ id, client, step, door, given }` comes in, what the SDK gave goes out as JSON. */
import { assemblyai } from './jobs/assemblyai.ts';
import { google2, google3 } from './jobs/google.ts';
import type { Steps, WhereTo } from './jobs/job.ts';
import { openai } from './jobs/openai.ts';
import { replicate } from './jobs/replicate.ts';
import { followLines, type Numbered } from './lines.ts';

const CLIENTS: Readonly<Record<string, Steps>> = { assemblyai, google2, google3, openai, replicate };

interface Order extends Numbered {
  readonly client: string;
  readonly step: string;
  readonly door: WhereTo;
  readonly given?: Readonly<Record<string, string>>;
}

await followLines(async ({ client, step, door, given = {} }: Order) => {
  const run = CLIENTS[client]?.[step];
  if (!run) throw new Error(`there is no ${step} of ${client}`);
  return JSON.stringify(await run(door, given));
});
