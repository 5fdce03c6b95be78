/**
 * Edges of `.rai` files: weak keys, names that stand twice across files, version 1's server part, rotations one after another.
 */
import { createKeyring, createRai, parseRai, RaiError, rotateRai } from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { NOW } from './support/pairs.ts';

type Loose = Record<string, unknown>;
const relay = 'https://relay.example.com/relayapi/';

function problemsOf(file: object): string[] {
  try {
    parseRai(file);
  } catch (error) {
    if (error instanceof RaiError) return error.problems.map((p) => `${p.path} ${p.message}`);
    throw error;
  }
  return [];
}

const withKey = (bytes: Iterable<number>): object => {
  const file = createRai({ method: 'aes', relay }).relay as { keys: Loose[] };
  const k = Buffer.from([...bytes]).toString('base64url');
  return { ...file, keys: [{ ...file.keys[0], k }] };
};
const bytes32 = (make: (i: number) => number) => Array.from({ length: 32 }, (_, i) => make(i) & 255);

describe('A11 keys that nobody drew at random', () => {
  test.each([
    ['all zero', bytes32(() => 0), 'is all zero'],
    ['one byte over and over', bytes32(() => 7), 'has too little variety to be random'],
    ['counting up', bytes32((i) => i + 1), 'has too little variety to be random'],
    ['counting down by threes', bytes32((i) => 200 - 3 * i), 'has too little variety to be random'],
    [
      'hex text for bytes',
      [...Buffer.from('0123456789abcdef'.repeat(2))],
      'has too little variety to be random',
    ],
  ])('%s', (_what, bytes, message) => {
    expect(problemsOf(withKey(bytes))).toEqual([`$.keys[0].k ${message}`]);
  });

  test('a weak private key is told from one that does not fit', () => {
    const file = createRai({ method: 'ecc', relay }).relay as { keys: Loose[] };
    const weak = (d: string) => problemsOf({ ...file, keys: [{ ...file.keys[0], d }] });
    expect(weak(Buffer.alloc(32).toString('base64url'))).toEqual(['$.keys[0].d is all zero']);
    const other = (createRai({ method: 'ecc', relay }).relay as { keys: Loose[] }).keys[0]?.d as string;
    expect(weak(other)).toEqual(['$.keys[0].d is not the private key of x and y']);
  });
});

describe('A10 names over all loaded files', () => {
  test('a signing kid that another file has, in either place, rejects the later file alone', async () => {
    const first = createRai({ method: 'ecc', relay, iss: 'first' }).relay as Loose;
    const second = createRai({ method: 'ecc', relay, iss: 'second' }).relay as Loose;
    const [signer] = ((first.issuers as Loose[])[0] as Loose).keys as [Loose];
    const [entry] = second.issuers as Loose[];
    const [key] = second.keys as Loose[];
    const [ownSigner] = (entry as Loose).keys as Loose[];
    const clashes: [string, Loose][] = [
      ['$.issuers[0].keys[0].kid', { issuers: [{ ...entry, keys: [{ ...ownSigner, kid: signer.kid }] }] }],
      ['$.keys[0].kid', { keys: [{ ...key, kid: signer.kid }] }],
    ];
    for (const [path, change] of clashes) {
      const files = [first, { ...second, ...change }].map((file, i) => ({
        name: `${i}.rai`,
        file: parseRai(file),
      }));
      const { keyring, rejected } = await createKeyring(files, { generation: 1 });
      expect(keyring.issuers).toEqual(['first']);
      expect(rejected.map(({ name, problems }) => [name, problems.map((p) => p.path)])).toEqual([
        ['1.rai', [path]],
      ]);
    }
  });
});

describe("a host in allow.hosts is written as a token's base will name it", () => {
  test.each(['llm.example:443', '127.1', '[::0:1]', 'a..b:x', 'llm.example:'])('%s is refused', (host) => {
    const file = createRai({ method: 'aes', relay }).relay;
    expect(problemsOf({ ...file, allow: { hosts: [host] } })[0]).toContain('$.allow.hosts[0]');
  });
  test.each(['llm.example', 'llm.example:8443', '127.0.0.1', '[::1]:8443'])('%s is taken', (host) => {
    const file = createRai({ method: 'aes', relay }).relay;
    expect(problemsOf({ ...file, allow: { hosts: [host] } })).toEqual([]);
  });
});

