import { expect, test } from 'vitest';
import { findCredentials } from './credential.ts';

test.each([
  [{ authorization: 'Bearer k1' }, '', [{ place: 'authorization', value: 'k1' }]],
  [{ authorization: 'DeepL-Auth-Key k1' }, '', [{ place: 'authorization', value: 'k1' }]],
  [{ authorization: 'k1' }, '', [{ place: 'authorization', value: 'k1' }]],
  [{ authorization: 'Bearer ' }, '', []],
  [{ authorization: '' }, '', []],
  [{ 'x-api-key': ' k1 ' }, '', [{ place: 'x-api-key', value: 'k1' }]],
  [{ 'api-key': 'k1' }, '', [{ place: 'api-key', value: 'k1' }]],
  [{ 'x-goog-api-key': 'k1' }, '', [{ place: 'x-goog-api-key', value: 'k1' }]],
  [{}, 'alt=sse&key=k1', [{ place: 'query', value: 'k1' }]],
  [{}, 'key=&monkey=1', []],
  [{}, '', []],
])('%j ?%s', (headers: Record<string, string>, query, expected) => {
  expect(findCredentials(headers, query)).toEqual(expected);
});

test('several credentials are all found, so that a test can count them', () => {
  expect(findCredentials({ authorization: 'Bearer a', 'x-api-key': 'b' }, 'key=c')).toHaveLength(3);
});
