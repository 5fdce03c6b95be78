/** Whole jobs whose answers name absolute URLs of the provider's: followed as they are given, they stay within the relay (0033). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { codeOf, RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { type FakeAnswer, type FakeUpstream, type SeenRequest, startFakeUpstream } from './fake-upstream.ts';

const UPLOAD = 'https://cdn.assemblyai.com/upload/';
const QUEUE = 'https://queue.fal.run/fal-ai/flux/requests/req-1';
const prediction = (status: string) => ({
  id: 'p1',
  status,
  output: status === 'succeeded' ? ['https://replicate.delivery/p1/out.png'] : null,
  urls: {
    get: 'https://api.replicate.com/v1/predictions/p1',
    cancel: 'https://api.replicate.com/v1/predictions/p1/cancel',
    stream: 'https://stream.replicate.com/v1/files/stream-p1',
    web: 'https://replicate.com/p/p1',
  },
});
const queued = {
  request_id: 'req-1',
  status_url: `${QUEUE}/status`,
  response_url: QUEUE,
  cancel_url: `${QUEUE}/cancel`,
};
const geminiFile = { name: 'files/g1', uri: 'https://generativelanguage.googleapis.com/v1beta/files/g1' };
const GEMINI = 'https://generativelanguage.googleapis.com';
const START = `${GEMINI}/upload/v1beta/files?key=never&upload_id=up-1&upload_protocol=resumable`;

const ANSWERS: Record<string, FakeAnswer> = {
  'POST https://api.replicate.com/v1/models/meta/llama/predictions': {
    status: 201,
    body: prediction('starting'),
  },
  'GET https://api.replicate.com/v1/predictions/p1': { body: prediction('succeeded') },
  'POST https://api.replicate.com/v1/predictions/p1/cancel': { body: prediction('canceled') },
  'GET https://stream.replicate.com/v1/files/stream-p1': {
    headers: { 'content-type': 'text/event-stream' },
    body: ['event: output\ndata: a', ' haiku\n\n', 'event: done\ndata: {}\n\n'],
  },
  'POST https://queue.fal.run/fal-ai/flux/dev': { body: queued },
  [`GET ${QUEUE}/status?logs=1`]: { body: { status: 'COMPLETED', ...queued } },
  [`GET ${QUEUE}/status`]: { body: { status: 'IN_QUEUE', ...queued } },
  [`GET ${QUEUE}/status/stream`]: {
    headers: { 'content-type': 'text/event-stream' },
    body: [`data: ${JSON.stringify(queued)}\n\n`],
  },
  [`GET ${QUEUE}`]: { body: { images: [{ url: 'https://v3.fal.media/files/x.png' }] } },
  [`PUT ${QUEUE}/cancel`]: { body: { status: 'CANCELLATION_REQUESTED' } },
  'POST https://api.bfl.ai/v1/flux-pro-1.1': {
    body: { id: 't-1', polling_url: 'https://api.eu1.bfl.ai/v1/get_result?id=t-1', cost: 4 },
  },
  'GET https://api.eu1.bfl.ai/v1/get_result?id=t-1': {
    body: { id: 't-1', status: 'Ready', result: { sample: 'https://delivery-eu1.bfl.ai/t.png' } },
  },
  'GET https://api.bfl.ai/v1/get_result?id=t-1': { body: { id: 't-1', status: 'Pending' } },
  'POST https://api.assemblyai.com/v2/upload': { body: { upload_url: `${UPLOAD}u-1` } },
  'POST https://api.assemblyai.com/v2/transcript': {
    body: { id: 'tr-1', status: 'queued', audio_url: `${UPLOAD}u-1` },
  },
  'GET https://api.assemblyai.com/v2/transcript/tr-1': {
    body: { id: 'tr-1', status: 'completed', text: 'hi' },
  },
  'GET https://api.assemblyai.com/v2/transcript/tr-1/srt?chars_per_caption=32': {
    headers: { 'content-type': 'text/plain' },
    body: '1\n00:00 hi',
  },
  'DELETE https://api.assemblyai.com/v2/transcript/tr-1': { body: { id: 'tr-1', text: 'deleted' } },
  [`POST ${GEMINI}/upload/v1beta/files`]: {
    headers: { 'x-goog-upload-url': START, 'x-goog-upload-status': 'active' },
  },
  [`POST ${GEMINI}/upload/v1beta/files?upload_id=up-1&upload_protocol=resumable`]: {
    headers: { 'x-goog-upload-status': 'final' },
    body: { file: geminiFile },
  },
  [`GET ${GEMINI}/v1beta/files/g1`]: { body: geminiFile },
  [`DELETE ${GEMINI}/v1beta/files/g1`]: { body: {} },
  [`POST ${GEMINI}/v1beta/models/gemini-2.5-flash:generateContent`]: { body: { candidates: [] } },
};

const GOOGLE_PATHS = ['POST /files', 'GET /files/*', 'DELETE /files/*'];

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream(({ line }: SeenRequest) => ANSWERS[line] ?? { status: 404, body: {} });
});
afterAll(() => upstream.close());
beforeEach(() => {
  upstream.seen.length = 0;
});

interface Caller {
  readonly relay: RelayFixture;
  /** A base for a provider; `header`: with the token in `Authorization`. */
  at(provider: string, more?: { subject?: string; allowedPaths?: readonly string[] }): string;
}

