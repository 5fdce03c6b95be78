/** OpenAI. */
import { defineProvider } from '../define.ts';
import { OPENAI_ALL } from '../endpoints.ts';
import {
  KEPT_ANSWERS,
  KEPT_BATCHES,
  KEPT_CONVERSATIONS,
  KEPT_FILES,
  KEPT_VIDEOS,
  keeping,
  OPENAI_IDS,
} from './openai-account.ts';

/** api.openai.com. `OpenAI-Organization` and `-Project` are never passed on (behaviour §5). */
export const openai = defineProvider({
  id: 'openai',
  name: 'OpenAI',
  base: 'https://api.openai.com/v1',
  ids: OPENAI_IDS,
  endpoints: [
    ...keeping(OPENAI_ALL),
    ...KEPT_ANSWERS,
    ...KEPT_FILES,
    ...KEPT_BATCHES,
    ...KEPT_CONVERSATIONS,
    ...KEPT_VIDEOS,
  ],
  passQuery: ['after', 'limit', 'order', 'stream', 'starting_after', 'include_obfuscation'],
  passHeaders: ['openai-beta'],
  requestIdHeader: 'x-request-id',
  needsIncludeUsage: true,
  adminPaths: [
    'ANY /v1/organization/*',
    'ANY /v1/organizations/*',
    'ANY /v1/projects/*',
    'ANY /v1/files*',
    'ANY /v1/uploads*',
    'ANY /v1/batches*',
    'ANY /v1/fine_tuning/*',
    'DELETE /v1/models/*',
    'ANY /v1/assistants*',
    'ANY /v1/threads*',
    'ANY /v1/vector_stores*',
    'ANY /v1/containers*',
    'ANY /v1/conversations*',
    'ANY /v1/skills*',
    'ANY /v1/evals*',
    'GET|DELETE /v1/responses/{id}*',
    'GET|POST|DELETE /v1/chat/completions/{id}*',
    'GET /v1/chat/completions',
    'ANY /v1/videos* (opt-in: costly and stateful)',
    'POST /v1/realtime/client_secrets (mints keys)',
    'ANY /v1/realtime/calls*',
    'ANY /v1/usage*',
    'ANY /v1/dashboard/*',
  ],
  webSockets: [
    {
      url: 'wss://api.openai.com/v1/realtime?model={model}',
      serverAuth: 'Authorization: Bearer {key}',
      browserAuth: 'Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{token}',
      verified: true,
    },
  ],
  env: 'OPENAI_API_KEY',
  homepage: 'https://platform.openai.com',
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/openai/api.ts',
    'vercel/ai:packages/openai/src/openai-provider.ts',
    'BerriAI/litellm-docs:docs/providers/openai.md',
  ],
});
