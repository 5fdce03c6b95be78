/** Knowledge, language understanding, agents and documents: APIs that are neither a chat model nor media. */
import { assumed } from '../endpoints.ts';
import {
  anyRow,
  askRow,
  BINARY,
  defineOwn,
  formRow,
  JOB_IDS,
  jobId,
  jsonRow,
  member,
  namedRow,
  readRow,
  starts,
} from '../own-rows.ts';
import type { AuthScheme, Endpoint, IdKind, IdMade, IdTaken, Provider } from '../provider.ts';

const STATEFUL: Partial<Endpoint> = { tags: ['stateful'] };

/** Wolfram's key stands in the query and nowhere else. An app id belongs to one of its products. */
const APP_ID: AuthScheme = { kind: 'query', pairs: [{ name: 'appid', template: '{key}' }] };

const WOLFRAM = {
  auth: APP_ID,
  homepage: 'https://products.wolframalpha.com/api',
  env: 'WOLFRAM_ALPHA_APPID',
  sources: ['https://products.wolframalpha.com/api/', 'find_string:api.wolframalpha.com/v1/result'],
};

/** What a prediction may be made with; each names a resource of the account. */
const BIGML_MODELS = [
  'model',
  'ensemble',
  'deepnet',
  'logisticregression',
  'linearregression',
  'fusion',
  'optiml',
].map((name) => member(name));

const BIGML_ID: readonly IdMade[] = [{ kind: 'job', at: ['resource'], prefix: 'prediction/' }];

const BIGML_MAKERS: Readonly<Record<string, string>> = {
  centroid: 'cluster',
  anomalyscore: 'anomaly',
  association: 'dataset',
  forecast: 'timeseries',
  topicdistribution: 'topicmodel',
  projection: 'pca',
};

/** A chat is read by two ids, both in the query; a message's own id stands where a chat's does, and is sealed with it. */
const COZE_IDS: readonly IdKind[] = [{ kind: 'conversation' }, { kind: 'chat' }];
const COZE_MADE = [[], ['data'], ['data', '*']].flatMap((at): IdMade[] => [
  { kind: 'conversation', at: [...at, 'conversation_id'] },
  { kind: 'chat', at: [...at, 'chat_id'] },
  { kind: 'chat', at: [...at, 'id'] },
]);
const COZE_TAKEN: readonly IdTaken[] = [
  { kind: 'conversation', in: 'query', name: 'conversation_id' },
  { kind: 'chat', in: 'query', name: 'chat_id' },
];

/** Documents that are read by the id that their parsing was given. */
const DOC2X_ID = [jobId('data', 'uid')];

