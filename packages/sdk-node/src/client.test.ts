/** The Node SDK: sealed URLs open at a relay's keyring, options become claims, mistakes name the option, the key stays unseen. */
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  createKeyring,
  createRai,
  findToken,
  type Keyring,
  openToken,
  parseRai,
  RaiError,
  Secret,
} from 'relayapi-token';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GenerateOptions, OPTION_NAMES, RelayAPIClient, readRaiFile } from './index.ts';

const KEY = 'sk-demo-not-a-key';
const RELAY = 'http://127.0.0.1:8840/relayapi/';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'relayapi-sdk-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function pair(
  method: 'aes' | 'ecc',
): Promise<{ client: RelayAPIClient; keyring: Keyring; issuer: object; relay: object }> {
  const made = createRai({ method, relay: RELAY, iss: 'shop', role: 'pair' });
  if (!('issuer' in made)) throw new Error('a pair was asked for');
  const { keyring, rejected } = await createKeyring([{ name: 'relay.rai', file: parseRai(made.relay) }], {
    generation: 1,
  });
  expect(rejected).toEqual([]);
  return { client: new RelayAPIClient(made.issuer), keyring, ...made };
}

async function open(keyring: Keyring, url: string) {
  const opened = await openToken(findToken(url) ?? '', keyring, { now: Math.floor(Date.now() / 1000) });
  if (!opened) throw new Error('the token does not open');
  return opened;
}

describe.each(['aes', 'ecc'] as const)('RelayAPIClient with an %s file', (method) => {
  it('hands out a base URL below the relay that its keyring opens', async () => {
    const { client, keyring } = await pair(method);
    const url = client.generateUrl({ apiKey: KEY });
    expect(url.startsWith(RELAY)).toBe(true);
    const { claims } = await open(keyring, url);
    expect(claims.upstream).toHaveLength(1);
    expect(claims.upstream[0]?.key?.reveal()).toBe(KEY);
  });

  it('fills in openai, 100 calls and an hour', async () => {
    const { client, keyring } = await pair(method);
    const { claims } = await open(keyring, client.generateUrl({ apiKey: KEY }));
    expect(claims.upstream[0]?.provider).toBe('openai');
    expect(claims.limits).toEqual({ calls: 100 });
    expect(claims.exp - claims.iat).toBe(3600);
    expect(Math.abs(claims.iat - Date.now() / 1000)).toBeLessThan(5);
  });

  it('gives every token its own jti and the same token text form from generateToken', async () => {
    const { client, keyring } = await pair(method);
    const tokens = Array.from({ length: 4 }, () => client.generateToken({ apiKey: KEY }));
    const ids = await Promise.all(tokens.map(async (token) => (await open(keyring, token)).claims.jti));
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });
});

