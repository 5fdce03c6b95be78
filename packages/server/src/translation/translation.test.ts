import fc from 'fast-check';
import type { Claims } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { openedWith } from '../../test/support/route.ts';
import { isDenial } from '../errors.ts';
import type { Route } from '../exchange.ts';
import {
  CHAT,
  EMBEDDINGS,
  GEMINI,
  IMAGE_EDITS,
  MESSAGES,
  MODEL_LIST,
  RESPONSES,
} from '../providers/endpoints.ts';
import type { Endpoint } from '../providers/provider.ts';
import { createTranslation } from './translation.ts';

const translation = createTranslation();
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const GENERATE = GEMINI[0] as Endpoint;
const JSON_TYPE = 'application/json';

type Rules = Pick<Partial<Claims>, 'set' | 'cap'>;

function rewriteBytes(
  rules: Rules,
  bytes: Uint8Array,
  endpoint: Endpoint | null = CHAT,
  type: string | null = JSON_TYPE,
) {
  return translation.rewrite(openedWith(rules), { endpoint } as Route, bytes, type);
}

function rewritten(rules: Rules, text: string, endpoint: Endpoint | null = CHAT, type = JSON_TYPE): string {
  const result = rewriteBytes(rules, encoder.encode(text), endpoint, type);
  if (isDenial(result)) throw new Error(`denied: ${result.denied}`);
  return decoder.decode(result.bytes);
}

function denied(
  rules: Rules,
  text: string,
  endpoint: Endpoint | null = CHAT,
  type: string | null = JSON_TYPE,
): string {
  const result = rewriteBytes(rules, encoder.encode(text), endpoint, type);
  return isDenial(result) ? result.denied : `passed: ${decoder.decode(result.bytes)}`;
}

describe('set', () => {
  it.each<[string, NonNullable<Claims['set']>, string, string]>([
    [
      'replaces a member where it stands',
      { model: 'm' },
      '{"a":1,"model":"x","b":2}',
      '{"a":1,"model":"m","b":2}',
    ],
    ['adds a missing member at the end', { model: 'm' }, '{"a":1}', '{"a":1,"model":"m"}'],
    ['adds to an empty object', { model: 'm' }, '{}', '{"model":"m"}'],
    ['adds to an object of spaces', { store: false }, ' { \n } ', ' { \n "store":false} '],
    ['replaces an object by a value', { a: 1 }, '{"a":{"b":[1,{"c":2}]},"d":3}', '{"a":1,"d":3}'],
    ['replaces a value by an object', { a: { b: [1, null] } }, '{"a":"x"}', '{"a":{"b":[1,null]}}'],
    ['finds a name behind escapes', { model: 'm' }, '{"mod\\u0065l":"x"}', '{"mod\\u0065l":"m"}'],
    ['reaches the top alone', { model: 'm' }, '{"x":{"model":"y"}}', '{"x":{"model":"y"},"model":"m"}'],
    ['takes several members', { b: 2, a: 1 }, '{"a":0}', '{"a":1,"b":2}'],
    ['takes names that need escapes', { 'a"\\': 'ü\u2028' }, '{}', '{"a\\"\\\\":"ü\u2028"}'],
    [
      'takes odd names as they are',
      { constructor: 1, __proto__x: 2 },
      '{"toString":0}',
      '{"toString":0,"constructor":1,"__proto__x":2}',
    ],
  ])('%s', (_, set, before, after) => {
    expect(rewritten({ set }, before)).toBe(after);
  });

  it.each<[string, Endpoint | null, string | null]>([
    ['a body that is no JSON by its type', CHAT, 'text/plain'],
    ['a body without a type', CHAT, null],
    ['JSON in another charset', CHAT, 'application/json; charset=utf-16'],
    ['an endpoint that takes forms', IMAGE_EDITS, JSON_TYPE],
    ['an endpoint that no row has', null, JSON_TYPE],
    ['an endpoint that takes anything', { ...CHAT, body: 'any' }, JSON_TYPE],
  ])('does not reach %s', (_, endpoint, type) => {
    expect(denied({ set: { a: 1 } }, '{}', endpoint, type)).toBe('unsupported_body');
  });

  it('takes JSON types with utf-8 and with a suffix', () => {
    for (const type of [
      'application/json; charset=UTF-8',
      'APPLICATION/JSON',
      'application/x+json;charset="utf8"',
    ]) {
      expect(rewritten({ set: { a: 1 } }, '{}', CHAT, type)).toBe('{"a":1}');
    }
  });

  it('of the model works only where the body decides', () => {
    expect(denied({ set: { model: 'm' } }, '{}', GENERATE)).toBe('unsupported_body');
    expect(denied({ set: { model: 'm' } }, '{}', { ...CHAT, models: null })).toBe('unsupported_body');
    expect(denied({ set: { model: 'm' } }, '{}', { ...CHAT, models: [] })).toBe('unsupported_body');
    expect(rewritten({ set: { safetySettings: [] } }, '{}', GENERATE)).toBe('{"safetySettings":[]}');
  });

  it('leaves requests without a body alone', () => {
    const list = MODEL_LIST[0] as Endpoint;
    expect(rewritten({ set: { model: 'm' }, cap: { n: 1 } }, '', list)).toBe('');
    expect(denied({ set: { model: 'm' } }, '{}', list)).toBe('unsupported_body');
  });
});

