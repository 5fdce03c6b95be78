import type { Allow } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { makeClaims, makeEndpoint, makeProvider, makeRoute } from '../../../test/support/policy.ts';
import { allowWith } from '../../../test/support/route.ts';
import type { Endpoint } from '../../providers/provider.ts';
import { checkPath, createReachTest } from './paths.ts';

const CHAT = makeEndpoint();
const MODELS = makeEndpoint({ method: 'GET', path: '/models', kind: 'models', body: 'none', models: [] });
const POLL = makeEndpoint({ method: 'GET', path: '/videos/{id}', body: 'none', models: [] });
const GENERATE = makeEndpoint({ path: '/models/{model}:generateContent' });
const FILES = makeEndpoint({ path: '/files', kind: 'account', models: null });
const ALL = [CHAT, MODELS, POLL, GENERATE, FILES];

interface Asked {
  method?: string;
  relative: string;
  endpoint: Endpoint | null;
  paths?: readonly string[];
  allow?: Partial<Allow>;
  vaultPaths?: readonly string[];
}

function verdict({ method = 'POST', relative, endpoint, paths, allow = {}, vaultPaths }: Asked): string {
  const claims = makeClaims(paths === undefined ? {} : { paths });
  const route = makeRoute(endpoint, {
    relative,
    provider: makeProvider(ALL),
    vaultPaths: vaultPaths ?? null,
  });
  return checkPath(claims, allowWith(allow), method, route)?.denied ?? 'ok';
}

describe('the default reach', () => {
  it('is inference endpoints and the model list', () => {
    expect(verdict({ relative: '/chat/completions', endpoint: CHAT })).toBe('ok');
    expect(verdict({ method: 'GET', relative: '/models', endpoint: MODELS })).toBe('ok');
  });

  it('A29 leaves account-wide and unknown endpoints closed', () => {
    expect(verdict({ relative: '/files', endpoint: FILES })).toBe('path_denied');
    expect(verdict({ relative: '/organization/costs', endpoint: null })).toBe('path_denied');
    expect(verdict({ relative: '/files', endpoint: FILES, allow: { paths: ['POST /files'] } })).toBe(
      'path_denied',
    );
    expect(verdict({ relative: '/', endpoint: null })).toBe('path_denied');
  });

  it('tells a wrong method from a wrong path', () => {
    expect(verdict({ method: 'DELETE', relative: '/chat/completions', endpoint: null })).toBe(
      'method_denied',
    );
    expect(verdict({ method: 'GET', relative: '/models/m1:generateContent', endpoint: null })).toBe(
      'method_denied',
    );
    expect(verdict({ method: 'HEAD', relative: '/models', endpoint: MODELS })).toBe('method_denied');
    expect(verdict({ method: 'DELETE', relative: '/chat/completion', endpoint: null })).toBe('path_denied');
    expect(verdict({ method: 'GET', relative: '/models/a/b:generateContent', endpoint: null })).toBe(
      'path_denied',
    );
  });

  it('opens no GET but the model list without a paths entry', () => {
    expect(verdict({ method: 'GET', relative: '/videos/7', endpoint: POLL })).toBe('method_denied');
    expect(verdict({ method: 'GET', relative: '/videos/7', endpoint: POLL, paths: ['GET /videos/*'] })).toBe(
      'ok',
    );
  });
});

