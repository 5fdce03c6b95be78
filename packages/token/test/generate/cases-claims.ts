/** Cases of §4 steps 8 and 9 and of §7: the claims' text, the registered ones, time, and what a key file allows. */

import { memberCases } from './cases-members.ts';
import { answer, bad, lim, ok, raw } from './claim-case.ts';
import type { Plain } from './crypto.ts';
import { aesKeys, NOW } from './keyrings.ts';
import { aes, good, HEADER, invalid, type OpenCase, opens, without } from './make.ts';

const text = JSON.stringify(good());

function texts(): OpenCase[] {
  return [
    raw('4.8', 'empty claims are refused', ''),
    raw('4.8', 'claims with a byte order mark are refused', `\uFEFF${text}`),
    raw(
      '4.8',
      'claims that are not UTF-8 are refused',
      Buffer.from(text.replace('{', '{"meta":"\xff",'), 'latin1'),
    ),
    raw(
      '4.8',
      'claims with an overlong UTF-8 form are refused',
      Buffer.from(text.replace('{', '{"meta":"\xc0\xaf",'), 'latin1'),
    ),
    raw(
      '4.8',
      'claims with a surrogate in UTF-8 are refused',
      Buffer.from(text.replace('{', '{"meta":"\xed\xa0\x80",'), 'latin1'),
    ),
    raw('4.8', 'claims in UTF-16 are refused', Buffer.from(text, 'utf16le')),
    raw('4.8', 'a duplicate claim is refused', text.replace('{', '{"iss":"shop",')),
    raw(
      '4.8',
      'a duplicate claim under another spelling is refused',
      text.replace('{', '{"\\u0065xp":9999999999,'),
    ),
    raw(
      '4.8',
      'a duplicate member inside upstream is refused',
      text.replace('"provider"', '"provider":"x","provider"'),
    ),
    raw(
      '4.8',
      'a duplicate member inside limits is refused',
      text.replace('{', '{"limits":{"calls":1,"calls":1000000},'),
    ),
    raw('4.8', 'a duplicate member inside meta is refused', text.replace('{', '{"meta":{"a":1,"a":2},')),
    raw('4.8', 'claims with __proto__ are refused', text.replace('{', '{"__proto__":{"sub":"root"},')),
    raw('4.8', '__proto__ deep inside set is refused', text.replace('{', '{"set":{"a":[{"__proto__":1}]},')),
    raw(
      '4.8',
      'a member named constructor inside meta is refused',
      text.replace('{', '{"meta":{"constructor":1},'),
    ),
    raw(
      '4.8',
      'deeply nested claims are refused',
      text.replace('{', `{"meta":${'['.repeat(40)}${']'.repeat(40)},`),
    ),
    raw('4.8', 'claims that are a list are refused', `[${text}]`),
    raw('4.8', 'claims that are a string are refused', JSON.stringify(text)),
    raw('4.8', 'text after the claims is refused', `${text} x`),
    raw('4.8', 'NaN is refused', text.replace('{', '{"meta":NaN,')),
    raw('4.8', 'a number with a leading zero is refused', text.replace('{', '{"meta":01,')),
    raw('4.8', 'a number that overflows is refused', text.replace('{', '{"meta":1e400,')),
    raw(
      '4.8',
      'an expiry that overflows is refused',
      JSON.stringify(without(good(), 'exp')).replace('{', '{"exp":1e309,'),
    ),
    ok('4.8', 'whitespace between the claims opens', ` ${text.replaceAll(',', ' ,\n\t')} `),
  ];
}

