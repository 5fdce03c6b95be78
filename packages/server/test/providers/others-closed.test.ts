/** What a caller of the speech, media, cloud and tool providers cannot choose: projects, verbs, stored things, hosts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWire, type Wire } from './wire.ts';

let wire: Wire;
beforeAll(async () => {
  wire = await startWire({ config: { providers: { 'aws-comprehend': { enabled: true } } } });
});
afterAll(() => wire.close());

const asks = async (provider: string, path: string, more: Partial<Parameters<Wire['send']>[0]> = {}) => {
  const before = wire.reached();
  const { status, seen } = await wire.send({
    provider,
    path,
    ...more,
    headers: { 'content-type': 'application/json', ...more.headers },
    body: more.method === 'GET' ? null : '{}',
  });
  return { status, seen, arrived: wire.reached() - before };
};
const VERTEX = { location: 'us-central1', project: 'demo-project' };
const TOKEN = { oauth_token: 'ya29-demo' };

it.each([
  [
    'another project',
    '/v1/projects/other-project/locations/us-central1/publishers/google/models/m:generateContent',
  ],
  [
    'another location',
    '/v1/projects/demo-project/locations/us-east1/publishers/google/models/m:generateContent',
  ],
  ['stored things', '/v1/projects/demo-project/locations/us-central1/cachedContents'],
  [
    'a long job',
    '/v1/projects/demo-project/locations/us-central1/publishers/google/models/m:predictLongRunning',
  ],
  [
    'a publisher that is not open',
    '/v1/projects/demo-project/locations/us-central1/publishers/meta/models/m:rawPredict',
  ],
])('Vertex: %s', async (_, path) => {
  const { status, arrived } = await asks('google-vertex', path, { vars: VERTEX, credential: TOKEN });
  expect([status, arrived]).toEqual([403, 0]);
});

it.each([
  ['GET', 'speechmatics', '/v2/jobs/abc'],
  ['GET', 'runwayml', '/v1/tasks/abc'],
  ['GET', 'meshy', '/openapi/v2/text-to-3d/abc'],
  ['GET', 'klingai', '/v1/videos/text2video/abc'],
  ['GET', 'coze', '/v3/chat/message/list'],
  ['GET', 'elevenlabs', '/v1/voices'],
  ['POST', 'elevenlabs', '/v1/single-use-token/realtime_scribe'],
  ['POST', 'deepgram', '/v1/auth/grant'],
  ['POST', 'cartesia', '/access-token'],
  ['POST', 'gladia', '/v2/live'],
  ['POST', 'segmind', '/v1/files'],
])('%s %s %s: what is stored, and what mints a token, is closed', async (method, provider, path) => {
  const { status, arrived } = await asks(provider, path, { method });
  expect([status, arrived]).toEqual([403, 0]);
});

it('a verb that stands in a header or in the query', async () => {
  const demo = { secret_id: 'AKID-demo', secret_key: 'sk-demo-tc' };
  const tencent = await asks('tencent-hunyuan-legacy', '/', {
    credential: demo,
    headers: { 'X-TC-Action': 'RunThread', 'X-TC-Version': '2020-01-01' },
  });
  expect(tencent.seen?.header('x-tc-action')).toBe('ChatCompletions');
  expect(tencent.seen?.header('x-tc-version')).toBe('2023-09-01');
  const jimeng = await asks('jimeng', '/', { query: 'Action=DeleteAll&Version=2020-01-01&X=1' });
  expect(jimeng.seen?.target).toBe('/?Action=CVProcess&Version=2022-08-31');
  const comprehend = await asks('aws-comprehend', '/', {
    vars: { region: 'us-east-1', operation: 'DetectSentiment' },
    headers: { 'X-Amz-Target': 'Comprehend_20171127.DeleteEndpoint' },
  });
  expect(comprehend.seen?.header('x-amz-target')).toBe('Comprehend_20171127.DetectSentiment');
  const other = { region: 'us-east-1', operation: 'DeleteEndpoint' };
  expect(await asks('aws-comprehend', '/', { vars: other })).toMatchObject({ status: 403, arrived: 0 });
});

it.each([
  ['aws-polly', { region: 's3' }, '/v1/speech'],
  ['amazon-bedrock', { region: 'us-east-1.evil' }, '/model/m/converse'],
  [
    'google-vertex',
    { location: 'us-central1', project: 'demo.project' },
    '/publishers/google/models/m:predict',
  ],
  ['azure-speech', { region: 'a.b' }, '/cognitiveservices/v1'],
  [
    'sap-ai-core',
    { region: 'us-east-1', cloud: 'aws', tenant: 'a.b', landscape: 'us10', group: 'g' },
    '/v2/inference/deployments/d/invoke',
  ],
])('%s: a variable that is no region or name goes nowhere', async (provider, vars, path) => {
  const { status, arrived } = await asks(provider, path, {
    vars,
    ...(provider === 'google-vertex' && { credential: TOKEN }),
  });
  expect([status, arrived]).toEqual([403, 0]);
});

it('a URL to which Deepgram would send the text', async () => {
  const { seen } = await asks('deepgram', '/v1/listen', {
    query: 'callback=https%3A%2F%2Fevil.example&model=nova-3',
  });
  expect(seen?.target).toBe('/v1/listen?model=nova-3');
});

it('a link that is merely opened: GET that computes needs the token to name its path', async () => {
  const { status, arrived } = await asks('wolfram-alpha', '/v1/result', { method: 'GET', query: 'i=pi' });
  expect([status, arrived]).toEqual([403, 0]);
});
