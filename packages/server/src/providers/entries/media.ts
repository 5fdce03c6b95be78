/** Images, video and 3D. Most calls start a job that costs much and is read by an id; those reads are closed by default. */
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
  JOB,
  jsonRow,
  listRow,
  member,
  readRow,
  segment,
} from '../own-rows.ts';
import type { Endpoint, Provider } from '../provider.ts';

const MODEL = [member('model')];
const FORM_MODEL = [field('model')];
const PATH_MODEL = [segment('model')];

/** The operation chooses what runs and what it costs: it is judged as a model. */
const OPERATION = [segment('operation')];

function jobs(paths: readonly string[], models: Endpoint['models'] = MODEL): Endpoint[] {
  return paths.map((path) => jsonRow(path, models, JOB));
}

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
      formRow('/v2beta/stable-image/edit/{operation}', OPERATION, BINARY),
      ...assumed(formRow('/v2beta/stable-image/control/{operation}', OPERATION, BINARY)),
      formRow('/v2beta/stable-image/upscale/{operation}', OPERATION, BINARY),
      formRow('/v2beta/3d/{model}', PATH_MODEL, BINARY),
      formRow('/v2beta/audio/stable-audio-2/{operation}', FORM_MODEL, BINARY),
      jsonRow('/v1/generation/{model}/text-to-image', PATH_MODEL),
      ...assumed(formRow('/v1/generation/{model}/image-to-image', PATH_MODEL)),
      listRow('/v1/engines/list'),
      readRow('/v2beta/results/{id}'),
    ],
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
      readRow('/tasks/{id}'),
    ],
    defaultHeaders: [['x-runway-version', '2024-11-06']],
    passHeaders: ['x-runway-version'],
    adminPaths: [
      'DELETE /v1/tasks/{id}',
      'GET /v1/organization',
      'POST /v1/organization/usage',
      'POST /v1/uploads',
    ],
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
      ...jobs(['/generations']),
      ...assumed(...jobs(['/generations/image', '/generations/video'])),
      readRow('/generations/{id}'),
    ],
    adminPaths: [
      'GET /dream-machine/v1/generations',
      'DELETE /dream-machine/v1/generations/{id}',
      'GET /dream-machine/v1/credits',
    ],
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
        ['/videos/text2video', '/videos/image2video', '/videos/multi-image2video', '/videos/motion-control'],
        [member('model_name')],
      ),
      ...assumed(...jobs(['/images/generations'], [member('model_name')])),
      readRow('/videos/{kind}/{id}'),
      readRow('/images/generations/{id}'),
    ],
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
      ...jobs(['/v2/text-to-3d'], [member('ai_model')]),
      ...assumed(
        ...jobs(['/v1/image-to-3d', '/v1/retexture'], [member('ai_model')]),
        ...jobs(['/v1/remesh'], []),
      ),
      readRow('/{version}/{task}/{id}'),
      readRow('/{version}/{task}/{id}/stream'),
    ],
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
      ...jobs(['/task'], [member('model_version')]),
      formRow('/upload', [], { tags: ['stateful'] }),
      readRow('/task/{id}'),
    ],
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
      ...['enhance', 'sharpen', 'denoise', 'restore', 'lighting', 'matting'].map((verb) =>
        formRow(`/${verb}`, FORM_MODEL, BINARY),
      ),
      readRow('/status/{id}'),
      readRow('/download/{id}'),
    ],
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
      ...jobs(['/text2video', '/img2video', '/reference2video', '/start-end2video']),
      readRow('/tasks/{id}/creations'),
    ],
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
