/**
 * Providers whose work is a job: made by one call, asked for by others, often on another of the provider's hosts. The ids are sealed (0033),
 * so that whoever began a job, and nobody else behind the same key, can follow it through the relay.
 */
import { defineProvider, keyHeader } from '../define.ts';
import { CHAT } from '../endpoints.ts';
import type { Endpoint, IdMade, IdTaken, ModelPlace, MoreOrigin, Provider, UrlMade } from '../provider.ts';

/** A job's creation: JSON in, its id and URLs out. What a model's own input may ask for nobody can say for all of them, so no features are listed. */
const CREATE: Omit<Endpoint, 'path' | 'models'> = {
  method: 'POST',
  kind: 'inference',
  dialect: 'opaque',
  body: 'json',
  capGroups: [],
  tags: ['costly', 'stateful'],
};

/** A look at a job. */
const READ: Omit<Endpoint, 'path'> = {
  method: 'GET',
  kind: 'job',
  dialect: 'opaque',
  body: 'none',
  models: [],
};

const inPath = (kind: string): IdTaken => ({ kind, in: 'path', segment: kind });

/** `owner/name` in the path. */
const NAMED: ModelPlace = { in: 'path', segment: 'owner', more: ['name'] };
const PREDICTION_ID: readonly IdMade[] = [{ kind: 'prediction', at: ['id'] }];
const PREDICTION_URLS: readonly UrlMade[] = [
  { at: ['urls', 'get'] },
  { at: ['urls', 'cancel'] },
  { at: ['urls', 'stream'] },
];
const NEW_PREDICTION = { ...CREATE, root: '/v1', makes: PREDICTION_ID, urls: PREDICTION_URLS };
const OWN_PREDICTION = {
  ...READ,
  root: '/v1',
  takes: [inPath('prediction')],
  makes: PREDICTION_ID,
  urls: PREDICTION_URLS,
};

/** The address of a stream is its credential: clients send none there. Files come from one host, text from where the prediction runs. */
const STREAM: Endpoint = {
  ...READ,
  path: '/streams/{stream}',
  takes: [inPath('stream')],
  auth: { kind: 'none' },
  stream: 'sse',
};
const TEXT_STREAMS = ['ric1', 'rno2'].map(
  (alias): MoreOrigin => ({
    alias,
    origin: `https://stream-b.svc.${alias}.c.replicate.net`,
    roots: ['/v1'],
  }),
);

/** replicate.com: predictions, their cancelling and their event streams. Lists, files, trainings and deployments stay closed. */
const replicate = defineProvider({
  id: 'replicate',
  name: 'Replicate',
  base: 'https://api.replicate.com/v1',
  moreOrigins: [{ alias: 'stream', origin: 'https://stream.replicate.com', roots: ['/v1'] }, ...TEXT_STREAMS],
  ids: [{ kind: 'prediction' }, { kind: 'stream' }],
  endpoints: [
    { ...NEW_PREDICTION, path: '/predictions', models: [{ in: 'body', at: ['version'] }] },
    { ...NEW_PREDICTION, path: '/models/{owner}/{name}/predictions', models: [NAMED] },
    { ...NEW_PREDICTION, path: '/deployments/{owner}/{name}/predictions', models: [NAMED] },
    { ...OWN_PREDICTION, path: '/predictions/{prediction}' },
    { ...OWN_PREDICTION, method: 'POST', path: '/predictions/{prediction}/cancel' },
    { ...STREAM, root: '/~stream/v1', path: '/files/{stream}' },
    ...TEXT_STREAMS.map(({ alias }): Endpoint => ({ ...STREAM, root: `/~${alias}/v1` })),
    { ...READ, kind: 'models', root: '/v1', path: '/models/{owner}/{name}' },
  ],
  passHeaders: ['prefer', 'cancel-after'],
  adminPaths: [
    'GET /v1/predictions',
    'ANY /v1/account',
    'ANY /v1/trainings*',
    'POST /v1/models',
    'DELETE /v1/models/*',
    'ANY /v1/deployments',
    'ANY /v1/files*',
    'ANY /v1/webhooks/*',
  ],
  env: 'REPLICATE_API_TOKEN',
  homepage: 'https://replicate.com',
  asOf: '2026-11',
  sources: [
    'Portkey-AI/gateway:src/providers/replicate/api.ts',
    'vercel/ai:packages/replicate/src/replicate-provider.ts',
    'songquanpeng/one-api:relay/adaptor/replicate/adaptor.go',
    'BerriAI/litellm-docs:docs/providers/replicate.md',
  ],
});

