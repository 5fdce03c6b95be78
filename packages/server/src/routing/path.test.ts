import fc from 'fast-check';
import { Secret } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { allowWith, arrivalFor, KEY, openedWith } from '../../test/support/route.ts';
import { sampleUpstream } from '../../test/support/samples.ts';
import { isDenial } from '../errors.ts';
import { createCatalog } from '../providers/catalog.ts';
import type { Provider } from '../providers/provider.ts';
import { REGISTRY } from '../providers/registry.ts';
import { cleanPath, decodeSegment } from './path.ts';
import { readRoots } from './roots.ts';
import { createRouting } from './routing.ts';

const { catalog } = createCatalog(REGISTRY);
const routing = createRouting({}, { catalog, vault: new Map(), allowOf: () => allowWith() });

function routeOf(provider: string, method: string, rest: string) {
  const entry = REGISTRY.find(({ id }) => id === provider);
  const upstream = entry === undefined ? { key: new Secret(KEY) } : sampleUpstream(entry);
  const opened = openedWith({ upstream: [{ provider, ...upstream }] });
  return routing.route(opened, arrivalFor(rest, { method }));
}

const BAD = 'bad_target';
const SEALED = new Set(REGISTRY.filter((entry) => entry.ids.length > 0).map((entry) => entry.id));
const rootsOf = ({ roots, moreOrigins }: Provider) => [
  ...roots,
  ...moreOrigins.flatMap((one) => one.roots.map((root) => `/~${one.alias}${root}`)),
];

