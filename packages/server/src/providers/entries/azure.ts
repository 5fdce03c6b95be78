/** Azure OpenAI. `vars.resource` names the customer's own host; "model" is a deployment's name. */
import { defineProvider, keyHeader } from '../define.ts';
import {
  BODY_MODEL,
  CHAT,
  EMBEDDINGS,
  IMAGE_EDITS,
  IMAGE_GENERATIONS,
  MESSAGES,
  MODEL_LIST,
  RESPONSES,
  under,
} from '../endpoints.ts';
import { KEPT_ANSWERS, KEPT_BATCHES, KEPT_FILES, KEPT_IDS, keeping } from '../kept-rows.ts';
import type { Endpoint } from '../provider.ts';

const DEPLOYED_CHAT: Endpoint = {
  ...CHAT,
  path: '/deployments/{deployment}/chat/completions',
  models: [{ in: 'path', segment: 'deployment' }, BODY_MODEL],
};

/** `{resource}.openai.azure.com`: the v1 API, and chat in the older form with `api-version`. */
export const azure = defineProvider({
  id: 'azure',
  name: 'Azure OpenAI',
  base: 'https://{resource}.openai.azure.com/openai/v1',
  moreRoots: ['/openai'],
  vars: { resource: '[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?' },
  endpoints: [
    ...under(
      ['/openai/v1'],
      [
        ...keeping([CHAT, RESPONSES, EMBEDDINGS, IMAGE_GENERATIONS, IMAGE_EDITS]),
        ...MODEL_LIST,
        ...KEPT_ANSWERS,
        ...KEPT_FILES,
        ...KEPT_BATCHES,
      ],
    ),
    ...under(['/openai'], keeping([DEPLOYED_CHAT])),
  ],
  ids: KEPT_IDS,
  auth: keyHeader('api-key'),
  passQuery: ['api-version', 'after', 'limit', 'order', 'stream', 'starting_after', 'include_obfuscation'],
  needsIncludeUsage: true,
  adminPaths: [
    'ANY /openai/files*',
    'ANY /openai/v1/files*',
    'ANY /openai/{v1/}batches*',
    'ANY /openai/{v1/}fine_tuning/*',
    'ANY /openai/{v1/}assistants*',
    'ANY /openai/{v1/}threads*',
    'ANY /openai/{v1/}vector_stores*',
    'ANY /openai/deployments (PUT/DELETE)',
    'GET|DELETE /openai/{v1/}responses/{id}',
    'ANY /openai/{v1/}evals*',
  ],
  webSockets: [
    {
      url: 'wss://{resource}.openai.azure.com/openai/v1/realtime?model={deployment}',
      serverAuth: 'api-key header',
      browserAuth: '?api-key={key} query (or Entra Bearer)',
      verified: true,
    },
  ],
  env: 'AZURE_API_KEY',
  homepage: 'https://ai.azure.com',
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/azure-openai/api.ts',
    'vercel/ai:packages/azure/src/azure-openai-provider.ts',
  ],
});

/** `{resource}.services.ai.azure.com`: Anthropic's messages, and chat with other makers' models. */
export const azureFoundry = defineProvider({
  id: 'azure-ai-foundry',
  name: 'Azure AI Foundry',
  aliases: ['azure-anthropic'],
  base: 'https://{resource}.services.ai.azure.com/models',
  moreRoots: ['/anthropic/v1'],
  vars: { resource: '[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?' },
  endpoints: [...under(['/models'], [CHAT]), ...under(['/anthropic/v1'], [MESSAGES])],
  auth: keyHeader('api-key'),
  defaultHeaders: [['anthropic-version', '2023-06-01']],
  passHeaders: ['anthropic-version', 'anthropic-beta'],
  passQuery: ['api-version', 'beta'],
  needsIncludeUsage: true,
  env: 'AZURE_API_KEY',
  homepage: 'https://ai.azure.com',
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/azure-ai-inference/api.ts',
    'anomalyco/models.dev:providers/azure-cognitive-services/provider.toml',
  ],
});
