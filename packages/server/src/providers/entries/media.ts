/** Images, video and 3D. Most calls start a job that costs much and is read by an id, which is sealed for who began it (0033). */
import { keyHeader } from '../define.ts';
import { assumed, IMAGE_GENERATIONS } from '../endpoints.ts';
import {
  anyRow,
  BINARY,
  closedRow,
  defineOwn,
  exchanged,
  field,
  formRow,
  JOB_IDS,
  jobId,
  jsonRow,
  listRow,
  member,
  readRow,
  segment,
  starts,
} from '../own-rows.ts';
import type { Endpoint, IdMade, IdTaken, Provider } from '../provider.ts';

const MODEL = [member('model')];
const FORM_MODEL = [field('model')];
const PATH_MODEL = [segment('model')];

/** The operation chooses what runs and what it costs: it is judged as a model. */
const OPERATION = [segment('operation')];

/** Calls whose answers name a job, and what they may name of earlier ones. */
function jobs(
  paths: readonly string[],
  models: Endpoint['models'] = MODEL,
  makes: readonly IdMade[] = [jobId()],
  takes: readonly IdTaken[] = [],
): Endpoint[] {
  return paths.map((path) =>
    jsonRow(path, models, { ...starts(...makes), ...(takes.length > 0 && { takes }) }),
  );
}

/** A member of a body that names an earlier job. */
function earlier(...at: readonly string[]): IdTaken {
  return { kind: 'job', in: 'body', at };
}

// a video that goes on from, or ends in, an earlier one
const LUMA_FRAMES = [earlier('keyframes', 'frame0', 'id'), earlier('keyframes', 'frame1', 'id')];
const LUMA_IDS = [
  jobId(),
  jobId('request', 'keyframes', 'frame0', 'id'),
  jobId('request', 'keyframes', 'frame1', 'id'),
];

const KLING_ID = [jobId('data', 'task_id')];
const KLING_VIDEOS = ['text2video', 'image2video', 'multi-image2video', 'motion-control'];

// `result` of the call that begins a task, `id` of one that is read
const MESHY_BEGUN = [jobId('result')];
const MESHY_EARLIER = [earlier('preview_task_id'), earlier('input_task_id')];
const MESHY_TASKS = ['/v2/text-to-3d', '/v1/image-to-3d', '/v1/retexture', '/v1/remesh'];

const TRIPO_ID = [jobId('data', 'task_id')];
const TRIPO_TAKES: readonly IdTaken[] = [
  earlier('original_model_task_id'),
  earlier('draft_model_task_id'),
  // a file, several views of it, images for its texture, and their style
  { kind: 'upload', in: 'body', at: ['**', 'file_token'] },
];

const TOPAZ_VERBS = ['enhance', 'sharpen', 'denoise', 'restore', 'lighting', 'matting'];

// some operations answer at once, with the image or with it in JSON; those that take long answer with an id
const STABILITY_JOB = { ...BINARY, makes: [jobId()] };

