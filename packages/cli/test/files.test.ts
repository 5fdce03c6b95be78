/** init, upgrade and check, in this process: what stands in the files, what is said of them, and every problem at once. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyring, createRai, parseRai } from 'relayapi-token';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { relayUrlOf } from '../src/init.ts';
import { KEY, makeFolder, readJson, runHere, secretsOf, writeRai } from './support/command.ts';

let dir: string;
beforeEach(() => {
  dir = makeFolder();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const at = (...names: string[]) => join(dir, ...names);
const json = async (args: readonly string[], env: Record<string, string> = {}) => {
  const ran = await runHere([...args, '--json'], { env });
  return { ...ran, data: JSON.parse(ran.stdout) as Record<string, unknown> };
};

describe('init', () => {
  it.each(['aes', 'ecc'] as const)('makes a pair of method %s that loads, mode 0600', async (method) => {
    const ran = await runHere([
      'init',
      '--method',
      method,
      '--host',
      'https://relay.example.com',
      '--out',
      at('keys'),
    ]);
    expect(ran).toMatchObject({
      code: 0,
      stdout: `${at('keys', 'issuer.rai')}\n${at('keys', 'relay.rai')}\n`,
    });
    const [issuer, relay] = [
      parseRai(readJson(at('keys', 'issuer.rai'))),
      parseRai(readJson(at('keys', 'relay.rai'))),
    ];
    expect([issuer.role, relay.role, issuer.method, relay.method]).toEqual([
      'issuer',
      'relay',
      method,
      method,
    ]);
    expect('relay' in issuer && issuer.relay).toBe('https://relay.example.com/relayapi/');
    for (const name of readdirSync(at('keys'))) expect(statSync(at('keys', name)).mode & 0o777).toBe(0o600);
    const { rejected } = await createKeyring([{ name: 'r', file: relay }], { generation: 1 });
    expect(rejected).toEqual([]);
  });

  it('ecc: the issuer’s file holds no key that opens, the relay’s none that signs', async () => {
    await runHere(['init', '--method', 'ecc', '--out', dir]);
    const issuer = readJson(at('issuer.rai')) as { keys: object[]; sign: object };
    const relay = readJson(at('relay.rai')) as { keys: object[]; issuers: { keys: object[] }[] };
    expect(issuer.keys.some((key) => 'd' in key)).toBe(false);
    expect('d' in issuer.sign).toBe(true);
    expect(relay.issuers[0]?.keys.some((key) => 'd' in key)).toBe(false);
  });

  it('--shared makes default.rai', async () => {
    expect((await runHere(['init', '--shared', '--out', dir])).stdout).toBe(`${at('default.rai')}\n`);
    expect(parseRai(readJson(at('default.rai')))).toMatchObject({
      role: 'shared',
      relay: 'http://127.0.0.1:8840/relayapi/',
    });
    expect((await runHere(['init', '--shared', '--method', 'ecc', '--out', dir])).code).toBe(2);
  });

  it('names and grants go into the files', async () => {
    const grants = [
      '--allow-providers',
      'openai,groq',
      '--allow-vault',
      'main',
      '--require',
      'calls,origins',
      '--max-ttl-seconds',
      '900',
      '--max-calls',
      '50',
    ];
    await runHere(['init', '--out', dir, '--iss', 'shop', '--aud', 'relay-1', ...grants]);
    expect(readJson(at('relay.rai'))).toMatchObject({
      iss: 'shop',
      aud: 'relay-1',
      allow: {
        providers: ['openai', 'groq'],
        vault: ['main'],
        require: ['calls', 'origins'],
        max_ttl_seconds: 900,
        max_calls: 50,
      },
    });
  });

  it('says what to copy where, and what either file can do', async () => {
    const { stderr } = await runHere(['init', '--out', dir]);
    expect(stderr).toMatch(/issuer\.rai belongs to the backend/);
    expect(stderr).toMatch(/relay\.rai belongs to the relay/);
    expect(stderr).toMatch(/0600/);
  });

  it.each(['issuer.rai', 'relay.rai'])('never overwrites %s, nor leaves half a pair', async (name) => {
    writeFileSync(at(name), 'precious');
    const ran = await runHere(['init', '--out', dir]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/never overwritten/);
    expect(readFileSync(at(name), 'utf8')).toBe('precious');
    expect(readdirSync(dir)).toEqual([name]);
  });

  it.each([
    ['plain http to another machine', ['--host', 'http://relay.example.com/'], /clear/],
    ['no address', ['--host', 'not an address'], /no address/],
    ['an odd issuer', ['--iss', 'has a space'], /\$\.iss/],
    ['an unknown claim to require', ['--require', 'nonsense'], /require\[0\]/],
  ])('%s is refused and leaves nothing', async (_name, args, message) => {
    const ran = await runHere(['init', '--out', at('keys'), ...args]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(message);
    expect(existsSync(at('keys'))).toBe(false);
  });

  it.each([
    ['relay.example.com', 'https://relay.example.com/relayapi/'],
    ['relay.example.com:8443', 'https://relay.example.com:8443/relayapi/'],
    ['127.0.0.1:8840', 'http://127.0.0.1:8840/relayapi/'],
    ['localhost', 'http://localhost/relayapi/'],
    ['[::1]:8840', 'http://[::1]:8840/relayapi/'],
    ['https://relay.example.com/', 'https://relay.example.com/relayapi/'],
    ['https://relay.example.com/ai', 'https://relay.example.com/ai'],
    ['https://user:pw@relay.example.com/', null],
    ['https://relay.example.com/?a=b', null],
    ['', null],
    ['a b', null],
  ])('--host %j means %j', (host, url) => {
    expect(relayUrlOf(host)).toBe(url);
  });
});

describe('upgrade', () => {
  const passphrase = 'correct horse battery staple';
  const old = (server?: object, key = passphrase) => ({
    version: '1.0.0',
    crypto: { method: 'aes', aes_key: key, aes_iv_seed: 'seed' },
    ...(server && { server }),
  });

  it.each([
    [
      { host: 'relay.example.com', port: 443, base_path: '/relayapi/' },
      'https://relay.example.com/relayapi/',
    ],
    [{ host: 'http://127.0.0.1', port: 8840, base_path: 'ai' }, 'http://127.0.0.1:8840/ai/'],
    [{ host: 'https://relay.example.com' }, 'https://relay.example.com/relayapi/'],
    [undefined, 'http://127.0.0.1:8840/relayapi/'],
  ])('known answer: server %j becomes %s', async (server, relay) => {
    const file = writeRai(at('old.rai'), old(server));
    const ran = await runHere(['upgrade', file]);
    expect(ran.code).toBe(0);
    expect(readJson(at('issuer.rai'))).toMatchObject({ rai: 2, role: 'issuer', relay });
    expect(parseRai(readJson(at('relay.rai'))).role).toBe('relay');
  });

  it('carries no key over, leaves the old file as it was, and asks for new provider keys', async () => {
    const file = writeRai(at('old.rai'), old(undefined, '0123456789abcdef'.repeat(4)), 0o644);
    const before = readFileSync(file, 'utf8');
    const ran = await runHere(['upgrade', file, '--out', at('new')]);
    expect(ran.code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(before);
    const key = parseRai(readJson(at('new', 'relay.rai'))).keys[0];
    expect(key?.kid.startsWith('v1-')).toBe(false);
    expect(secretsOf(at('new', 'relay.rai'))[0]?.startsWith('Xd5Hcsrf')).toBe(false);
    expect(ran.stderr).toMatch(/Replace every provider key/);
    expect(ran.stdout + ran.stderr).not.toContain('0123456789abcdef');
  });

  it('takes --method, --host and --iss, for a file whose address is outdated', async () => {
    const file = writeRai(at('old.rai'), old({ host: 'http://203.0.113.5', port: 80 }));
    expect((await runHere(['upgrade', file])).stderr).toMatch(/clear/);
    const ran = await runHere([
      'upgrade',
      file,
      '--method',
      'ecc',
      '--host',
      'relay.example.com',
      '--iss',
      'shop',
    ]);
    expect(ran.code).toBe(0);
    expect(readJson(at('issuer.rai'))).toMatchObject({
      method: 'ecc',
      iss: 'shop',
      relay: 'https://relay.example.com/relayapi/',
    });
  });

  it('a version 2 file, a broken one and a missing one are refused, nothing is written', async () => {
    writeRai(at('two.rai'), createRai({ method: 'aes', relay: 'https://relay.example.com/' }).relay);
    writeRai(at('broken.rai'), '{"crypto":');
    expect((await runHere(['upgrade', at('two.rai')])).stderr).toMatch(/not a version 1 file/);
    expect((await runHere(['upgrade', at('broken.rai')])).code).toBe(1);
    expect((await runHere(['upgrade', at('no.rai')])).stderr).toMatch(/no such file/);
    expect((await runHere(['upgrade', dir])).stderr).toMatch(/is a folder/);
    expect((await runHere(['upgrade', at('broken.rai'), '--host', ':::'])).stderr).toMatch(/no address/);
    expect(readdirSync(dir).sort()).toEqual(['broken.rai', 'two.rai']);
  });
});

describe('check', () => {
  const relayFile = (iss = 'shop', allow: object = {}) =>
    createRai({ method: 'ecc', relay: 'https://relay.example.com/', iss, allow }).relay;

  it('good files: keys, issuers and grants in words, 0', async () => {
    const file = writeRai(at('relay.rai'), relayFile('shop', { max_calls: 5, providers: ['openai'] }));
    const ran = await runHere(['check', '--rai', file]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain(`${file}: relay file, method ecc, relay id relay.example.com\n`);
    expect(ran.stdout).toMatch(/key \S+: encryption, active\n/);
    expect(ran.stdout).toMatch(/key \S+: signature, active, of shop\n/);
    expect(ran.stdout).toMatch(/issuer shop: providers openai; .*5 calls each at most/);
    expect(ran.stderr).toBe('no problems\n');
  });

  it('as JSON: kids, issuers, allow as it holds and in words', async () => {
    const file = writeRai(at('relay.rai'), relayFile());
    const { data } = await json(['check', '--rai', file]);
    const [first] = data['files'] as {
      name: string;
      keys: { kid: string }[];
      issuers: { iss: string; in_words: string[] }[];
    }[];
    expect(first?.name).toBe(file);
    expect(first?.keys).toHaveLength(2);
    expect(first?.issuers[0]?.in_words).toContain('inference endpoints only');
  });

  it('a config with many mistakes: all of them, each with file, path and fix, 1', async () => {
    writeFileSync(
      at('config.json'),
      JSON.stringify({
        server: { port: 'high', hots: 'x' },
        vault: { main: { provider: 'openai' } },
        nonsense: 1,
      }),
    );
    const { code, data, stderr } = await json(['check', '--config', at('config.json')]);
    expect(code).toBe(1);
    const problems = data['problems'] as { source: string; path: string; fix: string }[];
    expect(problems.map(({ path }) => path).sort()).toEqual([
      '$.nonsense',
      '$.server.hots',
      '$.server.port',
      '$.vault.main',
    ]);
    for (const { source, fix } of problems) {
      expect(source).toBe(at('config.json'));
      expect(fix.length).toBeGreaterThan(3);
    }
    expect(stderr).toMatch(/4 problems/);
  });

  it('config and key files are judged together', async () => {
    writeFileSync(
      at('config.json'),
      JSON.stringify({
        server: { host: '0.0.0.0' },
        vault: { main: { provider: 'openai', key_env: 'MAIN_KEY' } },
      }),
    );
    const shared = writeRai(
      at('s.rai'),
      createRai({ method: 'aes', relay: 'https://relay.example.com/', role: 'shared' }).shared,
    );
    const args = ['check', '--config', at('config.json'), '--rai', shared];
    const refused = await json(args);
    const places = (refused.data['problems'] as { path: string }[]).map(({ path }) => path);
    expect(places).toContain('$.role');
    expect(places.some((path) => path.startsWith('$.vault.main'))).toBe(true);
    expect((await runHere([...args, '--allow-shared'], { env: { MAIN_KEY: KEY } })).code).toBe(0);
    expect((await runHere([...args, '-allow-shared', '--skip-secrets'])).code).toBe(0);
  });

  it('keys of the vault are judged by their kind, and have the variables of their host', async () => {
    const vault = {
      admin: { provider: 'openai', key_env: 'ADMIN_KEY' },
      other: { provider: 'openai', key_env: 'OTHER_KEY' },
      host: { provider: 'azure', key_env: 'PLAIN_KEY' },
      much: { provider: 'openai', key_env: 'PLAIN_KEY', vars: { resource: 'x' } },
      half: { provider: 'klingai', credential_env: { access_key: 'PLAIN_KEY' } },
      nobody: { provider: 'opnai', key_env: 'PLAIN_KEY' },
      broad: { provider: 'snowflake-cortex', key_env: 'PLAIN_KEY', vars: { account: 'demo' } },
      fine: { provider: 'azure', key_env: 'PLAIN_KEY', vars: { resource: 'shop' } },
    };
    writeFileSync(at('config.json'), JSON.stringify({ vault }));
    const env = {
      ADMIN_KEY: `sk-admin-${'demo'.repeat(8)}`,
      OTHER_KEY: `sk-ant-api03-${'demo'.repeat(8)}`,
      PLAIN_KEY: 'demo-key-of-no-form',
    };
    const { code, data, stderr } = await json(['check', '--config', at('config.json')], env);
    expect(code).toBe(1);
    const lines = (list: unknown) =>
      (list as { path: string; message: string; fix: string }[]).map(
        ({ path, message, fix }) => `${path}: ${message}; ${fix}`,
      );
    expect(lines(data['problems']).sort()).toEqual([
      expect.stringMatching(
        /^\$\.vault\.admin: the key is an organisation admin key of OpenAI .*; give a key of openai/,
      ),
      expect.stringMatching(/^\$\.vault\.half: klingai takes a credential of access_key, secret_key/),
      expect.stringMatching(/^\$\.vault\.host\.vars: azure takes "resource" .*; name all of them/),
      '$.vault.much.vars: openai takes none; remove it',
      expect.stringMatching(/^\$\.vault\.nobody\.provider: "opnai" is not in the registry/),
      expect.stringMatching(/^\$\.vault\.other: the key looks like .* of Anthropic/),
    ]);
    expect(lines(data['warnings'])).toEqual([
      expect.stringMatching(/^\$\.vault\.broad: the key is of Snowflake, where/),
    ]);
    expect(JSON.stringify(data) + stderr).not.toContain('demodemo');
    const { data: unread } = await json(['check', '--config', at('config.json'), '--skip-secrets'], env);
    expect(lines(unread['problems'])).toHaveLength(3);
  });

  it('grants that lead nowhere are warnings', async () => {
    writeFileSync(at('config.json'), '{}');
    const file = writeRai(
      at('relay.rai'),
      relayFile('shop', { providers: ['openai', 'opnai'], vault: ['main'] }),
    );
    const { code, data } = await json(['check', '--config', at('config.json'), '--rai', file]);
    expect(code).toBe(0);
    expect((data['warnings'] as { path: string }[]).map(({ path }) => path)).toEqual([
      '$.issuers[0].allow.providers',
      '$.issuers[0].allow.vault',
    ]);
  });

  it('a folder: each bad file with its name, clashes and backend files included, good ones described', async () => {
    mkdirSync(at('keys'));
    const good = relayFile();
    writeRai(at('keys', 'a.rai'), good);
    writeRai(at('keys', 'b.rai'), '{"rai":2}');
    writeRai(at('keys', 'c.rai'), relayFile('blog'), 0o644);
    writeRai(at('keys', 'd.rai'), relayFile('shop'));
    writeRai(at('keys', 'e.rai'), createRai({ method: 'aes', relay: 'https://relay.example.com/' }).issuer);
    writeRai(at('keys', 'note.txt'), 'not a key file');
    const { code, data } = await json(['check', '--rai', at('keys')]);
    expect(code).toBe(1);
    const sources = new Set((data['problems'] as { source: string }[]).map(({ source }) => source));
    expect([...sources].sort()).toEqual(['b', 'c', 'd', 'e'].map((name) => at('keys', `${name}.rai`)));
    expect((data['files'] as { name: string }[]).map(({ name }) => name)).toEqual([at('keys', 'a.rai')]);
  });

  it('a backend’s file by itself is described as one', async () => {
    const file = writeRai(
      at('issuer.rai'),
      createRai({ method: 'ecc', relay: 'https://relay.example.com/', iss: 'shop' }).issuer,
    );
    const ran = await runHere(['check', '--rai', file]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/for the backend: mints as shop for https:\/\/relay\.example\.com\//);
  });

  it('an overridden provider that cannot be is a problem of the config', async () => {
    writeFileSync(
      at('config.json'),
      JSON.stringify({ providers: { mine: { like: 'nobody', base_url: 'https://llm.example.com/v1' } } }),
    );
    const { code, data } = await json(['check', '--config', at('config.json')]);
    expect(code).toBe(1);
    expect(JSON.stringify(data['problems'])).toContain('$.providers.mine');
  });

  it('nothing to check is a misuse; what is missing is refused', async () => {
    expect((await runHere(['check', '--import', '--config', at('config.json')])).code).toBe(2);
    expect((await runHere(['check', '--config', at('no.json')])).stderr).toMatch(/no such file/);
    expect((await runHere(['check', '--rai', at('no.rai')])).code).toBe(1);
  });

  it('starts nothing and makes nothing', async () => {
    writeFileSync(at('config.json'), '{}');
    await runHere(['check', '--config', at('config.json')]);
    expect(readdirSync(dir)).toEqual(['config.json']);
  });
});

describe('check --import', () => {
  const exported = () => {
    const file = createRai({ method: 'ecc', relay: 'https://relay.example.com/', iss: 'shop' }).relay as {
      keys: object[];
      issuers: { keys: object[] }[];
    };
    Object.assign(file.keys[0] as object, { ext: true, key_ops: ['deriveBits'] });
    Object.assign(file.issuers[0]?.keys[0] as object, { ext: true, key_ops: ['verify'] });
    return file;
  };

  it('takes ext and key_ops out, keeps the rest and the mode, then checks', async () => {
    const file = writeRai(at('relay.rai'), exported(), 0o600);
    expect((await runHere(['check', '--rai', file])).code).toBe(1);
    const { code, data } = await json(['check', '--import', '--rai', file]);
    expect(code).toBe(0);
    expect(data['imported']).toEqual([file]);
    expect(readFileSync(file, 'utf8')).not.toMatch(/"ext"|key_ops/);
    expect(parseRai(readJson(file)).keys).toHaveLength(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('leaves a file alone that would still be wrong, that is clean, or that others may read', async () => {
    const wrong = { ...exported(), aud: '' };
    const paths = [
      writeRai(at('wrong.rai'), wrong),
      writeRai(at('clean.rai'), createRai({ method: 'aes', relay: 'https://relay.example.com/' }).relay),
      writeRai(at('open.rai'), exported(), 0o644),
      writeRai(at('broken.rai'), '{'),
    ];
    const before = paths.map((path) => readFileSync(path, 'utf8'));
    const codes: number[] = [];
    for (const path of paths) codes.push((await runHere(['check', '--import', '--rai', path])).code);
    expect(codes).toEqual([1, 0, 1, 1]);
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(before);
  });

  it('goes through a folder', async () => {
    mkdirSync(at('keys'));
    writeRai(at('keys', 'a.rai'), exported());
    const { code, data } = await json(['check', '--import', '--rai', at('keys')]);
    expect(code).toBe(0);
    expect(data['imported']).toEqual([at('keys', 'a.rai')]);
    expect((await runHere(['check', '--import', '--rai', at('no')])).code).toBe(1);
  });
});
