/** The fetch entry as an edge runtime would use it: one function, no socket of its own. */
import { RelayAPIClient } from 'relayapi-sdk';
import { createRai, RaiError } from 'relayapi-token';
import { expect, it } from 'vitest';
import { RelayConfigError } from '../../create-relay.ts';
import { createFetchApp } from './fetch-app.ts';

function makePair(): { issuer: object; relay: object } {
  const made = createRai({
    method: 'ecc',
    relay: 'https://relay.example.com/relayapi/',
    iss: 'shop',
    role: 'pair',
  });
  if (!('issuer' in made)) throw new Error('a pair was asked for');
  return made;
}

/** An upstream that is only a function: what the platform's fetch would be asked. */
function stubFetch(): { sent: Request[]; restore(): void } {
  const original = globalThis.fetch;
  const sent: Request[] = [];
  globalThis.fetch = async (input, init) => {
    sent.push(new Request(input, init));
    return Response.json({ ok: true });
  };
  const restore = () => {
    globalThis.fetch = original;
  };
  return { sent, restore };
}

it('opens a sealed URL and calls the provider with the platform’s fetch', async () => {
  const { issuer, relay } = makePair();
  const app = await createFetchApp({ rai: { 'relay.rai': relay } });
  const url = new RelayAPIClient(issuer).generateUrl({ apiKey: 'sk-demo-not-a-key', maxCalls: 1 });
  const platform = stubFetch();
  try {
    const post = () =>
      app.fetch(
        new Request(`${url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-length': '19' },
          body: '{"model":"gpt-4o"}',
        }),
      );
    const answer = await post();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('relay-calls-remaining')).toBe('0');
    expect(await answer.json()).toEqual({ ok: true });
    expect((await post()).status).toBe(402);
  } finally {
    platform.restore();
  }
  expect(platform.sent.map((request) => request.url)).toEqual(['https://api.openai.com/v1/chat/completions']);
  expect(platform.sent[0]?.headers.get('authorization')).toBe('Bearer sk-demo-not-a-key');
  expect(platform.sent[0]?.redirect).toBe('manual');
});

it('answers health, and 404 for what is nobody’s', async () => {
  const app = await createFetchApp({ rai: { 'relay.rai': makePair().relay } });
  const health = await app.fetch(new Request('https://relay.example.com/health'));
  expect([health.status, await health.text()]).toEqual([200, 'ok\n']);
  expect((await app.fetch(new Request('https://relay.example.com/else'))).status).toBe(404);
});

it('refuses a free base, since it cannot see which address is dialled', async () => {
  const made = createRai({
    method: 'aes',
    relay: 'https://relay.example.com/relayapi/',
    iss: 'shop',
    role: 'pair',
    allow: { hosts: ['llm.example.com'] },
  });
  if (!('issuer' in made)) throw new Error('a pair was asked for');
  const app = await createFetchApp({ rai: { 'relay.rai': made.relay } });
  const url = new RelayAPIClient(made.issuer).generateUrl({
    apiKey: 'sk-demo-not-a-key',
    base: 'https://llm.example.com/v1',
  });
  const platform = stubFetch();
  const answer = await app.fetch(new Request(`${url}/v1/models`)).finally(platform.restore);
  expect(answer.status).toBe(403);
  expect(platform.sent).toEqual([]);
});

it('says what is wrong with a config or a key file, all at once', async () => {
  const { issuer, relay } = makePair();
  const rai = { 'relay.rai': relay };
  const faulty = createFetchApp({ config: { server: { prot: 1 }, log: { level: 'loud' } }, rai });
  await expect(faulty).rejects.toThrow(RelayConfigError);
  await expect(faulty).rejects.toThrow(/\$\.server\.prot[\s\S]*\$\.log\.level/);
  await expect(createFetchApp({ rai: { 'x.rai': '{' } })).rejects.toThrow(RaiError);
  await expect(createFetchApp({ rai: { 'issuer.rai': issuer } })).rejects.toThrow(/issuer\.rai/);
});
