/** Cases of §5: every claim, well and badly formed. */
import { answer, bad, lim, ok, up } from './claim-case.ts';
import type { Plain } from './crypto.ts';
import { aes, good, type OpenCase, opens } from './make.ts';

function upstreams(): OpenCase[] {
  const at = (n: string): string => (n === '' ? 'upstream' : `upstream.${n}`);
  const b = (name: string, member: string, extra: Plain): OpenCase => bad('5', name, at(member), up(extra));
  const key = 'sk-vector-not-a-key';
  return [
    b('an unknown member of upstream is refused', 'weight', { key, weight: 1 }),
    b('an upstream without key, credential or vault is refused', '', {}),
    b('an upstream with key and vault is refused', '', { key, vault: 'main' }),
    b('an upstream with key and credential is refused', '', { key, credential: { id: 'a' } }),
    b('an upstream with base and vault is refused', 'base', {
      vault: 'main',
      base: 'https://models.example.net/v1',
    }),
    b('a key with a space is refused', 'key', { key: 'sk a' }),
    b('a key with a line feed is refused', 'key', { key: 'sk\nx' }),
    b('an empty key is refused', 'key', { key: '' }),
    b('a key of 513 characters is refused', 'key', { key: 'k'.repeat(513) }),
    b('a key that is not ASCII is refused', 'key', { key: 'sk-é' }),
    b('a credential that is a list is refused', 'credential', { credential: ['a'] }),
    b('an empty credential is refused', 'credential', { credential: {} }),
    b('a credential with a number is refused', 'credential.id', { credential: { id: 1 } }),
    b('vars with a slash is refused', 'vars.resource', { key, vars: { resource: 'a/b' } }),
    b('vars with a number is refused', 'vars.resource', { key, vars: { resource: 1 } }),
    b('an empty vault name is refused', 'vault', { vault: '' }),
    b('a base with user information is refused', 'base', { key, base: 'https://user@models.example.net/' }),
    b('a base with a query is refused', 'base', { key, base: 'https://models.example.net/?a=1' }),
    b('a base with a fragment is refused', 'base', { key, base: 'https://models.example.net/#a' }),
    b('a base that is no URL is refused', 'base', { key, base: 'models.example.net' }),
    b('a base over http is refused', 'base', { key, base: 'http://models.example.net/' }),
    b('a base of another scheme is refused', 'base', { key, base: 'file:///etc/passwd' }),
    bad('5', 'an upstream without provider is refused', 'upstream.provider', good({ upstream: { key } })),
    bad(
      '5',
      'a provider name with a slash is refused',
      'upstream.provider',
      good({ upstream: { provider: 'a/b', key } }),
    ),
    bad('5', 'an upstream that is a string is refused', 'upstream', good({ upstream: 'openai' })),
    bad('5', 'an empty list of upstreams is refused', 'upstream', good({ upstream: [] })),
    ok('5', 'a list of one upstream opens', good({ upstream: [{ provider: 'openai', key }] })),
    ok('5', 'a key of 512 characters opens', up({ key: 'k'.repeat(512) })),
    ok(
      '5',
      'a credential of several parts opens',
      good({
        upstream: {
          provider: 'aws',
          credential: { access_key_id: 'AKIAVECTOR', secret_access_key: 'not/a+key=' },
        },
      }),
    ),
    ok(
      '5',
      'a provider whose host has a part opens',
      good({ upstream: { provider: 'azure', key, vars: { resource: 'my-res.1' } } }),
    ),
    ok('5', 'a vault name that the file lists opens', up({ vault: 'main' })),
    ok('5', 'a base at a listed host opens', up({ key, base: 'https://models.example.net/v1' })),
    ok(
      '5',
      'a base at a listed host and port opens',
      up({ key, base: 'https://models.example.net:8443/v1' }),
    ),
    answer(
      '5',
      'a list of two upstreams is unsupported',
      'token_unsupported',
      'upstream',
      good({
        upstream: [
          { provider: 'openai', key },
          { provider: 'groq', key },
        ],
      }),
      { mint: 'upstream' },
    ),
    opens(
      '5',
      'a list of two upstreams opens where it is supported',
      aes('two ups', {
        claims: good({
          upstream: [
            { provider: 'openai', key },
            { provider: 'groq', key },
          ],
        }),
      }),
      { supported: ['upstreamList'] },
    ),
    answer(
      '5',
      'a vault name that the file does not list is not allowed',
      'claim_not_allowed',
      'upstream.vault',
      up({ vault: 'other' }),
    ),
    answer(
      '5',
      'a base at another host is not allowed',
      'claim_not_allowed',
      'upstream.base',
      up({ key, base: 'https://evil.example/v1' }),
    ),
    answer(
      '5',
      'a base at a listed host but another port is not allowed',
      'claim_not_allowed',
      'upstream.base',
      up({ key, base: 'https://models.example.net:9443/v1' }),
    ),
    answer(
      '5',
      'a base below a listed host is not allowed',
      'claim_not_allowed',
      'upstream.base',
      up({ key, base: 'https://x.models.example.net/v1' }),
    ),
  ];
}

