import { describe, expect, it } from 'vitest';
import { isPlainOrigin, isPlainPath, splitBase } from './base-url.ts';
import { createCatalog, type ProviderOverrides } from './catalog.ts';
import type { Provider } from './provider.ts';
import { REGISTRY } from './registry.ts';

function withOverrides(overrides: ProviderOverrides) {
  const { catalog, problems } = createCatalog(REGISTRY, overrides);
  return { catalog, problems: problems.map(({ path, message, fix }) => `${path}: ${message}; ${fix}`) };
}

function entryOf(name: string, overrides: ProviderOverrides): Provider {
  const { catalog, problems } = withOverrides(overrides);
  expect(problems).toEqual([]);
  const entry = catalog.find(name);
  if (entry === null) throw new Error(`no ${name}`);
  return entry;
}

describe('finding a provider', () => {
  it('goes by id and by alias, exactly', () => {
    const { catalog } = createCatalog(REGISTRY);
    expect(catalog.find('gemini')).toBe(catalog.find('google'));
    for (const name of ['OpenAI', 'openai ', '', 'constructor', '__proto__', 'https://api.openai.com']) {
      expect(catalog.find(name)).toBeNull();
    }
    expect(catalog.ids).toContain('openai');
    expect(catalog.ids).not.toContain('gemini');
  });
});

describe('an override', () => {
  it('of the address moves the origin, keeps the endpoints and takes the trust', () => {
    const entry = entryOf('openai', { openai: { base_url: 'http://127.0.0.1:9999/v1' } });
    expect(entry).toMatchObject({ origin: 'http://127.0.0.1:9999', roots: ['/v1'], trusted: false });
    expect(entry.endpoints).toEqual(REGISTRY[0]?.endpoints);
    expect(entry.ownBase).toBe(true);
  });

  it('keeps the trust where it says so, and without an address', () => {
    expect(entryOf('openai', { openai: { base_url: 'http://localhost:1/v1', trusted: true } }).trusted).toBe(
      true,
    );
    expect(entryOf('openai', { openai: { name: 'Ours' } })).toMatchObject({ trusted: true, name: 'Ours' });
    expect(entryOf('openai', { openai: { trusted: false } }).trusted).toBe(false);
  });

  it('without a path keeps all roots, with one of them moves all, with another one has that alone', () => {
    const rootsAt = (base_url: string) => entryOf('google', { google: { base_url } });
    const roots = ['/v1beta', '/v1', '/v1beta/openai', '/upload/v1beta', '/upload/v1'];
    expect(rootsAt('http://localhost:1').roots).toEqual(roots);
    expect(rootsAt('http://localhost:1/').roots).toEqual(roots);
    const moved = rootsAt('http://localhost:1/gw/v1');
    expect(moved.roots).toEqual([
      '/gw/v1',
      '/gw/v1beta',
      '/gw/v1beta/openai',
      '/gw/upload/v1beta',
      '/gw/upload/v1',
    ]);
    for (const row of moved.endpoints) expect(moved.roots).toContain(row.root);
    const other = rootsAt('http://localhost:1/gw');
    expect(other.roots).toEqual(['/gw']);
    for (const row of other.endpoints) expect(row.root).toBeUndefined();
  });

  it('drops variables and hosts by key with the address they belonged to', () => {
    const azure = entryOf('azure', { azure: { base_url: 'https://shop.example.com/openai/v1' } });
    expect(azure).toMatchObject({
      vars: {},
      origin: 'https://shop.example.com',
      roots: ['/openai/v1', '/openai'],
    });
    expect(entryOf('deepl', { deepl: { base_url: 'https://d.example.com' } }).originByKey).toEqual([]);
  });

  it("replaces every member that it names, in the registry's form", () => {
    const entry = entryOf('openai', {
      openai: {
        auth: { kind: 'header', name: 'x-key', template: '{id}:{secret}' },
        credential_fields: ['id', 'secret'],
        aliases: ['ours'],
        roots: ['/a', '/b'],
        default_headers: { 'x-version': '1' },
        pass_headers: ['x-beta', 'x-trace-*'],
        pass_query: ['v'],
        request_id_header: 'x-id',
        endpoints: [
          {
            method: 'POST',
            path: '/x',
            root: '/a',
            kind: 'inference',
            dialect: 'opaque',
            body: 'any',
            models: null,
          },
        ],
      },
    });
    expect(entry).toMatchObject({
      auth: { kind: 'header', name: 'x-key', template: '{id}:{secret}' },
      credentialFields: ['id', 'secret'],
      aliases: ['ours'],
      roots: ['/a', '/b'],
      defaultHeaders: [['x-version', '1']],
      passHeaders: ['x-beta', 'x-trace-*'],
      passQuery: ['v'],
      requestIdHeader: 'x-id',
      endpoints: [{ path: '/x', root: '/a' }],
    });
  });
});

