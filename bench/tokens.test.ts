/** The bench of tokens measures what it says: every row comes out as it should, and the table sets each beside its twin. */
import { expect, test } from 'vitest';
import { measureTokens, renderTokens, type TokenFigure } from './tokens.ts';

test('every row is measured, and median lies between the ends', async () => {
  const figures = await measureTokens({ rounds: 3, roundMs: 1 });
  expect(figures.map(({ name }) => name)).toEqual([
    'aes open jose',
    'aes open native',
    'malformed parts, refused native',
    'malformed header, refused native',
    'unknown kid, refused native',
    'wrong tag, refused native',
    'ecc open jose',
    'ecc open native',
    'aes seal noble',
    'aes seal native',
    'ecc seal noble',
    'ecc seal native',
  ]);
  for (const { median, min, max } of figures) {
    expect(min).toBeGreaterThan(0);
    expect(median).toBeGreaterThanOrEqual(min);
    expect(max).toBeGreaterThanOrEqual(median);
  }
  expect(JSON.parse(JSON.stringify(figures))).toEqual(figures);
}, 120_000);

test('the table tells how much faster the native row is than its twin', () => {
  const figure = (name: string, median: number): TokenFigure => ({
    name,
    median,
    min: median - 1,
    max: median + 1,
    rounds: [median],
  });
  const table = renderTokens([
    figure('aes open jose', 240),
    figure('aes open native', 30),
    figure('unknown kid, refused native', 8),
    figure('ecc seal noble', 3000),
    figure('ecc seal native', 250),
  ]);
  expect(table.split('\n').slice(2)).toEqual([
    '| aes open jose | 240.0 | 239.0 to 241.0 |  |',
    '| aes open native | 30.0 | 29.0 to 31.0 | 8.0 × faster |',
    '| unknown kid, refused native | 8.0 | 7.0 to 9.0 |  |',
    '| ecc seal noble | 3000.0 | 2999.0 to 3001.0 |  |',
    '| ecc seal native | 250.0 | 249.0 to 251.0 | 12.0 × faster |',
  ]);
});
