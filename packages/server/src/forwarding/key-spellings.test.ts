/** One spelling after another: what counts as a character of the key, what only resembles one, and what is let go meanwhile. */
import { Secret } from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { createKeyFinder } from './key-search.ts';

// its characters end in every kind of hex digit: 0, 9, a, f, and have a high digit of 2 to 7
const KEY = 'Ojp_yz+/"\\%0';
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (pieces: readonly Uint8Array[] | null) => pieces && Buffer.concat(pieces).toString();
const hex = (character: string) => character.charCodeAt(0).toString(16);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/** Whether a text holds a key, judged at once and byte by byte. */
function holds(text: string, key = KEY): boolean {
  const finder = createKeyFinder([new Secret(key)]);
  const search = finder.search();
  const slowly = Array.from(bytesOf(text), (byte) => search.push(Uint8Array.of(byte))).includes(null);
  expect(finder.inBytes(bytesOf(text))).toBe(slowly);
  return slowly;
}

/** The key with one character spelled otherwise. */
const withSpelled = (at: number, spelled: string, key = KEY) =>
  key.slice(0, at) + spelled + key.slice(at + 1);

const WAYS: [way: string, spell: (character: string) => string][] = [
  ['percent-encoded', (character) => `%${hex(character)}`],
  ['percent-encoded in upper case', (character) => `%${hex(character).toUpperCase()}`],
  ['percent-encoded twice', (character) => `%25${hex(character)}`],
  ['percent-encoded three times', (character) => `%2525${hex(character)}`],
  ['as \\u', (character) => `\\u00${hex(character)}`],
  ['as \\x', (character) => `\\x${hex(character)}`],
];

describe('A26 one character of the key', () => {
  test.each(WAYS)('%s is found, whichever it is', (_way, spell) => {
    for (let at = 0; at < KEY.length; at++)
      expect(holds(`x${withSpelled(at, spell(KEY[at] as string))}y`)).toBe(true);
    expect(holds(Array.from(KEY, spell).join(''))).toBe(true);
  });

  test.each(WAYS)('%s of another character is none', (_way, spell) => {
    for (let at = 0; at < KEY.length; at++) {
      const code = KEY.charCodeAt(at);
      for (const other of [code ^ 1, code ^ 8, code ^ 16, code ^ 64, (code & 15) | 32]) {
        if (other === code || other < 16) continue;
        expect(holds(withSpelled(at, spell(String.fromCharCode(other))))).toBe(false);
      }
    }
  });

  test('escaped by a backslash is found where JSON escapes it, once or more often', () => {
    for (const character of ['/', '"', '\\']) {
      const at = KEY.indexOf(character);
      for (const escaped of [`\\${character}`, `\\\\\\${character}`])
        expect(holds(withSpelled(at, escaped))).toBe(true);
    }
    expect(holds('\\"uoted-key', '"uoted-key')).toBe(true);
  });

  test('after a backslash that JSON would not write is none', () => {
    for (const character of ['y', '+', '0']) {
      expect(holds(withSpelled(KEY.indexOf(character), `\\${character}`))).toBe(false);
    }
    expect(holds(withSpelled(KEY.indexOf('/'), '\\"'))).toBe(false);
    expect(holds('abc\\nefgh', 'abcnefgh')).toBe(false);
  });

  test.each([
    '\\u01',
    '\\u10',
    '\\u0',
    '\\u',
    '\\x0',
    '\\U00',
    '\\',
    '%u00',
    '%0',
    '%2',
    '%26',
    '\\u00%',
    'x',
    '00',
  ])('behind %s is none', (before) => {
    expect(holds(`abc${before}64efgh`, 'abcdefgh')).toBe(false);
  });

  test('of which only a half is spelled is none', () => {
    expect(holds('abc%6defgh', 'abcdefgh')).toBe(false);
    expect(holds('abc%4efgh', 'abcdefgh')).toBe(false);
    expect(holds('abc%%64efgh', 'abcdefgh')).toBe(false);
    expect(holds('abc%6%64efgh', 'abcdefgh')).toBe(false);
    expect(holds('abcd', 'abcdefgh')).toBe(false);
  });

  test('is spelled by hex digits alone', () => {
    for (const [character, digits] of [
      ['z', ['7:', '7J', ';a', 'ga', '7\u001a']],
      ['a', ['6g', '6/', '6:', '6@', '6 ']],
      ['y', ['7@', '7`', '7\u0019']],
      ['p', ['7/', '7 ', 'p0', '7P']],
      ['o', ['6/', '6G', '6g', '2f', '3f']],
    ] as const) {
      for (const two of digits) {
        expect(holds(`abcdefg%${two}`, `abcdefg${character}`)).toBe(false);
        expect(holds(`abcdefg\\x${two}`, `abcdefg${character}`)).toBe(false);
      }
    }
  });

  test('may take up to twelve bytes, one that takes without end is given up', () => {
    const tail = (bytes: number) => `abcdefg%${'25'.repeat((bytes - 10) / 2)}68`;
    expect(tail(96)).toHaveLength(96);
    expect(holds(tail(96), 'abcdefgh')).toBe(true);
    expect(holds(tail(98), 'abcdefgh')).toBe(false);
  });
});

