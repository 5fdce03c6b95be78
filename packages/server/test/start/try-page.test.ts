/**
 * The try-it page in a real browser, end to end: limits, URL, chat, what is left, and the error when it ends.
 * house: real time, since a browser and a child process have no fake clock.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { type ServerProcess, startFolder, startProcess } from '../support/server-process.ts';

const path = findChromium();
let server: ServerProcess | null = null;
let browser: Browser | null = null;
let pageUrl = '';

beforeAll(async () => {
  if (path === null) return;
  server = startProcess(startFolder(), ['-demo', '-server.port=0', '-admin.port=0']);
  [, pageUrl = ''] = await server.printed(/^Try it in a browser: +(\S+)$/m);
  browser = await launchChromium(path);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop('SIGKILL');
});

beforeEach((context) => context.skip(path === null, 'chromium is missing'));

/** An open page and everything it complained about. */
async function open(
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<{ page: Page; complaints: string[] }> {
  if (browser === null) throw new Error('no browser');
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // a refused call is logged by the browser itself: that is what the page is for
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text()))
      complaints.push(message.text());
  });
  await page.goto(pageUrl);
  return { page, complaints };
}

const text = async (page: Page, id: string) => (await page.locator(`#${id}`).textContent()) ?? '';

async function getUrl(page: Page, calls: number): Promise<void> {
  await page.fill('#calls', String(calls));
  await page.click('#get-url');
  await page.waitForSelector('#sealed:not([hidden])');
}

async function say(page: Page, words: string): Promise<void> {
  await page.fill('#prompt', words);
  await page.press('#prompt', 'Enter');
  await page.waitForFunction(() => document.getElementById('send')?.textContent === 'Send');
}