describe('cap', () => {
  it.each<[string, NonNullable<Claims['cap']>, string, string, Endpoint]>([
    [
      'lowers a larger value',
      { max_tokens: 1024 },
      '{"max_tokens":4096,"a":1}',
      '{"max_tokens":1024,"a":1}',
      CHAT,
    ],
    ['keeps a smaller one', { max_tokens: 1024 }, '{"max_tokens": 7 }', '{"max_tokens": 7 }', CHAT],
    ['keeps an equal one', { max_tokens: 1024 }, '{"max_tokens":1024}', '{"max_tokens":1024}', CHAT],
    ['inserts an absent one', { max_tokens: 1024 }, '{"a":1}', '{"a":1,"max_tokens":1024}', CHAT],
    [
      'lowers a synonym',
      { max_tokens: 9 },
      '{"max_completion_tokens":10}',
      '{"max_completion_tokens":9}',
      CHAT,
    ],
    ['inserts under its own name', { max_completion_tokens: 9 }, '{}', '{"max_completion_tokens":9}', CHAT],
    ['speaks the words of responses', { max_tokens: 9 }, '{}', '{"max_output_tokens":9}', RESPONSES],
    [
      'lowers a word of another dialect',
      { max_tokens: 9 },
      '{"max_tokens":10}',
      '{"max_tokens":9}',
      RESPONSES,
    ],
    [
      'reaches down in Gemini',
      { max_tokens: 9 },
      '{"generationConfig":{"maxOutputTokens":10}}',
      '{"generationConfig":{"maxOutputTokens":9}}',
      GENERATE,
    ],
    [
      'reaches the snake names of Gemini',
      { max_tokens: 9 },
      '{"generation_config":{"max_output_tokens":10}}',
      '{"generation_config":{"max_output_tokens":9}}',
      GENERATE,
    ],
    [
      'inserts down in Gemini',
      { max_tokens: 9 },
      '{"generationConfig":{"topK":1}}',
      '{"generationConfig":{"topK":1,"maxOutputTokens":9}}',
      GENERATE,
    ],
    [
      'inserts under the parent that is there',
      { max_tokens: 9 },
      '{"generation_config":{}}',
      '{"generation_config":{"maxOutputTokens":9}}',
      GENERATE,
    ],
    [
      'inserts a missing parent once',
      { max_tokens: 9, n: 1 },
      '{"contents":[]}',
      '{"contents":[],"generationConfig":{"maxOutputTokens":9,"candidateCount":1}}',
      GENERATE,
    ],
    [
      'takes the dotted name',
      { 'generationConfig.maxOutputTokens': 9 },
      '{}',
      '{"generationConfig":{"maxOutputTokens":9}}',
      GENERATE,
    ],
    ['caps n', { n: 1 }, '{"n":5}', '{"n":1}', CHAT],
    ['lowers a number of any length', { n: 1 }, `{"n":${'9'.repeat(400)}}`, '{"n":1}', CHAT],
    ['takes zero', { max_tokens: 0 }, '{"max_tokens":1}', '{"max_tokens":0}', MESSAGES],
    ['takes a member that no dialect knows', { top_k: 5 }, '{"top_k":9}', '{"top_k":5}', CHAT],
    ['inserts a member that no dialect knows', { top_k: 5 }, '{}', '{"top_k":5}', CHAT],
    [
      'takes the lower of two names for one ceiling',
      { max_tokens: 9, max_completion_tokens: 5 },
      '{"max_tokens":7}',
      '{"max_tokens":5}',
      CHAT,
    ],
    [
      'takes the lower one in the other order too',
      { max_completion_tokens: 5, max_tokens: 9 },
      '{"max_tokens":7}',
      '{"max_tokens":5}',
      CHAT,
    ],
    [
      'inserts nothing that the endpoint does not know',
      { max_tokens: 9, n: 1 },
      '{"input":"x"}',
      '{"input":"x"}',
      EMBEDDINGS,
    ],
    ['still lowers it there', { max_tokens: 9 }, '{"max_tokens":10}', '{"max_tokens":9}', EMBEDDINGS],
    [
      'leaves deeper namesakes alone',
      { max_tokens: 9 },
      '{"x":{"max_tokens":10},"max_tokens":1}',
      '{"x":{"max_tokens":10},"max_tokens":1}',
      CHAT,
    ],
  ])('%s', (_, cap, before, after, endpoint) => {
    expect(rewritten({ cap }, before, endpoint)).toBe(after);
  });

  it.each([
    ['a negative number', '{"max_tokens":-1}', CHAT],
    ['a fraction', '{"max_tokens":1.5}', CHAT],
    ['a whole number written as a fraction', '{"max_tokens":1.0}', CHAT],
    ['an exponent', '{"max_tokens":1e9}', CHAT],
    ['minus zero', '{"max_tokens":-0}', CHAT],
    ['a string', '{"max_tokens":"5"}', CHAT],
    ['null', '{"max_tokens":null}', CHAT],
    ['an object', '{"max_tokens":{"a":1}}', CHAT],
    ['a list', '{"max_tokens":[5]}', CHAT],
    ['two synonyms at once', '{"max_tokens":1,"max_completion_tokens":1}', CHAT],
    ['two spellings at once', '{"generationConfig":{"maxOutputTokens":1,"max_output_tokens":1}}', GENERATE],
    ['two parents at once', '{"generationConfig":{},"generation_config":{"maxOutputTokens":1}}', GENERATE],
    ['a parent that is no object', '{"generationConfig":null}', GENERATE],
    ['a parent that is a list', '{"generationConfig":[{"maxOutputTokens":99}]}', GENERATE],
  ])('refuses %s', (_, text, endpoint) => {
    expect(denied({ cap: { max_tokens: 1024 } }, text, endpoint)).toBe('bad_body');
  });

  it('judges what set has put in', () => {
    expect(rewritten({ set: { max_tokens: 50 }, cap: { max_tokens: 20 } }, '{}')).toBe('{"max_tokens":20}');
    expect(rewritten({ set: { max_tokens: 10 }, cap: { max_tokens: 20 } }, '{"max_tokens":99}')).toBe(
      '{"max_tokens":10}',
    );
  });
});

