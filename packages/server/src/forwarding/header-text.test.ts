/** Which text may stand in a header line that is sent on. */
import { describe, expect, test } from 'vitest';
import { isHeaderText } from './header-text.ts';

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
