/** What people read when a key file is wrong: every problem at once, each with its place and what to do, and never a value. */
import { describe, expect, test } from 'vitest';
import { RaiError } from './errors.ts';
import { parseRai } from './rai.ts';
import { createRai } from './rai-make.ts';

type Loose = Record<string, unknown>;

const zero = 'A'.repeat(43);
const octKey = {
  kty: 'oct',
  kid: 'k',
  use: 'sig',
  alg: 'A128KW',
  k: 'short',
  status: 'old',
  until: -1,
  extra: 1,
};
const ecKey = {
  kty: 'EC',
  crv: 'P-256',
  kid: 'demo',
  use: 'enc',
  alg: 'ES256',
  x: zero,
  y: zero,
  d: zero,
};

const cases: Record<string, { file: unknown; problems: string[] }> = {
  'no object': {
    file: [],
    problems: ['$: is not an object; a .rai file is one JSON object'],
  },
  'no version': {
    file: {},
    problems: ['$.rai: is missing; write "rai": 2'],
  },
  'another version': {
    file: { rai: 3 },
    problems: ['$.rai: must be 2; write "rai": 2'],
  },
  'no role or method': {
    file: { rai: 2 },
    problems: [
      '$.role: is missing; write "issuer" or "relay" or "shared"',
      '$.method: is missing; write "aes" or "ecc"',
    ],
  },
  'a shared ecc file': {
    file: { rai: 2, role: 'shared', method: 'ecc' },
    problems: ['$.role: a shared file is of method aes only; use a pair of files, or method "aes"'],
  },
  'an empty relay file': {
    file: { rai: 2, role: 'relay', method: 'aes' },
    problems: [
      '$.aud: is missing; write a short name',
      '$.iss: is missing; write a short name',
      '$.keys: is missing; write a list',
    ],
  },
  'an empty issuer file': {
    file: { rai: 2, role: 'issuer', method: 'ecc' },
    problems: [
      '$.aud: is missing; write a short name',
      '$.keys: is missing; write a list',
      '$.iss: is missing; write a short name',
      '$.relay: is missing; write the address of the relay with its base path, https://relay.example.com/relayapi/',
      '$.use: is missing; write the kid of the key to seal with',
      '$.sign: is missing; write the private signing key',
    ],
  },
  'a relay file with everything wrong': {
    file: {
      rai: 2,
      role: 'relay',
      method: 'aes',
      aud: 'a b',
      iss: 7,
      keys: [octKey, 7, { kty: 'EC' }],
      issuer: 1,
      allow: {
        providers: [' '],
        hosts: ['https://a'],
        vault: ['a/b'],
        paths: ['/x'],
        max_ttl_seconds: 0,
        max_calls: -1,
        require: ['call'],
        per_sub: { tokens: 1.5, calls: '1', rate: [0, 1], concurrency: null },
        store_down: 1,
        features: [7],
        host: [],
        require2: 1,
      },
      revoke: { iat_before: 'now', sub: { a: -1, 'b c': 'x' }, jti: 'x', kid: [1] },
    },
    problems: [
      '$.issuer: is not a member known here; remove it; known here: rai, role, method, aud, iss, keys, allow, revoke',
      '$.aud: must be 1 to 128 printable ASCII characters without spaces; write a short name',
      '$.iss: must be 1 to 128 printable ASCII characters without spaces; write a short name',
      '$.keys[0].extra: is not a member known here; remove it; known here: kty, kid, use, alg, k, status, until',
      '$.keys[0].kid: must be 4 to 32 characters of A-Z a-z 0-9 _ -; give the key a random id',
      '$.keys[0].use: must be "enc"; write "enc"',
      '$.keys[0].alg: must be "A256KW"; write "A256KW"',
      '$.keys[0].k: must be 32 bytes in base64url (43 characters, no padding); make a fresh one with relayapi init',
      '$.keys[0].status: must be "active" or "accept"; write "active" for a key in use, "accept" for one on its way out',
      '$.keys[0].until: must be a time in whole seconds; write seconds since 1970',
      '$.keys[1]: is not an object; write a key as an object',
      '$.keys[2].kty: must be "oct"; write "oct"',
      '$.allow.host: is not a member known here; did you mean hosts? Else remove it',
      '$.allow.require2: is not a member known here; did you mean require? Else remove it',
      '$.allow.providers[0]: must be the name of a provider; write a name of the registry, "openai"',
      '$.allow.hosts[0]: must be a host, or host:port, in lower case; write it without scheme, path or star',
      '$.allow.vault[0]: must be the name of a vault entry; write a name of the vault in config.json',
      '$.allow.paths[0]: must be a method and a path, exact or ending in /*; write "GET /files/*"',
      '$.allow.max_ttl_seconds: must be a whole number above 0; write 1 or more',
      '$.allow.max_calls: must be a whole number; write 0 or more',
      '$.allow.require[0]: must be the name of a claim or limit; write a name such as "calls" or "origins"',
      '$.allow.per_sub.tokens: must be a whole number; write 0 or more',
      '$.allow.per_sub.calls: must be a whole number; write 0 or more',
      '$.allow.per_sub.rate: must be [count, seconds], both above 0; write [10, 60] for ten a minute',
      '$.allow.per_sub.concurrency: must be a whole number; write 0 or more',
      '$.allow.store_down: must be true or false; write true or false',
      '$.allow.features[0]: must be printable ASCII without spaces; write a name',
      '$.revoke.iat_before: must be a whole number; write 0 or more',
      '$.revoke.sub.a: must be a time in whole seconds; write a time',
      '$.revoke.sub.(unprintable): must be a time in whole seconds; write a time',
      '$.revoke.jti: is not a list; write a list of texts',
      '$.revoke.kid[0]: must be printable ASCII without spaces; write a name',
    ],
  },
  'an issuer file with everything wrong': {
    file: {
      rai: 2,
      role: 'issuer',
      method: 'ecc',
      relay: 'ftp://a',
      aud: '',
      iss: '',
      use: 'other',
      keys: [ecKey, { ...ecKey, d: undefined, alg: 'ECDH-ES+A256KW' }],
      sign: { ...ecKey, use: 'sig', crv: 'P-384' },
    },
    problems: [
      '$.aud: must be 1 to 128 printable ASCII characters without spaces; write a short name',
      '$.keys[0].alg: must be "ECDH-ES+A256KW"; write "ECDH-ES+A256KW"',
      '$.keys[0].d: is a private key, which does not belong in this file; remove it, and replace the key if the file was passed on',
      '$.keys[0]: x and y are not a point of P-256; make a fresh one with relayapi init',
      '$.keys[1]: x and y are not a point of P-256; make a fresh one with relayapi init',
      '$.iss: must be 1 to 128 printable ASCII characters without spaces; write a short name',
      '$.keys[1].kid: stands twice in this file; give each key an id of its own',
      '$.relay: must be an http or https URL without user information, query or fragment; write the address of the relay with its base path, https://relay.example.com/relayapi/',
      '$.use: must be the kid of one of the keys; write the kid of the key to seal with',
      '$.sign.crv: must be "P-256"; write "P-256"',
    ],
  },
  'an ecc relay file with everything wrong': {
    file: {
      rai: 2,
      role: 'relay',
      method: 'ecc',
      aud: 'a',
      keys: [],
      issuers: [{ iss: 'a', keys: [] }, { iss: 'a', keys: [ecKey], allow: [], revoke: { sub: [] } }, 7],
    },
    problems: [
      '$.keys: must be a list with at least one entry; write a list',
      '$.issuers[0].keys: must be a list with at least one entry; write a list',
      '$.issuers[1].iss: stands twice in this file; one entry per issuer',
      '$.issuers[1].keys[0].use: must be "sig"; write "sig"',
      '$.issuers[1].keys[0].d: is a private key, which does not belong in this file; remove it, and replace the key if the file was passed on',
      '$.issuers[1].keys[0]: x and y are not a point of P-256; make a fresh one with relayapi init',
      '$.issuers[1].keys[0].status: is missing; write "active" for a key in use, "accept" for one on its way out',
      '$.issuers[1].allow: is not an object; write an object',
      '$.issuers[1].revoke.sub: is not an object; write {"user-42": <seconds>}',
      '$.issuers[2]: is not an object; write an object',
    ],
  },
  'a version 1 file': {
    file: {
      version: 1,
      crypto: { method: 'aes', aes_key: 'x', iv: 1 },
      server: { host: 7, port: 0, base_path: 1, hostname: '' },
    },
    problems: [
      '$.version: must be a text; write the text of the version 1 file',
      '$.server.hostname: is not a member known here; remove it; known here: host, port, base_path',
      '$.server.host: must be a text; write the text of the version 1 file',
      '$.server.port: must be a port from 1 to 65535; write a number',
      '$.server.base_path: must be a text; write the text of the version 1 file',
      '$.crypto.iv: is not a member known here; remove it; known here: method, aes_key, aes_iv_seed',
      '$.crypto.aes_key: must be 64 hex characters: a passphrase could be guessed from one token; run relayapi upgrade, which writes a version 2 pair with a fresh key',
      '$.crypto.aes_iv_seed: is missing; write the text of the version 1 file',
    ],
  },
  'a version 1 file of another method': {
    file: { crypto: { method: 'rsa' }, server: [] },
    problems: [
      '$.server: is not an object; write an object',
      '$.crypto.method: must be "aes"; version 1 never had another; run relayapi init --method ecc for a version 2 pair',
    ],
  },
  'a version 1 file without a URL': {
    file: { crypto: { method: 'aes', aes_key: '00'.repeat(32), aes_iv_seed: 's' }, server: { host: '%' } },
    problems: [
      '$.server.host: gives no URL together with port and base_path; write a host name',
      '$.crypto.aes_key: is all zero; run relayapi upgrade, which writes a version 2 pair with a fresh key',
    ],
  },
};