const limitNames = [
  'calls',
  'attempts',
  'concurrency',
  'tokens',
  'micro_usd',
  'request_bytes',
  'response_bytes',
  'stream_seconds',
];

function limits(): OpenCase[] {
  const cases: OpenCase[] = [];
  for (const name of limitNames) {
    cases.push(bad('5', `limits.${name} as a string is refused`, `limits.${name}`, lim({ [name]: '5' })));
    cases.push(bad('5', `limits.${name} below zero is refused`, `limits.${name}`, lim({ [name]: -1 })));
  }
  for (const [what, rate] of Object.entries({
    'a number': 5,
    'a list of one': [5],
    'a list of three': [5, 60, 1],
    'with a fraction': [1.5, 60],
    'over no seconds': [5, 0],
    'below zero': [-1, 60],
  })) {
    cases.push(bad('5', `limits.rate as ${what} is refused`, 'limits.rate', lim({ rate })));
  }
  const unsupported = (name: string): OpenCase =>
    answer('5', `limits.${name} is unsupported`, 'token_unsupported', `limits.${name}`, lim({ [name]: 5 }), {
      mint: `limits.${name}`,
    });
  return [
    ...cases,
    bad('5', 'limits as a list is refused', 'limits', lim([])),
    bad('5', 'limits as null is refused', 'limits', lim(null)),
    bad('5', 'limits.calls as a fraction is refused', 'limits.calls', lim({ calls: 1.5 })),
    bad('5', 'limits.calls above 2^53 - 1 is refused', 'limits.calls', lim({ calls: 9_007_199_254_740_992 })),
    bad('5', 'limits.calls as null is refused', 'limits.calls', lim({ calls: null })),
    ok(
      '5',
      'every limit of the core opens',
      lim({
        calls: 100,
        attempts: 208,
        rate: [10, 60],
        concurrency: 2,
        request_bytes: 100_000,
        response_bytes: 9_007_199_254_740_991,
        stream_seconds: 0,
      }),
    ),
    ok('5', 'empty limits open', lim({})),
    unsupported('tokens'),
    unsupported('micro_usd'),
    opens(
      '5',
      'budgets open where they are supported',
      aes('budgets', { claims: lim({ tokens: 5, micro_usd: 5 }) }),
      { supported: ['modelTokens', 'money'] },
    ),
  ];
}

