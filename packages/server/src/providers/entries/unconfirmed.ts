/** Providers whose API is closed, or was not found alive: off until config says `enabled`. */
import { defineCompatible } from '../define.ts';
import { assumed, CHAT, COMPLETIONS, EMBEDDINGS, TRANSCRIPTIONS } from '../endpoints.ts';
import type { Provider } from '../provider.ts';

/** Providers that have to be looked at before a key is sent there. */
export const UNCONFIRMED: readonly Provider[] = defineCompatible([
  {
    id: 'lambda',
    name: 'Lambda Inference',
    base: 'https://api.lambda.ai/v1',
    use: [CHAT, COMPLETIONS],
    status: 'unverified',
    enabled: false,
    env: 'LAMBDA_API_KEY',
    homepage: 'https://lambda.ai',
    sources: [
      'Portkey-AI/gateway:src/providers/lambda/api.ts',
      'BerriAI/litellm-docs:docs/providers/lambda_ai.md',
    ],
  },
  {
    id: 'kluster-ai',
    name: 'kluster.ai',
    base: 'https://api.kluster.ai/v1',
    use: [CHAT, EMBEDDINGS],
    status: 'unverified',
    enabled: false,
    env: 'KLUSTER_API_KEY',
    homepage: 'https://www.kluster.ai',
    sources: ['Portkey-AI/gateway:src/providers/kluster-ai/api.ts'],
  },
  {
    id: 'monsterapi',
    name: 'MonsterAPI',
    base: 'https://llm.monsterapi.ai/v1',
    use: [CHAT],
    status: 'unverified',
    enabled: false,
    env: 'MONSTERAPI_API_KEY',
    homepage: 'https://monsterapi.ai',
    sources: ['Portkey-AI/gateway:src/providers/monsterapi/api.ts'],
  },
  {
    id: 'galadriel',
    name: 'Galadriel',
    base: 'https://api.galadriel.com/v1',
    use: assumed(CHAT),
    status: 'unverified',
    enabled: false,
    env: 'GALADRIEL_API_KEY',
    homepage: 'https://galadriel.com',
    sources: ['BerriAI/litellm:litellm/constants.py'],
  },
  {
    id: 'anyscale',
    name: 'Anyscale Endpoints',
    base: 'https://api.endpoints.anyscale.com/v1',
    use: [CHAT, COMPLETIONS, EMBEDDINGS],
    status: 'sunset',
    enabled: false,
    env: 'ANYSCALE_API_KEY',
    homepage: 'https://www.anyscale.com',
    sources: ['Portkey-AI/gateway:src/providers/anyscale/api.ts', 'BerriAI/litellm:litellm/constants.py'],
  },
  {
    id: 'lepton',
    name: 'Lepton AI (now NVIDIA DGX Cloud Lepton)',
    base: 'https://{deployment}.lepton.run/api/v1',
    vars: { deployment: '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?' },
    use: [CHAT, TRANSCRIPTIONS, ...assumed(COMPLETIONS)],
    status: 'sunset',
    enabled: false,
    env: 'LEPTON_API_KEY',
    homepage: 'https://www.lepton.ai',
    sources: ['Portkey-AI/gateway:src/providers/lepton/api.ts'],
  },
]);