/** Providers of images, video and 3D. Replicate, fal and Black Forest Labs are in jobs.ts. */
export const MEDIA: readonly Provider[] = defineOwn([
  {
    id: 'stability-ai',
    name: 'Stability AI',
    aliases: ['stability'],
    base: 'https://api.stability.ai',
    // v2beta takes forms only, even where there is no file
    endpoints: [
      formRow('/v2beta/stable-image/generate/sd3', FORM_MODEL, BINARY),
      formRow('/v2beta/stable-image/generate/{model}', PATH_MODEL, BINARY),
      formRow('/v2beta/stable-image/edit/{operation}', OPERATION, STABILITY_JOB),
      ...assumed(formRow('/v2beta/stable-image/control/{operation}', OPERATION, BINARY)),
      formRow('/v2beta/stable-image/upscale/{operation}', OPERATION, STABILITY_JOB),
      formRow('/v2beta/3d/{model}', PATH_MODEL, BINARY),
      formRow('/v2beta/audio/stable-audio-2/{operation}', FORM_MODEL, BINARY),
      jsonRow('/v1/generation/{model}/text-to-image', PATH_MODEL),
      ...assumed(formRow('/v1/generation/{model}/image-to-image', PATH_MODEL)),
      listRow('/v1/engines/list'),
      readRow('/v2beta/results/{job}'),
    ],
    ids: JOB_IDS,
    adminPaths: ['GET /v1/user/account', 'GET /v1/user/balance'],
    homepage: 'https://platform.stability.ai',
    env: 'STABILITY_API_KEY',
    sources: [
      'Portkey-AI/gateway:src/providers/stability-ai/api.ts',
      'find_string:api.stability.ai/v2beta/stable-image/generate',
    ],
  },
  {
    id: 'runwayml',
    name: 'Runway',
    aliases: ['runway'],
    // `dev` is for developers: this is the production host
    base: 'https://api.dev.runwayml.com/v1',
    endpoints: [
      ...jobs(['/image_to_video', '/text_to_video', '/text_to_image', '/text_to_speech']),
      ...assumed(...jobs(['/video_to_video', '/video_upscale', '/character_performance', '/sound_effect'])),
      readRow('/tasks/{job}'),
      // ends a task that runs, forgets one that is done
      ...assumed(readRow('/tasks/{job}', [], { method: 'DELETE' })),
    ],
    ids: JOB_IDS,
    defaultHeaders: [['x-runway-version', '2024-11-06']],
    passHeaders: ['x-runway-version'],
    adminPaths: ['GET /v1/organization', 'POST /v1/organization/usage', 'POST /v1/uploads'],
    homepage: 'https://dev.runwayml.com',
    env: 'RUNWAYML_API_SECRET',
    sources: [
      'BerriAI/litellm:litellm/constants.py',
      'BerriAI/litellm-docs:docs/providers/runwayml/videos.md',
      'find_string:api.dev.runwayml.com/v1',
    ],
  },
  {
    id: 'luma',
    name: 'Luma Dream Machine',
    base: 'https://api.lumalabs.ai/dream-machine/v1',
    endpoints: [
      ...jobs(['/generations'], MODEL, LUMA_IDS, LUMA_FRAMES),
      ...assumed(...jobs(['/generations/image', '/generations/video'], MODEL, LUMA_IDS, LUMA_FRAMES)),
      readRow('/generations/{job}', LUMA_IDS),
      ...assumed(readRow('/generations/{job}', [], { method: 'DELETE' })),
    ],
    ids: JOB_IDS,
    adminPaths: ['GET /dream-machine/v1/generations', 'GET /dream-machine/v1/credits'],
    homepage: 'https://lumalabs.ai',
    env: 'LUMA_API_KEY',
    sources: ['vercel/ai:packages/luma/src/luma-provider.ts', 'find_string:api.lumalabs.ai/dream-machine/v1'],
  },
  {
    id: 'klingai',
    name: 'Kling AI',
    aliases: ['kling'],
    base: 'https://api-singapore.klingai.com/v1',
    // a JWT that Kling itself verifies; new accounts have a plain key
    credentialFields: ['access_key', 'secret_key'],
    auth: exchanged({
      kind: 'jwt',
      alg: 'HS256',
      secret: 'secret_key',
      header: { typ: 'JWT' },
      claims: { iss: '{access_key}', exp: { time: 'end' }, nbf: { time: 'now', plusSeconds: -5 } },
      timesIn: 'seconds',
      lifeSeconds: 1800,
    }),
    otherCredentials: [
      { fields: ['key'], auth: { kind: 'header', name: 'authorization', template: 'Bearer {key}' } },
    ],
    endpoints: [
      ...jobs(
        KLING_VIDEOS.map((kind) => `/videos/${kind}`),
        [member('model_name')],
        KLING_ID,
      ),
      ...assumed(...jobs(['/images/generations'], [member('model_name')], KLING_ID)),
      ...KLING_VIDEOS.map((kind) => readRow(`/videos/${kind}/{job}`, KLING_ID)),
      readRow('/images/generations/{job}', KLING_ID),
    ],
    ids: JOB_IDS,
    adminPaths: ['GET /account/costs', 'GET /v1/videos/{kind}', 'GET /v1/images/generations'],
    homepage: 'https://klingai.com',
    env: 'KLINGAI_API_KEY',
    sources: [
      'vercel/ai:packages/klingai/src/klingai-provider.ts',
      'QuantumNous/new-api:constant/channel.go',
    ],
  },
  {
    id: 'prodia',
    name: 'Prodia',
    base: 'https://inference.prodia.com/v2',
    // the job's type names the model; a form holds it inside its `job` part, which is not looked into
    endpoints: [anyRow('/job', [member('type')], BINARY)],
    passQuery: ['price'],
    homepage: 'https://prodia.com',
    env: 'PRODIA_TOKEN',
    sources: ['vercel/ai:packages/prodia/src/prodia-provider.ts'],
  },
  {
    id: 'segmind',
    name: 'Segmind',
    base: 'https://api.segmind.com/v1',
    auth: keyHeader('x-api-key'),
    endpoints: [closedRow('/files'), closedRow('/batches'), anyRow('/{model}', PATH_MODEL, BINARY)],
    adminPaths: ['GET /v1/get-user-credits', 'ANY /v1/files*'],
    homepage: 'https://www.segmind.com',
    env: 'SEGMIND_API_KEY',
    sources: ['Portkey-AI/gateway:src/providers/segmind/api.ts', 'find_string:api.segmind.com/v1/'],
  },
  {
    id: 'recraft',
    name: 'Recraft',
    base: 'https://external.api.recraft.ai/v1',
    endpoints: [
      IMAGE_GENERATIONS,
      ...assumed(formRow('/images/imageToImage', FORM_MODEL)),
      ...assumed(formRow('/images/inpaint', FORM_MODEL)),
      ...assumed(formRow('/images/vectorize', [])),
      ...assumed(formRow('/images/removeBackground', [])),
      ...assumed(formRow('/images/crispUpscale', [])),
    ],
    adminPaths: ['GET /v1/users/me', 'ANY /v1/styles*'],
    homepage: 'https://www.recraft.ai',
    env: 'RECRAFT_API_TOKEN',
    sources: [
      'Portkey-AI/gateway:src/providers/recraft-ai/api.ts',
      'BerriAI/litellm-docs:docs/providers/recraft.md',
    ],
  },
  {
    id: 'ideogram',
    name: 'Ideogram',
    base: 'https://api.ideogram.ai',
    // an own header, not Azure's, though of the same name
    auth: keyHeader('api-key'),
    endpoints: [
      ...['generate', 'edit', 'remix', 'reframe', 'replace-background'].map((verb) =>
        anyRow(`/v1/{model}/${verb}`, PATH_MODEL),
      ),
      jsonRow('/generate', [member('image_request', 'model')]),
      ...assumed(formRow('/describe', [])),
      ...assumed(formRow('/upscale', [])),
    ],
    adminPaths: ['ANY /manage/api/*'],
    homepage: 'https://ideogram.ai',
    env: 'IDEOGRAM_API_KEY',
    sources: ['find_string:api.ideogram.ai'],
  },
  {
    id: 'meshy',
    name: 'Meshy',
    base: 'https://api.meshy.ai/openapi',
    endpoints: [
      ...jobs(['/v2/text-to-3d'], [member('ai_model')], MESHY_BEGUN, MESHY_EARLIER),
      ...assumed(
        ...jobs(['/v1/image-to-3d', '/v1/retexture'], [member('ai_model')], MESHY_BEGUN, MESHY_EARLIER),
        ...jobs(['/v1/remesh'], [], MESHY_BEGUN, MESHY_EARLIER),
      ),
      ...MESHY_TASKS.flatMap((path) => [
        readRow(`${path}/{job}`),
        readRow(`${path}/{job}/stream`, [jobId()], { stream: 'sse' }),
      ]),
    ],
    ids: JOB_IDS,
    adminPaths: ['GET /openapi/v1/balance', 'DELETE /openapi/*'],
    homepage: 'https://www.meshy.ai',
    env: 'MESHY_API_KEY',
    sources: [
      'Portkey-AI/gateway:src/providers/meshy/api.ts',
      'find_string:api.meshy.ai/openapi/v2/text-to-3d',
    ],
  },
  {
    id: 'tripo3d',
    name: 'Tripo3D',
    base: 'https://api.tripo3d.ai/v2/openapi',
    endpoints: [
      ...jobs(['/task'], [member('model_version')], TRIPO_ID, TRIPO_TAKES),
      formRow('/upload', [], {
        tags: ['stateful'],
        makes: [{ kind: 'upload', at: ['data', 'image_token'] }],
      }),
      readRow('/task/{job}', TRIPO_ID),
    ],
    ids: [...JOB_IDS, { kind: 'upload', with: 'job' }],
    adminPaths: ['GET /v2/openapi/user/balance'],
    homepage: 'https://www.tripo3d.ai',
    env: 'TRIPO_API_KEY',
    sources: ['Portkey-AI/gateway:src/providers/tripo3d/api.ts', 'find_string:api.tripo3d.ai/v2/openapi'],
  },
  {
    id: 'topaz',
    name: 'Topaz Labs',
    base: 'https://api.topazlabs.com/image/v1',
    auth: keyHeader('x-api-key'),
    endpoints: [
      ...TOPAZ_VERBS.map((verb) => formRow(`/${verb}`, FORM_MODEL, BINARY)),
      ...assumed(
        ...TOPAZ_VERBS.map((verb) => formRow(`/${verb}/async`, FORM_MODEL, starts(jobId('process_id')))),
      ),
      readRow('/status/{job}', [jobId('process_id')]),
      readRow('/download/{job}', []),
    ],
    ids: JOB_IDS,
    adminPaths: ['ANY /account/*', 'ANY /video/*'],
    homepage: 'https://www.topazlabs.com',
    env: 'TOPAZ_API_KEY',
    sources: ['BerriAI/litellm-docs:docs/providers/topaz.md', 'find_string:api.topazlabs.com/image/v1'],
  },
  {
    id: 'vidu',
    name: 'Vidu',
    base: 'https://api.vidu.com/ent/v2',
    auth: { kind: 'header', name: 'authorization', template: 'Token {key}' },
    endpoints: [
      ...jobs(['/text2video', '/img2video', '/reference2video', '/start-end2video'], MODEL, [
        jobId('task_id'),
      ]),
      readRow('/tasks/{job}/creations'),
    ],
    ids: JOB_IDS,
    adminPaths: ['POST /ent/v2/tasks/{id}/cancel'],
    homepage: 'https://platform.vidu.com',
    env: 'VIDU_API_KEY',
    sources: ['QuantumNous/new-api:constant/channel.go', 'find_string:api.vidu.com/ent/v2'],
  },
  {
    id: 'quiverai',
    name: 'QuiverAI',
    base: 'https://api.quiver.ai/v1',
    endpoints: [jsonRow('/svgs/generations', MODEL), jsonRow('/svgs/vectorizations', MODEL)],
    homepage: 'https://quiver.ai',
    env: 'QUIVERAI_API_KEY',
    sources: ['vercel/ai:packages/quiverai/src/quiverai-provider.ts'],
  },
  {
    id: 'deepai',
    name: 'DeepAI',
    base: 'https://api.deepai.org/api',
    auth: keyHeader('api-key'),
    endpoints: [formRow('/{model}', PATH_MODEL)],
    homepage: 'https://deepai.org',
    env: 'DEEPAI_API_KEY',
    sources: ['https://deepai.org/de/apis'],
  },
  {
    id: 'jimeng',
    name: 'Jimeng (Volcengine Visual)',
    base: 'https://visual.volcengineapi.com',
    credentialFields: ['access_key_id', 'secret_access_key'],
    auth: { kind: 'signed', by: 'volcengine', service: 'cv', region: 'cn-north-1' },
    // the verb is a query parameter: pinned to the one that answers at once
    setQuery: [
      ['Action', 'CVProcess'],
      ['Version', '2022-08-31'],
    ],
    endpoints: [jsonRow('/', [member('req_key')])],
    homepage: 'https://www.volcengine.com',
    env: 'VOLC_ACCESSKEY',
    sources: ['QuantumNous/new-api:constant/channel.go', 'find_string:"Action": "CVProcess"'],
  },
]);
