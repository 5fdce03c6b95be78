/** Two subjects on one upstream key: neither reads, lists, deletes, ends or goes on from what the other made (0033). */
import { createHash } from 'node:crypto';
import { RelayAPIClient } from 'relayapi-sdk';
import { createRai, rotateRai } from 'relayapi-token';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { codeOf, named, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { type FakeAnswer, type FakeUpstream, type SeenRequest, startFakeUpstream } from './fake-upstream.ts';

const KEY = 'sk-demo-openai';
const OPENED = [
  'POST /responses',
  'POST /responses/*',
  'GET /responses/*',
  'DELETE /responses/*',
  'POST /chat/completions',
  'POST /files',
  'GET /files/*',
  'DELETE /files/*',
  'GET /responses',
  'GET /files',
];

const response = (id: string, previous: string | null = null) => ({
  id,
  object: 'response',
  previous_response_id: previous,
  output: [{ id: `msg_of_${id}`, type: 'message', content: [{ type: 'output_text', text: `I am ${id}` }] }],
  metadata: { id: 'resp_only_looks_so' },
});

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
}

/** OpenAI as far as these tests go. Ids are the same each time, so that the same id is seen twice. */
function openai({ line, body }: SeenRequest): FakeAnswer {
  const [method = '', url = ''] = line.split(' ');
  const path = url.slice('https://api.openai.com'.length);
  const json = body.trimStart().startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : {};
  if (method === 'POST' && path === '/v1/responses') {
    const made = response('resp_1', (json['previous_response_id'] as string | undefined) ?? null);
    if (json['model'] === 'large') return { body: { ...made, text: 'x'.repeat(600_000) } };
    if (json['stream'] !== true) return { body: made };
    const text = [
      event('response.created', { response: made }),
      event('response.output_item.added', { item: made.output[0] }),
      event('response.output_text.delta', { item_id: 'msg_of_resp_1', delta: 'id: resp_1 {"id":"resp_1"}' }),
      event('response.completed', { response: made }),
      'data: [DONE]\n\n',
    ].join('');
    return { headers: { 'content-type': 'text/event-stream' }, body: cut(text, 37) };
  }
  if (method === 'POST' && path === '/v1/files') return { body: { id: 'file-1', object: 'file' } };
  if (path.startsWith('/v1/files/file-1/content')) {
    return { headers: { 'content-type': 'application/octet-stream' }, body: 'the file-1 itself' };
  }
  if (path.startsWith('/v1/responses/resp_1/input_items')) {
    return { body: { object: 'list', data: [{ id: 'msg_in' }], first_id: 'msg_in', last_id: 'msg_in' } };
  }
  if (/^\/v1\/files\/file-1$/.test(path)) return { body: { id: 'file-1', object: 'file' } };
  if (/^\/v1\/responses\/resp_1(?:\/cancel)?$/.test(path)) return { body: response('resp_1') };
  return { status: 404, body: { error: { message: `no ${path}` } } };
}

function cut(text: string, bytes: number): string[] {
  return Array.from({ length: Math.ceil(text.length / bytes) }, (_, i) =>
    text.slice(i * bytes, (i + 1) * bytes),
  );
}

interface Made {
  readonly response: string;
  readonly item: string;
  readonly file: string;
}

let upstream: FakeUpstream;
let relay: RelayFixture;
let ana: string;
let ben: string;
let made: Made;

beforeAll(async () => {
  upstream = await startFakeUpstream(openai);
  relay = await startRelay({
    allow: { paths: [...OPENED, 'GET /*', 'POST /*'] },
    ports: { transport: upstream.transport },
  });
  ana = urlFor('ana');
  ben = urlFor('ben');
  made = await makeAs(ana);
});
afterAll(async () => {
  await relay.close();
  await upstream.close();
});
beforeEach(() => {
  upstream.seen.length = 0;
});