function problemsOf(source: string | Uint8Array | object): string[] {
  try {
    parseRai(source);
  } catch (error) {
    if (!(error instanceof RaiError)) throw error;
    const lines = error.problems.map(({ path, message, fix }) => `${path}: ${message}; ${fix}`);
    expect(error.message).toBe(lines.join('\n'));
    return lines;
  }
  return [];
}

describe('the problems of a file', () => {
  test.each(Object.entries(cases))('%s', (_name, { file, problems }) => {
    expect(problemsOf(file as object)).toEqual(problems);
  });

  test('a key that stands twice in a file is told, under one id or two', () => {
    const { relay } = createRai({ method: 'aes', relay: 'https://relay.example.com/' }) as { relay: Loose };
    const [key] = relay.keys as [Loose];
    expect(problemsOf({ ...relay, keys: [key, { ...key, kid: 'other' }] })).toEqual([
      '$.keys[1]: is the same key as another of this file; one key has one use and one id',
    ]);
    expect(problemsOf({ ...relay, keys: [key, key] })).toEqual([
      '$.keys[1].kid: stands twice in this file; give each key an id of its own',
    ]);
  });

  test('so is one that an ecc relay seals with and an issuer signs with', () => {
    const { relay } = createRai({ method: 'ecc', relay: 'https://relay.example.com/' }) as { relay: Loose };
    const [key] = relay.keys as [Loose];
    const [issuer] = relay.issuers as [Loose];
    const { d: _, ...open } = key;
    const signing = { ...open, use: 'sig', alg: 'ES256' };
    expect(problemsOf({ ...relay, issuers: [{ ...issuer, keys: [{ ...signing, kid: 'other' }] }] })).toEqual([
      '$.issuers[0].keys[0]: is the same key as another of this file; one key has one use and one id',
    ]);
    expect(problemsOf({ ...relay, issuers: [{ ...issuer, keys: [signing] }] })).toEqual([
      '$.issuers[0].keys[0].kid: stands twice in this file; give each key an id of its own',
    ]);
  });

  test.each([
    ['https://relay.example.com', 'https://relay.example.com/'],
    ['https://relay.example.com/a', 'https://relay.example.com/a/'],
    ['HTTPS://Relay.Example.com:443/a/', 'https://relay.example.com/a/'],
  ])('the relay %s is joined as %s', (url, joined) => {
    const { issuer } = createRai({ method: 'aes', relay: 'https://relay.example.com/' });
    expect(parseRai({ ...issuer, relay: url })).toMatchObject({ relay: joined });
  });

  test.each([
    'https://u@a.example/',
    'https://:p@a.example/',
    'https://a.example/?x',
    'https://a.example/ x',
    'x',
  ])('the relay %s is none', (url) => {
    const { issuer } = createRai({ method: 'aes', relay: 'https://relay.example.com/' });
    expect(problemsOf({ ...issuer, relay: url })[0]).toContain('$.relay: must be an http or https URL');
  });

  test.each<[string | Uint8Array, string]>([
    ['{', 'syntax at byte 1'],
    ['\ufeff{}', 'a byte order mark at byte 0'],
    ['{"a":1,"a":1}', 'a member named twice at byte 7'],
    ['{"__proto__":1}', 'forbidden name at byte 1'],
    ['[1e999]', 'number at byte 1'],
    ['['.repeat(20), 'depth at byte 16'],
    [new Uint8Array([0xff]), 'not UTF-8 at byte 0'],
  ])('text that is not strict JSON is told by its place: %j', (source, where) => {
    expect(problemsOf(source)).toEqual([`$: is not strict JSON: ${where}; put the JSON right`]);
  });

  test('what is no data at all is told as such', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(problemsOf(circle)).toEqual(['$: is not strict JSON: not JSON; put the JSON right']);
  });
});
