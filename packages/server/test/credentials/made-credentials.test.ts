/**
 * Credentials that are made, through the whole relay over real sockets, on both ways in: signatures that hold for the bytes that arrived,
 * recomputed here by AWS's description with Node's own crypto, and tokens fetched by the relay's one door.
 */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { defineProvider } from '../../src/providers/define.ts';
import type { AuthScheme, Endpoint, Provider } from '../../src/providers/provider.ts';
import { codeOf, RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

/** One request as it arrived. */
interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const SHARED = 'demo/shared+word=not-real';
const SESSION = 'demo/session+word==';
const CLIENT_SECRET = 'demo-client-secret-7c21';
const FETCHED = 'demo-fetched-token-e04b';

/** An upstream and a token endpoint in one; a test says how they answer. */
let arrived: Arrived[];
let onToken: (response: ServerResponse, count: number) => void;
let onCall: (response: ServerResponse, request: Arrived) => void;
let server: Server;
let other: Server;
let origin: string;
let otherOrigin: string;
const tokens = () => arrived.filter(({ url }) => url.startsWith('/token'));
const calls = () => arrived.filter(({ url }) => !url.startsWith('/token'));

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const { method = '', url = '', headers } = request;
  const one = { method, url, headers, body: Buffer.concat(pieces) };
  arrived.push(one);
  if (url.startsWith('/token')) onToken(response, tokens().length);
  else onCall(response, one);
}

async function listen(): Promise<[Server, string]> {
  const made = createServer((request, response) => void receive(request, response));
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return [made, `http://127.0.0.1:${(made.address() as AddressInfo).port}`];
}

const quiet = () => {
  arrived = [];
  onToken = (response) => json(response, { access_token: FETCHED, expires_in: 3600 });
  onCall = (response) => json(response, { ok: true });
};

const row = (method: string, path: string, body: Endpoint['body']): Endpoint => ({
  method,
  path,
  kind: 'inference',
  dialect: 'opaque',
  body,
  models: null,
});

function provider(
  id: string,
  auth: AuthScheme,
  fields: readonly string[],
  more: Partial<Provider> = {},
): Provider {
  return defineProvider({
    id,
    name: id,
    base: origin,
    auth,
    credentialFields: fields,
    endpoints: [
      row('POST', '/model/{model}/converse', 'json'),
      row('GET', '/model/{model}/converse', 'none'),
      row('POST', '/upload', 'multipart'),
    ],
    passQuery: ['a', 'b'],
    asOf: '2026-11',
    sources: ['a test'],
    ...more,
  });
}

const AWS_FIELDS = ['access_key_id', 'secret_access_key'];
const PAIR = { client_id: 'demo-client', client_secret: CLIENT_SECRET };

function providers(): Provider[] {
  const exchanged = (url: string): AuthScheme => ({
    kind: 'exchanged',
    by: {
      kind: 'request',
      method: 'POST',
      url,
      basic: { user: '{client_id}', password: '{client_secret}' },
      form: [['grant_type', 'client_credentials']],
      tokenAt: ['access_token'],
      life: { at: ['expires_in'], unit: 'seconds' },
    },
    put: { kind: 'header', name: 'authorization', template: 'Bearer {access_token}' },
  });
  const query = (separator: '&' | ';', ...pairs: [string, string][]): AuthScheme => ({
    kind: 'query',
    pairs: pairs.map(([name, template]) => ({ name, template })),
    separator,
  });
  const fields = Object.keys(PAIR);
  return [
    provider('aws', { kind: 'signed', by: 'aws-sigv4', service: 'bedrock', region: '{region}' }, AWS_FIELDS, {
      vars: { region: '[a-z]{2}-[a-z]+-[0-9]' },
      optionalFields: ['session_token'],
    }),
    provider('exchanged', exchanged(`${origin}/token`), fields),
    provider('elsewhere', exchanged(`${otherOrigin}/token`), fields),
    provider('wolfram', query('&', ['appid', '{key}']), ['key'], { passQuery: ['a', 'appid'] }),
    provider('bigml', query(';', ['username', '{user}'], ['api_key', '{key}']), ['user', 'key']),
    provider('basic', { kind: 'basic', user: '{user}', password: '{word}' }, ['user', 'word']),
  ];
}

