// The closing line of a test run, and what makes a run fail.
import { describe, expect, test } from 'vitest';
import { closeRun, tallyOutcomes } from './tally.ts';

const green = { passed: 3, failed: 0, skipped: [] };
const plain = { requireAll: false, failedSteps: [] };

describe('counting', () => {
  test('outcomes are added up by state and a skip keeps its reason', () => {
    const tally = tallyOutcomes(
      [
        { name: 'a', state: 'passed', note: undefined },
        { name: 'b', state: 'failed', note: undefined },
        { name: 'c', state: 'skipped', note: 'redis-server is missing' },
        { name: 'd', state: 'skipped', note: undefined },
      ],
      0,
    );
    expect(tally).toEqual({
      passed: 1,
      failed: 1,
      skipped: [
        { name: 'c', reason: 'redis-server is missing' },
        { name: 'd', reason: 'no reason given' },
      ],
    });
  });

  test('a file that could not be loaded is a failure although it has no test', () => {
    expect(tallyOutcomes([], 2).failed).toBe(2);
  });

  test('a test that never finished is a failure', () => {
    expect(tallyOutcomes([{ name: 'a', state: 'pending', note: undefined }], 0).failed).toBe(1);
  });
});

describe('closing', () => {
  test('a green run exits 0 and closes with the plain line', () => {
    expect(closeRun(green, plain)).toEqual({
      before: [],
      line: '3 passed, 0 failed, 0 skipped',
      exitCode: 0,
    });
  });

  test('a failed test exits 1', () => {
    expect(closeRun({ ...green, failed: 1 }, plain)).toMatchObject({
      line: '3 passed, 1 failed, 0 skipped',
      exitCode: 1,
    });
  });

  test('a skipped test is named with its reason and does not fail the run', () => {
    const closing = closeRun({ ...green, skipped: [{ name: 'x', reason: 'no nginx' }] }, plain);
    expect(closing).toEqual({
      before: ['skipped: x: no nginx'],
      line: '3 passed, 0 failed, 1 skipped',
      exitCode: 0,
    });
  });

  test('with RELAYAPI_TEST_REQUIRE=all each skip is a failure', () => {
    const closing = closeRun(
      { ...green, skipped: [{ name: 'x', reason: 'no nginx' }] },
      { requireAll: true, failedSteps: [] },
    );
    expect(closing.line).toBe('3 passed, 1 failed, 0 skipped');
    expect(closing.exitCode).toBe(1);
    expect(closing.before[0]).toContain('x: no nginx');
  });

  test('a failed check fails the run although every test passed', () => {
    const closing = closeRun(green, { requireAll: false, failedSteps: ['types', 'docs'] });
    expect(closing).toEqual({
      before: ['failed checks: types, docs'],
      line: '3 passed, 2 failed, 0 skipped',
      exitCode: 1,
    });
  });

  test('a run without a single passed test fails', () => {
    expect(closeRun({ passed: 0, failed: 0, skipped: [] }, plain)).toMatchObject({
      line: '0 passed, 0 failed, 0 skipped',
      exitCode: 1,
    });
  });
});
