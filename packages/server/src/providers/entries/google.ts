/** Google AI (the Gemini API). Not Vertex, which has other hosts and credentials. */
import { BEARER, defineProvider, keyHeader } from '../define.ts';
import { CHAT, EMBEDDINGS, GEMINI, under } from '../endpoints.ts';
import { GOOGLE_FILES, GOOGLE_IDS, UPLOAD_HEADERS, UPLOAD_ROOTS, withFiles } from './google-files.ts';

/** generativelanguage.googleapis.com; OpenAI-compatible chat and embeddings under `/v1beta/openai` take the key as a bearer token. */
export const google = defineProvider({
  id: 'google',
  name: 'Google AI (Gemini API)',
  base: 'https://generativelanguage.googleapis.com/v1beta',
  moreRoots: ['/v1', '/v1beta/openai', ...UPLOAD_ROOTS],
  aliases: ['gemini', 'googleai'],
  ids: GOOGLE_IDS,
  endpoints: [
    ...under(['/v1beta', '/v1'], GEMINI.map(withFiles)),
    ...under(['/v1beta/openai'], [CHAT, EMBEDDINGS], BEARER),
    ...GOOGLE_FILES,
  ],
  passHeaders: UPLOAD_HEADERS,
  auth: keyHeader('x-goog-api-key'),
  passQuery: ['alt', 'pageSize', 'pageToken', 'upload_id', 'upload_protocol'],
  adminPaths: [
    'ANY /v1beta/files*',
    'ANY /upload/v1beta/*',
    'ANY /v1beta/cachedContents*',
    'ANY /v1beta/tunedModels*',
    'ANY /v1beta/corpora*',
    'ANY /v1beta/fileSearchStores*',
    'ANY /v1beta/batches*',
    'POST /v1beta/models/{model}:batchGenerateContent',
    'POST /v1beta/models/{model}:predictLongRunning (Veo: opt-in)',
    'ANY /v1beta/operations*',
    'ANY /v1beta/interactions* (stateful)',
    'ANY /v1beta/agents*',
    'POST /v1alpha/auth_tokens (mints keys)',
  ],
  webSockets: [
    {
      url: 'wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent',
      serverAuth: '?key={key} or x-goog-api-key header',
      browserAuth: '?access_token={ephemeral} on the v1alpha ...BidiGenerateContentConstrained service',
      verified: true,
    },
  ],
  env: 'GEMINI_API_KEY',
  homepage: 'https://ai.google.dev',
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/google/api.ts',
    'vercel/ai:packages/google/src/google-provider.ts',
    'BerriAI/litellm-docs:docs/providers/gemini.md',
    'https://developers.googleblog.com/gemini-is-now-accessible-from-the-openai-library',
  ],
});
