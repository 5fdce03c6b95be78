/** Which members of a body are found, where two names could be taken for each other. */
import { encodeUtf8 } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { indexBody, keyOf, type Watched } from './body-index.ts';

const WATCHED: Watched = new Map([
  ['', new Set(['a', 'max'])],
  [keyOf(['a', 'b']), new Set(['max'])],
]);
const index = (body: string) => indexBody(encodeUtf8(body), WATCHED);

describe('an index of a body', () => {
  it('finds the members of each watched object', () => {
    const found = index('{"max":1,"a":{"b":{"max":22}}}');
    expect(found?.get('')?.members.get('max')).toMatchObject({ text: '1', start: 7, end: 8 });
    expect(found?.get(keyOf(['a', 'b']))?.members.get('max')).toMatchObject({
      text: '22',
      start: 25,
      end: 27,
    });
  });

  it('A33 takes no name with a NUL in it for two steps', () => {
    const found = index('{"a":{"b":{"max":9}},"x\\u0000y":1,"c":{"a\\u0000b":{"max":1}}}');
    expect(found?.get(keyOf(['a', 'b']))?.members.get('max')?.text).toBe('9');
    const nested: Watched = new Map([
      ['', new Set<string>()],
      [keyOf(['a', 'b']), new Set(['max'])],
    ]);
    const body = encodeUtf8('{"a":{"b":{"max":9}},"a\\u0000b":{"max":1}}');
    expect(
      indexBody(body, nested)
        ?.get(keyOf(['a', 'b']))
        ?.members.get('max')?.text,
    ).toBe('9');
  });

  it.each(['max\\u0000', 'max\\u0000x', 'MAX', 'Max\\u0000', 'a\\u0000b'])(
    'A33 refuses a watched name that ends in a NUL or stands in other letters: %s',
    (name) => {
      expect(index(`{"max":1,"${name}":2}`)).toBeNull();
      expect(index(`{"${name}":2}`)).toBeNull();
    },
  );
});
