/**
 * Signatures and tokens of the cloud providers, verified over what arrived: worked out here a second time with node:crypto from the
 * providers' documents, without a line of the code under test.
 */
import { createHash, createHmac, createVerify, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Seen, startWire, type Wire, type WireCall } from './wire.ts';

let wire: Wire;
beforeAll(async () => {
  wire = await startWire({ config: { providers: { 'aws-comprehend': { enabled: true } } } });
});
afterAll(() => wire.close());

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
const BODY = '{"text": "h\u00e9llo"}';
const RSA = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** As a token carries it: the base64 between PEM's lines, since a token's texts hold no line breaks. */
const PRIVATE_KEY = RSA.privateKey.replace(/-----[^-]+-----|\n/g, '');

async function send(call: WireCall): Promise<Seen> {
  const { status, seen } = await wire.send({
    body: BODY,
    ...call,
    headers: { 'content-type': 'application/json', ...call.headers },
  });
  expect(status).toBe(200);
  if (seen === null) throw new Error('nothing arrived');
  return seen;
}

/** RFC 3986, as AWS and its likes encode. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Value of a header that arrived, or the host. */
function lineOf(seen: Seen, name: string): string {
  return name === 'host' ? new URL(seen.origin).host : (seen.header(name) ?? '').trim();
}

function canonicalHeaders(seen: Seen, signedNames: string): string {
  return signedNames
    .split(';')
    .map((name) => `${name}:${lineOf(seen, name)}\n`)
    .join('');
}

/** AWS Signature Version 4 over what arrived: the whole authorization line. Path segments are encoded once more, for every service but S3. */
function sigV4Line(seen: Seen, secret: string, names: string, scope: string, id: string): string {
  const [path = '', query = ''] = seen.target.split('?', 2);
  const canonical = [
    seen.method,
    path.split('/').map(encode).join('/'),
    query.split('&').sort().join('&'),
    canonicalHeaders(seen, names),
    names,
    sha256(seen.body),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', lineOf(seen, 'x-amz-date'), scope, sha256(canonical)].join('\n');
  const key = scope.split('/').reduce<Buffer | string>((made, part) => hmac(made, part), `AWS4${secret}`);
  const signature = hmac(key as Buffer, text).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
}

describe('AWS Signature Version 4', () => {
  const KEYS = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'sk-demo-aws' };
  const REGION = { region: 'eu-central-1' };

  it.each<[string, string, string, WireCall]>([
    [
      'Bedrock, a session token, an escaped model name',
      'https://bedrock-runtime.eu-central-1.amazonaws.com/model/anthropic.claude-3%3A0/converse',
      'bedrock',
      {
        provider: 'amazon-bedrock',
        path: '/model/anthropic.claude-3%3A0/converse',
        credential: { ...KEYS, session_token: 'demo-session+/=' },
      },
    ],
    [
      'Bedrock, an inference profile by its ARN, streaming',
      'https://bedrock-runtime.eu-central-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Fm/converse-stream',
      'bedrock',
      {
        provider: 'amazon-bedrock',
        path: '/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Fm/converse-stream',
      },
    ],
    [
      'Bedrock, OpenAI-compatible',
      'https://bedrock-runtime.eu-central-1.amazonaws.com/openai/v1/chat/completions',
      'bedrock',
      { provider: 'amazon-bedrock', path: '/openai/v1/chat/completions' },
    ],
    [
      'Bedrock Mantle, which has its own service name',
      'https://bedrock-mantle.eu-central-1.api.aws/v1/responses',
      'bedrock-mantle',
      { provider: 'amazon-bedrock-mantle', path: '/v1/responses' },
    ],
    [
      'Bedrock rerank',
      'https://bedrock-agent-runtime.eu-central-1.amazonaws.com/rerank',
      'bedrock',
      { provider: 'amazon-bedrock-agent-runtime', path: '/rerank' },
    ],
    [
      'Anthropic on AWS, the workspace among what is signed',
      'https://aws-external-anthropic.eu-central-1.api.aws/v1/messages',
      'aws-external-anthropic',
      { provider: 'anthropic-aws', path: '/v1/messages', vars: { ...REGION, workspace: 'wrkspc_01demo' } },
    ],
    [
      'SageMaker, raw bytes',
      'https://runtime.sagemaker.eu-central-1.amazonaws.com/endpoints/my-endpoint/invocations',
      'sagemaker',
      {
        provider: 'aws-sagemaker',
        path: '/endpoints/my-endpoint/invocations',
        headers: { 'content-type': 'text/csv' },
        body: new Uint8Array([0, 255, 10, 13, 128]),
      },
    ],
    [
      'Polly',
      'https://polly.eu-central-1.amazonaws.com/v1/speech',
      'polly',
      { provider: 'aws-polly', path: '/v1/speech' },
    ],
    [
      'Polly, a query',
      'https://polly.eu-central-1.amazonaws.com/v1/voices?LanguageCode=de-DE&Engine=neural',
      'polly',
      {
        provider: 'aws-polly',
        path: '/v1/voices',
        method: 'GET',
        query: 'LanguageCode=de-DE&Engine=neural',
        body: null,
      },
    ],
    [
      'Comprehend, the verb among what is signed',
      'https://comprehend.eu-central-1.amazonaws.com/',
      'comprehend',
      {
        provider: 'aws-comprehend',
        path: '/',
        vars: { ...REGION, operation: 'DetectEntities' },
        headers: { 'content-type': 'application/x-amz-json-1.1' },
      },
    ],
  ])('%s', async (_, url, service, call) => {
    const seen = await send({ vars: REGION, credential: KEYS, ...call });
    expect(seen.origin + seen.target).toBe(url);
    const line = lineOf(seen, 'authorization');
    const names = /SignedHeaders=([^,]+)/.exec(line)?.[1] ?? '';
    const must = [
      'host',
      'x-amz-content-sha256',
      'x-amz-date',
      ...(seen.method === 'POST' ? ['content-type'] : []),
    ];
    for (const name of must) expect(names.split(';')).toContain(name);
    for (const own of ['x-amz-security-token', 'x-amz-target', 'anthropic-workspace-id']) {
      expect(names.split(';').includes(own)).toBe(seen.header(own) !== null);
    }
    expect(lineOf(seen, 'x-amz-content-sha256')).toBe(sha256(seen.body));
    expect(lineOf(seen, 'x-amz-date')).toMatch(/^\d{8}T\d{6}Z$/);
    const day = lineOf(seen, 'x-amz-date').slice(0, 8);
    const scope = `${day}/eu-central-1/${service}/aws4_request`;
    expect(line).toBe(sigV4Line(seen, KEYS.secret_access_key, names, scope, KEYS.access_key_id));
  });
});

