/** Fresh files as they are written: what stands in them, and what their makers are told. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { RaiError } from './errors.ts';
import { createRai, rotateRai, upgradeRai } from './rai-make.ts';

type Loose = Record<string, unknown>;
const relay = 'https://relay.example.com/relayapi/';
const NOW = 1_800_000_000;

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof RaiError) return error.message;
    throw error;
  }
  return 'made';
}

const oct = (status?: string) => ({
  kty: 'oct',
  kid: expect.any(String),
  use: 'enc',
  alg: 'A256KW',
  k: expect.stringMatching(/^[\w-]{43}$/),
  ...(status && { status }),
});
const ec = (use: 'enc' | 'sig', secret: boolean, status?: string) => ({
  kty: 'EC',
  crv: 'P-256',
  kid: expect.any(String),
  use,
  alg: use === 'enc' ? 'ECDH-ES+A256KW' : 'ES256',
  x: expect.stringMatching(/^[\w-]{43}$/),
  y: expect.stringMatching(/^[\w-]{43}$/),
  ...(secret && { d: expect.stringMatching(/^[\w-]{43}$/) }),
  ...(status && { status }),
});

describe('fresh files', () => {
  const allow = { max_calls: 5 };
  const names = { aud: 'relay.example.com', iss: 'shop' };

  test('of method aes hold one key on both sides, and the grant on the relay’s', () => {
    const { issuer, relay: relaySide } = createRai({ method: 'aes', relay, iss: 'shop', allow });
    const { use } = issuer as Loose;
    expect(issuer).toEqual({ rai: 2, method: 'aes', role: 'issuer', relay, ...names, use, keys: [oct()] });
    expect(relaySide).toEqual({
      rai: 2,
      method: 'aes',
      role: 'relay',
      ...names,
      keys: [oct('active')],
      allow,
    });
    expect((issuer as { keys: Loose[] }).keys[0]?.kid).toBe(use);
  });

  test('of method ecc hold each private key on one side alone', () => {
    const { issuer, relay: relaySide } = createRai({ method: 'ecc', relay, iss: 'shop', allow });
    const { use } = issuer as Loose;
    expect(issuer).toEqual({
      rai: 2,
      method: 'ecc',
      role: 'issuer',
      relay,
      ...names,
      use,
      keys: [ec('enc', false)],
      sign: ec('sig', true),
    });
    expect(relaySide).toEqual({
      rai: 2,
      method: 'ecc',
      role: 'relay',
      aud: names.aud,
      keys: [ec('enc', true, 'active')],
      issuers: [{ iss: 'shop', keys: [ec('sig', false, 'active')], allow }],
    });
  });

  test('shared are one', () => {
    const { shared } = createRai({ method: 'aes', role: 'shared', relay, aud: 'here', allow });
    const { use } = shared as Loose;
    expect(shared).toEqual({
      rai: 2,
      role: 'shared',
      method: 'aes',
      relay,
      aud: 'here',
      iss: 'default',
      use,
      keys: [oct('active')],
      allow,
    });
  });

  test('A55 print as nothing, and are written in full', () => {
    const { issuer } = createRai({ method: 'aes', relay });
    expect(inspect(issuer)).toBe('[key file]');
    expect(inspect({ issuer })).not.toContain((issuer as { keys: { k: string }[] }).keys[0]?.k as string);
    expect(JSON.parse(JSON.stringify(issuer)).keys[0].k).toHaveLength(43);
  });
});

describe('whoever makes files is told', () => {
  test.each(['nonsense', 'https://', ''])('that %j is no relay', (text) => {
    expect(refusalOf(() => createRai({ method: 'aes', relay: text }))).toBe(
      '$.relay: is not a URL; write https://relay.example.com/relayapi/',
    );
  });

  test.each([[createRai({ method: 'aes', relay }).relay], [[]], [{ rai: 2 }], ['{}']])(
    'that a file is not of version 1: %#',
    (file) => {
      expect(refusalOf(() => upgradeRai(file))).toBe(
        '$: is not a version 1 file; give the file that holds "crypto"',
      );
    },
  );

  test('that a version 1 file names no relay, unless another is given', () => {
    const old = { crypto: {}, server: { host: 7 } };
    expect(refusalOf(() => upgradeRai(old))).toContain('$.server.host: must be a text');
    expect(refusalOf(() => upgradeRai(old, { relay }))).toBe('made');
    expect(upgradeRai(old, { relay, role: 'shared' }).issuer).toMatchObject({ role: 'issuer', relay });
  });

  test('which files belong together', () => {
    const aes = createRai({ method: 'aes', relay, iss: 'a' });
    const other = createRai({ method: 'aes', relay, iss: 'b' });
    const elsewhere = createRai({ method: 'aes', relay, iss: 'a', aud: 'other' });
    const ecc = createRai({ method: 'ecc', relay, iss: 'a' });
    const stranger = createRai({ method: 'ecc', relay, iss: 'b' });
    const rotate = (one: object, two: object | null) => refusalOf(() => rotateRai(one, two, { now: NOW }));
    const kinds =
      '$.role: rotation takes a shared file alone, or a relay file with its issuer file; give the two files of one pair';
    expect(rotate(aes.relay, elsewhere.issuer)).toBe(kinds);
    expect(rotate(aes.relay, ecc.issuer)).toBe(kinds);
    expect(rotate(aes.relay, aes.relay)).toBe(kinds);
    expect(rotate(aes.relay, other.issuer)).toBe(
      '$.iss: the two files name different issuers; give the two files of one pair',
    );
    expect(rotate(ecc.relay, stranger.issuer)).toBe(
      "$.iss: the relay's file does not know this issuer; give the two files of one pair",
    );
  });
});

describe('A9 a rotation', () => {
  const statesOf = (keys: unknown) => (keys as Loose[]).map(({ status, until }) => [status, until]);

  test('leaves the old key a day of grace beside the longest life, where nothing else is said', () => {
    for (const method of ['aes', 'ecc'] as const) {
      const { relay: before, issuer } = createRai({ method, relay });
      const after = rotateRai(before, issuer, { now: NOW }).relay as Loose;
      expect(statesOf(after.keys)).toEqual([
        ['active', undefined],
        ['accept', NOW + 2 * 86_400],
      ]);
    }
  });

  test('of signing keys alone leaves the encryption key, and the other way round', () => {
    const made = createRai({ method: 'ecc', relay, allow: { max_ttl_seconds: 60 } });
    const read = (pair: { relay: object; issuer: object | null }) => ({
      relay: pair.relay as { keys: Loose[]; issuers: { keys: Loose[] }[] },
      issuer: pair.issuer as { keys: Loose[]; sign: Loose; use: string },
    });
    const before = read(made);
    const signing = read(rotateRai(made.relay, made.issuer, { now: NOW, graceSeconds: 10, parts: 'sig' }));
    expect(signing.relay.keys).toEqual(before.relay.keys);
    expect(signing.issuer.use).toBe(before.issuer.use);
    expect(signing.issuer.sign.kid).not.toBe(before.issuer.sign.kid);
    const [fresh, old] = (signing.relay.issuers[0]?.keys ?? []) as [Loose, Loose];
    expect(fresh).toEqual(ec('sig', false, 'active'));
    expect(fresh.kid).toBe(signing.issuer.sign.kid);
    expect(old).toMatchObject({ kid: before.issuer.sign.kid, status: 'accept', until: NOW + 70 });
    const sealing = read(rotateRai(made.relay, made.issuer, { now: NOW, parts: 'enc' }));
    expect(sealing.issuer.sign).toEqual(before.issuer.sign);
    expect(sealing.relay.issuers).toEqual(before.relay.issuers);
    expect(sealing.issuer.keys).toEqual([ec('enc', false), before.issuer.keys[0]]);
    expect(sealing.relay.keys[0]).toEqual(ec('enc', true, 'active'));
  });

  test('drops keys that have ended, to the second', () => {
    const made = createRai({ method: 'aes', relay, allow: { max_ttl_seconds: 60 } });
    const once = rotateRai(made.relay, made.issuer, { now: NOW, graceSeconds: 0 });
    const at = (now: number) =>
      (rotateRai(once.relay, once.issuer, { now, graceSeconds: 0 }).relay as { keys: Loose[] }).keys.length;
    expect(at(NOW + 59)).toBe(3);
    expect(at(NOW + 60)).toBe(2);
  });

  test('of aes files changes the key that the issuer seals with', () => {
    const made = createRai({ method: 'aes', relay });
    const after = rotateRai(made.relay, made.issuer, { now: NOW });
    const issuer = after.issuer as { use: string; keys: Loose[] };
    expect(issuer.keys).toEqual([oct()]);
    expect(issuer.keys[0]?.kid).toBe(issuer.use);
    expect((after.relay as { keys: Loose[] }).keys[0]).toEqual({ ...issuer.keys[0], status: 'active' });
  });
});