function lists(): OpenCase[] {
  const b = (claim: string, what: string, value: unknown): OpenCase =>
    bad('5', `${claim} ${what} is refused`, claim, good({ [claim]: value }));
  const g = (claim: string, what: string, value: unknown): OpenCase =>
    ok('5', `${claim} ${what} opens`, good({ [claim]: value }));
  /** A token that opens where `countries` is supported; `mint` as in a case. */
  const codes = (name: string, countries: string[], mint: string | null) => {
    const claims = good({ countries });
    const extra = { supported: ['countries'], claims_text: JSON.stringify(claims), mint };
    return [aes(`countries ${name}`, { claims }), extra] as const;
  };
  const cases: OpenCase[] = [];
  const sample: Record<string, string> = {
    models: 'm',
    paths: 'GET /m',
    features: 'f',
    origins: 'https://a.example',
    countries: 'DE',
    ips: '10.0.0.0/8',
  };
  for (const [claim, item] of Object.entries(sample)) {
    if (claim !== 'ips') cases.push(b(claim, 'as a string', item));
    cases.push(b(claim, 'with a number in it', [1]));
    cases.push(
      b(
        claim,
        'of 65 items',
        Array.from({ length: 65 }, () => item),
      ),
    );
    cases.push(b(claim, 'with an item of 129 characters', [item.padEnd(129, 'a')]));
    if (claim !== 'countries')
      cases.push(
        g(
          claim,
          'of 64 items',
          Array.from({ length: 64 }, () => item),
        ),
      );
  }
  return [
    ...cases,
    g('models', 'with a trailing star', ['gpt-4o-mini', 'gpt-5*', '*']),
    b('models', 'with a star inside', ['gpt-*-mini']),
    b('models', 'with a space', ['gpt 4']),
    b('models', 'with an empty item', ['']),
    g('models', 'of no items', []),
    g('paths', 'exact and with a trailing slash star', [
      'POST /chat/completions',
      'GET /models/*',
      'POST /*',
    ]),
    b('paths', 'without a method', ['/chat/completions']),
    b('paths', 'with a method in lower case', ['post /chat/completions']),
    b('paths', 'with method CONNECT', ['CONNECT /chat']),
    b('paths', 'without a leading slash', ['POST chat']),
    b('paths', 'with a star inside', ['POST /*/completions']),
    b('paths', 'with a star behind letters', ['POST /chat*']),
    b('paths', 'with a dot segment', ['POST /a/../b']),
    b('paths', 'with an empty segment', ['POST //a']),
    b('paths', 'with a query', ['GET /models?a=1']),
    b('paths', 'with a backslash', ['GET /a\\b']),
    g('features', 'of no items', []),
    g('features', 'with names', ['previous_response_id', 'n', 'prompt.id']),
    g('origins', 'exact and none', [
      'https://app.example.com',
      'http://localhost:5173',
      'capacitor://localhost',
      'none',
    ]),
    b('origins', 'with null', ['null']),
    b('origins', 'with a path', ['https://app.example.com/']),
    b('origins', 'with a star', ['https://*.example.com']),
    b('origins', 'in capitals', ['https://App.example.com']),
    b('origins', 'with a default port', ['https://app.example.com:443']),
    b('origins', 'with user information', ['https://a@app.example.com']),
    b('origins', 'without a scheme', ['app.example.com']),
    g('ips', 'with addresses and blocks of both families', [
      '203.0.113.7',
      '203.0.113.0/24',
      '2001:db8::/32',
      '::1',
      '::ffff:192.0.2.1/128',
    ]),
    b('ips', 'with a bad address', ['203.0.113.256']),
    b('ips', 'with a leading zero', ['203.0.113.07']),
    b('ips', 'with three parts', ['127.1']),
    b('ips', 'with a prefix above 32', ['10.0.0.0/33']),
    b('ips', 'with a prefix above 128', ['2001:db8::/129']),
    b('ips', 'with a prefix that is no number', ['10.0.0.0/a']),
    b('ips', 'with a zone', ['fe80::1%eth0']),
    b('ips', 'with two double colons', ['1::2::3']),
    b('ips', 'with too few groups', ['1:2:3:4:5:6:7']),
    b('ips', 'with a name', ['localhost']),
    b('ips', 'as another word', 'any'),
    b('ips', 'as first with one prefix', 'first/24'),
    b('ips', 'as first with a prefix of 33', 'first/33,64'),
    b('ips', 'as first with a prefix of zero', 'first/0,64'),
    b('ips', 'as first inside a list', ['first']),
    answer('5', 'ips first is unsupported', 'token_unsupported', 'ips', good({ ips: 'first' }), {
      mint: 'ips',
    }),
    answer(
      '5',
      'ips first with prefixes is unsupported',
      'token_unsupported',
      'ips',
      good({ ips: 'first/24,48' }),
      { mint: 'ips' },
    ),
    opens(
      '5',
      'ips first opens where it is supported',
      aes('ips first', { claims: good({ ips: 'first/24,48' }) }),
      { supported: ['ipsFirst'] },
    ),
    answer(
      '5',
      'countries is unsupported',
      'token_unsupported',
      'countries',
      good({ countries: ['DE', 'FR'] }),
    ),
    opens(
      '5',
      'countries opens where it is supported',
      aes('countries', { claims: good({ countries: ['DE', 'FR'] }) }),
      { supported: ['countries'] },
    ),
    b('countries', 'in lower case', ['de']),
    b('countries', 'of three letters', ['DEU']),
    b('countries', 'of no items', []),
    b('countries', 'with an empty item', ['DE', '']),
    b('countries', 'with a digit', ['T1']),
    b('countries', 'with a space behind', ['DE ']),
    opens(
      '5',
      'countries with a code that no country has opens, and a mint refuses it',
      ...codes('strange', ['DE', 'XX'], 'countries'),
    ),
    opens('5', 'countries with the code of Kosovo opens', ...codes('Kosovo', ['XK', 'US'], null)),
    opens(
      '5',
      'countries of 64 items opens',
      ...codes(
        'sixty-four',
        Array.from({ length: 64 }, () => 'DE'),
        null,
      ),
    ),
  ];
}