describe('an entry that is off', () => {
  it('is not found by id or alias, and is not among the ids', () => {
    const { catalog } = createCatalog(REGISTRY);
    for (const name of ['lambda', 'anyscale', 'ollama', 'litellm', 'litellm-proxy']) {
      expect(REGISTRY.some(({ id, aliases }) => id === name || aliases.includes(name))).toBe(true);
      expect([name, catalog.find(name)]).toEqual([name, null]);
      expect(catalog.ids).not.toContain(name);
    }
  });

  it('is on when config says so, or says where it stands', () => {
    expect(entryOf('lambda', { lambda: { enabled: true } })).toMatchObject({
      origin: 'https://api.lambda.ai',
      trusted: true,
    });
    const ollama = entryOf('ollama', { ollama: { base_url: 'http://127.0.0.1:11434/v1' } });
    expect(ollama).toMatchObject({ roots: ['/v1', '/api'], auth: { kind: 'none' }, trusted: false });
  });

  it('stays off where config names it and says that it is not on', () => {
    const off = { base_url: 'https://llm.example/v1', enabled: false };
    const { catalog, problems } = withOverrides({ ollama: off, openai: { enabled: false } });
    expect([problems, catalog.find('ollama'), catalog.find('openai')]).toEqual([[], null, null]);
  });

  it('can be copied, and the copy is on', () => {
    expect(entryOf('ours', { ours: { base_url: 'https://llm.example', like: 'vllm' } }).enabled).toBe(true);
  });
});

describe('a new entry', () => {
  it("needs an address alone: bearer key, OpenAI's endpoints, no trust", () => {
    const entry = entryOf('local', { local: { base_url: 'http://127.0.0.1:11434/v1' } });
    expect(entry).toMatchObject({
      id: 'local',
      name: 'local',
      origin: 'http://127.0.0.1:11434',
      roots: ['/v1'],
      auth: { name: 'authorization', template: 'Bearer {key}' },
      trusted: false,
      refusedKeys: [],
    });
    expect(entry.endpoints.map((row) => row.path)).toContain('/chat/completions');
    expect(entryOf('local', { local: { base_url: 'http://127.0.0.1:11434' } }).roots).toEqual(['/v1']);
    expect(entryOf('local', { local: { base_url: 'http://127.0.0.1:1/api/v3' } }).roots).toEqual(['/api/v3']);
  });

  it('refuses the admin keys of the entry that it copies', () => {
    const entry = entryOf('claude-eu', {
      'claude-eu': { base_url: 'https://eu.example.com', like: 'anthropic' },
    });
    const [refused] = entry.refusedKeys ?? [];
    expect(new RegExp(refused?.pattern ?? '', 'u').test('sk-ant-admin01-demo')).toBe(true);
    expect(new RegExp(refused?.pattern ?? '', 'u').test('sk-ant-demo')).toBe(false);
  });

  it('can copy an entry, under a name of its own', () => {
    const entry = entryOf('claude-eu', {
      'claude-eu': { base_url: 'https://eu.example.com', like: 'anthropic' },
    });
    expect(entry).toMatchObject({
      id: 'claude-eu',
      aliases: [],
      roots: ['/v1'],
      auth: { name: 'x-api-key' },
      trusted: false,
    });
    expect(entry.defaultHeaders).toEqual([['anthropic-version', '2023-06-01']]);
  });

  it('can do without a credential', () => {
    expect(
      entryOf('local', { local: { base_url: 'http://127.0.0.1:1', auth: { kind: 'none' } } }).auth,
    ).toEqual({ kind: 'none' });
  });
});