describe('A31 a body in which two parsers could see two things is refused', () => {
  it.each([
    ['duplicate members', '{"max_tokens":1,"max_tokens":2}'],
    ['a duplicate behind an escape', '{"model":"a","mod\\u0065l":"b"}'],
    ['a duplicate anywhere below', '{"x":[{"a":1,"a":2}]}'],
    ['a checked name in capitals', '{"Model":"a"}'],
    ['a checked name with a long s', '{"max_token\u017f":9}'],
    ['a checked name with a Kelvin sign', '{"max_to\u212Aens":9}'],
    ['a synonym in capitals', '{"MAX_COMPLETION_TOKENS":9}'],
    ['a comment', '{"a":1/*x*/}'],
    ['a trailing comma', '{"a":1,}'],
    ['text after the end', '{"a":1}{}'],
    ['a list', '[1]'],
    ['a scalar', '"x"'],
    ['nothing', ''],
    ['nesting over 64', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`],
  ])('%s', (_, text) => {
    expect(denied({ set: { model: 'm' }, cap: { max_tokens: 5 } }, text)).toBe('bad_body');
  });

  it.each<[string, Uint8Array]>([
    ['a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)],
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)],
    ['UTF-16', Uint8Array.of(0x7b, 0x00, 0x7d, 0x00)],
    ['an overlong form', Uint8Array.of(0x7b, 0x22, 0xc1, 0xad, 0x22, 0x3a, 0x31, 0x7d)],
  ])('%s', (_, bytes) => {
    expect(rewriteBytes({ set: { model: 'm' } }, bytes)).toMatchObject({ denied: 'bad_body' });
  });

  it('names that only look forbidden pass: nothing is built from them', () => {
    const text = '{"tools":[{"properties":{"constructor":1,"__proto__":2,"prototype":3}}]}';
    expect(rewritten({ set: { model: 'm' } }, text)).toBe(`${text.slice(0, -1)},"model":"m"}`);
  });

  it('nesting of 64 passes', () => {
    const text = `{"a":${'['.repeat(63)}${']'.repeat(63)}}`;
    expect(rewritten({ cap: { n: 1 } }, text)).toBe(`${text.slice(0, -1)},"n":1}`);
  });
});

describe('A33 set and cap leave all other bytes', () => {
  const space = fc.constantFrom('', ' ', '\n', '\t ', '\r\n  ');
  // What re-serialising would change: large and odd numbers, escapes, member order.
  const odd = fc.constantFrom(
    '12345678901234567890',
    '1.0',
    '-0',
    '1E+2',
    '0.10',
    '1e400',
    '"\\u0041\\/\\ud83d"',
    '"ü€😀"',
    '{"z":1,"a":[ 2 ,3]}',
    '[{"model":"inner","max_tokens":99999}]',
    'null',
    '{ }',
  );
  const members = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 8 }), odd, space, space), {
    selector: ([name]) => name,
    maxLength: 6,
  });
  const clean = members.map((list) => list.filter(([name]) => !/^(?:model|n|max_.*)$/i.test(name)));

  function render(list: readonly (readonly [string, string, string, string])[]): string[] {
    return list.map(
      ([name, value, before, after]) => `${before}${JSON.stringify(name)}${after}:${before}${value}${after}`,
    );
  }

  it('where a member is replaced, everything before and after it is the same', () => {
    fc.assert(
      fc.property(clean, clean, space, fc.integer({ min: 1025, max: 1e9 }), (left, right, gap, tokens) => {
        const names = new Set(left.map(([name]) => name));
        const before = render(left);
        const after = render(right.filter(([name]) => !names.has(name)));
        const body = (model: string, most: number) =>
          `${gap}{${[...before, `${gap}"model"${gap}:${gap}${model}${gap}`, `"max_tokens":${most}`, ...after].join(',')}}${gap}`;
        expect(rewritten({ set: { model: 'gpt' }, cap: { max_tokens: 1024 } }, body('"other"', tokens))).toBe(
          body('"gpt"', 1024),
        );
      }),
    );
  });

  it('where a member is added, it stands before the last brace and nothing else moves', () => {
    fc.assert(
      fc.property(clean, space, (list, gap) => {
        const body = `${gap}{${render(list).join(',')}${gap}}${gap}`;
        const close = body.lastIndexOf('}');
        const comma = list.length > 0 ? ',' : '';
        expect(rewritten({ cap: { max_tokens: 1024 } }, body)).toBe(
          `${body.slice(0, close)}${comma}"max_tokens":1024${body.slice(close)}`,
        );
      }),
    );
  });

  it('where nothing has to change, the very same bytes come back', () => {
    const bytes = encoder.encode('{"max_tokens":5,"x":12345678901234567890}');
    expect(rewriteBytes({ cap: { max_tokens: 1024 } }, bytes)).toMatchObject({ bytes });
    const other = encoder.encode('anything at all');
    expect(rewriteBytes({}, other, CHAT, 'text/plain')).toMatchObject({ bytes: other, formFields: null });
  });

  it('offsets are bytes, not characters', () => {
    const text = '{"ä€😀":"ü😀","max_tokens":2000,"ö":"€"}';
    expect(rewritten({ cap: { max_tokens: 1024 } }, text)).toBe(text.replace('2000', '1024'));
  });
});
