import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.ts';

function paths(file: unknown): string[] {
  const bytes = new TextEncoder().encode(JSON.stringify(file));
  return loadConfig({ file: { name: 'c', bytes }, env: {}, flags: {} }).problems.map(({ path }) => path);
}

const provider = (entry: unknown) => paths({ providers: { mine: entry } });

describe('a provider entry', () => {
  it.each([
    [{}],
    [{ base_url: 'http://127.0.0.1:9999/v1' }],
    [{ base_url: 'https://llm.internal:8443/v1', trusted: true, name: 'Ours', aliases: ['ours'] }],
    [{ base_url: 'https://x.example', auth: { kind: 'none' } }],
    [{ base_url: 'https://x.example', auth: { kind: 'header', name: 'x-key', template: 'Key {key}' } }],
    [{ like: 'openai', base_url: 'https://x.example/v1', roots: ['/v1', ''] }],
    [
      {
        default_headers: { 'x-version': '1' },
        pass_headers: ['x-own-*'],
        pass_query: ['beta'],
        request_id_header: null,
      },
    ],
    [{ endpoints: [{ method: 'POST', path: '/chat/completions', models: [{ in: 'body', at: ['model'] }] }] }],
    [
      {
        endpoints: [
          {
            method: 'GET',
            path: '/models/{model}',
            kind: 'models',
            models: [{ in: 'path', segment: 'model' }],
          },
        ],
      },
    ],
  ])('may be %j', (entry) => expect(provider(entry)).toEqual([]));

  it.each([
    [{ base_url: 'llm.internal' }, 'base_url'],
    [{ base_url: 'ftp://llm.internal' }, 'base_url'],
    [{ base_url: 'https://user:pw@llm.internal' }, 'base_url'],
    [{ base_url: 'https://llm.internal/v1?key=x' }, 'base_url'],
    [{ base_url: 'https://llm.internal/v1#x' }, 'base_url'],
    [{ baseUrl: 'https://llm.internal' }, 'baseUrl'],
    [{ trusted: 'yes' }, 'trusted'],
    [{ auth: { kind: 'query' } }, 'auth.kind'],
    [{ auth: { kind: 'header', name: 'X-Key' } }, 'auth.name'],
    [{ roots: ['v1'] }, 'roots[0]'],
    [{ roots: ['/v1/'] }, 'roots[0]'],
    [{ roots: ['/a//b'] }, 'roots[0]'],
    [{ pass_headers: ['*'] }, 'pass_headers[0]'],
    [{ default_headers: { 'X-Version': '1' } }, 'default_headers["X-Version"]'],
    [{ endpoints: [{ method: 'CONNECT', path: '/x' }] }, 'endpoints[0].method'],
    [{ endpoints: [{ method: 'POST', path: 'x' }] }, 'endpoints[0].path'],
    [{ endpoints: [{ method: 'POST', path: '/x?y' }] }, 'endpoints[0].path'],
    [{ endpoints: [{ method: 'POST', path: '/x', kind: 'all' }] }, 'endpoints[0].kind'],
    [
      { endpoints: [{ method: 'POST', path: '/x', models: [{ in: 'header', name: 'm' }] }] },
      'endpoints[0].models[0].in',
    ],
    [{ endpoints: [{ method: 'POST' }] }, 'endpoints[0].path'],
  ])('may not be %j', (entry, at) => expect(provider(entry)).toEqual([`$.providers.mine.${at}`]));

  it.each(['OpenAI', 'a b', '-x', '', 'ä'])('may not be named "%s"', (name) => {
    expect(paths({ providers: { [name]: {} } })).toHaveLength(1);
  });
});

const vault = (entry: unknown) => paths({ vault: { main: entry } });

describe('a vault entry', () => {
  it.each([
    [{ provider: 'openai', key_env: 'OPENAI_API_KEY' }],
    [{ provider: 'openai', key_file: '/run/secrets/openai' }],
    [{ provider: 'openai', key_env: 'K', models: ['gpt-4o*'], paths: ['POST /chat/completions'] }],
    [{ provider: 'openai', key_env: 'K', models: ['*'], paths: ['GET /files/*'], limits: {} }],
    [{ provider: 'openai', key_env: 'K', limits: { calls: 0, rate: [10, 60], stream_seconds: 5 } }],
    [{ provider: 'azure', key_env: 'K', vars: { resource: 'mine' } }],
    [{ provider: 'x', credential_env: { id: 'A', secret: 'B' } }],
    [{ provider: 'x', credential_env: { id: 'A' }, credential_file: { secret: 'f' } }],
  ])('may be %j', (entry) => expect(vault(entry)).toEqual([]));

  it.each([
    [{ provider: 'openai' }, ''],
    [{ provider: 'openai', key: 'sk-demo-not-a-key' }, '.key'],
    [{ key_env: 'K' }, '.provider'],
    [{ provider: 'openai', key_env: 'sk-demo-not-a-key' }, '.key_env'],
    [{ provider: 'openai', key_env: 'K', key_file: 'f' }, ''],
    [{ provider: 'openai', key_env: 'K', credential_env: { id: 'A' } }, ''],
    [{ provider: 'openai', key_env: 'K', vars: { resource: 5 } }, '.vars.resource'],
    [{ provider: 'openai', key_env: 'K', models: ['gpt-*-mini'] }, '.models[0]'],
    [{ provider: 'openai', key_env: 'K', paths: ['chat/completions'] }, '.paths[0]'],
    [{ provider: 'openai', key_env: 'K', paths: ['POST /a/../b'] }, '.paths[0]'],
    [{ provider: 'openai', key_env: 'K', limits: { calls: -1 } }, '.limits.calls'],
    [{ provider: 'openai', key_env: 'K', limits: { rate: [0, 60] } }, '.limits.rate[0]'],
    [{ provider: 'openai', key_env: 'K', limits: { rate: 10 } }, '.limits.rate'],
    [{ provider: 'openai', key_env: 'K', limits: { micro_usd: 5 } }, '.limits.micro_usd'],
  ])('may not be %j', (entry, at) => expect(vault(entry)).toContain(`$.vault.main${at}`));

  it('with the key itself in the file is refused without showing it', () => {
    const bytes = new TextEncoder().encode(
      '{"vault":{"main":{"provider":"openai","key":"sk-demo-not-a-key"}}}',
    );
    const { problems } = loadConfig({ file: { name: 'c', bytes }, env: {}, flags: {} });
    expect(JSON.stringify(problems)).not.toContain('sk-demo');
    expect(problems.map(({ message }) => message).join()).toContain('unknown key; did you mean "key_env"?');
  });
});