async function json(answer: Response): Promise<Record<string, unknown>> {
  expect([answer.status, answer.ok]).toEqual([answer.status, true]);
  return (await answer.json()) as Record<string, unknown>;
}

function post(url: string, body: object = {}, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

describe.each(RELAY_PATHS)('on the %s path', (path) => {
  let caller: Caller;
  beforeAll(async () => {
    const relay = await startRelay({
      path,
      allow: { paths: GOOGLE_PATHS },
      ports: { transport: upstream.transport },
    });
    caller = {
      relay,
      at: (provider, more) =>
        relay.url({ provider, apiKey: 'demo-key-of-the-provider', subject: 'ana', maxCalls: null, ...more }),
    };
  });
  afterAll(() => caller.relay.close());

  /** What was asked of the provider, and that no URL that was followed left the relay. */
  function stayed(urls: readonly string[], base: string): void {
    for (const url of urls) expect(url.startsWith(`${base}/`)).toBe(true);
  }

  it('a prediction of Replicate’s: made, polled, streamed and cancelled', async () => {
    const base = caller.at('replicate');
    const made = await json(await post(`${base}/v1/models/meta/llama/predictions`, { input: {} }));
    const { get, cancel, stream, web } = made['urls'] as Record<string, string>;
    stayed([get as string, cancel as string, stream as string], base);
    expect(made['id']).toMatch(/^rai_/);
    expect(web).toBe('https://replicate.com/p/p1');
    expect(get).toBe(`${base}/v1/predictions/${made['id']}`);
    const polled = await json(await fetch(get as string));
    expect(polled).toEqual({ ...prediction('succeeded'), id: made['id'], urls: made['urls'] });
    const events = await fetch(stream as string);
    expect(await events.text()).toBe('event: output\ndata: a haiku\n\nevent: done\ndata: {}\n\n');
    await json(await fetch(cancel as string, { method: 'POST' }));
    // by the id alone, as a client does that builds its URLs itself
    await json(await fetch(`${base}/v1/predictions/${made['id']}`));
    expect(upstream.lines()).toEqual([
      'POST https://api.replicate.com/v1/models/meta/llama/predictions',
      'GET https://api.replicate.com/v1/predictions/p1',
      'GET https://stream.replicate.com/v1/files/stream-p1',
      'POST https://api.replicate.com/v1/predictions/p1/cancel',
      'GET https://api.replicate.com/v1/predictions/p1',
    ]);
    const sent = upstream.seen.map(({ headers }) => headers.authorization);
    const bearer = 'Bearer demo-key-of-the-provider';
    expect(sent).toEqual([bearer, bearer, undefined, bearer, bearer]);
  });

  it('a request in fal’s queue: asked for on the queue’s own host', async () => {
    const base = caller.at('fal');
    const made = await json(await post(`${base}/~queue/fal-ai/flux/dev`, { prompt: 'x' }));
    const { status_url, response_url, cancel_url } = made as Record<string, string>;
    stayed([status_url as string, response_url as string, cancel_url as string], base);
    expect(status_url).toBe(`${base}/~queue/fal-ai/flux/requests/${made['request_id']}/status`);
    expect((await json(await fetch(`${status_url}?logs=1`)))['status_url']).toBe(status_url);
    const events = await (await fetch(`${status_url}/stream`)).text();
    expect(JSON.parse(events.slice('data: '.length))).toEqual(made);
    expect(await json(await fetch(response_url as string))).toEqual({
      images: [{ url: 'https://v3.fal.media/files/x.png' }],
    });
    await json(await fetch(cancel_url as string, { method: 'PUT' }));
    expect(upstream.lines()).toEqual([
      'POST https://queue.fal.run/fal-ai/flux/dev',
      `GET ${QUEUE}/status?logs=1`,
      `GET ${QUEUE}/status/stream`,
      `GET ${QUEUE}`,
      `PUT ${QUEUE}/cancel`,
    ]);
  });

  it('a task of Black Forest Labs’: polled in the region that the answer names', async () => {
    const base = caller.at('bfl');
    const made = await json(await post(`${base}/v1/flux-pro-1.1`, { prompt: 'x' }));
    expect(made['polling_url']).toBe(`${base}/~eu1/v1/get_result?id=${made['id']}`);
    const ready = await json(await fetch(made['polling_url'] as string));
    expect(ready).toEqual({
      id: made['id'],
      status: 'Ready',
      result: { sample: 'https://delivery-eu1.bfl.ai/t.png' },
    });
    await json(await fetch(`${base}/v1/get_result?id=${made['id']}`));
    expect(upstream.lines()).toEqual([
      'POST https://api.bfl.ai/v1/flux-pro-1.1',
      'GET https://api.eu1.bfl.ai/v1/get_result?id=t-1',
      'GET https://api.bfl.ai/v1/get_result?id=t-1',
    ]);
  });

  it('a transcript of AssemblyAI’s: uploaded, transcribed, read, deleted', async () => {
    const base = caller.at('assemblyai');
    const upload = await fetch(`${base}/v2/upload`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: 'RIFF',
    });
    const { upload_url } = (await json(upload)) as Record<string, string>;
    expect(upload_url).toMatch(/^https:\/\/cdn\.assemblyai\.com\/upload\/rai_[\w-]+$/);
    const made = await json(await post(`${base}/v2/transcript`, { audio_url: upload_url }));
    expect(made['audio_url']).toBe(upload_url);
    const at = `${base}/v2/transcript/${made['id']}`;
    expect(await json(await fetch(at))).toEqual({ id: made['id'], status: 'completed', text: 'hi' });
    expect(await (await fetch(`${at}/srt?chars_per_caption=32`)).text()).toBe('1\n00:00 hi');
    await json(await fetch(at, { method: 'DELETE' }));
    const elsewhere = await post(`${base}/v2/transcript`, { audio_url: 'https://example.com/a.mp3' });
    expect(elsewhere.status).toBe(200);
    expect(upstream.lines()).toEqual([
      'POST https://api.assemblyai.com/v2/upload',
      'POST https://api.assemblyai.com/v2/transcript',
      'GET https://api.assemblyai.com/v2/transcript/tr-1',
      'GET https://api.assemblyai.com/v2/transcript/tr-1/srt?chars_per_caption=32',
      'DELETE https://api.assemblyai.com/v2/transcript/tr-1',
      'POST https://api.assemblyai.com/v2/transcript',
    ]);
    expect(upstream.seen[1]?.body).toBe(`{"audio_url":"${UPLOAD}u-1"}`);
    expect(upstream.seen[5]?.body).toBe('{"audio_url":"https://example.com/a.mp3"}');
  });

  it('an upload to Gemini in two steps, read, used and deleted, where the token opens files', async () => {
    const inference = ['POST /models/*'];
    const base = caller.at('google', { allowedPaths: [...GOOGLE_PATHS, ...inference] });
    const start = await post(
      `${base}/upload/v1beta/files`,
      { file: {} },
      { 'x-goog-upload-command': 'start' },
    );
    const there = start.headers.get('x-goog-upload-url') as string;
    expect(there).toMatch(/\/upload\/v1beta\/files\?upload_id=rai_[\w-]+&upload_protocol=resumable$/);
    expect(start.headers.get('access-control-expose-headers')).toContain('x-goog-upload-url');
    stayed([there], base);
    // Google's own client keeps only the path and sends it to the base's origin
    const asSdk = `${caller.relay.origin}${new URL(there).pathname}${new URL(there).search}`;
    const done = await fetch(asSdk, {
      method: 'POST',
      headers: { 'x-goog-upload-command': 'upload, finalize', 'x-goog-upload-offset': '0' },
      body: 'bytes',
    });
    expect(done.headers.get('x-goog-upload-status')).toBe('final');
    const { file } = (await json(done)) as unknown as { file: { name: string; uri: string } };
    expect(file.name).toMatch(/^files\/rai_/);
    expect(file.uri).toBe(`${GEMINI}/v1beta/${file.name}`);
    expect(await json(await fetch(`${base}/v1beta/${file.name}`))).toEqual(file);
    const part = (fileUri: string) => ({ contents: [{ parts: [{ fileData: { fileUri } }] }] });
    const generate = `${base}/v1beta/models/gemini-2.5-flash:generateContent`;
    await json(await post(generate, part(file.uri)));
    await json(await post(generate, part('https://www.youtube.com/watch?v=1')));
    for (const uri of [geminiFile.uri, geminiFile.name, `${GEMINI}./v1beta/files/g1`, 'gs://b/g1']) {
      expect((await post(generate, part(uri))).status).toBe(403);
    }
    await json(await fetch(`${base}/v1beta/${file.name}`, { method: 'DELETE' }));
    expect(upstream.lines()).toEqual([
      `POST ${GEMINI}/upload/v1beta/files`,
      `POST ${GEMINI}/upload/v1beta/files?upload_id=up-1&upload_protocol=resumable`,
      `GET ${GEMINI}/v1beta/files/g1`,
      `POST ${GEMINI}/v1beta/models/gemini-2.5-flash:generateContent`,
      `POST ${GEMINI}/v1beta/models/gemini-2.5-flash:generateContent`,
      `DELETE ${GEMINI}/v1beta/files/g1`,
    ]);
    expect(upstream.seen[1]?.headers).toMatchObject({
      'x-goog-upload-command': 'upload, finalize',
      'x-goog-api-key': 'demo-key-of-the-provider',
    });
    expect(upstream.seen[3]?.body).toBe(JSON.stringify(part(geminiFile.uri)));
  });

  it('an upload to Gemini takes no name that was somebody’s, and begins in JSON alone', async () => {
    const as = (subject: string) =>
      `${caller.at('google', { subject, allowedPaths: GOOGLE_PATHS })}/upload/v1beta/files`;
    const start = { 'x-goog-upload-protocol': 'resumable', 'x-goog-upload-command': 'start' };
    for (const body of [
      { file: { name: 'files/g1' } },
      { file: { name: 'g1' } },
      { File: { name: 'files/g1' } },
    ]) {
      const { status } = await post(as('ben'), body, start);
      expect([body, [400, 403].includes(status)]).toEqual([body, true]);
    }
    for (const type of ['multipart/related; boundary=x', 'audio/wav', 'text/plain']) {
      const answer = await fetch(as('ben'), { method: 'POST', headers: { 'content-type': type }, body: 'x' });
      expect([type, await codeOf(answer)]).toEqual([type, '415 unsupported_body']);
    }
    expect(upstream.lines()).toEqual([]);
    expect((await post(as('ana'), { file: { display_name: 'x' } }, start)).status).toBe(200);
  });

  it('with the token in a header the URLs have none in them', async () => {
    const token = caller.relay.token({ provider: 'replicate', apiKey: 'demo-key-2', maxCalls: null });
    const headers = { authorization: `Bearer ${token}` };
    const made = await json(
      await post(`${caller.relay.origin}/relayapi/-/v1/models/meta/llama/predictions`, {}, headers),
    );
    const { get } = made['urls'] as Record<string, string>;
    expect(get).toBe(`${caller.relay.origin}/relayapi/-/v1/predictions/${made['id']}`);
    expect(JSON.stringify(made)).not.toContain(token);
    expect((await json(await fetch(get as string, { headers })))['id']).toBe(made['id']);
  });

  it('another subject on the same key follows none of them, and nothing of it is sent', async () => {
    const made = async (provider: string, path: string, body: object = {}) =>
      JSON.stringify(await json(await post(caller.at(provider) + path, body)));
    const answers = [
      await made('replicate', '/v1/models/meta/llama/predictions'),
      await made('fal', '/~queue/fal-ai/flux/dev'),
      await made('bfl', '/v1/flux-pro-1.1'),
      await made('assemblyai', '/v2/transcript', { audio_url: 'https://example.com/a' }),
    ];
    const ids = answers.map((text) => /rai_[\w-]+/.exec(text)?.[0] as string);
    const raw = ['p1', 'req-1', 't-1', 'tr-1'];
    upstream.seen.length = 0;
    const asked = ([id0, id1, id2, id3]: readonly string[]) =>
      [
        ['replicate', 'GET', `/v1/predictions/${id0}`],
        ['replicate', 'POST', `/v1/predictions/${id0}/cancel`],
        ['replicate', 'GET', `/~stream/v1/files/${id0}`],
        ['replicate', 'GET', '/v1/predictions'],
        ['fal', 'GET', `/~queue/fal-ai/flux/requests/${id1}`],
        ['fal', 'GET', `/~queue/fal-ai/flux/requests/${id1}/status`],
        ['fal', 'PUT', `/~queue/fal-ai/flux/requests/${id1}/cancel`],
        ['fal', 'GET', `/fal-ai/flux/requests/${id1}`],
        ['fal', 'POST', `/~queue/fal-ai/flux/requests/${id1}`],
        ['bfl', 'GET', `/v1/get_result?id=${id2}`],
        ['bfl', 'GET', `/~eu1/v1/get_result?id=${id2}`],
        ['bfl', 'GET', `/~eu1/v1/get_result?%69d=${id2}`],
        ['assemblyai', 'GET', `/v2/transcript/${id3}`],
        ['assemblyai', 'GET', `/v2/transcript/${id3}/srt`],
        ['assemblyai', 'DELETE', `/v2/transcript/${id3}`],
        ['assemblyai', 'GET', '/v2/transcript'],
      ] as const;
    for (const [provider, method, path] of [...asked(ids), ...asked(raw)]) {
      const answer = await fetch(caller.at(provider, { subject: 'ben' }) + path, { method });
      expect(`${path} ${await codeOf(answer)}`).toMatch(/ 403 (?:path|method)_denied$/);
    }
    for (const url of [
      `${UPLOAD}u-1`,
      'HTTPS://CDN.AssemblyAI.com:443/upload/u-1',
      'cdn.assemblyai.com/upload/u-1',
    ]) {
      const answer = await post(`${caller.at('assemblyai', { subject: 'ben' })}/v2/transcript`, {
        audio_url: url,
      });
      expect(await codeOf(answer)).toBe('403 path_denied');
    }
    expect(upstream.lines()).toEqual([]);
  });

  it('an id that a token spells out is sent as it stands where the key file names it too, and nowhere else', async () => {
    const told = async (relay: RelayFixture, rest: string) => {
      const base = relay.url({
        provider: 'replicate',
        apiKey: 'demo-key-3',
        subject: 'ben',
        maxCalls: null,
        allowedPaths: ['GET /predictions/p1'],
      });
      return (await fetch(base + rest)).status;
    };
    expect(await told(caller.relay, '/v1/predictions/p1')).toBe(403);
    expect(upstream.lines()).toEqual([]);
    const allow = { paths: ['GET /predictions/p1'] };
    const relay = await startRelay({ path, allow, ports: { transport: upstream.transport } });
    expect(await told(relay, '/v1/predictions/p1')).toBe(200);
    expect(await told(relay, '/v1/predictions/p2')).toBe(403);
    expect(upstream.lines()).toEqual(['GET https://api.replicate.com/v1/predictions/p1']);
    await relay.close();
  });

  it('a token for all requests of an app names none of them, whatever the key file allows', async () => {
    const allow = { paths: ['GET /*', 'PUT /*', 'POST /*'] };
    const relay = await startRelay({ path, allow, ports: { transport: upstream.transport } });
    const as = (subject: string) =>
      relay.url({
        provider: 'fal',
        apiKey: 'demo-key-4',
        subject,
        maxCalls: null,
        allowedPaths: ['POST /fal-ai/flux/dev', 'GET /fal-ai/flux/requests/*', 'PUT /fal-ai/flux/requests/*'],
      });
    const made = await json(await post(`${as('ana')}/~queue/fal-ai/flux/dev`));
    upstream.seen.length = 0;
    for (const id of ['req-1', made['request_id']]) {
      for (const [method, rest] of [
        ['GET', ''],
        ['GET', '/status'],
        ['PUT', '/cancel'],
      ] as const) {
        const answer = await fetch(`${as('ben')}/~queue/fal-ai/flux/requests/${id}${rest}`, { method });
        expect(await codeOf(answer)).toBe('403 path_denied');
      }
    }
    expect(upstream.lines()).toEqual([]);
    expect((await fetch(`${as('ana')}/~queue/fal-ai/flux/requests/${made['request_id']}`)).status).toBe(200);
    await relay.close();
  });

  it('an alias that the entry does not name leads nowhere', async () => {
    for (const [provider, rest] of [
      ['replicate', '/~queue/v1/predictions/p1'],
      ['replicate', '/~stream/v1/predictions'],
      ['bfl', '/~evil.example/v1/get_result'],
      ['bfl', '/~eu9/v1/get_result'],
      ['fal', '/~queue'],
      ['fal', '/~rest/tokens'],
    ] as const) {
      const answer = await fetch(caller.at(provider) + rest, { method: 'GET' });
      expect(await codeOf(answer)).toMatch(/^(?:403 (?:path|method)_denied|400 bad_target)$/);
    }
    expect(upstream.lines()).toEqual([]);
  });
});
