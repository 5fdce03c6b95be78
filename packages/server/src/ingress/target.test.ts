/** Raw targets: whose they are and what they hold. */
import { describe, expect, test } from 'vitest';
import { SHAPED } from '../../test/support/inbound.ts';
import { isRelayTarget, readTarget } from './target.ts';

const BASE = '/relayapi/';
// secrets are compared by their text: two of them look alike to a matcher
const read = (target: string) => {
  const { token, ...rest } = readTarget(target, BASE);
  return { ...rest, token: token?.reveal() ?? null };
};

describe('whose target it is', () => {
  test.each([
    `/relayapi/${SHAPED}/v1/models`,
    '/relayapi/-/v1/models',
    '/relayapi/anything',
    '/relayapi/',
    '/relayapi',
    '/relayapi?x=1',
    '/v1/chat/completions',
    '/v1beta/models',
    // what another handler could normalise into a relay URL
    'http://relay.test/relayapi/x',
    'https://relay.test/',
    'relay.test:443',
    '*',
    '',
    '//relayapi/x',
    '/./relayapi/x',
    '/x/../relayapi/x',
    '/x/%2e%2E/relayapi/x',
    '/x/%2e./relayapi/x',
    '/..',
    '/x\\relayapi',
    '/health#x',
    '/hea\u0001lth',
    '/h\u00e9',
  ])('%j is the relay’s', (target) => {
    expect(isRelayTarget(target, BASE)).toBe(true);
  });

  test.each([
    '/',
    '/health',
    '/ready',
    '/v1',
    '/v1x/y',
    '/v2/chat',
    '/relayapix/y',
    '/RELAYAPI/x',
    '/a.b/c..d',
    '/?next=/../x',
    '/...',
  ])('%j is the shell’s', (target) => {
    expect(isRelayTarget(target, BASE)).toBe(false);
  });

  test('another base path', () => {
    expect(isRelayTarget('/ai/relay/x', '/ai/relay/')).toBe(true);
    expect(isRelayTarget('/relayapi/x', '/ai/relay/')).toBe(false);
  });
});

describe('tokens in the path', () => {
  test('token, rest and query are taken apart byte for byte', () => {
    expect(read(`/relayapi/${SHAPED}/v1/models/a%3Ab//c?x=%2F&y=?z`)).toEqual({
      token: SHAPED,
      place: 'path',
      rest: '/v1/models/a%3Ab//c',
      query: 'x=%2F&y=?z',
      denial: null,
      tokenDenial: null,
    });
  });

  test('nothing after the token', () => {
    expect(read(`/relayapi/${SHAPED}`)).toMatchObject({ token: SHAPED, rest: '', query: null });
    expect(read(`/relayapi/${SHAPED}?`)).toMatchObject({ token: SHAPED, rest: '', query: '' });
    expect(read(`/relayapi/${SHAPED}/`)).toMatchObject({ token: SHAPED, rest: '/' });
  });

  test.each([
    ['short', '/relayapi/x/v1'],
    ['four parts', '/relayapi/a.b.c.d/v1'],
    ['six parts', '/relayapi/a.b.c.d.e.f/v1'],
    ['an empty part', '/relayapi/a..c.d.e/v1'],
    ['percent-encoded', `/relayapi/${SHAPED.replace('a1', '%61%31')}/v1`],
    ['an encoded dot', `/relayapi/${SHAPED.replace('.', '%2e')}/v1`],
    ['padding', `/relayapi/${SHAPED}=/v1`],
    ['parameters', `/relayapi/${SHAPED};x/v1`],
    ['ek_ is for headers', '/relayapi/ek_/v1'],
    ['an empty first segment', `/relayapi//${SHAPED}/v1`],
    ['a dot', '/relayapi/./v1'],
    ['two dots', '/relayapi/../v1'],
    ['4,097 characters', `/relayapi/${'a'.repeat(4089)}.b.c.d.e/v1`],
    ['a tilde', `/relayapi/${SHAPED}~/v1`],
  ])('%s is token_invalid', (_why, target) => {
    const { token, tokenDenial, denial, place } = read(target);
    expect({ token, denied: tokenDenial?.denied, denial, place }).toEqual({
      token: null,
      denied: 'token_invalid',
      denial: null,
      place: 'path',
    });
  });

  test('A7 4,096 characters still have the shape of a token', () => {
    expect(read(`/relayapi/${'a'.repeat(4088)}.b.c.d.e/v1`).tokenDenial).toBeNull();
  });

  test('no segment at all is token_missing', () => {
    expect(read('/relayapi/').tokenDenial?.denied).toBe('token_missing');
    expect(read('/relayapi?x').tokenDenial?.denied).toBe('token_missing');
  });
});

describe('places for header tokens', () => {
  test.each([
    ['/relayapi/-/v2/translate?x', '/v2/translate'],
    ['/relayapi/-', ''],
    ['/relayapi/-//v1', '//v1'],
    ['/v1/chat/completions', '/v1/chat/completions'],
    ['/v1beta/models/m:generateContent', '/v1beta/models/m:generateContent'],
  ])('%s', (target, rest) => {
    expect(read(target)).toMatchObject({
      place: 'header',
      token: null,
      rest,
      denial: null,
      tokenDenial: null,
    });
  });
});

describe('refused targets', () => {
  test.each([
    ['absolute form', `http://x/relayapi/${SHAPED}/v1`, 'bad_target'],
    ['asterisk', '*', 'bad_target'],
    ['authority form', 'x:443', 'bad_target'],
    ['a fragment', `/relayapi/${SHAPED}/v1#x`, 'bad_target'],
    ['a control byte', `/relayapi/${SHAPED}/v\u0001`, 'bad_target'],
    ['a space', `/relayapi/${SHAPED}/v 1`, 'bad_target'],
    ['DEL', `/relayapi/${SHAPED}/v\u007f`, 'bad_target'],
    ['a raw byte above ASCII', `/relayapi/${SHAPED}/v\u00e9`, 'bad_target'],
    ['two slashes in front', '//x/relayapi/', 'bad_target'],
    ['dot segments in front', '/x/../relayapi/y', 'bad_target'],
    ['not ours', '/health', 'not_found'],
    ['8,193 bytes', `/relayapi/${SHAPED}/${'x'.repeat(8193 - 11 - SHAPED.length)}`, 'uri_too_long'],
  ])('%s', (_why, target, denied) => {
    expect(read(target).denial?.denied).toBe(denied);
  });

  test.each([
    ['form', 'http://relay.test/x'],
    ['form', ''],
    ['byte', `/relayapi/${SHAPED}/v 1`],
  ])('the operator is told the fault: %s', (reason, target) => {
    expect(read(target).denial).toMatchObject({ denied: 'bad_target', reason });
  });

  test('the operator is told that a token had not the shape of one', () => {
    expect(read('/relayapi/x/v1').tokenDenial?.reason).toBe('shape');
  });

  test('8,192 bytes pass', () => {
    const target = `/relayapi/${SHAPED}/`.padEnd(8192, 'x');
    expect(read(target).denial).toBeNull();
  });
});
