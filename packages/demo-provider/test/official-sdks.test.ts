/** The official SDKs, unmodified, straight against the demo provider. */
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DemoProvider, startDemoProvider } from '../src/index.ts';

let provider: DemoProvider;
beforeAll(async () => {
  provider = await startDemoProvider();
});
afterAll(() => provider.close());
beforeEach(() => provider.reset());

const messages = [{ role: 'user' as const, content: 'two words' }];

describe('openai', () => {
  const client = () =>
    new OpenAI({ baseURL: `${provider.origin}/v1`, apiKey: 'sk-demo-not-a-key', maxRetries: 0 });

  test('a plain chat quotes the last user message and counts its words', async () => {
    const answer = await client().chat.completions.create({ model: 'demo-chat', messages });
    expect(answer.choices[0]?.message.content).toContain('"two words"');
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage?.prompt_tokens).toBe(2);
  });

  test('a streamed chat says the same as the plain one, with usage when asked', async () => {
    const plain = await client().chat.completions.create({ model: 'demo-chat', messages });
    const stream = await client().chat.completions.create({
      model: 'demo-chat',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: unknown;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(plain.choices[0]?.message.content);
    expect(usage).toEqual(plain.usage);
  });

  test('a stream that dies is an error', async () => {
    const stream = await client().chat.completions.create({ model: 'demo-die-3', messages, stream: true });
    let count = 0;
    await expect(async () => {
      for await (const _ of stream) count++;
    }).rejects.toThrow();
    expect(count).toBe(3);
  });
});