function registered(): OpenCase[] {
  const cases: OpenCase[] = [];
  for (const name of ['iss', 'aud', 'jti', 'iat', 'exp', 'upstream']) {
    cases.push(bad('4.8', `claims without ${name} are refused`, name, without(good(), name)));
  }
  const wrong: [string, string, unknown][] = [
    ['iss', 'a number', 1],
    ['iss', 'empty', ''],
    ['iss', 'longer than 128 characters', 's'.repeat(129)],
    ['iss', 'another issuer', 'tight'],
    ['aud', 'a list', ['relay.example.com']],
    ['aud', 'another relay', 'second.example.com'],
    ['aud', 'in other case', 'Relay.example.com'],
    ['sub', 'a number', 7],
    ['sub', 'empty', ''],
    ['sub', 'longer than 128 characters', 's'.repeat(129)],
    ['sub', 'holding a space', 'user 42'],
    ['sub', 'holding a line feed', 'user\n42'],
    ['sub', 'not ASCII', 'usér'],
    ['jti', 'of 15 characters', 'A'.repeat(15)],
    ['jti', 'of 65 characters', 'A'.repeat(65)],
    ['jti', 'with a character outside base64url', 'AAECAwQFBgcICQo+'],
    ['jti', 'a number', 1_234_567_890_123_456],
    ['iat', 'a string', String(NOW)],
    ['iat', 'a fraction', NOW - 0.5],
    ['iat', 'negative', -1],
    ['iat', 'null', null],
    ['exp', 'a string', String(NOW + 60)],
    ['exp', 'a fraction', NOW + 60.5],
    ['exp', 'above 2^53 - 1', 9_007_199_254_740_992],
    ['exp', 'equal to iat', NOW - 10],
    ['exp', 'before iat', NOW - 11],
    ['nbf', 'a string', String(NOW)],
    ['nbf', 'equal to exp', NOW + 3590],
    ['nbf', 'after exp', NOW + 3591],
    ['cnf', 'a string', 'x'],
  ];
  for (const [claim, what, value] of wrong) {
    cases.push(bad('4.8', `${claim} ${what} is refused`, claim, good({ [claim]: value })));
  }
  return [
    ...cases,
    ok(
      '4.8',
      'sub, iss, aud of 128 characters and every printable one open',
      good({ sub: `!"#$%&'()*+,-./:;<=>?@[]^_\`{|}~${'a'.repeat(97)}` }),
    ),
    ok('4.8', 'a jti of 64 characters opens', good({ jti: 'A_-9'.repeat(16) })),
    ok('4.8', 'an iat of 60 seconds ahead opens', good({ iat: NOW + 60 })),
    invalid(
      '4.8',
      'an iat of 61 seconds ahead is refused',
      aes('iat61', { claims: good({ iat: NOW + 61 }) }),
    ),
    ok(
      '4.8',
      'times written as 1.8e9 open',
      text.replace(String(NOW - 10), '1799999990.0').replace(String(NOW + 3590), '1.80000359e9'),
    ),
  ];
}

function times(): OpenCase[] {
  return [
    answer('4.9', 'a token at its exp has expired', 'token_expired', 'exp', good({ exp: NOW })),
    opens('4.9', 'a token one second before its exp opens', aes('exp1', { claims: good({ exp: NOW + 1 }) })),
    answer(
      '4.9',
      'a token 61 seconds before its nbf is not yet valid',
      'token_not_yet_valid',
      'nbf',
      good({ nbf: NOW + 61 }),
    ),
    opens(
      '4.9',
      'a token 60 seconds before its nbf opens',
      aes('nbf60', { claims: good({ nbf: NOW + 60 }) }),
    ),
    answer(
      '4.9',
      'an unknown claim is unsupported',
      'token_unsupported',
      'regions',
      good({ regions: ['eu'] }),
      { mint: 'regions' },
    ),
    answer('4.9', 'an unknown limit is unsupported', 'token_unsupported', 'limits.words', lim({ words: 3 }), {
      mint: 'limits.words',
    }),
    answer(
      '4.9',
      'expired comes before unsupported',
      'token_expired',
      'exp',
      good({ exp: NOW, regions: ['eu'] }),
    ),
    answer(
      '4.9',
      'expired comes before not yet valid',
      'token_expired',
      'exp',
      good({ iat: NOW - 10, nbf: NOW - 5, exp: NOW - 1 }),
    ),
    answer(
      '4.9',
      'not yet valid comes before unsupported',
      'token_not_yet_valid',
      'nbf',
      good({ nbf: NOW + 61, regions: ['eu'] }),
    ),
    answer(
      '4.9',
      'unsupported comes before not allowed',
      'token_unsupported',
      'regions',
      good({ exp: NOW + 90_000, regions: ['eu'] }),
    ),
    answer('4.9', 'a revoked jti is refused', 'token_revoked', 'jti', good({ jti: 'revoked-token-0001' })),
    answer(
      '4.9',
      "a token issued before the file's iat_before is refused",
      'token_revoked',
      'iat',
      good({ iat: NOW - 40_001 }),
    ),
    opens(
      '4.9',
      "a token issued at the file's iat_before opens",
      aes('iatbefore', { claims: good({ iat: NOW - 40_000 }) }),
    ),
    answer(
      '4.9',
      'a revoked sub is refused',
      'token_revoked',
      'sub',
      good({ sub: 'mallory', iat: NOW - 51 }),
    ),
    opens(
      '4.9',
      'a token of that sub issued since then opens',
      aes('sub2', { claims: good({ sub: 'mallory', iat: NOW - 50 }) }),
    ),
    answer(
      '4.9',
      'revoked comes before expired',
      'token_revoked',
      'jti',
      good({ jti: 'revoked-token-0001', exp: NOW }),
    ),
    opens(
      '7',
      'a key in status accept opens before its until',
      aes('accept', { kek: aesKeys['aes-key-2'], header: HEADER.replace('aes-key-1', 'aes-key-2') }),
      { kid: 'aes-key-2' },
    ),
    invalid(
      '7',
      'a key at its until opens nothing',
      aes('gone', { kek: aesKeys['aes-gone1'], header: HEADER.replace('aes-key-1', 'aes-gone1') }),
    ),
    {
      ...opens(
        '7',
        'a shared file opens',
        aes('shared', {
          kek: aesKeys['aes-shrd1'],
          header: HEADER.replace('aes-key-1', 'aes-shrd1'),
          claims: good({ iss: 'default', aud: 'localhost' }),
        }),
      ),
      kid: 'aes-shrd1',
    },
  ];
}

