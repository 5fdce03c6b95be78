import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DIALECTS } from '../dialects/dialects.ts';
import { isPlainPath } from './base-url.ts';
import { createCatalog } from './catalog.ts';
import { demoProvider } from './entries/demo.ts';
import type { Endpoint, Provider } from './provider.ts';
import { REGISTRY } from './registry.ts';
import { renderProvidersPage } from './render-page.ts';
import { RELAY_OWNED_HEADERS } from './reserved.ts';

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

it('the registry holds the providers of the first release, demo left out', () => {
  expect(REGISTRY.map((entry) => entry.id)).toEqual([
    'openai',
    'anthropic',
    'google',
    'mistral',
    'deepseek',
    'groq',
    'openrouter',
    'alibaba',
    'alibaba-cn',
    'azure',
    'deepl',
    'replicate',
    'fal',
    'black-forest-labs',
    'assemblyai',
  ]);
  const { catalog } = createCatalog(REGISTRY);
  expect(['gemini', 'googleai', 'dashscope', 'demo'].map((name) => catalog.find(name)?.id)).toEqual([
    'google',
    'google',
    'alibaba-cn',
    undefined,
  ]);
});

describe.each(ALL.map((entry) => [entry.id, entry] as const))('the entry %s', (_, entry) => {
  it('names an https origin of its own and plain roots', () => {
    const origin = entry.origin.replace(/\{[a-z]+\}/g, 'x');
    expect(new URL(origin).origin).toBe(origin);
    if (entry.id !== 'demo') expect(origin.startsWith('https://')).toBe(true);
    expect(entry.roots.length).toBeGreaterThan(0);
    expect(entry.roots.every(isPlainPath)).toBe(true);
    expect(new Set(entry.roots).size).toBe(entry.roots.length);
    const placeholders = [...entry.origin.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name);
    expect(placeholders).toEqual(Object.keys(entry.vars));
    for (const { origin: other } of entry.originByKey) expect(new URL(other).origin).toBe(other);
  });

  it('lists each endpoint once, under roots that it has, in a dialect that exists', () => {
    expect(new Set(opens(entry)).size).toBe(entry.endpoints.length);
    for (const row of entry.endpoints) {
      if (row.root !== undefined) expect(rootsOf(entry)).toContain(row.root);
      expect(Object.keys(DIALECTS)).toContain(row.dialect);
      expect(row.path).toMatch(/^(?:\/[A-Za-z0-9_{}:.-]+)+$/);
    }
  });

  it('says of every endpoint where it names a model; a row of kind models is a GET without a body', () => {
    for (const row of entry.endpoints) {
      expect(row.models).not.toBeNull();
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
      expect(RELAY_OWNED_HEADERS.has(name)).toBe(false);
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
    const open = entry.endpoints.filter(({ kind }) => kind === 'inference' || kind === 'models');
    for (const row of open) expect(nameOf(row)).not.toMatch(account);
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
      if (row.kind === 'account') expect(named.length).toBeGreaterThan(0);
      for (const place of row.takes ?? []) {
        if (place.in === 'path') expect(row.path).toContain(`{${place.segment}}`);
        if (place.in === 'query') expect(entry.passQuery).toContain(place.name);
      }
      // an id in the path that nobody opens would be anybody's
      if (row.kind !== 'job' && row.kind !== 'account') continue;
      const segments = [...row.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
      const known = [...(row.takes ?? []).map((place) => place.in === 'path' && place.segment)];
      for (const name of segments) expect([...known, 'owner', 'app', 'part']).toContain(name);
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
    for (const row of chats) expect(places(row)).toContain('{"in":"body","at":["model"]}');
  });
});
