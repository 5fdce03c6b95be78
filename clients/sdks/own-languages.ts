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

/** Says when a request was signed. The default handler speaks HTTP/2 alone, this one HTTP/1.1. */
class TellingHandler extends NodeHttpHandler {
  readonly #signed: () => void;

  constructor(signed: () => void) {
    super();
    this.#signed = signed;
  }

  override handle(...args: Parameters<NodeHttpHandler['handle']>): ReturnType<NodeHttpHandler['handle']> {
    this.#signed();
    return super.handle(...args);
  }
}

let turn: Promise<void> = Promise.resolve();

/** The token is a bearer token, from the variable that the SDK knows. It is read when a request is signed, and a process has only one: the next call waits until then. */
async function withBedrock<T>(
  { base, key }: Door,
  call: (client: BedrockRuntimeClient) => Promise<T>,
): Promise<T> {
  const before = turn;
  const { promise, resolve: signed } = Promise.withResolvers<void>();
  turn = promise;
  await before;
  process.env['AWS_BEARER_TOKEN_BEDROCK'] = key;
  try {
    return await call(
      new BedrockRuntimeClient({
        endpoint: base,
        region: 'us-east-1',
        maxAttempts: 1,
        requestHandler: new TellingHandler(signed),
      }),
    );
  } finally {
    signed();
  }
}

export const bedrock: Client = {
  plain: (door) =>
    withBedrock(door, async (client) => {
      const messages = [{ role: 'user' as const, content: [{ text: door.prompt }] }];
      const answer = await client.send(new ConverseCommand({ modelId: door.model, messages }));
      return (answer.output?.message?.content ?? []).map((block) => block.text ?? '').join('');
    }),
  streamed: (door) =>
    withBedrock(door, async (client) => {
      const messages = [{ role: 'user' as const, content: [{ text: door.prompt }] }];
      const answer = await client.send(new ConverseStreamCommand({ modelId: door.model, messages }));
      if (answer.stream === undefined) return '';
      return join(answer.stream, (event) => event.contentBlockDelta?.delta?.text);
    }),
};
