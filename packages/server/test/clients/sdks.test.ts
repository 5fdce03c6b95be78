/** The official SDKs, unmodified, only their base URL set: plain and streamed, token in the path and in a header, errors readable, no broken stream taken for success. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RELAY_PATHS, type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';

/** Where the token stands. With a path token the SDK's own key is any text. */
const PLACES = ['path', 'header'] as const;
const HI = 'Good morning, relay';

interface Doors {
  /** Base URL without a version. */
  readonly base: string;
  readonly apiKey: string;
}

describe.each(RELAY_PATHS.flatMap((path) => PLACES.map((place) => [path, place] as const)))(
  'SDKs on the %s path with a token in the %s',
  (path, place) => {
    let relay: RelayFixture;
    beforeAll(async () => {
      relay = await startRelay({ path });
    });
    beforeEach(() => relay.demo.reset());
    afterAll(() => relay.close());

    function doors(options: Parameters<RelayFixture['url']>[0] = {}): Doors {
      if (place === 'path') return { base: relay.url(options), apiKey: 'relay' };
      return { base: `${relay.origin}/relayapi/-`, apiKey: relay.token(options) };
    }
    const openai = (options = {}) => {
      const { base, apiKey } = doors(options);
      return new OpenAI({ baseURL: `${base}/v1`, apiKey, maxRetries: 0 });
    };
    const anthropic = (options = {}) => {
      const { base, apiKey } = doors(options);
      return new Anthropic({ baseURL: base, apiKey, maxRetries: 0 });
    };
    const google = (options = {}) => {
      const { base, apiKey } = doors(options);
      return new GoogleGenAI({ apiKey, httpOptions: { baseUrl: base } });
    };
    const openaiMessages = [{ role: 'user' as const, content: HI }];

    it('openai: plain chat, embeddings, responses, models', async () => {
      const client = openai();
      const chat = await client.chat.completions.create({ model: 'demo-chat', messages: openaiMessages });
      expect(chat.choices[0]?.message.content).toContain(HI);
      const embedding = await client.embeddings.create({ model: 'demo-embedding', input: HI });
      expect(embedding.data[0]?.embedding.length).toBeGreaterThan(0);
      const response = await client.responses.create({ model: 'demo-chat', input: HI });
      expect(response.output_text).toContain(HI);
      const models = await client.models.list();
      expect(models.data.length).toBeGreaterThan(0);
      for (const request of relay.demo.requests)
        expect(request.headers.authorization).toBe(`Bearer ${UPSTREAM_KEY}`);
    });

    it('openai: streamed chat and responses, usage included', async () => {
      const client = openai();
      const stream = await client.chat.completions.create({
        model: 'demo-chat',
        messages: openaiMessages,
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = '';
      let usage = 0;
      for await (const part of stream) {
        text += part.choices[0]?.delta.content ?? '';
        usage = part.usage?.total_tokens ?? usage;
      }
      expect(text).toContain(HI);
      expect(usage).toBeGreaterThan(0);
      const events: string[] = [];
      for await (const event of await client.responses.create({
        model: 'demo-chat',
        input: HI,
        stream: true,
      }))
        events.push(event.type);
      expect(events[0]).toBe('response.created');
      expect(events.at(-1)).toBe('response.completed');
    });

    it('anthropic: plain and streamed messages, token counts', async () => {
      const client = anthropic();
      const params = { model: 'demo-chat', max_tokens: 64, messages: openaiMessages };
      const message = await client.messages.create(params);
      expect(JSON.stringify(message.content)).toContain(HI);
      const streamed = await client.messages.stream(params).finalMessage();
      expect(JSON.stringify(streamed.content)).toContain(HI);
      expect(streamed.usage.output_tokens).toBeGreaterThan(0);
      expect(
        (await client.messages.countTokens({ model: 'demo-chat', messages: openaiMessages })).input_tokens,
      ).toBeGreaterThan(0);
      for (const request of relay.demo.requests)
        expect(request.headers['anthropic-version']).toMatch(/^20\d\d-/);
    });

    it('google: plain and streamed content', async () => {
      const client = google();
      const answer = await client.models.generateContent({ model: 'demo-chat', contents: HI });
      expect(answer.text).toContain(HI);
      let text = '';
      for await (const part of await client.models.generateContentStream({
        model: 'demo-chat',
        contents: HI,
      }))
        text += part.text ?? '';
      expect(text).toContain(HI);
      for (const request of relay.demo.requests)
        expect(JSON.stringify(request.rawHeaders)).not.toContain(relay.token().slice(0, 8));
    });

    it('shows each refusal as a readable message in the SDK’s own exception', async () => {
      const cases: ReadonlyArray<readonly [status: number, options: object, text: RegExp]> = [
        [403, { allowedModels: ['another'] }, /does not allow this model/],
        [402, { maxCalls: 0 }, /calls of this relay URL are used up/],
        [413, { maxRequestBytes: 10 }, /body is larger than allowed/],
      ];
      for (const [status, options, text] of cases) {
        const chat = openai(options).chat.completions.create({
          model: 'demo-chat',
          messages: openaiMessages,
        });
        await expect(chat).rejects.toMatchObject({ status, message: expect.stringMatching(text) });
        const message = anthropic(options).messages.create({
          model: 'demo-chat',
          max_tokens: 5,
          messages: openaiMessages,
        });
        await expect(message).rejects.toMatchObject({ status, message: expect.stringMatching(text) });
        const content = google(options).models.generateContent({ model: 'demo-chat', contents: HI });
        await expect(content).rejects.toMatchObject({ status, message: expect.stringMatching(text) });
      }
      const limited = openai({ rateLimit: { requests: 1, perSeconds: 60 } });
      await limited.models.list();
      await expect(limited.models.list()).rejects.toMatchObject({ status: 429, code: 'rate_limited' });
    });

    it('says 401 in words when the token is not valid', async () => {
      const bad =
        place === 'path'
          ? { base: `${relay.origin}/relayapi/broken`, apiKey: 'relay' }
          : { base: `${relay.origin}/relayapi/-`, apiKey: `${relay.token()}x` };
      const client = new OpenAI({ baseURL: `${bad.base}/v1`, apiKey: bad.apiKey, maxRetries: 3 });
      await expect(client.models.list()).rejects.toMatchObject({
        status: 401,
        message: expect.stringContaining('relay token is not valid'),
      });
      expect(relay.demo.requests).toHaveLength(0);
    });

    it.each(['demo-die-3', 'demo-midframe', 'demo-die-3-rst'])(
      'takes no stream that the upstream broke off for success (%s)',
      async (model) => {
        await expect(async () => {
          const stream = await openai().chat.completions.create({
            model,
            messages: openaiMessages,
            stream: true,
          });
          for await (const _part of stream);
        }).rejects.toThrow();
        await expect(
          anthropic().messages.stream({ model, max_tokens: 64, messages: openaiMessages }).finalMessage(),
        ).rejects.toThrow();
        await expect(async () => {
          for await (const _part of await google().models.generateContentStream({ model, contents: HI }));
        }).rejects.toThrow();
        await expect(async () => {
          for await (const _event of await openai().responses.create({ model, input: HI, stream: true }));
        }).rejects.toThrow();
      },
    );

    it('survives an SDK’s own retries on a token with one call', async () => {
      const { base, apiKey } = doors({ maxCalls: 1 });
      relay.demo.next('demo-error-503');
      const client = new OpenAI({ baseURL: `${base}/v1`, apiKey, maxRetries: 2 });
      const chat = await client.chat.completions.create({ model: 'demo-chat', messages: openaiMessages });
      expect(chat.choices[0]?.message.content).toContain(HI);
      expect(relay.demo.requests).toHaveLength(2);
    });
  },
);
