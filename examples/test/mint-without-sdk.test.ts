/** The examples that mint with a plain JOSE library: what they print is a relay URL that streams, for both methods. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRai } from 'relayapi-token';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DemoRelay, startDemoRelay } from './support/demo-relay.ts';
import { findPython } from './support/python.ts';
import { startExample } from './support/run-example.ts';

const METHODS = ['aes', 'ecc'] as const;
const python = findPython('joserfc');
const MINTERS = [
  ['mint-with-jose-js', process.execPath, 'mint.mjs', 'node'],
  ['mint-with-joserfc-py', python, 'mint.py', 'the Python package joserfc'],
] as const;

let relay: DemoRelay;
const issuerFile = (method: string) => join(dirname(relay.raiFile), `${method}.issuer.json`);

beforeAll(async () => {
  const made = METHODS.map((method) => {
    const pair = createRai({ method, relay: 'http://127.0.0.1:1/relayapi/', iss: `shop-${method}` });
    if (!('issuer' in pair)) throw new Error('a pair was asked for');
    return [method, pair] as const;
  });
  relay = await startDemoRelay(Object.fromEntries(made.map(([name, pair]) => [`${name}.rai`, pair.relay])));
  for (const [method, { issuer }] of made) {
    const file = { ...issuer, relay: `${relay.origin}/relayapi/` };
    writeFileSync(issuerFile(method), JSON.stringify(file), { mode: 0o600 });
  }
});
afterAll(() => relay?.stop());

describe.each(MINTERS)('%s', (example, command, script, tool) => {
  beforeEach((context) => context.skip(command === null, `${tool} is missing`));

  it.each(METHODS)('A14 prints a URL whose %s token opens and streams', async (method) => {
    const { done } = startExample(example, command as string, [script, issuerFile(method)], {});
    const url = (await done).trim();
    expect(url.startsWith(`${relay.origin}/relayapi/`)).toBe(true);
    const answer = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'demo-chat',
        stream: true,
        messages: [{ role: 'user', content: 'Good morning, JOSE' }],
      }),
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('[DONE]');
    expect(answer.headers.get('relay-calls-remaining')).toBe('19');
  });
});
