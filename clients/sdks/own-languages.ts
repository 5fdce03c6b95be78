/** SDKs of providers with languages of their own. */
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { AssemblyAI } from 'assemblyai';
import { CohereClientV2 } from 'cohere-ai';
import * as deeplNode from 'deepl-node';
import Replicate from 'replicate';
import { type Client, type Door, join } from './client.ts';

const cohereClient = ({ base, key }: Door) => new CohereClientV2({ environment: base, token: key });

export const cohere: Client = {
  async plain(door) {
    const chat = { model: door.model, messages: [{ role: 'user' as const, content: door.prompt }] };
    const { message } = await cohereClient(door).chat(chat, { maxRetries: 0 });
    return (message.content ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
  },
  async streamed(door) {
    const chat = { model: door.model, messages: [{ role: 'user' as const, content: door.prompt }] };
    return join(await cohereClient(door).chatStream(chat, { maxRetries: 0 }), (event) =>
      event.type === 'content-delta' ? event.delta?.message?.content?.text : '',
    );
  },
};

const replicateClient = ({ base, key }: Door) => new Replicate({ baseUrl: `${base}/v1`, auth: key });

/** `run` waits for the answer; a prediction that was only begun is asked for later. Its streams come from another host. */
export const replicate: Client = {
  async plain(door) {
    const model = `demo/${door.model}` as const;
    return [await replicateClient(door).run(model, { input: { prompt: door.prompt } })].flat().join('');
  },
  streamed: null,
};

export const deepl: Client = {
  async plain(door) {
    const translator = new deeplNode.DeepLClient(door.key, { serverUrl: door.base, maxRetries: 0 });
    return (await translator.translateText(door.prompt, null, 'de')).text;
  },
  streamed: null,
};

/** A transcript is begun and then asked for until it is there. */
export const assemblyai: Client = {
  async plain(door) {
    const client = new AssemblyAI({ apiKey: door.key, baseUrl: door.base });
    const audio = `https://files.example/${encodeURIComponent(door.prompt)}.mp3`;
    const transcript = await client.transcripts.transcribe({ audio }, { pollingInterval: 10 });
    return decodeURIComponent(transcript.text ?? '');
  },
  streamed: null,
};

/** The token is a bearer token; the default handler speaks HTTP/2 alone, so it gets the one for HTTP/1.1. */
const bedrockClient = ({ base, key }: Door) =>
  new BedrockRuntimeClient({
    endpoint: base,
    region: 'us-east-1',
    token: { token: key },
    authSchemePreference: ['httpBearerAuth'],
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler(),
  });

export const bedrock: Client = {
  async plain(door) {
    const messages = [{ role: 'user' as const, content: [{ text: door.prompt }] }];
    const answer = await bedrockClient(door).send(new ConverseCommand({ modelId: door.model, messages }));
    return (answer.output?.message?.content ?? []).map((block) => block.text ?? '').join('');
  },
  async streamed(door) {
    const messages = [{ role: 'user' as const, content: [{ text: door.prompt }] }];
    const answer = await bedrockClient(door).send(
      new ConverseStreamCommand({ modelId: door.model, messages }),
    );
    if (answer.stream === undefined) return '';
    return join(answer.stream, (event) => event.contentBlockDelta?.delta?.text);
  },
};
