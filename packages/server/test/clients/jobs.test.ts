/**
 * Whole jobs through the official, unmodified SDKs, whose ids are sealed (0033): two subjects on one upstream key, the token in the path and in
 * a header. The SDKs are brought by clients/install.sh; without them the tests skip.
 * house: real time, since other people's programs have no fake clock.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/errors.ts';
import { type FakeUpstream, startFakeUpstream } from '../providers/fake-upstream.ts';
import { type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { answerJobs, FILE_STREAM, PICTURE, TEXT_STREAM, UPLOADED } from './jobs-upstream.ts';
import { type ClientProgram, startClientProgram } from './matrix/client-program.ts';
import type { Place } from './matrix/relays.ts';

const CLIENTS = fileURLToPath(new URL('../../../../clients/', import.meta.url));
const BROUGHT = existsSync(`${CLIENTS}node_modules/.installed-from`);
const SEALED = /^rai_[\w-]{20,}$/;
const KEY = 'demo-key-of-the-provider';

/** What a token and the key file open, beside what is open anyway. */
const OPENED: Readonly<Record<string, readonly string[]>> = {
  openai: [
    'POST /responses',
    'POST /responses/*',
    'GET /responses/*',
    'DELETE /responses/*',
    'POST /files',
    'GET /files/*',
    'DELETE /files/*',
  ],
  google: ['POST /files', 'GET /files/*', 'DELETE /files/*', 'POST /models/*'],
};

let upstream: FakeUpstream;
let relay: RelayFixture;
let program: ClientProgram;
const asked = new Map<string, number>();

beforeAll(async () => {
  if (!BROUGHT) return;
  upstream = await startFakeUpstream((seen) => {
    const times = asked.get(seen.line) ?? 0;
    asked.set(seen.line, times + 1);
    return answerJobs(seen, times);
  });
  relay = await startRelay({
    allow: { paths: Object.values(OPENED).flat() },
    ports: { transport: upstream.transport },
  });
  program = startClientProgram(process.execPath, [`${CLIENTS}jobs.ts`]);
});
afterAll(async () => {
  program?.stop();
  await relay?.close();
  await upstream?.close();
});
beforeEach((context) => {
  context.skip(!BROUGHT, 'the SDKs are missing: sh clients/install.sh sdks');
  upstream.seen.length = 0;
  asked.clear();
});

type Given = Readonly<Record<string, string>>;

/** One client in one subject's hands. */
interface Hands {
  readonly base: string;
  /** What the SDK gave. */
  does<T>(step: string, given?: Given): Promise<T>;
  /** What its exception says. */
  fails(step: string, given?: Given): Promise<string>;
}

function handsOf(client: string, place: Place, subject: string): Hands {
  const provider = client.startsWith('google') ? 'google' : client;
  const paths = OPENED[provider];
  const token = relay.token({
    provider,
    apiKey: KEY,
    subject,
    maxCalls: null,
    ...(paths !== undefined && { allowedPaths: paths }),
  });
  const base = `${relay.origin}/relayapi/${place === 'path' ? token : '-'}`;
  const door = { base, key: place === 'path' ? 'relay' : token };
  const ask = (step: string, given?: Given) => program.ask({ client, step, door, ...(given && { given }) });
  return {
    base,
    async does(step, given) {
      const result = await ask(step, given);
      if ('error' in result) throw new Error(`${client}, ${step}: ${result.error}`);
      return result.text === undefined ? undefined : JSON.parse(result.text);
    },
    async fails(step, given) {
      const result = await ask(step, given);
      return 'error' in result ? result.error : `no error but ${result.text}`;
    },
  };
}

/** Every one of these steps is refused in words, and nothing is sent. */
async function refused(
  hands: Hands,
  steps: readonly (readonly [step: string, given?: Given])[],
): Promise<void> {
  upstream.seen.length = 0;
  for (const [step, given] of steps) {
    expect(`${step}: ${await hands.fails(step, given)}`).toContain(ERRORS.path_denied.message);
  }
  expect(upstream.lines()).toEqual([]);
}

