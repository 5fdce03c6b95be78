import { expect, it } from 'vitest';
import { clockText, meterState } from './countdown.ts';

it.each([
  [300, '5:00'],
  [299.2, '5:00'],
  [65, '1:05'],
  [9, '0:09'],
  [0, '0:00'],
  [-5, '0:00'],
  [3600, '1:00:00'],
  [3725, '1:02:05'],
])('%s seconds read %s', (seconds, text) => expect(clockText(seconds)).toBe(text));

it.each([
  [5, 5, ''],
  [2, 5, ''],
  [1, 5, 'low'],
  [0, 5, 'out'],
  [-1, 5, 'out'],
])('%s of %s left looks "%s"', (left, whole, state) => expect(meterState(left, whole)).toBe(state));
