import { createSivBox, Secret, SecretBytes } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { allowWith, arrivalFor, KEY, openedWith } from '../../test/support/route.ts';
import { isDenial } from '../errors.ts';
import { createCatalog } from '../providers/catalog.ts';
import type { Provider } from '../providers/provider.ts';
import { REGISTRY } from '../providers/registry.ts';
import { createIdScope, type IdPorts } from './id-scope.ts';
import { createRouting } from './routing.ts';

const { catalog } = createCatalog(REGISTRY);
const replicate = catalog.find('replicate') as Provider;
const boxOf = (fill: number) => createSivBox(new SecretBytes(new Uint8Array(32).fill(fill)), 'ids');
const ports: IdPorts = { boxesOf: () => [boxOf(1)], opens: () => false, spells: () => false };
const ana = openedWith({ sub: 'ana' });

describe('a sealed id', () => {
  const scope = createIdScope(replicate, ana, ports);
  const sealed = scope?.seal('prediction', 'p1') ?? '';

  it('has one spelling, which opens for its subject, kind, provider and issuer alone', () => {
    expect(sealed).toMatch(/^rai_[A-Za-z0-9_-]{24}$/);
    expect(scope?.seal('prediction', 'p1')).toBe(sealed);
    expect(scope?.open('prediction', sealed)).toBe('p1');
    expect(scope?.open('stream', sealed)).toBeNull();
    const others = [
      openedWith({ sub: 'ben' }),
      openedWith({ iss: 'other', sub: 'ana' }),
      openedWith({}),
      // a subject that looks like a token’s own id is still a subject
      openedWith({ sub: `jti:${ana.claims.jti}` }),
    ];
    for (const opened of others) {
      expect(createIdScope(replicate, opened, ports)?.open('prediction', sealed)).toBeNull();
    }
    const twin = { ...replicate, id: 'twin' };
    expect(createIdScope(twin, ana, ports)?.open('prediction', sealed)).toBeNull();
    const sameSubject = openedWith({ sub: 'ana', jti: 'BBBBBBBBBBBBBBBBBBBBBB' });
    expect(createIdScope(replicate, sameSubject, ports)?.open('prediction', sealed)).toBe('p1');
  });

  it('of a token without a subject is that token’s own, never a subject’s of that name', () => {
    const own = openedWith({});
    const text = createIdScope(replicate, own, ports)?.seal('prediction', 'p1') ?? '';
    expect(createIdScope(replicate, own, ports)?.open('prediction', text)).toBe('p1');
    const named = openedWith({ sub: own.claims.jti });
    expect(createIdScope(replicate, named, ports)?.open('prediction', text)).toBeNull();
  });

  it('opens under any key of the file, and is sealed under the first', () => {
    const after = { ...ports, boxesOf: () => [boxOf(2), boxOf(1)] };
    const rotated = createIdScope(replicate, ana, after);
    expect(rotated?.open('prediction', sealed)).toBe('p1');
    expect(rotated?.seal('prediction', 'p1')).not.toBe(sealed);
    const gone = createIdScope(replicate, ana, { ...ports, boxesOf: () => [boxOf(2)] });
    expect(gone?.open('prediction', sealed)).toBeNull();
  });

  it('opens nowhere, and nothing is sealed into anything, where no key is left', () => {
    for (const without of [undefined, { ...ports, boxesOf: () => [] }]) {
      const scopeless = createIdScope(replicate, ana, without);
      expect(scopeless?.seal('prediction', 'p1')).toBe('rai_');
      expect(scopeless?.open('prediction', sealed)).toBeNull();
    }
  });

  it('is refused in any other spelling', () => {
    const last = sealed.at(-1) as string;
    // 18 bytes fill the last character; of 19 its two low bits are free, and only zeros there are the one spelling
    const long = scope?.seal('prediction', 'p12') ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const index = alphabet.indexOf(long.at(-1) as string);
    expect(scope?.open('prediction', long)).toBe('p12');
    for (const bits of [1, 2, 3]) {
      expect(scope?.open('prediction', long.slice(0, -1) + alphabet[index | bits])).toBeNull();
    }
    for (const text of [
      `${sealed}=`,
      ` ${sealed}`,
      sealed.replace('rai_', 'RAI_'),
      `${sealed}${last}`,
      '',
      'rai_',
    ]) {
      expect(scope?.open('prediction', text)).toBeNull();
    }
  });
});

