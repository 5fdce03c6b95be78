/** Short-lived tokens: what is asked of a token endpoint or signed here, what is made of the answer, and how long it is used. */
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { jwtVerify } from 'jose';
import { Secret } from 'relayapi-token';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ExchangedAuth, SignedToken, TokenRequest } from '../providers/provider.ts';
import type {
  CredentialFault,
  CredentialMaker,
  Ingredients,
  MadeCredential,
  TokenFetch,
  TokenReply,
} from './credential.ts';
import { createCredentialMaker } from './maker.ts';

const encoder = new TextEncoder();
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const bare = (key: typeof privateKey) => key.export({ type: 'pkcs8', format: 'der' }).toString('base64');
const RSA = bare(privateKey);
const STARTED = Date.parse('2026-11-29T12:00:00Z');
const SENT = { method: 'POST', origin: 'https://x.example', path: '/', headers: [], body: new Uint8Array(0) };
const BEARER = { kind: 'header', name: 'Authorization', template: 'Bearer {access_token}' } as const;
const VERTEX: ExchangedAuth = {
  kind: 'exchanged',
  by: { kind: 'google-service-account', scopes: ['https://scope.example/a', 'https://scope.example/b'] },
  put: BEARER,
};

let wallMs: number;
let nowMs: number;
let maker: CredentialMaker;
let fetches: TokenFetch[];
/** What the endpoint says to each request, in turn; the last again and again. */
let replies: (TokenReply | CredentialFault)[];
beforeEach(() => {
  wallMs = STARTED;
  nowMs = 5000;
  maker = createCredentialMaker({ nowMs: () => wallMs, monotonicMs: () => nowMs });
  fetches = [];
  replies = [
    json({ access_token: 'demo-token-1', expires_in: 3600 }),
    json({ access_token: 'demo-token-2' }),
  ];
});

const json = (value: unknown, status = 200): TokenReply => ({
  status,
  body: encoder.encode(JSON.stringify(value)),
});
const pass = (ms: number) => {
  wallMs += ms;
  nowMs += ms;
};
const secrets = (parts: Record<string, string>) =>
  Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, new Secret(text)]));
const account = (more: Record<string, string> = {}) =>
  secrets({ client_email: 'relay@demo.example', private_key: RSA, ...more });

async function make(
  scheme: ExchangedAuth = VERTEX,
  parts: Ingredients['parts'] = account(),
  vars: Ingredients['vars'] = {},
): Promise<MadeCredential | CredentialFault> {
  return maker.make({ scheme, parts, vars }, SENT, async (request) => {
    fetches.push(request);
    await Promise.resolve();
    return replies[Math.min(fetches.length, replies.length) - 1] as TokenReply;
  });
}

async function lineOf(...asked: Parameters<typeof make>): Promise<string> {
  const made = await make(...asked);
  if ('fault' in made) return made.fault;
  const [line] = made.headers;
  return line === undefined ? `?${made.query?.reveal()}` : `${line[0]}: ${line[1].reveal()}`;
}

async function refuse(): Promise<boolean> {
  const made = await make();
  return 'fault' in made ? Promise.reject(new Error(made.fault)) : made.refuse();
}

const bodyOf = (fetch: TokenFetch | undefined) => new TextDecoder().decode(fetch?.body ?? new Uint8Array(0));
const first = 'authorization: Bearer demo-token-1';
const second = 'authorization: Bearer demo-token-2';

