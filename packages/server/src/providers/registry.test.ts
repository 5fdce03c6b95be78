import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DIALECTS } from '../dialects/dialects.ts';
import { reachesOwnedHeader } from '../owned-headers.ts';
import { isPlainPath } from './base-url.ts';
import { createCatalog } from './catalog.ts';
import { demoProvider } from './entries/demo.ts';
import type { Endpoint, Provider } from './provider.ts';
import { REGISTRY } from './registry.ts';
import { renderProvidersPage } from './render-page.ts';

const ALL = [...REGISTRY, demoProvider('http://127.0.0.1:8842')];
const byId = (id: string) => ALL.find((entry) => entry.id === id) as Provider;
const rootsOf = ({ roots, moreOrigins }: Provider) => [
  ...roots,
  ...moreOrigins.flatMap((one) => one.roots.map((root) => `/~${one.alias}${root}`)),
];
const nameOf = (row: Endpoint) => `${row.method} ${row.root ?? ''}${row.path}`;
const opens = (entry: Provider) => entry.endpoints.map(nameOf);

it('docs/providers.md is what the registry says; scripts/write-providers-docs.ts writes it', () => {
  const page = readFileSync(new URL('../../../../docs/providers.md', import.meta.url), 'utf8');
  expect(page).toBe(renderProvidersPage(REGISTRY));
});

describe('the registry', () => {
  it('has at least 150 providers that are on, each id and alias once', () => {
    expect(REGISTRY.filter(({ enabled }) => enabled).length).toBeGreaterThanOrEqual(150);
    const names = REGISTRY.flatMap(({ id, aliases }) => [id, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9-]{0,40}$/);
  });

  it.each([
    ['openai', 'https://api.openai.com'],
    ['anthropic', 'https://api.anthropic.com'],
    ['gemini', 'https://generativelanguage.googleapis.com'],
    ['googleai', 'https://generativelanguage.googleapis.com'],
    ['mistral', 'https://api.mistral.ai'],
    ['cohere', 'https://api.cohere.com'],
    ['ai21', 'https://api.ai21.com'],
    ['huggingface', 'https://router.huggingface.co'],
    ['azure', 'https://{resource}.openai.azure.com'],
    ['dashscope', 'https://dashscope.aliyuncs.com'],
    ['baidu', 'https://qianfan.baidubce.com'],
    ['hunyuan', 'https://api.hunyuan.cloud.tencent.com'],
    ['huawei', 'https://api.modelarts-maas.com'],
  ])('knows %s at %s', (name, origin) => {
    expect(createCatalog(REGISTRY).catalog.find(name)?.origin).toBe(origin);
  });

  it('leaves the demo provider out', () => {
    expect(createCatalog(REGISTRY).catalog.find('demo')).toBeNull();
  });
});

