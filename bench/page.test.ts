// The page and its chart: what they show of the figures, and that the committed ones are those of the committed figures.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderChart } from './chart.ts';
import type { Results } from './figures.ts';
import { renderPage } from './page.ts';
import { figuresOf, resultsOf } from './sample-results.ts';

const ROOT = resolve(import.meta.dirname, '..');

const results = resultsOf({
  small: figuresOf('small', {
    direct: { rps: [9000, 9000] },
    'node-pipe': { cpuUs: [100, 200], rps: [1000, 500] },
    relay: { cpuUs: [50, 100], rps: [1500, 750] },
    'odd & <name>': { cpuUs: [10] },
  }),
  start: figuresOf('start', { relay: { startMs: [300, 310] } }),
});

describe('the page', () => {
  const page = renderPage(results);

  test('has a row per candidate, with a dash where there is no figure', () => {
    expect(page).toContain('| relay | 75.0 (50.0–100.0) | 13,333 | 2.00 | 1,125 (750–1,500) |');
    expect(page).toContain('| direct | – | – | – | 9,000 |');
  });

  test('leaves out the columns and the cases that nobody has figures for', () => {
    expect(page).not.toContain('RSS MB');
    expect(page).not.toContain('9,000 streams at 2 chunks per second\n');
  });

  test('says what passes, what falls short and what was not measured', () => {
    expect(page).toMatch(/\| 1 \| .*node:http.* \| 2\.00 × \| pass \|/);
    expect(page).toMatch(/\| 8 \| start to listening .* \| 305 \(300–310\) ms \| pass \|/);
    expect(page).toMatch(/\| 8 \| idle memory .* \| not measured \| \*\*not measured\*\* \|/);
  });

  test('names the machine, the programs, each run and each note', () => {
    for (const text of ['Test CPU', 'Linux 6', 'v26.0.0', 'nginx: nginx/1.22.1', 'abc1234', '60 s']) {
      expect(page).toContain(text);
    }
    expect(page).toContain('- a note of small\n- a note of start\n');
  });

  test('says so when nothing was held to a core', () => {
    const loose = { ...results, machine: { ...results.machine, pinned: false } };
    expect(renderPage(loose)).toContain('Nothing was held to a core');
    expect(page).not.toContain('Nothing was held to a core');
  });

  test('every table has as many cells in a row as in its head', () => {
    const tables = page.split('\n\n').filter((block) => block.startsWith('|'));
    expect(tables.length).toBeGreaterThan(3);
    for (const table of tables) {
      const widths = table
        .trim()
        .split('\n')
        .map((row) => row.split(' | ').length);
      expect(new Set(widths.filter((_, index) => index !== 1)).size, table).toBe(1);
    }
  });
});

describe('the chart', () => {
  const chart = renderChart(results);

  test('has one bar per candidate with a figure, the longest for the fastest', () => {
    const widths = [...chart.matchAll(/<rect class="(own|other)"[^>]* width="([\d.]+)"/g)].map(
      ([, kind, width]) => [kind, Number(width)] as const,
    );
    expect(widths.map(([kind]) => kind)).toEqual(['other', 'own', 'other']);
    const [pipe, relay, odd] = widths.map(([, width]) => width);
    expect(relay).toBeCloseTo((pipe ?? 0) * 2, 0);
    expect(odd).toBeGreaterThan(relay ?? 0);
  });

  test('is well-formed whatever a candidate is called', () => {
    expect(chart).toContain('odd &amp; &lt;name&gt;');
    expect(chart).not.toContain('<name>');
  });

  test('reads on dark ground too', () => {
    expect(chart).toContain('prefers-color-scheme: dark');
  });

  test('without a figure there is a chart without a bar', () => {
    expect(renderChart(resultsOf({}))).not.toContain('<rect');
  });
});

describe('what is committed', () => {
  const kept = join(ROOT, 'bench/results/performance.json');

  test('page and chart are those of the kept figures', () => {
    expect(existsSync(kept)).toBe(true);
    const figures: Results = JSON.parse(readFileSync(kept, 'utf8'));
    expect(readFileSync(join(ROOT, 'docs/performance.md'), 'utf8')).toBe(renderPage(figures));
    expect(readFileSync(join(ROOT, 'docs/img/performance.svg'), 'utf8')).toBe(renderChart(figures));
  });

  test('the kept figures are no quick look', () => {
    const figures: Results = JSON.parse(readFileSync(kept, 'utf8'));
    expect(Object.values(figures.suites).filter(({ quick }) => quick)).toEqual([]);
  });
});