beforeAll(async () => {
  quiet();
  [server, origin] = await listen();
  [other, otherOrigin] = await listen();
});
afterEach(quiet);
afterAll(() => {
  for (const one of [server, other]) {
    one.close();
    one.closeAllConnections();
  }
});

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

/** The signature by AWS's description, of what arrived: nothing of it is taken from the code under test. */
function awsSignature({ method, url, headers, body }: Arrived): string {
  const [path = '', query = ''] = url.split('?', 2);
  const [, day = '', region = '', service = '', names = ''] =
    /\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '') ??
    [];
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonical = [
    method,
    path.split('/').map(encode).join('/'),
    query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => pair.split('=').map((text) => encode(decodeURIComponent(text))))
      .map(([name, value = '']) => `${name}=${value}`)
      .sort()
      .join('&'),
    ...names.split(';').map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const time = String(headers['x-amz-date']);
  const text = ['AWS4-HMAC-SHA256', time, `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join(
    '\n',
  );
  const mac = (by: string | Buffer, data: string) => createHmac('sha256', by).update(data).digest();
  const derived = [day, region, service, 'aws4_request'].reduce<string | Buffer>(mac, `AWS4${SHARED}`);
  return mac(derived, text).toString('hex');
}

describe.each(RELAY_PATHS)('on the %s path', (path) => {
  let relay: RelayFixture;
  beforeAll(async () => {
    relay = await startRelay({
      path,
      ports: { moreProviders: providers(), allowPrivate: [new URL(origin).host] },
      config: { server: { max_buffered_bytes: 1024 * 1024 } },
    });
  });
  afterAll(() => relay.close());

  const aws = (more: Record<string, string> = {}, limits: object = {}) =>
    relay.url({
      provider: 'aws',
      credential: { access_key_id: 'AKDEMO', secret_access_key: SHARED, ...more },
      vars: { region: 'eu-central-1' },
      ...limits,
    });
  const exchanged = (id = 'exchanged', more: object = {}) =>
    relay.url({ provider: id, credential: PAIR, ...more });
  const converse = (url: string, body = '{}', headers: Record<string, string> = {}) =>
    fetch(`${url}/model/m/converse`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  // a GET with the token in its path has to be listed
  const PATHS = ['POST /model/*', 'GET /model/*'];
  const BODY = JSON.stringify({ text: 'Grüße, 世界' });
  it.each<[string, string, RequestInit, Record<string, string>]>([
    ['a model with a colon', '/model/anthropic.claude-3%3A0/converse', { method: 'POST', body: BODY }, {}],
    ['a query', '/model/m/converse?b=%C3%A9%20x&a=1', { method: 'POST', body: BODY }, {}],
    ['a session', '/model/m/converse', { method: 'POST', body: BODY }, { session_token: SESSION }],
    ['no body', '/model/m/converse', { method: 'POST' }, {}],
    ['a GET', '/model/m/converse?a=2', { method: 'GET' }, {}],
  ])('a signature holds for the bytes that arrived: %s', async (_, target, init, more) => {
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'x-amz-date': '19700101T000000Z',
      'x-amz-security-token': 'the-caller-has-no-say',
    };
    const response = await fetch(aws(more, { allowedPaths: PATHS }) + target, { ...init, headers });
    expect([response.status, arrived.length]).toEqual([200, 1]);
    const [got] = arrived as [Arrived];
    expect([got.url, got.body.toString()]).toEqual([target, init.body ?? '']);
    const { authorization = '', host, ...rest } = got.headers;
    expect(authorization).toContain(`Signature=${awsSignature(got)}`);
    const signed = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? [];
    expect(signed).toEqual(expect.arrayContaining(['host', 'x-amz-content-sha256', 'x-amz-date']));
    expect(signed.includes('content-type')).toBe(got.headers['content-type'] !== undefined);
    expect(
      signed.filter((name) => /^(?:accept|user-agent|cdn-loop|content-length|connection)/.test(name)),
    ).toEqual([]);
    expect(host).toBe(new URL(origin).host);
    expect(rest['x-amz-content-sha256']).toBe(sha256(got.body));
    expect(rest['x-amz-security-token']).toBe(more['session_token']);
    expect(got.headers['transfer-encoding']).toBeUndefined();
  });

  it('a body that is signed is held whole, and refused like any that is held', async () => {
    const chunked = async (size: number, limits: object = {}) => {
      const stream = new ReadableStream({
        start(controller) {
          for (let left = size; left > 0; left -= 65_536)
            controller.enqueue(new Uint8Array(Math.min(left, 65_536)));
          controller.close();
        },
      });
      const init = {
        method: 'POST',
        body: stream,
        duplex: 'half',
        headers: { 'content-type': 'application/json' },
      };
      return fetch(`${aws({}, limits)}/model/m/converse`, init as RequestInit);
    };
    expect((await chunked(200_000)).status).toBe(200);
    const [got] = arrived as [Arrived];
    expect([got.headers['content-length'], got.body.length]).toEqual(['200000', 200_000]);
    expect(got.headers['authorization']).toContain(awsSignature(got));
    expect(await codeOf(await chunked(200_001, { maxRequestBytes: 200_000 }))).toBe('413 request_too_large');
    expect(await codeOf(await chunked(1_100_000))).toBe('503 capacity');
    expect(arrived).toHaveLength(1);
  });

  it('a body that is not signed still streams, and neither kind of call changes a form', async () => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(100_000).fill(7)]), 'ü.bin');
    const request = new Request('http://x/', { method: 'POST', body: form });
    const type = request.headers.get('content-type') ?? '';
    const bytes = new Uint8Array(await request.arrayBuffer());
    for (const url of [aws(), exchanged()]) {
      const stream = new Blob([bytes]).stream();
      const init = { method: 'POST', body: stream, duplex: 'half', headers: { 'content-type': type } };
      expect((await fetch(`${url}/upload`, init as RequestInit)).status).toBe(200);
    }
    const [signed, streamed] = calls() as [Arrived, Arrived];
    for (const got of [signed, streamed]) {
      expect([sha256(got.body), got.headers['content-type']]).toEqual([sha256(bytes), type]);
    }
    expect(signed.headers['authorization']).toContain(awsSignature(signed));
    expect([signed, streamed].map(({ headers }) => headers['transfer-encoding'])).toEqual([
      undefined,
      'chunked',
    ]);
  });

  it('a token is fetched once for all that come together, and goes up as the entry says', async () => {
    const credential = { ...PAIR, client_id: `together-${path}` };
    const url = exchanged('exchanged', { credential, maxCalls: 100 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => converse(url)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect([tokens().length, calls().length]).toEqual([1, 40]);
    const [token] = tokens() as [Arrived];
    const basic = Buffer.from(`together-${path}:${CLIENT_SECRET}`).toString('base64');
    expect([token.method, token.headers['authorization'], token.body.toString()]).toEqual([
      'POST',
      `Basic ${basic}`,
      'grant_type=client_credentials',
    ]);
    expect(new Set(calls().map(({ headers }) => headers['authorization']))).toEqual(
      new Set([`Bearer ${FETCHED}`]),
    );
  });

  it('a call is given back when no token could be had, and an attempt is not', async () => {
    const credential = { ...PAIR, client_id: `refunded-${path}` };
    const url = exchanged('exchanged', { credential, maxCalls: 1, maxAttempts: 3 });
    onToken = (response) => json(response, { error: CLIENT_SECRET }, 500);
    expect(await codeOf(await converse(url))).toBe('502 upstream_unreachable');
    onToken = (response) => response.writeHead(307, { location: `${otherOrigin}/token` }).end();
    expect(await codeOf(await converse(url))).toBe('502 upstream_invalid');
    expect(calls()).toEqual([]);
    expect(tokens()).toHaveLength(2);
    quiet();
    expect((await converse(url)).status).toBe(200);
    expect(await codeOf(await converse(url))).toMatch(/^402 /);
    onToken = (response) => json(response, {}, 500);
    const parts = { ...PAIR, client_id: `attempted-${path}` };
    const once = exchanged('exchanged', { credential: parts, maxCalls: 9, maxAttempts: 1 });
    expect(await codeOf(await converse(once))).toBe('502 upstream_unreachable');
    expect(await codeOf(await converse(once))).toBe('402 attempts_exhausted');
  });

  it('a refused token is fetched anew by the next call', async () => {
    const credential = { ...PAIR, client_id: `anew-${path}` };
    const url = exchanged('exchanged', { credential });
    expect((await converse(url)).status).toBe(200);
    onCall = (response) => json(response, { error: FETCHED }, 401);
    expect(await codeOf(await converse(url))).toBe('502 upstream_auth');
    quiet();
    onToken = (response) => json(response, { access_token: 'demo-fetched-token-2' });
    expect((await converse(url)).status).toBe(200);
    expect(calls()[0]?.headers['authorization']).toBe('Bearer demo-fetched-token-2');
  });

  it('no secret of either kind comes back or is logged', async () => {
    const credential = { ...PAIR, client_id: `silent-${path}` };
    const url = exchanged('exchanged', { credential });
    onToken = (response) => json(response, { error: CLIENT_SECRET }, 503);
    const shown = [await (await converse(url)).text()];
    quiet();
    onCall = (response, { headers }) => json(response, { said: headers['authorization'] }, 400);
    const echoed = await converse(url);
    shown.push(await echoed.text(), JSON.stringify([...echoed.headers]));
    expect(shown[1]).toContain('upstream_invalid');
    onCall = (response) =>
      response.writeHead(400, { 'content-type': 'text/plain' }).end(`was ${CLIENT_SECRET}`);
    shown.push(await (await converse(url)).text());
    onCall = (response) => response.writeHead(400, { 'content-type': 'text/plain' }).end(`was ${SHARED}`);
    shown.push(await (await converse(aws())).text());
    const all = shown.join('\n') + JSON.stringify(relay.lines);
    for (const word of [CLIENT_SECRET, FETCHED, SHARED]) expect(all).not.toContain(word.slice(0, 14));
  });

  it('a credential in the query stands behind the caller’s, who cannot name one', async () => {
    const wolfram = relay.url({ provider: 'wolfram', apiKey: 'DEMO-APP&ID', allowedPaths: PATHS });
    await converse(`${wolfram}`, '{}');
    await fetch(`${wolfram}/model/m/converse?a=1&appid=mine`);
    const bigml = relay.url({
      provider: 'bigml',
      credential: { user: 'demo', key: 'k/1' },
      allowedPaths: PATHS,
    });
    await fetch(`${bigml}/model/m/converse`);
    expect(calls().map(({ url }) => url)).toEqual([
      '/model/m/converse?appid=DEMO-APP%26ID',
      '/model/m/converse?a=1&appid=DEMO-APP%26ID',
      '/model/m/converse?username=demo;api_key=k%2F1',
    ]);
    expect(JSON.stringify(relay.lines)).not.toContain('DEMO-APP');
  });

  it('Basic is made of the parts', async () => {
    await converse(relay.url({ provider: 'basic', credential: { user: 'demo-user', word: 'demo:word' } }));
    const basic = Buffer.from('demo-user:demo:word').toString('base64');
    expect(calls()[0]?.headers['authorization']).toBe(`Basic ${basic}`);
  });
});

it('a token endpoint at a private address is not dialled unless config lists it', async () => {
  const ports = (...open: string[]) => ({
    moreProviders: providers(),
    allowPrivate: open.map((place) => new URL(place).host),
  });
  const closed = await startRelay({ ports: ports(origin) });
  const ask = (relay: RelayFixture) =>
    fetch(`${relay.url({ provider: 'elsewhere', credential: PAIR })}/model/m/converse`, {
      method: 'POST',
      body: '{}',
    });
  expect(await codeOf(await ask(closed))).toBe('403 destination_denied');
  expect(arrived).toEqual([]);
  const open = await startRelay({ demo: closed.demo, ports: ports(origin, otherOrigin) });
  expect((await ask(open)).status).toBe(200);
  expect([tokens().length, calls().length]).toEqual([1, 1]);
  await Promise.all([closed.close(), open.close()]);
});
