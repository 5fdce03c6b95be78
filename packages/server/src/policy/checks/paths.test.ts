import type { Allow } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { makeClaims, makeEndpoint, makeProvider, makeRoute } from '../../../test/support/policy.ts';
import { allowWith } from '../../../test/support/route.ts';
import type { Endpoint, Provider } from '../../providers/provider.ts';
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

  it('takes a row for what it spells: {name} one segment, a star at its end any, all else itself', () => {
    const rows = [{ path: '/open/*' }, { path: '/a.b/(c)' }, { path: '/mid/*x' }].map(makeEndpoint);
    const answer = (relative: string) =>
      checkPath(
        makeClaims(),
        allowWith({}),
        'DELETE',
        makeRoute(null, { relative, provider: makeProvider(rows) }),
      )?.denied;
    for (const path of ['/open/x', '/open/x/y', '/a.b/(c)', '/mid/*x'])
      expect(`${path} ${answer(path)}`).toBe(`${path} method_denied`);
    for (const path of ['/open', '/openx', '/axb/(c)', '/ab/c', '/a.b/c', '/mid/yx', '/x/open/x'])
      expect(`${path} ${answer(path)}`).toBe(`${path} path_denied`);
  });

  it('opens no inference by HEAD, whatever a registry says', () => {
    const row = makeEndpoint({ method: 'HEAD', path: '/videos' });
    expect(verdict({ method: 'HEAD', relative: '/videos', endpoint: row })).toBe('method_denied');
    expect(verdict({ method: 'HEAD', relative: '/models', endpoint: { ...MODELS, method: 'HEAD' } })).toBe(
      'ok',
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

describe('a refused path', () => {
  it('is said to be closed by the vault entry, by the claim, or for want of the key file’s leave', () => {
    const param = (paths: readonly string[], vaultPaths: readonly string[] | null) =>
      checkPath(
        makeClaims({ paths }),
        allowWith({}),
        'POST',
        makeRoute(FILES, { relative: '/files', provider: makeProvider(ALL), vaultPaths }),
      );
    expect(param([], [])).toEqual({ denied: 'path_denied', param: 'vault' });
    expect(param([], ['POST /files'])).toEqual({ denied: 'path_denied', param: 'paths' });
    expect(param(['GET /files'], null)).toEqual({ denied: 'method_denied', param: 'paths' });
    expect(param(['POST /files'], null)).toEqual({ denied: 'path_denied', param: 'allow.paths' });
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

  it('lies within a row with a placeholder: what that row is decides', () => {
    const content = { method: 'GET', path: '/videos/{id}/content' };
    const test = (row: Endpoint) => {
      const only = makeProvider([row]);
      return createReachTest({ find: () => only })({ provider: 'openai' }, 'GET /videos/7/*');
    };
    expect(test(makeEndpoint(content))).toBe(false);
    expect(test(makeEndpoint({ ...content, kind: 'account' }))).toBe(true);
    expect(test(makeEndpoint({ method: 'GET', path: '/videos/' }))).toBe(true);
  });

  it('is worked out once per entry, and at most 1,000 answers are kept', () => {
    let looks = 0;
    const counted = {
      id: 'openai',
      get endpoints() {
        looks += 1;
        return ALL;
      },
    } as unknown as Provider;
    const test = createReachTest({ find: () => counted });
    const ask = (number: number) => test({ provider: 'openai' }, `POST /files/${number}`);
    for (let round = 0; round < 3; round++) for (let i = 0; i < 1000; i++) expect(ask(i)).toBe(true);
    expect(looks).toBe(1000);
    ask(1000);
    ask(1000);
    expect(looks).toBe(1001);
    ask(0);
    expect(looks).toBe(1002);
  });

  it('leaves an unknown provider to routing', () => {
    expect(reaches({ provider: 'elsewhere' }, 'POST /files')).toBe(false);
  });
});