/** Tokens of issuer `tight`, whose file allows little. */
function allowed(): OpenCase[] {
  const base = {
    iss: 'tight',
    exp: NOW + 3000,
    limits: { calls: 100 },
    origins: ['https://a.example'],
    sub: 'u1',
    features: ['n'],
  };
  const seal = (name: string, extra: Plain, drop: string[] = []): string =>
    aes(name, {
      claims: without(good({ ...base, ...extra }), ...drop),
      kek: aesKeys['aes-tight'],
      header: HEADER.replace('aes-key-1', 'aes-tight'),
    });
  const no = (name: string, claim: string, extra: Plain, drop: string[] = []): OpenCase => ({
    name,
    spec: '7',
    now: NOW,
    token: seal(name, extra, drop),
    result: 'claim_not_allowed',
    claim,
  });
  const plain = (name: string, extra: Plain): string =>
    aes(name, {
      claims: good({ iss: 'plain', ...extra }),
      kek: aesKeys['aes-plain'],
      header: HEADER.replace('aes-key-1', 'aes-plain'),
    });
  return [
    opens('7', 'a token within a tight file opens', seal('tight ok', {}), { kid: 'aes-tight' }),
    opens('7', 'a lifetime of exactly max_ttl_seconds opens', seal('tight ttl ok', { exp: NOW + 3590 })),
    no('a lifetime above max_ttl_seconds is not allowed', 'exp', { exp: NOW + 3591 }),
    no('more calls than max_calls is not allowed', 'limits.calls', { limits: { calls: 101 } }),
    no('no calls under max_calls is not allowed', 'limits.calls', { limits: {} }),
    no('a missing required claim is not allowed', 'origins', {}, ['origins']),
    no('a provider outside the list is not allowed', 'upstream.provider', {
      upstream: { provider: 'groq', key: 'gsk-vector' },
    }),
    no('a vault under a file without vault is not allowed', 'upstream.vault', {
      upstream: { provider: 'openai', vault: 'main' },
    }),
    no('a base under a file without hosts is not allowed', 'upstream.base', {
      upstream: { provider: 'openai', key: 'sk-vector', base: 'https://api.openai.com/v1' },
    }),
    no('no sub under per_sub is not allowed', 'sub', {}, ['sub']),
    no('a feature outside the list is not allowed', 'features', { features: ['n', 'store'] }),
    no('no features claim under a list of features is not allowed', 'features', {}, ['features']),
    no("store_down open without the file's leave is not allowed", 'store_down', { store_down: 'open' }),
    opens(
      '7',
      'without allow any provider of the registry opens',
      plain('plain ok', { upstream: { provider: 'groq', key: 'gsk-vector' }, exp: NOW + 86_390 }),
    ),
    {
      ...invalid(
        '7',
        'without allow a lifetime above a day is not allowed',
        plain('plain ttl', { exp: NOW + 86_391 }),
      ),
      result: 'claim_not_allowed',
      claim: 'exp',
    },
    {
      ...invalid(
        '7',
        'without allow a vault is not allowed',
        plain('plain vault', { upstream: { provider: 'openai', vault: 'main' } }),
      ),
      result: 'claim_not_allowed',
      claim: 'upstream.vault',
    },
    {
      ...invalid(
        '7',
        'without allow a base is not allowed',
        plain('plain base', {
          upstream: { provider: 'openai', key: 'sk-vector', base: 'https://models.example.net/' },
        }),
      ),
      result: 'claim_not_allowed',
      claim: 'upstream.base',
    },
  ];
}

/** All of them, in the order of the spec. */
export function claimCases(): OpenCase[] {
  return [...texts(), ...registered(), ...times(), ...memberCases(), ...allowed()];
}