describe.each(['path', 'header'] as const)('with the token in the %s', (place) => {
  it('replicate runs a prediction to its end, waits for one and gives one up', async () => {
    const ana = handsOf('replicate', place, 'ana');
    const { output, seen } = await ana.does<{
      output: string[];
      seen: { id: string; status: string; urls: Given }[];
    }>('run');
    expect(output).toEqual(['a ', 'haiku']);
    expect(seen.map(({ status }) => status)).toEqual(['starting', 'processing', 'succeeded']);
    const [{ id, urls }] = seen as [(typeof seen)[number]];
    expect(id).toMatch(SEALED);
    expect(new Set(seen.map((one) => one.id)).size).toBe(1);
    expect(urls).toMatchObject({ get: `${ana.base}/v1/predictions/${id}`, web: expect.any(String) });
    expect(await ana.does('runVersion')).toEqual(['a ', 'haiku']);
    asked.clear();
    expect((await ana.does<string[]>('giveUp')).at(-1)).toBe('canceled');
    expect(upstream.lines()).toEqual([
      'POST https://api.replicate.com/v1/models/demo/haiku/predictions',
      'GET https://api.replicate.com/v1/predictions/pred-1',
      'GET https://api.replicate.com/v1/predictions/pred-1',
      'POST https://api.replicate.com/v1/predictions',
      'POST https://api.replicate.com/v1/models/demo/haiku/predictions',
      'GET https://api.replicate.com/v1/predictions/pred-1',
      'POST https://api.replicate.com/v1/predictions/pred-1/cancel',
    ]);
    await refused(handsOf('replicate', place, 'ben'), [
      ['get', { id }],
      ['cancel', { id }],
      ['get', { id: 'pred-1' }],
    ]);
  });

  it('replicate streams: through the relay where the token stands in the URL, else from the stream’s own host', async () => {
    const ana = handsOf('replicate', place, 'ana');
    const { seen } = await ana.does<{ seen: [{ urls: { stream: string } }] }>('run');
    const { stream } = seen[0].urls;
    upstream.seen.length = 0;
    if (place === 'header') {
      expect(stream).toBe(TEXT_STREAM);
      const events = [['done', '{}']];
      expect(await ana.does('streamElsewhere')).toEqual({ went: [TEXT_STREAM, false], events });
      return;
    }
    expect(stream).toMatch(/\/~ric1\/v1\/streams\/rai_[\w-]+$/);
    expect(stream.startsWith(`${ana.base}/`)).toBe(true);
    expect(await ana.does('stream')).toEqual([
      ['output', 'a '],
      ['output', 'haiku'],
      ['done', '{}'],
    ]);
    // a URL as text, not the FileOutput that the SDK makes of it at the host that it knows
    expect(await ana.does('streamFiles')).toEqual([
      ['output', PICTURE],
      ['done', '{}'],
    ]);
    expect(upstream.lines()).toEqual([
      'POST https://api.replicate.com/v1/models/demo/haiku/predictions',
      `GET ${TEXT_STREAM}`,
      'POST https://api.replicate.com/v1/models/demo/picture/predictions',
      `GET ${FILE_STREAM}`,
    ]);
    expect(upstream.seen.map(({ headers }) => headers.authorization !== undefined)).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it('assemblyai uploads a buffer, waits for its transcript, reads and deletes it', async () => {
    const ana = handsOf('assemblyai', place, 'ana');
    const made = await ana.does<{ id: string; audio_url: string }>('transcribe');
    expect(made).toEqual({
      id: expect.stringMatching(SEALED),
      status: 'completed',
      text: 'more or less',
      audio_url: expect.stringMatching(/^https:\/\/cdn\.assemblyai\.com\/upload\/rai_/),
      sentences: ['more or less'],
      subtitles: '1\n00:00:00,000 --> 00:00:01,000\nmore or less\n',
    });
    expect(await ana.does('delete', { id: made.id })).toMatchObject({ id: made.id, text: 'deleted' });
    expect(upstream.lines()).toEqual([
      'POST https://api.assemblyai.com/v2/upload',
      'POST https://api.assemblyai.com/v2/transcript',
      'GET https://api.assemblyai.com/v2/transcript/tr-1',
      'GET https://api.assemblyai.com/v2/transcript/tr-1',
      'GET https://api.assemblyai.com/v2/transcript/tr-1/sentences',
      'GET https://api.assemblyai.com/v2/transcript/tr-1/srt?chars_per_caption=32',
      'DELETE https://api.assemblyai.com/v2/transcript/tr-1',
    ]);
    expect(JSON.parse(upstream.seen[1]?.body ?? '')).toMatchObject({ audio_url: `${UPLOADED}up-1` });
    await refused(handsOf('assemblyai', place, 'ben'), [
      ...['get', 'sentences', 'subtitles', 'delete'].map((step) => [step, { id: made.id }] as const),
      ['submit', { audio: made.audio_url }],
      ['submit', { audio: `${UPLOADED}up-1` }],
      ['list'],
    ]);
  });

  it('openai keeps answers: read, gone on from, streamed, followed, cancelled, deleted', async () => {
    const ana = handsOf('openai', place, 'ana');
    const { id, items } = await ana.does<{ id: string; items: [string] }>('create');
    expect([id, ...items]).toEqual([expect.stringMatching(SEALED), expect.stringMatching(SEALED)]);
    const told = { id, status: 'completed', previous_response_id: null, items, output_text: 'hello to you' };
    expect(await ana.does('retrieve', { id })).toEqual(told);
    const listed = await ana.does<string[]>('inputItems', { id });
    expect(listed).toEqual([expect.stringMatching(SEALED), expect.stringMatching(SEALED)]);
    const onwards = { ...told, previous_response_id: id };
    expect(await ana.does('goOn', { id })).toEqual(onwards);
    expect(await ana.does('stream', { id })).toEqual({ ids: [id, ...items], whole: onwards });
    expect(await ana.does('follow', { id })).toContain(id);
    expect(await ana.does('background')).toEqual({ ...told, status: 'queued', items: [], output_text: '' });
    expect(await ana.does('cancel', { id })).toMatchObject({ id, items, status: 'cancelled' });
    await ana.does('delete', { id });
    expect(upstream.lines()).toEqual([
      'POST https://api.openai.com/v1/responses',
      'GET https://api.openai.com/v1/responses/resp_1',
      'GET https://api.openai.com/v1/responses/resp_1/input_items',
      'GET https://api.openai.com/v1/responses/resp_1/input_items?after=msg_in_1',
      'POST https://api.openai.com/v1/responses',
      'POST https://api.openai.com/v1/responses',
      'GET https://api.openai.com/v1/responses/resp_1?stream=true',
      'POST https://api.openai.com/v1/responses',
      'POST https://api.openai.com/v1/responses/resp_1/cancel',
      'DELETE https://api.openai.com/v1/responses/resp_1',
    ]);
    expect(JSON.parse(upstream.seen[4]?.body ?? '')).toMatchObject({ previous_response_id: 'resp_1' });
    const uses = ['retrieve', 'inputItems', 'goOn', 'stream', 'follow', 'cancel', 'delete'];
    await refused(handsOf('openai', place, 'ben'), [
      ...uses.map((step) => [step, { id }] as const),
      ...uses.map((step) => [step, { id: 'resp_1' }] as const),
    ]);
  });

  it('openai keeps files: read, used in an answer, deleted', async () => {
    const ana = handsOf('openai', place, 'ana');
    const { id } = await ana.does<{ id: string }>('keep');
    expect(id).toMatch(SEALED);
    expect(await ana.does('file', { id })).toEqual({ id, status: 'processed' });
    expect(await ana.does('content', { id })).toBe('what is in the file');
    expect(await ana.does('useFile', { id })).toMatchObject({ output_text: 'hello to you' });
    expect(await ana.does('deleteFile', { id })).toMatchObject({ id, deleted: true });
    expect(upstream.lines()).toEqual([
      'POST https://api.openai.com/v1/files',
      'GET https://api.openai.com/v1/files/file-1',
      'GET https://api.openai.com/v1/files/file-1',
      'GET https://api.openai.com/v1/files/file-1/content',
      'POST https://api.openai.com/v1/responses',
      'DELETE https://api.openai.com/v1/files/file-1',
    ]);
    expect(upstream.seen[0]?.body).toContain('what is in the file');
    expect(upstream.seen[4]?.body).toContain('"file_id":"file-1"');
    const uses = ['file', 'content', 'useFile', 'deleteFile'];
    await refused(handsOf('openai', place, 'ben'), [
      ...uses.map((step) => [step, { id }] as const),
      ...uses.map((step) => [step, { id: 'file-1' }] as const),
      ['listFiles'],
    ]);
  });

  it.each([
    ['google3', 'v1'],
    ['google2', 'v1beta'],
  ])('%s uploads a file, reads, uses and deletes it', async (client, version) => {
    const ana = handsOf(client, place, 'ana');
    const file = await ana.does<{ name: string; uri: string }>('upload');
    expect(file.name).toMatch(/^files\/rai_/);
    expect(file.uri).toBe(`https://generativelanguage.googleapis.com/v1beta/${file.name}`);
    const { name, uri } = file;
    const read = await ana.does<{ uri: string }>('get', { name });
    expect(read).toEqual({ name, uri: `https://generativelanguage.googleapis.com/${version}/${name}` });
    expect(await ana.does('generate', { uri })).toBe('It says: hello');
    expect(await ana.does('generate', { uri: read.uri })).toBe('It says: hello');
    expect(await ana.does('stream', { uri })).toBe('It says: hello');
    // the SDK takes `rai` for the name
    expect(await ana.fails('get', { name: uri })).toContain(ERRORS.path_denied.message);
    await ana.does('delete', { name });
    const host = 'https://generativelanguage.googleapis.com';
    const model = `${host}/${version}/models/gemini-2.5-flash`;
    expect(upstream.lines()).toEqual([
      `POST ${host}/upload/${version}/files`,
      `POST ${host}/upload/${version}/files?upload_id=going-1&upload_protocol=resumable`,
      `GET ${host}/${version}/files/gem-1`,
      `POST ${model}:generateContent`,
      `POST ${model}:generateContent`,
      `POST ${model}:streamGenerateContent?alt=sse`,
      `DELETE ${host}/${version}/files/gem-1`,
    ]);
    expect(upstream.seen[1]).toMatchObject({
      headers: { 'x-goog-upload-command': 'upload, finalize', 'x-goog-api-key': KEY },
      body: 'what is in the file',
    });
    expect(upstream.seen[3]?.body).toContain(`${host}/v1beta/files/gem-1`);
    await refused(handsOf(client, place, 'ben'), [
      ['get', { name }],
      ['delete', { name }],
      ['generate', { uri }],
      ['stream', { uri: read.uri }],
      ['get', { name: 'files/gem-1' }],
      ['generate', { uri: `${host}/${version}/files/gem-1` }],
      ['list'],
    ]);
  });
});
