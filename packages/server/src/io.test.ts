/** Flat header lists: whose values are found. */
import { describe, expect, test } from 'vitest';
import { headerValue, headerValues } from './io.ts';

describe('values of a header', () => {
  test('come in order, whatever the case of the name', () => {
    expect(headerValues(['X-One', 'a', 'other', 'b', 'x-ONE', 'c'], 'x-one')).toEqual(['a', 'c']);
  });

  test('belong to that very name, and never to a value that reads like it', () => {
    expect(headerValues(['x-two', 'x-one', 'x-onf', 'a', 'x-one-more', 'b'], 'x-one')).toEqual([]);
  });

  test('a name without a value is none', () => {
    expect(headerValues(['x-one', 'a', 'x-one'], 'x-one')).toEqual(['a']);
  });

  test('the first alone can be asked for', () => {
    expect(headerValue(['X-One', 'a', 'x-ONE', 'c'], 'x-one')).toBe('a');
    expect(headerValue(['x-two', 'a', 'x-one'], 'x-one')).toBeNull();
  });
});