describe('A26 the key as hex', () => {
  const spelled = Buffer.from(KEY).toString('hex');

  test('is found in either case, mixed, and escaped in turn', () => {
    for (const text of [
      spelled,
      spelled.toUpperCase(),
      `${spelled.slice(0, 9)}${spelled.slice(9).toUpperCase()}`,
    ])
      expect(holds(`x${text}y`)).toBe(true);
    for (const [, spell] of WAYS)
      expect(holds(withSpelled(5, spell(spelled[5] as string), spelled))).toBe(true);
    for (const [, spell] of WAYS) expect(holds(Array.from(spelled, spell).join(''))).toBe(true);
    const at = spelled.search(/[a-f]/);
    expect(holds(withSpelled(at, `%${hex((spelled[at] as string).toUpperCase())}`, spelled))).toBe(true);
  });

  test('with one digit changed is none, nor is a part of it', () => {
    for (let at = 0; at < spelled.length; at++)
      expect(holds(withSpelled(at, spelled[at] === '1' ? '2' : '1', spelled))).toBe(false);
    expect(holds(spelled.slice(1))).toBe(false);
    expect(holds(spelled.slice(0, -1))).toBe(false);
  });

  test('of a byte below 16 has two digits', () => {
    expect(holds(Buffer.from('ab\tcdefg').toString('hex'), 'ab\tcdefg')).toBe(true);
  });
});

describe('A26 the key as base64', () => {
  // each of the lengths modulo 3, and bytes whose base64 holds all of + / - _
  const KEYS = ['~~~???>>>', '~~~???>>>k', '~~~???>>>ke'];

  test('is found at each alignment, whatever stands beside it, in either alphabet', () => {
    for (const key of KEYS) {
      for (let before = 0; before < 6; before++) {
        for (const beside of [0x00, 0xff, 0x5a]) {
          const side = (count: number) => new Uint8Array(count).fill(beside);
          const plain = base64(Uint8Array.of(...side(before), ...bytesOf(key), ...side(3)));
          expect(holds(plain, key)).toBe(true);
          expect(holds(plain.replaceAll('+', '-').replaceAll('/', '_'), key)).toBe(true);
          expect(holds(plain.replaceAll('+', '-'), key)).toBe(true);
          expect(holds(plain.replaceAll('/', '\\/'), key)).toBe(true);
          expect(holds(encodeURIComponent(plain), key)).toBe(true);
        }
      }
    }
  });

  test('of a text that differs in one bit is none', () => {
    for (const key of KEYS) {
      for (let before = 0; before < 3; before++) {
        for (let at = 0; at < key.length; at++) {
          for (const bit of [1, 32]) {
            const other = bytesOf(`${'x'.repeat(before)}${key}yyy`);
            other[before + at] = (other[before + at] as number) ^ bit;
            // four bits of the first and last byte share a character with what stands beside the key
            if (at > 0 && at < key.length - 1) expect(holds(base64(other), key)).toBe(false);
          }
        }
      }
    }
  });

  test('of the key alone is told from one whose last or first whole character differs', () => {
    const key = KEYS[0] as string;
    const spelled = base64(bytesOf(key));
    expect(holds(spelled, key)).toBe(true);
    expect(holds(withSpelled(0, 'A', spelled), key)).toBe(false);
    expect(holds(withSpelled(spelled.length - 1, 'A', spelled), key)).toBe(false);
  });
});

