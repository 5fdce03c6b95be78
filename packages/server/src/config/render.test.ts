import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CONFIG_KEYS } from './key-list.ts';
import { loadConfig } from './load-config.ts';
import { renderConfigJson, renderJsonSchema, renderOptionsPage } from './render.ts';
import { configSchema } from './schema.ts';

const REBUILD = 'run: node --conditions=relayapi-source packages/server/scripts/write-config-docs.ts';
const committed = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

it.each([
  ['config.json', renderConfigJson],
  ['docs/config.schema.json', renderJsonSchema],
  ['docs/options.md', renderOptionsPage],
])('%s is what the schema says', (path, render) => {
  expect(committed(path) === render(), REBUILD).toBe(true);
});

it('config.json is every default, and changes nothing', () => {
  const bytes = new TextEncoder().encode(renderConfigJson());
  const loaded = loadConfig({ file: { name: 'config.json', bytes }, env: {}, flags: {} });
  expect(loaded.problems).toEqual([]);
  const { $schema, ...config } = loaded.config;
  expect($schema).toBe('./docs/config.schema.json');
  expect(config).toEqual(configSchema.parse({}));
});

it('every key has a description, and stands on the options page with its variable', () => {
  const page = renderOptionsPage();
  for (const key of CONFIG_KEYS) {
    expect(key.node.description, key.name).toBeTruthy();
    expect(page).toContain(`| \`${key.name}\` |`);
    expect(page).toContain(`\`${key.env}\``);
  }
});

it('every default lies within its own bounds', () => {
  for (const { name, node } of CONFIG_KEYS) {
    const value = node.default;
    if (typeof value !== 'number') continue;
    expect(value, name).toBeGreaterThanOrEqual(node.minimum ?? Number.NEGATIVE_INFINITY);
    expect(value, name).toBeLessThanOrEqual(node.maximum ?? Number.POSITIVE_INFINITY);
  }
});

it('the schema for editors refuses unknown keys and carries no words of our own', () => {
  const schema = JSON.parse(renderJsonSchema());
  expect(schema.additionalProperties).toBe(false);
  expect(schema.properties.server.additionalProperties).toBe(false);
  expect(JSON.stringify(schema)).not.toMatch(/"(?:unit|security)":/);
  expect(schema.properties.server.properties.read_timeout.description).toContain('Unit: seconds.');
});
