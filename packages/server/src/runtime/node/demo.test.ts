import { createKeyring, createRai, findToken, openToken, parseRai } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import type { TryChoice } from '../../http/try-choice.ts';
import { createDemoMint } from './demo.ts';
import type { LoadedRai } from './rai-files.ts';

const NOW_MS = 1_800_000_000_500;
const RELAY = 'http://127.0.0.1:8840/relayapi/';
const CHOICE: TryChoice = { calls: 3, seconds: 60, perMinute: 2, model: 'demo-chat', origin: 'page' };

function shared(allow?: object): LoadedRai {
  const rai = createRai({ method: 'aes', relay: RELAY, role: 'shared', ...(allow && { allow }) });
  return { name: 'default.rai', file: parseRai(rai.shared) };
}

function relayOnly(): LoadedRai {
  return { name: 'relay.rai', file: parseRai(createRai({ method: 'ecc', relay: RELAY }).relay) };
}

async function claimsOf(files: readonly LoadedRai[], url: string) {
  const { keyring } = await createKeyring(files, { generation: 0 });
  return (await openToken(findToken(url) ?? '', keyring, { now: NOW_MS / 1000 }))?.claims;
}

describe('a URL of demo mode', () => {
  it('carries the chosen limits, for provider demo alone', async () => {
    const mint = createDemoMint(() => NOW_MS);
    const files = mint.withKeys([shared()]);
    const { url, expires } = mint.mint(CHOICE, RELAY, 'http://127.0.0.1:8840');
    expect(url.startsWith(RELAY)).toBe(true);
    expect(expires).toBe(1_800_000_060);
    expect(await claimsOf(files, url)).toMatchObject({
      iat: 1_800_000_000,
      exp: 1_800_000_060,
      limits: { calls: 3, rate: [2, 60] },
      models: ['demo-chat'],
      origins: ['http://127.0.0.1:8840'],
      upstream: [{ provider: 'demo' }],
    });
  });

  it('leaves out what was not chosen', async () => {
    const mint = createDemoMint(() => NOW_MS);
    const files = mint.withKeys([shared()]);
    const choice = { ...CHOICE, perMinute: null, model: null, origin: 'any' } as const;
    const claims = await claimsOf(files, mint.mint(choice, RELAY, 'x').url);
    expect(claims).not.toHaveProperty('models');
    expect(claims).not.toHaveProperty('origins');
    expect(claims?.limits).toEqual({ calls: 3 });
  });

  it('is another one each time', () => {
    const mint = createDemoMint(() => NOW_MS);
    mint.withKeys([shared()]);
    expect(mint.mint(CHOICE, RELAY, 'http://127.0.0.1:1').url).not.toBe(
      mint.mint(CHOICE, RELAY, 'http://127.0.0.1:1').url,
    );
  });
});

describe('the key of demo mode', () => {
  it('is the shared file where one is loaded', () => {
    const files = [relayOnly(), shared()];
    expect(createDemoMint(() => NOW_MS).withKeys(files)).toEqual(files);
  });

  it.each([
    ['no shared file is there', [relayOnly()]],
    ['the shared file does not allow the demo provider', [shared({ providers: ['openai'] })]],
    ['the shared file asks for claims that the page does not set', [shared({ require: ['ips'] })]],
  ])('lives in this process alone when %s', async (_when, files) => {
    const mint = createDemoMint(() => NOW_MS);
    const all = mint.withKeys(files);
    expect(all).toHaveLength(files.length + 1);
    expect(all.at(-1)?.file).toMatchObject({ role: 'shared', allow: { providers: ['demo'] } });
    const claims = await claimsOf(all, mint.mint(CHOICE, RELAY, 'http://127.0.0.1:8840').url);
    expect(claims?.upstream[0]?.provider).toBe('demo');
  });

  it('stays the same over reloads, so that URLs go on working', () => {
    const mint = createDemoMint(() => NOW_MS);
    const first = mint.withKeys([relayOnly()]).at(-1);
    expect(mint.withKeys([relayOnly()]).at(-1)?.file).toBe(first?.file);
  });
});
