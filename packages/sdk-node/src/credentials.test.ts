/** Vendors' credential objects become the parts that the relay's registry names, each a Secret; what is missing is named with where to find it. */
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { createKeyring, createRai, findToken, openToken, parseRai, Secret } from 'relayapi-token';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credential, RelayAPIClient } from './index.ts';

const RELAY = 'http://127.0.0.1:8840/relayapi/';

/** Mints with a credential and opens again: the parts as the relay gets them. */
async function partsOf(credential: Credential, method: 'aes' | 'ecc' = 'aes', provider = 'demo') {
  const made = createRai({ method, relay: RELAY, role: 'pair' });
  if (!('issuer' in made)) throw new Error('a pair was asked for');
  const { keyring } = await createKeyring([{ name: 'r', file: parseRai(made.relay) }], { generation: 1 });
  const url = new RelayAPIClient(made.issuer).generateUrl({ provider, credential });
  const opened = await openToken(findToken(url) ?? '', keyring, { now: Math.floor(Date.now() / 1000) });
  const parts = opened?.claims.upstream[0]?.credential ?? {};
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.reveal()]));
}

function messageOf(credential: unknown): string {
  const made = createRai({ method: 'aes', relay: RELAY, role: 'pair' });
  try {
    new RelayAPIClient((made as { issuer: object }).issuer).generateUrl({
      provider: 'demo',
      credential: credential as Credential,
    });
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    expect(inspect(error, { depth: 9 })).not.toContain('demo-secret');
    return (error as Error).message;
  }
  return 'minted';
}

let pem: string;
let olderPem: string;
let lockedPem: string;
let base64: string;
beforeAll(() => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  olderPem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'demo' } as const;
  lockedPem = privateKey.export(locked).toString();
  base64 = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
});

