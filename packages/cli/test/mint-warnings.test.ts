/** Keys of the wrong kind on the command line: refused ones end it, broad ones are sealed with a warning on standard error. */
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeFolder, runHere } from './support/command.ts';

const env = { GROQ: 'gsk_demo', ADMIN: 'sk-admin-demo', GITHUB: 'ghp_demo', ID: 'gsk_demo', SECRET: 'demo' };
let rai: string[];
beforeAll(async () => {
  const dir = makeFolder();
  await runHere(['init', '--out', dir]);
  rai = ['--rai', join(dir, 'issuer.rai')];
});

describe('url', () => {
  it.each([
    [
      ['--api-key-env', 'GROQ'],
      /^relayapi: --api-key-env: this key looks like a key of Groq \(gsk_…\), but it is given for openai; /,
    ],
    [['--api-key-env', 'ADMIN'], /--api-key-env: this key is an organisation admin key of OpenAI/],
    [
      ['--provider', 'amazon-bedrock', '--credential-env', 'access_key_id=ID,secret_access_key=SECRET'],
      /--credential-env\.access_key_id: this key looks like a key of Groq/,
    ],
  ])('%j is refused, with the flag, the reason and the fix', async (flags, told) => {
    const ran = await runHere(['url', ...rai, ...flags], { env });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(told);
    expect(ran.stderr).not.toContain('demo');
  });

  it('seals a private key that a variable holds as PEM', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const parts = 'private_key=PEM,client_email=SECRET';
    const ran = await runHere(['url', ...rai, '--provider', 'google-vertex', '--credential-env', parts], {
      env: { ...env, PEM },
    });
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^http/) });
    const long = {
      ...env,
      PEM: `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(3000)}\n-----END PRIVATE KEY-----`,
    };
    const refused = await runHere(['url', ...rai, '--credential-env', parts], { env: long });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/--credential-env\.private_key: is 3,000 characters long.*"vault"/);
  });

  it('warns of a key that opens more than model calls, and seals it', async () => {
    const flags = ['url', ...rai, '--provider', 'github-models', '--api-key-env', 'GITHUB'];
    const ran = await runHere(flags, { env });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^http:\/\/.*\n$/);
    expect(ran.stderr).toMatch(
      /\nwarning: --api-key-env: this key is a classic personal access token of GitHub \(ghp_…\), .*\n$/,
    );
    const asJson = JSON.parse((await runHere([...flags, '--json'], { env })).stdout) as { notes: string[] };
    expect(asJson.notes[1]).toMatch(/^warning: --api-key-env: /);
  });
});
