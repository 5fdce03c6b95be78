import { describe, expect, test } from 'vitest';
import {
  countTokens,
  encodeSecret,
  escapeSecretInJson,
  HUGE_MARK,
  HUGE_PIECE,
  makeAnswer,
} from './answer.ts';
import { NO_KNOBS } from './knobs.ts';

const facts = { echo: '{"echo":true}', credential: 'sk-demo"\\' };

describe('makeAnswer', () => {
  test.each(['', ' ', 'one', 'a  b\n\tc ', '日本語 と emoji 🙂', `${'long '.repeat(200)}`])(
    'the pieces for %j add up to the text',
    (prompt) => {
      const { text, pieces } = makeAnswer(prompt, prompt, NO_KNOBS, facts);
      expect([...pieces].join('')).toBe(text);
    },
  );

  test.each([
    [{ echo: true }, facts.echo],
    [{ say: '  ' }, '  '],
    [{ say: '' }, ''],
    [{ words: 2 }, 'word1 word2'],
    [{ pieces: 2 }, 'chunk1 chunk2'],
    [{ leak: 'hex' }, expect.stringContaining(Buffer.from(facts.credential).toString('hex'))],
  ])('%j', (knobs, text) => {
    const answer = makeAnswer('p', 'p', knobs, facts);
    expect(answer.text).toEqual(text);
    expect([...answer.pieces].join('')).toBe(answer.text);
  });

  test('counts are words, at least one, unless a knob says otherwise', () => {
    expect(makeAnswer('', '', { say: '' }, facts).usage).toEqual({ input: 1, output: 1 });
    expect(makeAnswer('a b c', '', { words: 5 }, facts).usage).toEqual({ input: 3, output: 5 });
    expect(makeAnswer('a', '', { usage: { input: 8, output: 9 } }, facts).usage).toEqual({
      input: 8,
      output: 9,
    });
    expect(makeAnswer('a', '', { noUsage: true }, facts).usage).toBeNull();
  });

  test('a long message is quoted in part, without cutting a character', () => {
    const { text } = makeAnswer('x', '🙂'.repeat(500), NO_KNOBS, facts);
    expect(text).toContain(`"${'🙂'.repeat(400)}…"`);
  });

  test('a huge answer is pieces of 64 KiB and a mark', () => {
    const answer = makeAnswer('x', 'x', { hugeMiB: 1 }, facts);
    expect(answer.text).toBe(HUGE_MARK);
    expect([...answer.pieces].length * HUGE_PIECE.length).toBe(1024 * 1024);
    expect(answer.usage?.output).toBe(countTokens(HUGE_PIECE) * 16);
  });
});

test.each([
  ['plain', 'k/ü'],
  ['base64', 'ay/DvA=='],
  ['base64url', 'ay_DvA'],
  ['hex', '6b2fc3bc'],
  ['percent', '%6B%2F%C3%BC'],
])('a secret as %s', (encoding, expected) => expect(encodeSecret('k/ü', encoding)).toBe(expected));

test('escaped JSON parses to the same value and no longer holds the secret', () => {
  const json = JSON.stringify({ text: `key ${facts.credential}!` });
  const escaped = escapeSecretInJson(json, facts.credential);
  expect(JSON.parse(escaped)).toEqual(JSON.parse(json));
  expect(escaped).not.toContain('sk-demo');
  expect(escapeSecretInJson(json, '')).toBe(json);
});
