/** `relayapi providers list`, `search` and `show`: the registry as a relay has it, with what config adds; and a probe for every entry. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REGISTRY } from 'relayapi-server';
import { describe, expect, it } from 'vitest';
import { chooseProbe } from '../src/provider-probe.ts';
import { makeFolder, runHere } from './support/command.ts';

function configFile(): string {
  const path = join(makeFolder(), 'config.json');
  const providers = {
    mine: { base_url: 'http://127.0.0.1:11434/v1', name: 'My own', aliases: ['llama-here'] },
  };
  writeFileSync(path, JSON.stringify({ providers }));
  return path;
}

describe('list and search', () => {
  it('shows every entry of the registry in one line each, under a heading', async () => {
    const { code, stdout, stderr } = await runHere(['providers', 'list']);
    expect([code, stderr]).toEqual([0, '']);
    const [heading, ...lines] = stdout.trimEnd().split('\n');
    expect(heading).toMatch(/^id +name +base +credential +status$/);
    const [on, off] = [true, false].map((wanted) => REGISTRY.filter(({ enabled }) => enabled === wanted));
    // those that work come first
    expect(lines.map((line) => line.split(' ')[0])).toEqual(
      [...(on ?? []), ...(off ?? [])].map(({ id }) => id),
    );
    expect(lines[0]).toMatch(/^openai +OpenAI +https:\/\/api\.openai\.com\/v1 +key +active$/);
  });

  it('counts what a config file adds, and gives the same as JSON', async () => {
    const { stdout } = await runHere(['providers', 'list', '--config', configFile(), '--json']);
    const { providers } = JSON.parse(stdout) as { providers: { id: string }[] };
    expect(providers).toHaveLength(REGISTRY.length + 1);
    expect(providers.find(({ id }) => id === 'mine')).toMatchObject({
      name: 'My own',
      base: 'http://127.0.0.1:11434/v1',
      aliases: ['llama-here'],
      credential: ['key'],
      enabled: true,
    });
  });

  it('finds by id, other name, name and host, whatever the case', async () => {
    const idsFor = async (text: string) => {
      const { stdout } = await runHere(['providers', 'search', text, '--config', configFile()]);
      return stdout
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => line.split(' ')[0]);
    };
    expect(await idsFor('GROQ')).toEqual(['groq']);
    expect(await idsFor('llama-here')).toEqual(['mine']);
    expect(await idsFor('api.anthropic')).toEqual(['anthropic']);
    const none = await runHere(['providers', 'search', 'no-such-thing']);
    expect(none).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('show', () => {
  it('tells hosts, credential, what keys look like, and endpoints', async () => {
    const { code, stdout } = await runHere(['providers', 'show', 'gemini']);
    expect(code).toBe(0);
    for (const line of [
      /^id +google, also gemini/m,
      /^base +https:\/\/generativelanguage\.googleapis\.com\/v1beta$/m,
      /^credential +key; header x-goog-api-key: \{key\}$/m,
      /^keys +begin with AIza or AQ\.$/m,
      /POST \/v1beta\/models\/\{model\}:generateContent {2}inference$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect((await runHere(['providers', 'show', 'openai'])).stdout).toMatch(
      /^refused +sk-admin-… an organisation admin key$/m,
    );
  });

  it('gives the same as JSON', async () => {
    const { stdout } = await runHere(['providers', 'show', 'azure', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      provider: { id: 'azure', vars: { resource: expect.any(String) }, credential: { fields: ['key'] } },
      endpoints: expect.arrayContaining([expect.objectContaining({ method: 'POST', kind: 'inference' })]),
    });
  });

  it('knows no other name, and does not repeat it', async () => {
    const { code, stderr } = await runHere(['providers', 'show', 'sk-demo-not-a-key']);
    expect(code).toBe(1);
    expect(stderr).not.toContain('demo');
  });
});

describe('a probe', () => {
  /** Every path of theirs names a session, a user, a model whose name is part of another, or one of several parts. */
  const NEED_MORE = new Set(['dialogflow', 'dialogflow-regional', 'voiceflow', 'nlp-cloud', 'fal']);

  it('is there for every entry of the registry whose paths need no more than a model', () => {
    const without = REGISTRY.filter((entry) => {
      const vars = Object.fromEntries(Object.keys(entry.vars).map((name) => [name, 'x']));
      return chooseProbe(entry, 'some-model', vars) === null;
    }).map(({ id }) => id);
    expect(without.filter((id) => !NEED_MORE.has(id))).toEqual([]);
  });

  it('fills in the variables of a root, and leaves an entry alone that lacks one', () => {
    const openai = REGISTRY.find(({ id }) => id === 'openai');
    if (openai === undefined) throw new Error('no openai');
    const entry = { ...openai, roots: ['/accounts/{account_id}/v1'], vars: { account_id: '[0-9a-f]{4}' } };
    expect(chooseProbe(entry, null, { account_id: 'ab12' })).toMatchObject({
      path: '/accounts/ab12/v1/models',
    });
    expect(chooseProbe(entry, 'm', {})).toBeNull();
  });

  it('spreads a model of several parts over as many segments', () => {
    const fal = REGISTRY.find(({ id }) => id === 'fal');
    if (fal === undefined) throw new Error('no fal');
    expect(chooseProbe(fal, 'fal-ai/flux')?.path).toBe('/fal-ai/flux');
    expect(chooseProbe(fal, 'fal-ai/flux/dev')?.path).toBe('/fal-ai/flux/dev');
    expect(chooseProbe(fal, 'fal-ai/a/b/c/d')).toBeNull();
  });

  it('is an empty request where there is neither chat nor list, to what costs least', () => {
    const openai = REGISTRY.find(({ id }) => id === 'openai');
    const [row] = openai?.endpoints ?? [];
    if (openai === undefined || row === undefined) throw new Error('no openai');
    const paint = { ...row, dialect: 'opaque', models: null } as const;
    const rows = [
      { ...paint, path: '/dear', tags: ['costly'] as const },
      { ...paint, path: '/upload', body: 'multipart' as const },
      { ...paint, path: '/things/{id}' },
      { ...paint, path: '/cheap' },
    ];
    const pathOf = (endpoints: typeof rows) => chooseProbe({ ...openai, endpoints }, 'm')?.path;
    expect(pathOf(rows)).toBe('/v1/cheap');
    expect(pathOf(rows.slice(0, 3))).toBe('/v1/upload');
    expect(pathOf(rows.slice(0, 1))).toBe('/v1/dear');
    expect(chooseProbe({ ...openai, endpoints: rows }, 'm')).toMatchObject({ body: '{}', kind: 'empty' });
  });

  it('is a chat with a model where there is one, with the limit’s name that the provider knows', () => {
    const probeOf = (id: string) => {
      const entry = REGISTRY.find((each) => each.id === id);
      return entry === undefined ? null : chooseProbe(entry, 'm');
    };
    expect(JSON.parse(probeOf('openai')?.body ?? '')).toMatchObject({ max_completion_tokens: 1 });
    expect(JSON.parse(probeOf('groq')?.body ?? '')).toMatchObject({ max_tokens: 1 });
    expect(probeOf('google')).toMatchObject({ path: '/v1beta/models/m:generateContent', kind: 'chat' });
    expect(probeOf('deepl')).toMatchObject({ method: 'GET', path: '/v2/languages', kind: 'list' });
  });
});

it('providers alone shows its help and is misused', async () => {
  const { code, stdout, stderr } = await runHere(['providers']);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/list.*search.*show.*test/s);
  expect(await runHere(['providers', 'lst'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/did you mean list/),
  });
  expect((await runHere(['providers', 'test', '--help'])).stdout).toMatch(/Exit 0: the provider answered/);
});