describe('what does not hold together is told with its place', () => {
  it.each<[string, ProviderOverrides, string]>([
    ['no address', { local: {} }, '$.providers.local.base_url: is missing'],
    ['an alias as a name', { gemini: { trusted: true } }, '$.providers.gemini: is another name of google'],
    [
      'like on an override',
      { openai: { like: 'anthropic' } },
      '$.providers.openai.like: stands only in a new entry',
    ],
    [
      'like of nothing',
      { a: { base_url: 'http://localhost', like: 'b' } },
      '$.providers.a.like: "b" is not in the registry',
    ],
    [
      'a host in capitals',
      { openai: { base_url: 'https://API.example.com' } },
      '$.providers.openai.base_url: holds a host',
    ],
    [
      'a number for a host',
      { openai: { base_url: 'http://2130706433/v1' } },
      '$.providers.openai.base_url: holds a host',
    ],
    [
      'a path with dots',
      { openai: { base_url: 'http://localhost/a/../v1' } },
      '$.providers.openai.base_url: has a path',
    ],
    [
      'a template without a field',
      { openai: { auth: { kind: 'header', name: 'x', template: 'abc' } } },
      '$.providers.openai.auth.template: holds no credential field',
    ],
    [
      'a template with another field',
      { openai: { auth: { kind: 'header', name: 'x', template: '{id}' } } },
      '$.providers.openai.auth.template: names {id}',
    ],
    [
      'a credential in the query',
      { openai: { pass_query: ['v', 'Access_Token'] } },
      '$.providers.openai.pass_query[1]: "Access_Token" names a credential',
    ],
    [
      'a credential header',
      { openai: { pass_headers: ['x-api-key'] } },
      '$.providers.openai.pass_headers[0]: "x-api-key" reaches',
    ],
    [
      'a wildcard over a credential header',
      { openai: { pass_headers: ['x-*'] } },
      '$.providers.openai.pass_headers[0]: "x-*" reaches',
    ],
    [
      'an organisation header',
      { openai: { default_headers: { 'openai-organization': 'o' } } },
      '$.providers.openai.default_headers.openai-organization: is a header',
    ],
    [
      'a local server without an address',
      { ollama: { enabled: true } },
      '$.providers.ollama.base_url: is missing',
    ],
    ['an alias of another entry', { openai: { aliases: ['gemini'] } }, 'already belongs to'],
  ])('%s', (_, overrides, text) => {
    const { problems } = withOverrides(overrides);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(text);
  });

  it('all of it at once, and the registry stays as it was', () => {
    const { catalog, problems } = withOverrides({
      openai: { base_url: 'https://API.example.com', pass_query: ['key'] },
      local: { like: 'nothing' },
    });
    expect(problems).toHaveLength(4);
    expect(catalog.find('openai')).toBe(REGISTRY[0]);
    expect(catalog.find('local')).toBeNull();
  });
});

describe('an entry at a base of a token', () => {
  const { catalog } = createCatalog(REGISTRY);
  const openai = REGISTRY[0] as Provider;

  it('is made once and is not trusted', () => {
    const there = catalog.at(openai, 'https://gw.example.com/v1');
    expect(there).toMatchObject({ id: 'openai', origin: 'https://gw.example.com', trusted: false });
    expect(catalog.at(openai, 'https://gw.example.com/v1')).toBe(there);
    for (let index = 0; index < 300; index += 1) catalog.at(openai, `https://h${index}.example.com`);
    expect(catalog.at(openai, 'https://gw.example.com/v1')).toEqual(there);
  });

  it('is none where the text can be read in two ways', () => {
    for (const base of [
      'https://127.1',
      'https://A.example',
      'https://a.example/../b',
      'https://u@a.example',
      'a.example',
      '',
    ]) {
      expect(catalog.at(openai, base)).toBeNull();
    }
  });
});

describe('base URLs as text', () => {
  it('are split without being normalised', () => {
    expect(splitBase('https://a.example/v1/')).toEqual({ origin: 'https://a.example', root: '/v1' });
    expect(splitBase('https://a.example')).toEqual({ origin: 'https://a.example', root: '' });
    expect(splitBase('https://A.example:443//x')).toEqual({ origin: 'https://A.example:443', root: '//x' });
  });

  it('are plain or not', () => {
    for (const good of [
      'https://a.example',
      'http://127.0.0.1:80',
      'https://a.example:443',
      'http://[::1]:8080',
    ]) {
      expect(isPlainOrigin(good)).toBe(true);
    }
    for (const bad of [
      'https://a.example.:x',
      'ftp://a',
      'https://[::0001]',
      'https://ä.example',
      'https://a.example?',
      'x',
    ]) {
      expect(isPlainOrigin(bad)).toBe(false);
    }
    for (const good of ['', '/v1', '/a/b.c/~d', '/a/...', '/.well']) expect(isPlainPath(good)).toBe(true);
    for (const bad of ['/', '//a', '/a/', '/.', '/a/..', '/%2e', '/a b', 'a', '/a?b'])
      expect(isPlainPath(bad)).toBe(false);
  });
});
