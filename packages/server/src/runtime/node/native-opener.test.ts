/** The native primitives on real tokens: both methods, the platform's own checks, and keys that stay KeyObjects. */
import { readFileSync } from 'node:fs';
import { createKeyring, createRai, type Keyring, parseRai, type RaiFile, sealToken } from 'relayapi-token';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nativeOpenToken } from './native-opener.ts';

const NOW = 1_800_000_000;
const claims = {
  iss: 'shop',
  aud: 'relay.example.com',
  jti: 'AAECAwQFBgcICQoL',
  iat: NOW - 10,
  exp: NOW + 3000,
  upstream: { provider: 'openai', key: 'sk-demo-not-a-key' },
};

async function makePair(method: 'aes' | 'ecc'): Promise<{ issuer: RaiFile; keyring: Keyring }> {
  const pair = createRai({ method, relay: 'https://relay.example.com/', iss: 'shop' }) as {
    issuer: object;
    relay: object;
  };
  const { keyring } = await createKeyring([{ name: 'r.rai', file: parseRai(pair.relay) }], { generation: 1 });
  return { issuer: parseRai(pair.issuer), keyring };
}

const warnings: string[] = [];
const note = (warning: Error): void => void warnings.push(warning.message);
beforeAll(() => void process.on('warning', note));
afterAll(() => void process.off('warning', note));

describe.each(['aes', 'ecc'] as const)('a token of method %s', (method) => {
  test('opens at once, with everything that is to be known of it', async () => {
    const { issuer, keyring } = await makePair(method);
    const opened = nativeOpenToken(sealToken(issuer, claims), keyring, { now: NOW });
    const [kid, signerKid] = keyring.kids;
    expect(opened).toMatchObject({ kid, id: `${kid}:AAECAwQF`, unknown: [] });
    expect(opened?.signerKid).toBe(method === 'aes' ? undefined : signerKid);
    expect(opened?.claims.upstream[0]?.key?.reveal()).toBe('sk-demo-not-a-key');
    expect(opened?.claimsDigest).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('does not open with one bit of any part turned, or with another relay', async () => {
    const { issuer, keyring } = await makePair(method);
    const parts = sealToken(issuer, claims).split('.');
    for (const [i, part] of parts.entries()) {
      const bytes = Buffer.from(part, 'base64url');
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
      const changed = parts.map((text, at) => (at === i ? bytes.toString('base64url') : text)).join('.');
      expect(nativeOpenToken(changed, keyring, { now: NOW }), `part ${i}`).toBeNull();
    }
    const other = await makePair(method);
    expect(nativeOpenToken(parts.join('.'), other.keyring, { now: NOW })).toBeNull();
    expect(nativeOpenToken(parts.join('.'), keyring, { now: NOW })).not.toBeNull();
  });
});

test('neither opening nor its keys make Node warn of anything', async () => {
  for (const method of ['aes', 'ecc'] as const) {
    const { issuer, keyring } = await makePair(method);
    expect(nativeOpenToken(sealToken(issuer, claims), keyring, { now: NOW })).not.toBeNull();
  }
  // warnings are told in a later turn
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings.filter((text) => /crypto|key/i.test(text))).toEqual([]);
});

test('A5 A6 nothing that stretches passwords or inflates is within its reach', () => {
  const text = readFileSync(new URL('./native-opener.ts', import.meta.url), 'utf8');
  const imports = [...text.matchAll(/import \{([^}]*)\} from '([^']+)'/g)].map(
    ([, names = '', from]) => [from, names.match(/\w+/g)?.filter((name) => name !== 'type')] as const,
  );
  expect(imports).toEqual([
    [
      'node:crypto',
      [
        'createDecipheriv',
        'createPrivateKey',
        'createPublicKey',
        'createSecretKey',
        'diffieHellman',
        'hash',
        'KeyObject',
        'verify',
      ],
    ],
    ['relayapi-token', ['createSyncOpener', 'OpenPrimitives', 'SyncOpener']],
  ]);
});
