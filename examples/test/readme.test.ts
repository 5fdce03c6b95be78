/**
 * The README's code, taken out of the page and run as it stands: the backend mints, a page in a headless Chromium chats.
 * house: real time, since a browser and child processes have no fake clock.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { OPTION_NAMES } from 'relayapi-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, launchChromium } from '../../packages/server/test/support/chromium.ts';
import { type StandInRelay, startRelayFor } from './support/demo-relay.ts';

const KEY = 'sk-demo-not-a-key-of-the-readme';
const SITE = 'https://app.example.com';
const root = new URL('../../', import.meta.url);
const pages = ['README.md', 'README_CN.md'].map((name) => readFileSync(new URL(name, root), 'utf8'));
const [english = '', chinese = ''] = pages;
const [backend = '', page = ''] = listBlocks(english, 'js');

function listBlocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code ?? '');
}

/** A block as one file, its packages resolved as the example of the same kind sees them. */
async function bundle(code: string, platform: 'node' | 'browser'): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(new URL('examples/node-backend-browser/', root)) },
    bundle: true,
    write: false,
    platform,
    format: 'esm',
    conditions: ['relayapi-source'],
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
}

let relay: StandInRelay;
beforeAll(async () => {
  relay = await startRelayFor(['openai']);
}, 60_000);
afterAll(() => relay?.stop());

/** What the backend's block hands out, run in the folder where `default.rai` lies. */
async function mint(userId: string): Promise<string> {
  const file = join(relay.folder, 'backend.mjs');
  writeFileSync(file, await bundle(backend, 'node'));
  const call = `import(${JSON.stringify(pathToFileURL(file).href)}).then((m) => console.log(m.relayUrlFor(${JSON.stringify(userId)})))`;
  const env = { PATH: process.env['PATH'], OPENAI_API_KEY: KEY };
  return execFileSync(process.execPath, ['-e', call], { cwd: relay.folder, env, encoding: 'utf8' }).trim();
}

describe('README.md', () => {
  it('shows a backend and a page of twenty lines and a few', () => {
    expect(listBlocks(english, 'js')).toHaveLength(2);
    expect((backend + page).split('\n').length).toBeLessThanOrEqual(25);
  });

  it('has code that streams a chat into a page, as it stands', async (context) => {
    const chromium = findChromium();
    context.skip(chromium === null, 'chromium is missing');
    const script = await bundle(page, 'browser');
    const browser = await launchChromium(chromium as string);
    try {
      // a public site that calls this machine needs the visitor's leave; a deployed relay is public itself
      const tab = await (await browser.newContext({ permissions: ['local-network-access'] })).newPage();
      await tab.route(`${SITE}/**`, async (route) => {
        const { pathname } = new URL(route.request().url());
        if (pathname === '/relay-url') return route.fulfill({ json: { baseURL: await mint('user-42') } });
        if (pathname === '/page.js') return route.fulfill({ contentType: 'text/javascript', body: script });
        const body = '<!doctype html><body><script type="module" src="/page.js"></script>';
        return route.fulfill({ contentType: 'text/html', body });
      });
      await tab.goto(`${SITE}/`);
      await tab.waitForFunction(() => document.body.textContent?.includes('Hello!'), null, {
        timeout: 20_000,
      });
    } finally {
      await browser.close();
    }
    expect(relay.demo.requests).toHaveLength(1);
    expect(relay.demo.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  it('names limits that hold: another model, another origin', async () => {
    const url = await mint('user-43');
    expect(url).not.toContain(KEY);
    const post = (origin: string, model: string) =>
      fetch(`${url}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin },
        body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }] }),
      });
    expect((await post(SITE, 'gpt-4o-mini')).headers.get('relay-calls-remaining')).toBe('19');
    expect((await post(SITE, 'gpt-4o')).status).toBe(403);
    expect((await post('https://elsewhere.example', 'gpt-4o-mini')).status).toBe(403);
  });

  it('lists options that the SDK has, and claims that this release holds', () => {
    const rows = english.split('\n').filter((line) => /^\|.*claims\.md#/.test(line));
    const claims = readFileSync(new URL('docs/claims.md', root), 'utf8');
    expect(rows.length).toBeGreaterThan(8);
    for (const row of rows) {
      const [, , options = '', names = ''] = row.split('|');
      for (const [, option] of options.matchAll(/`(\w+)`/g)) expect(OPTION_NAMES).toContain(option);
      for (const [, claim = ''] of names.matchAll(/`([\w.]+)`/g)) {
        const line = claims
          .split('\n')
          .find((text) => text.startsWith(`| \`${claim.replace('limits.', '')}\` |`));
        expect(line, claim).toMatch(/\| yes \|/);
      }
    }
  });
});

describe('README_CN.md', () => {
  it('has the same code blocks', () => {
    const blocks = (text: string) => [...text.matchAll(/^```[\s\S]*?^```$/gm)].map(([block]) => block);
    expect(blocks(chinese)).toEqual(blocks(english));
    expect(blocks(english).length).toBeGreaterThanOrEqual(3);
  });

  it('has the same headings, lists, tables and links in the same order', () => {
    const shape = (text: string) =>
      text
        .replace(/^```[\s\S]*?^```$/gm, '')
        .split('\n')
        .flatMap((line) => /^(#+ |- |\|)/.exec(line)?.[1] ?? []);
    const links = (text: string) =>
      [...text.matchAll(/\]\(([^)]+)\)/g)]
        .map(([, target]) => target)
        .filter((to) => !to?.startsWith('README'));
    expect(shape(chinese)).toEqual(shape(english));
    expect(links(chinese).sort()).toEqual(links(english).sort());
  });

  it('names the same options, claims and limits', () => {
    const names = (text: string) => [...text.matchAll(/`[^`\n]+`/g)].map(([name]) => name).sort();
    expect(new Set(names(chinese))).toEqual(new Set(names(english)));
  });
});
