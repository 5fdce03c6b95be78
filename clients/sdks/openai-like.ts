/** OpenAI's SDK and those of providers that speak its language: each adds its own path behind the base URL. */
import { Mistral } from '@mistralai/mistralai';
import Groq from 'groq-sdk';
import OpenAI from 'openai';
import Together from 'together-ai';
import { type Client, type Door, join } from './client.ts';

const messagesOf = ({ prompt }: Door) => [{ role: 'user' as const, content: prompt }];

const openai = ({ base, key }: Door) => new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0 });
const groq = ({ base, key }: Door) => new Groq({ baseURL: base, apiKey: key, maxRetries: 0 });
const together = ({ base, key }: Door) => new Together({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0 });
const mistral = ({ base, key }: Door) =>
  new Mistral({ serverURL: base, apiKey: key, retryConfig: { strategy: 'none' } });

/** Chat completions, what most programs use. */
export const openaiChat: Client = {
  async plain(door) {
    const chat = { model: door.model, messages: messagesOf(door) };
    return (await openai(door).chat.completions.create(chat)).choices[0]?.message.content ?? '';
  },
  async streamed(door) {
    const chat = { model: door.model, messages: messagesOf(door), stream: true as const };
    return join(await openai(door).chat.completions.create(chat), (part) => part.choices[0]?.delta.content);
  },
};

/** The responses API. */
export const openaiResponses: Client = {
  plain: async (door) =>
    (await openai(door).responses.create({ model: door.model, input: door.prompt })).output_text,
  async streamed(door) {
    const asked = { model: door.model, input: door.prompt, stream: true as const };
    return join(await openai(door).responses.create(asked), (event) =>
      event.type === 'response.output_text.delta' ? event.delta : '',
    );
  },
};

export const groqChat: Client = {
  async plain(door) {
    const chat = { model: door.model, messages: messagesOf(door) };
    return (await groq(door).chat.completions.create(chat)).choices[0]?.message.content ?? '';
  },
  async streamed(door) {
    const chat = { model: door.model, messages: messagesOf(door), stream: true as const };
    return join(await groq(door).chat.completions.create(chat), (part) => part.choices[0]?.delta.content);
  },
};

export const togetherChat: Client = {
  async plain(door) {
    const chat = { model: door.model, messages: messagesOf(door) };
    return (await together(door).chat.completions.create(chat)).choices[0]?.message?.content ?? '';
  },
  async streamed(door) {
    const chat = { model: door.model, messages: messagesOf(door), stream: true as const };
    return join(await together(door).chat.completions.create(chat), (part) => part.choices[0]?.delta.content);
  },
};

export const mistralChat: Client = {
  async plain(door) {
    const chat = { model: door.model, messages: messagesOf(door) };
    return String((await mistral(door).chat.complete(chat)).choices[0]?.message?.content ?? '');
  },
  async streamed(door) {
    const chat = { model: door.model, messages: messagesOf(door) };
    return join(await mistral(door).chat.stream(chat), ({ data }) =>
      String(data.choices[0]?.delta.content ?? ''),
    );
  },
};
