/** Flat header lists: whose values are found, and which text may stand in a line that is sent on. */
import { describe, expect, test } from 'vitest';
import { headerValues, isHeaderText } from './header-text.ts';

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
});

describe('text of a header line', () => {
  test.each(['', 'a b', 'a\tb', ' ~', '\u0080\u00ff'])('%j may be sent on', (text) => {
    expect(isHeaderText(text)).toBe(true);
  });

  test.each(['a\nb', '\rb', 'a\0', '\u001fb', 'b\u007f', '\u0100b', 'b\u20ac', 'a\n'])(
    '%j may not, wherever its bad character stands',
    (text) => {
      expect(isHeaderText(text)).toBe(false);
    },
  );
});
