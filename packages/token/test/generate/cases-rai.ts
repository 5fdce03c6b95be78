/** Cases of §7: `.rai` files that load and files that are refused, with the JSON paths of the problems. */
import { b64, bytesFor, type Plain } from './crypto.ts';
import { ec, ecKeys, files, issuerFiles, NOW, oct } from './keyrings.ts';

/** One case of rai.json. */
export interface RaiCase {
  name: string;
  spec: string;
  /** The file's text. */
  text: string;
  result: 'loaded' | 'refused';
  /** Of a loaded file. */
  role?: string;
  method?: string;
  version?: number;
  kids?: string[];
  iss?: string;
  aud?: string;
  relay?: string;
  /** Of a refused file: the paths of all its problems, sorted. */
  paths?: string[];
}

const relay = files['aes.rai'] as Plain;
const issuer = issuerFiles.shop as Plain;
const eccRelay = files['ecc.rai'] as Plain;
const eccIssuer = issuerFiles['shop-ecc'] as Plain;
const key = oct('aes-key-1', { status: 'active' });
const v1Hex = bytesFor('version 1 key', 32).toString('hex');
const v1 = (crypto: Plain = {}, rest: Plain = {}): Plain => ({
  crypto: { method: 'aes', aes_key: v1Hex, aes_iv_seed: 'vector-seed', ...crypto },
  ...rest,
});

const refused = (name: string, paths: string | string[], file: Plain | string): RaiCase => ({
  name,
  spec: '7',
  text: typeof file === 'string' ? file : JSON.stringify(file),
  result: 'refused',
  paths: [paths].flat().sort(),
});
const loaded = (name: string, file: Plain | string, expected: Partial<RaiCase>): RaiCase => ({
  name,
  spec: '7',
  text: typeof file === 'string' ? file : JSON.stringify(file),
  result: 'loaded',
  ...expected,
});
const drop = (file: Plain, ...names: string[]): Plain =>
  Object.fromEntries(Object.entries(file).filter(([n]) => !names.includes(n)));
const withKey = (k: Plain): Plain => ({ ...relay, keys: [k] });

function good(): RaiCase[] {
  return [
    loaded('an aes relay file loads', relay, {
      role: 'relay',
      method: 'aes',
      version: 2,
      kids: ['aes-key-1', 'aes-key-2', 'aes-gone1'],
      iss: 'shop',
      aud: 'relay.example.com',
    }),
    loaded('an aes issuer file loads', issuer, {
      role: 'issuer',
      method: 'aes',
      version: 2,
      kids: ['aes-key-1'],
      iss: 'shop',
      relay: 'https://relay.example.com/relayapi/',
    }),
    loaded('an ecc relay file loads', eccRelay, {
      role: 'relay',
      method: 'ecc',
      version: 2,
      kids: ['ecc-relay'],
      aud: 'relay.example.com',
    }),
    loaded('an ecc issuer file loads', eccIssuer, {
      role: 'issuer',
      method: 'ecc',
      version: 2,
      kids: ['ecc-relay'],
      iss: 'shop-ecc',
    }),
    loaded('a shared file loads', files['shared.rai'] as Plain, {
      role: 'shared',
      method: 'aes',
      version: 2,
      kids: ['aes-shrd1'],
      relay: 'http://127.0.0.1:8840/relayapi/',
    }),
    loaded('a relay file without allow and revoke loads', drop(relay, 'allow', 'revoke'), {
      role: 'relay',
      iss: 'shop',
    }),
    loaded(
      'a relay URL without its last slash loads with it',
      { ...issuer, relay: 'https://relay.example.com/relayapi' },
      { relay: 'https://relay.example.com/relayapi/' },
    ),
    loaded(
      'a version 1 file loads as shared',
      v1({}, { version: '1.0.0', server: { host: 'http://localhost', port: 8840, base_path: '/relayapi/' } }),
      { role: 'shared', method: 'aes', version: 1, aud: 'default', relay: 'http://localhost:8840/relayapi/' },
    ),
    loaded('a version 1 file without server loads', v1(), { role: 'shared', version: 1, aud: 'default' }),
    loaded(
      'a version 1 host without a scheme loads with https',
      v1({}, { server: { host: 'relay.example.com', port: 443, base_path: 'relayapi' } }),
      { relay: 'https://relay.example.com/relayapi/' },
    ),
    loaded(
      'a version 1 loopback host without a scheme loads with http',
      v1({}, { server: { host: '127.0.0.1', port: 8840, base_path: '/relayapi/' } }),
      { relay: 'http://127.0.0.1:8840/relayapi/' },
    ),
  ];
}

