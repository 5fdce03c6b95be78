/** The strict checks stand before all cryptography: what they refuse reaches no key. */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type LoadedPair, makeClaims, makePair, NOW } from '../test/support/pairs.ts';
import { decodeBase64Url, decodeUtf8, encodeBase64Url, encodeUtf8 } from './bytes.ts';
import { openToken } from './open.ts';
import { sealToken } from './seal.ts';

type Header = Record<string, unknown>;
const made = new Map<'aes' | 'ecc', LoadedPair>();
const pairOf = (method: 'aes' | 'ecc') => made.get(method) as LoadedPair;

beforeAll(async () => {
  for (const method of ['aes', 'ecc'] as const) made.set(method, await makePair(method));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** What opening answers, and how often it touched the platform's cryptography. */
async function open(method: 'aes' | 'ecc', change: (parts: string[]) => string[]) {
  const { issuer, keyring } = pairOf(method);
  const token = change(sealToken(issuer, makeClaims()).split('.')).join('.');
  const spies = (['unwrapKey', 'deriveBits', 'decrypt', 'importKey', 'verify'] as const).map((name) =>
    vi.spyOn(crypto.subtle, name),
  );
  const opened = await openToken(token, keyring, { now: NOW });
  return { opened: opened !== null, touched: spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0) };
}

const part =
  (i: number, make: (text: string) => string) =>
  (parts: string[]): string[] =>
    parts.map((text, at) => (at === i ? make(text) : text));
const header = (make: (value: Header) => unknown) =>
  part(0, (text) => {
    const value = JSON.parse(decodeUtf8(decodeBase64Url(text) as Uint8Array) as string) as Header;
    return encodeBase64Url(encodeUtf8(JSON.stringify(make(value))));
  });
const refused = { opened: false, touched: 0 };

test.each(['aes', 'ecc'] as const)(
  'an untouched %s token opens, and that takes cryptography',
  async (method) => {
    const { opened, touched } = await open(method, (parts) => parts);
    expect(opened).toBe(true);
    expect(touched).toBeGreaterThan(0);
  },
);

describe('no cryptography for', () => {
  test.each<[string, (parts: string[]) => string[]]>([
    ['a longer wrapped key', part(1, (text) => `${text}AAAA`)],
    ['a shorter wrapped key', part(1, (text) => text.slice(4))],
    ['a longer IV', part(2, (text) => `${text}AAAA`)],
    ['a shorter IV', part(2, (text) => text.slice(4))],
    ['a longer tag', part(4, (text) => `AAAA${text}`)],
    ['a shorter tag', part(4, (text) => text.slice(4))],
    ['a padded text', part(3, (text) => `${text}=`)],
    ['a header that is a list', header((value) => [value])],
    ['a header that is null', header(() => null)],
    ['a header that is a text', header(() => 'A256KW')],
    ['another algorithm', header((value) => ({ ...value, alg: 'dir' }))],
    ['another encryption', header((value) => ({ ...value, enc: 'A128GCM' }))],
    ['another type', header((value) => ({ ...value, typ: 'JWT' }))],
    ['a member more', header((value) => ({ ...value, zip: 'DEF' }))],
    ['a member less', header(({ typ: _, ...rest }) => rest)],
    ['a member in the place of another', header(({ typ: _, ...rest }) => ({ ...rest, crit: [] }))],
    ['a key id that is no text', header((value) => ({ ...value, kid: [value.kid] }))],
    ['an unknown key id', header((value) => ({ ...value, kid: 'nobody' }))],
  ])('%s', async (_what, change) => {
    for (const method of ['aes', 'ecc'] as const) expect(await open(method, change)).toEqual(refused);
  });

  test.each<[string, (epk: Header) => unknown]>([
    ['of another kind', (epk) => ({ ...epk, kty: 'OKP' })],
    ['of another curve', (epk) => ({ ...epk, crv: 'P-384' })],
    ['with a short coordinate', (epk) => ({ ...epk, x: 'AAAA' })],
    ['with a private part', (epk) => ({ ...epk, d: epk.x })],
    ['with a coordinate that is no text', (epk) => ({ ...epk, y: [epk.y] })],
    ['that is a text', () => 'epk'],
    ['that is null', () => null],
    ['that is a list', (epk) => [epk]],
  ])('an ephemeral key %s', async (_what, make) => {
    const change = header((value) => ({ ...value, epk: make(value.epk as Header) }));
    expect(await open('ecc', change)).toEqual(refused);
  });
});

test('what is opened names its keys, and its log name holds eight characters of its id', async () => {
  for (const method of ['aes', 'ecc'] as const) {
    const { issuer, keyring } = pairOf(method);
    const opened = await openToken(sealToken(issuer, makeClaims()), keyring, { now: NOW });
    const [outer, signer] = keyring.kids;
    expect(opened).toMatchObject({ kid: outer, id: `${outer}:AAECAwQF`, unknown: [] });
    expect(opened?.signerKid).toBe(method === 'aes' ? undefined : signer);
    expect(opened && 'signerKid' in opened).toBe(method === 'ecc');
  }
});
