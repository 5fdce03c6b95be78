import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import { forgetVariables, readAdminSecret, readVault } from './vault-secrets.ts';

const folder = mkdtempSync(join(tmpdir(), 'relayapi-vault-'));
const KEY = 'sk-demo-not-a-key';

function put(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
}

const sources = (env: Record<string, string> = {}) => ({ env, groupRead: false, configName: 'config.json' });
const read = (vault: unknown, env?: Record<string, string>) =>
  readVault(configSchema.parse({ vault }).vault, sources(env));

describe('the vault', () => {
  it('takes keys from the environment and from files, a last line break dropped', () => {
    const { vault, problems } = read(
      {
        main: { provider: 'openai', key_env: 'OPENAI_API_KEY' },
        other: {
          provider: 'anthropic',
          key_file: put('key', `${KEY}-2\n`),
          models: ['m*'],
          paths: ['POST /messages'],
          limits: { calls: 9, rate: [1, 60] },
        },
        parts: {
          provider: 'azure',
          credential_env: { key: 'AZURE_KEY' },
          credential_file: { tenant: put('tenant', 'demo-tenant') },
          vars: { resource: 'mine' },
        },
      },
      { OPENAI_API_KEY: KEY, AZURE_KEY: `${KEY}-3` },
    );
    expect(problems).toEqual([]);
    expect(vault.get('main')?.credential['key']?.reveal()).toBe(KEY);
    expect(vault.get('other')?.credential['key']?.reveal()).toBe(`${KEY}-2`);
    expect(vault.get('other')).toMatchObject({
      provider: 'anthropic',
      models: ['m*'],
      paths: ['POST /messages'],
      limits: { calls: 9, rate: [1, 60] },
    });
    expect(vault.get('parts')?.credential['key']?.reveal()).toBe(`${KEY}-3`);
    expect(vault.get('parts')?.credential['tenant']?.reveal()).toBe('demo-tenant');
    expect(vault.get('parts')?.vars).toEqual({ resource: 'mine' });
  });

  it('shows no key when it is printed', () => {
    const { vault } = read({ main: { provider: 'openai', key_env: 'K' } }, { K: KEY });
    expect(JSON.stringify([...vault])).not.toContain(KEY);
  });

  it('names every key that cannot be had, with the place in config', () => {
    const { problems } = read({
      a: { provider: 'openai', key_env: 'NOT_SET' },
      b: { provider: 'openai', key_file: join(folder, 'none') },
      c: { provider: 'openai', key_file: put('loose', KEY, 0o644) },
      d: { provider: 'openai', key_file: put('empty', '\n') },
      e: { provider: 'openai', key_file: put('lines', 'a\nb\n') },
      f: { provider: 'openai', credential_env: { key: 'ALSO_NOT_SET' } },
    });
    expect(problems.map(({ path, message }) => [path, message.replace(folder, '')])).toEqual([
      ['$.vault.a.key_env', 'names the variable NOT_SET, which is not set or empty'],
      ['$.vault.b.key_file', 'names /none: there is no such file'],
      ['$.vault.c.key_file', 'names /loose: others than its owner may use it (mode 0644)'],
      ['$.vault.d.key_file', 'names /empty, which is empty or holds more than one line'],
      ['$.vault.e.key_file', 'names /lines, which is empty or holds more than one line'],
      ['$.vault.f.credential_env.key', 'names the variable ALSO_NOT_SET, which is not set or empty'],
    ]);
    expect(JSON.stringify(problems)).not.toContain(KEY);
  });
});

describe('a vault key', () => {
  it.each(['sk-demo not-a-key', 'sk-demo-not-a-key ', 'sk-demo\tkey', 'sk-démo', '\ufeffsk-demo'])(
    'that no header can carry is a problem at the start, not an error at each call: %j',
    (key) => {
      const { problems } = read(
        {
          a: { provider: 'openai', key_env: 'K' },
          b: { provider: 'openai', key_file: put('odd', `${key}\n`) },
          c: { provider: 'openai', credential_env: { key: 'K' } },
          d: { provider: 'openai', credential_file: { key: put('odd', `${key}\n`) } },
        },
        { K: key },
      );
      expect(problems.map(({ path }) => path)).toEqual([
        '$.vault.a.key_env',
        '$.vault.b.key_file',
        '$.vault.c.credential_env.key',
        '$.vault.d.credential_file.key',
      ]);
      expect(JSON.stringify(problems)).not.toContain('sk-d');
    },
  );

  it('in place of the name of its file is not repeated', () => {
    const { problems } = read({ main: { provider: 'openai', key_file: KEY } });
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain(KEY);
  });
});

describe('the admin secret', () => {
  const admin = (more: object) => configSchema.parse({ admin: more }).admin;
  const secret = 'demo-not-a-secret-at-all';

  it('comes from a variable or a file', () => {
    expect(readAdminSecret(admin({ secret_env: 'S' }), sources({ S: secret })).secret?.reveal()).toBe(secret);
    expect(
      readAdminSecret(admin({ secret_file: put('admin', `${secret}\n`) }), sources()).secret?.reveal(),
    ).toBe(secret);
  });

  it('is none when config names none, or the listener is off', () => {
    expect(readAdminSecret(admin({}), sources())).toEqual({ secret: null, problems: [] });
    expect(readAdminSecret(admin({ enabled: false, secret_env: 'S' }), sources())).toEqual({
      secret: null,
      problems: [],
    });
  });

  it.each([
    ['missing', {}],
    ['short', { S: 'short' }],
  ])('that is %s is a problem', (_what, env) => {
    const { secret: found, problems } = readAdminSecret(admin({ secret_env: 'S' }), sources(env));
    expect(found).toBeNull();
    expect(problems[0]).toMatchObject({ source: 'config.json', path: '$.admin.secret_env' });
    expect(problems[0]?.message).not.toContain('short');
  });
});

it('A55 the variables that held secrets are gone once they were read, and no others', () => {
  const env: Record<string, string | undefined> = { MAIN: 'a', PART: 'b', ADMIN: 'c', PATH: '/bin' };
  const config = configSchema.parse({
    admin: { secret_env: 'ADMIN' },
    vault: {
      main: { provider: 'openai', key_env: 'MAIN' },
      parts: { provider: 'openai', credential_env: { id: 'PART' } },
      file: { provider: 'openai', key_file: 'PATH' },
    },
  });
  forgetVariables(config, env);
  expect(env).toEqual({ PATH: '/bin' });
});
