/** What is expected of an entry: facts about providers that were gathered apart from the registry (expected.json, beyond.ts). */
import { readFileSync } from 'node:fs';
import type { Provider } from '../../src/providers/provider.ts';
import { fill } from '../support/rows.ts';
import { ADDED } from './beyond.ts';
import type { Expected } from './write-expected.ts';

const EXPECTED = JSON.parse(readFileSync(new URL('./expected.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Expected>
>;

/** The facts about an entry. Throws where nobody has written any down. */
export function expectedOf(entry: Provider): Expected {
  const expected = EXPECTED[entry.id];
  if (expected !== undefined) return expected;
  const added = ADDED[entry.id];
  if (added === undefined)
    throw new Error(`nothing says what ${entry.id} should be: add a line to beyond.ts`);
  const [origin, line, ...paths] = added;
  const credential = line === null || line.includes(': ') ? line : `authorization: ${line}`;
  return { origin, credential, headers: {}, off: false, paths, seen: paths, admin: [] };
}

/** `POST /v1/{a|b}/*` of the facts as a pattern: a name stands for one segment, one of a model for more at the end of a path. */
export function patternOf(text: string, vars: Readonly<Record<string, string>>): RegExp {
  const source = fill(
    text.replace(/\{([^}]+)\}/g, (all, name: string) => (name in vars ? all : `<${name}>`)),
    vars,
  )
    .replace(/[.+?^$()[\]\\]/g, '\\$&')
    .replaceAll('*', '.+')
    .replace(/(?<!\/models\/)<model>$/, '[^?]+')
    .replace(/<([^>|]+)>/g, '[^/]+')
    .replace(/<([^>]+)>/g, '(?:$1)');
  return new RegExp(`^${source}$`);
}