describe.each(ALL.map((entry) => [entry.id, entry] as const))('the entry %s', (_, entry) => {
  it('names an https origin of its own and plain roots', () => {
    const filled = (template: string) => template.replace(/\{[a-z_]+\}/g, 'x');
    const origin = filled(entry.origin);
    expect(new URL(origin).origin).toBe(origin);
    const local = /^http:\/\/(?:localhost|127\.0\.0\.1):\d+$/.test(origin);
    expect(origin.startsWith('https://') || local).toBe(true);
    // a token names this machine only where config has said that it may
    if (local && entry.id !== 'demo') expect(entry.enabled).toBe(false);
    expect(entry.roots.length).toBeGreaterThan(0);
    expect(entry.roots.map(filled).every(isPlainPath)).toBe(true);
    expect(new Set(entry.roots).size).toBe(entry.roots.length);
    const namedIn = (text: string) => text.match(/(?<=\{)[a-z_]+(?=\})/g) ?? [];
    for (const name of [entry.origin, ...entry.roots].flatMap(namedIn))
      expect(entry.vars).toHaveProperty(name);
    // a variable may also stand in a header that is always sent, in a signature's scope or in a token endpoint's address
    const used = namedIn(JSON.stringify([entry.origin, entry.roots, entry.setHeaders, entry.auth]));
    for (const name of Object.keys(entry.vars)) expect(used).toContain(name);
    for (const { origin: other } of entry.originByKey) expect(new URL(other).origin).toBe(other);
  });

  it('lists each endpoint once, under roots that it has, in a dialect that exists', () => {
    expect(new Set(opens(entry)).size).toBe(entry.endpoints.length);
    for (const row of entry.endpoints) {
      if (row.root !== undefined) expect(rootsOf(entry)).toContain(row.root);
      // a row of another root would open a second path that no source shows
      else if (entry.id !== 'demo') expect(entry.roots).toHaveLength(1);
      expect(Object.keys(DIALECTS)).toContain(row.dialect);
      expect(row.path).toMatch(/^(?:\/[A-Za-z0-9_{}:.-]+)*\/?$/);
      expect(row.path).not.toBe('');
    }
  });

  it('says of every endpoint where it names a model; a row of kind models is a GET without a body', () => {
    for (const row of entry.endpoints) {
      // only where it stands in several pieces, or may be a list in one text
      // or in a file that the account keeps
      if (row.models === null && row.kind !== 'account')
        expect([row.dialect, entry.id]).toContain(entry.id === 'helicone' ? 'helicone' : 'opaque');
      if (row.kind !== 'models') continue;
      expect([row.method, row.body, row.models]).toEqual(['GET', 'none', []]);
    }
  });

  it('caps at most two names deep, and says what it caps wherever a body is JSON', () => {
    for (const row of entry.endpoints) {
      if (row.body === 'json') expect(row.capGroups).toBeDefined();
      for (const pointer of row.capGroups?.flat() ?? []) expect(pointer.length).toBeLessThanOrEqual(2);
    }
  });

  it('opens no header that the relay owns, and no wildcard that reaches one', () => {
    for (const name of [...entry.passHeaders, ...entry.defaultHeaders.map(([header]) => header)]) {
      expect(name).toBe(name.toLowerCase());
      expect([name, reachesOwnedHeader(name)]).toEqual([name, false]);
      expect(name.endsWith('*')).toBe(false);
    }
    if (entry.auth.kind === 'header') expect(entry.auth.template).toContain('{key}');
  });

  it('says when and from what it was taken', () => {
    expect(entry.asOf).toMatch(/^\d{4}-\d{2}$/);
    expect(entry.sources.length).toBeGreaterThan(0);
  });

  it('A29 leaves account-wide endpoints closed', () => {
    const account =
      /\/(?:files|batches|batch|threads|assistants|vector_stores|fine_tuning|fine-tunes|organization|projects|uploads|client_secrets|realtime|cachedContents|tunedModels|operations|tokens|keys|credits|usage|admin|glossaries|conversations|libraries|agents)(?:\/|$)|\/responses\/|:batch(?!EmbedContents)|LongRunning/;
    // what the token names in a root is no collection, a count of tokens is none, and a session of an agent is how one talks to it
    const harmless =
      /^\S+ \/\S+\{(?:project|location)\}(?:\/locations\/global)?|\/tokens\/count$|\/responses\/input_tokens$|\/agents\/\{agent\}\/sessions/g;
    const open = entry.endpoints.filter(({ kind }) => kind === 'inference' || kind === 'models');
    // whose only calls go on with a state that the caller names
    const named = ['dialogflow', 'dialogflow-regional', 'voiceflow'];
    expect(open.length > 0).toBe(!named.includes(entry.id));
    for (const row of open) expect(nameOf(row).replace(harmless, '')).not.toMatch(account);
    expect(entry.endpoints.every((row) => !row.path.endsWith('/*'))).toBe(true);
    expect(open.every((row) => ['GET', 'POST'].includes(row.method))).toBe(true);
  });

  it('A29 opens a stored thing by an id alone that is the subject’s own', () => {
    const declared = entry.ids.map(({ kind }) => kind);
    expect(new Set(declared).size).toBe(declared.length);
    for (const row of entry.endpoints) {
      const named = [...(row.takes ?? []), ...(row.makes ?? [])];
      for (const { kind } of named) expect(declared).toContain(kind);
      if (row.kind === 'job') expect(row.takes?.length).toBeGreaterThan(0);
      for (const place of row.takes ?? []) {
        if (place.in === 'path') expect(row.path).toContain(`{${place.segment}}`);
        if (place.in === 'query') expect(entry.passQuery).toContain(place.name);
      }
      // an id in the path that nobody opens would be anybody's
      if (row.kind !== 'job' && row.kind !== 'account') continue;
      const segments = [...row.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
      const known = [...(row.takes ?? []).map((place) => place.in === 'path' && place.segment)];
      // names that callers make up are closed: nothing says whose they are
      const madeUp = row.kind === 'account' ? ['user', 'session', 'agent', 'project'] : [];
      for (const name of segments) expect([...known, 'owner', 'app', 'part', ...madeUp]).toContain(name);
    }
    for (const { alias, origin, roots } of entry.moreOrigins) {
      expect(alias).toMatch(/^[a-z0-9]+$/);
      expect(new URL(origin).origin).toBe(origin);
      expect(origin.startsWith('https://')).toBe(true);
      expect(roots.every(isPlainPath)).toBe(true);
    }
  });
});

describe('facts that are easy to get wrong', () => {
  it('credential headers', () => {
    const header = (id: string) => {
      const { auth } = byId(id);
      return auth.kind === 'header' ? `${auth.name}: ${auth.template}` : auth.kind;
    };
    expect(header('openai')).toBe('authorization: Bearer {key}');
    expect(header('anthropic')).toBe('x-api-key: {key}');
    expect(header('google')).toBe('x-goog-api-key: {key}');
    expect(header('azure')).toBe('api-key: {key}');
    expect(header('deepl')).toBe('authorization: DeepL-Auth-Key {key}');
  });

  it('versions: Anthropic gets one when the caller sends none, Groq has its root, DashScope three APIs', () => {
    expect(byId('anthropic').defaultHeaders).toEqual([['anthropic-version', '2023-06-01']]);
    expect(byId('groq').roots).toEqual(['/openai/v1']);
    expect(byId('alibaba').roots).toEqual(['/compatible-mode/v1', '/apps/anthropic/v1', '/api/v1']);
    expect(byId('alibaba').origin).toBe('https://dashscope-intl.aliyuncs.com');
    expect(byId('alibaba-cn').origin).toBe('https://dashscope.aliyuncs.com');
  });

  it("Databricks' host, the one variable with a dot in it, ends in a domain of Databricks", () => {
    const pattern = new RegExp(`^(?:${byId('databricks').vars['workspace_host']})$`, 'u');
    for (const good of [
      'adb-1234567890123456.7.azuredatabricks.net',
      'dbc-a1b2c3d4-e5f6.cloud.databricks.com',
      '1234567890123456.7.gcp.databricks.com',
    ]) {
      expect(good).toMatch(pattern);
    }
    for (const bad of [
      'evil.example',
      'evil.example/adb-1234567890123456.7.azuredatabricks.net',
      'adb-1234567890123456.7.azuredatabricks.net.evil.example',
      'adb-1234567890123456.7.azuredatabricks.net/x',
      'adb-1234567890123456.7.azuredatabricks.net:8443',
      'user@dbc-a1b2.cloud.databricks.com',
      'a.b.cloud.databricks.com',
      'dbc-a1b2.cloud.databricks.com.',
      'dbc-a1b2xcloud.databricks.com',
      'cloud.databricks.com',
      'DBC-A1B2.cloud.databricks.com',
    ]) {
      expect(bad).not.toMatch(pattern);
    }
  });

  it('no other variable can hold a dot, a slash, a colon or an @', () => {
    for (const { id, vars } of ALL) {
      if (id === 'databricks') continue;
      for (const [name, source] of Object.entries(vars)) {
        const pattern = new RegExp(`^(?:${source})$`, 'u');
        for (const bad of [
          'a.b',
          'a/b',
          'a:1',
          'a@b',
          '.',
          '..',
          '',
          'a%2fb',
          'a\\b',
          'a?b',
          'a#b',
          'a b',
          'a\n',
        ]) {
          expect([id, name, bad, pattern.test(bad)]).toEqual([id, name, bad, false]);
        }
      }
    }
  });

  it('a variable pattern lets nothing into a host but a name', () => {
    const pattern = new RegExp(`^(?:${byId('azure').vars['resource']})$`, 'u');
    for (const good of ['shop', 'my-shop-1', 'a']) expect(good).toMatch(pattern);
    for (const bad of ['', '-a', 'a-', 'a.b', 'a/b', 'a@b', 'a:1', 'A', 'a\n', 'a#', 'ä', 'x'.repeat(65)]) {
      expect(bad).not.toMatch(pattern);
    }
  });

  it('the same call has the same row at each provider that speaks the dialect', () => {
    const chats = ALL.flatMap((entry) => entry.endpoints.filter((row) => row.path === '/chat/completions'));
    expect(chats.length).toBeGreaterThan(9);
    const places = (row: Endpoint) => row.models?.map((place) => JSON.stringify(place));
    for (const row of chats) {
      if (row.models !== null) expect(places(row)).toContain('{"in":"body","at":["model"]}');
    }
  });
});
