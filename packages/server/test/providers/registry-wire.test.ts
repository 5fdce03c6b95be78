/**
 * Every open row of every entry, sent through a relay, and what reached the upstream, against expected.json: facts about providers that were gathered
 * apart from the registry (write-expected.ts). A wrong host, root, path, credential or header in an entry shows here.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Provider } from '../../src/providers/provider.ts';
import { REGISTRY } from '../../src/providers/registry.ts';
import { fill, openRows, pathsFor, requestFor } from '../support/rows.ts';
import { sampleVars, usableCredential } from '../support/samples.ts';
import { BEYOND, FURTHER, LEFT_OUT } from './beyond.ts';
import { expectedOf, patternOf } from './expected.ts';
import { startWire, type Wire } from './wire.ts';

const ENABLED = REGISTRY.filter(({ enabled }) => enabled);
let wire: Wire;
beforeAll(async () => {
  wire = await startWire();
});
afterAll(() => wire.close());

/** The origin and the credential line of the facts, filled in. */
function wanted(entry: Provider) {
  const expected = expectedOf(entry);
  const [name, value] = expected.credential?.split(': ') ?? [];
  return {
    ...expected,
    origin: fill(expected.origin, sampleVars(entry)),
    credential: name === undefined ? null : ([name, value?.replace('{key}', 'sk-demo-key')] as const),
  };
}

const CREDENTIALS = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'x-key', 'cookie'];

describe('each open row reaches its own host and path with one credential', () => {
  it.each(ENABLED.map((entry) => [entry.id, entry] as const))('%s', async (id, entry) => {
    const { origin, credential, headers, paths } = wanted(entry);
    const known = [...paths, ...(BEYOND[id] ?? [])].map((path) => patternOf(path, sampleVars(entry)));
    const rows = openRows(entry);
    expect(rows.length).toBeGreaterThan(0);
    const sent = rows.map(async (open) => {
      const { query, ...request } = requestFor(open, { all: 'demo' });
      const { status, seen, body } = await wire.send({
        provider: id,
        credential: usableCredential(entry),
        method: open.row.method,
        ...(query !== undefined && { query }),
        ...request,
        options: pathsFor(open),
      });
      const where = `${open.row.method} ${request.path}`;
      expect([where, status, body.toString()]).toEqual([where, 200, '{}']);
      if (seen === null) throw new Error(`${where} reached nothing`);
      const path = seen.target.split('?')[0] as string;
      const [alias = ''] = /^\/~[a-z0-9]+/.exec(request.path) ?? [];
      const there = alias === '' ? origin : FURTHER[id]?.[alias];
      expect([where, seen.origin, seen.method, path]).toEqual([
        where,
        there,
        open.row.method,
        request.path.slice(alias.length),
      ]);
      expect(known.filter((pattern) => pattern.test(`${seen.method} ${path}`))).not.toEqual([]);
      for (const [name, value] of Object.entries(headers)) {
        expect([where, name, seen.header(name)]).toEqual([where, name, value]);
      }
      if (credential === null || entry.auth.kind !== 'header') return;
      const own = open.row.auth ?? entry.auth;
      const line = own === entry.auth ? credential : BEARER_ROWS[id];
      expect([where, line]).not.toEqual([where, undefined]);
      const found = seen.lines.filter(
        ([name]) => CREDENTIALS.includes(name.toLowerCase()) || name.toLowerCase() === line?.[0],
      );
      expect([where, found]).toEqual([where, [line]]);
    });
    await Promise.all(sent);
  });
});

/** Where one API of a provider takes the key as a bearer token though its others do not. */
const BEARER_ROWS: Readonly<Record<string, readonly [string, string]>> = {
  anthropic: ['authorization', 'Bearer sk-demo-key'],
  google: ['authorization', 'Bearer sk-demo-key'],
};

describe('nothing that a source shows is missing without a reason', () => {
  it.each(REGISTRY.map((entry) => [entry.id, entry] as const))('%s', (id, entry) => {
    const vars = sampleVars(entry);
    const has = openRows(entry).map((open) => `${open.row.method} ${requestFor(open, { all: 'demo' }).path}`);
    const missing = expectedOf(entry).seen.filter((path) => {
      const pattern = patternOf(path, vars);
      return !has.some((target) => pattern.test(target));
    });
    expect(missing).toEqual(Object.keys(LEFT_OUT[id] ?? {}));
  });
});

