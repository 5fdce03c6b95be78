/** Alibaba's DashScope (Model Studio): two regions with keys of their own, three APIs at each. */
import { defineProvider } from '../define.ts';
import { BODY_MODEL, CHAT, EMBEDDINGS, MESSAGES, MODEL_LIST, RESPONSES, under } from '../endpoints.ts';
import { KEPT_IDS, keepingAlike } from '../kept-rows.ts';
import type { Endpoint, Provider } from '../provider.ts';

const COMPATIBLE = '/compatible-mode/v1';
const ANTHROPIC_LIKE = '/apps/anthropic/v1';
const NATIVE = '/api/v1';

const GENERATION: Endpoint = {
  method: 'POST',
  path: '/services/aigc/{task}/{function}',
  kind: 'inference',
  dialect: 'opaque',
  body: 'json',
  models: [BODY_MODEL],
  capGroups: [[['parameters', 'max_tokens']], [['parameters', 'n']]],
  features: [
    { feature: 'n', at: ['parameters', 'n'], when: 'above-one' },
    { feature: 'hosted_tools', at: ['parameters', 'enable_search'], when: 'true' },
  ],
};

function dashscope(id: string, name: string, host: string, aliases: readonly string[]): Provider {
  return defineProvider({
    id,
    name,
    aliases,
    base: `https://${host}${COMPATIBLE}`,
    moreRoots: [ANTHROPIC_LIKE, NATIVE],
    ids: KEPT_IDS,
    endpoints: [
      ...under([COMPATIBLE], [...keepingAlike([CHAT, EMBEDDINGS, RESPONSES]), ...MODEL_LIST]),
      ...under([ANTHROPIC_LIKE], [MESSAGES]),
      ...under([NATIVE], [GENERATION]),
    ],
    // Without the asynchronous mode: its jobs outlive the call and are read by an id that any token could name.
    passHeaders: ['x-dashscope-sse', 'anthropic-version', 'anthropic-beta'],
    passQuery: ['beta'],
    needsIncludeUsage: true,
    adminPaths: [
      'ANY /compatible-mode/v1/files*',
      'ANY /compatible-mode/v1/batches*',
      'ANY /api/v1/files*',
      'ANY /api/v1/uploads*',
      'ANY /api/v1/fine-tunes*',
      'ANY /api/v1/deployments*',
      'ANY /api/v1/tokens* (mints temporary keys)',
      'ANY /api/v1/datacenter/*',
      'ANY /api/v1/indices/*',
    ],
    webSockets: ['/api-ws/v1/realtime?model={model}', '/api-ws/v1/inference'].map((path) => ({
      url: `wss://${host}${path}`,
      serverAuth: 'Authorization: Bearer {key}',
      browserAuth: null,
      verified: true,
    })),
    env: 'DASHSCOPE_API_KEY',
    homepage: 'https://www.alibabacloud.com/product/modelstudio',
    asOf: '2026-11',
    sources: [
      'anomalyco/models.dev:providers/alibaba/provider.toml',
      'BerriAI/litellm-docs:docs/providers/dashscope.md',
      'https://help.aliyun.com/en/model-studio/embedding-interfaces-compatible-with-openai',
      'https://help.aliyun.com/en/model-studio/compatibility-with-openai-responses-api',
    ],
  });
}

/** dashscope-intl.aliyuncs.com. */
export const alibaba = dashscope(
  'alibaba',
  'Alibaba Model Studio (international)',
  'dashscope-intl.aliyuncs.com',
  [],
);

/** dashscope.aliyuncs.com. */
export const alibabaCn = dashscope('alibaba-cn', 'Alibaba DashScope (China)', 'dashscope.aliyuncs.com', [
  'dashscope',
]);
