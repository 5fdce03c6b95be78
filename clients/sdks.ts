/** Runs SDKs as they are told by lines (lines.ts): `{ id, client, way, door }` comes in, the answer's text goes out. */
import { followLines, type Numbered } from './lines.ts';
import * as anthropicGoogle from './sdks/anthropic-google.ts';
import type { Client, Door } from './sdks/client.ts';
import * as frameworks from './sdks/frameworks.ts';
import * as openaiLike from './sdks/openai-like.ts';
import * as ownLanguages from './sdks/own-languages.ts';

const CLIENTS: Readonly<Record<string, Client>> = {
  ...openaiLike,
  ...anthropicGoogle,
  ...ownLanguages,
  ...frameworks,
};

interface Order extends Numbered {
  readonly client: string;
  readonly way: 'plain' | 'streamed';
  readonly door: Door;
}

await followLines(async ({ client, way, door }: Order) => {
  const call = CLIENTS[client]?.[way];
  if (!call) throw new Error(`there is no ${way} way of ${client}`);
  return call(door);
});
