/** Google AI (the Gemini API). Not Vertex, which has other hosts and credentials. */
import { BEARER, defineProvider, keyHeader } from '../define.ts';
import { CHAT, EMBEDDINGS, GEMINI, under } from '../endpoints.ts';
import { GOOGLE_FILES, GOOGLE_IDS, UPLOAD_HEADERS, UPLOAD_ROOT, withFiles } from './google-files.ts';

/** generativelanguage.googleapis.com; OpenAI-compatible chat and embeddings under `/v1beta/openai` take the key as a bearer token. */
export const google = defineProvider({
  id: 'google',
  name: 'Google AI (Gemini API)',
  base: 'https://generativelanguage.googleapis.com/v1beta',
  moreRoots: ['/v1', '/v1beta/openai', UPLOAD_ROOT],
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
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/google/api.ts',
    'vercel/ai:packages/google/src/google-provider.ts',
    'BerriAI/litellm-docs:docs/providers/gemini.md',
    'https://developers.googleblog.com/gemini-is-now-accessible-from-the-openai-library',
  ],
});
