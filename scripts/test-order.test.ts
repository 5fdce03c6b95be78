// The list of long test files names files that are there, and puts them before all others.
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LONG, placeOf } from './test-order.ts';

test('every long file is there, and named once', () => {
  expect(LONG.filter((path) => !existsSync(path))).toEqual([]);
  expect(new Set(LONG).size).toBe(LONG.length);
});

test('long files begin in the order of the list, any other after them', () => {
  const paths = ['scripts/tally.test.ts', ...LONG.toReversed()];
  expect(paths.toSorted((a, b) => placeOf(a) - placeOf(b))).toEqual([...LONG, 'scripts/tally.test.ts']);
});
