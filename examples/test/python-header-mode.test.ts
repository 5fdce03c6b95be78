/** The example python-header-mode: the token is the SDK's key, the answer streams, a spent token is an error in words. */
import { RelayAPIClient } from 'relayapi-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DemoRelay, startDemoRelay } from './support/demo-relay.ts';
import { findPython } from './support/python.ts';
import { startExample } from './support/run-example.ts';

const python = findPython('openai');
let relay: DemoRelay;
let client: RelayAPIClient;

beforeAll(async () => {
  relay = await startDemoRelay();
  client = new RelayAPIClient(relay.raiFile);
});
afterAll(() => relay?.stop());

function chat(token: string, base: string): Promise<string> {
  return startExample('python-header-mode', python as string, ['chat.py', 'Good morning, snake'], {
    RELAY_TOKEN: token,
    RELAY_BASE_URL: base,
  }).done;
}

describe('python-header-mode', () => {
  beforeEach((context) => context.skip(python === null, 'the Python package openai is missing'));

  it.each(['/relayapi/-/v1', '/v1'])('streams a chat with the token as API key at %s', async (path) => {
    const token = client.generateToken({ provider: 'demo', apiKey: 'sk-demo-not-a-key', maxCalls: 2 });
    expect(await chat(token, relay.origin + path)).toContain('Good morning, snake');
  });

  it('raises the relay’s message when the token allows no call', async () => {
    const token = client.generateToken({ provider: 'demo', apiKey: 'sk-demo-not-a-key', maxCalls: 0 });
    await expect(chat(token, `${relay.origin}/relayapi/-/v1`)).rejects.toThrow(
      /402.*All calls of this relay URL are used up/s,
    );
  });
});
