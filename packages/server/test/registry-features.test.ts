// What the registry's rows call a feature, judged by the policy on bodies as clients send them (token spec §5 `features`).
import type { Claims } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import type { Route } from '../src/exchange.ts';
import { checkBody } from '../src/policy/body.ts';
import { REGISTRY } from '../src/providers/registry.ts';

const encoder = new TextEncoder();

function judge(provider: string, path: string, body: object, features: readonly string[]): string {
  const entry = REGISTRY.find(({ id }) => id === provider);
  const endpoint = entry?.endpoints.find((row) => row.path === path && row.method === 'POST');
  if (endpoint === undefined) throw new Error(`no ${path} at ${provider}`);
  const route = {
    endpoint,
    query: [],
    segments: {},
    vaultModels: null,
    vaultPaths: null,
  } as unknown as Route;
  const claims = { features, limits: {} } as unknown as Claims;
  const denial = checkBody(claims, route, encoder.encode(JSON.stringify(body)), 'application/json', null);
  return denial === null ? 'passes' : `${denial.denied} ${denial.param}`;
}

const CHAT = '/chat/completions';
const RESPONSES = '/responses';
const MESSAGES = '/messages';
const GENERATE = '/models/{model}:generateContent';
const call = (content: unknown) => ({ model: 'm', messages: [{ role: 'user', content }] });

describe('plain inference passes with features: []', () => {
  const parameters = {
    type: 'object',
    properties: {
      type: { type: 'string' },
      file_id: { type: 'string' },
      n: { type: 'integer' },
      container: {},
    },
  };
  it.each<[string, string, object]>([
    ['openai', CHAT, { ...call('hi'), n: 1, stream: true, service_tier: 'auto', store: false }],
    ['openai', CHAT, { ...call('hi'), tools: [{ type: 'function', function: { name: 'f', parameters } }] }],
    [
      'openai',
      RESPONSES,
      { model: 'm', input: 'hi', store: false, background: false, previous_response_id: null },
    ],
    [
      'openai',
      RESPONSES,
      {
        model: 'm',
        input: [{ type: 'message', role: 'user', content: 'hi' }],
        tools: [{ type: 'function', name: 'f', parameters }],
      },
    ],
    // What Codex sends (clients.md 1.3), its hosted search aside.
    [
      'openai',
      RESPONSES,
      {
        model: 'm',
        input: [],
        include: ['reasoning.encrypted_content'],
        store: false,
        tools: [{ type: 'namespace', name: 'x', tools: [{ type: 'function', name: 'f', parameters }] }],
      },
    ],
    ['openai', '/embeddings', { model: 'm', input: 'hi' }],
    ['openai', '/images/generations', { model: 'm', prompt: 'x', n: 1 }],
    [
      'anthropic',
      MESSAGES,
      {
        ...call('hi'),
        max_tokens: 5,
        tools: [
          { name: 'f', input_schema: parameters },
          { type: 'bash_20250124', name: 'bash' },
        ],
      },
    ],
    [
      'anthropic',
      MESSAGES,
      { ...call([{ type: 'image', source: { type: 'base64', data: 'AA' } }]), service_tier: 'standard_only' },
    ],
    [
      'google',
      GENERATE,
      {
        contents: [{ parts: [{ text: 'hi' }] }],
        generationConfig: { candidateCount: 1 },
        tools: [{ functionDeclarations: [{ name: 'f', parameters }] }],
      },
    ],
    ['deepl', '/translate', { text: ['hi'], target_lang: 'DE' }],
  ])('%s %s %j', (provider, path, body) => {
    expect(judge(provider, path, body, [])).toBe('passes');
  });
});