it('Tencent’s TC3-HMAC-SHA256: type, host and action are signed', async () => {
  const credential = { secret_id: 'AKIDdemo', secret_key: 'sk-demo-tencent' };
  const seen = await send({ provider: 'tencent-hunyuan-legacy', path: '/', credential });
  expect(seen.origin).toBe('https://hunyuan.tencentcloudapi.com');
  const seconds = lineOf(seen, 'x-tc-timestamp');
  const day = new Date(Number(seconds) * 1000).toISOString().slice(0, 10);
  const scope = `${day}/hunyuan/tc3_request`;
  const names = 'content-type;host;x-tc-action';
  const lines = `content-type:application/json\nhost:hunyuan.tencentcloudapi.com\nx-tc-action:chatcompletions\n`;
  const canonical = ['POST', '/', '', lines, names, sha256(seen.body)].join('\n');
  const text = ['TC3-HMAC-SHA256', seconds, scope, sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(`TC3${credential.secret_key}`, day), 'hunyuan'), 'tc3_request');
  const signature = hmac(key, text).toString('hex');
  expect(lineOf(seen, 'authorization')).toBe(
    `TC3-HMAC-SHA256 Credential=AKIDdemo/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  );
});

it('Volcengine’s HMAC-SHA256: the pinned verb is signed', async () => {
  const credential = { access_key_id: 'AKLTdemo', secret_access_key: 'sk-demo-volc' };
  const seen = await send({ provider: 'jimeng', path: '/', credential });
  const time = lineOf(seen, 'x-date');
  const day = time.slice(0, 8);
  const names = /SignedHeaders=([^,]+)/.exec(lineOf(seen, 'authorization'))?.[1] ?? '';
  expect(names.split(';')).toEqual(expect.arrayContaining(['host', 'x-content-sha256', 'x-date']));
  const query = 'Action=CVProcess&Version=2022-08-31';
  const canonical = ['POST', '/', query, canonicalHeaders(seen, names), names, sha256(seen.body)].join('\n');
  const scope = `${day}/cn-north-1/cv/request`;
  const text = ['HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(credential.secret_access_key, day), 'cn-north-1'), 'cv'), 'request');
  const signature = hmac(key, text).toString('hex');
  expect(lineOf(seen, 'authorization')).toBe(
    `HMAC-SHA256 Credential=AKLTdemo/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  );
});

