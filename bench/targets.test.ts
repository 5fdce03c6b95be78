// Each number that issue 4 asks for is read out of the right figures, in the right direction.
import { describe, expect, test } from 'vitest';
import type { Figure } from './figures.ts';
import { figuresOf, resultsOf } from './sample-results.ts';
import { judge, showSpread } from './targets.ts';

function verdictOf(asked: string, figures: readonly Figure[]): string {
  const found = judge(resultsOf({ any: figures })).filter((row) => row.asked.includes(asked));
  expect(
    found.map((row) => row.asked),
    asked,
  ).toHaveLength(1);
  return found[0]?.verdict ?? '';
}

const cpu = (place: string, values: Record<string, number>) =>
  figuresOf(place, Object.fromEntries(Object.entries(values).map(([name, us]) => [name, { cpuUs: [us] }])));
const one = (place: string, candidate: string, figure: string, ...values: number[]) =>
  figuresOf(place, { [candidate]: { [figure]: values } });

describe('every number that is asked for', () => {
  test.each<[string, Figure[], Figure[]]>([
    [
      '1.5 × the bare `node:http` pipe',
      cpu('small', { 'node-pipe': 150, relay: 100 }),
      cpu('small', { 'node-pipe': 149, relay: 100 }),
    ],
    ['10 × Portkey', cpu('small', { portkey: 1000, relay: 100 }), cpu('small', { portkey: 999, relay: 100 })],
    ['0.2 × nginx', cpu('small', { nginx: 20, relay: 100 }), cpu('small', { nginx: 19, relay: 100 })],
    [
      '25 × LiteLLM',
      cpu('small', { litellm: 2500, relay: 100 }),
      cpu('small', { litellm: 2499, relay: 100 }),
    ],
    ['ahead of Go', cpu('small', { caddy: 101, relay: 100 }), cpu('small', { caddy: 100, relay: 100 })],
    [
      'within 5 % of (1)',
      cpu('small', { 'relay-rate': 105, relay: 100 }),
      cpu('small', { 'relay-rate': 106, relay: 100 }),
    ],
    [
      'added latency at a quarter of capacity',
      figuresOf('latency', { direct: { p50Us: [100] }, relay: { p50Us: [450] } }),
      figuresOf('latency', { direct: { p50Us: [100] }, relay: { p50Us: [451] } }),
    ],
    [
      'p99 ≤ 3 ms',
      figuresOf('latency', { direct: { p99Us: [100] }, relay: { p99Us: [3100] } }),
      figuresOf('latency', { direct: { p99Us: [100] }, relay: { p99Us: [3101] } }),
    ],
    [
      'p99 no worse than the bare pipe',
      figuresOf('latency', { 'node-pipe': { p99Us: [900] }, relay: { p99Us: [900] } }),
      figuresOf('latency', { 'node-pipe': { p99Us: [900] }, relay: { p99Us: [901] } }),
    ],
    [
      '100 KB request bodies',
      cpu('bodies-100k', { 'node-pipe': 90, relay: 100 }),
      cpu('bodies-100k', { 'node-pipe': 89, relay: 100 }),
    ],
    [
      '200 MB upload, cold',
      one('upload-200m', 'cold', 'growthMb', 32),
      one('upload-200m', 'cold', 'growthMb', 33),
    ],
    [
      '200 MB upload, warm',
      one('upload-200m', 'warm', 'growthMb', 32),
      one('upload-200m', 'warm', 'growthMb', 33),
    ],
    [
      '200 MB download, cold',
      one('download-200m', 'cold', 'growthMb', 32),
      one('download-200m', 'cold', 'growthMb', 33),
    ],
    [
      '200 MB download, warm',
      one('download-200m', 'warm', 'growthMb', 32),
      one('download-200m', 'warm', 'growthMb', 33),
    ],
    [
      'none lost or reordered',
      figuresOf('streams-9000', { relay: { lost: [0], late: [0], reordered: [0] } }),
      figuresOf('streams-9000', { relay: { lost: [0, 0, 0], late: [0, 0, 0], reordered: [0, 1, 0] } }),
    ],
    [
      '40 KB of memory per stream',
      one('streams-9000', 'relay', 'kbPerStream', 40),
      one('streams-9000', 'relay', 'kbPerStream', 41),
    ],
    [
      '850 streams',
      one('streams-850', 'relay', 'deliveredShare', 0.99),
      one('streams-850', 'relay', 'deliveredShare', 0.98),
    ],
    [
      'CPU per chunk at 500 streams',
      cpu('streams-500', { 'node-pipe': 20, relay: 20 }),
      cpu('streams-500', { 'node-pipe': 20, relay: 21 }),
    ],
    [
      '0.4 × Portkey',
      cpu('streams-500', { portkey: 50, relay: 20 }),
      cpu('streams-500', { portkey: 50, relay: 21 }),
    ],
    ['chunk age', one('streams-500', 'relay', 'p50Us', 350), one('streams-500', 'relay', 'p50Us', 351)],
    [
      'usage tap',
      cpu('streams-500', { 'relay-no-tap': 100, relay: 105 }),
      cpu('streams-500', { 'relay-no-tap': 100, relay: 106 }),
    ],
    [
      'a cold AES token',
      cpu('small', { 'relay-cold-aes': 150, relay: 100 }),
      cpu('small', { 'relay-cold-aes': 151, relay: 100 }),
    ],
    [
      'a cold ECC token',
      cpu('small', { 'relay-cold-ecc': 600, relay: 100 }),
      cpu('small', { 'relay-cold-ecc': 601, relay: 100 }),
    ],
    ['opening an AES token', one('opening', 'aes', 'cpuUs', 50), one('opening', 'aes', 'cpuUs', 51)],
    ['opening an ECC token', one('opening', 'ecc', 'cpuUs', 500), one('opening', 'ecc', 'cpuUs', 501)],
    ['a malformed token', one('opening', 'malformed', 'cpuUs', 20), one('opening', 'malformed', 'cpuUs', 21)],
    [
      'a token of an unknown key',
      one('opening', 'unknown-kid', 'cpuUs', 20),
      one('opening', 'unknown-kid', 'cpuUs', 21),
    ],
    [
      'honest p99 within 2',
      figuresOf('flood', { honest: { p99Us: [100] }, flooded: { p99Us: [200] } }),
      figuresOf('flood', { honest: { p99Us: [100] }, flooded: { p99Us: [201] } }),
    ],
    [
      'two workers',
      figuresOf('workers', { 'relay-1': { rps: [1000] }, 'relay-2': { rps: [1700] } }),
      figuresOf('workers', { 'relay-1': { rps: [1000] }, 'relay-2': { rps: [1699] } }),
    ],
    [
      'exactly 100 of 5,000',
      one('exact', 'relay-2', 'passed', 100, 100),
      one('exact', 'relay-2', 'passed', 100, 100, 101),
    ],
    ['idle memory', one('start', 'relay', 'idleMb', 90), one('start', 'relay', 'idleMb', 91)],
    ['start to listening', one('start', 'relay', 'startMs', 400), one('start', 'relay', 'startMs', 401)],
  ])('%s', (asked, good, bad) => {
    expect(verdictOf(asked, good)).toBe('pass');
    expect(verdictOf(asked, bad)).toBe('falls short');
    expect(verdictOf(asked, [])).toBe('not measured');
  });

  test('none is left out above, and each belongs to a paragraph of the issue', () => {
    const rows = judge(resultsOf({}));
    expect(rows).toHaveLength(32);
    expect([...new Set(rows.map(({ item }) => item))]).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  });

  test('one round below a bound is no pass where every round counts', () => {
    expect(verdictOf('exactly 100 of 5,000', one('exact', 'relay-2', 'passed', 100, 99, 100))).toBe(
      'falls short',
    );
  });
});

describe('what people read', () => {
  test('a spread shows its range, unless all figures are alike', () => {
    expect(showSpread({ median: 1500.5, min: 2, max: 3000 }, 1)).toBe('1,500.5 (2.0–3,000.0)');
    expect(showSpread({ median: 100, min: 100, max: 100 }, 0)).toBe('100');
  });

  test('a ratio says how many times', () => {
    const rows = judge(
      resultsOf({
        any: figuresOf('small', { relay: { cpuUs: [50, 100] }, 'node-pipe': { cpuUs: [100, 150] } }),
      }),
    );
    expect(rows[0]?.measured).toBe('1.75 (1.50–2.00) ×');
  });
});
