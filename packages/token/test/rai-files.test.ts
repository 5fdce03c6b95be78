/**
 * Making, upgrading and rotating key files, and minting from them.
 */
import {
  createKeyring,
  createRai,
  MintError,
  openToken,
  parseRai,
  RaiError,
  rotateRai,
  Secret,
  sealToken,
  upgradeRai,
} from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { makeClaims, makePair, NOW } from './support/pairs.ts';

type Loose = Record<string, unknown>;
const relay = 'https://relay.example.com/relayapi';

/** The problems of a RaiError, else a failure. */
function problemsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof RaiError) return error.problems.map((p) => `${p.path} ${p.message}`);
    throw error;
  }
  throw new Error('accepted');
}

describe('createRai', () => {
  test('a pair has fresh keys, a random kid, and its names from the URL', () => {
    const one = createRai({ method: 'aes', relay }).issuer as Loose;
    const two = createRai({ method: 'aes', relay }).issuer as Loose;
    expect(one).toMatchObject({
      rai: 2,
      role: 'issuer',
      relay: `${relay}/`,
      aud: 'relay.example.com',
      iss: 'default',
    });
    expect(one.use).not.toBe(two.use);
    expect((one.keys as Loose[])[0]?.k).not.toBe((two.keys as Loose[])[0]?.k);
  });

  test("an ecc pair keeps each side's private key on its side", () => {
    const pair = createRai({ method: 'ecc', relay });
    const issuer = pair.issuer as { keys: Loose[]; sign: Loose };
    const relaySide = pair.relay as { keys: Loose[]; issuers: { keys: Loose[] }[] };
    expect(issuer.keys[0]).not.toHaveProperty('d');
    expect(issuer.sign).toHaveProperty('d');
    expect(relaySide.keys[0]).toHaveProperty('d');
    expect(relaySide.issuers[0]?.keys[0]).not.toHaveProperty('d');
  });

  test('a shared file serves both sides', async () => {
    const { shared } = createRai({
      method: 'aes',
      relay: 'http://127.0.0.1:8840/relayapi/',
      role: 'shared',
      iss: 'shop',
      aud: 'relay.example.com',
    });
    const file = parseRai(shared);
    const { keyring } = await createKeyring([{ name: 'default.rai', file }], { generation: 1 });
    expect(await openToken(sealToken(file, makeClaims()), keyring, { now: NOW })).not.toBeNull();
  });

  test('what would not load is not made', () => {
    expect(problemsOf(() => createRai({ method: 'aes', relay: 'nonsense' }))[0]).toContain('$.relay');
    expect(problemsOf(() => createRai({ method: 'aes', relay, iss: 'a b' }))[0]).toContain('$.iss');
    expect(problemsOf(() => createRai({ method: 'aes', relay, allow: { host: [] } }))[0]).toContain(
      '$.allow.host',
    );
    expect(problemsOf(() => createRai({ method: 'ecc', relay, role: 'shared' }))[0]).toContain('$.role');
    expect(problemsOf(() => createRai({ method: 'aes', relay: 'ftp://a/' }))[0]).toContain('$.relay');
  });

  test('kids are 4 to 32 characters and never start with a dash', () => {
    for (let i = 0; i < 200; i++) {
      expect((createRai({ method: 'aes', relay }).issuer as Loose).use).toMatch(
        /^[A-Za-z0-9_][A-Za-z0-9_-]{7}$/,
      );
    }
  });
});

