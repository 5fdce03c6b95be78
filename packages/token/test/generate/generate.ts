/**
 * Writes the golden vectors: `node packages/token/test/generate/generate.ts`. Same input, same bytes; a test compares.
 * The JSON files are the law for every SDK, in any language; this script is only how they came to be.
 */
import { createHash, hkdfSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { claimCases } from './cases-claims.ts';
import { nestedCases } from './cases-nested.ts';
import { raiCases } from './cases-rai.ts';
import { shapeCases } from './cases-shape.ts';
import { bytesFor } from './crypto.ts';
import { files, issuerFiles, NOW } from './keyrings.ts';

function version1(aesKey: string, seed: string): Record<string, string> {
  const digest = createHash('sha256').update(`aes${aesKey}${seed}`).digest('base64url');
  const key = hkdfSync('sha256', Buffer.from(aesKey, 'hex'), 'rai-v1', 'rai/2 A256KW', 32);
  return {
    aes_key: aesKey,
    aes_iv_seed: seed,
    kid: `v1-${digest.slice(0, 10)}`,
    k: Buffer.from(key).toString('base64url'),
  };
}

/** Every vector file, by name. */
export function vectorFiles(): Record<string, string> {
  const hex = bytesFor('version 1 key', 32).toString('hex');
  const json = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;
  const keyring = Object.entries(files).map(([name, file]) => ({ name, file }));
  return {
    'keyring.json': json({
      about: 'The key files that open.json is opened against. Test keys: worthless anywhere else.',
      now: NOW,
      files: keyring,
      issuers: issuerFiles,
    }),
    'open.json': json({
      about:
        'One token and one answer each; sections are those of docs/spec/token.md. Every token_invalid must be the same answer.',
      cases: [...shapeCases(), ...nestedCases(), ...claimCases()],
    }),
    'rai.json': json({
      about: 'Key files that load, or are refused with a problem at each of these JSON paths.',
      cases: raiCases(),
    }),
    'version1.json': json({
      about:
        'Key id and sealing key of version 1 files. The first is the published sample: derived, then refused.',
      cases: [
        version1('0123456789abcdef'.repeat(4), 'fedcba9876543210'),
        version1(hex, 'vector-seed'),
        version1(hex, ''),
      ],
    }),
  };
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, text] of Object.entries(vectorFiles())) {
    writeFileSync(new URL(`../../vectors/${name}`, import.meta.url), text);
  }
}