describe('each feature is refused when it is not named, and passes when it is', () => {
  it.each<[string, string, string, object]>([
    ['previous_response_id', 'openai', RESPONSES, { previous_response_id: 'resp_1' }],
    ['conversation', 'openai', RESPONSES, { conversation: 'conv_1' }],
    ['conversation', 'openai', RESPONSES, { conversation: { id: 'conv_1' } }],
    ['prompt.id', 'openai', RESPONSES, { prompt: { id: 'pmpt_1' } }],
    ['item_reference', 'openai', RESPONSES, { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    [
      'file_id',
      'openai',
      RESPONSES,
      { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] },
    ],
    [
      'file_id',
      'openai',
      RESPONSES,
      { input: [{ type: 'function_call_output', output: [{ type: 'input_image', file_id: 'f' }] }] },
    ],
    [
      'skills',
      'openai',
      RESPONSES,
      { tools: [{ type: 'function', environment: { skills: [{ skill_id: 's' }] } }] },
    ],
    ['background', 'openai', RESPONSES, { background: true }],
    ['service_tier', 'openai', RESPONSES, { service_tier: 'priority' }],
    ['store', 'openai', RESPONSES, { store: true }],
    ['hosted_tools', 'openai', RESPONSES, { tools: [{ type: 'web_search' }] }],
    ['hosted_tools', 'openai', RESPONSES, { tools: [{ type: 'mcp', server_url: 'https://x.example' }] }],
    [
      'hosted_tools',
      'openai',
      RESPONSES,
      { tools: [{ type: 'namespace', tools: [{ type: 'image_generation' }] }] },
    ],
    ['n', 'openai', CHAT, { n: 2 }],
    ['store', 'openai', CHAT, { store: true }],
    ['service_tier', 'openai', CHAT, { service_tier: 'flex' }],
    ['hosted_tools', 'openai', CHAT, { web_search_options: {} }],
    ['audio.id', 'openai', CHAT, { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }],
    ['file_id', 'openai', CHAT, call([{ type: 'file', file: { file_id: 'file_1' } }])],
    ['best_of', 'openai', '/completions', { best_of: 3 }],
    ['n', 'openai', '/images/generations', { n: 4 }],
    [
      'file_id',
      'anthropic',
      MESSAGES,
      call([{ type: 'document', source: { type: 'file', file_id: 'file_1' } }]),
    ],
    [
      'file_id',
      'anthropic',
      MESSAGES,
      call([{ type: 'tool_result', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }]),
    ],
    ['container', 'anthropic', MESSAGES, { container: 'container_1' }],
    ['service_tier', 'anthropic', MESSAGES, { service_tier: 'priority' }],
    ['speed', 'anthropic', MESSAGES, { speed: 'fast' }],
    ['hosted_tools', 'anthropic', MESSAGES, { tools: [{ type: 'web_search_20260318', name: 'web_search' }] }],
    ['hosted_tools', 'anthropic', MESSAGES, { tools: [{ type: 'code_execution_20260521' }] }],
    ['hosted_tools', 'anthropic', MESSAGES, { mcp_servers: [{ url: 'https://x.example' }] }],
    ['cachedContent', 'google', GENERATE, { cachedContent: 'cachedContents/1' }],
    ['cachedContent', 'google', GENERATE, { cached_content: 'cachedContents/1' }],
    [
      'fileUri',
      'google',
      GENERATE,
      { contents: [{ parts: [{ fileData: { fileUri: 'https://x.example/f' } }] }] },
    ],
    [
      'fileUri',
      'google',
      GENERATE,
      { contents: { parts: { file_data: { file_uri: 'https://x.example/f' } } } },
    ],
    ['n', 'google', GENERATE, { generationConfig: { candidateCount: 3 } }],
    ['n', 'google', GENERATE, { generation_config: { candidate_count: 3 } }],
    ['hosted_tools', 'google', GENERATE, { tools: [{ googleSearch: {} }] }],
    ['hosted_tools', 'google', GENERATE, { tools: { code_execution: {} } }],
    ['hosted_tools', 'alibaba', CHAT, { enable_search: true }],
    ['hosted_tools', 'openrouter', CHAT, { plugins: [{ id: 'web' }] }],
    ['preset', 'openrouter', CHAT, { preset: 'ours' }],
    ['file_id', 'mistral', '/ocr', { document: { type: 'file', file_id: 'f' } }],
    ['glossary_id', 'deepl', '/translate', { text: ['hi'], glossary_id: 'g' }],
  ])('%s in %s %s %j', (feature, provider, path, body) => {
    expect(judge(provider, path, body, [])).toBe(`feature_denied ${feature}`);
    expect(judge(provider, path, body, [feature])).toBe('passes');
  });

  it('two at once need both names', () => {
    const search = { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] };
    expect(judge('openai', RESPONSES, search, ['hosted_tools'])).toBe('feature_denied vector_store_ids');
    expect(judge('openai', RESPONSES, search, ['hosted_tools', 'vector_store_ids'])).toBe('passes');
    const code = { tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: ['f'] } }] };
    expect(judge('openai', RESPONSES, code, ['hosted_tools', 'container'])).toBe('feature_denied file_id');
  });
});
