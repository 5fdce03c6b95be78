/** Azure OpenAI. `vars.resource` names the customer's own host; "model" is a deployment's name. */
import { defineProvider, keyHeader } from '../define.ts';
import {
  BODY_MODEL,
  CHAT,
  EMBEDDINGS,
  IMAGE_EDITS,
  IMAGE_GENERATIONS,
  MODEL_LIST,
  RESPONSES,
  under,
} from '../endpoints.ts';
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
    ...under(['/openai/v1'], [CHAT, RESPONSES, EMBEDDINGS, IMAGE_GENERATIONS, IMAGE_EDITS, ...MODEL_LIST]),
    ...under(['/openai'], [DEPLOYED_CHAT]),
  ],
  auth: keyHeader('api-key'),
  passQuery: ['api-version'],
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/azure-openai/api.ts',
    'vercel/ai:packages/azure/src/azure-openai-provider.ts',
  ],
});
