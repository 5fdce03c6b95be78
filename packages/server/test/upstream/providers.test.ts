// Some entries of the registry, moved to the demo upstream by config: what a client sends, and what the provider gets.
// All of them, at their own hosts: test/providers/registry-wire.test.ts.
import { createHash } from 'node:crypto';
import type { RecordedRequest } from 'relayapi-demo-provider';
import { startDemoProvider } from 'relayapi-demo-provider';
import type { GenerateOptions } from 'relayapi-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { REGISTRY } from '../../src/providers/registry.ts';
import { type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';

const CREDENTIALS = [
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'cookie',
  'proxy-authorization',
];
const JSON_TYPE = { 'content-type': 'application/json' };

const MOVED = [
  'openai',
  'anthropic',
  'google',
  'mistral',
  'deepseek',
  'groq',
  'openrouter',
  'alibaba',
  'alibaba-cn',
  'azure',
  'deepl',
];

let relay: RelayFixture;

beforeAll(async () => {
  const demo = await startDemoProvider();
  const providers = Object.fromEntries(
    REGISTRY.filter(({ id }) => MOVED.includes(id)).map(({ id, roots }) => [
      id,
      { base_url: `${demo.origin}${roots[0]}` },
    ]),
  );
  relay = await startRelay({
    demo,
    config: { providers, upstream: { allow_private: [`127.0.0.1:${demo.port}`] } },
  });
});

afterAll(async () => {
  await relay.close();
  await relay.demo.close();
});

beforeEach(() => {
  relay.demo.requests.length = 0;
});

interface Sent {
  readonly method?: string;
  readonly body?: BodyInit;
  readonly headers?: Record<string, string>;
  readonly options?: Partial<GenerateOptions>;
}

async function send(
  provider: string,
  rest: string,
  sent: Sent = {},
): Promise<{ status: number; text: string }> {
  const { method = 'POST', body, headers = JSON_TYPE, options } = sent;
  const answer = await fetch(`${relay.url({ provider, ...options })}${rest}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  });
  return { status: answer.status, text: await answer.text() };
}

function arrived(): RecordedRequest {
  const [request, ...more] = relay.demo.requests;
  if (request === undefined || more.length > 0)
    throw new Error(`${relay.demo.requests.length} requests arrived`);
  return request;
}

const CHAT = JSON.stringify({ model: 'demo-chat', messages: [{ role: 'user', content: 'hello' }] });
const MESSAGE = JSON.stringify({
  model: 'demo-chat',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'hello' }],
});
const CONTENTS = JSON.stringify({ contents: [{ parts: [{ text: 'hello' }] }] });
const TEXT = JSON.stringify({ text: ['hello'], target_lang: 'DE' });

describe('A24 the provider gets its own path and exactly one credential, the real one', () => {
  it.each([
    [
      'openai',
      '/v1/chat/completions',
      CHAT,
      '/v1/chat/completions',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    [
      'openai',
      '/v1/responses',
      '{"model":"demo-chat","input":"hi"}',
      '/v1/responses',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    ['anthropic', '/v1/messages?beta=true&x=1', MESSAGE, '/v1/messages?beta=true', 'x-api-key', UPSTREAM_KEY],
    [
      'anthropic',
      '/v1/chat/completions',
      CHAT,
      '/v1/chat/completions',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    [
      'google',
      '/v1beta/models/demo-chat:generateContent?key=T',
      CONTENTS,
      '/v1beta/models/demo-chat:generateContent',
      'x-goog-api-key',
      UPSTREAM_KEY,
    ],
    [
      'gemini',
      '/v1/models/demo-chat:streamGenerateContent?alt=sse&%6bey=T',
      CONTENTS,
      '/v1/models/demo-chat:streamGenerateContent?alt=sse',
      'x-goog-api-key',
      UPSTREAM_KEY,
    ],
    [
      'google',
      '/v1beta/openai/chat/completions',
      CHAT,
      '/v1beta/openai/chat/completions',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    [
      'mistral',
      '/v1/chat/completions',
      CHAT,
      '/v1/chat/completions',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    [
      'deepseek',
      '/chat/completions',
      CHAT,
      '/v1/chat/completions',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    [
      'deepseek',
      '/anthropic/v1/messages',
      MESSAGE,
      '/anthropic/v1/messages',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    [
      'groq',
      '/openai/v1/chat/completions',
      CHAT,
      '/openai/v1/chat/completions',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    [
      'openrouter',
      '/v1/chat/completions',
      CHAT,
      '/api/v1/chat/completions',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    [
      'alibaba',
      '/v1/chat/completions',
      CHAT,
      '/compatible-mode/v1/chat/completions',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    [
      'dashscope',
      '/v1/messages',
      MESSAGE,
      '/apps/anthropic/v1/messages',
      'authorization',
      `Bearer ${UPSTREAM_KEY}`,
    ],
    [
      'azure',
      '/openai/deployments/demo-chat/chat/completions?api-version=2024-10-21',
      CHAT,
      '/openai/deployments/demo-chat/chat/completions?api-version=2024-10-21',
      'api-key',
      UPSTREAM_KEY,
    ],
    ['deepl', '/v2/translate', TEXT, '/v2/translate', 'authorization', `DeepL-Auth-Key ${UPSTREAM_KEY}`],
  ])('%s %s', async (provider, rest, body, target, header, value) => {
    const headers = {
      ...JSON_TYPE,
      authorization: 'Bearer dummy',
      'x-api-key': 'dummy',
      'x-goog-api-key': 'dummy',
      cookie: 'a=b',
    };
    const { status } = await send(provider, rest, { body, headers });
    const request = arrived();
    expect([status, request.rawTarget]).toEqual([200, target]);
    const found = CREDENTIALS.filter((name) => request.headers[name] !== undefined);
    expect(found).toEqual([header]);
    expect(request.headers[header]).toBe(value);
    expect(request.rawHeaders.join('\n')).not.toContain('dummy');
    // A32: nothing asked for a change, so no byte has changed.
    expect(request.sha256).toBe(createHash('sha256').update(body).digest('hex'));
  });

  it("Anthropic gets a version when the caller sends none, and the caller's when it does", async () => {
    await send('anthropic', '/v1/messages', { body: MESSAGE });
    expect(arrived().headers['anthropic-version']).toBe('2023-06-01');
    relay.demo.requests.length = 0;
    const headers = {
      ...JSON_TYPE,
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'a,b',
      'openai-beta': 'x',
    };
    await send('anthropic', '/v1/messages', { body: MESSAGE, headers });
    expect(arrived().headers).toMatchObject({ 'anthropic-version': '2026-10-21', 'anthropic-beta': 'a,b' });
    expect(arrived().headers['openai-beta']).toBeUndefined();
  });
});

describe('A35 the model is held where the registry says it stands', () => {
  const options = { allowedModels: ['demo-*'] };

  async function form(
    fields: readonly (readonly [string, string])[],
  ): Promise<{ body: ArrayBuffer; headers: Record<string, string> }> {
    const data = new FormData();
    for (const [name, value] of fields) data.append(name, value);
    data.append('file', new Blob([Uint8Array.of(0, 13, 10, 45, 45, 255)]), 'a.wav');
    const made = new Response(data);
    return {
      body: await made.arrayBuffer(),
      headers: { 'content-type': made.headers.get('content-type') ?? '' },
    };
  }

  it('in a body, in a path, in both', async () => {
    expect((await send('openai', '/v1/chat/completions', { options, body: CHAT })).status).toBe(200);
    expect(
      (await send('openai', '/v1/chat/completions', { options, body: CHAT.replace('demo-', 'gpt-') })).status,
    ).toBe(403);
    expect(
      (await send('google', '/v1beta/models/demo-chat:generateContent', { options, body: CONTENTS })).status,
    ).toBe(200);
    expect(
      (await send('google', '/v1beta/models/gpt-4:generateContent', { options, body: CONTENTS })).status,
    ).toBe(403);
    expect(
      (await send('google', '/v1beta/models/%67pt-4:generateContent', { options, body: CONTENTS })).status,
    ).toBe(403);
    const other = JSON.stringify({ model: 'models/demo-other', contents: [] });
    expect(
      (await send('google', '/v1beta/models/demo-chat:generateContent', { options, body: other })).status,
    ).toBe(403);
    expect(
      (await send('azure', '/openai/deployments/gpt-4/chat/completions', { options, body: CHAT })).status,
    ).toBe(403);
    expect(relay.demo.requests).toHaveLength(2);
  });

  it('in every list that OpenRouter reads', async () => {
    const body = (more: object) => JSON.stringify({ ...JSON.parse(CHAT), ...more });
    for (const more of [
      { models: ['demo-a', 'gpt-4'] },
      { fallbacks: [{ model: 'gpt-4' }] },
      { preset: 'ours' },
    ]) {
      const { status } = await send('openrouter', '/v1/chat/completions', { options, body: body(more) });
      expect([more, status]).toEqual([more, 403]);
    }
    expect(
      (await send('openrouter', '/v1/chat/completions', { options, body: body({ models: ['demo-a'] }) }))
        .status,
    ).toBe(200);
    expect(relay.demo.requests).toHaveLength(1);
  });

  it('in a form, which is rebuilt and read alike by another parser', async () => {
    const good = await form([
      ['model', 'demo-chat'],
      ['language', 'de'],
    ]);
    expect(await send('openai', '/v1/audio/transcriptions', { options, ...good })).toMatchObject({
      status: 200,
    });
    const { headers, body } = arrived();
    expect(headers['content-type']).toMatch(/boundary=relayapi-/);
    const read = await new Response(Uint8Array.from(body), {
      headers: { 'content-type': headers['content-type'] ?? '' },
    }).formData();
    expect([read.getAll('model'), read.get('language')]).toEqual([['demo-chat'], 'de']);
    expect(new Uint8Array(await (read.get('file') as File).arrayBuffer())).toEqual(
      Uint8Array.of(0, 13, 10, 45, 45, 255),
    );
    for (const [fields, status] of [
      [[['model', 'whisper-1']], 403],
      [[['language', 'de']], 403],
      [
        [
          ['model', 'demo-a'],
          ['model', 'whisper-1'],
        ],
        400,
      ],
      [
        [
          ['model', 'demo-a'],
          ['Model', 'whisper-1'],
        ],
        400,
      ],
    ] as const) {
      const { status: answered } = await send('openai', '/v1/audio/transcriptions', {
        options,
        ...(await form(fields)),
      });
      expect([fields, answered]).toEqual([fields, status]);
    }
    expect(relay.demo.requests).toHaveLength(1);
  });
});

describe('set and cap on the way through', () => {
  it('A33 change their members and nothing else', async () => {
    const body = `{ "model" : "gpt-4o", "seed":12345678901234567890, "max_tokens": 99999,\n"messages":[{"role":"user","content":"h\\u00e9"}]}`;
    const options = { set: { model: 'demo-chat' }, cap: { max_tokens: 64, n: 1 } };
    expect((await send('openai', '/v1/chat/completions', { options, body })).status).toBe(200);
    expect(arrived().body.toString()).toBe(
      `{ "model" : "demo-chat", "seed":12345678901234567890, "max_tokens": 64,\n"messages":[{"role":"user","content":"h\\u00e9"}],"n":1}`,
    );
    expect(arrived().headers['content-length']).toBe(String(arrived().bodyBytes));
  });

  it("speak each provider's words", async () => {
    const options = { cap: { max_tokens: 64 } };
    await send('google', '/v1beta/models/demo-chat:generateContent', { options, body: CONTENTS });
    expect(JSON.parse(arrived().body.toString())).toMatchObject({
      generationConfig: { maxOutputTokens: 64 },
    });
    relay.demo.requests.length = 0;
    await send('openai', '/v1/responses', { options, body: '{"model":"demo-chat","input":"hi"}' });
    expect(JSON.parse(arrived().body.toString())).toMatchObject({ max_output_tokens: 64 });
  });

  it('never reach a form, and leave a model list alone', async () => {
    const options = { set: { model: 'demo-chat' } };
    const data = new FormData();
    data.append('model', 'x');
    expect(
      (await send('openai', '/v1/audio/transcriptions', { options, body: data, headers: {} })).status,
    ).toBe(415);
    expect((await send('openai', '/v1/models', { method: 'GET', options, headers: {} })).status).toBe(200);
  });
});
