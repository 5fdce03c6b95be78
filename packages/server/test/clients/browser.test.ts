/**
 * The official SDKs in a headless Chromium, from a page of another origin: preflight, plain and streamed answers, origins that may
 * and may not, and errors that the page's own code can read.
 * house: real time, since a browser has no fake clock.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import type { PageSight, PageTarget } from './browser-page.ts';

const SDKS = ['openai', 'anthropic'] as const;
/** Which way in, and where the token stands. */
const DOORS = [
  ['node', 'path'],
  ['node', 'header'],
  ['fetch', 'path'],
] as const;
const HI = 'Good morning, browser';
const chromium = findChromium();

let browser: Browser | null = null;
let site: Server;
/** The page's origin, and the same page under another name: another origin. */
let home = '';
let elsewhere = '';

async function bundlePage(): Promise<string> {
  const entry = fileURLToPath(new URL('./browser-page.ts', import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
}

beforeAll(async () => {
  if (chromium === null) return;
  const script = await bundlePage();
  site = createServer((req, res) => {
    const [type, body] =
      req.url === '/page.js'
        ? ['text/javascript', script]
        : ['text/html', '<!doctype html><meta charset="utf-8"><script src="/page.js"></script>'];
    res.writeHead(200, { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const { port } = site.address() as AddressInfo;
  home = `http://127.0.0.1:${port}`;
  elsewhere = `http://localhost:${port}`;
  browser = await launchChromium(chromium);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  site?.close();
});

beforeEach((context) => context.skip(chromium === null, 'chromium is missing'));

describe.each(DOORS)('SDKs in a page, on the %s path, with a token in the %s', (path, place) => {
  let relay: RelayFixture;
  let page: Page;
  let arrived: IncomingMessage[] = [];
  const see = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    if (request.socket.localPort === relay.port) arrived.push(request);
  };

  beforeAll(async () => {
    relay = await startRelay({ path });
    subscribe('http.server.request.start', see);
  });
  afterAll(async () => {
    unsubscribe('http.server.request.start', see);
    await relay.close();
  });
  // a fresh context each time: Chromium remembers preflights
  beforeEach(async () => {
    page = await (await (browser as Browser).newContext()).newPage();
    await page.goto(home);
    relay.demo.reset();
    arrived = [];
  });
  afterEach(() => page?.context().close());

  type Options = Parameters<RelayFixture['url']>[0];
  function doors(options: Options = {}): Pick<PageTarget, 'base' | 'apiKey'> {
    if (place === 'path') return { base: relay.url(options), apiKey: 'relay' };
    return { base: `${relay.origin}/relayapi/-`, apiKey: relay.token(options) };
  }
  function callWith(
    target: Partial<PageTarget> & Pick<PageTarget, 'base' | 'apiKey' | 'sdk'>,
  ): Promise<PageSight> {
    const whole = { stream: false, text: HI, ...target };
    return page.evaluate((wanted) => globalThis.callFromPage(wanted), whole);
  }
  const methods = () => arrived.map((request) => request.method);

  describe.each(SDKS)('%s', (sdk) => {
    it('asks before it sends, and gets a plain answer with what is left', async () => {
      const seen = await callWith({ sdk, ...doors({ allowedOrigins: [home], maxCalls: 7 }) });
      expect(seen.error).toBeUndefined();
      expect(seen.text).toContain(HI);
      expect(seen.remaining).toBe('6');
      expect(seen.requestId).toBeTruthy();
      expect(methods()).toEqual(['OPTIONS', 'POST']);
      const [preflight] = arrived;
      expect(preflight?.headers['access-control-request-headers']).toContain('x-stainless-');
      expect(preflight?.headers.origin).toBe(home);
      expect(relay.demo.requests).toHaveLength(1);
      expect(JSON.stringify(relay.demo.requests[0]?.headers)).toContain(UPSTREAM_KEY);
      expect(JSON.stringify(seen)).not.toContain(UPSTREAM_KEY);
    });

    it('streams', async () => {
      const seen = await callWith({
        sdk,
        ...doors({ allowedOrigins: [home] }),
        stream: true,
        model: 'demo-chunks-12-5',
      });
      expect(seen.error).toBeUndefined();
      expect(seen.chunks).toBeGreaterThanOrEqual(10);
      expect(methods()).toEqual(['OPTIONS', 'POST']);
    });

    it('is refused in words from an origin that the token does not list', async () => {
      const target = doors({ allowedOrigins: [home] });
      await page.goto(elsewhere);
      const seen = await callWith({ sdk, ...target });
      expect(seen.error).toMatchObject({ status: 403 });
      expect(seen.error?.message).toContain('may not be used from this origin');
      expect(relay.demo.requests).toHaveLength(0);
    });

    it.each([
      [402, { maxCalls: 0 }, 'All calls of this relay URL are used up', HI],
      [403, { allowedModels: ['another'] }, 'does not allow this model', HI],
      [413, { maxRequestBytes: 1000 }, 'body is larger than allowed', 'x'.repeat(3_000_000)],
    ] as const)(
      'shows a readable %i at once, whatever retries are set',
      async (status, options, words, text) => {
        const target = { sdk, ...doors(options), maxRetries: 3, text };
        const seen = await callWith(target);
        expect(seen.error?.status).toBe(status);
        expect(seen.error?.message).toContain(words);
        expect(seen.error?.message).not.toContain('Connection error');
        expect(methods().filter((method) => method === 'POST')).toHaveLength(1);
        expect(relay.demo.requests).toHaveLength(0);
      },
    );

    it('shows a readable 401', async () => {
      const { base, apiKey } = doors();
      const bad =
        place === 'path'
          ? { base: base.replace(/[^/]+$/, 'no-token'), apiKey }
          : { base, apiKey: `${apiKey}x` };
      const seen = await callWith({ sdk, ...bad, maxRetries: 3 });
      expect(seen.error?.status).toBe(401);
      expect(seen.error?.message).toContain('The relay token is not valid');
      expect(methods().filter((method) => method === 'POST')).toHaveLength(1);
    });

    it('shows a readable 429', async () => {
      const target = { sdk, ...doors({ rateLimit: { requests: 1, perSeconds: 30 } }) };
      expect((await callWith(target)).error).toBeUndefined();
      const seen = await callWith(target);
      expect(seen.error?.status).toBe(429);
      expect(seen.error?.message).toContain('Too many requests');
      expect(relay.demo.requests).toHaveLength(1);
    });

    it('throws when the upstream breaks off in the middle of a stream', async () => {
      const seen = await callWith({ sdk, ...doors(), stream: true, model: 'demo-die-3' });
      expect(seen.error?.message).toBeTruthy();
      expect(seen.text).toBeUndefined();
    });
  });
});
