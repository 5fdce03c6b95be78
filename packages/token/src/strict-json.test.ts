import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type JsonVisitor,
  parseStrictJson,
  StrictJsonError,
  type StrictJsonOptions,
  scanStrictJson,
} from './strict-json.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The value, or the reason it was refused for. */
function outcome(input: string | Uint8Array, options?: StrictJsonOptions): unknown {
  try {
    return { value: parseStrictJson(typeof input === 'string' ? bytes(input) : input, options) };
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    return error.reason;
  }
}

/** Every event of a scan, with copied paths. */
function events(text: string, options?: StrictJsonOptions): unknown[][] {
  const seen: unknown[][] = [];
  const visitor: JsonVisitor = {
    name: (path, name, start, end) => seen.push(['name', [...path], name, start, end]),
    value: (path, kind, start, end, decode) => seen.push(['value', [...path], kind, start, end, decode()]),
    enter: (path, kind, start) => seen.push(['enter', [...path], kind, start]),
    leave: (path, kind, end, members) => seen.push(['leave', [...path], kind, end, members]),
  };
  scanStrictJson(bytes(text), visitor, options);
  return seen;
}

function hasDuplicate(value: unknown, text: string): boolean {
  // a text without duplicates says as many names as its value has members
  const names = events(text, { maxDepth: 500, allowForbiddenNames: true }).filter(
    (e) => e[0] === 'name',
  ).length;
  return names !== countMembers(value);
}

function countMembers(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countMembers(item), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + 1 + countMembers(item), 0);
}

