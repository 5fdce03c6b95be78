import fc from 'fast-check';
import { expect, it } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

const NAMES = ['host', 'port', 'base_path', 'read_timeout', 'write_timeout', 'max_header_bytes'];

it.each([
  ['prot', 'port'],
  ['Port', 'port'],
  ['readTimeout', 'read_timeout'],
  ['read-timeout', 'read_timeout'],
  ['max_headers_byte', 'max_header_bytes'],
  ['writetimeuot', 'write_timeout'],
  ['base', 'base_path'],
  ['read', 'read_timeout'],
])('%s was meant to be %s', (typed, meant) => {
  expect(nearest(typed, NAMES)).toBe(meant);
});

it.each(['', 'zzzzzzzz', 'telemetry', 'x'.repeat(10_000)])('%.12s was meant to be none of them', (typed) => {
  expect(nearest(typed, NAMES)).toBeNull();
});

it('the distance is 0 only for equal texts, symmetric, and never above the longer text', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b);
      expect(distance === 0).toBe(a === b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

it('counts two swapped neighbours as one mistake', () => {
  expect(editDistance('prot', 'port')).toBe(1);
  expect(editDistance('abc', 'axc')).toBe(1);
  expect(editDistance('abc', 'abcd')).toBe(1);
});
