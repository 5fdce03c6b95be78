/** Strict JSON (token/src/strict-json.ts) against the platform's parser. */
import { parseStrictJson, StrictJsonError, scanStrictJson } from 'relayapi-token';
import { bytesOf, type FuzzTarget, hold } from '../target.ts';

/** Words of JSON, and what other readers let through. */
export const JSON_WORDS: readonly string[] = [
  ...'{ } [ ] " : , \\ " \\" \\\\ \\/ \\b \\u0000 \\u0041 \\ud800 \\udc00 \\uD83D\\uDE00 true false null nul -0 0 01 1. .5 1e5 1E+5 1e999 -1e-9 NaN Infinity'.split(
    ' ',
  ),
  ...[
    "'",
    '/*',
    '*/',
    '//',
    '\x00',
    '\x1f',
    '\x7f',
    '\t',
    '\n',
    '\r',
    ' ',
    '\xef\xbb\xbf',
    '\xc3\xa9',
    '\xc0\xae',
    '\xed\xa0\x80',
    '\xf0\x9f\x98\x80',
    '\xe2\x80\xa8',
    '\xff',
  ],
  ...[
    '"a":1,',
    '"a":2',
    '"\\u0061":3',
    '"__proto__":1',
    '"constructor":{}',
    '{"a":',
    '[[',
    ']]',
    '[1,2]',
    '{"a":{"b":[]}}',
    '12345678901234567890',
    '"":""',
  ],
];

/** How many members all objects of a value hold together. */
function countMembers(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countMembers(item), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, item) => sum + 1 + countMembers(item), 0);
}

function check(input: string): string {
  const bytes = bytesOf(input);
  const text = Buffer.from(bytes).toString('utf8');
  let value: unknown;
  try {
    value = parseStrictJson(bytes, { maxDepth: 64, allowForbiddenNames: true });
  } catch (error) {
    hold(error instanceof StrictJsonError, `threw ${String(error)}`);
    hold(error.offset >= 0 && error.offset <= bytes.length, 'an offset outside the text');
    hold(!(input.length > 3 && error.message.includes(input)), 'content in the message');
    if (error.reason === 'syntax') {
      let good = true;
      try {
        JSON.parse(text);
      } catch {
        good = false;
      }
      hold(!good, 'refused as syntax what the platform reads');
    }
    return error.reason;
  }
  const theirs: unknown = JSON.parse(text);
  hold(Buffer.from(text).equals(bytes), 'bad UTF-8 passed');
  hold(JSON.stringify(value) === JSON.stringify(theirs), 'read differently by the platform');
  let names = 0;
  let depth = 0;
  let deepest = 0;
  let end = 0;
  scanStrictJson(
    bytes,
    {
      name(path, name, start, stop) {
        names += 1;
        hold(path.at(-1) === name, 'the path does not end with the name');
        hold(JSON.parse(Buffer.from(bytes.subarray(start, stop)).toString()) === name, 'offsets of a name');
      },
      value(_path, kind, start, stop, read) {
        hold(start >= end, 'offsets go back');
        end = stop;
        const told: unknown = JSON.parse(Buffer.from(bytes.subarray(start, stop)).toString());
        hold(kind === 'string' ? told === read() : told === JSON.parse(read()), 'offsets of a value');
      },
      enter() {
        deepest = Math.max(deepest, ++depth);
      },
      leave() {
        depth -= 1;
      },
    },
    { maxDepth: 64, allowForbiddenNames: true },
  );
  hold(names === countMembers(theirs), 'a member twice');
  hold(depth === 0 && deepest <= 64, 'brackets');
  return `accepted ${Math.min(deepest, 8)} deep`;
}

export const strictJsonTarget: FuzzTarget = {
  name: 'strict-json',
  sources: /token\/src\/strict-json\.ts$/,
  seeds: [
    '{"a":[1,-2.5e3,{"b":"c\\u0041\\n"}],"d":null}',
    '[true,false,null]',
    '"\xc3\xa9\\ud83d\\ude00"',
    ' 0 ',
    '{}',
    '{"a":1,"a":2}',
    '{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10}',
    '\xef\xbb\xbf{}',
  ],
  dictionary: JSON_WORDS,
  maxLength: 2000,
  check,
};
