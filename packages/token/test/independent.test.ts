/**
 * Tokens minted by JOSE implementations that know nothing of this project open (acceptance item A14),
 * and those implementations open ours.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify, importJWK, type JWK } from 'jose';
import { type Keyring, openToken, sealToken } from 'relayapi-token';
import { afterAll, describe, expect, test } from 'vitest';
import { makeClaims, makePair, NOW } from './support/pairs.ts';
import { requireTool, runTool } from './support/require-tool.ts';
import { toPlain } from './support/vectors.ts';

type Jwk = Record<string, string>;
interface IssuerFile {
  method: 'aes' | 'ecc';
  use: string;
  keys: Jwk[];
  sign: Jwk;
}

const claims = makeClaims({
  limits: { calls: 3, rate: [10, 60] },
  models: ['gpt-4o-mini'],
  meta: { plan: 'frei ä' },
});
const expected = { ...JSON.parse(JSON.stringify(claims)), upstream: [claims.upstream] };
const encoder = new TextEncoder();

async function expectOpens(token: string, keyring: Keyring): Promise<void> {
  const opened = await openToken(token.trim(), keyring, { now: NOW });
  if (opened === null) throw new Error('the token was refused');
  expect(toPlain(opened.claims)).toEqual(expected);
}

const python = requireTool('python3-jwcrypto', '/usr/bin/python3', ['-c', 'import jwcrypto']);
const joseCommand = requireTool('jose (the C tool)', 'jose', ['alg', '-k', 'wrap']);

describe('A14 plain jose', () => {
  test('A14 an aes token minted by plain jose opens', async () => {
    const { raw, keyring } = await makePair('aes');
    const key = (raw.issuer as unknown as IssuerFile).keys[0] as Jwk;
    const token = await new CompactEncrypt(encoder.encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM', kid: key.kid as string, typ: 'rai+jwt' })
      .encrypt(await importJWK(key as JWK, 'A256KW'));
    await expectOpens(token, keyring);
  });

  test('A14 an ecc token minted by plain jose opens', async () => {
    const { raw, keyring } = await makePair('ecc');
    const { keys, sign } = raw.issuer as unknown as IssuerFile;
    const key = keys[0] as Jwk;
    const jws = await new CompactSign(encoder.encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'ES256', kid: sign.kid as string, typ: 'rai+jwt' })
      .sign(await importJWK(sign as unknown as JWK, 'ES256'));
    const token = await new CompactEncrypt(encoder.encode(jws))
      .setProtectedHeader({
        alg: 'ECDH-ES+A256KW',
        enc: 'A256GCM',
        kid: key.kid as string,
        typ: 'rai+jwt',
        cty: 'JWT',
      })
      .encrypt(await importJWK(key as unknown as JWK, 'ECDH-ES+A256KW'));
    await expectOpens(token, keyring);
  });

  test('plain jose opens our tokens of both methods', async () => {
    const aes = await makePair('aes');
    const k = (aes.raw.issuer as unknown as IssuerFile).keys[0] as unknown as JWK;
    const opened = await compactDecrypt(sealToken(aes.issuer, claims), await importJWK(k, 'A256KW'));
    expect(JSON.parse(new TextDecoder().decode(opened.plaintext))).toEqual(
      JSON.parse(JSON.stringify(claims)),
    );

    const ecc = await makePair('ecc');
    const relay = (ecc.raw.relay.keys as JWK[])[0] as JWK;
    const { sign } = ecc.raw.issuer as unknown as IssuerFile;
    const outer = await compactDecrypt(
      sealToken(ecc.issuer, claims),
      await importJWK(relay, 'ECDH-ES+A256KW'),
    );
    const { d: _d, ...open } = sign;
    const inner = await compactVerify(outer.plaintext, await importJWK(open as unknown as JWK, 'ES256'));
    expect(JSON.parse(new TextDecoder().decode(inner.payload))).toEqual(JSON.parse(JSON.stringify(claims)));
  });
});

describe.skipIf(!python)('A14 python3-jwcrypto', () => {
  test.each(['aes', 'ecc'] as const)('A14 an %s token minted by jwcrypto opens', async (method) => {
    const { raw, keyring } = await makePair(method);
    const script = join(import.meta.dirname, 'support', 'mint_jwcrypto.py');
    const token = runTool('/usr/bin/python3', [script], JSON.stringify({ issuer: raw.issuer, claims }));
    await expectOpens(token, keyring);
  });
});

describe.skipIf(!joseCommand)('A14 the jose command in C', () => {
  const dir = mkdtempSync(join(tmpdir(), 'relayapi-token-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  const file = (name: string, content: unknown): string => {
    const path = join(dir, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const encrypt = (key: Jwk, header: object, plaintext: string): string =>
    runTool(
      'jose',
      [
        'jwe',
        'enc',
        '-c',
        '-i',
        file('header', { protected: header }),
        '-I',
        file('text', plaintext),
        '-k',
        file('key', key),
      ],
      '',
    );

  test('A14 an aes token minted by the jose command opens', async () => {
    const { raw, keyring } = await makePair('aes');
    const { use: _use, ...key } = (raw.issuer as unknown as IssuerFile).keys[0] as Jwk;
    const header = { alg: 'A256KW', enc: 'A256GCM', kid: key.kid, typ: 'rai+jwt' };
    await expectOpens(encrypt(key, header, JSON.stringify(claims)), keyring);
  });

  test('A14 an ecc token minted by the jose command opens', async () => {
    const { raw, keyring } = await makePair('ecc');
    const { keys, sign } = raw.issuer as unknown as IssuerFile;
    const { use: _use, ...key } = keys[0] as Jwk;
    const template = file('signature', { protected: { alg: 'ES256', kid: sign.kid, typ: 'rai+jwt' } });
    const payload = file('claims', JSON.stringify(claims));
    const jws = runTool(
      'jose',
      ['jws', 'sig', '-c', '-I', payload, '-s', template, '-k', file('sign', sign)],
      '',
    ).trim();
    const header = { alg: 'ECDH-ES+A256KW', enc: 'A256GCM', kid: key.kid, typ: 'rai+jwt', cty: 'JWT' };
    await expectOpens(encrypt(key, header, jws), keyring);
  });
});