describe('the try-it page', () => {
  it('chats through a sealed URL, counts down, and says in words why it ends', async () => {
    const { page, complaints } = await open();
    await getUrl(page, 2);
    expect(await page.inputValue('#url')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/relayapi\/eyJ[\w.-]+$/);
    expect(await page.inputValue('#curl')).toContain('/chat/completions');
    expect([await text(page, 'calls-left'), await text(page, 'calls-of')]).toEqual(['2', 'of 2']);
    expect(await text(page, 'time-left')).toMatch(/^(5:00|4:5\d)$/);

    await say(page, 'Hello there');
    expect(await page.locator('.turn .text').last().textContent()).toContain('You said: "Hello there"');
    expect(await page.locator('.turn .note').last().textContent()).toMatch(
      /^demo-chat · \d+ tokens in, \d+ out$/,
    );
    expect(await text(page, 'calls-left')).toBe('1');
    await say(page, 'And again');
    expect(await text(page, 'calls-left')).toBe('0');

    await say(page, 'Once more');
    const problem = await text(page, 'problem');
    expect(problem).toContain('All calls of this URL are used up.');
    expect(problem).toContain('402 calls_exhausted');
    await page.click('#problem button');
    await page.waitForFunction(() => document.getElementById('calls-left')?.textContent === '2');
    expect(await page.locator('#problem').isHidden()).toBe(true);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('shows the answer while it comes, and Escape stops it', async () => {
    const { page } = await open();
    await getUrl(page, 3);
    await page.fill('#prompt', 'word '.repeat(200));
    await page.press('#prompt', 'Enter');
    await page.waitForFunction(() => (document.querySelector('.turn.them .text')?.textContent ?? '') !== '');
    expect(await text(page, 'send')).toBe('Stop');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.getElementById('send')?.textContent === 'Send');
    expect(await page.locator('.turn .note').last().textContent()).toBe('Stopped.');
    await page.close();
  });

  it('explains a model that the URL does not allow', async () => {
    const { page } = await open();
    await page.selectOption('#only-model', 'demo-small');
    await getUrl(page, 3);
    expect(await page.inputValue('#model')).toBe('demo-small');
    await page.selectOption('#model', 'demo-large');
    await say(page, 'Hello');
    expect(await text(page, 'problem')).toContain('This URL does not allow that model.');
    expect(await text(page, 'calls-left')).toBe('3');
    await page.close();
  });

  it('explains a rate limit, and when to come back', async () => {
    const { page } = await open();
    await page.selectOption('#per-minute', '2');
    await getUrl(page, 9);
    await say(page, 'one');
    await say(page, 'two');
    await say(page, 'three');
    expect(await text(page, 'problem')).toMatch(/Too many requests for this URL\.\s*Try again in \d+ s\./);
    await page.close();
  });

  it('explains that a URL has expired', async () => {
    const { page } = await open();
    // the shortest life that the relay gives, asked for by hand
    await page
      .locator('#seconds option')
      .first()
      .evaluate((option) => option.setAttribute('value', '10'));
    await page.selectOption('#seconds', '10');
    await getUrl(page, 9);
    expect(await text(page, 'time-left')).toMatch(/^0:(10|0\d)$/);
    await page.waitForFunction(() => document.getElementById('time-left')?.textContent === '0:00', null, {
      timeout: 20_000,
    });
    await page.waitForTimeout(1000);
    await say(page, 'Still there?');
    expect(await text(page, 'problem')).toContain('This URL has expired.');
    await page.close();
  });

  it('names a limit that is out of bounds, at its field', async () => {
    const { page } = await open();
    await page.fill('#calls', '0');
    await page.click('#get-url');
    await page.waitForSelector('#limits-problem:not([hidden])');
    expect(await text(page, 'limits-problem')).toBe('Calls must be a whole number from 1 to 1000.');
    expect(await page.getAttribute('#calls', 'aria-invalid')).toBe('true');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('calls');
    await page.close();
  });

  it('is usable with the keyboard alone', async () => {
    const { page } = await open();
    const stops: string[] = [];
    for (let index = 0; index < 12; index += 1) {
      await page.keyboard.press('Tab');
      stops.push(
        await page.evaluate(() => document.activeElement?.id || document.activeElement?.className || ''),
      );
    }
    expect(stops.slice(0, 5)).toEqual(['skip', 'calls', 'seconds', 'per-minute', 'only-model']);
    expect(stops).toContain('get-url');
    await page.focus('#get-url');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#sealed:not([hidden])');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('prompt');
    await page.keyboard.type('By hand');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('two lines');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('.turn.me').length === 1);
    expect(await page.locator('.turn.me .text').textContent()).toBe('By hand\ntwo lines');
    await page.close();
  });

  it('gives every field a label, and tells changes to those who do not see them', async () => {
    const { page } = await open();
    const unlabelled = await page.$$eval('input, select, textarea, progress', (fields) =>
      fields
        .filter((field) => !(field as HTMLInputElement).labels?.length && !field.getAttribute('aria-label'))
        .map((field) => field.id || field.outerHTML),
    );
    expect(unlabelled).toEqual([]);
    expect(await page.getAttribute('#log', 'aria-live')).toBe('polite');
    expect(await page.getAttribute('#problem', 'role')).toBe('alert');
    await page.close();
  });

  it.each(['light', 'dark'] as const)('has enough contrast in %s', async (colorScheme) => {
    const { page } = await open({ colorScheme });
    await getUrl(page, 1);
    await say(page, 'Hello');
    await say(page, 'Hello again');
    const ids = [
      'h1',
      '.brand p',
      '.hint',
      '#get-url',
      '.turn.me .text',
      '.turn.them .text',
      '.note',
      '#problem strong',
      'label',
      '.choices input:checked + span',
      '.meter dt',
    ];
    for (const selector of ids) {
      const ratio = await page.locator(selector).first().evaluate(contrastOf);
      expect(ratio, `${selector} in ${colorScheme}`).toBeGreaterThanOrEqual(4.5);
    }
    await page.close();
  });

  it('fits a narrow screen without scrolling sideways', async () => {
    const { page } = await open({ viewport: { width: 360, height: 740 } });
    await getUrl(page, 1);
    await say(page, 'Hello '.repeat(20));
    await say(page, 'Hello');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.close();
  });

  it('leaves nothing behind in the browser, and loads nothing from elsewhere', async () => {
    const { page } = await open();
    const hosts = new Set<string>();
    page.on('request', (request) => hosts.add(new URL(request.url()).origin));
    await getUrl(page, 1);
    await say(page, 'Hello');
    const kept = await page.evaluate(() => [
      localStorage.length,
      sessionStorage.length,
      document.cookie,
      location.href,
    ]);
    expect(kept).toEqual([0, 0, '', pageUrl]);
    expect([...hosts]).toEqual([new URL(pageUrl).origin]);
    await page.close();
  });
});

/** Runs in the page: contrast of an element's text against what is behind it (WCAG 2.2, 1.4.3). */
function contrastOf(element: Element): number {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (canvas === null) throw new Error('no canvas');
  const over = (color: string, below: readonly number[]) => {
    canvas.fillStyle = `rgb(${below.join(' ')})`;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const chain: Element[] = [];
  for (let at: Element | null = element; at !== null; at = at.parentElement) chain.unshift(at);
  const behind = chain.reduce(
    (below, at) => over(getComputedStyle(at).backgroundColor, below),
    [255, 255, 255],
  );
  const luminance = (rgb: readonly number[]) => {
    const [r, g, b] = rgb.map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
  };
  const [light, dark] = [luminance(over(getComputedStyle(element).color, behind)), luminance(behind)].sort(
    (a, b) => b - a,
  );
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}
