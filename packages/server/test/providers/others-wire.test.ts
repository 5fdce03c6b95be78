/**
 * What each provider that is no plain LLM host sees on the wire: host, path, query, credential, own headers and the body's bytes.
 * The expectations stand in others-rows.ts.
 */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BodyKind, WIRE_ROWS } from './others-rows.ts';
import { startWire, type Wire } from './wire.ts';

let wire: Wire;
beforeAll(async () => {
  wire = await startWire({
    config: {
      providers: {
        'aws-comprehend': { enabled: true },
        'google-cloud-language': { enabled: true },
        faceplusplus: { enabled: true },
        triton: { enabled: true, base_url: 'https://triton.example/v2' },
        tei: { enabled: true, base_url: 'https://tei.example' },
      },
    },
  });
});
afterAll(() => wire.close());

const RAW = new Uint8Array(randomBytes(5_000));
const BODIES: Readonly<Record<Exclude<BodyKind, 'none'>, { type: string; bytes: Uint8Array<ArrayBuffer> }>> =
  {
    json: {
      type: 'application/json',
      bytes: new TextEncoder().encode('{ "model": "m-1",\n"text": "h\\u00e9" }'),
    },
    raw: { type: 'audio/wav', bytes: RAW },
    form: { type: 'multipart/form-data; boundary=demo-9f', bytes: formBytes() },
  };

function formBytes(): Uint8Array<ArrayBuffer> {
  const field = '--demo-9f\r\nContent-Disposition: form-data; name="model"\r\n\r\nm-1\r\n';
  const file =
    '--demo-9f\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n';
  return new Uint8Array(Buffer.concat([Buffer.from(field + file), RAW, Buffer.from('\r\n--demo-9f--\r\n')]));
}

/** Every header in which some provider takes a credential: none but the expected one may arrive. */
const CREDENTIAL_HEADERS = [
  'authorization',
  'x-api-key',
  'api-key',
  'xi-api-key',
  'x-goog-api-key',
  'x-gladia-key',
  'x-hume-api-key',
  'ocp-apim-subscription-key',
];

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function split(asks: string): { path: string; query?: string } {
  const [path = '', query] = asks.split('?', 2);
  return query === undefined ? { path } : { path, query };
}

describe('on the wire', () => {
  it.each(WIRE_ROWS.map((one) => [`${one.id}, ${one.body}: ${one.asks}`, one] as const))(
    '%s',
    async (_, one) => {
      const body = one.body === 'none' ? null : BODIES[one.body];
      const { status, seen } = await wire.send({
        provider: one.id,
        method: body === null ? 'GET' : 'POST',
        ...split(one.asks),
        ...(one.vars && { vars: one.vars }),
        ...(one.credential && { credential: one.credential }),
        ...(one.paths && { options: { allowedPaths: one.paths } }),
        // what a page might send along: none of it is for the provider
        headers: {
          ...one.sends,
          ...(body && { 'content-type': body.type }),
          cookie: 'a=b',
          'x-demo-other': '1',
        },
        body: body?.bytes ?? null,
      });
      expect(status).toBe(200);
      if (seen === null) throw new Error('nothing arrived');
      expect(seen.origin + seen.target).toBe(one.at);
      expect(seen.method).toBe(body === null ? 'GET' : 'POST');
      for (const [name, value] of Object.entries(one.lines))
        expect([name, seen.header(name)]).toEqual([name, value]);
      for (const name of CREDENTIAL_HEADERS)
        if (!(name in one.lines)) expect([name, seen.header(name)]).toEqual([name, null]);
      expect([seen.header('cookie'), seen.header('x-demo-other')]).toEqual([null, null]);
      expect(seen.header('content-type')).toBe(body?.type ?? null);
      expect(sha(seen.body)).toBe(sha(body?.bytes ?? new Uint8Array()));
    },
  );
});

describe('a token endpoint is asked', () => {
  const CASES = [
    [
      'IBM: a form with the key',
      {
        provider: 'ibm-watsonx',
        vars: { region: 'eu-de' },
        path: '/ml/v1/text/chat',
        credential: { key: 'sk-demo-ibm' },
      },
      'POST https://iam.cloud.ibm.com/identity/token',
      'grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=sk-demo-ibm',
      null,
    ],
    [
      'Baidu: client and secret in the query',
      {
        provider: 'baidu-wenxin-legacy',
        path: '/rpc/2.0/ai_custom/v1/wenxinworkshop/embeddings/bge_large_zh',
        credential: { client_id: 'id-1', client_secret: 'sk-demo-baidu' },
      },
      'POST https://aip.baidubce.com/oauth/2.0/token?grant_type=client_credentials&client_id=id-1&client_secret=sk-demo-baidu',
      '',
      null,
    ],
    [
      'SAP: client credentials, Basic, at the tenant of the service key',
      {
        provider: 'sap-ai-core',
        vars: { region: 'us-east-1', cloud: 'aws', tenant: 'my-shop', landscape: 'us10', group: 'g-1' },
        path: '/v2/inference/deployments/d1/invoke',
        credential: { clientid: 'sb-1!b2', clientsecret: 'sk-demo-sap' },
      },
      'POST https://my-shop.authentication.us10.hana.ondemand.com/oauth/token',
      'grant_type=client_credentials',
      `Basic ${btoa('sb-1!b2:sk-demo-sap')}`,
    ],
    [
      'GigaChat: the key as it is after Basic, the scope in a form',
      {
        provider: 'gigachat',
        vars: { scope: 'GIGACHAT_API_CORP' },
        path: '/api/v1/embeddings',
        credential: { key: 'ZGVtbzpkZW1v' },
      },
      'POST https://ngw.devices.sberbank.ru:9443/api/v2/oauth',
      'scope=GIGACHAT_API_CORP',
      'Basic ZGVtbzpkZW1v',
    ],
  ] as const;

  it.each(CASES)('%s', async (_, call, target, body, authorization) => {
    const before = wire.others.length;
    const { status } = await wire.send({
      ...call,
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(status).toBe(200);
    const asked = wire.others.slice(before);
    expect(asked.map((one) => `${one.method} ${one.origin}${one.target}`)).toEqual([target]);
    expect(asked[0]?.body.toString()).toBe(body);
    expect(asked[0]?.header('authorization')).toBe(authorization);
    if (call.provider === 'gigachat')
      expect(asked[0]?.header('rquid')).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});
