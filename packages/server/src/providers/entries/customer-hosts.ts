/** APIs that stand at a host, or under a path, of the customer's own: variables name it, which the token or the vault holds. */
import { defineCompatible } from '../define.ts';
import {
  assumed,
  at,
  CHAT,
  COMPLETIONS,
  EMBEDDINGS,
  IMAGE_GENERATIONS,
  MESSAGES,
  RESPONSES,
  routed,
} from '../endpoints.ts';
import type { Endpoint, Provider } from '../provider.ts';

const SNOWFLAKE_COMPLETE: Endpoint = { ...CHAT, path: '/inference:complete', dialect: 'opaque' };
const SNOWFLAKE_EMBED: Endpoint = { ...EMBEDDINGS, path: '/inference:embed', dialect: 'opaque' };
// `@cf/meta/llama-3.1-8b-instruct`: three segments, which no place can name together.
const WORKERS_AI_RUN: Endpoint = {
  ...EMBEDDINGS,
  path: '/run/{namespace}/{maker}/{model}',
  dialect: 'opaque',
  body: 'any',
  models: null,
};
const DATAROBOT_DEPLOYMENT: Endpoint = {
  ...CHAT,
  path: '/{deployment}/chat/completions',
  models: [{ in: 'path', segment: 'deployment' }],
};

// What a variable may be. One label of a host name, so that nothing leaves the domain behind it.
const HOST_LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const CLOUDFLARE_ACCOUNT = '[0-9a-f]{32}';
// The three clouds' forms. Only here a variable is a whole host, and its domain is part of the pattern.
const DATABRICKS_HOST =
  'adb-[0-9]{5,20}\\.[0-9]{1,2}\\.azuredatabricks\\.net|[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.cloud\\.databricks\\.com|[0-9]{5,20}\\.[0-9]{1,2}\\.gcp\\.databricks\\.com';