describe('A21 the path that is sent is the path that was checked, or 400', () => {
  it.each([
    // suffix, path sent
    ['/chat/completions', '/v1/chat/completions'],
    ['/v1/chat/completions', '/v1/chat/completions'],
    ['//chat/completions', '/v1/chat/completions'],
    ['//v1/chat/completions', '/v1/chat/completions'],
    ['/v1/v1/chat/completions', '/v1/chat/completions'],
    ['/v1/v1/v1/chat/completions', '/v1/v1/chat/completions'],
    ['/v1', '/v1'],
    ['/v1/', '/v1/'],
    ['', '/v1'],
    ['/', '/v1/'],
    ['//', '/v1/'],
    ['/v10/x', '/v1/v10/x'],
    ['/v1beta/x', '/v1/v1beta/x'],
    ['/models/a%3Ab', '/v1/models/a%3Ab'],
    ['/models/%E4%BD%A0', '/v1/models/%E4%BD%A0'],
    ['/models/a+b@c!$&\'()*,=~"<>[]^`{|}', '/v1/models/a+b@c!$&\'()*,=~"<>[]^`{|}'],
    ['/..%2e', '/v1/..%2e'],
    ['/a/...', '/v1/a/...'],
  ])('%s', (rest, sent) => {
    const route = routeOf('openai', 'POST', rest);
    expect(isDenial(route) ? route.denied : route.path).toBe(sent);
  });

  it.each([
    '///chat/completions',
    '/v1//chat/completions',
    '/chat//completions',
    '/chat/completions//',
    '/.',
    '/..',
    '/../x',
    '/v1/../files',
    '/v1/./chat',
    '/chat/..',
    '/%2e',
    '/%2E%2e/files',
    '/.%2e/files',
    '/%252e%252e/files',
    '/%25252e%25252e/files',
    '/%2525',
    '/a%25b',
    '/a\\b',
    '/..\\files',
    '/a%5Cb',
    '/a%5cb',
    '/a%255cb',
    '/a;b',
    '/a;/../b',
    '/a%3Bb',
    '/a#b',
    '/a%23b',
    '/a?b',
    '/a%3Fb',
    '/a%2Fb',
    '/a%2fb',
    '/a%252Fb',
    '/..%2Ffiles',
    '/%2F%2Fevil.example',
    '/a%',
    '/a%4',
    '/a%zz',
    '/a%u002e',
    '/a%00',
    '/a%0a',
    '/a%0D%0AHost:%20evil.example',
    '/a%7F',
    '/a%C2%85',
    '/a%c0%ae',
    '/a%c0%af',
    '/a%e0%80%af',
    '/a%ff',
    '/a%ed%a0%80',
    '/a b',
    '/a\tb',
    '/a\u0000',
    '/a\u007f',
    '/\u00e4',
    '/a\uff0fb',
    'chat/completions',
    'http://evil.example/',
    '*',
    '@evil.example/',
    ':8080/',
  ])('%j is refused', (rest) => {
    if (!/a%2fb/i.test(rest)) expect(cleanPath(rest)).toBeNull();
    expect(routeOf('openai', 'POST', rest)).toMatchObject({ denied: BAD });
  });

  const piece = fc.constantFrom(
    '/',
    '//',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%5c',
    '%25',
    '%252e',
    '%00',
    '%3a',
    '%3B',
    '\\',
    ';',
    '#',
    '?',
    ':',
    'v1',
    'v1beta',
    'openai',
    'models',
    'chat',
    'completions',
    'messages',
    'files',
    'a',
    'ü',
    '%C3%BC',
    '%',
  );
  const suffix = fc.oneof(
    fc.array(piece, { maxLength: 10 }).map((parts) => parts.join('')),
    fc
      .array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 8 })
      .map((parts) => `/${parts.join('')}`),
  );
  // an entry that puts something into the query has a path of its own
  const bare = REGISTRY.filter(({ enabled, defaultQuery, setQuery }) => {
    return enabled && defaultQuery.length + setQuery.length === 0;
  });
  const provider = fc.constantFrom(...bare.map((entry) => entry.id));
  const method = fc.constantFrom('GET', 'POST', 'DELETE');

  it('over 10,000 suffixes: sent is root and relative joined, the relative is an end of what came, and no reading of it leaves its place', () => {
    let routed = 0;
    fc.assert(
      fc.property(provider, method, suffix, (id, verb, rest) => {
        const route = routeOf(id, verb, rest);
        if (isDenial(route)) {
          // where ids are sealed, a path to them is no target of anybody's guess
          expect(route.denied === BAD || (route.denied === 'path_denied' && SEALED.has(id))).toBe(true);
          return;
        }
        routed += 1;
        const { root, relative, path, endpoint } = route;
        expect(path).toBe(root.replace(/^\/~[a-z0-9]+/, '') + relative || '/');
        expect(rest.endsWith(relative)).toBe(true);
        expect(rootsOf(route.provider)).toContain(root);
        expect(relative === '' || relative.startsWith('/')).toBe(true);
        expect(path).not.toMatch(/\/\/|[\\;#?\s]/);
        // An independent reading: the platform's parser neither moves the host nor folds a segment away.
        const read = new URL(route.destination.origin + path);
        expect(read.origin).toBe(route.destination.origin);
        expect(read.pathname.split('/').length).toBe(path.split('/').length);
        for (const segment of path.split('/')) {
          const decoded = decodeURIComponent(segment);
          expect(decoded.split('/')).not.toContain('..');
          expect(decoded.split('/')).not.toContain('.');
          // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is left is the point
          expect(decoded).not.toMatch(/[\u0000-\u001f\u007f-\u009f%\\;?#]/);
          if (endpoint === null) expect(decoded).not.toContain('/');
        }
      }),
      { numRuns: 10_000 },
    );
    expect(routed).toBeGreaterThan(1_000);
  });
});

describe('a segment that names a model', () => {
  it('may hold one level of %2F and %3A, which go on as they are; it is compared decoded', () => {
    const route = routeOf('google', 'POST', '/v1beta/models/org%2Fgemma-7b-it:generateContent');
    expect(route).toMatchObject({
      path: '/v1beta/models/org%2Fgemma-7b-it:generateContent',
      segments: { model: 'org/gemma-7b-it' },
    });
    const plain = routeOf('openai', 'GET', '/v1/models/ft%3Agpt%2Fx');
    expect(plain).toMatchObject({ path: '/v1/models/ft%3Agpt%2Fx', segments: { model: 'ft:gpt/x' } });
    expect(routeOf('azure', 'POST', '/openai/deployments/a%2Fb/chat/completions')).toMatchObject({
      segments: { deployment: 'a/b' },
    });
  });

  it.each([
    '/v1/models/..%2Fgpt',
    '/v1/models/a%2F..',
    '/v1/models/a%2F%2Fb',
    '/v1/models/%2Fa',
    '/v1/models/a%2F',
    '/v1/models/a%2F.%2Fb',
    '/v1/models/a%252Fb',
    '/v1/models%2Fa',
    '/v1/models/a%2Fb/permissions',
  ])('%s is refused', (rest) => {
    expect(routeOf('openai', 'GET', rest)).toMatchObject({ denied: BAD });
  });

  it.each([
    '/v1beta/models/a:batchGenerateContent:generateContent',
    '/v1beta/models/a%3AbatchGenerateContent:generateContent',
    '/v1beta/models/:generateContent',
    '/v1beta/models/a:generateContent/x',
    '/v1beta/models/a/b:generateContent',
    '/v1beta/models/a%3AgenerateContent',
    '/v1beta/models/a:GenerateContent',
    '/v1beta/models/a:predictLongRunning',
    '/v1beta/tunedModels/a:generateContent',
  ])('%s has no row, since another verb or resource could be read in it', (rest) => {
    expect(routeOf('google', 'POST', rest)).toMatchObject({ endpoint: null });
  });
});

describe('a segment that names no model', () => {
  it.each([
    ['alibaba', '/api/v1/services/aigc/text%2Fx/generation'],
    ['alibaba', '/api/v1/services/aigc/text/generation%2Fx'],
    ['deepl', '/v2/document/a%2Fb'],
  ])('holds no encoded slash: %s %s', (provider, rest) => {
    expect(routeOf(provider, 'POST', rest)).toMatchObject({ denied: BAD });
    expect(routeOf(provider, 'POST', rest.replace('%2F', '-'))).toMatchObject({
      endpoint: { kind: 'inference' },
    });
  });
});

describe('segments read alone', () => {
  it('are decoded once or refused', () => {
    expect(decodeSegment('a%3Ab')).toBe('a:b');
    expect(decodeSegment('a%2Fb')).toBe('a/b');
    expect(decodeSegment('%41')).toBe('A');
    expect(decodeSegment('%2541')).toBeNull();
    for (const bad of ['%', '%4', '%zz', '%4z', 'a%ff']) expect(decodeSegment(bad)).toBeNull();
    expect(decodeSegment('..')).toBeNull();
    expect(decodeSegment('')).toBe('');
  });
});

describe('joining to a root', () => {
  const roots = ['/compatible-mode/v1', '/apps/anthropic/v1', '/api/v1', '/x'];

  it.each([
    ['/compatible-mode/v1/a', '/compatible-mode/v1', '/a', 1],
    ['/apps/anthropic/v1/a', '/apps/anthropic/v1', '/a', 1],
    ['/anthropic/v1/a', '/apps/anthropic/v1', '/a', 1],
    ['/v1/a', '/compatible-mode/v1', '/a', 3],
    ['/v1/v1/a', '/compatible-mode/v1', '/a', 3],
    ['/x/x/a', '/x', '/x/a', 1],
    ['/a', '/compatible-mode/v1', '/a', 1],
    ['/mode/v1/a', '/compatible-mode/v1', '/mode/v1/a', 1],
    ['/v1x/a', '/compatible-mode/v1', '/v1x/a', 1],
    ['', '/compatible-mode/v1', '', 1],
  ])('%s is %s + %s, with %i readings', (path, root, relative, readings) => {
    const found = readRoots(path, roots);
    expect(found[0]).toEqual({ root, relative });
    expect(found).toHaveLength(readings);
  });

  it('a root that equals the prefix comes before one that only ends in it', () => {
    expect(readRoots('/v1/a', ['/api/v1', '/v1']).map(({ root }) => root)).toEqual(['/v1', '/api/v1']);
  });

  it('works without any root', () => {
    expect(readRoots('/a/b', [''])).toEqual([{ root: '', relative: '/a/b' }]);
    expect(readRoots('/a/b', [])).toEqual([{ root: '', relative: '/a/b' }]);
    expect(readRoots('/', [''])).toEqual([{ root: '', relative: '/' }]);
    expect(readRoots('', ['/v1'])).toEqual([{ root: '/v1', relative: '' }]);
  });

  it('takes the longest prefix, wherever its root stands in the registry', () => {
    const longest = [{ root: '/a/v1/v1', relative: '/x' }];
    expect(readRoots('/v1/v1/x', ['/v1', '/a/v1/v1'])).toEqual(longest);
    expect(readRoots('/v1/v1/x', ['/a/v1/v1', '/v1'])).toEqual(longest);
  });

  it.each([
    ['/v1beta', '/v1beta/v1beta/x', '/x'],
    ['/v12', '/v12/v12/x', '/x'],
    ['/xv1', '/xv1/xv1/x', '/xv1/x'],
    ['/v1-x', '/v1-x/v1-x/x', '/v1-x/x'],
    ['/v', '/v/v/x', '/v/x'],
  ])('only a version may be repeated: %s before %s leaves %s', (root, path, relative) => {
    expect(readRoots(path, [root])).toEqual([{ root, relative }]);
  });

  it('an ambiguous prefix goes to the root that has the endpoint', () => {
    expect(routeOf('alibaba', 'POST', '/v1/messages')).toMatchObject({ path: '/apps/anthropic/v1/messages' });
    expect(routeOf('dashscope', 'POST', '/v1/chat/completions')).toMatchObject({
      path: '/compatible-mode/v1/chat/completions',
    });
    expect(routeOf('deepseek', 'POST', '/v1/messages')).toMatchObject({ path: '/anthropic/v1/messages' });
    expect(routeOf('alibaba', 'POST', '/v1/nothing')).toMatchObject({
      path: '/compatible-mode/v1/nothing',
      endpoint: null,
    });
  });
});

describe('paths as clients send them (clients.md 1.1)', () => {
  it.each([
    ['groq', '/openai/v1/chat/completions', '/openai/v1/chat/completions'],
    ['groq', '/v1/chat/completions', '/openai/v1/chat/completions'],
    ['groq', '/openai/v1/responses', '/openai/v1/responses'],
    ['mistral', '/v1/chat/completions', '/v1/chat/completions'],
    ['deepl', '/v2/translate', '/v2/translate'],
    ['openrouter', '/v1/chat/completions', '/api/v1/chat/completions'],
    ['openrouter', '/api/v1/messages', '/api/v1/messages'],
    ['azure', '/openai/v1/responses', '/openai/v1/responses'],
    ['azure', '/openai/deployments/gpt/chat/completions', '/openai/deployments/gpt/chat/completions'],
    [
      'alibaba-cn',
      '/api/v1/services/aigc/text-generation/generation',
      '/api/v1/services/aigc/text-generation/generation',
    ],
    ['deepseek', '/chat/completions', '/v1/chat/completions'],
    ['deepseek', '/beta/completions', '/beta/completions'],
    ['sarvam', '/speech-to-text', '/speech-to-text'],
    ['sarvam', '/chat/completions', '/v1/chat/completions'],
    ['perplexity', '/chat/completions', '/chat/completions'],
    ['perplexity', '/v1/responses', '/v1/responses'],
    ['zhipuai', '/api/paas/v4/chat/completions', '/api/paas/v4/chat/completions'],
    ['zhipuai', '/api/anthropic/v1/messages', '/api/anthropic/v1/messages'],
    ['fireworks-ai', '/v1/chat/completions', '/inference/v1/chat/completions'],
    ['cohere', '/v2/chat', '/v2/chat'],
    ['cohere', '/v1/chat/completions', '/compatibility/v1/chat/completions'],
    ['datarobot', '/api/v2/genai/llmgw/chat/completions/', '/api/v2/genai/llmgw/chat/completions/'],
    ['snowflake-cortex', '/api/v2/cortex/inference:complete', '/api/v2/cortex/inference:complete'],
  ])('%s %s reaches %s', (provider, rest, path) => {
    const route = routeOf(provider, 'POST', rest);
    expect(route).toMatchObject({ path, endpoint: { kind: 'inference' } });
  });
});
