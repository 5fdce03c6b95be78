/** Google Cloud. A service account's key is exchanged for an access token of an hour; the project is the token's to name, never the caller's. */
import { keyHeader } from '../define.ts';
import { assumed, CHAT, GEMINI, MESSAGES, under } from '../endpoints.ts';
import { defineOwn, exchanged, jsonRow, namedRow, segment } from '../own-rows.ts';
import type { AuthScheme, Endpoint, Provider } from '../provider.ts';

const PROJECT = '[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]{6,20}';
const REGION = '[a-z]{2,16}-[a-z]{2,16}-?[0-9]{1,2}';
const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform';

/** An access token that the backend fetched itself (workload identity): the relay only puts it in. */
const GIVEN_TOKEN: AuthScheme = {
  kind: 'header',
  name: 'authorization',
  template: 'Bearer {oauth_token}',
};

function account(...scopes: readonly string[]) {
  return {
    credentialFields: ['client_email', 'private_key'],
    auth: exchanged({ kind: 'google-service-account', scopes }),
    otherCredentials: [{ fields: ['oauth_token'], auth: GIVEN_TOKEN }],
    env: 'GOOGLE_APPLICATION_CREDENTIALS',
  };
}

const PATH_MODEL = segment('model');
const VERBS = /:(?:generateContent|streamGenerateContent|countTokens|predict)$/;

/** Gemini's rows as Vertex has them: below the publisher. */
const GOOGLE_ROWS: readonly Endpoint[] = GEMINI.filter(({ path }) => VERBS.test(path)).map((row) => ({
  ...row,
  path: `/publishers/google${row.path}`,
}));

/** Claude's messages: the model stands in the path, the version in the body. */
const CLAUDE: Endpoint = {
  ...MESSAGES,
  path: '/publishers/anthropic/models/{model}:rawPredict',
  models: [PATH_MODEL, ...(MESSAGES.models ?? [])],
};

const VERTEX_ROWS: readonly Endpoint[] = [
  ...GOOGLE_ROWS,
  CLAUDE,
  { ...CLAUDE, path: '/publishers/anthropic/models/{model}:streamRawPredict' },
  // no model of this name: the body says whose tokens are counted
  {
    ...MESSAGES,
    path: '/publishers/anthropic/models/count-tokens:rawPredict',
    capGroups: [],
  },
  { ...CHAT, path: '/endpoints/openapi/chat/completions' },
];

const VERTEX = {
  ...account(CLOUD_PLATFORM),
  passHeaders: ['anthropic-beta'],
  passQuery: ['alt'],
  needsIncludeUsage: true,
  homepage: 'https://cloud.google.com/vertex-ai',
  sources: [
    'Portkey-AI/gateway:src/providers/google-vertex-ai/api.ts',
    'vercel/ai:packages/google-vertex/src/google-vertex-provider-base.ts',
    'vercel/ai:packages/google-vertex/src/maas/google-vertex-maas-provider.ts',
    'BerriAI/litellm-docs:docs/providers/vertex.md',
  ],
};

/** Account-wide collections next to the models of a location. */
function besides(root: string): string[] {
  return [
    'endpoints',
    'models',
    'datasets',
    'tuningJobs',
    'batchPredictionJobs',
    'cachedContents',
    'customJobs',
    'reasoningEngines',
  ].map((name) => `ANY ${root}/${name}`);
}

function intents(path: string, verbs: readonly string[]): Endpoint[] {
  return verbs.map((verb) => namedRow(`${path}/sessions/{session}:${verb}`, []));
}

function dialogflowRoots(location: string): Pick<Provider, 'endpoints'> & { moreRoots: string[] } {
  const v2 = `/v2/projects/{project}${location === 'global' ? '' : `/locations/${location}`}`;
  const v3 = `/v3/projects/{project}/locations/${location}`;
  return {
    moreRoots: [v3],
    endpoints: [
      ...under([v2], intents('/agent', ['detectIntent'])),
      ...under(
        [v3],
        assumed(
          ...intents('/agents/{agent}', [
            'detectIntent',
            'serverStreamingDetectIntent',
            'matchIntent',
            'fulfillIntent',
          ]),
        ),
      ),
    ],
  };
}

