/**
 * The golden vectors against the opener, the sealer and the file reader (acceptance item A1).
 */

import { readFileSync } from 'node:fs';
import { compactDecrypt, importJWK, type JWK } from 'jose';
import {
  createKeyring,
  type Keyring,
  type MintClaims,
  MintError,
  openToken,
  parseRai,
  RaiError,
  sealToken,
} from 'relayapi-token';
import { beforeAll, describe, expect, test } from 'vitest';
import { vectorFiles } from './generate/generate.ts';
import {
  answer,
  expectedClaims,
  keyringFile,
  loadKeyring,
  openCases,
  type RaiCase,
  readVectors,
  toPlain,
} from './support/vectors.ts';

let keyring: Keyring;
beforeAll(async () => {
  keyring = await loadKeyring();
});

describe('A1 every vector gives its stated result', () => {
  test.each(openCases.map((c) => [`${c.spec} ${c.name}`, c] as const))('A1 %s', async (_name, c) => {
    const got = await answer(c.token, keyring, {
      now: c.now,
      ...(c.supported ? { supported: c.supported } : {}),
    });
    if (c.result !== 'opened') {
      expect(got).toEqual({
        denial: { code: c.result, ...(c.result === 'token_invalid' ? {} : { claim: c.claim }) },
      });
      return;
    }
    if (!('opened' in got)) throw new Error(`refused: ${JSON.stringify(got)}`);
    if (c.claims_text !== undefined)
      expect(toPlain(got.opened.claims)).toEqual(expectedClaims(c.claims_text));
    if (c.kid !== undefined) expect(got.opened.kid).toBe(c.kid);
    if (c.signer_kid !== undefined) expect(got.opened.signerKid).toBe(c.signer_kid);
  });

  test('A1 all token_invalid answers are one value, and none throws or rejects', async () => {
    const invalid = openCases.filter((c) => c.result === 'token_invalid');
    const answers = await Promise.all(invalid.map((c) => openToken(c.token, keyring, { now: c.now })));
    expect(new Set(answers)).toEqual(new Set([null]));
    expect(invalid.length).toBeGreaterThan(200);
  });

  test('the strict checks are what refuses: bare jose with the right key opens many of the refused', async () => {
    const file = keyringFile.files[0]?.file as { keys: JWK[] };
    const key = await importJWK(file.keys[0] as JWK, 'A256KW');
    const opened: string[] = [];
    for (const c of openCases.filter((one) => one.result === 'token_invalid')) {
      await compactDecrypt(c.token, key).then(
        () => opened.push(c.spec),
        () => undefined,
      );
    }
    for (const section of ['4.1', '4.2', '4.3', '4.4', '4.5', '4.6', '4.8', '5'])
      expect(opened).toContain(section);
    expect(opened.length).toBeGreaterThan(200);
  });

  test('A1 there are at least 80 vectors, and every section of the format has some', () => {
    const sections = new Set(openCases.map((c) => c.spec));
    for (const section of [
      '2',
      '3',
      '4.1',
      '4.2',
      '4.3',
      '4.4',
      '4.5',
      '4.6',
      '4.7',
      '4.8',
      '4.9',
      '5',
      '6',
      '7',
    ]) {
      expect(sections).toContain(section);
    }
    expect(openCases.length).toBeGreaterThanOrEqual(80);
    expect(new Set(openCases.map((c) => c.name)).size).toBe(openCases.length);
  });

  test('the committed vectors are what the generator writes', () => {
    for (const [name, text] of Object.entries(vectorFiles())) {
      const committed = readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8');
      expect(committed === text, `${name} differs: run the generator`).toBe(true);
    }
  });
});

describe('what a relay refuses is refused at mint already', () => {
  const issuer = parseRai(keyringFile.issuers.shop as object);
  const mintCases = openCases.filter((c) => c.mint !== undefined && c.claims_text !== undefined);

  test.each(mintCases.filter((c) => c.mint !== null).map((c) => [c.name, c] as const))(
    'at mint, %s',
    (_name, c) => {
      const claims = JSON.parse(c.claims_text as string) as MintClaims;
      let thrown: unknown;
      try {
        sealToken(issuer, claims);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(MintError);
      expect((thrown as MintError).claim).toBe(c.mint);
      expect((thrown as MintError).message).not.toContain('sk-vector');
    },
  );

  test.each(mintCases.filter((c) => c.mint === null).map((c) => [c.name, c] as const))(
    'sealed and opened again, %s',
    async (_name, c) => {
      const claims = JSON.parse(c.claims_text as string) as MintClaims;
      const file = parseRai(keyringFile.issuers[claims.iss] as object);
      const got = await answer(sealToken(file, claims), keyring, {
        now: c.now,
        ...(c.supported ? { supported: c.supported } : {}),
      });
      if (!('opened' in got)) throw new Error(`refused: ${JSON.stringify(got)}`);
      expect(toPlain(got.opened.claims)).toEqual(expectedClaims(c.claims_text as string));
    },
  );
});

describe('key files', () => {
  const cases = readVectors<{ cases: RaiCase[] }>('rai.json').cases;

  test.each(cases.filter((c) => c.result === 'loaded').map((c) => [c.name, c] as const))('%s', (_name, c) => {
    const file = parseRai(c.text);
    const seen = { ...file, kids: file.keys.map((key) => key.kid) };
    const { name: _n, text: _t, result: _r, spec: _s, ...expected } = c as RaiCase & { spec: string };
    expect(seen).toMatchObject(expected);
  });

  test.each(cases.filter((c) => c.result === 'refused').map((c) => [c.name, c] as const))(
    'A11 %s',
    (_name, c) => {
      let thrown: unknown;
      try {
        parseRai(c.text);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(RaiError);
      const { problems, message } = thrown as RaiError;
      expect(problems.map((p) => p.path).sort()).toEqual(c.paths);
      for (const problem of problems) {
        expect(problem.message).not.toBe('');
        expect(problem.fix).not.toBe('');
      }
      for (const secret of secretsIn(c.text)) expect(message).not.toContain(secret);
    },
  );

  test('A12 the known answer of version 1 holds', async () => {
    const { cases: known } = readVectors<{ cases: Record<string, string>[] }>('version1.json');
    expect(known[0]).toMatchObject({ kid: 'v1-2s-J3e1LJi', k: expect.stringMatching(/^Xd5Hcsrf/) });
    for (const v of known.slice(1)) {
      const file = parseRai({ crypto: { method: 'aes', aes_key: v.aes_key, aes_iv_seed: v.aes_iv_seed } });
      if (file.role !== 'shared') throw new Error('a version 1 file is a shared one');
      expect(file.keys[0]?.kid).toBe(v.kid);
      expect(file.keys[0]?.k.reveal()).toBe(v.k);
      expect(file.iss).toBe(v.kid);
      const { keyring: own } = await createKeyring([{ name: 'v1.rai', file }], { generation: 1 });
      expect(own.kids).toEqual([v.kid]);
    }
  });
});

/** Whatever in a file's text could be a key: long words of base64url or hex. */
function secretsIn(text: string): string[] {
  return text.match(/[A-Za-z0-9_-]{40,}/g) ?? [];
}