describe('a Google service account', () => {
  it('asks with an assertion that its key verifies, for the scopes of the entry', async () => {
    expect(await lineOf()).toBe(first);
    const [fetch] = fetches;
    expect(`${fetch?.method} ${fetch?.origin}${fetch?.path}`).toBe(
      'POST https://oauth2.googleapis.com/token',
    );
    expect(fetch?.headers).toEqual([
      'content-type',
      'application/x-www-form-urlencoded',
      'accept',
      'application/json',
    ]);
    const form = new URLSearchParams(bodyOf(fetch));
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const { payload, protectedHeader } = await jwtVerify(form.get('assertion') ?? '', publicKey, {
      algorithms: ['RS256'],
      currentDate: new Date(STARTED),
    });
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT' });
    expect(payload).toEqual({
      iss: 'relay@demo.example',
      scope: 'https://scope.example/a https://scope.example/b',
      aud: 'https://oauth2.googleapis.com/token',
      iat: STARTED / 1000,
      exp: STARTED / 1000 + 3600,
    });
  });

  it('is asked for once by a thousand calls at once, and by none until a minute before the end', async () => {
    const lines = await Promise.all(Array.from({ length: 1000 }, () => lineOf()));
    expect(new Set(lines)).toEqual(new Set([first]));
    pass(3_539_999);
    expect(await lineOf()).toBe(first);
    expect(fetches).toHaveLength(1);
    pass(1);
    const later = await Promise.all(Array.from({ length: 10 }, () => lineOf()));
    expect(new Set(later)).toEqual(new Set([second]));
    expect(fetches).toHaveLength(2);
  });

  it('has a token of its own for each key, address and scope; the same parts have the same', async () => {
    const other = bare(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
    const narrow: ExchangedAuth = { ...VERTEX, by: { kind: 'google-service-account', scopes: ['a'] } };
    await make();
    await make(VERTEX, account({ private_key: other }));
    await make(VERTEX, account({ client_email: 'other@demo.example' }));
    await make(narrow);
    await make(VERTEX, account(), { region: 'eu' });
    expect(fetches).toHaveLength(5);
    await make();
    await make(VERTEX, Object.fromEntries(Object.entries(account()).reverse()));
    expect(fetches).toHaveLength(5);
  });

  it.each([
    'no key',
    RSA.slice(0, 500),
    bare(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
    bare(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
  ])('is not asked with what is no key of its kind', async (private_key) => {
    const made = await make(VERTEX, account({ private_key }));
    expect(made).toEqual({ fault: 'unusable', reason: expect.any(String) });
    expect(inspect(made)).not.toContain(private_key.slice(0, 6));
    expect(fetches).toHaveLength(0);
  });
});

describe('what the token endpoint answers', () => {
  const SHOWN = 'demo-word-that-was-sent';
  it.each<[string, TokenReply | CredentialFault, string]>([
    ['a bad request', json({ error: SHOWN }, 400), 'refused'],
    ['no authority', json({ error: SHOWN }, 401), 'refused'],
    ['no leave', json({ error: SHOWN }, 403), 'refused'],
    ['too many', json({ error: SHOWN }, 429), 'unreachable'],
    ['a fault', json({ error: SHOWN }, 500), 'unreachable'],
    ['an interim end', json({ error: SHOWN }, 503), 'unreachable'],
    ['a redirect', json({ access_token: 'a' }, 302), 'invalid'],
    ['an unknown status', json({ access_token: 'a' }, 199), 'invalid'],
    ['no JSON', { status: 200, body: encoder.encode(`<html>${SHOWN}`) }, 'invalid'],
    [
      'JSON with a name twice',
      { status: 200, body: encoder.encode('{"access_token":"a","access_token":"b"}') },
      'invalid',
    ],
    ['nothing', { status: 200, body: new Uint8Array(0) }, 'invalid'],
    ['no token', json({ token: SHOWN }), 'invalid'],
    ['no object', json(SHOWN), 'invalid'],
    ['a number', json({ access_token: 12 }), 'invalid'],
    ['an empty token', json({ access_token: '' }), 'invalid'],
    ['a token that would be two lines', json({ access_token: 'a\r\nx-evil: 1' }), 'invalid'],
    ['a token with a space', json({ access_token: 'a b' }), 'invalid'],
    ['a token that is too long', json({ access_token: 'a'.repeat(16_385) }), 'invalid'],
    ['its address', { fault: 'denied', reason: 'not there' }, 'denied'],
  ])('%s is a fault, holds nothing of either side, and is asked again', async (_, reply, fault) => {
    replies = [reply, json({ access_token: 'demo-token-2' })];
    const made = await make();
    expect(made).toMatchObject({ fault });
    expect(inspect(made)).not.toContain(SHOWN);
    expect(await lineOf()).toBe(second);
  });

  it('all that wait for a fault get it, and an exception is everybody’s too, but nobody’s afterwards', async () => {
    replies = [json({}, 400)];
    const made = await Promise.all([make(), make(), make()]);
    expect(made.map((one) => ('fault' in one ? one.fault : ''))).toEqual(['refused', 'refused', 'refused']);
    expect(fetches).toHaveLength(1);
    const broken = () => Promise.reject(new Error('a bug'));
    const ask = () => maker.make({ scheme: VERTEX, parts: account(), vars: {} }, SENT, broken);
    await expect(Promise.all([ask(), ask()])).rejects.toThrow('a bug');
    replies = [json({ access_token: 'demo-token-2' })];
    fetches = [];
    expect(await lineOf()).toBe(second);
  });
});

describe('how long a token is used', () => {
  const at = (life: TokenRequest['life']): ExchangedAuth => ({
    kind: 'exchanged',
    by: { kind: 'request', method: 'POST', url: 'https://t.example/', tokenAt: ['access_token'], life },
    put: BEARER,
  });
  const IN = { at: ['in'], unit: 'seconds' } as const;

  it.each<[string, TokenRequest['life'], unknown, number]>([
    ['seconds, less a minute', IN, 600, 540_000],
    ['half of a short life', IN, 60, 30_000],
    ['seconds as text', IN, '600', 540_000],
    ['what the entry says', { seconds: 120 }, 7, 60_000],
    ['until a time in milliseconds', { at: ['in'], unit: 'epoch-ms' }, STARTED + 600_000, 540_000],
    ['until a time in seconds', { at: ['in'], unit: 'epoch-seconds' }, STARTED / 1000 + 600, 540_000],
    ['five minutes where that time is over', { at: ['in'], unit: 'epoch-ms' }, STARTED - 1, 240_000],
    ['five minutes where nothing is said', IN, undefined, 240_000],
    ['five minutes where nonsense is said', IN, 'soon', 240_000],
    ['five minutes where less than nothing is said', IN, -5, 240_000],
  ])('%s', async (_, life, said, usedMs) => {
    replies = [
      json({ access_token: 'demo-token-1', in: said }),
      json({ access_token: 'demo-token-2', in: said }),
    ];
    await make(at(life), {});
    pass(usedMs - 1);
    expect(await lineOf(at(life), {})).toBe(first);
    pass(1);
    expect(await lineOf(at(life), {})).toBe(second);
  });

  it('is not lengthened by a clock set back, nor shortened twice by one set ahead', async () => {
    await make();
    wallMs -= 59_000;
    expect(await lineOf()).toBe(first);
    nowMs += 3_540_000;
    expect(await lineOf()).toBe(second);
    expect(fetches).toHaveLength(2);
    wallMs += 86_400_000;
    await make();
    await make();
    expect(fetches).toHaveLength(3);
  });

  it('ends with a clock set back by more than a minute, for its times may be refused', async () => {
    await make();
    wallMs -= 61_000;
    expect(await lineOf()).toBe(second);
  });
});

describe('a refused token', () => {
  beforeEach(() => {
    replies = [1, 2, 3, 4].map((number) => json({ access_token: `demo-token-${number}`, expires_in: 3600 }));
  });

  it('is forgotten, and the next may fare better', async () => {
    expect(await refuse()).toBe(true);
    expect(await lineOf()).toBe(second);
  });

  it('that was fetched for another refused one says that more will not help, for half a minute', async () => {
    expect(await refuse()).toBe(true);
    expect(await refuse()).toBe(false);
    pass(30_000);
    expect(await refuse()).toBe(true);
  });

  it('is refused by all calls that carried it, and takes no newer one with it', async () => {
    const old = (await make()) as MadeCredential;
    expect([old.refuse(), old.refuse(), old.refuse()]).toEqual([true, true, true]);
    expect(await lineOf()).toBe(second);
    expect(old.refuse()).toBe(true);
    expect(await lineOf()).toBe(second);
  });

  it('is searched for under the same list of secrets as long as it is used', async () => {
    const [one, other] = [(await make()) as MadeCredential, (await make()) as MadeCredential];
    expect(one.secrets).toBe(other.secrets);
    expect(one.secrets.map((secret) => secret.reveal())).toEqual(['demo-token-1']);
  });
});

describe('a request for a token', () => {
  const watsonx: TokenRequest = {
    kind: 'request',
    method: 'POST',
    url: 'https://iam.cloud.ibm.com/identity/token',
    form: [
      ['grant_type', 'urn:ibm:params:oauth:grant-type:apikey'],
      ['apikey', '{key}'],
    ],
    tokenAt: ['access_token'],
    life: { at: ['expiration'], unit: 'epoch-seconds' },
  };
  const baidu: TokenRequest = {
    kind: 'request',
    method: 'POST',
    url: 'https://aip.baidubce.com/oauth/2.0/token',
    query: [
      ['grant_type', 'client_credentials'],
      ['client_id', '{client_id}'],
      ['client_secret', '{client_secret}'],
    ],
    tokenAt: ['access_token'],
    life: { at: ['expires_in'], unit: 'seconds' },
  };
  const gigachat: TokenRequest = {
    kind: 'request',
    method: 'POST',
    url: 'https://ngw.devices.sberbank.ru:9443/api/v2/oauth',
    headers: [['RqUID', '{request_id}']],
    basic: { user: '{client_id}', password: '{client_secret}' },
    form: [['scope', '{scope}']],
    tokenAt: ['access_token'],
    life: { at: ['expires_at'], unit: 'epoch-ms' },
  };
  const sap: TokenRequest = {
    kind: 'request',
    method: 'POST',
    url: 'https://{subaccount}.authentication.{region}.hana.ondemand.com/oauth/token',
    basic: { user: '{client_id}', password: '{client_secret}' },
    form: [['grant_type', 'client_credentials']],
    tokenAt: ['data', 'token'],
    life: { at: ['data', 'in'], unit: 'seconds' },
  };
  const scheme = (by: TokenRequest, put: ExchangedAuth['put'] = BEARER): ExchangedAuth => ({
    kind: 'exchanged',
    by,
    put,
  });
  const pair = secrets({ client_id: 'demo id', client_secret: 'demo&secret=ü' });

  it('has its form encoded (watsonx)', async () => {
    expect(await lineOf(scheme(watsonx), secrets({ key: 'demo/key+&' }))).toBe(first);
    const [fetch] = fetches;
    expect(fetch).toMatchObject({ origin: 'https://iam.cloud.ibm.com', path: '/identity/token' });
    expect(bodyOf(fetch)).toBe(
      'grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=demo%2Fkey%2B%26',
    );
  });

  it('has its query encoded and no body, and its token may go into the query (Baidu)', async () => {
    replies = [json({ access_token: '24.demo&token', expires_in: 2_592_000 })];
    const put = { kind: 'query', pairs: [{ name: 'access_token', template: '{access_token}' }] } as const;
    expect(await lineOf(scheme(baidu, put), pair)).toBe('?access_token=24.demo%26token');
    const [fetch] = fetches;
    expect(fetch?.path).toBe(
      '/oauth/2.0/token?grant_type=client_credentials&client_id=demo%20id&client_secret=demo%26secret%3D%C3%BC',
    );
    expect([fetch?.body, fetch?.headers]).toEqual([null, ['accept', 'application/json']]);
  });

  it('has Basic in UTF-8 and a name of its own each time (GigaChat)', async () => {
    const parts = { ...pair, scope: new Secret('GIGACHAT_API_PERS') };
    replies = [json({ access_token: 'demo-token-1', expires_at: STARTED + 61_000 })];
    await make(scheme(gigachat), parts);
    pass(60_000);
    await make(scheme(gigachat), parts);
    const names = fetches.map(({ origin, headers }) => {
      const lines = Object.fromEntries(
        headers.flatMap((text, i) => (i % 2 === 0 ? [[text, headers[i + 1]]] : [])),
      );
      expect(origin).toBe('https://ngw.devices.sberbank.ru:9443');
      expect(Buffer.from(lines['authorization']?.slice(6) ?? '', 'base64').toString()).toBe(
        'demo id:demo&secret=ü',
      );
      return lines['RqUID'] ?? lines['rquid'];
    });
    expect(names).toEqual([
      expect.stringMatching(/^[0-9a-f-]{36}$/),
      expect.stringMatching(/^[0-9a-f-]{36}$/),
    ]);
    expect(names[0]).not.toBe(names[1]);
  });

  it('has its host from variables, never from the credential, and its token from inside (SAP)', async () => {
    replies = [json({ data: { token: 'demo-token-1', in: 60 } })];
    const vars = { subaccount: 'acme', region: 'eu10' };
    expect(await lineOf(scheme(sap), pair, vars)).toBe(first);
    expect(fetches[0]).toMatchObject({
      origin: 'https://acme.authentication.eu10.hana.ondemand.com',
      path: '/oauth/token',
    });
    const evil = { ...pair, subaccount: new Secret('evil.example/') };
    await expect(make(scheme(sap), evil, { region: 'eu10' })).rejects.toThrow('no value for {subaccount}');
    expect(fetches).toHaveLength(1);
  });
});

describe('a token that is signed here', () => {
  const kling: SignedToken = {
    kind: 'jwt',
    alg: 'HS256',
    secret: 'secret_key',
    header: { typ: 'JWT' },
    claims: {
      iss: '{access_key}',
      exp: { time: 'end' },
      nbf: { time: 'now', plusSeconds: -5 },
    },
    timesIn: 'seconds',
    lifeSeconds: 1800,
  };
  const zhipu: SignedToken = {
    kind: 'jwt',
    alg: 'HS256',
    secret: 'secret',
    header: { sign_type: 'SIGN' },
    claims: { api_key: '{id}', exp: { time: 'end' }, timestamp: { time: 'now' } },
    timesIn: 'milliseconds',
    lifeSeconds: 180,
  };
  const tokenOf = async (by: SignedToken, parts: Ingredients['parts']) =>
    (await lineOf({ kind: 'exchanged', by, put: BEARER }, parts)).replace('authorization: Bearer ', '');

  it('verifies under the shared word, with its claims and no others (Kling)', async () => {
    const parts = secrets({ access_key: 'demo-ak', secret_key: 'sk' });
    const { payload, protectedHeader } = await jwtVerify(await tokenOf(kling, parts), encoder.encode('sk'), {
      currentDate: new Date(STARTED),
    });
    expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' });
    const now = STARTED / 1000;
    expect(payload).toEqual({ iss: 'demo-ak', exp: now + 1800, nbf: now - 5 });
    expect(fetches).toHaveLength(0);
  });

  it('may have times in milliseconds and other header members (Zhipu)', async () => {
    const token = await tokenOf(zhipu, secrets({ id: 'demo-id', secret: 'demo' }));
    const [header, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
    expect(JSON.parse(header ?? '')).toEqual({ alg: 'HS256', sign_type: 'SIGN' });
    expect(JSON.parse(payload ?? '')).toEqual({
      api_key: 'demo-id',
      exp: STARTED + 180_000,
      timestamp: STARTED,
    });
  });

  it('is used until shortly before its end, and may be signed by an RSA key', async () => {
    const by: SignedToken = { ...kling, alg: 'RS256', secret: 'private_key' };
    const parts = secrets({ access_key: 'demo-ak', private_key: RSA });
    const token = await tokenOf(by, parts);
    await jwtVerify(token, publicKey, { algorithms: ['RS256'], currentDate: new Date(STARTED) });
    pass(1_739_999);
    expect(await tokenOf(by, parts)).toBe(token);
    pass(1);
    expect(await tokenOf(by, parts)).not.toBe(token);
    expect(await tokenOf(by, secrets({ access_key: 'demo-ak', private_key: 'none' }))).toBe('unusable');
  });
});