/** The entries. */
export const TOOLS: readonly Provider[] = defineOwn([
  {
    ...WOLFRAM,
    id: 'wolfram-alpha',
    name: 'Wolfram|Alpha',
    aliases: ['wolframalpha'],
    base: 'https://api.wolframalpha.com',
    // the conversation API is left out: it goes on at another host that its answer names
    endpoints: [
      askRow('/v2/query'),
      askRow('/v1/result'),
      ...assumed(askRow('/v1/spoken'), askRow('/v1/simple')),
    ],
    // without `async`, whose answers are links to other hosts, and without `ip`
    passQuery: [
      'input i format output units timeout layout background foreground fontsize width maxwidth plotwidth mag',
      'podindex podtitle includepodid excludepodid podstate scanner assumption reinterpret translation ignorecase',
      'scantimeout podtimeout formattimeout parsetimeout totaltimeout location latlong languagecode countrycode',
    ].flatMap((names) => names.split(' ')),
    // XML, the default, is not passed on
    defaultQuery: [['output', 'json']],
  },
  {
    ...WOLFRAM,
    id: 'wolfram-alpha-llm',
    name: 'Wolfram|Alpha (LLM API)',
    base: 'https://www.wolframalpha.com/api/v1',
    endpoints: [askRow('/llm-api')],
    passQuery: ['input', 'maxchars', 'assumption', 'units', 'location', 'timezone', 'languagecode'],
    sources: [
      'https://products.wolframalpha.com/api/',
      'Garoth/wolframalpha-llm-mcp:src/services/wolfram-llm.ts',
    ],
  },
  {
    id: 'wit-ai',
    name: 'Wit.ai (Meta)',
    aliases: ['wit'],
    base: 'https://api.wit.ai',
    // a server token may change the app: a client token is what belongs here
    endpoints: [
      askRow('/message'),
      ...assumed(askRow('/language')),
      anyRow('/speech', []),
      anyRow('/dictation', []),
      jsonRow('/synthesize', [], BINARY),
      namedRow('/event', []),
      namedRow('/converse', []),
    ],
    passQuery: ['v', 'q', 'n', 'context', 'session_id', 'context_map'],
    defaultQuery: [['v', '20250101']],
    adminPaths: [
      'ANY /apps*',
      'ANY /intents*',
      'ANY /entities*',
      'ANY /traits*',
      'ANY /utterances*',
      'PUT|DELETE /voices*',
      'GET /export',
      'POST /import',
    ],
    homepage: 'https://wit.ai',
    env: 'WIT_AI_TOKEN',
    sources: [
      'https://www.mintlify.com/Uberi/speech_recognition/api/recognize-wit',
      'find_string:api.wit.ai/message?v=',
    ],
  },
  {
    id: 'bigml',
    name: 'BigML',
    base: 'https://bigml.io/andromeda',
    credentialFields: ['username', 'key'],
    auth: {
      kind: 'query',
      pairs: [
        { name: 'username', template: '{username}' },
        { name: 'api_key', template: '{key}' },
      ],
      separator: ';',
    },
    endpoints: [
      jsonRow('/prediction', BIGML_MODELS, { ...STATEFUL, makes: BIGML_ID }),
      ...assumed(
        ...Object.entries(BIGML_MAKERS).map(([path, model]) =>
          jsonRow(`/${path}`, [member(model)], STATEFUL),
        ),
      ),
      readRow('/prediction/{job}', BIGML_ID),
    ],
    ids: JOB_IDS,
    adminPaths: [
      ...[
        'source dataset model ensemble deepnet logisticregression project script execution configuration',
        'organization batchprediction',
      ]
        .flatMap((names) => names.split(' '))
        .map((name) => `ANY /andromeda/${name}*`),
      'DELETE /andromeda/prediction/{id}',
      'PUT /andromeda/prediction/{id}',
    ],
    homepage: 'https://bigml.com',
    env: 'BIGML_API_KEY',
    sources: ['https://gist.github.com/rory-petersen', 'find_string:BIGML_AUTH="username='],
  },
  {
    id: 'voiceflow',
    name: 'Voiceflow Dialog Manager',
    base: 'https://general-runtime.voiceflow.com',
    auth: { kind: 'header', name: 'authorization', template: '{key}' },
    endpoints: [
      namedRow('/state/user/{user}/interact', []),
      ...assumed(namedRow('/v2/project/{project}/user/{user}/interact/stream', [], { stream: 'sse' })),
    ],
    adminPaths: ['GET|PUT|DELETE /state/user/{user}'],
    homepage: 'https://www.voiceflow.com',
    env: 'VOICEFLOW_API_KEY',
    sources: ['find_string:general-runtime.voiceflow.com'],
  },
  {
    id: 'coze',
    name: 'Coze',
    base: 'https://api.coze.com',
    endpoints: [
      jsonRow('/v3/chat', [member('bot_id')], {
        ...STATEFUL,
        stream: 'sse',
        makes: COZE_MADE,
        takes: COZE_TAKEN.slice(0, 1),
      }),
      ...assumed(jsonRow('/v1/workflow/run', [member('workflow_id')])),
      ...assumed(jsonRow('/v1/workflow/stream_run', [member('workflow_id')], { stream: 'sse' })),
      readRow('/v3/chat/retrieve', COZE_MADE, { takes: COZE_TAKEN }),
      readRow('/v3/chat/message/list', COZE_MADE, { takes: COZE_TAKEN }),
    ],
    ids: COZE_IDS,
    passQuery: ['conversation_id', 'chat_id'],
    adminPaths: [
      'ANY /v1/bot*',
      'ANY /v1/files*',
      'ANY /v1/workspaces*',
      'ANY /open_api/knowledge/*',
      'ANY /v1/datasets*',
      'POST /api/permission/oauth2/token',
    ],
    homepage: 'https://www.coze.com',
    env: 'COZE_API_KEY',
    sources: [
      'labring/aiproxy:core/relay/adaptor/coze/adaptor.go',
      'songquanpeng/one-api:relay/channeltype/url.go',
    ],
  },
  {
    id: 'dify',
    name: 'Dify',
    base: 'https://api.dify.ai/v1',
    // a key belongs to one app, which has its own model
    endpoints: [
      jsonRow('/chat-messages', [], { ...STATEFUL, stream: 'sse' }),
      jsonRow('/completion-messages', [], { stream: 'sse' }),
      jsonRow('/workflows/run', [], { stream: 'sse' }),
      ...assumed(formRow('/audio-to-text', [])),
      ...assumed(jsonRow('/text-to-audio', [], BINARY)),
    ],
    refusedKeys: [{ pattern: '^dataset-', reason: 'a key for data sets, which can change them' }],
    adminPaths: [
      'ANY /v1/datasets*',
      'ANY /v1/apps*',
      'ANY /v1/files/*',
      'GET|DELETE /v1/conversations*',
      'GET /v1/messages*',
    ],
    homepage: 'https://dify.ai',
    env: 'DIFY_API_KEY',
    sources: [
      'Calcium-Ion/new-api (Apache-2.0 snapshot):common/constants.go',
      'QuantumNous/new-api:constant/channel.go',
    ],
  },
  {
    id: 'doc2x',
    name: 'Doc2X',
    base: 'https://v2.doc2x.noedgeai.com/api/v2',
    endpoints: [
      anyRow('/parse/pdf', [], starts(...DOC2X_ID)),
      ...assumed(anyRow('/parse/img/layout', [])),
      readRow('/parse/status', DOC2X_ID, { takes: [{ kind: 'job', in: 'query', name: 'uid' }] }),
    ],
    ids: JOB_IDS,
    passQuery: ['uid'],
    homepage: 'https://doc2x.noedgeai.com',
    env: 'DOC2X_API_KEY',
    sources: ['labring/aiproxy:core/relay/adaptor/doc2x/adaptor.go'],
  },
  {
    id: 'faceplusplus',
    name: 'Face++',
    base: 'https://api-us.faceplusplus.com',
    credentialFields: ['api_key', 'api_secret'],
    // documented as form fields, which the relay does not fill in; that the query is taken too is said, not shown: off until tried
    auth: {
      kind: 'query',
      pairs: [
        { name: 'api_key', template: '{api_key}' },
        { name: 'api_secret', template: '{api_secret}' },
      ],
    },
    endpoints: [
      formRow('/facepp/v3/detect', []),
      formRow('/facepp/v3/compare', []),
      formRow('/facepp/v1/skinanalyze', []),
    ],
    adminPaths: ['ANY /facepp/v3/faceset/*', 'POST /facepp/v3/search'],
    status: 'unverified',
    enabled: false,
    homepage: 'https://www.faceplusplus.com',
    env: 'FACEPP_API_KEY',
    sources: ['find_string:api-us.faceplusplus.com/facepp/v3'],
  },
]);
