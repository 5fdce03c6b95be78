/** Clouds with credentials of their own kind: exchanged for a short-lived token, or signing each request. Amazon and Google have files of their own. */
import { assumed, CHAT, EMBEDDINGS, MODEL_LIST, under } from '../endpoints.ts';
import { defineOwn, exchanged, jsonRow, member, segment } from '../own-rows.ts';
import type { Endpoint, Provider } from '../provider.ts';

const MODEL_ID = [member('model_id')];
const SSE = { stream: 'sse' } as const;
const CHAT_CAP = { capGroups: [[['max_tokens'], ['max_completion_tokens']], [['n']]] };
const GENERATION_CAP = { capGroups: [[['parameters', 'max_new_tokens']]] };

/** watsonx streams by another path, not by a member of the body. */
function watsonxTexts(prefix: string, models: Endpoint['models']): Endpoint[] {
  return [
    jsonRow(`${prefix}/chat`, models, CHAT_CAP),
    jsonRow(`${prefix}/chat_stream`, models, { ...CHAT_CAP, ...SSE }),
    ...assumed(
      jsonRow(`${prefix}/generation`, models, GENERATION_CAP),
      jsonRow(`${prefix}/generation_stream`, models, { ...GENERATION_CAP, ...SSE }),
    ),
  ];
}

const OCI_MODELS = [member('servingMode', 'modelId'), member('servingMode', 'endpointId')];
const HUNYUAN = {
  credentialFields: ['secret_id', 'secret_key'],
  auth: { kind: 'signed', by: 'tencent-tc3', service: 'hunyuan', region: '' } as const,
  base: 'https://hunyuan.tencentcloudapi.com',
  status: 'legacy' as const,
  homepage: 'https://cloud.tencent.com',
  env: 'TENCENT_SECRET_ID',
  sources: [
    'songquanpeng/one-api:relay/adaptor/tencent/main.go',
    'Calcium-Ion/new-api (Apache-2.0 snapshot):relay/channel/tencent/relay-tencent.go',
  ],
};

const CLOVA_NATIVE = jsonRow('/chat-completions/{model}', [segment('model')], {
  capGroups: [[['maxTokens'], ['maxCompletionTokens']]],
  ...SSE,
});

