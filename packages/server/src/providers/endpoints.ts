/**
 * The endpoint rows that entries are put together from, one set per API family. Data only.
 * Paths are relative to a root. What no row lists is an account-wide endpoint and closed by default (behaviour §5).
 */
import {
  CHAT_FEATURES,
  COMPLETION_FEATURES,
  COUNT_FEATURES,
  GEMINI_FEATURES,
  MESSAGES_FEATURES,
  RESPONSES_FEATURES,
} from './features.ts';
import type { AuthScheme, Endpoint, FeatureRule, ModelPlace } from './provider.ts';

/** The one place where most bodies name their model. */
export const BODY_MODEL: ModelPlace = { in: 'body', at: ['model'] };
const TOOL_MODEL: ModelPlace = { in: 'body', at: ['tools', '*', 'model'] };
const MODERATION_MODEL: ModelPlace = { in: 'body', at: ['moderation', 'model'] };

const OUTPUT_TOKENS = [['max_tokens'], ['max_completion_tokens']] as const;
const COUNT = [['n']] as const;

/** POST /chat/completions. */
export const CHAT: Endpoint = {
  method: 'POST',
  path: '/chat/completions',
  kind: 'inference',
  dialect: 'openai-chat',
  body: 'json',
  models: [BODY_MODEL, TOOL_MODEL, MODERATION_MODEL],
  capGroups: [OUTPUT_TOKENS, COUNT],
  features: CHAT_FEATURES,
};

/** POST /completions, the legacy text form. */
export const COMPLETIONS: Endpoint = {
  ...CHAT,
  path: '/completions',
  models: [BODY_MODEL],
  capGroups: [OUTPUT_TOKENS, COUNT, [['best_of']]],
  features: COMPLETION_FEATURES,
};

/** POST /responses. */
export const RESPONSES: Endpoint = {
  ...CHAT,
  path: '/responses',
  dialect: 'openai-responses',
  models: [
    BODY_MODEL,
    TOOL_MODEL,
    { in: 'body', at: ['tools', '*', 'tools', '*', 'model'] },
    MODERATION_MODEL,
  ],
  capGroups: [[['max_output_tokens']]],
  features: RESPONSES_FEATURES,
};

/** POST /embeddings. */
export const EMBEDDINGS: Endpoint = {
  ...CHAT,
  path: '/embeddings',
  models: [BODY_MODEL],
  capGroups: [],
  features: [],
};

/** POST /moderations. */
export const MODERATIONS: Endpoint = { ...EMBEDDINGS, path: '/moderations' };

/** POST /images/generations. */
export const IMAGE_GENERATIONS: Endpoint = {
  ...EMBEDDINGS,
  path: '/images/generations',
  capGroups: [COUNT],
  features: COUNT_FEATURES,
};

/** POST /images/edits, multipart. */
export const IMAGE_EDITS: Endpoint = {
  ...IMAGE_GENERATIONS,
  path: '/images/edits',
  body: 'multipart',
  models: [{ in: 'form', name: 'model' }],
};

/** POST /audio/speech: JSON in, audio out. */
export const SPEECH: Endpoint = { ...EMBEDDINGS, path: '/audio/speech' };

/** POST /audio/transcriptions, multipart. */
export const TRANSCRIPTIONS: Endpoint = {
  ...EMBEDDINGS,
  path: '/audio/transcriptions',
  body: 'multipart',
  models: [{ in: 'form', name: 'model' }],
};

/** POST /audio/translations, multipart. */
export const TRANSLATIONS: Endpoint = { ...TRANSCRIPTIONS, path: '/audio/translations' };

/** GET /models and GET /models/{model}: read only, no model is used. */
export const MODEL_LIST: readonly Endpoint[] = [
  { method: 'GET', path: '/models', kind: 'models', dialect: 'openai-chat', body: 'none', models: [] },
  {
    method: 'GET',
    path: '/models/{model}',
    kind: 'models',
    dialect: 'openai-chat',
    body: 'none',
    models: [],
  },
];

/** What a plain OpenAI-compatible API is taken to have: chat, text, embeddings, responses, the model list. */
export const OPENAI_BASICS: readonly Endpoint[] = [CHAT, COMPLETIONS, RESPONSES, EMBEDDINGS, ...MODEL_LIST];

/** POST /rerank, as Cohere and Jina have it: documents for a query. */
export const RERANK: Endpoint = { ...EMBEDDINGS, path: '/rerank', dialect: 'opaque' };

/** POST /fim/completions: text between a prefix and a suffix. */
export const FIM: Endpoint = { ...COMPLETIONS, path: '/fim/completions' };

/** POST /{org}/{model}: the model's name in two segments, which no place can name together, so that `models` refuses it. */
export const MODEL_IN_TWO_SEGMENTS: Endpoint = {
  ...RERANK,
  path: '/{org}/{model}',
  body: 'any',
  models: null,
};

/** All of OpenAI's own inference endpoints. */
export const OPENAI_ALL: readonly Endpoint[] = [
  ...OPENAI_BASICS,
  MODERATIONS,
  IMAGE_GENERATIONS,
  IMAGE_EDITS,
  SPEECH,
  TRANSCRIPTIONS,
  TRANSLATIONS,
];

/** POST /messages. */
export const MESSAGES: Endpoint = {
  method: 'POST',
  path: '/messages',
  kind: 'inference',
  dialect: 'anthropic-messages',
  body: 'json',
  models: [BODY_MODEL, TOOL_MODEL, { in: 'body', at: ['fallbacks', '*', 'model'] }],
  capGroups: [[['max_tokens']]],
  features: MESSAGES_FEATURES,
};

