import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONFIG_KEYS, type ConfigKey } from './key-list.ts';
import { findKey, loadConfig } from './load-config.ts';

const numeric = CONFIG_KEYS.filter(({ types }) => types.includes('integer') || types.includes('number'));

function valueAt(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, part) => (node as Record<string, unknown>)[part], config);
}

function setByFlag(key: ConfigKey, value: string) {
  return loadConfig({ file: null, env: {}, flags: { [key.name]: value } });
}

describe('every number', () => {
  it('has a lower and an upper bound', () => {
    expect(numeric.length).toBeGreaterThan(20);
    for (const { name, node } of numeric) {
      expect([node.minimum, node.maximum].every(Number.isFinite), name).toBe(true);
    }
  });

  it.each(numeric.map((key) => [key.name, key] as const))(
    '%s takes its bounds and nothing beyond',
    (_name, key) => {
      const { minimum = 0, maximum = 0 } = key.node;
      for (const [value, good] of [
        [minimum, true],
        [maximum, true],
        [minimum - 1, false],
        [maximum + 1, false],
      ] as const) {
        const { config, problems } = setByFlag(key, String(value));
        const own = problems.filter(({ path }) => path === `$.${key.name}`);
        expect(own.length === 0, `${key.name} = ${value}`).toBe(good);
        expect(valueAt(config, key.path)).toBe(good ? value : key.node.default);
      }
    },
  );

  it.each(numeric.map((key) => [key.name, key] as const))(
    '%s takes no words, no hexadecimal, no infinity',
    (_name, key) => {
      for (const text of ['ten', '0x10', '1e3', 'Infinity', 'NaN', '1,5', '--1']) {
        expect(setByFlag(key, text).problems.map(({ path }) => path)).toContain(`$.${key.name}`);
      }
    },
  );
});

describe('every switch', () => {
  const switches = CONFIG_KEYS.filter(({ types }) => types.includes('boolean'));
  it.each(switches.map((key) => [key.name, key] as const))('%s takes the usual words', (_name, key) => {
    for (const [text, value] of [
      ['true', true],
      ['1', true],
      ['ON', true],
      ['false', false],
      ['0', false],
      ['no', false],
    ] as const) {
      expect(valueAt(setByFlag(key, text).config, key.path)).toBe(value);
    }
    expect(setByFlag(key, 'maybe').problems).toHaveLength(1);
  });
});

describe('every key', () => {
  it('is found by its dotted name, and nothing else is', () => {
    for (const key of CONFIG_KEYS) expect(findKey(key.name)).toBe(key);
    for (const name of ['', 'server', 'server.', 'server.prot', '$schema', '__proto__', 'server.port.x']) {
      expect(findKey(name)).toBeNull();
    }
  });

  it('that may be null is so by an empty variable or the word', () => {
    for (const key of CONFIG_KEYS.filter(({ nullable }) => nullable)) {
      for (const text of ['', 'null']) {
        const { config, problems } = loadConfig({ file: null, env: { [key.env]: text }, flags: {} });
        expect([problems, valueAt(config, key.path)], key.name).toEqual([[], null]);
      }
    }
  });
});

describe('whatever a file holds', () => {
  const names = fc.constantFrom(
    'server',
    'port',
    'providers',
    'vault',
    'log',
    'level',
    'admin',
    'x',
    'main',
    'base_url',
    'upstream',
    'allow_private',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(names, tie('tree')),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  }));

  it('there is a usable config, and either a problem or none', () => {
    fc.assert(
      fc.property(fc.dictionary(names, tree), (file) => {
        const bytes = new TextEncoder().encode(JSON.stringify(file));
        const { config, problems } = loadConfig({ file: { name: 'c', bytes }, env: {}, flags: {} });
        expect(typeof config.server.port).toBe('number');
        expect(Array.isArray(config.upstream.allow_private)).toBe(true);
        for (const { path, message, fix } of problems) expect(path && message && fix).toBeTruthy();
        const places = problems.map(({ path }) => path);
        expect(new Set(places).size).toBe(places.length);
      }),
      { numRuns: 500 },
    );
  });

  it('bytes that are no JSON are one problem', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const { problems } = loadConfig({ file: { name: 'c', bytes }, env: {}, flags: {} });
        expect(problems.length).toBeLessThan(5);
      }),
    );
  });

  it('any environment is survived', () => {
    const variables = fc.constantFrom(...CONFIG_KEYS.map(({ env }) => env));
    fc.assert(
      fc.property(fc.dictionary(variables, fc.string()), (env) => {
        expect(loadConfig({ file: null, env, flags: {} }).config.server.base_path).toMatch(/^\/.*\/$|^\/$/);
      }),
    );
  });
});