/** The entries. */
export const CLOUDS: readonly Provider[] = defineOwn([
  {
    id: 'ibm-watsonx',
    name: 'IBM watsonx.ai',
    aliases: ['watsonx'],
    base: 'https://{region}.ml.cloud.ibm.com/ml/v1',
    vars: { region: '[a-z]{2}-[a-z]{2,9}(?:-[0-9])?' },
    auth: exchanged({
      kind: 'request',
      method: 'POST',
      url: 'https://iam.cloud.ibm.com/identity/token',
      form: [
        ['grant_type', 'urn:ibm:params:oauth:grant-type:apikey'],
        ['apikey', '{key}'],
      ],
      tokenAt: ['access_token'],
      life: { at: ['expires_in'], unit: 'seconds' },
    }),
    endpoints: [
      ...watsonxTexts('/text', MODEL_ID),
      ...assumed(...watsonxTexts('/deployments/{deployment}/text', [segment('deployment')])),
      ...assumed(jsonRow('/text/embeddings', MODEL_ID)),
      jsonRow('/text/rerank', MODEL_ID),
      ...assumed(jsonRow('/text/tokenization', MODEL_ID)),
    ],
    passQuery: ['version'],
    defaultQuery: [['version', '2024-05-31']],
    adminPaths: ['ANY /ml/v4/*', 'ANY /ml/v1/fine_tunings*', 'ANY /v2/*', 'ANY /ml/v1/prompts*'],
    homepage: 'https://www.ibm.com/watsonx',
    env: 'WATSONX_API_KEY',
    sources: [
      'BerriAI/litellm-docs:docs/providers/watsonx/index.md',
      'find_string:ml.cloud.ibm.com/ml/v1/text/chat',
    ],
  },
  {
    id: 'oci-genai',
    name: 'Oracle OCI Generative AI',
    aliases: ['oracle-genai'],
    base: 'https://inference.generativeai.{region}.oci.oraclecloud.com/20231130',
    vars: { region: '[a-z]{2}-[a-z]{3,12}-[0-9]' },
    credentialFields: ['tenancy', 'user', 'fingerprint', 'private_key'],
    auth: { kind: 'signed', by: 'oci', service: '', region: '' },
    // the compartment stands in the body; which ones the key may use is the account's policy
    endpoints: [
      jsonRow('/actions/chat', OCI_MODELS, { capGroups: [[['chatRequest', 'maxTokens']]], ...SSE }),
      ...assumed(jsonRow('/actions/embedText', OCI_MODELS)),
      ...assumed(jsonRow('/actions/rerankText', OCI_MODELS)),
      ...assumed(
        jsonRow('/actions/generateText', OCI_MODELS, {
          capGroups: [[['inferenceRequest', 'maxTokens']]],
          ...SSE,
        }),
      ),
    ],
    requestIdHeader: 'opc-request-id',
    homepage: 'https://www.oracle.com/artificial-intelligence/generative-ai',
    env: 'OCI_TENANCY',
    sources: ['Portkey-AI/gateway:src/providers/oracle/api.ts', 'BerriAI/litellm-docs:docs/providers/oci.md'],
  },
  {
    id: 'sap-ai-core',
    name: 'SAP AI Core (generative AI hub)',
    base: 'https://api.ai.prod.{region}.{cloud}.ml.hana.ondemand.com/v2',
    // `tenant` and `landscape` are the parts of the service key's `url`; the resource group is never the caller's to name
    vars: {
      region: '[a-z]{2,12}(?:-[a-z]{2,12})?(?:-?[0-9]{1,2})?',
      cloud: '[a-z]{2,8}',
      tenant: '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?',
      landscape: '[a-z]{2,4}[0-9]{0,2}(?:-[0-9]{3})?',
      group: '[A-Za-z0-9][A-Za-z0-9-]{0,252}',
    },
    credentialFields: ['clientid', 'clientsecret'],
    auth: exchanged({
      kind: 'request',
      method: 'POST',
      url: 'https://{tenant}.authentication.{landscape}.hana.ondemand.com/oauth/token',
      basic: { user: '{clientid}', password: '{clientsecret}' },
      form: [['grant_type', 'client_credentials']],
      tokenAt: ['access_token'],
      life: { at: ['expires_in'], unit: 'seconds' },
    }),
    setHeaders: [['ai-resource-group', '{group}']],
    endpoints: [
      ...assumed(
        // a deployment serves one model, whatever the body names
        {
          ...CHAT,
          path: '/inference/deployments/{deployment}/chat/completions',
          models: [segment('deployment')],
        },
        jsonRow('/inference/deployments/{deployment}/invoke', [segment('deployment')]),
        jsonRow('/inference/deployments/{deployment}/converse', [segment('deployment')]),
        jsonRow('/inference/deployments/{deployment}/models/{model}:generateContent', [
          segment('deployment'),
        ]),
        // orchestration chooses any model by its body's configuration
        jsonRow('/inference/deployments/{deployment}/completion', null),
      ),
    ],
    passQuery: ['api-version'],
    needsIncludeUsage: true,
    adminPaths: ['ANY /v2/lm/*', 'ANY /v2/admin/*'],
    homepage: 'https://help.sap.com/docs/sap-ai-core',
    env: 'AICORE_SERVICE_KEY',
    sources: [
      'BerriAI/litellm-docs:docs/providers/sap.md',
      'anomalyco/models.dev:providers/sap-ai-core/provider.toml',
    ],
  },
  {
    id: 'gigachat',
    name: 'GigaChat (Sber)',
    base: 'https://gigachat.devices.sberbank.ru/api/v1',
    // the certificate chain ends in a root that Node does not know: NODE_EXTRA_CA_CERTS has to name it
    vars: { scope: '[A-Z][A-Z_]{3,63}' },
    auth: exchanged({
      kind: 'request',
      method: 'POST',
      url: 'https://ngw.devices.sberbank.ru:9443/api/v2/oauth',
      headers: [
        ['authorization', 'Basic {key}'],
        ['rquid', '{request_id}'],
      ],
      form: [['scope', '{scope}']],
      tokenAt: ['access_token'],
      life: { at: ['expires_at'], unit: 'epoch-ms' },
    }),
    endpoints: [CHAT, ...assumed(EMBEDDINGS, jsonRow('/tokens/count', [member('model')]), ...MODEL_LIST)],
    adminPaths: ['ANY /api/v1/files*', 'GET /api/v1/balance', 'ANY /api/v1/batches*'],
    homepage: 'https://developers.sber.ru/gigachat',
    env: 'GIGACHAT_CREDENTIALS',
    sources: ['BerriAI/litellm-docs:docs/providers/gigachat.md', 'find_string:gigachat.devices.sberbank.ru'],
  },
  {
    id: 'yandex-cloud',
    name: 'Yandex Cloud Foundation Models',
    aliases: ['yandexgpt'],
    base: 'https://llm.api.cloud.yandex.net/v1',
    moreRoots: ['/foundationModels/v1'],
    auth: { kind: 'header', name: 'authorization', template: 'Api-Key {key}' },
    otherCredentials: [
      {
        fields: ['iam_token'],
        auth: { kind: 'header', name: 'authorization', template: 'Bearer {iam_token}' },
      },
    ],
    // a model's name holds the folder: gpt://{folder}/yandexgpt/latest
    endpoints: [
      ...under(['/v1'], [CHAT, ...assumed(EMBEDDINGS)]),
      ...under(
        ['/foundationModels/v1'],
        [
          jsonRow('/completion', [member('modelUri')], {
            capGroups: [[['completionOptions', 'maxTokens']]],
            stream: 'ndjson',
          }),
          ...assumed(jsonRow('/textEmbedding', [member('modelUri')])),
          ...assumed(jsonRow('/tokenize', [member('modelUri')])),
        ],
      ),
    ],
    passHeaders: ['x-data-logging-enabled'],
    adminPaths: ['ANY /foundationModels/v1/completionAsync'],
    homepage: 'https://yandex.cloud',
    env: 'YANDEX_API_KEY',
    sources: ['find_string:llm.api.cloud.yandex.net', 'gitleaks/gitleaks:config/gitleaks.toml'],
  },
  {
    id: 'naver-clova',
    name: 'NAVER CLOVA Studio (HyperCLOVA X)',
    aliases: ['clova-studio'],
    base: 'https://clovastudio.stream.ntruss.com/v1/openai',
    moreRoots: ['/v3', '/testapp/v1', '/testapp/v3'],
    endpoints: [
      ...under(['/v1/openai'], [CHAT, ...assumed(EMBEDDINGS)]),
      ...under(['/testapp/v1', '/testapp/v3'], [CLOVA_NATIVE]),
      ...under(['/v3'], assumed(CLOVA_NATIVE)),
    ],
    passHeaders: ['x-ncp-clovastudio-request-id'],
    homepage: 'https://clovastudio.ncloud.com',
    env: 'CLOVASTUDIO_API_KEY',
    sources: ['find_string:clovastudio.stream.ntruss.com'],
  },
  {
    id: 'baidu-wenxin-legacy',
    name: 'Baidu Wenxin Workshop (v1)',
    base: 'https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop',
    credentialFields: ['client_id', 'client_secret'],
    auth: exchanged(
      {
        kind: 'request',
        method: 'POST',
        url: 'https://aip.baidubce.com/oauth/2.0/token',
        query: [
          ['grant_type', 'client_credentials'],
          ['client_id', '{client_id}'],
          ['client_secret', '{client_secret}'],
        ],
        tokenAt: ['access_token'],
        life: { at: ['expires_in'], unit: 'seconds' },
      },
      { kind: 'query', pairs: [{ name: 'access_token', template: '{access_token}' }] },
    ),
    // the model's name is a path segment from a table of Baidu's (`completions_pro`); errors come with status 200
    endpoints: ['chat', 'embeddings', 'text2image', 'reranker'].map((api) =>
      jsonRow(`/${api}/{model}`, [segment('model')], {
        capGroups: api === 'chat' ? [[['max_output_tokens']]] : [],
      }),
    ),
    adminPaths: ['POST /oauth/2.0/token'],
    status: 'legacy',
    homepage: 'https://cloud.baidu.com',
    env: 'BAIDU_API_KEY',
    sources: [
      'songquanpeng/one-api:relay/adaptor/baidu/main.go',
      'labring/aiproxy:core/relay/adaptor/baidu/adaptor.go',
    ],
  },
  {
    ...HUNYUAN,
    id: 'tencent-hunyuan-legacy',
    name: 'Tencent Hunyuan (cloud API 3.0)',
    // the verb is a header: pinned, one entry each
    setHeaders: [
      ['x-tc-action', 'ChatCompletions'],
      ['x-tc-version', '2023-09-01'],
    ],
    endpoints: [jsonRow('/', [member('Model')], SSE)],
  },
  {
    ...HUNYUAN,
    id: 'tencent-hunyuan-legacy-embedding',
    name: 'Tencent Hunyuan (cloud API 3.0, embeddings)',
    setHeaders: [
      ['x-tc-action', 'GetEmbedding'],
      ['x-tc-version', '2023-09-01'],
    ],
    endpoints: [jsonRow('/', [])],
  },
]);
