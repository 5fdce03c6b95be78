/** Loaded keys: what may be shown of them, what may not be had from them, and why a file is not among them. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createKeyring, type Keyring, stateOf } from './keyring.ts';
import { parseRai } from './rai.ts';
import { createRai, rotateRai } from './rai-make.ts';

const NOW = 1_800_000_000;
const relay = 'https://relay.example.com/';
const make = (method: 'aes' | 'ecc', iss = 'shop') => createRai({ method, relay, iss });
const load = (...files: object[]) =>
  createKeyring(
    files.map((file, i) => ({ name: `${i}.rai`, file: parseRai(file) })),
    { generation: 3 },
  );
afterEach(() => {
  vi.restoreAllMocks();
});

describe('A55 a loaded key', () => {
  test.each(['aes', 'ecc'] as const)('of method %s cannot be taken out again', async (method) => {
    const { outer, signers } = stateOf((await load(make(method).relay)).keyring);
    for (const { key } of [...outer.values(), ...signers.values()].filter(
      (one) => one.key.type !== 'public',
    )) {
      expect(key.extractable).toBe(false);
      await expect(crypto.subtle.exportKey('jwk', key)).rejects.toThrow();
    }
    expect([...outer.values()].map(({ key }) => key.usages)).toEqual([
      method === 'aes' ? ['unwrapKey'] : ['deriveBits'],
    ]);
    expect([...signers.values()].map(({ key }) => key.usages)).toEqual(method === 'aes' ? [] : [['verify']]);
  });

  test('leaves no clear bytes behind', async () => {
    const spy = vi.spyOn(crypto.subtle, 'importKey');
    await load(make('aes').relay);
    expect(spy.mock.calls[0]?.[1]).toEqual(new Uint8Array(32));
  });
});

test('entries say whose keys they are, of which file, and until when', async () => {
  const made = make('aes');
  const rotated = rotateRai(made.relay, made.issuer, { now: NOW, graceSeconds: 0 });
  const { keyring } = await load(rotated.relay, make('ecc', 'other').relay);
  const plain = { status: 'active', fileName: '1.rai', kid: expect.any(String) };
  expect(keyring.entries).toEqual([
    { ...plain, method: 'aes', iss: 'shop', fileName: '0.rai' },
    { ...plain, method: 'aes', iss: 'shop', fileName: '0.rai', status: 'accept', until: NOW + 86_400 },
    { ...plain, method: 'ecc' },
    { ...plain, method: 'ecc', iss: 'other' },
  ]);
  expect(keyring.generation).toBe(3);
});

describe('a file is left out, and the operator is told why', () => {
  const problemsOf = async (...files: object[]) =>
    (await load(...files)).rejected.flatMap(({ problems }) =>
      problems.map(({ path, message, fix }) => `${path}: ${message}; ${fix}`),
    );
  const unique = 'names are unique over all loaded files: rename it, or remove one of the files';

  test('an issuer’s', async () => {
    expect(await problemsOf(make('aes').issuer)).toEqual([
      '$.role: is an issuer\'s file, which a relay does not load; give the relay the file with role "relay" and keep this one with the backend',
    ]);
  });

  test.each([
    ['aes', ['$.iss']],
    ['ecc', ['$.issuers[0].iss']],
  ] as const)('of method %s, with an issuer that is loaded', async (method, paths) => {
    expect(await problemsOf(make('aes').relay, make(method).relay)).toEqual(
      paths.map((path) => `${path}: "shop" is loaded from another file; ${unique}`),
    );
  });

  test('with a key id that is loaded', async () => {
    const [one, two] = [make('aes', 'one').relay, make('aes', 'two').relay] as { keys: { kid: string }[] }[];
    const kid = one?.keys[0]?.kid;
    const clash = { ...two, keys: [{ ...two?.keys[0], kid }] };
    expect(await problemsOf(one as object, clash)).toEqual([
      `$.keys[0].kid: "${kid}" is loaded from another file; ${unique}`,
    ]);
  });

  test('when the platform cannot import its key, without a word of the platform', async () => {
    vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(new Error('bad key sk-demo-not-a-key'));
    for (const method of ['aes', 'ecc'] as const) {
      expect(await problemsOf(make(method).relay)).toEqual([
        '$.keys: holds a key that this platform cannot import; make a fresh file',
      ]);
    }
  });
});

test('what was not made here is a bug, not a keyring', async () => {
  const { keyring } = await load(make('aes').relay);
  expect(() => stateOf({ ...keyring } as Keyring)).toThrow('not a keyring of createKeyring');
});
