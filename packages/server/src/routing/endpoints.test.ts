import { describe, expect, it } from 'vitest';
import { allowWith, arrivalFor, openedWith } from '../../test/support/route.ts';
import { createCatalog } from '../providers/catalog.ts';
import { defineProvider } from '../providers/define.ts';
import { CHAT } from '../providers/endpoints.ts';
import type { Endpoint } from '../providers/provider.ts';
import { findEndpoint } from './endpoints.ts';
import { createRouting } from './routing.ts';

const row = (path: string, more: Partial<Endpoint> = {}): Endpoint => ({ ...CHAT, path, ...more });
const bare = (path: string): Endpoint => row(path, { models: null });
const provider = defineProvider({
  id: 'x',
  name: 'X',
  base: 'https://x.example/v1',
  moreRoots: ['/v2'],
  endpoints: [
    row('/a/{name}'),
    row('/a/fixed'),
    row('/a/{name}', { method: 'GET' }),
    row('/only', { root: '/v2' }),
    row('/tree/*'),
    row('/asset-{id}.json'),
    row('/speak', { models: [{ in: 'query', name: 'model' }] }),
    row('/bound/{name}', { root: '/v2' }),
    row('/d/{deployment}/{name}', { models: [{ in: 'path', segment: 'deployment' }] }),
    bare('/bare/{name}'),
    row('/o-{id}-o'),
    row('/m/{model}/x', { models: [{ in: 'path', segment: 'model' }] }),
  ],
  passQuery: ['model', 'voice'],
  asOf: '2026-11',
  sources: [],
});

const find = (method: string, relative: string, root = '/v1') => {
  const match = findEndpoint(provider, method, root, relative);
  return match === null ? null : [match.endpoint.path, { ...match.segments }];
};

describe('the row of a request', () => {
  it.each([
    ['POST', '/a/fixed', '/a/fixed', {}],
    ['POST', '/a/other', '/a/{name}', { name: 'other' }],
    ['GET', '/a/fixed', '/a/{name}', { name: 'fixed' }],
    ['POST', '/a/%41', '/a/{name}', { name: 'A' }],
    ['POST', '/asset-7.json', '/asset-{id}.json', { id: '7' }],
    ['POST', '/tree/a', '/tree/*', {}],
    ['POST', '/tree/a/b/', '/tree/*', {}],
    ['POST', '/a/undefined', '/a/{name}', { name: 'undefined' }],
    ['POST', '/bare/a', '/bare/{name}', { name: 'a' }],
    ['POST', '/d/a%2Fb/c', '/d/{deployment}/{name}', { deployment: 'a/b', name: 'c' }],
    ['POST', '/m/a%2Fb/x', '/m/{model}/x', { model: 'a/b' }],
  ])('%s %s is %s', (method, relative, path, segments) => {
    expect(find(method, relative)).toEqual([path, segments]);
  });

  it.each([
    ['POST', ''],
    ['POST', '/'],
    ['POST', '/a'],
    ['POST', '/a/'],
    ['POST', '/a/b/c'],
    ['PUT', '/a/b'],
    ['post', '/a/fixed'],
    ['POST', '/A/fixed'],
    ['POST', '/a/b%2Fc'],
    ['POST', '/asset-.json'],
    ['POST', '/asset-7.json.json'],
    ['POST', '/asset-7%2Ejson.json'],
    ['POST', '/asset-7'],
    ['POST', '/o-o'],
    ['POST', '/a/%zz'],
    ['POST', '/bare/a%2Fb'],
    ['POST', '/d/a/b%2Fc'],
    ['POST', '/tree/%zz'],
    ['POST', '/tree'],
    ['POST', '/tree/a%2Fb'],
    ['POST', '/only'],
  ])('%s %s has none', (method, relative) => {
    expect(find(method, relative)).toBeNull();
  });

  it('can be bound to one root', () => {
    expect(find('POST', '/only', '/v2')).toEqual(['/only', {}]);
    expect(find('POST', '/bound/a', '/v2')).toEqual(['/bound/{name}', { name: 'a' }]);
    expect(find('POST', '/bound/a')).toBeNull();
  });

  it('is looked up in objects without a prototype', () => {
    const match = findEndpoint(provider, 'POST', '/v1', '/a/b');
    expect(Object.getPrototypeOf(match?.segments)).toBeNull();
  });
});

describe('a closed row beside one with a free segment', () => {
  const closing = defineProvider({
    id: 'closing',
    name: 'Closing',
    base: 'https://closing.example/v1',
    endpoints: [
      row('/files', { kind: 'account' }),
      row('/jobs/{id}/secret', { kind: 'account' }),
      row('/{model}', { models: [{ in: 'path', segment: 'model' }] }),
      row('/{model}/{task}/{what}'),
    ],
    asOf: '2026-11',
    sources: [],
  });
  const kindOf = (relative: string) => findEndpoint(closing, 'POST', '/v1', relative)?.endpoint.kind ?? null;

  it('is itself, and open is what is another', () => {
    expect(kindOf('/files')).toBe('account');
    expect(kindOf('/jobs/7/secret')).toBe('account');
    expect(kindOf('/filesystem-1')).toBe('inference');
    expect(kindOf('/jobs/7/result')).toBe('inference');
  });

  it.each(['/%66iles', '/fil%65s', '/Files', '/FILES', '/F%49les', '/jobs/7/%73ecret', '/JOBS/7/secret'])(
    '%s is no model',
    (relative) => {
      expect(kindOf(relative)).toBeNull();
    },
  );
});

describe('a model in the query', () => {
  const { catalog } = createCatalog([provider]);
  const routing = createRouting({}, { catalog, vault: new Map(), allowOf: () => allowWith() });
  const [upstream] = openedWith().claims.upstream;
  const opened = openedWith({ upstream: [{ ...upstream, provider: 'x' }] });
  const route = (query: string) => routing.route(opened, arrivalFor('/speak', { query }));

  it('is handed on decoded', () => {
    expect(route('model=a%3Ab&voice=x+y')).toMatchObject({
      query: [
        ['model', 'a:b'],
        ['voice', 'x+y'],
      ],
      path: '/v1/speak?model=a%3Ab&voice=x+y',
    });
  });

  it('with a plus sign could be two models, and is refused', () => {
    expect(route('model=a+b')).toMatchObject({ denied: 'bad_target' });
    expect(route('model=a%2Bb')).toMatchObject({ denied: 'bad_target', reason: 'query model' });
    expect(route('model=a+b&voice=x')).toMatchObject({ denied: 'bad_target' });
  });

  it('is not looked for where no place of it is known', () => {
    expect(routing.route(opened, arrivalFor('/bare/a', { query: 'model=a+b' }))).toMatchObject({
      path: '/v1/bare/a?model=a+b',
      endpoint: { models: null },
    });
  });

  it('given twice is refused, whatever the row', () => {
    expect(route('voice=a&voice=b')).toMatchObject({ denied: 'bad_target', reason: 'query' });
  });
});
