import { Secret } from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { type CallParts, callWith, headerCredential } from '../../test/support/forwarding.ts';
import { KEY } from '../../test/support/route.ts';
import { appendLoop, hasPassedUs, loopName } from './cdn-loop.ts';
import { hmacSha256, sealIdempotencyKey } from './idempotency-key.ts';
import { buildRequestHeaders } from './request-headers.ts';

const options = { idempotencySecret: new Secret('demo-secret') };
const NAME = 'relayapi-here';
const JSON_BODY = {
  kind: 'bytes',
  bytes: new Uint8Array(2),
  contentType: 'application/json',
} as const;

function built(parts: CallParts): Record<string, string> {
  const flat = buildRequestHeaders(callWith(parts), NAME, options);
  const names = flat.filter((_, i) => i % 2 === 0);
  expect(new Set(names).size).toBe(names.length);
  return Object.fromEntries(names.map((name, i) => [name, flat[2 * i + 1] as string]));
}

/** What a browser, an agent and an attacker send together. */
const SIXTY = [
  'Host',
  'relay.example.com',
  'Content-Type',
  'application/json',
  'Content-Length',
  '2',
  'Accept',
  'application/json',
  'User-Agent',
  'demo/1',
  'Accept-Encoding',
  'gzip, br',
  'Accept-Language',
  'en',
  'Authorization',
  'Bearer caller-credential',
  'X-Api-Key',
  'caller-credential',
  'Api-Key',
  'caller-credential',
  'X-Goog-Api-Key',
  'caller-credential',
  'Cookie',
  'a=b',
  'Origin',
  'https://app.example.com',
  'Referer',
  'https://app.example.com/',
  'Connection',
  'keep-alive, x-vendor-one',
  'Keep-Alive',
  '5',
  'Proxy-Authorization',
  'Basic x',
  'Proxy-Connection',
  'keep-alive',
  'TE',
  'trailers',
  'Trailer',
  'x',
  'Transfer-Encoding',
  'chunked',
  'Upgrade',
  'websocket',
  'Expect',
  '100-continue',
  'Forwarded',
  'for=1.2.3.4',
  'Via',
  '1.1 x',
  'X-Forwarded-For',
  '1.2.3.4',
  'X-Forwarded-Host',
  'evil.example',
  'X-Real-Ip',
  '1.2.3.4',
  'OpenAI-Organization',
  'org-1',
  'OpenAI-Project',
  'proj-1',
  'OpenAI-Beta',
  'assistants=v2',
  'Anthropic-Version',
  '2023-06-01',
  'Anthropic-Beta',
  'one',
  'Anthropic-Beta',
  'two',
  'Anthropic-Dangerous-Direct-Browser-Access',
  'true',
  'X-Stainless-Lang',
  'js',
  'Sec-Fetch-Mode',
  'cors',
  'Relay-Nonce',
  'nnnnnnnnnnnnnnnn',
  'X-Vendor-One',
  '1',
  'X-Http-Method-Override',
  'DELETE',
  'Range',
  'bytes=0-',
  'If-None-Match',
  '"x"',
  'Content-Encoding',
  'identity',
]; // prettier-ignore