describe('parseRai', () => {
  test('takes text, bytes and objects alike', () => {
    const { issuer } = createRai({ method: 'ecc', relay });
    const text = JSON.stringify(issuer);
    for (const source of [text, new TextEncoder().encode(text), issuer]) {
      expect(JSON.stringify(parseRai(source))).toBe(JSON.stringify(parseRai(text)));
    }
    expect(JSON.stringify(parseRai(text))).not.toContain((issuer as { sign: { d: string } }).sign.d);
  });

  test('an unknown member names the one that was meant', () => {
    const file = { ...createRai({ method: 'aes', relay }).relay, revok: {} };
    try {
      parseRai(file);
      throw new Error('accepted');
    } catch (error) {
      expect((error as RaiError).problems).toEqual([
        {
          path: '$.revok',
          message: 'is not a member known here',
          fix: 'did you mean revoke? Else remove it',
        },
      ]);
      expect((error as RaiError).message).toContain('$.revok: is not a member known here');
    }
  });

  test('a key in the place of a name is not repeated', () => {
    const secret = 'c'.repeat(43);
    const file = { ...createRai({ method: 'aes', relay }).relay, [secret]: 1, iss: `${secret} x` };
    expect(problemsOf(() => parseRai(file)).join()).not.toContain(secret);
  });

  test.each([
    ['null', null],
    ['a number', 1],
    ['a text', 'x y'],
    ['a list', []],
  ])('%s for any member is a problem, not a crash', (_what, value) => {
    for (const method of ['aes', 'ecc'] as const) {
      const pair = createRai({ method, relay, allow: { per_sub: { calls: 1 } } });
      for (const file of [pair.issuer, pair.relay] as Loose[]) {
        for (const name of Object.keys(file)) {
          expect(problemsOf(() => parseRai({ ...file, [name]: value })).length).toBeGreaterThan(0);
          const inner = file[name];
          if (!Array.isArray(inner)) continue;
          expect(problemsOf(() => parseRai({ ...file, [name]: [value] })).length).toBeGreaterThan(0);
          for (const member of Object.keys(inner[0] as object)) {
            const broken = [{ ...(inner[0] as object), [member]: value }];
            expect(problemsOf(() => parseRai({ ...file, [name]: broken })).length).toBeGreaterThan(0);
          }
        }
      }
    }
  });

  test('a circular object is a problem too', () => {
    const file: Loose = {};
    file.self = file;
    expect(problemsOf(() => parseRai(file))).toHaveLength(1);
  });
});

describe('upgradeRai', () => {
  const hex = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
  const v1 = {
    crypto: { method: 'aes', aes_key: hex, aes_iv_seed: 's' },
    server: { host: 'https://old.example.com', port: 443 },
  };

  test('A12 gives a pair for the old address with a fresh key', () => {
    const pair = upgradeRai(v1);
    const issuer = parseRai(pair.issuer);
    expect(issuer).toMatchObject({ version: 2, role: 'issuer', relay: 'https://old.example.com/relayapi/' });
    const derived = parseRai(v1);
    if (derived.role !== 'shared' || issuer.method !== 'aes') throw new Error('wrong kinds');
    expect(issuer.keys[0]?.k.reveal()).not.toBe(derived.keys[0]?.k.reveal());
    expect(JSON.stringify(pair)).not.toContain(hex);
  });

  test('takes a passphrase and the published sample, since the key is replaced', () => {
    for (const aes_key of ['correct horse', '0123456789abcdef'.repeat(4)]) {
      const old = { ...v1, crypto: { ...v1.crypto, aes_key } };
      expect(() => parseRai(old)).toThrow(RaiError);
      expect(parseRai(upgradeRai(old, { method: 'ecc' }).relay).method).toBe('ecc');
    }
  });

  test('refuses what is no version 1 file', () => {
    expect(problemsOf(() => upgradeRai(createRai({ method: 'aes', relay }).relay))[0]).toContain(
      '$ is not a version 1 file',
    );
    expect(problemsOf(() => upgradeRai('{'))).toHaveLength(1);
  });
});

describe('rotateRai', () => {
  test('leaves the files it was given alone', () => {
    const pair = createRai({ method: 'ecc', relay });
    const before = JSON.stringify(pair);
    rotateRai(pair.relay, pair.issuer, { now: NOW });
    expect(JSON.stringify(pair)).toBe(before);
  });

  test('old keys end after the longest life plus the grace, and ended ones go', () => {
    const pair = createRai({ method: 'aes', relay, allow: { max_ttl_seconds: 600 } });
    const once = rotateRai(pair.relay, pair.issuer, { now: NOW, graceSeconds: 60 });
    const keys = (once.relay as { keys: Loose[] }).keys;
    expect(keys.map((k) => [k.status, k.until])).toEqual([
      ['active', undefined],
      ['accept', NOW + 660],
    ]);
    const twice = rotateRai(once.relay, once.issuer, { now: NOW + 660, graceSeconds: 60 });
    expect((twice.relay as { keys: Loose[] }).keys.map((k) => k.until)).toEqual([undefined, NOW + 1320]);
  });

  test('a shared file is rotated alone', () => {
    const { shared } = createRai({ method: 'aes', relay, role: 'shared' });
    const { relay: after, issuer } = rotateRai(shared, null, { now: NOW });
    expect(issuer).toBeNull();
    const file = parseRai(after);
    expect(file.role === 'shared' && file.use === file.keys[0]?.kid && file.keys.length).toBe(2);
  });

  test('files that do not belong together are refused', () => {
    const a = createRai({ method: 'aes', relay, iss: 'a' });
    const b = createRai({ method: 'aes', relay, iss: 'b' });
    const c = createRai({ method: 'ecc', relay, iss: 'a' });
    const d = createRai({ method: 'ecc', relay, iss: 'd' });
    const { shared } = createRai({ method: 'aes', relay, role: 'shared' });
    const pairs: [object, object | null][] = [
      [a.relay, b.issuer],
      [a.relay, c.issuer],
      [a.relay, null],
      [a.issuer, a.issuer],
      [shared, a.issuer],
      [c.relay, d.issuer],
    ];
    for (const [one, other] of pairs)
      expect(problemsOf(() => rotateRai(one, other, { now: NOW }))).toHaveLength(1);
  });
});