const DIALOGFLOW = {
  ...account('https://www.googleapis.com/auth/dialogflow', CLOUD_PLATFORM),
  homepage: 'https://cloud.google.com/dialogflow',
  sources: [
    'https://cloud.google.com/ruby/docs/reference/google-cloud-dialogflow-v2/latest',
    'find_string:dialogflow.googleapis.com/v2/projects/',
  ],
};

const LANGUAGE_VERBS = [
  'analyzeSentiment',
  'analyzeEntities',
  'analyzeSyntax',
  'classifyText',
  'moderateText',
  'annotateText',
];

const REGIONAL = '/projects/{project}/locations/{location}';
const GLOBAL = '/projects/{project}/locations/global';

/** Google Cloud's entries. */
export const GOOGLE_CLOUD: readonly Provider[] = defineOwn([
  {
    ...VERTEX,
    id: 'google-vertex',
    name: 'Google Cloud Vertex AI (one region)',
    aliases: ['vertex', 'vertex-ai'],
    base: `https://{location}-aiplatform.googleapis.com/v1${REGIONAL}`,
    moreRoots: [`/v1beta1${REGIONAL}`],
    vars: { location: REGION, project: PROJECT },
    endpoints: under([`/v1${REGIONAL}`, `/v1beta1${REGIONAL}`], VERTEX_ROWS),
    adminPaths: besides(`/v1${REGIONAL}`),
    webSockets: [
      {
        url: 'wss://{location}-aiplatform.googleapis.com/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent',
        serverAuth: 'Authorization: Bearer {access_token}',
        browserAuth: null,
        verified: false,
      },
    ],
  },
  {
    ...VERTEX,
    id: 'google-vertex-global',
    name: 'Google Cloud Vertex AI (global)',
    aliases: ['vertex-global'],
    base: `https://aiplatform.googleapis.com/v1${GLOBAL}`,
    moreRoots: [`/v1beta1${GLOBAL}`],
    vars: { project: PROJECT },
    endpoints: under([`/v1${GLOBAL}`, `/v1beta1${GLOBAL}`], VERTEX_ROWS),
    adminPaths: besides(`/v1${GLOBAL}`),
  },
  {
    id: 'google-vertex-express',
    name: 'Google Cloud Vertex AI (express mode)',
    aliases: ['vertex-express'],
    base: 'https://aiplatform.googleapis.com/v1',
    moreRoots: ['/v1beta1'],
    auth: keyHeader('x-goog-api-key'),
    endpoints: under(
      ['/v1', '/v1beta1'],
      GOOGLE_ROWS.filter(({ path }) => /enerateContent$/.test(path)),
    ),
    passQuery: ['alt'],
    adminPaths: ['ANY /v1/projects/*'],
    homepage: VERTEX.homepage,
    env: 'GOOGLE_VERTEX_API_KEY',
    sources: VERTEX.sources,
  },
  {
    ...DIALOGFLOW,
    ...dialogflowRoots('global'),
    id: 'dialogflow',
    name: 'Google Dialogflow ES / CX (global)',
    base: 'https://dialogflow.googleapis.com/v2/projects/{project}',
    vars: { project: PROJECT },
    adminPaths: ['ANY /v2/projects/{project}/agent', 'ANY /v2/projects/{project}/agent/intents*'],
  },
  {
    ...DIALOGFLOW,
    ...dialogflowRoots('{location}'),
    id: 'dialogflow-regional',
    name: 'Google Dialogflow ES / CX (one region)',
    base: `https://{location}-dialogflow.googleapis.com/v2${REGIONAL}`,
    vars: { location: REGION, project: PROJECT },
    adminPaths: [`ANY /v2${REGIONAL}/agent`, `ANY /v2${REGIONAL}/agent/intents*`],
  },
  {
    ...account('https://www.googleapis.com/auth/cloud-language'),
    id: 'google-cloud-language',
    name: 'Google Cloud Natural Language',
    base: 'https://language.googleapis.com/v2',
    moreRoots: ['/v1'],
    otherCredentials: [{ fields: ['key'], auth: keyHeader('x-goog-api-key') }],
    endpoints: under(
      ['/v2', '/v1'],
      assumed(...LANGUAGE_VERBS.map((verb) => jsonRow(`/documents:${verb}`, []))),
    ),
    homepage: 'https://cloud.google.com/natural-language',
    enabled: false,
    sources: ['relayapi/RelayAPI:server/internal/utils/provider_urls.go'],
  },
]);