test('A26 the key is found however far into a stream it stands', () => {
  const search = createKeyFinder([new Secret(KEY)]).search();
  for (let i = 0; i < 20; i++)
    expect(textOf(search.push(bytesOf('nothing of it '.repeat(50))))).not.toBeNull();
  expect(search.push(bytesOf(`${KEY} and on`))).toBeNull();
});

describe('what is let go', () => {
  const start = (key = 'abcdefgh') => createKeyFinder([new Secret(key)]).search();

  test('is handed on as the very piece that came', () => {
    const search = start();
    const piece = bytesOf('nothing of it');
    const released = search.push(piece);
    expect(released).toHaveLength(1);
    expect(released?.[0]).toBe(piece);
    expect(search.push(new Uint8Array(0))).toEqual([]);
    expect(search.flush()).toEqual([]);
  });

  test('comes in order from all the pieces that were held, and goes as soon as the match fails', () => {
    const search = start();
    expect(textOf(search.push(bytesOf('12ab')))).toBe('12');
    expect(search.push(bytesOf('cd'))).toEqual([]);
    expect(search.push(new Uint8Array(0))).toEqual([]);
    expect(search.push(bytesOf('e'))).toEqual([]);
    expect(search.push(bytesOf('xab'))).toEqual([bytesOf('ab'), bytesOf('cd'), bytesOf('e'), bytesOf('x')]);
    expect(textOf(search.push(bytesOf('cdefg')))).toBe('');
    expect(textOf(search.flush())).toBe('abcdefg');
  });

  test('ends where the oldest unfinished match begins', () => {
    const search = start('ababab-key');
    expect(textOf(search.push(bytesOf('xabab')))).toBe('x');
    expect(textOf(search.push(bytesOf('abab')))).toBe('ab');
    expect(search.push(bytesOf('ab-key'))).toBeNull();
  });

  test('is all of a run of backslashes or percent signs but the last', () => {
    for (const filler of ['\\', '%']) {
      expect(textOf(start().push(bytesOf(filler.repeat(50))))).toBe(filler.repeat(49));
    }
  });

  test('is nothing at all once the key was found, not even at the end', () => {
    const search = start();
    expect(textOf(search.push(bytesOf('abcd')))).toBe('');
    expect(search.push(bytesOf('efgh'))).toBeNull();
    expect(search.flush()).toEqual([]);
  });
});

test('a text that is the key and nothing else is found, in a header as in a body', () => {
  const finder = createKeyFinder([new Secret('abcdefgh')]);
  expect(finder.inText('abcdefgh')).toBe(true);
  expect(finder.inBytes(bytesOf('abcdefgh'))).toBe(true);
  expect(finder.inText('abcdefg')).toBe(false);
  expect(finder.inText('')).toBe(false);
});

test('of several keys the shorter one is found in a text too short for the longer, and the second in a mix', () => {
  const finder = createKeyFinder([
    new Secret('a-much-longer-demo-key'),
    new Secret('abcdefgh'),
    new Secret('short'),
  ]);
  expect(finder.inText('abcdefgh')).toBe(true);
  expect(finder.inText('a-much-longabcdefgh')).toBe(true);
  expect(finder.inText('a-much-longer-demo-kabcdefg')).toBe(false);
  expect(finder.inText('short')).toBe(false);
});
