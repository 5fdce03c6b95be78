/** Tokens in credential headers. */
import { describe, expect, test } from 'vitest';
import { makeInbound, SHAPED } from '../../test/support/inbound.ts';
import { isDenial } from '../errors.ts';
import { readHead } from './head.ts';
import { findHeaderToken } from './header-token.ts';

const OTHER = SHAPED.replace('a1', 'zz');
const find = (...headers: string[]) => {
  const found = findHeaderToken(readHead(makeInbound({ headers })));
  return isDenial(found) ? found.denied : found.reveal();
};

describe('a token is found', () => {
  test.each([
    ['Bearer', ['Authorization', `Bearer ${SHAPED}`]],
    ['lower case', ['authorization', `bearer ${SHAPED}`]],
    ['DeepL', ['Authorization', `DeepL-Auth-Key ${SHAPED}`]],
    ['bare, as AssemblyAI sends it', ['Authorization', SHAPED]],
    ['many blanks', ['Authorization', `  Bearer \t  ${SHAPED} `]],
    ['x-api-key', ['X-Api-Key', SHAPED]],
    ['api-key', ['api-key', SHAPED]],
    ['x-goog-api-key', ['X-Goog-Api-Key', SHAPED]],
    ['ek_ dropped', ['Authorization', `Bearer ek_${SHAPED}`]],
    [
      'the same twice, as gemini-cli sends it',
      ['authorization', `Bearer ${SHAPED}`, 'x-goog-api-key', SHAPED],
    ],
    ['the same with and without ek_', ['authorization', `Bearer ek_${SHAPED}`, 'x-api-key', SHAPED]],
    ['beside a dummy key', ['x-api-key', 'relay', 'authorization', `Bearer ${SHAPED}`]],
    ['beside another dummy', ['authorization', 'Bearer sk-demo-not-a-key', 'api-key', SHAPED]],
  ])('%s', (_why, headers) => {
    expect(find(...headers)).toBe(SHAPED);
  });
});

describe('no token is found', () => {
  test.each([
    ['no header', [], 'token_missing'],
    ['a dummy key', ['authorization', 'Bearer sk-demo-not-a-key'], 'token_missing'],
    ['an empty header', ['authorization', ''], 'token_missing'],
    ['a token that is not the last word', ['authorization', `Bearer ${SHAPED} x`], 'token_missing'],
    ['text before the shape', ['authorization', `(${SHAPED}`], 'token_missing'],
    ['ek_ twice', ['authorization', `Bearer ek_ek_${SHAPED}=`], 'token_missing'],
    ['a cookie', ['cookie', SHAPED], 'token_missing'],
    ['proxy-authorization', ['proxy-authorization', `Bearer ${SHAPED}`], 'token_missing'],
    ['two distinct tokens', ['authorization', `Bearer ${SHAPED}`, 'x-api-key', OTHER], 'bad_credentials'],
    [
      'two Authorization lines',
      ['Authorization', `Bearer ${SHAPED}`, 'authorization', 'Bearer x'],
      'bad_credentials',
    ],
    ['two equal lines', ['x-api-key', SHAPED, 'X-API-Key', SHAPED], 'bad_credentials'],
    ['a comma', ['authorization', `Bearer ${SHAPED}, Bearer ${OTHER}`], 'bad_credentials'],
    ['a comma in a dummy', ['x-api-key', 'a,b', 'authorization', `Bearer ${SHAPED}`], 'bad_credentials'],
    ['4,097 characters', ['authorization', `Bearer ${'a'.repeat(4089)}.b.c.d.e`], 'token_invalid'],
  ])('%s', (_why, headers, denied) => {
    expect(find(...headers)).toBe(denied);
  });

  test('the operator is told which header, and why', () => {
    const denial = (...headers: string[]) => findHeaderToken(readHead(makeInbound({ headers })));
    expect(denial('x-api-key', 'a,b')).toMatchObject({ param: 'x-api-key' });
    expect(denial('authorization', SHAPED, 'x-api-key', OTHER)).toMatchObject({ reason: 'two tokens' });
    expect(denial('api-key', `${'a'.repeat(4089)}.b.c.d.e`)).toMatchObject({ reason: 'length' });
  });

  test('A7 4,096 characters behind ek_ still pass: the prefix goes before the length is taken', () => {
    const token = `${'a'.repeat(4088)}.b.c.d.e`;
    expect(find('authorization', `Bearer ek_${token}`)).toBe(token);
  });
});