it('Oracle’s request signature: date, target, host, length, type and digest', async () => {
  const seen = await send({
    provider: 'oci-genai',
    path: '/20231130/actions/chat',
    vars: { region: 'us-chicago-1' },
    credential: {
      tenancy: 'ocid1.tenancy.demo',
      user: 'ocid1.user.demo',
      fingerprint: '20:3b',
      private_key: PRIVATE_KEY,
    },
  });
  expect(seen.origin).toBe('https://inference.generativeai.us-chicago-1.oci.oraclecloud.com');
  const parts = Object.fromEntries(
    [...lineOf(seen, 'authorization').matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
  expect(parts['keyId']).toBe('ocid1.tenancy.demo/ocid1.user.demo/20:3b');
  expect(parts['algorithm']).toBe('rsa-sha256');
  const names = parts['headers']?.split(' ') ?? [];
  expect([...names].sort()).toEqual(
    ['(request-target)', 'content-length', 'content-type', 'host', 'x-content-sha256', 'x-date'].sort(),
  );
  const text = names
    .map((name) => `${name}: ${name === '(request-target)' ? `post ${seen.target}` : lineOf(seen, name)}`)
    .join('\n');
  const verifier = createVerify('RSA-SHA256').update(text);
  expect(verifier.verify(RSA.publicKey, parts['signature'] ?? '', 'base64')).toBe(true);
  expect(lineOf(seen, 'x-content-sha256')).toBe(createHash('sha256').update(seen.body).digest('base64'));
});

function readJwt(token: string) {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const json = (text: string) =>
    JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
  return { header: json(header), claims: json(claims), signed: `${header}.${claims}`, signature };
}

it('Kling: a token of half an hour that is valid at once, signed with the secret key', async () => {
  const credential = { access_key: 'ak-demo', secret_key: 'sk-demo-kling-secret-of-32-characters' };
  const seen = await send({ provider: 'klingai', path: '/v1/images/generations', credential });
  const [, token = ''] = /^Bearer (\S+)$/.exec(lineOf(seen, 'authorization')) ?? [];
  const { header, claims, signed, signature } = readJwt(token);
  expect(header).toEqual({ alg: 'HS256', typ: 'JWT' });
  const now = Date.now() / 1000;
  expect(Object.keys(claims).sort()).toEqual(['exp', 'iss', 'nbf']);
  expect(claims['iss']).toBe('ak-demo');
  expect(Math.abs(Number(claims['exp']) - now - 1800)).toBeLessThan(5);
  expect(Math.abs(Number(claims['nbf']) - now + 5)).toBeLessThan(5);
  expect(signature).toBe(hmac(credential.secret_key, signed).toString('base64url'));
});

describe('Google: the service account’s assertion', () => {
  const CLOUD = 'https://www.googleapis.com/auth/cloud-platform';
  const PATH = '/projects/demo-project/locations/us-central1';

  it.each([
    [
      'google-vertex',
      `/v1beta1${PATH}/publishers/google/models/gemini-2.5-flash:generateContent`,
      'https://us-central1-aiplatform.googleapis.com',
      { location: 'us-central1', project: 'demo-project' },
      CLOUD,
    ],
    [
      'google-vertex',
      `/v1${PATH}/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict`,
      'https://us-central1-aiplatform.googleapis.com',
      { location: 'us-central1', project: 'demo-project' },
      CLOUD,
    ],
    [
      'google-vertex-global',
      '/v1/projects/demo-project/locations/global/endpoints/openapi/chat/completions',
      'https://aiplatform.googleapis.com',
      { project: 'demo-project' },
      CLOUD,
    ],
    [
      'dialogflow',
      '/v2/projects/demo-project/agent/sessions/s-1:detectIntent',
      'https://dialogflow.googleapis.com',
      { project: 'demo-project' },
      `https://www.googleapis.com/auth/dialogflow ${CLOUD}`,
    ],
    [
      'dialogflow-regional',
      `/v3${PATH}/agents/a-1/sessions/s-1:detectIntent`,
      'https://us-central1-dialogflow.googleapis.com',
      { location: 'us-central1', project: 'demo-project' },
      `https://www.googleapis.com/auth/dialogflow ${CLOUD}`,
    ],
  ])('%s %s', async (provider, path, origin, vars, scope) => {
    const email = `relay-${wire.others.length}@demo-project.iam.gserviceaccount.com`;
    const before = wire.others.length;
    const credential = { client_email: email, private_key: PRIVATE_KEY };
    // a session is found by a name that the caller makes up: the token has to name it
    const named = /\/(?:agent|agents\/a-1)\/sessions\/.+/.exec(path);
    const options = named === null ? {} : { allowedPaths: [`POST ${named[0]}`] };
    const seen = await send({ provider, path, vars, credential, options });
    expect(seen.origin + seen.target).toBe(origin + path);
    expect(lineOf(seen, 'authorization')).toBe('Bearer demo-access-token');
    const [asked, ...more] = wire.others.slice(before);
    expect(more).toEqual([]);
    expect(`${asked?.origin}${asked?.target}`).toBe('https://oauth2.googleapis.com/token');
    const form = new URLSearchParams(asked?.body.toString());
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const { header, claims, signed, signature } = readJwt(form.get('assertion') ?? '');
    expect(header['alg']).toBe('RS256');
    expect(claims).toMatchObject({ iss: email, scope, aud: 'https://oauth2.googleapis.com/token' });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(3600);
    const verifier = createVerify('RSA-SHA256').update(signed);
    expect(verifier.verify(RSA.publicKey, signature, 'base64url')).toBe(true);
  });
});