/** An app is named by two to four segments; none of them is where the queue keeps its requests, in any letters, and the first is no version or account path. */
const APP_SEGMENT = `(?!${anyCase('requests')}$)[A-Za-z0-9][A-Za-z0-9._-]*`;
const NO_OWNER = ['v\\d[A-Za-z0-9]*', 'api', 'user', 'tokens', 'storage'].map(anyCase).join('|');
const APP_OWNER = `(?!(?:${NO_OWNER})$)${APP_SEGMENT}`;
const APP_PATHS = ['/{owner}/{app}', '/{owner}/{app}/{part}', '/{owner}/{app}/{part}/{more}'];
const APP_SEGMENTS = { owner: APP_OWNER, app: APP_SEGMENT, part: APP_SEGMENT, more: APP_SEGMENT };
const APP: ModelPlace = { in: 'path', segment: 'owner', more: ['app', 'part', 'more'] };
const REQUEST_ID: readonly IdMade[] = [
  { kind: 'request', at: ['request_id'] },
  { kind: 'request', at: ['gateway_request_id'] },
];
const REQUEST_URLS: readonly UrlMade[] = [
  { at: ['status_url'] },
  { at: ['response_url'] },
  { at: ['cancel_url'] },
];

/** Each letter small or capital; what stands in brackets or behind a backslash as it is. */
function anyCase(pattern: string): string {
  return pattern.replace(/\\.|\[[^\]]*\]|[a-z]/g, (part) =>
    part.length > 1 ? part : `[${part}${part.toUpperCase()}]`,
  );
}

/** What the queue says of a request, for an app that stands under `app`. */
function queueRows(app: string): readonly Endpoint[] {
  const own = { ...READ, root: '/~queue', segments: APP_SEGMENTS, takes: [inPath('request')] };
  const status = { ...own, makes: REQUEST_ID, urls: REQUEST_URLS };
  const at = `${app}/requests/{request}`;
  return [
    { ...own, path: at },
    { ...status, path: `${at}/status` },
    { ...status, path: `${at}/status/stream`, stream: 'sse' },
    { ...own, method: 'PUT', path: `${at}/cancel` },
  ];
}

/** fal.ai: apps at once on fal.run, and over the queue. Storage, keys and tokens (rest.alpha.fal.ai) are no origin here. */
const fal = defineProvider({
  id: 'fal',
  name: 'fal.ai',
  base: 'https://fal.run',
  moreOrigins: [{ alias: 'queue', origin: 'https://queue.fal.run', roots: [''] }],
  ids: [{ kind: 'request' }],
  endpoints: [
    ...APP_PATHS.map(
      (path): Endpoint => ({ ...CREATE, root: '', path, segments: APP_SEGMENTS, models: [APP] }),
    ),
    ...APP_PATHS.map(
      (path): Endpoint => ({
        ...CREATE,
        root: '/~queue',
        path,
        segments: APP_SEGMENTS,
        models: [APP],
        makes: REQUEST_ID,
        urls: REQUEST_URLS,
      }),
    ),
    ...queueRows('/{owner}/{app}'),
    ...queueRows('/{part}/{owner}/{app}'),
  ],
  auth: { kind: 'header', name: 'authorization', template: 'Key {key}' },
  passHeaders: ['x-fal-queue-priority', 'x-fal-request-timeout'],
  passQuery: ['logs', 'fal_webhook'],
  webSockets: [
    {
      url: 'wss://fal.run/{app}/realtime',
      serverAuth: '?fal_jwt_token=',
      browserAuth: '?fal_jwt_token={jwt}',
      verified: true,
    },
  ],
  env: 'FAL_KEY',
  homepage: 'https://fal.ai',
  asOf: '2026-11',
  sources: [
    'vercel/ai:packages/fal/src/fal-provider.ts',
    'vercel/ai:packages/fal/src/fal-speech-model.ts',
    'https://docs.fal.ai/model-endpoints/queue',
  ],
});

const TASK_ID: readonly IdMade[] = [{ kind: 'task', at: ['id'] }];
/** A task is asked for where it runs, whichever of these the answer names. */
const BFL_REGIONS = ['eu', 'us', 'ice', 'eu1', 'eu2', 'eu3', 'eu4', 'us1', 'us2', 'us3', 'us4'];
const bflOrigins = BFL_REGIONS.map(
  (alias): MoreOrigin => ({ alias, origin: `https://api.${alias}.bfl.ai`, roots: ['/v1'] }),
);