/** APIs that stand at a host, or under a path, of the customer's own: variables name it, which the token or the vault holds. */
export const CUSTOMER_HOSTS: readonly Provider[] = defineCompatible([
  {
    id: 'databricks',
    name: 'Databricks Model Serving',
    base: 'https://{workspace_host}/serving-endpoints',
    vars: { workspace_host: DATABRICKS_HOST },
    use: [CHAT, EMBEDDINGS],
    also: { '/ai-gateway/mlflow/v1': [CHAT], '/serving-endpoints/anthropic/v1': assumed(MESSAGES) },
    list: false,
    adminPaths: ['ANY /api/* (whole workspace: jobs, SQL, clusters, secrets, tokens)'],
    env: 'DATABRICKS_TOKEN',
    homepage: 'https://www.databricks.com',
    sources: [
      'anomalyco/models.dev:providers/databricks/provider.toml',
      'BerriAI/litellm-docs:docs/providers/databricks.md',
      'https://learn.microsoft.com/azure/databricks/machine-learning/model-serving/query-embedding-models',
    ],
  },
  {
    id: 'snowflake-cortex',
    name: 'Snowflake Cortex',
    aliases: ['snowflake'],
    base: 'https://{account}.snowflakecomputing.com/api/v2/cortex/v1',
    vars: { account: HOST_LABEL },
    use: [CHAT, MESSAGES],
    also: { '/api/v2/cortex': [SNOWFLAKE_COMPLETE, SNOWFLAKE_EMBED] },
    setHeaders: [['x-snowflake-authorization-token-type', 'PROGRAMMATIC_ACCESS_TOKEN']],
    list: false,
    adminPaths: [
      'ANY /api/v2/statements* (SQL!)',
      'ANY /api/v2/databases*',
      'ANY /api/v2/users*',
      'ANY /api/v2/cortex/analyst/*',
      'ANY /api/v2/cortex/agent:run',
    ],
    env: 'SNOWFLAKE_CORTEX_PAT',
    homepage: 'https://www.snowflake.com/cortex',
    sources: [
      'anomalyco/models.dev:providers/snowflake-cortex/provider.toml',
      'Portkey-AI/gateway:src/providers/cortex/api.ts',
      'https://docs.snowflake.com/en/en/user-guide/snowflake-cortex/cortex-rest-api',
      'https://docs.snowflake.com/user-guide/snowflake-cortex/cortex-agent-sdk/authentication',
    ],
  },
  {
    id: 'cloudflare-workers-ai',
    name: 'Cloudflare Workers AI',
    aliases: ['workers-ai'],
    base: 'https://api.cloudflare.com/client/v4/accounts/{account_id}/ai/v1',
    vars: { account_id: CLOUDFLARE_ACCOUNT },
    use: [CHAT, EMBEDDINGS, RESPONSES],
    also: { '/client/v4/accounts/{account_id}/ai': [WORKERS_AI_RUN] },
    list: false,
    adminPaths: [
      'ANY /client/v4/* outside /accounts/{account_id}/ai/ (DNS, Workers, tokens, billing)',
      'ANY /client/v4/accounts/{account_id}/ai/finetunes*',
      'ANY /client/v4/accounts/{account_id}/ai-gateway/*',
      'ANY /client/v4/accounts/{account_id}/tokens*',
    ],
    env: 'CLOUDFLARE_API_KEY',
    homepage: 'https://developers.cloudflare.com/workers-ai',
    sources: [
      'anomalyco/models.dev:providers/cloudflare-workers-ai/provider.toml',
      'Portkey-AI/gateway:src/providers/workers-ai/api.ts',
      'https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility',
    ],
  },
  // Takes the gateway's own key; the providers' keys have to be stored in the gateway, since one request carries one credential here.
  {
    id: 'cloudflare-ai-gateway',
    name: 'Cloudflare AI Gateway',
    base: 'https://gateway.ai.cloudflare.com/v1/{account_id}/{gateway_id}/compat',
    vars: { account_id: CLOUDFLARE_ACCOUNT, gateway_id: '[A-Za-z0-9_-]{1,64}' },
    use: [routed(CHAT)],
    list: false,
    auth: { kind: 'header', name: 'cf-aig-authorization', template: 'Bearer {key}' },
    adminPaths: [],
    env: 'CLOUDFLARE_API_TOKEN',
    homepage: 'https://developers.cloudflare.com/ai-gateway',
    sources: [
      'labring/aiproxy:core/relay/adaptor/cloudflare/adaptor.go',
      'songquanpeng/one-api:relay/adaptor/cloudflare/adaptor.go',
    ],
  },
  {
    id: 'predibase',
    name: 'Predibase',
    base: 'https://serving.app.predibase.com/{tenant}/deployments/v2/llms/{deployment}/v1',
    vars: { tenant: '[A-Za-z0-9_-]{1,64}', deployment: '[A-Za-z0-9_-]{1,128}' },
    use: [CHAT, ...assumed(COMPLETIONS)],
    list: false,
    env: 'PREDIBASE_API_KEY',
    homepage: 'https://predibase.com',
    sources: ['Portkey-AI/gateway:src/providers/predibase/api.ts'],
  },
  {
    id: 'heroku',
    name: 'Heroku Managed Inference',
    base: 'https://{region}.inference.heroku.com/v1',
    vars: { region: 'us|eu' },
    use: [CHAT, ...assumed(EMBEDDINGS, IMAGE_GENERATIONS)],
    env: 'INFERENCE_KEY',
    homepage: 'https://www.heroku.com/ai',
    sources: ['BerriAI/litellm-docs:docs/providers/heroku.md'],
  },
  // The slash at the end of the gateway's path has to be there: without it the answer is a redirect.
  {
    id: 'datarobot',
    name: 'DataRobot (LLM gateway + deployments)',
    base: 'https://app.datarobot.com/api/v2/genai/llmgw',
    use: [at('/chat/completions/', CHAT)],
    also: { '/api/v2/deployments': [DATAROBOT_DEPLOYMENT] },
    list: false,
    adminPaths: ['ANY /api/v2/* (projects, models, users, credentials)'],
    env: 'DATAROBOT_API_TOKEN',
    homepage: 'https://www.datarobot.com',
    sources: [
      'BerriAI/litellm-docs:docs/providers/datarobot.md',
      'BerriAI/litellm:litellm/llms/datarobot/chat/transformation.py',
    ],
  },
]);
