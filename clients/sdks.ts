/**
 * Runs SDKs as they are told: one JSON object a line comes in, `{ id, client, way, door }`, and one goes out,
 * `{ id, text }` or `{ id, error }` with what the SDK's own exception says. Many calls run at the same time.
 */
import { createInterface } from 'node:readline';
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

interface Order {
  readonly id: number;
  readonly client: string;
  readonly way: 'plain' | 'streamed';
  readonly door: Door;
}

async function follow({ client, way, door }: Order): Promise<object> {
  const call = CLIENTS[client]?.[way];
  if (!call) return { error: `there is no ${way} way of ${client}` };
  try {
    return { text: await call(door) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const order: Order = JSON.parse(line);
  void follow(order).then((result) => console.log(JSON.stringify({ id: order.id, ...result })));
}
