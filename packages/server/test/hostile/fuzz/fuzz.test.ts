/**
 * Runs the coverage-guided loop for a while, in a process of its own, and every input again that once broke something.
 * RELAYAPI_TEST_FULL=1 takes a million inputs per parser; RELAYAPI_TEST_SEED another seed.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, test } from 'vitest';
import type { runLoop } from './loop.ts';
import { TARGETS } from './targets.ts';

const FULL = process.env['RELAYAPI_TEST_FULL'] === '1';
const RUNS = FULL ? 1_000_000 : 8_000;
const SEED = process.env['RELAYAPI_TEST_SEED'] ?? '3';

interface Regression {
  readonly target: string;
  readonly what: string;
  /** One byte per character. */
  readonly input: string;
}

describe('inputs that once broke something', () => {
  const path = join(import.meta.dirname, 'regressions/inputs.json');
  const rows = JSON.parse(readFileSync(path, 'utf8')) as Regression[];
  test.each(rows)('$target: $what', async ({ target, input }) => {
    const found = TARGETS.find(({ name }) => name === target);
    expect(await found?.check(input)).toEqual(expect.any(String));
  });
});

type Report = Awaited<ReturnType<typeof runLoop>> & { readonly seconds: number };

/** Runs one target in a process of its own. */
async function runAlone(name: string, runs: number): Promise<Report> {
  const program = join(import.meta.dirname, 'run.ts');
  const argv = ['--conditions=relayapi-source', program, String(runs), SEED, name];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { maxBuffer: 1 << 26 });
  return JSON.parse(stdout) as Report;
}

it('the loop finds a fault behind blocks that only coverage tells of', async () => {
  const [guided, blind] = await Promise.all([runAlone('planted', 60_000), runAlone('planted-blind', 60_000)]);
  expect(guided.broken).toMatchObject({ input: expect.stringMatching(/^qz/) });
  expect(blind.broken).toBeNull();
});

it.each(TARGETS.map(({ name }) => name))(
  'the parser of %s holds what it promises on inputs that follow its coverage',
  async (name) => {
    const report = await runAlone(name, RUNS);
    expect(report.broken).toBeNull();
    expect(report.runs).toBeGreaterThanOrEqual(RUNS);
    // it got somewhere: more kinds of inputs than it began with, and more than one way out
    expect(report.corpus).toBeGreaterThan(4);
    expect(Object.keys(report.outcomes).length).toBeGreaterThan(2);
    if (FULL)
      console.log(`${name}: ${JSON.stringify({ ...report, outcomes: Object.keys(report.outcomes).length })}`);
  },
  6 * 3_600_000,
);
