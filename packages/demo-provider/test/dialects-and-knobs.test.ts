/** The wire knobs in every dialect, judged by what the official SDK of that dialect makes of them. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DemoProvider, startDemoProvider } from '../src/index.ts';

const KEY = 'sk-demo-not-a-key';
let provider: DemoProvider;
beforeAll(async () => {
  provider = await startDemoProvider();
});
afterAll(() => provider.close());
beforeEach(() => provider.reset());

interface Usage {
  input: number | undefined;
  output: number | undefined;
}
interface Result {
  text: string;
  usage: Usage;
  pieces: number;
}
interface Caller {
  name: string;
  plain(model: string, prompt?: string): Promise<Result>;
  streamed(model: string, prompt?: string): Promise<Result>;
}

const openai = () => new OpenAI({ baseURL: `${provider.origin}/v1`, apiKey: KEY, maxRetries: 0 });
const anthropic = () => new Anthropic({ baseURL: provider.origin, apiKey: KEY, maxRetries: 0 });
const google = () => new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: provider.origin } });
const user = (content: string) => [{ role: 'user' as const, content }];

const chat: Caller = {
  name: 'openai chat',
  async plain(model, prompt = 'two words') {
    const answer = await openai().chat.completions.create({ model, messages: user(prompt) });
    const usage = { input: answer.usage?.prompt_tokens, output: answer.usage?.completion_tokens };
    return { text: answer.choices[0]?.message.content ?? '', usage, pieces: 1 };
  },
  async streamed(model, prompt = 'two words') {
    const options = { stream: true as const, stream_options: { include_usage: true } };
    const result: Result = { text: '', usage: { input: undefined, output: undefined }, pieces: 0 };
    for await (const chunk of await openai().chat.completions.create({
      model,
      messages: user(prompt),
      ...options,
    })) {
      const piece = chunk.choices[0]?.delta.content;
      if (piece) result.pieces++;
      result.text += piece ?? '';
      if (chunk.usage)
        result.usage = { input: chunk.usage.prompt_tokens, output: chunk.usage.completion_tokens };
    }
    return result;
  },
};

const responses: Caller = {
  name: 'openai responses',
  async plain(model, prompt = 'two words') {
    const answer = await openai().responses.create({ model, input: prompt });
    const usage = { input: answer.usage?.input_tokens, output: answer.usage?.output_tokens };
    return { text: answer.output_text, usage, pieces: 1 };
  },
  async streamed(model, prompt = 'two words') {
    const result: Result = { text: '', usage: { input: undefined, output: undefined }, pieces: 0 };
    for await (const event of await openai().responses.create({ model, input: prompt, stream: true })) {
      if (event.type === 'response.output_text.delta') {
        result.text += event.delta;
        result.pieces++;
      }
      if (event.type === 'response.completed') {
        const { usage } = event.response;
        result.usage = { input: usage?.input_tokens, output: usage?.output_tokens };
      }
    }
    return result;
  },
};

const messages: Caller = {
  name: 'anthropic messages',
  async plain(model, prompt = 'two words') {
    const answer = await anthropic().messages.create({ model, max_tokens: 9, messages: user(prompt) });
    const [block] = answer.content;
    const usage = { input: answer.usage?.input_tokens, output: answer.usage?.output_tokens };
    return { text: block?.type === 'text' ? block.text : '', usage, pieces: 1 };
  },
  async streamed(model, prompt = 'two words') {
    const stream = anthropic().messages.stream({ model, max_tokens: 9, messages: user(prompt) });
    let pieces = 0;
    stream.on('text', () => pieces++);
    const answer = await stream.finalMessage();
    const [block] = answer.content;
    const usage = { input: answer.usage?.input_tokens, output: answer.usage?.output_tokens };
    return { text: block?.type === 'text' ? block.text : '', usage, pieces };
  },
};

const gemini: Caller = {
  name: 'gemini',
  async plain(model, prompt = 'two words') {
    const answer = await google().models.generateContent({ model, contents: prompt });
    const { usageMetadata: meta } = answer;
    return {
      text: answer.text ?? '',
      usage: { input: meta?.promptTokenCount, output: meta?.candidatesTokenCount },
      pieces: 1,
    };
  },
  async streamed(model, prompt = 'two words') {
    const result: Result = { text: '', usage: { input: undefined, output: undefined }, pieces: 0 };
    for await (const chunk of await google().models.generateContentStream({ model, contents: prompt })) {
      result.text += chunk.text ?? '';
      result.pieces++;
      const { usageMetadata: meta } = chunk;
      result.usage = { input: meta?.promptTokenCount, output: meta?.candidatesTokenCount };
    }
    return result;
  },
};

describe.each([chat, responses, messages, gemini])('$name', (caller) => {
  test('plain and streamed say the same and count the same', async () => {
    const plain = await caller.plain('demo-chat');
    const streamed = await caller.streamed('demo-chat');
    expect(streamed.text).toBe(plain.text);
    expect(streamed.usage).toEqual(plain.usage);
    expect(streamed.pieces).toBeGreaterThan(5);
  });

  test.each([
    'demo-bytes',
    'demo-crlf',
    'demo-comments',
    'demo-gzip',
    'demo-gap-1',
    'demo-1xx-3',
    'demo-trailer',
  ])('%s changes nothing in what the SDK reads, split characters included', async (model) => {
    const prompt = 'grüße 🙂 日本語';
    const { text } = await caller.plain('demo-chat', prompt);
    expect(text).toContain(prompt);
    expect((await caller.streamed(model, prompt)).text).toBe(text);
  });

  test('say, words and chunks shape both forms alike', async () => {
    for (const ask of [caller.plain, caller.streamed]) {
      expect((await ask('demo-say-one two')).text).toBe('one two');
      expect((await ask('demo-words-3')).text).toBe('word1 word2 word3');
    }
    expect((await caller.streamed('demo-chunks-17')).pieces).toBe(17);
  });

  test('usage reports the counts it was given, nousage none', async () => {
    for (const ask of [caller.plain, caller.streamed]) {
      expect((await ask('demo-usage-123-45')).usage).toEqual({ input: 123, output: 45 });
    }
    expect((await caller.plain('demo-nousage')).usage).toEqual({ input: undefined, output: undefined });
  });

  test('echo holds the credential and the body in both forms', async () => {
    for (const ask of [caller.plain, caller.streamed]) {
      const echo = JSON.parse((await ask('demo-echo', 'needle')).text) as {
        rawHeaders: string[];
        body: string;
      };
      expect(echo.rawHeaders.some((value) => value.endsWith(KEY))).toBe(true);
      expect(echo.body).toContain('needle');
    }
  });

  test('huge comes through whole', async () => {
    expect((await caller.plain('demo-huge-1')).text.length).toBe(1024 * 1024);
    expect((await caller.streamed('demo-huge-1')).text.length).toBe(1024 * 1024);
  });

  test.each([400, 402, 403, 404, 413, 422, 429, 500, 503, 529])(
    'error %i is thrown with its status',
    async (status) => {
      await expect(caller.plain(`demo-error-${status}`)).rejects.toMatchObject({ status });
      await expect(caller.streamed(`demo-error-${status}`)).rejects.toMatchObject({ status });
    },
  );

  test.each(['demo-die-2', 'demo-die-2-rst', 'demo-midframe', 'demo-reset-before', 'demo-garbage'])(
    '%s is no success, streamed',
    async (model) => {
      await expect(caller.streamed(model)).rejects.toThrow();
    },
  );

  test.each(['demo-die-1', 'demo-truncate', 'demo-contentlength-lie', 'demo-close-before', 'demo-html'])(
    '%s is no success, plain',
    async (model) => {
      const outcome = await caller.plain(model).then(
        ({ text }) => text,
        () => 'thrown',
      );
      expect(['thrown', '']).toContain(outcome);
    },
  );

  test('the credential stands in the record, once', async () => {
    await caller.plain('demo-chat');
    const [request] = provider.requests;
    const sent = `${request?.rawHeaders.join(' ')} ${request?.rawTarget}`;
    expect(sent.split(KEY)).toHaveLength(2);
  });
});