describe('A23 upstream request headers are exactly the allow-list', () => {
  test('of a provider without headers of its own', () => {
    expect(built({ rawHeaders: SIXTY, body: JSON_BODY })).toEqual({
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'demo/1',
      'accept-encoding': 'identity',
      'cdn-loop': NAME,
      authorization: `Bearer ${KEY}`,
    });
  });

  test('with those that its entry names, exactly or by a prefix, lines joined', () => {
    const provider = { passHeaders: ['anthropic-version', 'anthropic-beta', 'x-vendor-*'] };
    const headers = built({ rawHeaders: SIXTY, provider });
    expect(Object.keys(headers).sort()).toEqual([
      'accept',
      'accept-encoding',
      'anthropic-beta',
      'anthropic-version',
      'authorization',
      'cdn-loop',
      'user-agent',
      'x-vendor-one',
    ]);
    expect(headers['anthropic-beta']).toBe('one, two');
  });

  test('a default stands only where the caller sent none', () => {
    const provider = {
      passHeaders: ['anthropic-version'],
      defaultHeaders: [['anthropic-version', 'default']] as const,
    };
    expect(built({ provider })['anthropic-version']).toBe('default');
    expect(built({ provider, rawHeaders: SIXTY })['anthropic-version']).toBe('2023-06-01');
  });

  test('a name that is only a part of one that passes does not pass, and a prefix is one at the start', () => {
    const rawHeaders = ['X-Vendor', '1', 'Not-X-Vendor-One', '2', 'X-Vendor-Two', '3', 'X-One-More', '4'];
    expect(Object.keys(built({ rawHeaders, provider: { passHeaders: ['x-vendor-*', 'x-one'] } }))).toEqual([
      'x-vendor-two',
      'accept-encoding',
      'cdn-loop',
      'authorization',
    ]);
  });

  test('a default is not held back by a value that reads like its name', () => {
    const provider = { passHeaders: ['x-vendor-one'], defaultHeaders: [['x-vendor-two', '2']] as const };
    expect(built({ provider, rawHeaders: ['X-Vendor-One', 'x-vendor-two'] })['x-vendor-two']).toBe('2');
  });

  test('empty values and a name without a value are left out', () => {
    const provider = { passHeaders: ['*'], defaultHeaders: [['x-default', '']] as const };
    expect(built({ provider, rawHeaders: ['X-Empty', '', 'Accept', '', 'X-Half'] })).toEqual({
      'accept-encoding': 'identity',
      'cdn-loop': NAME,
      authorization: `Bearer ${KEY}`,
    });
  });

  test('several lines of Accept go up as one, of User-Agent and Content-Type the first', () => {
    const rawHeaders = ['Accept', 'a/b', 'User-Agent', 'one', 'Accept', 'c/d', 'User-Agent', 'two'];
    const types = ['Content-Type', 'text/plain', 'Content-Type', 'text/html'];
    const bare = { kind: 'bytes', bytes: new Uint8Array(1), contentType: null } as const;
    const streamed = { kind: 'stream', chunks: null as never, declaredBytes: null, gather: false } as const;
    for (const body of [bare, streamed]) {
      expect(built({ rawHeaders: [...rawHeaders, ...types], body })).toMatchObject({
        accept: 'a/b, c/d',
        'user-agent': 'one',
        'content-type': 'text/plain',
      });
    }
  });

  test('a value with control characters is left out', () => {
    const provider = { passHeaders: ['x-vendor-one'] };
    const headers = built({ provider, rawHeaders: ['X-Vendor-One', 'a\r\nx: y', 'Accept', 'a\0'] });
    expect(headers).not.toHaveProperty('x-vendor-one');
    expect(headers).not.toHaveProperty('accept');
  });

  test('a rebuilt body has the type it was rebuilt as, no body has none', () => {
    const body = { ...JSON_BODY, contentType: 'multipart/form-data; boundary=relay' };
    expect(built({ rawHeaders: SIXTY, body })['content-type']).toBe('multipart/form-data; boundary=relay');
    expect(built({ rawHeaders: SIXTY })).not.toHaveProperty('content-type');
  });
});

describe('A24 exactly one credential goes up, the real one', () => {
  test('even when the entry lets every header through', () => {
    const headers = built({ rawHeaders: SIXTY, provider: { passHeaders: ['*'] } });
    expect(JSON.stringify(headers)).not.toContain('caller-credential');
    expect(headers).toEqual({
      accept: 'application/json',
      'user-agent': 'demo/1',
      'accept-language': 'en',
      'openai-beta': 'assistants=v2',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'one, two',
      'anthropic-dangerous-direct-browser-access': 'true',
      'x-stainless-lang': 'js',
      'x-vendor-one': '1',
      'x-http-method-override': 'DELETE',
      range: 'bytes=0-',
      'if-none-match': '"x"',
      'accept-encoding': 'identity',
      'cdn-loop': NAME,
      authorization: `Bearer ${KEY}`,
    });
  });

  test('and the caller’s Authorization does not, where the real one has another name or there is none', () => {
    for (const credential of [headerCredential('x-vendor-key', KEY), null]) {
      const headers = built({ rawHeaders: SIXTY, provider: { passHeaders: ['*'] }, route: { credential } });
      expect(headers).not.toHaveProperty('authorization');
      expect(JSON.stringify(headers)).not.toContain('caller-credential');
    }
  });

  test('nor do Idempotency-Key and CDN-Loop go up as the caller wrote them', () => {
    const rawHeaders = ['Idempotency-Key', 'caller-value', 'CDN-Loop', 'other'];
    const headers = built({ rawHeaders, provider: { passHeaders: ['*'] } });
    expect(headers['idempotency-key']).not.toContain('caller-value');
    expect(headers['cdn-loop']).toBe(`other, ${NAME}`);
  });

  test('in a header of another name, which the caller cannot set', () => {
    const headers = built({
      rawHeaders: ['X-Vendor-Key', 'caller-credential'],
      provider: { passHeaders: ['x-vendor-*'], defaultHeaders: [['x-vendor-key', 'default']] },
      route: { credential: headerCredential('X-Vendor-Key', KEY) },
    });
    expect(headers['x-vendor-key']).toBe(KEY);
    expect(headers).not.toHaveProperty('authorization');
  });

  test('none where the provider takes none', () => {
    expect(built({ rawHeaders: SIXTY, route: { credential: null } })).not.toHaveProperty('authorization');
  });
});