function members(): RaiCase[] {
  return [
    refused('text that is not JSON is refused', '$', '{"rai":2,'),
    refused('a byte order mark is refused', '$', `\uFEFF${JSON.stringify(relay)}`),
    refused('a duplicate member is refused', '$', JSON.stringify(relay).replace('{', '{"iss":"x",')),
    refused('a list is refused', '$', '[]'),
    refused('a file that says neither version is refused', '$.rai', { role: 'relay' }),
    refused('rai 3 is refused', '$.rai', { ...relay, rai: 3 }),
    refused('rai as a string is refused', '$.rai', { ...relay, rai: '2' }),
    refused('an unknown role is refused', '$.role', { ...relay, role: 'server' }),
    refused('an unknown method is refused', '$.method', { ...relay, method: 'rsa' }),
    refused('a shared file of method ecc is refused', '$.role', { ...eccRelay, role: 'shared' }),
    refused('an unknown member is refused', '$.alow', { ...relay, alow: {} }),
    refused('a missing aud is refused', '$.aud', drop(relay, 'aud')),
    refused('an aud with a space is refused', '$.aud', { ...relay, aud: 'a b' }),
    refused('a missing iss is refused', '$.iss', drop(relay, 'iss')),
    refused('a missing relay URL is refused', '$.relay', drop(issuer, 'relay')),
    refused('a relay URL with a query is refused', '$.relay', {
      ...issuer,
      relay: 'https://relay.example.com/?a=1',
    }),
    refused('a relay URL of another scheme is refused', '$.relay', {
      ...issuer,
      relay: 'ftp://relay.example.com/',
    }),
    refused('a use that names no key is refused', '$.use', { ...issuer, use: 'nobody00' }),
    refused('no keys are refused', '$.keys', { ...relay, keys: [] }),
    refused('keys as an object are refused', '$.keys', { ...relay, keys: {} }),
    refused('an issuer file with allow is refused', '$.allow', { ...issuer, allow: {} }),
    refused('an issuer file with two keys of one kid is refused', '$.keys[1].kid', {
      ...issuer,
      keys: [oct('aes-key-1'), oct('aes-key-1')],
    }),
    refused(
      'several problems are reported at once',
      ['$.aud', '$.keys[0].kid', '$.foo', '$.allow.max_ttl_seconds'],
      { ...relay, aud: 1, foo: 1, keys: [{ ...key, kid: 'x' }], allow: { max_ttl_seconds: 'a' } },
    ),
  ];
}

