import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { KNOBS } from './knob-table.ts';
import { NO_KNOBS, PLAIN_MODELS, parseKnobs } from './knobs.ts';

describe('parseKnobs', () => {
  test.each(['', 'gpt-4o-mini', 'claude-demo', 'my-demo-delay-5', 'demonstration', ...PLAIN_MODELS])(
    '"%s" has no knobs',
    (model) => expect(parseKnobs(model)).toBe(NO_KNOBS),
  );

  test.each([
    ['demo-delay-500', { delayMs: 500 }],
    ['demo-chunks-100-50', { pieces: 100, gapMs: 50 }],
    ['demo-chunks-3', { pieces: 3, gapMs: 0 }],
    ['demo-status-429-retry-3', { errorStatus: 429, retryAfter: '3' }],
    ['demo-status-204', { status: 204 }],
    ['demo-flaky-2', { flakyTimes: 2, errorStatus: 503 }],
    ['demo-die-3', { dieAfter: 3, dieHow: 'fin' }],
    ['demo-die-3-rst', { dieAfter: 3, dieHow: 'rst' }],
    ['demo-redirect-307-http%3A%2F%2Fa-b%2F', { redirect: { status: 307, location: 'http://a-b/' } }],
    ['demo-delay-5+die-1', { delayMs: 5, dieAfter: 1, dieHow: 'fin' }],
    ['demo-delay-5+demo-gzip', { delayMs: 5, gzip: true }],
    ['vendor/demo-hang', { hang: true }],
    ['demo-type-text%2Fhtml', { contentType: 'text/html' }],
    ['demo-contentlength-lie', { lengthLie: 'long' }],
    ['demo-contentlength-lie-short', { lengthLie: 'short' }],
  ])('%s', (model, knobs) => expect(parseKnobs(model)).toEqual(knobs));

  test.each([
    'demo-delay',
    'demo-delay--5',
    'demo-delay-1.5',
    'demo-die-x',
    'demo-say-%',
    'demo-redirect-x-y',
  ])('"%s" is refused with the right form', (model) =>
    expect(parseKnobs(model)).toEqual({ problem: expect.stringContaining('is not of the form demo-') }),
  );

  test.each(['demo-', 'demo-nothing', 'demo-delay-5+nothing', 'demo-constructor', 'demo-__proto__'])(
    '"%s" is refused with a list of what there is',
    (model) => expect(parseKnobs(model)).toEqual({ problem: expect.stringContaining('slowread, noread') }),
  );
});

test('the README lists exactly the knobs there are', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const rows = [...readme.matchAll(/^\| `demo-([^`]+)` +\| (.+?) +\|$/gm)].map(
    ([, form, does]) => `${form}: ${does}`,
  );
  expect(rows).toEqual([...KNOBS.values()].map(({ form, does }) => `${form}: ${does}`));
});

test('each knob has a test of its own on the wire', () => {
  const tests = readFileSync(new URL('../test/knobs.test.ts', import.meta.url), 'utf8');
  const sdkTests = readFileSync(new URL('../test/official-sdks.test.ts', import.meta.url), 'utf8');
  const missing = [...KNOBS.keys()].filter((name) => !`${tests}${sdkTests}`.includes(`demo-${name}`));
  expect(missing).toEqual([]);
});