function urlFor(subject: string | undefined, allowedPaths: readonly string[] | null = OPENED): string {
  const paths = allowedPaths === null ? {} : { allowedPaths };
  return relay.url({ provider: 'openai', apiKey: KEY, subject, maxCalls: null, ...paths });
}

function ask(base: string, method: string, path: string, body?: object | string): Promise<Response> {
  return fetch(`${base}/v1${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  });
}

async function makeAs(base: string): Promise<Made> {
  const answer = (await (
    await ask(base, 'POST', '/responses', { model: 'm', input: 'x' })
  ).json()) as ReturnType<typeof response>;
  const form = new FormData();
  form.set('purpose', 'user_data');
  form.set('file', new Blob(['hello']), 'a.txt');
  const file = (await (await fetch(`${base}/v1/files`, { method: 'POST', body: form })).json()) as {
    id: string;
  };
  return { response: answer.id, item: answer.output[0]?.id ?? '', file: file.id };
}

/** Each way to use an id, by the text of the id. */
const USES: Record<string, (base: string, id: string) => Promise<Response>> = {
  'read a response': (base, id) => ask(base, 'GET', `/responses/${id}`),
  'read what went into it': (base, id) => ask(base, 'GET', `/responses/${id}/input_items`),
  'cancel it': (base, id) => ask(base, 'POST', `/responses/${id}/cancel`),
  'delete it': (base, id) => ask(base, 'DELETE', `/responses/${id}`),
  'go on from it': (base, id) => ask(base, 'POST', '/responses', { model: 'm', previous_response_id: id }),
  'go on from it in a stream': (base, id) =>
    ask(base, 'POST', '/responses', { model: 'm', stream: true, previous_response_id: id }),
};
const FILE_USES: Record<string, (base: string, id: string) => Promise<Response>> = {
  'read a file': (base, id) => ask(base, 'GET', `/files/${id}`),
  'read its content': (base, id) => ask(base, 'GET', `/files/${id}/content`),
  'delete it': (base, id) => ask(base, 'DELETE', `/files/${id}`),
  'put it into an answer': (base, id) =>
    ask(base, 'POST', '/responses', {
      model: 'm',
      input: [{ role: 'user', content: [{ type: 'input_file', file_id: id }] }],
    }),
  'put it into a chat': (base, id) =>
    ask(base, 'POST', '/chat/completions', {
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: id } }] }],
    }),
  'put it into a tool': (base, id) =>
    ask(base, 'POST', '/responses', {
      model: 'm',
      tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: [id] } }],
    }),
};
const ITEM_USES: Record<string, (base: string, id: string) => Promise<Response>> = {
  'refer to an item': (base, id) =>
    ask(base, 'POST', '/responses', { model: 'm', input: [{ type: 'item_reference', id }] }),
  'refer to the only item': (base, id) =>
    ask(base, 'POST', '/responses', { model: 'm', input: { type: 'item_reference', id } }),
  'list from an item': (base, id) =>
    ask(base, 'GET', `/responses/${base === ana ? made.response : 'rai_x'}/input_items?after=${id}`),
};

describe('one’s own', () => {
  it('has an id that tells nothing of the upstream’s, and works everywhere the upstream’s would', async () => {
    for (const id of Object.values(made)) expect(id).toMatch(/^rai_[A-Za-z0-9_-]{20,}$/);
    for (const use of Object.values(USES)) {
      const answer = await use(ana, made.response);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toMatch(/rai_/);
    }
    for (const use of Object.values(FILE_USES)) expect((await use(ana, made.file)).status).not.toBe(403);
    for (const use of Object.values(ITEM_USES)) expect((await use(ana, made.item)).status).toBe(200);
    expect(upstream.lines()).toEqual([
      'GET https://api.openai.com/v1/responses/resp_1',
      'GET https://api.openai.com/v1/responses/resp_1/input_items',
      'POST https://api.openai.com/v1/responses/resp_1/cancel',
      'DELETE https://api.openai.com/v1/responses/resp_1',
      'POST https://api.openai.com/v1/responses',
      'POST https://api.openai.com/v1/responses',
      'GET https://api.openai.com/v1/files/file-1',
      'GET https://api.openai.com/v1/files/file-1/content',
      'DELETE https://api.openai.com/v1/files/file-1',
      'POST https://api.openai.com/v1/responses',
      'POST https://api.openai.com/v1/chat/completions',
      'POST https://api.openai.com/v1/responses',
      'POST https://api.openai.com/v1/responses',
      'POST https://api.openai.com/v1/responses',
      'GET https://api.openai.com/v1/responses/resp_1/input_items?after=msg_of_resp_1',
    ]);
    const bodies = upstream.seen.map(({ body }) => body).filter((body) => body !== '');
    expect(bodies.join('\n')).not.toContain('rai_');
    expect(bodies[0]).toBe('{"model":"m","previous_response_id":"resp_1"}');
  });

  it('looks the same each time: plain, in a stream, later, and by another token of the same subject', async () => {
    const again = await makeAs(urlFor('ana'));
    expect(again).toEqual(made);
    const stream = await ask(ana, 'POST', '/responses', { model: 'm', stream: true });
    const text = await stream.text();
    expect(text).toBe(
      (
        openai({ line: 'POST https://api.openai.com/v1/responses', headers: {}, body: '{"stream":true}' })
          .body as string[]
      )
        .join('')
        .replaceAll('"id":"resp_1"', `"id":"${made.response}"`)
        .replaceAll('"id":"msg_of_resp_1"', `"id":"${made.item}"`)
        .replaceAll('"item_id":"msg_of_resp_1"', `"item_id":"${made.item}"`),
    );
    const read = (await (await ask(ana, 'GET', `/responses/${made.response}`)).json()) as object;
    expect(read).toEqual({
      ...response('resp_1'),
      id: made.response,
      output: [{ ...response('resp_1').output[0], id: made.item }],
    });
  });

  it('is the token’s alone where it names no subject', async () => {
    const [one, other] = [urlFor(undefined), urlFor(undefined)];
    const own = await makeAs(one);
    expect((await ask(one, 'GET', `/responses/${own.response}`)).status).toBe(200);
    upstream.seen.length = 0;
    expect(await codeOf(await ask(other, 'GET', `/responses/${own.response}`))).toBe('403 path_denied');
    expect(await codeOf(await ask(one, 'GET', `/responses/${made.response}`))).toBe('403 path_denied');
    expect(upstream.lines()).toEqual([]);
  });

  it('is read by another relay with the same key file, and by none with another', async () => {
    const twin = await startRelay({ files: relay.files, ports: { transport: upstream.transport } });
    const stranger = await startRelay({
      allow: { paths: OPENED },
      ports: { transport: upstream.transport },
    });
    const sealed = { provider: 'openai', apiKey: KEY, subject: 'ana', allowedPaths: OPENED, maxCalls: null };
    expect((await ask(twin.url(sealed), 'GET', `/responses/${made.response}`)).status).toBe(200);
    upstream.seen.length = 0;
    expect(await codeOf(await ask(stranger.url(sealed), 'GET', `/responses/${made.response}`))).toBe(
      '403 path_denied',
    );
    expect(upstream.lines()).toEqual([]);
    await twin.close();
    await stranger.close();
  });
});

describe('keys and memory', () => {
  it('an id outlives the rotation of the key that it was made under, for as long as the file has that key', async () => {
    const twin = await startRelay({ files: relay.files, ports: { transport: upstream.transport } });
    const rotated = rotateRai(relay.files.relay, relay.files.issuer, {
      now: Math.floor(Date.now() / 1000),
      graceSeconds: 600,
    });
    await twin.instance.reloadKeys([named('relay.rai', rotated.relay)]);
    const issuer = { ...rotated.issuer, relay: `${twin.origin}/relayapi/` } as object;
    const base = new RelayAPIClient(issuer).generateUrl({
      provider: 'openai',
      apiKey: KEY,
      subject: 'ana',
      allowedPaths: OPENED,
    });
    expect((await ask(base, 'GET', `/responses/${made.response}`)).status).toBe(200);
    const { response: anew } = await makeAs(base);
    expect(anew).not.toBe(made.response);
    // and the old token reads what the new one made
    const before = twin.url({ provider: 'openai', apiKey: KEY, subject: 'ana', allowedPaths: OPENED });
    expect((await ask(before, 'GET', `/responses/${anew}`)).status).toBe(200);
    await twin.close();
  });

  it('an id is read as before beside a file that names the same key and was not taken', async () => {
    const twin = await startRelay({ files: relay.files, ports: { transport: upstream.transport } });
    const own = relay.files.relay as { readonly keys: readonly { readonly kid: string }[] };
    const other = createRai({ method: 'aes', relay: 'http://127.0.0.1:1/relayapi/', iss: 'x', role: 'pair' });
    if (!('issuer' in other)) throw new Error('a pair was asked for');
    const [key] = (other.relay as { keys: object[] }).keys;
    const twice = { ...other.relay, keys: [{ ...key, kid: own.keys[0]?.kid }] };
    const rejected = await twin.instance.reloadKeys([named('a.rai', own), named('b.rai', twice)]);
    expect(rejected.map(({ name }) => name)).toEqual(['b.rai']);
    const base = twin.url({ provider: 'openai', apiKey: KEY, subject: 'ana', allowedPaths: OPENED });
    expect((await ask(base, 'GET', `/responses/${made.response}`)).status).toBe(200);
    await twin.close();
  });

  it('answers that are held count against the memory of all bodies', async () => {
    const small = await startRelay({
      files: relay.files,
      config: { server: { max_buffered_bytes: 1024 * 1024 } },
      ports: { transport: upstream.transport },
    });
    const base = small.url({ provider: 'openai', apiKey: KEY, subject: 'ana', allowedPaths: OPENED });
    expect((await ask(base, 'POST', '/responses', { model: 'm' })).status).toBe(200);
    expect(await codeOf(await ask(base, 'POST', '/responses', { model: 'large' }))).toBe('503 capacity');
    // given back with the exchange
    expect((await ask(base, 'POST', '/responses', { model: 'm' })).status).toBe(200);
    await small.close();
  });
});

describe('A29 another subject’s', () => {
  const raw: Made = { response: 'resp_1', item: 'msg_of_resp_1', file: 'file-1' };
  const variants: Record<string, (id: string, upstreams: string) => string> = {
    'as it was given': (id) => id,
    'as the upstream has it': (_, id) => id,
    tampered: (id) => `${id.slice(0, 12)}${id[12] === 'A' ? 'B' : 'A'}${id.slice(13)}`,
    truncated: (id) => id.slice(0, -1),
    lengthened: (id) => `${id}A`,
    'as base64 with padding': (id) => `${id}=`,
    'escaped once': (id) => id.replace('r', '%72'),
    'in capitals': (id) => id.toUpperCase(),
    'without its prefix': (id) => id.slice(4),
    empty: () => 'rai_',
    garbage: () => 'rai_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  };

  it.each(Object.entries(variants))(
    'is refused, %s, for every use, and nothing is sent',
    async (_, variant) => {
      const uses = [
        ...Object.values(USES).map((use) => [use, 'response'] as const),
        ...Object.values(FILE_USES).map((use) => [use, 'file'] as const),
        ...Object.values(ITEM_USES).map((use) => [use, 'item'] as const),
      ];
      const answers = await Promise.all(
        uses.map(async ([use, what]) => codeOf(await use(ben, variant(made[what], raw[what])))),
      );
      expect(new Set(answers)).toEqual(new Set(['403 path_denied']));
      expect(upstream.lines()).toEqual([]);
    },
  );

  it('is refused of another kind, too: a file is no response', async () => {
    expect(await codeOf(await ask(ana, 'GET', `/responses/${made.file}`))).toBe('403 path_denied');
    expect(await codeOf(await ask(ana, 'GET', `/files/${made.response}`))).toBe('403 path_denied');
    expect(upstream.lines()).toEqual([]);
  });

  it('is refused in the very words of a mere guess', async () => {
    const told = async (answer: Response) => {
      const id = answer.headers.get('x-request-id') ?? 'none';
      const lines = [...answer.headers].filter(([name]) => name !== 'date' && name !== 'x-request-id');
      return JSON.stringify([answer.status, lines, (await answer.text()).replaceAll(id, 'ID')]);
    };
    for (const use of [USES['read a response'], USES['go on from it']]) {
      const words = [made.response, 'resp_1', 'rai_AAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'rai_', 'x'];
      const answers = await Promise.all(
        words.map(async (id) => told(await (use as NonNullable<typeof use>)(ben, id))),
      );
      expect(new Set(answers).size).toBe(1);
    }
    expect(upstream.lines()).toEqual([]);
  });

  it('is not listed, and not reached by a path that no row knows', async () => {
    const wide = urlFor('ben', ['GET /*', 'POST /*']);
    for (const base of [ben, wide]) {
      for (const path of [
        '/responses',
        '/responses/',
        '/files',
        '/files?limit=1',
        '/responses/resp_1/unknown',
        '/%72esponses/resp_1',
        '/RESPONSES/resp_1',
        '/Files/file-1/content',
        `/responses/${made.response}/other`,
      ]) {
        expect(await codeOf(await ask(base, 'GET', path))).toMatch(/^403 (?:path|method)_denied$/);
      }
    }
    expect(upstream.lines()).toEqual([]);
  });

  it('is not listed by a token whose own list, and the key file’s, name the list alone', async () => {
    for (const paths of [['GET /files'], ['HEAD /files/*'], ['GET /responses', 'POST /responses']]) {
      const base = urlFor('ben', paths);
      for (const [method, path] of [
        ['GET', '/files'],
        ['HEAD', '/files/file-1/content'],
        ['GET', '/responses'],
      ] as const) {
        expect((await ask(base, method, path)).status).toBe(403);
      }
    }
    expect(upstream.lines()).toEqual([]);
  });

  it('is reached where the token spells the upstream’s id out, and nothing beside it', async () => {
    const base = urlFor('ben', [
      'POST /responses',
      'GET /responses/resp_1',
      'GET /responses/resp_1/*',
      'POST /files',
      'GET /files/file-1',
    ]);
    for (const path of ['/responses/resp_1', '/responses/resp_1/input_items', '/files/file-1']) {
      expect([path, (await ask(base, 'GET', path)).status]).toEqual([path, 200]);
    }
    upstream.seen.length = 0;
    for (const path of [
      '/responses/resp_2',
      '/files/file-2',
      '/files/file-1/content',
      '/responses/resp_10',
    ]) {
      expect([path, (await ask(base, 'GET', path)).status]).toEqual([path, 403]);
    }
    expect((await ask(base, 'DELETE', '/responses/resp_1')).status).toBe(403);
    expect(upstream.lines()).toEqual([]);
  });

  it('is opened where a token spells out the sealed id, for its subject alone', async () => {
    const paths = [`GET /responses/${made.response}`];
    expect((await ask(urlFor('ana', paths), 'GET', `/responses/${made.response}`)).status).toBe(200);
    expect(upstream.lines()).toEqual(['GET https://api.openai.com/v1/responses/resp_1']);
    expect((await ask(urlFor('ben', paths), 'GET', `/responses/${made.response}`)).status).toBe(403);
    expect(upstream.lines()).toHaveLength(1);
  });

  it('is not reached by a name in other letters, or by an id in a form', async () => {
    for (const body of [
      { model: 'm', Previous_Response_Id: 'resp_1' },
      { model: 'm', input: [{ content: [{ FILE_ID: 'file-1' }] }] },
      { model: 'm', input: [{ ID: 'msg_of_resp_1', type: 'item_reference' }] },
    ]) {
      expect(await codeOf(await ask(ben, 'POST', '/responses', body))).toBe('400 bad_body');
    }
    const twice = '{"previous_response_id":"x","previous_response_id":"resp_1"}';
    expect(await codeOf(await ask(ben, 'POST', '/responses', twice))).toBe('400 bad_body');
    const form = new FormData();
    form.set('previous_response_id', 'resp_1');
    const posted = await fetch(`${ben}/v1/responses`, { method: 'POST', body: form });
    expect(await codeOf(posted)).toBe('415 unsupported_body');
    expect(upstream.lines()).toEqual([]);
  });
});

describe('a batch, into whose file nobody looks', () => {
  it.each([
    ['models', { allowedModels: ['m'] }, '403 model_denied'],
    ['cap', { cap: { max_tokens: 10 } }, '415 unsupported_body'],
    ['set', { set: { model: 'm' } }, '415 unsupported_body'],
  ])('is started by no token with `%s`', async (_, more, refusal) => {
    const paths = { allowedPaths: ['POST /batches', 'POST /files'] };
    const sealed = { provider: 'openai', apiKey: KEY, subject: 'ana', maxCalls: null, ...paths };
    const body = { input_file_id: made.file, endpoint: '/v1/responses' };
    expect((await ask(relay.url(sealed), 'POST', '/batches', body)).status).toBe(404);
    expect(upstream.seen.at(-1)?.body).toBe('{"input_file_id":"file-1","endpoint":"/v1/responses"}');
    upstream.seen.length = 0;
    const limited = relay.url({ ...sealed, ...more });
    expect(await codeOf(await ask(limited, 'POST', '/batches', body))).toBe(refusal);
    expect(upstream.lines()).toEqual([]);
  });
});

describe('a token that opens no stored things', () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

  it('has bytes pass untouched in both directions, plain and streamed', async () => {
    const plain = urlFor('ana', null);
    for (const more of [{}, { stream: true }]) {
      const body = ` { "model" : "m" , "previous_response_id":"resp_0", "input":[{"id":"msg_0"}]${more.stream ? ',"stream":true' : ''}}`;
      const got = await (await ask(plain, 'POST', '/responses', body)).text();
      expect(upstream.seen.at(-1)?.body).toBe(body);
      const { body: sent } = openai(upstream.seen.at(-1) as SeenRequest);
      const text = Array.isArray(sent) ? sent.join('') : JSON.stringify(sent);
      expect(sha256(got)).toBe(sha256(text));
      expect(got).not.toContain('rai_');
    }
    expect(await codeOf(await ask(plain, 'GET', '/responses/resp_1'))).toBe('403 path_denied');
  });

  it('seals nothing by its own list where the key file does not list the path, and by an id spelled out', async () => {
    const pinned = urlFor('ana', ['POST /responses', 'GET /responses/resp_1']);
    const strict = await startRelay({
      allow: { paths: ['GET /responses/resp_1'] },
      ports: { transport: upstream.transport },
    });
    const url = strict.url({
      provider: 'openai',
      apiKey: KEY,
      allowedPaths: ['POST /responses', 'GET /responses/resp_1'],
      maxCalls: null,
    });
    for (const base of [pinned, url]) {
      const answer = (await (await ask(base, 'POST', '/responses', { model: 'm' })).json()) as { id: string };
      expect(answer.id).toBe('resp_1');
      expect((await ask(base, 'GET', '/responses/resp_1')).status).toBe(200);
    }
    await strict.close();
  });
});