function keys(): RaiCase[] {
  const raw = (bytes: Buffer): Plain => withKey({ ...key, k: b64(bytes) });
  const encKey = ec('ecc-relay', 'enc', true, { status: 'active' });
  const withEnc = (k: Plain): Plain => ({ ...eccRelay, keys: [k] });
  const sequence = (n: number): Buffer => Buffer.from(Array.from({ length: n }, (_, i) => i));
  return [
    refused('a key of 31 bytes is refused', '$.keys[0].k', raw(bytesFor('short', 31))),
    refused('a key of 33 bytes is refused', '$.keys[0].k', raw(bytesFor('long', 33))),
    refused(
      'a key that is not canonical base64url is refused',
      '$.keys[0].k',
      withKey({ ...key, k: `${b64(bytesFor('k', 32)).slice(0, 42)}B`.replace(/.B$/, 'AB') }),
    ),
    refused('an all-zero key is refused', '$.keys[0].k', raw(Buffer.alloc(32))),
    refused('a key of one repeated byte is refused', '$.keys[0].k', raw(Buffer.alloc(32, 0x5a))),
    refused(
      'a key of few different bytes is refused',
      '$.keys[0].k',
      raw(Buffer.from('0123456789abcdef0123456789abcdef')),
    ),
    refused('a key that counts upwards is refused', '$.keys[0].k', raw(sequence(32))),
    refused(
      'the key of the known answer is refused',
      '$.keys[0].k',
      withKey({ ...key, k: b64(Buffer.from('0123456789abcdef'.repeat(4), 'hex')) }),
    ),
    refused('a kid of 3 characters is refused', '$.keys[0].kid', withKey({ ...key, kid: 'abc' })),
    refused('a kid of 33 characters is refused', '$.keys[0].kid', withKey({ ...key, kid: 'a'.repeat(33) })),
    refused('a kid with a dot is refused', '$.keys[0].kid', withKey({ ...key, kid: 'a.bcd' })),
    refused('a missing kid is refused', '$.keys[0].kid', withKey(drop(key, 'kid'))),
    refused('a missing use is refused', '$.keys[0].use', withKey(drop(key, 'use'))),
    refused('a missing alg is refused', '$.keys[0].alg', withKey(drop(key, 'alg'))),
    refused('a use of sig on an aes key is refused', '$.keys[0].use', withKey({ ...key, use: 'sig' })),
    refused('an alg of A128KW is refused', '$.keys[0].alg', withKey({ ...key, alg: 'A128KW' })),
    refused('the ext of WebCrypto is refused', '$.keys[0].ext', withKey({ ...key, ext: true })),
    refused(
      'the key_ops of WebCrypto is refused',
      '$.keys[0].key_ops',
      withKey({ ...key, key_ops: ['wrapKey'] }),
    ),
    refused('an unknown status is refused', '$.keys[0].status', withKey({ ...key, status: 'old' })),
    refused('a missing status in a relay file is refused', '$.keys[0].status', withKey(drop(key, 'status'))),
    refused('a status in an issuer file is refused', '$.keys[0].status', { ...issuer, keys: [key] }),
    refused('an until as a string is refused', '$.keys[0].until', withKey({ ...key, until: String(NOW) })),
    refused('an EC key in an aes file is refused', '$.keys[0].kty', withKey({ ...encKey })),
    refused('a curve of P-384 is refused', '$.keys[0].crv', withEnc({ ...encKey, crv: 'P-384' })),
    refused(
      'an ecc relay file without its private key is refused',
      '$.keys[0].d',
      withEnc(drop(encKey, 'd')),
    ),
    refused(
      'a private key that does not match its public part is refused',
      '$.keys[0].d',
      withEnc({ ...encKey, d: ecKeys['ecc-other'].d }),
    ),
    refused(
      'a private key of zero is refused',
      '$.keys[0].d',
      withEnc({ ...encKey, d: b64(Buffer.alloc(32)) }),
    ),
    refused('a public key off the curve is refused', '$.keys[0]', {
      ...eccIssuer,
      keys: [{ ...ec('ecc-relay', 'enc', false), y: ecKeys['ecc-relay'].x }],
    }),
    refused('the EC key of RFC 7515 is refused', '$.keys[0]', {
      ...eccIssuer,
      use: 'rfc7515',
      keys: [
        {
          kty: 'EC',
          crv: 'P-256',
          kid: 'rfc7515',
          use: 'enc',
          alg: 'ECDH-ES+A256KW',
          x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
          y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
        },
      ],
    }),
    refused("a relay file with an issuer's private key is refused", '$.issuers[0].keys[0].d', {
      ...eccRelay,
      issuers: [{ iss: 'shop-ecc', keys: [ec('sig-shop1', 'sig', true, { status: 'active' })] }],
    }),
    refused("an issuer file with the relay's private key is refused", '$.keys[0].d', {
      ...eccIssuer,
      keys: [ec('ecc-relay', 'enc', true)],
    }),
    refused('an issuer file without its private signing key is refused', '$.sign.d', {
      ...eccIssuer,
      sign: ec('sig-shop1', 'sig', false),
    }),
    refused('an ecc issuer file without sign is refused', '$.sign', drop(eccIssuer, 'sign')),
    refused(
      'a signing key among the encryption keys is refused',
      ['$.keys[0].use', '$.keys[0].alg'],
      withEnc({ ...ec('sig-file2', 'sig', true, { status: 'active' }) }),
    ),
    refused('two issuers of one name are refused', '$.issuers[1].iss', {
      ...eccRelay,
      issuers: [
        { iss: 'a', keys: [ec('sig-shop1', 'sig', false, { status: 'active' })] },
        { iss: 'a', keys: [ec('sig-other', 'sig', false, { status: 'active' })] },
      ],
    }),
    refused('one kid for two uses is refused', '$.issuers[0].keys[0].kid', {
      ...eccRelay,
      issuers: [
        { iss: 'a', keys: [{ ...ec('sig-shop1', 'sig', false, { status: 'active' }), kid: 'ecc-relay' }] },
      ],
    }),
    refused('one key for two uses is refused', '$.issuers[0].keys[0]', {
      ...eccRelay,
      issuers: [
        { iss: 'a', keys: [{ ...ec('ecc-relay', 'sig', false, { status: 'active' }), kid: 'sig-twice' }] },
      ],
    }),
    refused('an ecc relay file without issuers is refused', '$.issuers', drop(eccRelay, 'issuers')),
  ];
}

