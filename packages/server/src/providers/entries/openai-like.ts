/** Providers that speak OpenAI's language at another host: mostly a base and a list of rows. */
import { defineProvider } from '../define.ts';
import {
  BODY_MODEL,
  CHAT,
  COMPLETIONS,
  EMBEDDINGS,
  MESSAGES,
  MODEL_LIST,
  MODERATIONS,
  RESPONSES,
  SPEECH,
  TRANSCRIPTIONS,
  TRANSLATIONS,
  under,
} from '../endpoints.ts';
import type { Endpoint, FeatureRule, ModelPlace } from '../provider.ts';

const FILE_FIELD: FeatureRule = { feature: 'file_id', at: ['file_id'], when: 'present' };
const FILE_DOCUMENT: FeatureRule = { feature: 'file_id', at: ['document', 'file_id'], when: 'present' };

/** api.mistral.ai. Codestral keys belong to another host and are not covered. */
export const mistral = defineProvider({
  id: 'mistral',
  name: 'Mistral AI',
  base: 'https://api.mistral.ai/v1',
  endpoints: [
    CHAT,
    { ...COMPLETIONS, path: '/fim/completions' },
    EMBEDDINGS,
    { ...TRANSCRIPTIONS, features: [FILE_FIELD] },
    { ...EMBEDDINGS, path: '/ocr', features: [FILE_DOCUMENT] },
    MODERATIONS,
    { ...MODERATIONS, path: '/chat/moderations' },
    { ...MODERATIONS, path: '/classifications' },
    ...MODEL_LIST,
  ],
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/mistral-ai/api.ts',
    'vercel/ai:packages/mistral/src/mistral-provider.ts',
    'https://docs.rs/crate/mistral-openapi-client',
  ],
});

/** api.deepseek.com: OpenAI's chat under `/v1` and `/beta`, Anthropic's messages under `/anthropic/v1`. */
export const deepseek = defineProvider({
  id: 'deepseek',
  name: 'DeepSeek',
  base: 'https://api.deepseek.com/v1',
  moreRoots: ['/beta', '/anthropic/v1'],
  endpoints: [
    ...under(['/v1'], [CHAT, ...MODEL_LIST]),
    ...under(['/beta'], [CHAT, COMPLETIONS]),
    ...under(['/anthropic/v1'], [MESSAGES]),
  ],
  passHeaders: ['anthropic-version', 'anthropic-beta'],
  passQuery: ['beta'],
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/deepseek/api.ts',
    'vercel/ai:packages/deepseek/src/deepseek-provider.ts',
    'https://apifox.com/apidoc/docs-site/5435161',
  ],
});

/** api.groq.com. */
export const groq = defineProvider({
  id: 'groq',
  name: 'Groq',
  base: 'https://api.groq.com/openai/v1',
  endpoints: [CHAT, RESPONSES, TRANSCRIPTIONS, TRANSLATIONS, SPEECH, ...MODEL_LIST],
  asOf: '2026-11',
  sources: ['Portkey-AI/gateway:src/providers/groq/api.ts', 'vercel/ai:packages/groq/src/groq-provider.ts'],
});

// OpenRouter picks among several models by more than one member; a preset is a stored choice of the account.
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
];
const ROUTED_FEATURES: readonly FeatureRule[] = [
  { feature: 'preset', at: ['preset'], when: 'present' },
  { feature: 'hosted_tools', at: ['plugins'], when: 'present' },
];

function routed(row: Endpoint): Endpoint {
  return { ...row, models: ROUTED_MODELS, features: [...(row.features ?? []), ...ROUTED_FEATURES] };
}

/** openrouter.ai. Its provisioning keys look like any other: they cannot be told here and must not be sealed. */
export const openrouter = defineProvider({
  id: 'openrouter',
  name: 'OpenRouter',
  base: 'https://openrouter.ai/api/v1',
  endpoints: [...[CHAT, RESPONSES, EMBEDDINGS, MESSAGES].map(routed), ...MODEL_LIST],
  passHeaders: ['anthropic-version', 'anthropic-beta'],
  passQuery: ['beta'],
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/openrouter/api.ts',
    'https://openrouter.ai/docs/api-reference/responses-api/basic-usage',
    'https://openrouter.ai/docs/api_reference/embeddings',
    'https://openrouter.ai/docs/guides/routing',
  ],
});
