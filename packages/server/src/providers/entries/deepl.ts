/** DeepL. A key that ends in `:fx` belongs to the free plan and its host. */
import { defineProvider } from '../define.ts';
import type { Endpoint, FeatureRule } from '../provider.ts';

const GLOSSARY: FeatureRule = { feature: 'glossary_id', at: ['glossary_id'], when: 'present' };

const TRANSLATE: Endpoint = {
  method: 'POST',
  path: '/translate',
  kind: 'inference',
  dialect: 'deepl',
  body: 'any',
  models: [],
  capGroups: [],
  features: [GLOSSARY],
};

/** api.deepl.com and api-free.deepl.com. A document is read back with the secret that its upload answered with. */
export const deepl = defineProvider({
  id: 'deepl',
  name: 'DeepL',
  base: 'https://api.deepl.com/v2',
  originByKey: [{ pattern: ':fx$', origin: 'https://api-free.deepl.com' }],
  endpoints: [
    TRANSLATE,
    { ...TRANSLATE, path: '/write/rephrase', features: [] },
    { ...TRANSLATE, path: '/document', body: 'multipart' },
    { ...TRANSLATE, path: '/document/{id}', features: [] },
    { ...TRANSLATE, path: '/document/{id}/result', features: [] },
    { method: 'GET', path: '/languages', kind: 'models', dialect: 'deepl', body: 'none', models: [] },
  ],
  auth: { kind: 'header', name: 'authorization', template: 'DeepL-Auth-Key {key}' },
  passQuery: ['type'],
  adminPaths: [
    'ANY /v2/admin/*',
    'ANY /v2/glossaries*',
    'ANY /v3/glossaries*',
    'ANY /v3/style_rules*',
    'POST /v3/voice/realtime (mints tokens)',
  ],
  webSockets: [
    {
      url: 'wss://api.deepl.com/v3/voice/realtime/connect?token={token}',
      serverAuth: 'token from POST /v3/voice/realtime',
      browserAuth: 'same',
      verified: true,
    },
  ],
  env: 'DEEPL_API_KEY',
  homepage: 'https://developers.deepl.com',
  asOf: '2026-11',
  sources: [
    'https://developers.deepl.com/docs/getting-started/auth',
    'https://developers.deepl.com/api-reference/document',
  ],
});
