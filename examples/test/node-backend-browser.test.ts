/**
 * The example node-backend-browser in a headless Chromium: a visitor chats, the page holds no key, the limits hold.
 * house: real time, since a browser and child processes have no fake clock.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, launchChromium } from '../../packages/server/test/support/chromium.ts';
import { findFreePort } from '../../packages/server/test/support/free-port.ts';
import { type DemoRelay, startDemoRelay } from './support/demo-relay.ts';
import { type StartedExample, startExample } from './support/run-example.ts';

const KEY = 'sk-demo-not-a-key-of-the-example';
const chromium = findChromium();
let relay: DemoRelay;
let backend: StartedExample;
let origin: string;
let browser: Browser | null = null;

beforeAll(async () => {
  relay = await startDemoRelay();
  const port = await findFreePort();
  origin = `http://127.0.0.1:${port}`;
  backend = startExample(
    'node-backend-browser',
    process.execPath,
    ['--conditions=relayapi-source', 'server.ts'],
    { PORT: String(port), RELAY_RAI: relay.raiFile, PROVIDER_API_KEY: KEY },
  );
  await backend.printed(/open http/);
  if (chromium !== null) browser = await launchChromium(chromium);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  backend?.child.kill('SIGKILL');
  await relay?.stop();
});

describe('node-backend-browser', () => {
  it('streams a chat into the page; the key never leaves the backend', async (context) => {
    context.skip(browser === null, 'chromium is missing');
    const page = await (browser as Browser).newPage();
    const bodies: Promise<string>[] = [];
    const urls: string[] = [];
    page.on('response', (response) => {
      urls.push(response.url());
      bodies.push(response.text().catch(() => ''));
    });
    await page.goto(origin);
    await page.fill('input', 'Good morning, page');
    await page.click('button');
    await page.waitForSelector('.assistant.done', { timeout: 20_000 });
    expect(await page.textContent('.assistant')).toContain('Good morning, page');
    expect(urls.some((url) => url.startsWith(`${relay.origin}/relayapi/`))).toBe(true);
    for (const text of [...(await Promise.all(bodies)), ...urls]) expect(text).not.toContain(KEY);
    await page.close();
  });

  it('gives one URL per visitor, and another to another visitor', async () => {
    const cookie = (await fetch(origin)).headers.get('set-cookie')?.split(';')[0] as string;
    const ask = async (visitor: string) => {
      const answer = await fetch(`${origin}/relay-url`, { method: 'POST', headers: { cookie: visitor } });
      return ((await answer.json()) as { baseURL: string }).baseURL;
    };
    expect(await ask(cookie)).toBe(await ask(cookie));
    const other = (await fetch(origin)).headers.get('set-cookie')?.split(';')[0] as string;
    expect(await ask(other)).not.toBe(await ask(cookie));
    expect((await fetch(`${origin}/relay-url`, { method: 'POST' })).status).toBe(404);
  });

  it('seals the limits in: another origin and another path are refused, the model is forced', async () => {
    const cookie = (await fetch(origin)).headers.get('set-cookie')?.split(';')[0] as string;
    const answer = await fetch(`${origin}/relay-url`, { method: 'POST', headers: { cookie } });
    const { baseURL } = (await answer.json()) as { baseURL: string };
    const post = (path: string, from: string, model: string) =>
      fetch(`${baseURL}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: from },
        body: JSON.stringify({ model, input: 'x', messages: [{ role: 'user', content: 'hello' }] }),
      });
    expect((await post('/chat/completions', 'https://elsewhere.example', 'demo-chat')).status).toBe(403);
    expect((await post('/embeddings', origin, 'demo-chat')).status).toBe(403);
    const forced = await post('/chat/completions', origin, 'demo-large');
    expect(forced.status).toBe(200);
    expect(((await forced.json()) as { model: string }).model).toBe('demo-chat');
  });

  it('opens a new URL when the old one has ended, without a word from the visitor', async (context) => {
    context.skip(browser === null, 'chromium is missing');
    const page = await (browser as Browser).newPage();
    let asked = 0;
    await page.route('**/relay-url', async (route) => {
      asked += 1;
      if (asked > 1) return route.continue();
      await route.fulfill({ json: { baseURL: `${relay.origin}/relayapi/ended` } });
    });
    await page.goto(origin);
    await page.fill('input', 'Still there?');
    await page.click('button');
    await page.waitForSelector('.assistant.done', { timeout: 20_000 });
    expect(await page.textContent('.assistant')).toContain('Still there?');
    expect(asked).toBe(2);
    await page.close();
  });
});