describe('which kinds are sealed', () => {
  const kinds = (id: string, opens: IdPorts['opens']) => {
    const opened = openedWith({ sub: 'ana', paths: ['GET /files/*'] });
    const scope = createIdScope(catalog.find(id) as Provider, opened, { ...ports, opens });
    return scope === null ? [] : [...scope.kinds].sort();
  };

  it('those of jobs always, those of account rows where one is open, and what goes with them', () => {
    expect(kinds('replicate', () => false)).toEqual(['prediction', 'stream']);
    expect(kinds('openai', () => false)).toEqual([]);
    expect(kinds('groq', () => true)).toEqual(['batch', 'file']);
    expect(kinds('openai', (_, __, row) => row.path === '/responses/{response}')).toEqual([
      'item',
      'response',
    ]);
    expect(kinds('openai', (_, __, row) => row.path === '/files')).toEqual(['file']);
    // what feeds a batch is a file, which the backend may have put there
    expect(kinds('openai', (_, __, row) => row.path.startsWith('/batches'))).toEqual(['batch']);
    expect(kinds('assemblyai', () => false)).toEqual(['transcript', 'upload']);
    expect(kinds('google', (_, __, row) => row.path === '/files')).toEqual(['file', 'upload']);
  });
});

describe('an id that the upstream chose', () => {
  const routing = createRouting({}, { catalog, vault: new Map(), allowOf: () => allowWith(), ids: ports });
  const opened = openedWith({ sub: 'ana', upstream: [{ provider: 'replicate', key: new Secret(KEY) }] });
  const scope = createIdScope(replicate, opened, ports);
  const sent = (id: string) => {
    const rest = `/v1/predictions/${scope?.seal('prediction', id)}`;
    const route = routing.route(opened, arrivalFor(rest, { method: 'GET' }));
    return isDenial(route) ? route.denied : [route.path, route.relative];
  };

  it('is sent escaped, and what is judged is the path that the caller wrote', () => {
    expect(sent('p1')).toEqual(['/v1/predictions/p1', `/predictions/${scope?.seal('prediction', 'p1')}`]);
    expect(sent('a b:ü')).toMatchObject(['/v1/predictions/a%20b%3A%C3%BC', expect.any(String)]);
  });

  it.each(['..', '.', 'a/b', '../files', 'a?b', 'a#b', 'a;b', 'a\\b', 'a%2fb', 'a\nb'])(
    '%j never leaves its segment: it is refused',
    (id) => {
      expect(sent(id)).toBe('path_denied');
    },
  );
});

describe('a path that no row knows, with a raw id', () => {
  const routing = createRouting({}, { catalog, vault: new Map(), allowOf: () => allowWith(), ids: ports });
  const asked = (provider: string, method: string, rest: string, query: string | null = null) => {
    const opened = openedWith({ sub: 'ana', upstream: [{ provider, key: new Secret(KEY) }] });
    const route = routing.route(opened, arrivalFor(rest, { method, query }));
    return isDenial(route) ? route.denied : route.path;
  };

  it.each(['/v1/get_result/', '/v1/Get_Result', '/v1/get%5Fresult', '/v1/get_result/x', '/get_result/'])(
    'is refused at %s, which may be read as the row that takes the id in its query',
    (rest) => {
      expect(asked('black-forest-labs', 'GET', rest, 'id=t-1')).toBe('path_denied');
    },
  );

  it('is refused there with another method, too', () => {
    expect(asked('black-forest-labs', 'POST', '/v1/get_result', 'id=t-1')).toBe('path_denied');
    expect(asked('black-forest-labs', 'GET', '/v1/credits')).toBe('/v1/credits');
  });

  it.each(['requests', 'Requests', 'REQUESTS'])('is no app of fal’s behind %s', (name) => {
    expect(asked('fal', 'POST', `/~queue/fal-ai/flux/${name}/r-1`)).toBe('path_denied');
    expect(asked('fal', 'POST', `/~queue/fal-ai/${name}/r-1`)).toBe('path_denied');
    expect(asked('fal', 'POST', `/~queue/fal-ai/flux/my-${name}/r-1`)).toBe(`/fal-ai/flux/my-${name}/r-1`);
  });
});