/** api.bfl.ai: FLUX models by name, fine-tuned ones left out (the tunings are the account's). */
const blackForestLabs = defineProvider({
  id: 'black-forest-labs',
  aliases: ['bfl'],
  name: 'Black Forest Labs (FLUX)',
  base: 'https://api.bfl.ai/v1',
  moreOrigins: bflOrigins,
  ids: [{ kind: 'task' }],
  endpoints: [
    {
      ...CREATE,
      root: '/v1',
      path: '/{model}',
      segments: { model: 'flux-(?!.*finetuned)[a-z0-9.-]+' },
      models: [{ in: 'path', segment: 'model' }],
      makes: TASK_ID,
      urls: [{ at: ['polling_url'] }],
    },
    ...['/v1', ...bflOrigins.map(({ alias }) => `/~${alias}/v1`)].map(
      (root): Endpoint => ({
        ...READ,
        root,
        path: '/get_result',
        takes: [{ kind: 'task', in: 'query', name: 'id' }],
        makes: TASK_ID,
      }),
    ),
  ],
  auth: keyHeader('x-key'),
  passQuery: ['id'],
  adminPaths: ['ANY /v1/finetune*', 'GET /v1/my_finetunes', 'GET /v1/credits'],
  env: 'BFL_API_KEY',
  homepage: 'https://bfl.ai',
  asOf: '2026-11',
  sources: [
    'vercel/ai:packages/black-forest-labs/src/black-forest-labs-provider.ts',
    'vercel/ai:packages/black-forest-labs/src/black-forest-labs-api.ts',
  ],
});

const UPLOADED = 'https://cdn.assemblyai.com/upload/';
const TRANSCRIPT_ID: readonly IdMade[] = [
  { kind: 'transcript', at: ['id'] },
  { kind: 'upload', at: ['audio_url'], prefix: UPLOADED },
];
const OWN_TRANSCRIPT = { ...READ, root: '/v2', takes: [inPath('transcript')], makes: TRANSCRIPT_ID };

/** api.assemblyai.com and its language models. The list of all transcripts and LeMUR, which reads any of them by id, stay closed. */
const assemblyai = defineProvider({
  id: 'assemblyai',
  name: 'AssemblyAI',
  base: 'https://api.assemblyai.com/v2',
  moreOrigins: [{ alias: 'llm', origin: 'https://llm-gateway.assemblyai.com', roots: ['/v1'] }],
  ids: [{ kind: 'transcript' }, { kind: 'upload', with: 'transcript' }],
  endpoints: [
    {
      ...CREATE,
      root: '/v2',
      path: '/upload',
      body: 'any',
      models: [],
      makes: [{ kind: 'upload', at: ['upload_url'], prefix: UPLOADED }],
    },
    {
      ...CREATE,
      root: '/v2',
      path: '/transcript',
      models: [
        { in: 'body', at: ['speech_model'] },
        { in: 'body', at: ['speech_models', '*'] },
      ],
      makes: TRANSCRIPT_ID,
      takes: [{ kind: 'upload', in: 'body', at: ['audio_url'], prefix: UPLOADED }],
    },
    { ...OWN_TRANSCRIPT, path: '/transcript/{transcript}' },
    { ...OWN_TRANSCRIPT, method: 'DELETE', path: '/transcript/{transcript}' },
    ...['sentences', 'paragraphs', 'srt', 'vtt', 'word-search', 'redacted-audio'].map(
      (view): Endpoint => ({ ...OWN_TRANSCRIPT, path: `/transcript/{transcript}/${view}` }),
    ),
    {
      ...CHAT,
      root: '/~llm/v1',
      // a model may be told to read a transcript
      takes: ['transcript_id', 'transcript_ids'].map(
        (name): IdTaken => ({ kind: 'transcript', in: 'body', at: ['**', name, '*'] }),
      ),
    },
  ],
  auth: keyHeader('authorization'),
  passQuery: ['chars_per_caption', 'words'],
  adminPaths: ['GET /v2/transcript', 'POST /lemur/v3/*'],
  webSockets: [
    {
      url: 'wss://streaming.assemblyai.com/v3/ws?sample_rate=',
      serverAuth: 'Authorization: {key}',
      browserAuth: '?token={temporary}',
      verified: true,
    },
  ],
  env: 'ASSEMBLYAI_API_KEY',
  homepage: 'https://www.assemblyai.com',
  asOf: '2026-11',
  sources: [
    'vercel/ai:packages/assemblyai/src/assemblyai-provider.ts',
    'BerriAI/litellm-docs:docs/pass_through/assembly_ai.md',
    'BerriAI/litellm:litellm/llms/openai_like/providers.json',
  ],
});

/** All of them. */
export const JOBS: readonly Provider[] = [replicate, fal, blackForestLabs, assemblyai];