describe('a relay URL', () => {
  test.each([
    'https://user:pw@relay.example.com/',
    'https://user@relay.example.com/',
    'https://relay.example.com/?a',
    'https://relay.example.com/#a',
  ])('%s is refused', (url) => {
    const file = createRai({ method: 'aes', relay }).issuer;
    expect(problemsOf({ ...file, relay: url })).toEqual([
      '$.relay must be an http or https URL without user information, query or fragment',
    ]);
  });
});

describe('A12 version 1 files', () => {
  const aesKey = Buffer.from(bytes32((i) => i * i * 7 + 11 * i + 3)).toString('hex');
  const version1 = (server: object | undefined, more: object = {}) => ({
    version: '1.0.0',
    crypto: { method: 'aes', aes_key: aesKey, aes_iv_seed: 'demo-seed' },
    ...(server && { server }),
    ...more,
  });

  test.each<[object | undefined, string]>([
    [undefined, 'http://127.0.0.1:8840/relayapi/'],
    [{ host: '0.0.0.0', port: 9000, base_path: '/r' }, 'http://127.0.0.1:9000/r/'],
    [{ host: 'relay.example.com' }, 'https://relay.example.com/relayapi/'],
    [{ host: 'http://localhost', port: 9000, base_path: '/' }, 'http://localhost:9000/'],
    [{ host: 'https://relay.example.com', port: 8443 }, 'https://relay.example.com:8443/relayapi/'],
  ])('with server %j mint for %s', (server, url) => {
    expect(parseRai(version1(server))).toMatchObject({ version: 1, role: 'shared', relay: url });
  });

  test.each(['/a?b', '/a#b'])('with the base path %s are refused', (base_path) => {
    expect(problemsOf(version1({ host: 'relay.example.com', base_path }))[0]).toContain('$.server.host');
  });

  test('grant what an absent allow grants, and revoke nothing', () => {
    const plain = parseRai(createRai({ method: 'aes', relay }).relay);
    expect(parseRai(version1(undefined))).toMatchObject({
      aud: 'default',
      allow: (plain as { allow: object }).allow,
      revoke: (plain as { revoke: object }).revoke,
    });
  });

  test('are told from version 2 by what they do not say', () => {
    expect(problemsOf(version1(undefined, { rai: 2 })).join()).toContain('$.role');
    expect(problemsOf({ crypto: { method: 'ecc' } }).join()).toContain('$.crypto.method');
  });
});

test('A9 a second rotation does not lengthen what is left of the first key', () => {
  const made = createRai({ method: 'aes', relay, allow: { max_ttl_seconds: 600 } });
  const once = rotateRai(made.relay, made.issuer, { now: NOW, graceSeconds: 100 });
  const twice = rotateRai(once.relay, once.issuer as object, { now: NOW + 50, graceSeconds: 100 });
  const untils = (twice.relay as { keys: Loose[] }).keys.map(({ status, until }) => [status, until]);
  expect(untils).toEqual([
    ['active', undefined],
    ['accept', NOW + 750],
    ['accept', NOW + 700],
  ]);
});

test('A9 a new encryption key of an ecc relay waits for the longest life of all its issuers, who keep the old one', () => {
  const made = createRai({ method: 'ecc', relay, iss: 'short', allow: { max_ttl_seconds: 60 } });
  const other = createRai({ method: 'ecc', relay, iss: 'long', allow: { max_ttl_seconds: 7200 } });
  const relayFile = made.relay as { keys: Loose[]; issuers: Loose[] };
  const both = {
    ...relayFile,
    issuers: [...relayFile.issuers, ...(other.relay as typeof relayFile).issuers],
  };
  const rotated = rotateRai(both, made.issuer, { now: NOW, graceSeconds: 10, parts: 'enc' });
  const keys = (rotated.relay as typeof relayFile).keys.map(({ status, until }) => [status, until]);
  expect(keys).toEqual([
    ['active', undefined],
    ['accept', NOW + 7210],
  ]);
  const issuer = rotated.issuer as { use: string; keys: Loose[] };
  expect(issuer.keys.map(({ kid }) => kid)).toEqual([issuer.use, (made.issuer as typeof issuer).use]);
});