function others(): OpenCase[] {
  const b = (claim: string, what: string, extra: Plain): OpenCase =>
    bad('5', `${claim} ${what} is refused`, claim, good(extra));
  const g = (what: string, extra: Plain): OpenCase => ok('5', `${what} opens`, good(extra));
  const jkt = 'A'.repeat(43);
  return [
    answer('5', 'cnf is unsupported', 'token_unsupported', 'cnf', good({ cnf: { jkt } }), { mint: 'cnf' }),
    opens('5', 'cnf opens where it is supported', aes('cnf', { claims: good({ cnf: { jkt } }) }), {
      supported: ['proofOfPossession'],
    }),
    b('cnf', 'without jkt', { cnf: {} }),
    bad('5', 'an unknown member of cnf is refused', 'cnf.jwk', good({ cnf: { jkt, jwk: {} } })),
    bad('5', 'a jkt of 42 characters is refused', 'cnf.jkt', good({ cnf: { jkt: 'A'.repeat(42) } })),
    bad(
      '5',
      'a jkt that is not canonical is refused',
      'cnf.jkt',
      good({ cnf: { jkt: `${'A'.repeat(42)}B` } }),
    ),
    g('set with any JSON', {
      set: { model: 'gpt-4o-mini', temperature: 0.5, stop: ['x', null], nested: { a: true } },
    }),
    b('set', 'as a list', { set: [] }),
    b('set', 'as a string', { set: 'model' }),
    bad('5', 'set with an empty name is refused', 'set', good({ set: { '': 1 } })),
    bad(
      '5',
      'set of 65 members is refused',
      'set',
      good({ set: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`m${i}`, 1])) }),
    ),
    g('cap with ceilings', { cap: { max_tokens: 1024, n: 1, 'generationConfig.maxOutputTokens': 0 } }),
    b('cap', 'as a list', { cap: [1] }),
    bad('5', 'a ceiling that is a string is refused', 'cap.n', good({ cap: { n: '1' } })),
    bad('5', 'a ceiling that is a fraction is refused', 'cap.n', good({ cap: { n: 1.5 } })),
    bad('5', 'a ceiling below zero is refused', 'cap.n', good({ cap: { n: -1 } })),
    g('replay by nonce with calls', { replay: 'nonce', limits: { calls: 5 } }),
    g('replay by idempotency key with attempts', { replay: 'idempotency', limits: { attempts: 5 } }),
    b('replay', 'of another word', { replay: 'once', limits: { calls: 5 } }),
    b('replay', 'without calls or attempts', { replay: 'nonce' }),
    g('store_down closed', { store_down: 'closed' }),
    g('store_down open where the file allows it', { store_down: 'open', limits: { calls: 5 } }),
    b('store_down', 'of another word', { store_down: 'half' }),
    b('store_down', 'as a boolean', { store_down: true }),
    answer(
      '5',
      'store_down open with replay is not allowed',
      'claim_not_allowed',
      'store_down',
      good({ store_down: 'open', replay: 'nonce', limits: { calls: 5 } }),
    ),
    g('meta of any kind', { meta: { plan: 'free', n: [1, 2, { a: null }] } }),
    g('meta as a string', { meta: 'täxt' }),
    g('meta of exactly 512 bytes', { meta: 'x'.repeat(510) }),
    b('meta', 'of 513 bytes', { meta: 'x'.repeat(511) }),
    b('meta', 'of fewer than 512 characters but more bytes', { meta: 'ä'.repeat(256) }),
  ];
}

/** All of them, in the order of the spec. */
export function memberCases(): OpenCase[] {
  return [...upstreams(), ...limits(), ...lists(), ...others()];
}
