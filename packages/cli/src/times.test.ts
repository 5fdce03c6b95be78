/** Times in words and back. */
import { describe, expect, it } from 'vitest';
import { formatSpan, formatTime, parseTime } from './times.ts';

describe('formatTime', () => {
  it('is UTC to the second', () => {
    expect(formatTime(0)).toBe('1970-01-01 00:00:00 UTC');
    expect(formatTime(1_795_176_000)).toBe('2026-11-20 12:00:00 UTC');
  });

  it('says the number of a second that no date can hold', () => {
    expect(formatTime(Number.MAX_SAFE_INTEGER)).toBe(`second ${Number.MAX_SAFE_INTEGER}`);
  });
});

describe('formatSpan', () => {
  it.each([
    [0, '0 s'],
    [59, '59 s'],
    [60, '1 min'],
    [61, '1 min 1 s'],
    [3600, '1 h'],
    [3661, '1 h 1 min'],
    [3605, '1 h'],
    [86_400, '1 d'],
    [90_000, '1 d 1 h'],
    [2_592_000, '30 d'],
  ])('%i seconds are %s', (seconds, words) => {
    expect(formatSpan(seconds)).toBe(words);
  });
});

describe('parseTime', () => {
  it.each([
    ['0', 0],
    ['1795176000', 1_795_176_000],
    ['2026-11-20T12:00:00Z', 1_795_176_000],
    ['2026-11-20T13:00:00+01:00', 1_795_176_000],
    ['2026-11-20T12:00Z', 1_795_176_000],
    ['2026-11-20T12:00:00.900Z', 1_795_176_000],
    ['2026-11-20', 1_795_132_800],
  ])('reads %s', (text, seconds) => {
    expect(parseTime(text)).toBe(seconds);
  });

  it.each(['', 'now', '-5', '1.5', '2026-11-20T12:00:00', '20 Nov 2026', '2026-13-45', '12345678901234567'])(
    'does not read "%s": without a zone it would mean another time elsewhere',
    (text) => {
      expect(parseTime(text)).toBeNull();
    },
  );
});