function allowAndRevoke(): RaiCase[] {
  const allow = (a: Plain): Plain => ({ ...relay, allow: a });
  const revoke = (r: unknown): Plain => ({ ...relay, revoke: r });
  return [
    refused('an unknown member of allow is refused', '$.allow.provider', allow({ provider: ['openai'] })),
    refused('providers as a string is refused', '$.allow.providers', allow({ providers: 'openai' })),
    refused(
      'a host with a scheme is refused',
      '$.allow.hosts[0]',
      allow({ hosts: ['https://models.example.net'] }),
    ),
    refused('a host with a star is refused', '$.allow.hosts[0]', allow({ hosts: ['*.example.net'] })),
    refused('a max_ttl_seconds of zero is refused', '$.allow.max_ttl_seconds', allow({ max_ttl_seconds: 0 })),
    refused('a max_calls below zero is refused', '$.allow.max_calls', allow({ max_calls: -1 })),
    refused('a require of an unknown claim is refused', '$.allow.require[0]', allow({ require: ['call'] })),
    refused(
      'an unknown member of per_sub is refused',
      '$.allow.per_sub.call',
      allow({ per_sub: { call: 1 } }),
    ),
    refused('a bad path in allow is refused', '$.allow.paths[0]', allow({ paths: ['/files'] })),
    loaded(
      'an allow with every member loads',
      allow({
        providers: ['openai'],
        hosts: ['a.example:8443'],
        vault: ['main'],
        paths: ['GET /files/*'],
        max_ttl_seconds: 60,
        max_calls: 0,
        require: ['calls', 'origins', 'sub'],
        per_sub: { tokens: 3, calls: 1000, rate: [10, 60], concurrency: 2 },
        store_down: true,
        features: [],
      }),
      { role: 'relay' },
    ),
    refused('revoke as a list is refused', '$.revoke', revoke([])),
    refused('an unknown member of revoke is refused', '$.revoke.jtis', revoke({ jtis: [] })),
    refused('a revoked jti as a number is refused', '$.revoke.jti[0]', revoke({ jti: [1] })),
    refused(
      'a revoked sub without a time is refused',
      '$.revoke.sub.mallory',
      revoke({ sub: { mallory: 'now' } }),
    ),
  ];
}

function version1(): RaiCase[] {
  return [
    refused(
      'the published version 1 sample is refused',
      '$.crypto.aes_key',
      v1({ aes_key: '0123456789abcdef'.repeat(4), aes_iv_seed: 'fedcba9876543210' }),
    ),
    refused(
      'a version 1 passphrase is refused',
      '$.crypto.aes_key',
      v1({ aes_key: 'correct horse battery staple' }),
    ),
    refused(
      'a version 1 key of 62 hex characters is refused',
      '$.crypto.aes_key',
      v1({ aes_key: v1Hex.slice(2) }),
    ),
    refused('an all-zero version 1 key is refused', '$.crypto.aes_key', v1({ aes_key: '0'.repeat(64) })),
    refused('version 1 method ecc is refused', '$.crypto.method', v1({ method: 'ecc' })),
    refused('a version 1 file without aes_key is refused', '$.crypto.aes_key', {
      crypto: { method: 'aes', aes_iv_seed: 'x' },
    }),
    refused('a version 1 file without aes_iv_seed is refused', '$.crypto.aes_iv_seed', {
      crypto: { method: 'aes', aes_key: v1Hex },
    }),
    refused('an unknown member of a version 1 file is refused', '$.crypto.aes_mode', v1({ aes_mode: 'cbc' })),
    refused(
      'a version 1 port as a word is refused',
      '$.server.port',
      v1({}, { server: { host: 'localhost', port: 'http' } }),
    ),
    loaded('a version 1 key in capitals loads', v1({ aes_key: v1Hex.toUpperCase() }), { version: 1 }),
  ];
}

/** All of them. */
export function raiCases(): RaiCase[] {
  return [...good(), ...members(), ...keys(), ...allowAndRevoke(), ...version1()];
}
