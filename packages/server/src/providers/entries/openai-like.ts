/** Providers that speak OpenAI's language at another host: mostly a base and a list of rows. */
import { defineProvider } from '../define.ts';
import {
  CHAT,
  COMPLETIONS,
  EMBEDDINGS,
  MESSAGES,
  MODEL_LIST,
  MODERATIONS,
  RESPONSES,
  routed,
  SPEECH,
  TRANSCRIPTIONS,
  TRANSLATIONS,
  under,
} from '../endpoints.ts';
import { KEPT_BATCHES, KEPT_FILES, KEPT_IDS, keeping } from '../kept-rows.ts';
import type { FeatureRule } from '../provider.ts';

const FILE_FIELD: FeatureRule = { feature: 'file_id', at: ['file_id'], when: 'present' };
const FILE_DOCUMENT: FeatureRule = { feature: 'file_id', at: ['document', 'file_id'], when: 'present' };

/** api.mistral.ai. Codestral keys belong to another host and are not covered. */
export const mistral = defineProvider({
  id: 'mistral',
  name: 'Mistral AI',
  base: 'https://api.mistral.ai/v1',
  ids: KEPT_IDS,
  endpoints: [
    ...keeping([CHAT]),
    { ...COMPLETIONS, path: '/fim/completions' },
    EMBEDDINGS,
    { ...TRANSCRIPTIONS, features: [FILE_FIELD] },
    { ...EMBEDDINGS, path: '/ocr', features: [FILE_DOCUMENT] },
    MODERATIONS,
    { ...MODERATIONS, path: '/chat/moderations' },
    { ...MODERATIONS, path: '/classifications' },
    ...MODEL_LIST,
    ...KEPT_FILES,
  ],
  adminPaths: [
    'ANY /v1/files*',
    'ANY /v1/fine_tuning/*',
    'ANY /v1/batch/*',
    'ANY /v1/agents* (CRUD)',
    'ANY /v1/conversations* (stateful)',
    'ANY /v1/libraries*',
    'DELETE|PATCH /v1/models/*',
    'ANY /v1/fine_tuning/models/*',
  ],
  env: 'MISTRAL_API_KEY',
  homepage: 'https://console.mistral.ai',
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
  needsIncludeUsage: true,
  adminPaths: ['GET /user/balance'],
  env: 'DEEPSEEK_API_KEY',
  homepage: 'https://platform.deepseek.com',
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
  endpoints: [
    ...keeping([CHAT, RESPONSES]),
    TRANSCRIPTIONS,
    TRANSLATIONS,
    SPEECH,
    ...MODEL_LIST,
    ...KEPT_FILES,
    ...KEPT_BATCHES,
  ],
  ids: KEPT_IDS,
  adminPaths: ['ANY /openai/v1/files*', 'ANY /openai/v1/batches*', 'ANY /openai/v1/fine_tunings*'],
  env: 'GROQ_API_KEY',
  homepage: 'https://console.groq.com',
  asOf: '2026-11',
  sources: ['Portkey-AI/gateway:src/providers/groq/api.ts', 'vercel/ai:packages/groq/src/groq-provider.ts'],
});

/** openrouter.ai. Its provisioning keys look like any other: they cannot be told here and must not be sealed. */
export const openrouter = defineProvider({
  id: 'openrouter',
  name: 'OpenRouter',
  base: 'https://openrouter.ai/api/v1',
  endpoints: [...[CHAT, RESPONSES, EMBEDDINGS, MESSAGES].map(routed), ...MODEL_LIST],
  passHeaders: ['anthropic-version', 'anthropic-beta'],
  passQuery: ['beta'],
  needsIncludeUsage: true,
  adminPaths: [
    'ANY /api/v1/keys*',
    'GET /api/v1/key',
    'GET /api/v1/auth/key',
    'GET /api/v1/credits',
    'POST /api/v1/credits/coinbase',
    'GET /api/v1/generation',
    'GET /api/v1/activity',
    'POST /api/v1/auth/keys*',
    'ANY /api/v1/guardrails*',
    'ANY /api/v1/presets*',
  ],
  env: 'OPENROUTER_API_KEY',
  homepage: 'https://openrouter.ai',
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/openrouter/api.ts',
    'https://openrouter.ai/docs/api-reference/responses-api/basic-usage',
    'https://openrouter.ai/docs/api_reference/embeddings',
    'https://openrouter.ai/docs/guides/routing',
  ],
});
