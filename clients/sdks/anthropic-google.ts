/** Anthropic's SDK, and Google's in its newest and its second line: they add the version by themselves. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { GoogleGenAI as GoogleGenAI2 } from '@google/genai-2';
import type { Client, Door } from './client.ts';

const anthropicClient = ({ base, key }: Door) => new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0 });

export const anthropic: Client = {
  async plain(door) {
    const messages = [{ role: 'user' as const, content: door.prompt }];
    const answer = await anthropicClient(door).messages.create({
      model: door.model,
      max_tokens: 64,
      messages,
    });
    return answer.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  },
  async streamed(door) {
    const messages = [{ role: 'user' as const, content: door.prompt }];
    const stream = anthropicClient(door).messages.stream({ model: door.model, max_tokens: 64, messages });
    return stream.finalText();
  },
};

type GoogleClient = Pick<GoogleGenAI, 'models'> | Pick<GoogleGenAI2, 'models'>;

function google(connect: (door: Door) => GoogleClient): Client {
  return {
    async plain(door) {
      const asked = { model: door.model, contents: door.prompt };
      return (await connect(door).models.generateContent(asked)).text ?? '';
    },
    async streamed(door) {
      const asked = { model: door.model, contents: door.prompt };
      let text = '';
      for await (const part of await connect(door).models.generateContentStream(asked))
        text += part.text ?? '';
      return text;
    },
  };
}

export const google3 = google(
  ({ base, key }) => new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: base } }),
);
export const google2 = google(
  ({ base, key }) => new GoogleGenAI2({ apiKey: key, httpOptions: { baseUrl: base } }),
);
