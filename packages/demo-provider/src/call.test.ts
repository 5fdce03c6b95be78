import { describe, expect, test } from 'vitest';
import { dataFrame, jsonReply, lastUserText, member, textOf, typedFrame } from './call.ts';

test.each([
  ['plain', 'plain'],
  [['a', { text: 'b' }], 'a b'],
  [{ text: 'a' }, 'a'],
  [{ role: 'user', content: 'a' }, 'a'],
  [{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image_url' }] }, 'a'],
  [{ role: 'user', content: [{ type: 'input_text', text: 'a' }] }, 'a'],
  [{ role: 'user', parts: [{ text: 'a' }, { text: 'b' }] }, 'a b'],
  [[{ content: 'a' }, { parts: [{ text: 'b' }] }], 'a b'],
  [null, ''],
  [undefined, ''],
  [7, ''],
  [{ text: 7 }, ''],
])('the text of %j is "%s"', (content, text) => expect(textOf(content)).toBe(text));

describe('lastUserText', () => {
  test.each([
    [[{ role: 'user', content: 'a' }], 'a'],
    [
      [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
      ],
      'a',
    ],
    [
      [
        { role: 'user', content: 'a' },
        { role: 'user', content: 'b' },
      ],
      'b',
    ],
    [
      [
        { role: 'user', content: 'a' },
        { role: 'user', content: [{ type: 'image_url' }] },
      ],
      'a',
    ],
    [[{ role: 'system', content: 'a' }], ''],
    [[{ parts: [{ text: 'no role' }] }], 'no role'],
    [['bare'], 'bare'],
    [[null], ''],
    [[], ''],
  ])('of %j is "%s"', (messages, text) => expect(lastUserText(messages)).toBe(text));
});

test('frames are SSE, replies are JSON', () => {
  expect(dataFrame({ a: '\n' })).toBe('data: {"a":"\\n"}\n\n');
  expect(typedFrame({ type: 'ping' })).toBe('event: ping\ndata: {"type":"ping"}\n\n');
  expect(jsonReply({ a: 1 }, 201)).toEqual({
    status: 201,
    headers: {},
    contentType: 'application/json',
    body: '{"a":1}',
  });
});

test('a member of what is no object is undefined', () => {
  expect([member(null, 'a'), member('text', 'length'), member({ a: 1 }, 'a')]).toEqual([
    undefined,
    undefined,
    1,
  ]);
});