it('an entry is off where its status, its host or its place is doubtful, and nowhere else', () => {
  expect(REGISTRY.filter(({ enabled }) => !enabled).map(({ id }) => id)).toEqual(
    REGISTRY.filter((entry) => expectedOf(entry).off).map(({ id }) => id),
  );
});

describe('A29 account-wide paths of each provider stay closed, in every spelling', () => {
  it.each(ENABLED.map((entry) => [entry.id, entry] as const))('%s', async (id, entry) => {
    const before = wire.reached();
    const account = ACCOUNT.flatMap(([method, path]) =>
      [path, ...spell(path)].map((spelling) => [method, spelling] as const),
    );
    const calls = [...account, ...adminCalls(entry)].map(async ([method, path]) => {
      const { status, seen } = await wire.send({
        provider: id,
        credential: usableCredential(entry),
        method,
        path,
        ...(method === 'POST' && { headers: { 'content-type': 'application/json' }, body: '{}' }),
      });
      expect([method, path, [400, 403].includes(status), seen]).toEqual([method, path, true, null]);
    });
    await Promise.all(calls);
    expect(wire.reached()).toBe(before);
  });
});

/** What is account-wide at one provider or another: closed at all of them. */
const ACCOUNT = [
  ['GET', '/v1/files'],
  ['POST', '/v1/files'],
  ['GET', '/v1/responses/resp_1'],
  ['DELETE', '/v1/models/m'],
  ['POST', '/v1/batches'],
  ['POST', '/v1/messages/batches'],
  ['GET', '/v1/organization/users'],
  ['POST', '/v1/realtime/client_secrets'],
  ['POST', '/v1beta/models/m:batchGenerateContent'],
  ['GET', '/v1beta/files'],
  ['POST', '/v1alpha/auth_tokens'],
  ['GET', '/user/balance'],
  ['GET', '/v2/usage'],
  ['GET', '/api/v1/key'],
  ['POST', '/api/v1/keys'],
  ['POST', '/api/v1/tokens'],
] as const;

/** The facts' list and the entry's own, as calls: each method, each path as it is, encoded, doubled and in capitals. */
function adminCalls(entry: Provider): (readonly [method: string, path: string])[] {
  const vars = sampleVars(entry);
  const texts = new Set([...expectedOf(entry).admin, ...entry.adminPaths]);
  return [...texts].flatMap((text) => {
    const [methods = '', target = ''] = text.split(' ');
    if (!target.startsWith('/')) return [];
    const verbs = methods === 'ANY' ? ['GET', 'POST', 'DELETE'] : methods.split('|');
    return spellAlternatives(target.split('?')[0] as string).flatMap((alternative) => {
      const path = fill(alternative, vars)
        .replace(/(?<!\/)\*$/, '/demo')
        .replaceAll('*', 'demo');
      const bare = path.endsWith('/demo') ? path.slice(0, -'/demo'.length) : '';
      const spellings = [path, ...(bare === '' ? [] : [bare])].flatMap((one) => [one, ...spell(one)]);
      return spellings.flatMap((one) => verbs.map((verb) => [verb, one] as const));
    });
  });
}

/** `/a/{b,c}` as `/a/b` and `/a/c`; `{v1/}` as with and without it. */
function spellAlternatives(path: string): string[] {
  const match = /\{([^}]*[,/][^}]*)\}/.exec(path);
  if (match === null) return [path];
  const [all, inner = ''] = match;
  const names = inner.endsWith('/') ? [inner, ''] : inner.split(',');
  return names.flatMap((name) => spellAlternatives(path.replace(all, name)));
}

function spell(path: string): string[] {
  const last = path.lastIndexOf('/') + 1;
  const letter = path.slice(last).search(/[a-z]/i);
  const at = last + letter;
  const code = path.charCodeAt(at).toString(16);
  return [
    ...(letter === -1 ? [] : [`${path.slice(0, at)}%${code}${path.slice(at + 1)}`]),
    `${path.slice(0, last)}/${path.slice(last)}`,
    path.toUpperCase(),
  ];
}