describe('what is refused, and why', () => {
  test.each([
    ['', 'syntax'],
    [' ', 'syntax'],
    ['{', 'syntax'],
    ['{"a":1,}', 'syntax'],
    ['[1,]', 'syntax'],
    ['[1 2]', 'syntax'],
    ['{a:1}', 'syntax'],
    ["{'a':1}", 'syntax'],
    ['{"a" 1}', 'syntax'],
    ['01', 'syntax'],
    ['+1', 'syntax'],
    ['1.', 'syntax'],
    ['.5', 'syntax'],
    ['1e', 'syntax'],
    ['-', 'syntax'],
    ['0x10', 'syntax'],
    ['NaN', 'syntax'],
    ['Infinity', 'syntax'],
    ['tru', 'syntax'],
    ['truee', 'syntax'],
    ['nul', 'syntax'],
    ['"a', 'syntax'],
    ['"\n"', 'syntax'],
    ['"\t"', 'syntax'],
    ['"\u0000"', 'syntax'],
    ['"\\x"', 'syntax'],
    ['"\\u12"', 'syntax'],
    ['"\\u12g4"', 'syntax'],
    ['"\\u00/0"', 'syntax'],
    ['"\\u00:0"', 'syntax'],
    ['"\\u00@0"', 'syntax'],
    ['"\\u00G0"', 'syntax'],
    ['"\\u00`0"', 'syntax'],
    ['\uFEC0', 'syntax'],
    ['\uFF01', 'syntax'],
    ['1 1', 'syntax'],
    ['{} {}', 'syntax'],
    ['\u00a01', 'syntax'],
    ['/**/1', 'syntax'],
    ['\uFEFF{}', 'bom'],
    [' \uFEFF{}', 'syntax'],
    ['{"a":1,"a":1}', 'duplicate'],
    ['{"a":1,"\\u0061":1}', 'duplicate'],
    ['[{"b":{"a":1,"a":2}}]', 'duplicate'],
    ['{"__proto__":1}', 'forbidden_name'],
    ['{"a":[{"\\u005f_proto__":1}]}', 'forbidden_name'],
    ['{"constructor":1}', 'forbidden_name'],
    ['{"prototype":1}', 'forbidden_name'],
    ['1e999', 'number'],
    ['[-1e999]', 'number'],
  ])('%s is refused for %s', (text, reason) => {
    expect(outcome(text)).toBe(reason);
  });

  test('bytes that are not UTF-8 are refused', () => {
    for (const bad of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
      [0x22, 0xc3],
      [0x22, 0xbb, 0xbf],
      [0xef, 0xbb],
    ]) {
      expect(outcome(new Uint8Array(bad))).toBe('utf8');
    }
  });

  test('depth and the number of members are bounded, exactly', () => {
    const nested = (n: number): string => '['.repeat(n) + ']'.repeat(n);
    expect(outcome(nested(16))).toHaveProperty('value');
    expect(outcome(nested(17))).toBe('depth');
    expect(outcome(nested(64), { maxDepth: 64 })).toHaveProperty('value');
    expect(outcome('{"a":{"b":{}}}', { maxDepth: 2 })).toBe('depth');
    expect(outcome('{"a":1,"b":2}', { maxMembers: 2 })).toHaveProperty('value');
    expect(outcome('{"a":1,"b":2,"c":3}', { maxMembers: 2 })).toBe('members');
    expect(outcome('[1,2,3,4]', { maxMembers: 2 })).toHaveProperty('value');
  });

  test('the error holds the offset and nothing of the text', () => {
    try {
      parseStrictJson(bytes('{"ä":1,"secret":2,"secret":3}'));
      throw new Error('accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(StrictJsonError);
      expect((error as StrictJsonError).offset).toBe(19);
      expect((error as StrictJsonError).message).not.toContain('secret');
    }
  });

  test('forbidden names pass where they are asked for, and touch no prototype', () => {
    const value = parseStrictJson(bytes('{"__proto__":{"x":1},"constructor":2}'), {
      allowForbiddenNames: true,
    }) as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect((value as { x?: unknown }).x).toBeUndefined();
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test.each([7, 8, 9, 10])('of %i names each is compared with each', (n) => {
    const members = Array.from({ length: n }, (_, i) => `"n${i}":${i}`);
    expect(outcome(`{${members.join(',')}}`)).toHaveProperty('value');
    for (const again of members) expect(outcome(`{${members.join(',')},${again}}`)).toBe('duplicate');
  });

  test('the error says the reason and the place', () => {
    expect(() => parseStrictJson(bytes('[1,]'))).toThrow('not strict JSON (syntax) at byte 3');
    expect(new StrictJsonError('bom', 0).name).toBe('StrictJsonError');
  });

  test('an object has at most 65,536 members where nothing else is said', () => {
    const members = Array.from({ length: 65_536 }, (_, i) => `"${i}":0`).join(',');
    expect(outcome(`{${members}}`)).toHaveProperty('value');
    expect(outcome(`{${members},"more":0}`)).toBe('members');
  });

  test('many names are compared as strictly as few', () => {
    const members = Array.from({ length: 50 }, (_, i) => `"n${i}":${i}`);
    expect(outcome(`{${members.join(',')}}`)).toHaveProperty('value');
    expect(outcome(`{${members.join(',')},"n49":0}`)).toBe('duplicate');
    expect(outcome(`{${members.join(',')},"n0":0}`)).toBe('duplicate');
  });
});

describe('what is read', () => {
  test('values come out as the platform reads them', () => {
    const text = ' {"a":[1,-0.5e2,true,false,null,"\\u00e4\\n\\ud83d\\ude00ü"],"b":{"":{}},"c":[]} ';
    expect(parseStrictJson(bytes(text))).toEqual(JSON.parse(text));
    expect(Object.getPrototypeOf(parseStrictJson(bytes('{}')))).toBeNull();
    expect(parseStrictJson(bytes('"\\ud800"'))).toBe('\ud800');
  });

  test.each([
    '\t\r\n {\t"a"\r:\n[ 1\t,\r2\n] , "b" : { } , "c" : [ ] }\r\n\t ',
    '"\\u0123\\u4567\\u89AB\\uCDEF\\u89ab\\ucdef\\u0Aa9\\u9Ff0"',
    '[1E5,1e+5,1E-5,-0,0.25]',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    '"\u007f\u0080\u2028"',
  ])('%j is read as the platform reads it', (text) => {
    expect(parseStrictJson(bytes(text))).toEqual(JSON.parse(text));
  });

  test('events carry byte offsets, decoded names and the path', () => {
    expect(events('{"ä":[1,"x"]}')).toEqual([
      ['enter', [], 'object', 0],
      ['name', ['ä'], 'ä', 1, 5],
      ['enter', ['ä'], 'array', 6],
      ['value', ['ä', 0], 'number', 7, 8, '1'],
      ['value', ['ä', 1], 'string', 9, 12, 'x'],
      ['leave', ['ä'], 'array', 13, 2],
      ['leave', [], 'object', 14, 1],
    ]);
    expect(events('{"mod\\u0065l":"a\\u0062"}').slice(1, 3)).toEqual([
      ['name', ['model'], 'model', 1, 13],
      ['value', ['model'], 'string', 14, 23, 'ab'],
    ]);
  });

  test('a lazily decoded text stays right after the scan', () => {
    const kept: (() => string)[] = [];
    scanStrictJson(bytes('["one",2,"dr\\u0065i"]'), {
      value: (_path, _kind, _start, _end, text) => kept.push(text),
    });
    expect(kept.map((text) => text())).toEqual(['one', '2', 'drei']);
  });

  test('a visitor without methods only checks', () => {
    expect(() => scanStrictJson(bytes('{"a":[1,{"b":"c"}]}'), {})).not.toThrow();
    expect(() => scanStrictJson(bytes('1e999'), {})).not.toThrow();
  });
});

/** The tree that the events of `scanStrictJson` describe, or why and where it stopped. */
function treeOfEvents(text: string, options: StrictJsonOptions): unknown {
  const root: unknown[] = [];
  const stack: (unknown[] | Record<string, unknown>)[] = [root];
  const put = (path: readonly (string | number)[], value: unknown): void => {
    const parent = stack.at(-1) as unknown[] | Record<string, unknown>;
    if (Array.isArray(parent)) parent.push(value);
    else Object.defineProperty(parent, path.at(-1) as string, { value, enumerable: true });
  };
  try {
    scanStrictJson(
      bytes(text),
      {
        enter(path, kind) {
          const value = kind === 'array' ? [] : (Object.create(null) as Record<string, unknown>);
          put(path, value);
          stack.push(value);
        },
        leave: () => void stack.pop(),
        value(path, kind, start, _end, content) {
          const value = kind === 'string' ? content() : (JSON.parse(content()) as unknown);
          // numbers alone: the tree refuses what is beyond IEEE 754, where the events leave it to the reader
          if (typeof value === 'number' && !Number.isFinite(value))
            throw new StrictJsonError('number', start);
          put(path, value);
        },
      },
      options,
    );
    return { value: root[0] };
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    return { reason: error.reason, offset: error.offset };
  }
}

function treeOf(text: string, options: StrictJsonOptions): unknown {
  try {
    return { value: parseStrictJson(bytes(text), options) };
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    return { reason: error.reason, offset: error.offset };
  }
}

describe('the tree and the events are one grammar', () => {
  test('any text gives both the same value, or the same reason at the same byte', () => {
    const pieces = fc.constantFrom(
      ...'{ } [ ] , : "a" "b" "" "\\u0061" "\\n" "\\x" "\\ud800" " \\ "__proto__" "constructor" "é" "☂" true false null tru'.split(
        ' ',
      ),
      ...'0 1 -1 -0 00 01 1.5 1. .5 1e2 1e999 1e+ - + 123456789012345 1234567890123456 12345678901234567890 9007199254740993'.split(
        ' ',
      ),
      ' ',
      '\n',
      '\ufeff',
      '\u0000',
    );
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join('')),
      fc.tuple(fc.json({ maxDepth: 4 }), fc.nat(), pieces).map(([text, at, piece]) => {
        const where = at % (text.length + 1);
        return text.slice(0, where) + piece + text.slice(where + 1);
      }),
      fc.json({ maxDepth: 4 }),
      fc
        .array(fc.tuple(pieces, pieces), { maxLength: 12 })
        .map((members) => `{${members.map((m) => m.join(':')).join(',')}}`),
    );
    const options = fc.record(
      {
        maxDepth: fc.integer({ min: 0, max: 4 }),
        maxMembers: fc.integer({ min: 0, max: 10 }),
        allowForbiddenNames: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const seen = { values: 0, reasons: new Set<string>() };
    fc.assert(
      fc.property(texts, options, (text, bounds) => {
        const tree = treeOf(text, bounds);
        expect(tree).toEqual(treeOfEvents(text, bounds));
        if ('value' in (tree as object)) seen.values++;
        else seen.reasons.add((tree as { reason: string }).reason);
      }),
      { numRuns: 6_000, seed: 20_281_129 },
    );
    expect(seen.values).toBeGreaterThan(500);
    expect([...seen.reasons].sort()).toEqual(
      ['bom', 'depth', 'duplicate', 'forbidden_name', 'members', 'number', 'syntax'].sort(),
    );
  });

  test.each([
    '0',
    '-0',
    '7',
    '123456789012345',
    '1234567890123456',
    '9007199254740993',
    '1e2',
    '1.25',
    '0.1',
  ])('the number %s is what the platform reads', (text) => {
    for (const whole of [text, ` ${text} `, `[${text}]`, `{"a":${text}}`]) {
      expect(JSON.stringify(parseStrictJson(bytes(whole)))).toBe(JSON.stringify(JSON.parse(whole)));
    }
    expect(Object.is(parseStrictJson(bytes(text)), JSON.parse(text))).toBe(true);
  });

  test.each(['01', '00', '-', '-01', '1.', '.1', '1e', '1+1', '12-3', '1 2', '0x1', '12345678901234567x'])(
    'the number %s is refused where it stands',
    (text) => {
      expect(treeOf(text, {})).toEqual(treeOfEvents(text, {}));
      expect(treeOf(text, {})).toMatchObject({ reason: 'syntax' });
    },
  );
});

describe('against the platform', () => {
  const relaxed = { maxDepth: 500, allowForbiddenNames: true };

  test('whatever the platform writes is read back the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parseStrictJson(bytes(text), relaxed))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test('any text is accepted by both or by neither, duplicates and overflow aside', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '"a"',
      '"b"',
      '1',
      '-',
      '0',
      '.',
      'e',
      '+',
      'true',
      'null',
      ' ',
      '\n',
      'u0061',
      'ä',
      '\u2028',
      '\u0001',
    );
    const texts = fc.oneof(
      fc.array(token, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.tuple(fc.json({ maxDepth: 3 }), fc.nat(), token).map(([text, at, piece]) => {
        const where = at % (text.length + 1);
        return text.slice(0, where) + piece + text.slice(where + 1);
      }),
      fc.string(),
    );
    let accepted = 0;
    fc.assert(
      fc.property(texts, (text) => {
        if (/[\ud800-\udfff]/.test(text)) return; // not text that has bytes
        let value: unknown;
        let platform = true;
        try {
          value = JSON.parse(text);
        } catch {
          platform = false;
        }
        const ours = outcome(text, relaxed);
        if (!platform) expect(['syntax', 'bom', 'number', 'duplicate']).toContain(ours);
        else if (ours === 'duplicate')
          expect(countMembers(value)).toBeLessThan((text.match(/:/g) ?? []).length);
        else if (ours === 'number') expect(JSON.stringify(value)).toContain('null');
        else {
          accepted++;
          expect(JSON.stringify((ours as { value: unknown }).value)).toBe(JSON.stringify(value));
          expect(hasDuplicate(value, text)).toBe(false);
        }
      }),
      { numRuns: 5_000, seed: 20_270_115 },
    );
    expect(accepted).toBeGreaterThan(300);
  });
});