describe('CDN-Loop', () => {
  test('is appended to what came', () => {
    expect(appendLoop(['CDN-Loop', 'other; v=1', 'cdn-loop', 'third'], NAME)).toBe(
      `other; v=1, third, ${NAME}`,
    );
    expect(appendLoop(['CDN-Loop', ' '], NAME)).toBe(NAME);
    expect(appendLoop(['CDN-Loop', 'a\u007f', 'cdn-loop', 'b'], NAME)).toBe(`b, ${NAME}`);
  });

  test.each([
    ['relayapi-here', true],
    ['other, RelayAPI-Here ; v=2', true],
    ['other,relayapi-here', true],
    ['relayapi-elsewhere', false],
    ['relayapi-here-too', false],
    ['x=relayapi-here', false],
    ['', false],
    ['other; relayapi-here', false],
    ['\trelayapi-here\t', true],
  ])('%j names us: %s', (value, named) => {
    expect(hasPassedUs(['Cdn-Loop', 'first', 'CDN-LOOP', value], NAME)).toBe(named);
  });

  test('a name that cannot stand in the header is a mistake of the caller', () => {
    expect(loopName('a.b-C_1')).toBe('relayapi-a.b-C_1');
    expect(loopName('x'.repeat(128))).toHaveLength('relayapi-'.length + 128);
    for (const id of ['', 'a b', 'a,b', 'a;b', ' ab', 'ab ', 'x'.repeat(129)])
      expect(() => loopName(id)).toThrow('relayId must be 1 to 128 of A-Z a-z 0-9 . _ -');
  });
});

describe('Idempotency-Key', () => {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const from = (text: string) => new TextEncoder().encode(text);

  test('the HMAC gives the answers of RFC 4231', () => {
    expect(hex(hmacSha256(new Uint8Array(20).fill(0x0b), from('Hi There')))).toBe(
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    );
    expect(hex(hmacSha256(from('Jefe'), from('what do ya want for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
    // a key of exactly one block is used as it is
    const block = new Uint8Array(64).fill(0xaa);
    expect(hex(hmacSha256(block, from('x')))).toBe(
      'ce3c639dcb9d8baae5d44c3b8b5e233faab4d1860e07489af5c84f213998bd79',
    );
    const long = from('Test Using Larger Than Block-Size Key - Hash Key First');
    expect(hex(hmacSha256(new Uint8Array(131).fill(0xaa), long))).toBe(
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    );
  });

  test('goes up as a value of this token alone, the same on a retry', () => {
    const rawHeaders = ['Idempotency-Key', 'caller-value'];
    const first = built({ rawHeaders })['idempotency-key'];
    expect(first).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(built({ rawHeaders })['idempotency-key']).toBe(first);
    const others = [
      built({ rawHeaders, claims: { jti: 'BBBBBBBBBBBBBBBBBBBBBB' } }),
      built({ rawHeaders, claims: { iss: 'else' } }),
      built({ rawHeaders: ['Idempotency-Key', 'other'] }),
    ].map((headers) => headers['idempotency-key']);
    expect(new Set([first, ...others]).size).toBe(4);
    expect(built({})).not.toHaveProperty('idempotency-key');
  });

  test('parts cannot be shifted into one another', () => {
    const seal = (issuer: string, jti: string, value: string) =>
      sealIdempotencyKey(options.idempotencySecret, issuer, jti, value);
    expect(seal('ab', 'c', 'd')).not.toBe(seal('a', 'bc', 'd'));
    expect(seal('a', 'bc', 'd')).not.toBe(seal('a', 'b', 'cd'));
  });
});

describe('lines that an entry always sends', () => {
  const provider = {
    passHeaders: ['x-action', 'x-group', 'x-amz-date', 'x-amz-security-token'],
    defaultHeaders: [['x-action', 'List']],
    setHeaders: [
      ['x-action', 'Chat'],
      ['x-group', '{group}'],
    ],
  } as const;

  test('stand in place of the caller’s and of presets, with the variables of the token', () => {
    const rawHeaders = ['X-Action', 'Delete', 'x-group', 'other'];
    const headers = built({ rawHeaders, provider, route: { vars: { group: 'mine' } } });
    expect([headers['x-action'], headers['x-group']]).toEqual(['Chat', 'mine']);
  });

  test('leave no place for a signature of the caller’s, whatever the entry passes', () => {
    const rawHeaders = ['X-Amz-Date', '1', 'x-amz-security-token', '2'];
    expect(built({ rawHeaders, provider })).not.toHaveProperty('x-amz-date');
    expect(built({ rawHeaders, provider })).not.toHaveProperty('x-amz-security-token');
  });
});