describe('sealToken', () => {
  test.each([
    ['a relay file', 'rai', async () => ({ file: parseRai(createRai({ method: 'aes', relay }).relay) })],
    [
      'an http relay elsewhere',
      'relay',
      async () => ({
        file: parseRai(createRai({ method: 'aes', relay: 'http://relay.example.com/', iss: 'shop' }).issuer),
      }),
    ],
    [
      'a token over 4096 characters',
      'token',
      async () => ({ file: (await makePair('aes')).issuer, extra: { set: { prompt: 'x'.repeat(3500) } } }),
    ],
    [
      'a forbidden name deep in set',
      'claims',
      async () => ({
        file: (await makePair('aes')).issuer,
        extra: { set: { a: JSON.parse('{"__proto__":1}') } },
      }),
    ],
    [
      'a shared file that grants less',
      'exp',
      async () => ({
        file: parseRai(
          (
            createRai({
              method: 'aes',
              relay,
              iss: 'shop',
              role: 'shared',
              allow: { max_ttl_seconds: 60 },
            }) as { shared: object }
          ).shared,
        ),
      }),
    ],
  ] as [string, string, () => Promise<{ file: ReturnType<typeof parseRai>; extra?: object }>][])(
    'refuses %s, naming %s',
    async (_what, claim, make) => {
      const { file, extra } = await make();
      try {
        sealToken(file, makeClaims(extra));
        throw new Error('sealed');
      } catch (error) {
        expect(error).toBeInstanceOf(MintError);
        expect(error).toBeInstanceOf(TypeError);
        expect((error as MintError).claim).toBe(claim);
        expect((error as MintError).message).not.toContain('sk-demo');
      }
    },
  );

  test('a Secret as key is sealed in clear text, not as its mask', async () => {
    const { issuer, keyring } = await makePair('aes');
    const upstream = { provider: 'openai', key: new Secret('sk-demo-not-a-key') };
    const opened = await openToken(sealToken(issuer, makeClaims({ upstream })), keyring, { now: NOW });
    expect(opened?.claims.upstream[0]?.key?.reveal()).toBe('sk-demo-not-a-key');
    const parts = { provider: 'aws', credential: { id: new Secret('AKIADEMO'), other: 'plain' } };
    const again = await openToken(sealToken(issuer, makeClaims({ upstream: [parts] })), keyring, {
      now: NOW,
    });
    expect(again?.claims.upstream[0]?.credential?.id?.reveal()).toBe('AKIADEMO');
  });

  test('undefined members are left out', async () => {
    const { issuer, keyring } = await makePair('aes');
    const claims = makeClaims({ sub: undefined, limits: { calls: 3, rate: undefined } });
    const opened = await openToken(sealToken(issuer, claims), keyring, { now: NOW });
    expect(opened?.claims).not.toHaveProperty('sub');
    expect(opened?.claims.limits).toEqual({ calls: 3 });
  });

  test.each(['http://localhost:8840/', 'http://127.0.0.1/', 'http://[::1]:8840/'])(
    'a relay at %s needs no TLS',
    async (url) => {
      const { issuer } = createRai({ method: 'ecc', relay: url, iss: 'shop', aud: 'relay.example.com' });
      expect(sealToken(parseRai(issuer), makeClaims())).toMatch(/^eyJ/);
    },
  );

  test('nonsense in place of claims is a MintError, not a crash', async () => {
    const { issuer } = await makePair('aes');
    for (const upstream of [null, undefined, 'openai', [], [null], 7]) {
      expect(() => sealToken(issuer, makeClaims({ upstream: upstream as never }))).toThrow(MintError);
    }
  });
});