describe('the paths claim', () => {
  const paths = ['POST /chat/completions', 'GET /models/*'];

  it('admits the named forms only, exact or by a trailing /*', () => {
    expect(verdict({ relative: '/chat/completions', endpoint: CHAT, paths })).toBe('ok');
    expect(
      verdict({
        method: 'GET',
        relative: '/models/m1',
        endpoint: { ...MODELS, path: '/models/{model}' },
        paths,
      }),
    ).toBe('ok');
    expect(verdict({ method: 'GET', relative: '/models', endpoint: MODELS, paths })).toBe('path_denied');
    expect(verdict({ method: 'GET', relative: '/models/', endpoint: MODELS, paths })).toBe('path_denied');
    expect(verdict({ relative: '/models/m1:generateContent', endpoint: GENERATE, paths })).toBe(
      'method_denied',
    );
    expect(verdict({ relative: '/chat/completions', endpoint: CHAT, paths: [] })).toBe('path_denied');
  });

  it.each([
    '/chat/completions/',
    '/chat/completions/x',
    '/Chat/completions',
    '/chat/completion',
    '/chat//completions',
    '/chat%2Fcompletions',
    '/chat/completion%73',
    'chat/completions',
  ])('compares byte for byte: %s is another path', (relative) => {
    expect(verdict({ relative, endpoint: CHAT, paths })).toBe('path_denied');
  });

  it('tells a wrong method from a wrong path', () => {
    expect(verdict({ method: 'GET', relative: '/chat/completions', endpoint: null, paths })).toBe(
      'method_denied',
    );
    expect(verdict({ relative: '/files', endpoint: FILES, paths })).toBe('path_denied');
  });

  it("opens account-wide and unknown endpoints only with the key file's leave", () => {
    const files = { relative: '/files', endpoint: FILES, paths: ['POST /files'] };
    expect(verdict(files)).toBe('path_denied');
    expect(verdict({ ...files, allow: { paths: ['POST /files'] } })).toBe('ok');
    expect(verdict({ ...files, allow: { paths: ['GET /files'] } })).toBe('path_denied');
    expect(verdict({ ...files, allow: { paths: ['POST /files/*'] } })).toBe('path_denied');
    const unknown = { relative: '/new/thing', endpoint: null, paths: ['POST /new/*'] };
    expect(verdict(unknown)).toBe('path_denied');
    expect(verdict({ ...unknown, allow: { paths: ['POST /new/*'] } })).toBe('ok');
  });

  it('a row of another method does not open its path', () => {
    expect(
      verdict({ method: 'DELETE', relative: '/chat/completions', endpoint: CHAT, paths: ['DELETE /chat/*'] }),
    ).toBe('path_denied');
  });
});

describe("a vault entry's paths", () => {
  it('apply on top of the token', () => {
    const chat = { relative: '/chat/completions', endpoint: CHAT };
    expect(verdict({ ...chat, vaultPaths: ['POST /chat/completions'] })).toBe('ok');
    expect(verdict({ ...chat, vaultPaths: ['POST /embeddings'] })).toBe('path_denied');
    expect(verdict({ ...chat, vaultPaths: ['GET /chat/completions'] })).toBe('method_denied');
    expect(verdict({ ...chat, vaultPaths: [] })).toBe('path_denied');
    expect(verdict({ ...chat, vaultPaths: ['POST /files'], paths: ['POST /chat/completions'] })).toBe(
      'path_denied',
    );
    expect(verdict({ relative: '/files', endpoint: FILES, vaultPaths: ['POST /files'] })).toBe('path_denied');
  });
});

describe('what a paths entry reaches', () => {
  const provider = makeProvider(ALL);
  const reaches = createReachTest({ find: (name) => (name === 'openai' ? provider : null) });

  it.each([
    ['POST /chat/completions', false],
    ['GET /models', false],
    ['GET /models/*', true],
    ['POST /models/*', false],
    ['POST /models/m1:generateContent', false],
    ['POST /files', true],
    ['POST /files/*', true],
    ['POST /*', true],
    ['GET /*', false],
    ['DELETE /chat/completions', true],
    ['POST /unknown', true],
  ])('%s beyond inference: %s', (path, expected) => {
    expect(reaches({ provider: 'openai' }, path)).toBe(expected);
  });

  it('leaves an unknown provider to routing', () => {
    expect(reaches({ provider: 'elsewhere' }, 'POST /files')).toBe(false);
  });
});
