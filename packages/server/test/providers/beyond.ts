/** Where the registry and the gathered facts (expected.json) differ on purpose. */
import { OTHERS_ADDED, OTHERS_BEYOND, OTHERS_LEFT_OUT } from './beyond-others.ts';

/** Entries that the facts do not hold at all: origin, credential line (`authorization` where it names no header; null where it is no header), paths. By hand, from the provider's documents, not from the entry. */
export const ADDED: Readonly<
  Record<string, readonly [origin: string, line: string | null, ...paths: string[]]>
> = {
  ...OTHERS_ADDED,
  'tencent-lkeap': ['https://api.lkeap.cloud.tencent.com', 'Bearer {key}', 'POST /v1/chat/completions'],
};

/** Further hosts of a provider by the name they have in front of a path. By hand, from the facts' notes and the answers that the providers document. */
export const FURTHER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  replicate: {
    '/~stream': 'https://stream.replicate.com',
    '/~ric1': 'https://stream-b.svc.ric1.c.replicate.net',
    '/~rno2': 'https://stream-b.svc.rno2.c.replicate.net',
  },
  fal: { '/~queue': 'https://queue.fal.run' },
  'black-forest-labs': Object.fromEntries(
    ['eu', 'us', 'ice', 'eu1', 'eu2', 'eu3', 'eu4', 'us1', 'us2', 'us3', 'us4'].map((region) => [
      `/~${region}`,
      `https://api.${region}.bfl.ai`,
    ]),
  ),
  assemblyai: { '/~llm': 'https://llm-gateway.assemblyai.com' },
};

/** Open rows that the facts do not name, each list with what shows it. */
export const BEYOND: Readonly<Record<string, readonly string[]>> = {
  ...OTHERS_BEYOND,
  // counts, and keeps nothing: openai/openai-node, src/resources/responses/input-tokens.ts
  openai: ['POST /v1/responses/input_tokens'],
  // an app has two to four segments: https://docs.fal.ai/model-endpoints/queue
  fal: [
    'POST /{owner}/{app}',
    'POST /{owner}/{app}/{part}',
    'POST /{owner}/{app}/{part}/{more}',
    // on the queue's own host, whose paths the facts give with it; an app's name has a namespace in front or not
    ...['/{owner}/{app}', '/{namespace}/{owner}/{app}'].flatMap((app) => [
      `GET ${app}/requests/{id}`,
      `GET ${app}/requests/{id}/status`,
      `GET ${app}/requests/{id}/status/stream`,
      `PUT ${app}/requests/{id}/cancel`,
    ]),
  ],
  // on a host of its own, which the facts name
  assemblyai: [
    'POST /v1/chat/completions',
    // the facts name it among what is account-wide, which it is not where the id is one's own
    'DELETE /v2/transcript/{id}',
    'GET /v2/transcript/{id}/redacted-audio',
  ],
  // Gemini's v1 has the same methods as v1beta: https://ai.google.dev/gemini-api/docs/api-versions
  google: [
    'POST /v1/models/{model}:generateContent',
    'POST /v1/models/{model}:streamGenerateContent',
    'POST /v1/models/{model}:countTokens',
    'POST /v1/models/{model}:embedContent',
    'POST /v1/models/{model}:batchEmbedContents',
    'POST /v1/models/{model}:predict',
    'GET /v1/models',
    'GET /v1/models/{model}',
  ],
};

/** Paths that a source shows and that the registry leaves out, each with the reason. */
export const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ...OTHERS_LEFT_OUT,
  fal: { 'POST /{app}': 'one segment is no app: they have two to four' },
  deepseek: { 'POST /chat/completions': 'the same endpoint as under /v1, which the relay writes' },
  llama: { 'POST /v1/chat/completions': "its own form: OpenAI's clients would meet it under /v1" },
  reka: { 'POST /chat': 'its own form beside the compatible one' },
  'github-models': { 'POST /orgs/{org}/inference/chat/completions': 'the caller would choose who pays' },
  scaleway: { 'POST /{projectId}/v1/chat/completions': 'the caller would choose the project' },
  'llama-cpp': {
    'POST /completion': 'its own form beside the compatible one',
    'POST /embedding': 'its own form beside the compatible one',
  },
  'docker-model-runner': {
    'POST /engines/{engine}/v1/chat/completions': 'the caller would choose the engine',
  },
};
