/** The official SDKs, unmodified, straight against the demo provider. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DemoProvider, startDemoProvider } from '../src/index.ts';

const KEY = 'sk-demo-not-a-key';
let provider: DemoProvider;
beforeAll(async () => {
  provider = await startDemoProvider({ keys: [KEY] });
});
afterAll(() => provider.close());
beforeEach(() => provider.reset());

const messages = [{ role: 'user' as const, content: 'two words' }];

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of stream) all.push(one);
  return all;
}

describe('openai', () => {
  const client = (apiKey = KEY) => new OpenAI({ baseURL: `${provider.origin}/v1`, apiKey, maxRetries: 0 });
  const chat = { model: 'demo-chat', messages };

  test('a plain chat quotes the last user message and counts its words', async () => {
    const answer = await client().chat.completions.create(chat);
    expect(answer.choices[0]?.message.content).toContain('"two words"');
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage?.prompt_tokens).toBe(2);
    expect(answer._request_id).toBe('req_demo1');
  });

  test('the same prompt gets the same text, another prompt another', async () => {
    const say = async (content: string) =>
      (await client().chat.completions.create({ model: 'demo', messages: [{ role: 'user', content }] }))
        .choices[0]?.message.content;
    expect(await say('a')).toBe(await say('a'));
    expect(await say('a')).not.toBe(await say('b'));
  });

  test('content parts are read as one message', async () => {
    const answer = await client().chat.completions.create({
      model: 'demo-chat',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'from a part' }] }],
    });
    expect(answer.choices[0]?.message.content).toContain('"from a part"');
  });

  test('a streamed chat says the same as the plain one, with usage when asked', async () => {
    const plain = await client().chat.completions.create(chat);
    const chunks = await collect(
      await client().chat.completions.create({
        ...chat,
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      plain.choices[0]?.message.content,
    );
    expect(chunks.at(-1)?.usage).toEqual(plain.usage);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
  });

  test('a streamed chat has no usage unless asked', async () => {
    const chunks = await collect(await client().chat.completions.create({ ...chat, stream: true }));
    expect(chunks.every((chunk) => chunk.usage === undefined)).toBe(true);
  });

  test('the stream helper puts a tool call together', async () => {
    const tools = [
      { type: 'function' as const, function: { name: 'look_up', parameters: { type: 'object' } } },
    ];
    const ask = { model: 'demo-tool', messages, tools };
    const plain = await client().chat.completions.create(ask);
    const streamed = await client().chat.completions.stream(ask).finalChatCompletion();
    for (const answer of [plain, streamed]) {
      const call = answer.choices[0]?.message.tool_calls?.[0];
      expect(answer.choices[0]?.finish_reason).toBe('tool_calls');
      expect(call?.type === 'function' && call.function).toMatchObject({
        name: 'look_up',
        arguments: '{"input":"two words"}',
      });
    }
  });

  test('a plain response has its text and usage', async () => {
    const response = await client().responses.create({ model: 'demo-chat', input: 'two words' });
    expect(response.output_text).toContain('"two words"');
    expect(response.status).toBe('completed');
    expect(response.usage?.input_tokens).toBe(2);
  });

  test('a streamed response brings the whole sequence of events in order', async () => {
    const input = [{ role: 'user' as const, content: 'two words' }];
    const events = await collect(
      await client().responses.create({ model: 'demo-chat', input, stream: true }),
    );
    const types = events.map((event) => event.type).filter((type, i, all) => type !== all[i - 1]);
    expect(types).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, i) => i));
  });

  test('the response stream helper ends with the final response', async () => {
    const final = await client().responses.stream({ model: 'demo-chat', input: 'two words' }).finalResponse();
    expect(final.output_text).toContain('"two words"');
  });

  test('embeddings are unit vectors, equal for equal texts, in both encodings', async () => {
    const ask = { model: 'demo-embedding', input: ['one', 'two', 'one'], dimensions: 10 };
    const asBase64 = await client().embeddings.create(ask);
    const asFloats = await client().embeddings.create({ ...ask, encoding_format: 'float' });
    const [a, b, c] = asFloats.data.map((entry) => entry.embedding) as [number[], number[], number[]];
    expect(a).toHaveLength(10);
    expect(Math.hypot(...a)).toBeCloseTo(1);
    expect(a).toEqual(c);
    expect(a).not.toEqual(b);
    expect(asBase64.data[0]?.embedding).toEqual(a);
    expect(asFloats.usage.prompt_tokens).toBe(3);
  });

  test('models are listed and found one by one, an unknown one is 404', async () => {
    const list = await client().models.list();
    expect(list.data.map((model) => model.id)).toContain('demo-chat');
    expect((await client().models.retrieve('demo-chat')).id).toBe('demo-chat');
    await expect(client().models.retrieve('no-such')).rejects.toMatchObject({ status: 404 });
  });

  test('speech comes back as bytes of the asked kind', async () => {
    const ask = { model: 'demo-voice', voice: 'alloy', input: 'hello' };
    const speech = await client().audio.speech.create({ ...ask, response_format: 'wav' });
    const bytes = Buffer.from(await speech.arrayBuffer());
    expect(speech.headers.get('content-type')).toBe('audio/wav');
    expect(bytes.toString('latin1', 0, 4)).toBe('RIFF');
    expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44);
  });

  test('a transcription reads the multipart body', async () => {
    const ask = async (options: object) =>
      client().audio.transcriptions.create({
        file: await toFile(Buffer.alloc(1234), 'speech.wav'),
        model: 'demo-voice',
        ...options,
      });
    expect((await ask({})).text).toContain('"speech.wav 1234 bytes"');
    expect(await ask({ response_format: 'text' })).toContain('speech.wav');
    const events = await collect((await ask({ stream: true })) as unknown as AsyncIterable<{ type: string }>);
    expect(events.at(-1)?.type).toBe('transcript.text.done');
  });

  test('a knob in a multipart model works', async () => {
    const file = await toFile(Buffer.alloc(1), 'a.wav');
    await expect(
      client().audio.transcriptions.create({ file, model: 'demo-error-429' }),
    ).rejects.toMatchObject({
      status: 429,
    });
  });

  test('a wrong key is 401 with both ends of the key in the message, as the real service does it', async () => {
    await expect(client('sk-wrong-not-a-key').chat.completions.create(chat)).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
      message: expect.stringContaining('sk-wron***-key'),
    });
  });

  test('missing members are 400 with a readable message', async () => {
    const broken = client().chat.completions.create({ model: 'demo-chat', messages: [] });
    await expect(broken).rejects.toMatchObject({ status: 400, message: expect.stringContaining('messages') });
    const noInput = client().responses.create({ model: 'demo-chat' });
    await expect(noInput).rejects.toMatchObject({ status: 400, message: expect.stringContaining('input') });
  });
});

describe('@anthropic-ai/sdk', () => {
  const client = (apiKey = KEY) => new Anthropic({ baseURL: provider.origin, apiKey, maxRetries: 0 });
  const ask = { model: 'demo-chat', max_tokens: 100, messages };

  test('a plain message quotes the last user message and counts its words', async () => {
    const message = await client().messages.create(ask);
    expect(message.content[0]).toMatchObject({ type: 'text', text: expect.stringContaining('"two words"') });
    expect(message.stop_reason).toBe('end_turn');
    expect(message.usage.input_tokens).toBe(2);
    expect(message._request_id).toBe('req_demo1');
  });

  test('a streamed message brings every event kind and adds up to the plain one', async () => {
    const plain = await client().messages.create(ask);
    const stream = client().messages.stream(ask);
    const types: string[] = [];
    stream.on('streamEvent', (event) => types.push(event.type));
    const final = await stream.finalMessage();
    expect(final.content).toEqual(plain.content);
    expect(final.usage).toEqual(plain.usage);
    expect(types.filter((type, i) => type !== types[i - 1])).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
  });

  test('the raw stream holds a ping and usage on both ends', async () => {
    const text = await (
      await client()
        .messages.create({ ...ask, stream: true })
        .asResponse()
    ).text();
    expect(text).toContain('event: ping\n');
    expect(text.match(/"usage"/g)).toHaveLength(2);
  });

  test('a tool call works plain and streamed', async () => {
    const tools = [{ name: 'look_up', input_schema: { type: 'object' as const } }];
    const plain = await client().messages.create({ ...ask, model: 'demo-tool', tools });
    const streamed = await client()
      .messages.stream({ ...ask, model: 'demo-tool', tools })
      .finalMessage();
    for (const message of [plain, streamed]) {
      expect(message.stop_reason).toBe('tool_use');
      expect(message.content[0]).toMatchObject({
        type: 'tool_use',
        name: 'look_up',
        input: { input: 'two words' },
      });
    }
  });

  test('tokens are counted', async () => {
    const count = await client().messages.countTokens({ model: 'demo-chat', messages, system: 'be kind' });
    expect(count.input_tokens).toBe(4);
  });

  test('models have their own shape', async () => {
    const models = await collect(client().models.list());
    expect(models[0]).toMatchObject({ type: 'model', id: 'demo-chat' });
    expect((await client().models.retrieve('demo-chat')).display_name).toBe('demo-chat');
  });

  test('errors carry the type of the dialect', async () => {
    await expect(client('sk-wrong-not-a-key').messages.create(ask)).rejects.toMatchObject({
      status: 401,
      error: { type: 'error', error: { type: 'authentication_error' } },
    });
    await expect(client().messages.create({ ...ask, model: 'demo-error-529' })).rejects.toMatchObject({
      status: 529,
      error: { error: { type: 'overloaded_error' } },
    });
  });

  test('from version 2026-10-21 on a temperature is refused, before it is not', async () => {
    const warm = { ...ask, temperature: 1 } as typeof ask;
    await expect(client().messages.create(warm)).rejects.toMatchObject({ status: 400 });
    const older = { headers: { 'anthropic-version': '2023-06-01' } };
    expect((await client().messages.create(warm, older)).stop_reason).toBe('end_turn');
  });

  test('an error frame in a stream is thrown', async () => {
    const stream = client().messages.stream({ ...ask, model: 'demo-errorframe-4' });
    await expect(stream.finalMessage()).rejects.toMatchObject({
      error: { error: { type: 'overloaded_error' } },
    });
  });
});

describe('@google/genai', () => {
  const client = (apiKey = KEY, apiVersion = 'v1beta') =>
    new GoogleGenAI({ apiKey, httpOptions: { baseUrl: provider.origin, apiVersion } });
  const ask = { model: 'demo-chat', contents: 'two words' };

  test.each(['v1', 'v1beta'])(
    'a plain answer quotes the prompt and counts its words, under %s',
    async (version) => {
      const answer = await client(KEY, version).models.generateContent(ask);
      expect(answer.text).toContain('"two words"');
      expect(answer.usageMetadata?.promptTokenCount).toBe(2);
      expect(answer.candidates?.[0]?.finishReason).toBe('STOP');
      expect(provider.requests.at(-1)?.rawTarget).toBe(`/${version}/models/demo-chat:generateContent`);
    },
  );

  test('a streamed answer adds up to the plain one and only its last chunk is finished', async () => {
    const plain = await client().models.generateContent(ask);
    const chunks = await collect(await client().models.generateContentStream(ask));
    expect(chunks.map((chunk) => chunk.text).join('')).toBe(plain.text);
    expect(chunks.map((chunk) => chunk.candidates?.[0]?.finishReason).filter(Boolean)).toEqual(['STOP']);
    expect(chunks.at(-1)?.usageMetadata).toMatchObject(plain.usageMetadata as object);
  });

  test('without alt=sse a stream is one JSON array', async () => {
    const response = await fetch(
      `${provider.origin}/v1beta/models/demo-chat:streamGenerateContent?key=${KEY}`,
      {
        method: 'POST',
        body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'two words' }] }] }),
      },
    );
    const list = (await response.json()) as object[];
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(list.length).toBeGreaterThan(3);
    expect(list.at(-1)).toMatchObject({ candidates: [{ finishReason: 'STOP' }] });
  });

  test('tokens are counted and texts embedded', async () => {
    expect((await client().models.countTokens(ask)).totalTokens).toBe(2);
    const { embeddings } = await client().models.embedContent({
      model: 'demo-embedding',
      contents: ['a', 'b', 'a'],
    });
    expect(embeddings?.[0]?.values).toHaveLength(64);
    expect(embeddings?.[0]).toEqual(embeddings?.[2]);
    expect(embeddings?.[0]).not.toEqual(embeddings?.[1]);
  });

  test('models have their own shape', async () => {
    const models = await collect(await client().models.list());
    expect(models[0]?.name).toBe('models/demo-chat');
    expect((await client().models.get({ model: 'demo-chat' })).name).toBe('models/demo-chat');
  });

  test('errors carry code and status of the dialect', async () => {
    await expect(client('sk-wrong-not-a-key').models.generateContent(ask)).rejects.toMatchObject({
      status: 401,
      message: expect.stringContaining('UNAUTHENTICATED'),
    });
    await expect(client().models.generateContent({ ...ask, model: 'demo-error-429' })).rejects.toMatchObject({
      status: 429,
      message: expect.stringContaining('RESOURCE_EXHAUSTED'),
    });
  });
});

describe('deepl by fetch', () => {
  const translate = (body: string, type: string, key = KEY) =>
    fetch(`${provider.origin}/v2/translate`, {
      method: 'POST',
      headers: { authorization: `DeepL-Auth-Key ${key}`, 'content-type': type },
      body,
    });

  test('JSON and form bodies are translated alike', async () => {
    const json = await translate('{"text":["Hi","Bye"],"target_lang":"DE"}', 'application/json');
    const form = await translate('text=Hi&text=Bye&target_lang=DE', 'application/x-www-form-urlencoded');
    const { translations } = (await json.json()) as { translations: { text: string }[] };
    expect(translations.map((one) => one.text)).toEqual(['[DE] Hi', '[DE] Bye']);
    expect(await form.json()).toEqual({ translations });
  });

  test('errors have a top-level message', async () => {
    const forbidden = await translate('{}', 'application/json', 'wrong');
    expect([forbidden.status, await forbidden.json()]).toEqual([403, { message: expect.any(String) }]);
    const missing = await translate('{"text":["Hi"]}', 'application/json');
    expect([missing.status, await missing.json()]).toEqual([
      400,
      { message: expect.stringContaining('target_lang') },
    ]);
    expect((await translate('[', 'application/json')).status).toBe(400);
  });
});

describe('what every dialect refuses', () => {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(provider.origin + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: '{}',
      ...init,
    });

  test.each([
    ['/v1/chat/completions', 'error.message'],
    ['/v1/messages', 'error.message'],
    ['/v1beta/models/demo:generateContent', 'error.status'],
    ['/v2/translate', 'message'],
  ])('%s without a credential or with a body that is not JSON', async (path, property) => {
    const bare = await ask(path, { headers: {} });
    expect([401, 403]).toContain(bare.status);
    expect(await bare.json()).toHaveProperty(property);
    const broken = await ask(path, { body: '{"model":' });
    expect(broken.status).toBe(400);
    expect(await broken.json()).toHaveProperty(property);
  });

  test('an unknown path is 404 in the likely dialect', async () => {
    const openai = await ask('/v1/nothing');
    expect([openai.status, await openai.json()]).toEqual([
      404,
      { error: expect.objectContaining({ code: expect.anything() }) },
    ]);
    const google = await ask('/v1beta/nothing');
    expect(await google.json()).toMatchObject({ error: { code: 404, status: 'NOT_FOUND' } });
    const wrongMethod = await ask('/v1/chat/completions', { method: 'GET', body: null });
    expect(wrongMethod.status).toBe(404);
  });
});
