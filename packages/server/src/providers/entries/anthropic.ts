/** Anthropic. */
import { BEARER, defineProvider, keyHeader } from '../define.ts';
import { ANTHROPIC, CHAT } from '../endpoints.ts';
import { ANTHROPIC_IDS, ANTHROPIC_KEPT, withFiles } from './anthropic-account.ts';

/** api.anthropic.com. Its OpenAI-compatible path takes the key as a bearer token. */
export const anthropic = defineProvider({
  id: 'anthropic',
  name: 'Anthropic',
  base: 'https://api.anthropic.com/v1',
  ids: ANTHROPIC_IDS,
  endpoints: [...withFiles(ANTHROPIC), { ...CHAT, auth: BEARER }, ...ANTHROPIC_KEPT],
  auth: keyHeader('x-api-key'),
  defaultHeaders: [['anthropic-version', '2023-06-01']],
  passHeaders: ['anthropic-version', 'anthropic-beta'],
  passQuery: ['beta', 'limit', 'after_id', 'before_id'],
  requestIdHeader: 'request-id',
  adminPaths: [
    'ANY /v1/organizations/*',
    'ANY /v1/messages/batches*',
    'ANY /v1/files*',
    'ANY /v1/skills*',
    'ANY /v1/agents*',
    'ANY /v1/sessions*',
    'ANY /v1/environments*',
  ],
  env: 'ANTHROPIC_API_KEY',
  homepage: 'https://console.anthropic.com',
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/anthropic/api.ts',
    'vercel/ai:packages/anthropic/src/anthropic-provider.ts',
    'BerriAI/litellm-docs:docs/providers/anthropic.md',
  ],
});
