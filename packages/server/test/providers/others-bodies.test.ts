/** Audio, images, frames and lines pass as they came, up and down: SHA-256 of what was sent and of what arrived. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWire, type Wire } from './wire.ts';

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const NOISE = randomBytes(700_000);

/** An Amazon event-stream frame's outline: lengths in front, bytes that are no text behind. */
function frames(): Buffer {
  return Buffer.concat(
    Array.from({ length: 200 }, (_, index) => {
      const payload = NOISE.subarray(index * 1000, index * 1000 + 900);
      const head = Buffer.alloc(12);
      head.writeUInt32BE(payload.length + 16);
      return Buffer.concat([head, payload, Buffer.alloc(4, index)]);
    }),
  );
}

const LINES = Buffer.from(
  Array.from({ length: 2000 }, (_, index) => `{"audio":"${index}\\u0000é","n":${index}}\n`).join(''),
);

let answer: { type: string; bytes: Uint8Array } = { type: '', bytes: new Uint8Array() };
let wire: Wire;
beforeAll(async () => {
  wire = await startWire({
    answer: () => ({ headers: { 'content-type': answer.type }, body: answer.bytes }),
  });
});
afterAll(() => wire.close());

it.each([
  ['elevenlabs', '/v1/text-to-speech/v/stream', 'audio/mpeg', NOISE],
  ['lmnt', '/v1/ai/speech/bytes', 'application/octet-stream', NOISE],
  ['topaz', '/image/v1/enhance', 'image/png', NOISE],
  ['stability-ai', '/v2beta/3d/stable-fast-3d', 'model/gltf-binary', NOISE],
  ['segmind', '/v1/kling-image2video', 'video/mp4', NOISE],
  ['amazon-bedrock', '/model/m/converse-stream', 'application/vnd.amazon.eventstream', frames()],
  ['aws-polly', '/v1/speech', 'application/x-json-stream', LINES],
  ['hume', '/v0/tts/stream/json', 'application/x-ndjson', LINES],
])('%s answers %s as %s', async (provider, path, type, bytes) => {
  answer = { type, bytes };
  const { status, headers, body } = await wire.send({
    provider,
    path,
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect([status, headers.get('content-type')]).toEqual([200, type]);
  expect(sha(body)).toBe(sha(bytes));
});

it.each([
  ['image/svg+xml', 'quiverai', '/v1/svgs/generations'],
  ['text/html', 'ideogram', '/describe'],
  ['model/vrml', 'stability-ai', '/v2beta/3d/stable-fast-3d'],
])('%s, which a browser might run, is not passed on', async (type, provider, path) => {
  answer = { type, bytes: NOISE };
  const { status, body } = await wire.send({
    provider,
    path,
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect(status).toBe(200);
  expect(JSON.parse(body.toString())).toMatchObject({ error: { code: 'upstream_invalid' } });
});

it.each([
  ['deepgram', '/v1/listen', 'audio/wav'],
  ['wit-ai', '/speech', 'audio/raw;encoding=signed-integer;bits=16;rate=16000;endian=little'],
  ['fish-audio', '/v1/tts', 'application/msgpack'],
  ['azure-speech', '/cognitiveservices/v1', 'application/ssml+xml'],
  ['doc2x', '/api/v2/parse/pdf', 'application/pdf'],
  ['aws-sagemaker', '/endpoints/e/invocations', 'application/x-npy'],
])('%s takes %s of any type: %s', async (provider, path, type) => {
  answer = { type: 'application/json', bytes: Buffer.from('{}') };
  const body = new Uint8Array(NOISE);
  const { status, seen } = await wire.send({ provider, path, headers: { 'content-type': type }, body });
  expect([status, seen?.header('content-type')]).toEqual([200, type]);
  expect(sha(seen?.body ?? new Uint8Array())).toBe(sha(body));
});