describe('options become claims', () => {
  it('carries every option of this release over', async () => {
    const { client, keyring } = await pair('aes');
    const url = client.generateUrl({
      provider: 'azure',
      apiKey: KEY,
      vars: { resource: 'my-resource' },
      maxCalls: 5,
      maxAttempts: 9,
      expireSeconds: 600,
      notBeforeSeconds: 30,
      subject: 'user-42',
      allowedIps: ['203.0.113.0/24'],
      allowedCountries: ['DE', 'XK'],
      allowedOrigins: ['https://app.example.com'],
      allowedModels: ['gpt-4o-mini'],
      allowedPaths: ['POST /chat/completions'],
      allowedFeatures: [],
      rateLimit: { requests: 10, perSeconds: 60 },
      maxConcurrency: 2,
      maxRequestBytes: 100_000,
      maxResponseBytes: 1_000_000,
      maxStreamSeconds: 300,
      replay: 'nonce',
      set: { model: 'gpt-4o-mini' },
      cap: { max_tokens: 1024 },
      storeDown: 'closed',
      meta: { plan: 'free' },
    });
    const { claims } = await open(keyring, url);
    expect(claims.limits).toEqual({
      calls: 5,
      attempts: 9,
      rate: [10, 60],
      concurrency: 2,
      request_bytes: 100_000,
      response_bytes: 1_000_000,
      stream_seconds: 300,
    });
    expect((claims.nbf ?? 0) - claims.iat).toBe(30);
    const { sub, ips, countries, origins, models, paths, features, replay, set, cap } = claims;
    const { store_down, meta } = claims;
    expect({
      sub,
      ips,
      countries,
      origins,
      models,
      paths,
      features,
      replay,
      set,
      cap,
      store_down,
      meta,
    }).toEqual({
      sub: 'user-42',
      ips: ['203.0.113.0/24'],
      countries: ['DE', 'XK'],
      origins: ['https://app.example.com'],
      models: ['gpt-4o-mini'],
      paths: ['POST /chat/completions'],
      features: [],
      replay: 'nonce',
      set: { model: 'gpt-4o-mini' },
      cap: { max_tokens: 1024 },
      store_down: 'closed',
      meta: { plan: 'free' },
    });
    expect(claims.upstream[0]?.vars).toEqual({ resource: 'my-resource' });
  });

  it('takes a vault name in place of a key', async () => {
    const { client, keyring } = await pair('aes');
    const { claims } = await open(keyring, client.generateUrl({ vault: 'main' }));
    expect(claims.upstream[0]).toMatchObject({ provider: 'openai', vault: 'main' });
    expect(claims.upstream[0]?.key).toBeUndefined();
  });

  it('takes a Secret and a list of one upstream', async () => {
    const { client, keyring } = await pair('aes');
    const url = client.generateUrl({ upstreams: [{ provider: 'groq', apiKey: new Secret(KEY) }] });
    const { claims } = await open(keyring, url);
    expect(claims.upstream[0]?.provider).toBe('groq');
    expect(claims.upstream[0]?.key?.reveal()).toBe(KEY);
  });

  it('leaves the call limit out for maxCalls null', async () => {
    const { client, keyring } = await pair('aes');
    const { claims } = await open(keyring, client.generateUrl({ apiKey: KEY, maxCalls: null }));
    expect(claims.limits.calls).toBeUndefined();
  });
});

describe('a wrong option is a TypeError that names it', () => {
  const wrong: ReadonlyArray<readonly [option: string, options: object]> = [
    ['maxCalls', { apiKey: KEY, maxCalls: -1 }],
    ['maxCalls', { apiKey: KEY, maxCalls: 1.5 }],
    ['maxCalls', { apiKey: KEY, maxCalls: '5' }],
    ['expireSeconds', { apiKey: KEY, expireSeconds: 0 }],
    ['notBeforeSeconds', { apiKey: KEY, notBeforeSeconds: -5 }],
    ['notBeforeSeconds', { apiKey: KEY, notBeforeSeconds: 7200, expireSeconds: 60 }],
    ['rateLimit', { apiKey: KEY, rateLimit: 5 }],
    ['rateLimit', { apiKey: KEY, rateLimit: { requests: 1, perSeconds: 0 } }],
    ['apiKey', {}],
    ['apiKey', { apiKey: '' }],
    ['apiKey', { apiKey: 'with a space' }],
    ['apiKey', { apiKey: KEY, vault: 'main' }],
    ['base', { vault: 'main', base: 'https://example.com/v1' }],
    ['vars', { provider: 'azure', vault: 'main', vars: { resource: 'shop' } }],
    ['upstreams', { upstreams: [] }],
    ['provider', { provider: 'openai', upstreams: [{ apiKey: KEY }] }],
    ['upstreams', { upstreams: [{ apiKey: KEY }, { apiKey: KEY }] }],
    ['allowedOrigins', { apiKey: KEY, allowedOrigins: ['null'] }],
    ['allowedIps', { apiKey: KEY, allowedIps: ['not-an-address'] }],
    ['allowedCountries', { apiKey: KEY, allowedCountries: 'DE' }],
    ['allowedCountries', { apiKey: KEY, allowedCountries: [] }],
    ['allowedCountries', { apiKey: KEY, allowedCountries: ['de'] }],
    ['allowedCountries', { apiKey: KEY, allowedCountries: ['DEU'] }],
    ['allowedCountries', { apiKey: KEY, allowedCountries: ['UK'] }],
    ['allowedCountries', { apiKey: KEY, allowedCountries: ['XX'] }],
    ['allowedCountries', { apiKey: KEY, allowedCountries: ['T1'] }],
    ['allowedCountries', { apiKey: KEY, allowedCountries: Array.from({ length: 65 }, () => 'DE') }],
    ['maxTokens', { apiKey: KEY, maxTokens: 5 }],
    ['maxMicroUsd', { apiKey: KEY, maxMicroUsd: 5 }],
    ['replay', { apiKey: KEY, replay: 'always' }],
    ['meta', { apiKey: KEY, meta: 'x'.repeat(600) }],
    ['subject', { apiKey: KEY, subject: 'with space' }],
    ['max_calls', { apiKey: KEY, max_calls: 5 }],
  ];
  it.each(wrong)('%s in %j', async (option, options) => {
    const { client } = await pair('aes');
    let thrown: unknown;
    try {
      client.generateUrl(options as GenerateOptions);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TypeError);
    expect((thrown as Error).message.startsWith(option)).toBe(true);
  });

  it('suggests the option that was meant', async () => {
    const { client } = await pair('aes');
    expect(() => client.generateUrl({ apiKey: KEY, maxcalls: 3 } as GenerateOptions)).toThrow(
      /did you mean maxCalls/,
    );
  });

  it('knows every option it documents', () => {
    expect(OPTION_NAMES).toContain('maxCalls');
    expect(new Set(OPTION_NAMES).size).toBe(OPTION_NAMES.length);
  });
});

