/** OpenAI. */
import { defineProvider } from '../define.ts';
import { CHAT, OPENAI_ALL, RESPONSES } from '../endpoints.ts';
import { OPENAI_ACCOUNT, OPENAI_IDS, withFiles, withResponses } from './openai-account.ts';

/** api.openai.com. `OpenAI-Organization` and `-Project` are never passed on (behaviour §5). */
export const openai = defineProvider({
  id: 'openai',
  name: 'OpenAI',
  base: 'https://api.openai.com/v1',
  ids: OPENAI_IDS,
  endpoints: [
    ...OPENAI_ALL.map((row) => {
      if (row === RESPONSES) return withResponses(row);
      return row === CHAT ? withFiles(row) : row;
    }),
    ...OPENAI_ACCOUNT,
  ],
  passQuery: ['after', 'limit', 'order', 'stream', 'starting_after', 'include_obfuscation'],
  passHeaders: ['openai-beta'],
  requestIdHeader: 'x-request-id',
  refusedKeys: [{ pattern: '^sk-admin-', reason: 'an organisation admin key' }],
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/openai/api.ts',
    'vercel/ai:packages/openai/src/openai-provider.ts',
    'BerriAI/litellm-docs:docs/providers/openai.md',
  ],
});
