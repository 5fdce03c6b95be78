/** The AI SDK and LangChain, each with the providers it has, and the MCP client. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatAnthropic } from '@langchain/anthropic';
import { ChatOpenAI } from '@langchain/openai';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { generateText, type LanguageModel, streamText } from 'ai';
import { type Client, type Door, join } from './client.ts';

function aiSdk(connect: (door: Door) => LanguageModel): Client {
  return {
    async plain(door) {
      return (await generateText({ model: connect(door), prompt: door.prompt, maxRetries: 0 })).text;
    },
    async streamed(door) {
      const { fullStream } = streamText({
        model: connect(door),
        prompt: door.prompt,
        maxRetries: 0,
        // it would print the error beside giving it to the stream
        onError: () => undefined,
      });
      return join(fullStream, (part) => {
        if (part.type === 'error') throw part.error;
        return part.type === 'text-delta' ? part.text : '';
      });
    },
  };
}

export const aiOpenai = aiSdk(({ base, key, model }) =>
  createOpenAI({ baseURL: `${base}/v1`, apiKey: key })(model),
);
export const aiCompatible = aiSdk(({ base, key, model }) =>
  createOpenAICompatible({ name: 'relay', baseURL: `${base}/v1`, apiKey: key })(model),
);
export const aiAnthropic = aiSdk(({ base, key, model }) =>
  createAnthropic({ baseURL: `${base}/v1`, apiKey: key })(model),
);
export const aiGoogle = aiSdk(({ base, key, model }) =>
  createGoogleGenerativeAI({ baseURL: `${base}/v1beta`, apiKey: key })(model),
);

function langchain(connect: (door: Door) => ChatOpenAI | ChatAnthropic): Client {
  return {
    plain: async (door) => (await connect(door).invoke(door.prompt)).text,
    streamed: async (door) => join(await connect(door).stream(door.prompt), (chunk) => chunk.text),
  };
}

export const langchainOpenai = langchain(
  ({ base, key, model }) =>
    new ChatOpenAI({ model, apiKey: key, maxRetries: 0, configuration: { baseURL: `${base}/v1` } }),
);
export const langchainAnthropic = langchain(
  ({ base, key, model }) => new ChatAnthropic({ model, apiKey: key, maxRetries: 0, anthropicApiUrl: base }),
);

/** Shakes hands, then calls a tool; the server answers that as a stream. */
export const mcp: Client = {
  async plain({ base, key, prompt }) {
    const client = new McpClient({ name: 'client-matrix', version: '1.0.0' });
    const headers = { authorization: `Bearer ${key}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${base}/mcp`), { requestInit: { headers } }),
    );
    try {
      return JSON.stringify(await client.callTool({ name: 'echo', arguments: { text: prompt } }));
    } finally {
      await client.close();
    }
  },
  streamed: null,
};
