// Holds docs/guides/add-a-provider.md to the code: its entry and its test line stand there word for word, its config works.
import { readFileSync } from 'node:fs';
import { Secret } from 'relayapi-token';
import { expect, it } from 'vitest';
import { configSchema } from '../src/config/schema.ts';
import { isDenial } from '../src/errors.ts';
import { createCatalog } from '../src/providers/catalog.ts';
import { defineProvider } from '../src/providers/define.ts';
import type { Provider } from '../src/providers/provider.ts';
import { REGISTRY } from '../src/providers/registry.ts';
import { createRouting } from '../src/routing/routing.ts';
import { allowWith, arrivalFor, KEY, lineOf, openedWith } from './support/route.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const guide = read('docs/guides/add-a-provider.md');
const blocks = [...guide.matchAll(/^ *```(\w+)\n([\s\S]*?)^ *```/gm)].map(([, language, text]) => ({
  language,
  text: (text ?? '').trim(),
}));
const [entry, line] = blocks.filter(({ language }) => language === 'ts').map(({ text }) => text);

it('the entry in the guide is the one in the registry', () => {
  expect(entry).toContain('tencent-lkeap');
  expect(read('packages/server/src/providers/entries/chinese-labs.ts')).toContain(entry);
});

it('the test line in the guide stands in the table it names', () => {
  expect(line).toContain('tencent-lkeap');
  expect(read('packages/server/test/providers/beyond.ts')).toContain(line);
});

it('the commands in the guide name files that are there', () => {
  const commands = blocks.find(({ language }) => language === 'sh')?.text ?? '';
  const paths = [...commands.matchAll(/packages\/[\w/.-]+/g)].map(([path]) => path);
  expect(paths).toHaveLength(3);
  expect(read(paths[0] as string)).toContain('renderProvidersPage');
});

it('the members that the guide explains are those an entry has', () => {
  const table = guide.slice(guide.indexOf('### What else'), guide.indexOf('### What a row'));
  const named = [...table.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(
    ([, cell]) => (cell ?? '').match(/\w+/g) ?? [],
  );
  const seed = { id: 'x', name: 'X', base: 'https://x.example', endpoints: [], asOf: '2026-11', sources: [] };
  const members = Object.keys(defineProvider(seed) satisfies Provider);
  expect(named).toHaveLength(17);
  for (const name of named) expect([...members, 'also']).toContain(name);
});

it('the config in the guide is taken, and its providers are routed as it says', () => {
  const json: unknown = JSON.parse(blocks.find(({ language }) => language === 'json')?.text ?? '');
  const config = configSchema.parse(json);
  const { catalog, problems } = createCatalog(REGISTRY, config.providers);
  expect(problems).toEqual([]);
  const routing = createRouting(
    { allowPrivate: config.upstream.allow_private },
    { catalog, vault: new Map(), allowOf: () => allowWith() },
  );
  const sent = (provider: string, rest: string, query: string | null = null) => {
    const opened = openedWith({ upstream: [{ provider, key: new Secret(KEY) }] });
    const route = routing.route(opened, arrivalFor(rest, { query }));
    if (isDenial(route)) throw new Error(route.reason ?? route.denied);
    const { origin, allowPrivate } = route.destination;
    return [origin + route.path, lineOf(route)?.split(':', 1)[0] ?? null, allowPrivate, route.endpoint?.kind];
  };
  expect(sent('ollama', '/v1/chat/completions')).toEqual([
    'http://127.0.0.1:11434/v1/chat/completions',
    null,
    true,
    'inference',
  ]);
  expect(sent('claude-eu', '/v1/messages')).toEqual([
    'https://eu.llm.example/v1/messages',
    'x-api-key',
    false,
    'inference',
  ]);
  expect(sent('ours', '/chat/completions', 'version=2&key=K')).toEqual([
    'https://llm.example/api/v3/chat/completions?version=2',
    'x-key',
    false,
    'inference',
  ]);
});