/** Anthropic's inference endpoints and model list. */
export const ANTHROPIC: readonly Endpoint[] = [
  MESSAGES,
  { ...MESSAGES, path: '/messages/count_tokens', capGroups: [] },
  {
    ...MESSAGES,
    path: '/complete',
    models: [BODY_MODEL],
    capGroups: [[['max_tokens_to_sample']]],
    features: [],
  },
  ...MODEL_LIST.map((row): Endpoint => ({ ...row, dialect: 'anthropic-messages' })),
];

const PATH_MODEL: ModelPlace = { in: 'path', segment: 'model' };

// Protobuf JSON takes a member under its camel and its snake name.
const GEMINI_PARENTS = ['generationConfig', 'generation_config'];

function geminiGroup(camel: string, snake: string): readonly (readonly string[])[] {
  return GEMINI_PARENTS.flatMap((parent) => [
    [parent, camel],
    [parent, snake],
  ]);
}

const GENERATE: Endpoint = {
  method: 'POST',
  path: '/models/{model}:generateContent',
  kind: 'inference',
  dialect: 'gemini',
  body: 'json',
  models: [PATH_MODEL, BODY_MODEL],
  modelPrefix: 'models/',
  capGroups: [
    geminiGroup('maxOutputTokens', 'max_output_tokens'),
    geminiGroup('candidateCount', 'candidate_count'),
  ],
  features: GEMINI_FEATURES,
};

/** Gemini's inference endpoints and model list. */
export const GEMINI: readonly Endpoint[] = [
  GENERATE,
  { ...GENERATE, path: '/models/{model}:streamGenerateContent' },
  {
    ...GENERATE,
    path: '/models/{model}:countTokens',
    models: [
      PATH_MODEL,
      BODY_MODEL,
      { in: 'body', at: ['generateContentRequest', 'model'] },
      { in: 'body', at: ['generate_content_request', 'model'] },
    ],
    capGroups: [],
  },
  { ...GENERATE, path: '/models/{model}:embedContent', capGroups: [], features: [] },
  {
    ...GENERATE,
    path: '/models/{model}:batchEmbedContents',
    models: [PATH_MODEL, { in: 'body', at: ['requests', '*', 'model'] }],
    capGroups: [],
    features: [],
  },
  {
    ...GENERATE,
    path: '/models/{model}:predict',
    capGroups: [[['parameters', 'sampleCount']]],
    features: [{ feature: 'n', at: ['parameters', 'sampleCount'], when: 'above-one' }],
  },
  { method: 'GET', path: '/models', kind: 'models', dialect: 'gemini', body: 'none', models: [] },
  { method: 'GET', path: '/models/{model}', kind: 'models', dialect: 'gemini', body: 'none', models: [] },
];

/** POST /chat as Ollama has it beside OpenAI's form: lines of JSON. */
export const OLLAMA_CHAT: Endpoint = {
  ...CHAT,
  path: '/chat',
  dialect: 'opaque',
  models: [BODY_MODEL],
  capGroups: [[['options', 'num_predict']]],
  features: [],
  stream: 'ndjson',
};

/** POST /generate: Ollama's completion of a text. */
export const OLLAMA_GENERATE: Endpoint = { ...OLLAMA_CHAT, path: '/generate' };

/** POST /embed. */
export const OLLAMA_EMBED: Endpoint = { ...RERANK, path: '/embed' };

/** The rows, each bound to every one of `roots` and to no other; with a credential header of its own if given. */
export function under(roots: readonly string[], rows: readonly Endpoint[], auth?: AuthScheme): Endpoint[] {
  return roots.flatMap((root) => rows.map((row) => ({ ...row, root, ...(auth ? { auth } : {}) })));
}

/** The rows as ones that no source of the entry shows. */
export function assumed(...rows: readonly Endpoint[]): readonly Endpoint[] {
  return rows.map((row) => ({ ...row, assumed: true }));
}

/** The row at another path. */
export function at(path: string, row: Endpoint): Endpoint {
  return { ...row, path };
}

// A gateway picks among several models by more than one member; a preset is a stored choice of the account.
const ROUTED_MODELS: readonly ModelPlace[] = [
  BODY_MODEL,
  { in: 'body', at: ['models', '*'] },
  { in: 'body', at: ['fallbacks', '*', 'model'] },
  { in: 'body', at: ['preset'] },
  { in: 'body', at: ['tools', '*', 'model'] },
  { in: 'body', at: ['tools', '*', 'parameters', 'model'] },
  { in: 'body', at: ['plugins', '*', 'model'] },
  { in: 'body', at: ['plugins', '*', 'models', '*'] },
  { in: 'body', at: ['plugins', '*', 'allowed_models', '*'] },
  { in: 'body', at: ['providerOptions', 'gateway', 'models', '*'] },
];
const ROUTED_FEATURES: readonly FeatureRule[] = [
  { feature: 'preset', at: ['preset'], when: 'present' },
  { feature: 'hosted_tools', at: ['plugins'], when: 'present' },
];

/** The row at a gateway that may answer by another model than the body's `model`: every member that can name one is a place. Forms are left as they are. */
export function routed(row: Endpoint): Endpoint {
  if (row.body !== 'json') return row;
  return { ...row, models: ROUTED_MODELS, features: [...(row.features ?? []), ...ROUTED_FEATURES] };
}