describe('a vendor’s object', () => {
  it.each<[string, Credential, object]>([
    [
      'of AWS, with what its providers return beside',
      { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c', expiration: 'x' },
      { access_key_id: 'a', secret_access_key: 'b', session_token: 'c' },
    ],
    [
      'of AWS without a session',
      { accessKeyId: 'a', secretAccessKey: new Secret('b'), sessionToken: undefined },
      { access_key_id: 'a', secret_access_key: 'b' },
    ],
    ['of Tencent', { secretId: 'a', secretKey: 'b' }, { secret_id: 'a', secret_key: 'b' }],
    ['of Kling', { accessKey: 'a', secretKey: 'b' }, { access_key: 'a', secret_key: 'b' }],
    ['of an OAuth client', { clientId: 'a', clientSecret: 'b' }, { client_id: 'a', client_secret: 'b' }],
    [
      'of SAP, a whole service key',
      {
        clientid: 'a',
        clientsecret: 'b',
        url: 'https://x.example',
        serviceurls: { AI_API_URL: 'https://y.example' },
      },
      { clientid: 'a', clientsecret: 'b' },
    ],
    ['as parts of the registry', { access_key_id: 'a', my_part: 'b' }, { access_key_id: 'a', my_part: 'b' }],
    ['as the text of a SAP key', '{"clientid":"a","clientsecret":"b"}', { clientid: 'a', clientsecret: 'b' }],
  ])('%s', async (_, credential, parts) => {
    expect(await partsOf(credential)).toEqual(parts);
  });

  it('of Google, as the file says it, as its text, and as its text in a Secret, under both methods', async () => {
    const file = {
      type: 'service_account',
      project_id: 'p',
      client_email: 'a@example.com',
      private_key: pem,
    };
    const parts = { client_email: 'a@example.com', private_key: base64 };
    expect(await partsOf(file)).toEqual(parts);
    expect(await partsOf(JSON.stringify(file), 'ecc')).toEqual(parts);
    expect(await partsOf(new Secret(JSON.stringify(file)))).toEqual(parts);
  });

  it('of Oracle, its key in PEM, in the older PEM, in PEM with written-out line breaks, and bare', async () => {
    const rest = { tenancy: 'ocid1.tenancy', user: 'ocid1.user', fingerprint: 'aa:bb' };
    for (const privateKey of [pem, olderPem, pem.replaceAll('\n', '\\n'), base64, new Secret(pem)]) {
      expect(await partsOf({ ...rest, privateKey })).toEqual({ ...rest, private_key: base64 });
    }
    expect(await partsOf({ ...rest, private_key: pem })).toEqual({ ...rest, private_key: base64 });
  });
});

describe('a credential that cannot be sealed says', () => {
  it.each([
    [
      { accessKeyId: 'a' },
      /^credential\.secretAccessKey: is missing from an AWS credential; AWS shows it once/,
    ],
    [{ accessKeyId: '', secretAccessKey: 'b' }, /^credential\.accessKeyId: is missing/],
    [
      { client_email: 'a' },
      /^credential\.private_key: is missing from a Google service account; .*JSON file/,
    ],
    [{ secretId: 'a' }, /^credential\.secretKey: .*Tencent/],
    [{ accessKey: 'a' }, /^credential\.secretKey: .*Kling/],
    [{ clientId: 'a' }, /^credential\.clientSecret: .*Baidu/],
    [{ clientid: 'a' }, /^credential\.clientsecret: .*service key/],
    [{ tenancy: 'a', user: 'b', privateKey: 'c' }, /^credential\.fingerprint: .*~\/\.oci\/config/],
  ])('what is missing of %j and where to find it', (credential, message) => {
    expect(messageOf(credential)).toMatch(message);
  });

  it('which member it does not know, unless its name could be a value', () => {
    const aws = { accessKeyId: 'a', secretAccessKey: 'demo-secret' };
    expect(messageOf({ ...aws, region: 'eu-west-1' })).toMatch(/^credential\.region: .*go into vars/);
    expect(messageOf({ ...aws, 'demo-secret': 'x' })).toMatch(/^credential\.\?: /);
  });

  it('that a text is no key file, without repeating it', () => {
    for (const text of ['demo-secret', '{"demo-secret":1}', '["demo-secret"]', '']) {
      expect(messageOf(text)).toMatch(/^credential: a text must be the JSON of/);
    }
  });

  it('that a key has a passphrase or is none', () => {
    const rest = { tenancy: 'a', user: 'b', fingerprint: 'c' };
    const broken = '-----BEGIN RSA PRIVATE KEY-----\ndemo-secret\n-----END RSA PRIVATE KEY-----';
    for (const privateKey of [lockedPem, broken]) {
      expect(messageOf({ ...rest, privateKey })).toMatch(
        /^credential\.private_key: .*passphrase; openssl pkcs8/,
      );
    }
  });

  it('that a part is too long for a token, and names the vault', () => {
    const long = `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(3168)}\n-----END PRIVATE KEY-----\n`;
    expect(messageOf({ client_email: 'a', private_key: long })).toMatch(
      /^credential\.private_key: is 3,168 characters long, .* 2,048; .*"vault" in its config\.json, and \{ vault: NAME \} here$/,
    );
    expect(messageOf({ client_email: 'a', private_key: 'A'.repeat(2048) })).toBe('minted');
    const two = { client_email: 'A'.repeat(2048), private_key: 'A'.repeat(2048) };
    expect(messageOf(two)).toMatch(/^token: .*"vault"/);
  });

  it('that a list, null or a number is no credential', () => {
    for (const credential of [[], null, 5, {}]) expect(messageOf(credential)).toMatch(/^credential/);
  });

  it.each([
    [{ a: 5 }, /^credential\.a: must be a text or a Secret$/],
    [{ a: 'b', c: '' }, /^credential\.c: is empty; is the environment variable set\?$/],
    [
      { clientId: 'a', clientSecret: 'demo-secret with a space' },
      /^credential\.client_secret: holds a space/,
    ],
    [
      { accessKeyId: 'a', secretAccessKey: 'demo-secret\n' },
      /^credential\.secret_access_key: holds a space, a line break/,
    ],
  ])('what is wrong with a part, without showing it', (credential, message) => {
    expect(messageOf(credential)).toMatch(message);
  });

  it('which of several upstreams it stands in', () => {
    const made = createRai({ method: 'aes', relay: RELAY, role: 'pair' }) as { issuer: object };
    const upstreams = [{ provider: 'demo', credential: { accessKeyId: 'a' } as never }];
    expect(() => new RelayAPIClient(made.issuer).generateUrl({ upstreams })).toThrow(
      /^upstreams\[0\]\.credential\.secretAccessKey: /,
    );
  });
});