describe('what no relay would take is refused here', () => {
  /** The message, or the length of the token. */
  function mint(client: RelayAPIClient, options: GenerateOptions): string | number {
    try {
      return client.generateToken(options).length;
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      return (error as Error).message;
    }
  }

  it('a token of 4,096 characters is the longest; a longer one is told of the vault', () => {
    const { issuer } = createRai({ method: 'aes', relay: RELAY, iss: 'shop', role: 'pair' }) as {
      issuer: { keys: object[] };
    };
    const lengths = new Set<number>();
    // lengths of base64url skip values: other header lengths fill the gaps
    for (const kid of ['abcd', 'abcde', 'abcdef', 'abcdefg', 'abcdefgh']) {
      const client = new RelayAPIClient({ ...issuer, use: kid, keys: [{ ...issuer.keys[0], kid }] });
      let longest = 0;
      for (let size = 2500; size < 3000; size++) {
        const result = mint(client, { apiKey: KEY, set: { text: 'x'.repeat(size) } });
        if (typeof result === 'number') longest = result;
        else {
          expect(result).toMatch(/^token: .*4096 is the most.*"vault"/);
          break;
        }
      }
      lengths.add(longest);
    }
    expect(Math.max(...lengths)).toBe(4096);
  });

  it('meta of 512 bytes of JSON, counted as UTF-8', async () => {
    const { client } = await pair('aes');
    expect(mint(client, { apiKey: KEY, meta: 'x'.repeat(510) })).toBeTypeOf('number');
    expect(mint(client, { apiKey: KEY, meta: 'x'.repeat(511) })).toMatch(/^meta: .*512 bytes/);
    expect(mint(client, { apiKey: KEY, meta: 'ä'.repeat(255) })).toBeTypeOf('number');
    expect(mint(client, { apiKey: KEY, meta: 'ä'.repeat(256) })).toMatch(/^meta: /);
  });

  it('an http relay that is not this machine', () => {
    const { issuer } = createRai({ method: 'aes', relay: 'http://relay.example.com/', role: 'pair' }) as {
      issuer: object;
    };
    const client = new RelayAPIClient(issuer);
    expect(mint(client, { apiKey: KEY })).toMatch(/^relay: .*http.*not this machine/);
    expect(() => client.generateUrl({ apiKey: KEY })).toThrow(TypeError);
  });

  it('an empty key is told of the variable that was meant', async () => {
    const { client } = await pair('aes');
    expect(mint(client, { apiKey: '' })).toMatch(/^apiKey: is empty; is the environment variable set\?/);
  });

  it('a life of nothing', async () => {
    const { client } = await pair('aes');
    expect(mint(client, { apiKey: KEY, expireSeconds: 0 })).toMatch(/^expireSeconds: .*at least 1/);
    expect(mint(client, { apiKey: KEY, expireSeconds: Number.MAX_SAFE_INTEGER })).toMatch(/^expireSeconds: /);
    expect(mint(client, { apiKey: KEY, expireSeconds: 5, notBeforeSeconds: 5 })).toMatch(
      /^notBeforeSeconds: /,
    );
  });
});

