/** OpenAI. */
import { defineProvider } from '../define.ts';
import { OPENAI_ALL } from '../endpoints.ts';

/** api.openai.com. `OpenAI-Organization` and `-Project` are never passed on (behaviour §5). */
export const openai = defineProvider({
  id: 'openai',
  name: 'OpenAI',
  base: 'https://api.openai.com/v1',
  endpoints: OPENAI_ALL,
  passHeaders: ['openai-beta'],
  requestIdHeader: 'x-request-id',
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/openai/api.ts',
    'vercel/ai:packages/openai/src/openai-provider.ts',
    'BerriAI/litellm-docs:docs/providers/openai.md',
  ],
});