describe('secrets', () => {
  it('never shows a key in an error, an inspection or JSON of the client', async () => {
    const { client, issuer } = await pair('aes');
    const fileKey = JSON.stringify(issuer).match(/"k":"([^"]+)"/)?.[1] ?? '';
    expect(fileKey).toHaveLength(43);
    const seen = [inspect(client, { depth: 9, showHidden: true }), JSON.stringify(client), String(client)];
    for (const options of [
      { apiKey: `${KEY} x` },
      { apiKey: KEY, maxCalls: -1 },
      { apiKey: KEY, subject: ' ' },
    ]) {
      try {
        client.generateUrl(options);
      } catch (error) {
        seen.push(inspect(error, { depth: 9 }));
      }
    }
    expect(seen).toHaveLength(6);
    for (const text of seen) {
      expect(text).not.toContain(KEY);
      expect(text).not.toContain(fileKey);
    }
  });
});

describe('key files', () => {
  function write(name: string, content: unknown, mode = 0o600): string {
    const path = join(dir, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    chmodSync(path, mode);
    return path;
  }

  it('reads a file by path, also through a link', async () => {
    const { issuer, keyring } = await pair('aes');
    const path = write('issuer.rai', issuer);
    symlinkSync(path, join(dir, 'link.rai'));
    for (const source of [path, join(dir, 'link.rai')]) {
      await open(keyring, new RelayAPIClient(source).generateUrl({ apiKey: KEY }));
    }
  });

  it.each([0o644, 0o640, 0o604, 0o660, 0o606])('refuses mode %o and says chmod', async (mode) => {
    const { issuer } = await pair('aes');
    const path = write(`mode-${mode.toString(8)}.rai`, issuer, mode);
    expect(() => new RelayAPIClient(path)).toThrow(RaiError);
    expect(() => new RelayAPIClient(path)).toThrow(/chmod 600/);
  });

  it('reads a group-readable file only when told to', async () => {
    const { issuer } = await pair('aes');
    const path = write('group.rai', issuer, 0o640);
    expect(readRaiFile(path, { allowGroupRead: true }).role).toBe('issuer');
    expect(() => readRaiFile(write('group-write.rai', issuer, 0o660), { allowGroupRead: true })).toThrow(
      /0660/,
    );
  });

  it('names a missing file and a folder', () => {
    expect(() => new RelayAPIClient(join(dir, 'absent.rai'))).toThrow(
      /absent\.rai cannot be read \(ENOENT\)/,
    );
    expect(() => new RelayAPIClient(dir)).toThrow(/not a file/);
  });

  it("refuses a file's text in place of its path without repeating it, since keys stand in it", async () => {
    const { issuer } = await pair('aes');
    for (const text of [JSON.stringify(issuer), `\n ${JSON.stringify([issuer])}`]) {
      let thrown: unknown;
      try {
        new RelayAPIClient(text);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(RaiError);
      expect(inspect(thrown, { depth: 9 })).not.toMatch(/"k"|oct/);
      expect((thrown as Error).message).toContain('JSON.parse');
    }
  });

  it('refuses the relay side of a pair', async () => {
    const { relay } = await pair('ecc');
    expect(() => new RelayAPIClient(relay)).toThrow(TypeError);
    expect(() => new RelayAPIClient(relay)).toThrow(/issuer or shared/);
  });

  it('lists every problem of a broken file', () => {
    const path = write('broken.rai', { rai: 2, role: 'issuer', method: 'aes', relay: 'not a url' });
    try {
      new RelayAPIClient(path);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RaiError);
      expect((error as RaiError).problems.length).toBeGreaterThan(1);
    }
  });
});
