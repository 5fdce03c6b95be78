/** `relayapi providers test` against servers on loopback: each way of failing is told apart, and no output holds the key. */
import { writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createSelfSignedCertificate, type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KEY, makeFolder, type Ran, runHere } from './support/command.ts';

let dir: string;
let demo: DemoProvider;
let secured: DemoProvider;
let silent: Server;
const held = new Set<Socket>();

beforeAll(async () => {
  dir = makeFolder();
  demo = await startDemoProvider();
  secured = await startDemoProvider({ tls: createSelfSignedCertificate() });
  silent = createServer((socket) => held.add(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
});
afterAll(async () => {
  for (const socket of held) socket.destroy();
  silent.close();
  await Promise.all([demo.close(), secured.close()]);
});
beforeEach(() => demo.reset());

const silentPort = () => (silent.address() as { port: number }).port;

interface Setting {
  readonly base: string;
  readonly open?: boolean;
  readonly upstream?: object;
  readonly entry?: object;
}

/** Runs a test of provider `here`, which a config file has at `base`; its address may be called unless `open` is false. */
async function tryAt({ base, open = true, upstream, entry }: Setting, ...more: string[]): Promise<Ran> {
  const config = join(dir, 'config.json');
  const { host } = new URL(base);
  const allow = open ? { allow_private: [host] } : {};
  writeFileSync(
    config,
    JSON.stringify({
      providers: { here: { base_url: base, ...entry } },
      upstream: { ...allow, ...upstream },
    }),
  );
  const ran = await runHere(
    ['providers', 'test', 'here', '--config', config, '--key-env', 'MY_KEY', ...more],
    { env: { MY_KEY: KEY } },
  );
  expect(ran.stdout + ran.stderr).not.toContain(KEY);
  expect(ran.stderr).not.toMatch(/\n\s+at /);
  return ran;
}

/** The fault that `--json` names, with the sentence for people. */
async function faultOf(setting: Setting, ...more: string[]): Promise<[fault: string, told: string]> {
  const { code, stdout, stderr } = await tryAt(setting, '--json', ...more);
  const { ok, fault } = JSON.parse(stdout) as { ok: boolean; fault: string };
  expect([code, ok]).toEqual([1, false]);
  return [fault, stderr];
}

const v1 = (provider: DemoProvider) => `${provider.origin}/v1`;

describe('a provider that answers', () => {
  it('is asked for a chat of one token, with the key and through the relay', async () => {
    const ran = await tryAt({ base: v1(demo) }, '--model', 'demo-chat');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toBe(`here: ${demo.origin} answered POST /v1/chat/completions with 200\n`);
    const [request, ...others] = demo.requests;
    expect(others).toEqual([]);
    expect(request?.headers['authorization']).toBe(`Bearer ${KEY}`);
    expect(request?.headers['cdn-loop']).toBeDefined();
    expect(JSON.parse(String(request?.body))).toEqual({
      model: 'demo-chat',
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 1,
    });
  });

  it('is asked for its models without one, and the list is not taken for proof of the key', async () => {
    const ran = await tryAt({ base: v1(demo) }, '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ok: true,
      provider: 'here',
      method: 'GET',
      path: '/v1/models',
      status: 200,
      notes: [expect.stringMatching(/says little of the key; name a model/)],
    });
  });

  it('may speak Anthropic’s or Gemini’s language', async () => {
    const anthropic = { base: v1(demo), entry: { like: 'anthropic' } };
    expect(await tryAt(anthropic, '--model', 'demo-chat')).toMatchObject({ code: 0 });
    const gemini = { base: `${demo.origin}/v1beta`, entry: { like: 'google' } };
    expect(await tryAt(gemini, '--model', 'demo-chat')).toMatchObject({ code: 0 });
    expect(demo.requests.map(({ rawTarget }) => rawTarget)).toEqual([
      '/v1/messages',
      '/v1beta/models/demo-chat:generateContent',
    ]);
    expect(demo.requests[0]?.headers['x-api-key']).toBe(KEY);
  });

  it('may be asked with an empty request where nothing else is known of it', async () => {
    const row = {
      method: 'POST',
      path: '/paint',
      kind: 'inference',
      dialect: 'opaque',
      body: 'json',
      models: null,
    };
    const setting = { base: v1(demo), entry: { endpoints: [row] } };
    const answers = [400, 422, 415, 200, 401];
    demo.handle = ({ url }, response) => {
      // whoever else dials this port must not take an answer away
      if (url !== '/v1/paint') return false;
      response.writeHead(answers.shift() ?? 500, { 'content-type': 'application/json' }).end('{}');
      return true;
    };
    for (const code of [0, 0, 0, 0, 1]) {
      const ran = await tryAt(setting);
      expect([ran.code, ran.stderr]).toEqual([code, expect.anything()]);
      if (code === 0)
        expect(ran.stderr).toMatch(/(?:turned down as it should be|taken): .*the key was not refused/);
    }
  });
});

describe('what fails is told apart:', () => {
  it('a name that is not there', async () => {
    const [fault, told] = await faultOf({ base: 'https://nothing.invalid/v1', open: false });
    expect(fault).toBe('dns');
    expect(told).toMatch(/the name nothing\.invalid was not found \((?:ENOTFOUND|EAI_AGAIN)\)/);
  });

  it('a port that is closed', async () => {
    const gone = await startDemoProvider();
    await gone.close();
    const [fault, told] = await faultOf({ base: v1(gone) });
    expect([fault, told]).toEqual([
      'connection',
      expect.stringContaining(`${gone.origin} refuses connections`),
    ]);
  });

  it('a certificate that nobody knows', async () => {
    const [fault, told] = await faultOf({ base: v1(secured) });
    expect(fault).toBe('tls');
    expect(told).toMatch(
      /its certificate is signed by itself \(DEPTH_ZERO_SELF_SIGNED_CERT\).*NODE_EXTRA_CA_CERTS/,
    );
    expect(secured.requests).toEqual([]);
  });

  it('a port that speaks no TLS', async () => {
    const [fault, told] = await faultOf({ base: v1(demo).replace('http:', 'https:') });
    expect([fault, told]).toEqual(['tls', expect.stringContaining('check that the port speaks TLS')]);
  });

  it('a connection that does not come about in time, and an answer that does not', async () => {
    const port = silentPort();
    const upstream = { connect_timeout: 0.1, headers_timeout: 0.1 };
    const [connecting, first] = await faultOf({ base: `https://127.0.0.1:${port}/v1`, upstream });
    expect([connecting, first]).toEqual(['timeout', expect.stringContaining('no connection to')]);
    const [waiting, second] = await faultOf({ base: `http://127.0.0.1:${port}/v1`, upstream });
    expect([waiting, second]).toEqual([
      'timeout',
      expect.stringContaining('took the request and was silent'),
    ]);
  });

  it('an address that the relay’s own rules forbid', async () => {
    const [fault, told] = await faultOf({ base: v1(demo), open: false });
    expect(fault).toBe('destination');
    expect(told).toMatch(/does not call http:\/\/127\.0\.0\.1:\d+: its address is loopback; .*allow_private/);
    expect(demo.requests).toEqual([]);
  });

  it.each<[model: string, fault: string, told: RegExp]>([
    ['demo-error-401', 'key', /answered 401: it refused the key; check that the key is whole, not expired/],
    ['demo-error-403', 'key', /answered 403: .*may be used for this model, from this region/],
    [
      'demo-error-404',
      'model',
      /answered 404 \(".+"\): it does not take this model, or this path \(POST \/v1\/chat/,
    ],
    ['demo-error-400', 'model', /answered 400 .*check --model/],
    ['demo-error-402', 'quota', /answered 402: no credit or quota left; .*billing/],
    ['demo-error-429', 'quota', /answered 429 .*too many requests, or no quota left/],
    ['demo-error-500', 'provider', /answered 500 .*a fault of the provider/],
    ['demo-error-503', 'provider', /answered 503/],
    ['demo-redirect-302-%2Fv2', 'answer', /with a redirect, which a relay does not follow/],
    ['demo-echo', 'answer', /sent the key back in its answer/],
    ['demo-html', 'answer', /cannot be passed on: content type/],
    ['demo-garbage', 'answer', /cannot be passed on/],
    ['demo-truncate', 'answer', /not JSON|broke off/],
    ['demo-close-before', 'connection', /broke/],
  ])('%s is a fault of kind %s', async (model, fault, told) => {
    const [kind, sentence] = await faultOf({ base: v1(demo) }, '--model', model);
    expect([kind, sentence]).toEqual([fault, expect.stringMatching(told)]);
  });

  it('and the provider’s words are repeated without the key that stands in them', async () => {
    demo.handle = (_request, response) => {
      const message = `Incorrect key\u001b[31m ${KEY.slice(0, -1)}* given, see sk-proj-${'a1'.repeat(12)}`;
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { message } }));
      return true;
    };
    const { stderr } = await tryAt({ base: v1(demo) }, '--model', 'm');
    expect(stderr).toContain('Incorrect key');
    for (const text of ['a1a1', '\u001b']) expect(stderr).not.toContain(text);
  });
});

describe('before anything is called', () => {
  const OPENAI = ['providers', 'test', 'openai'];

  it.each<[args: string[], env: Record<string, string>, code: number, told: RegExp]>([
    [
      [...OPENAI, '--key-env', 'K'],
      { K: 'gsk_demo' },
      1,
      /openai: --key-env: this key looks like a key of Groq \(gsk_…\)/,
    ],
    [[...OPENAI, '--key-env', 'K'], { K: 'sk-admin-demo' }, 1, /organisation admin key of OpenAI/],
    [[...OPENAI, '--key-env', 'K'], {}, 2, /the variable that --key-env names is not set; set it$/m],
    [[...OPENAI, '--key-env', 'sk-demo'], {}, 2, /takes the name of a variable/],
    [[...OPENAI, '--key=sk-demo'], {}, 2, /a key is never an argument/],
    [OPENAI, {}, 2, /name the variable that holds the key: --key-env OPENAI_API_KEY/],
    [[...OPENAI, '--key-env', 'K', '--credential-env', 'a=K'], { K: 'a' }, 2, /give one of/],
    [[...OPENAI, '--key-env', 'K', '--var', 'a=b'], { K: 'a' }, 2, /openai takes no --var$/m],
    [['providers', 'test', 'azure', '--key-env', 'K'], { K: 'a' }, 2, /azure needs --var resource=…/],
    [
      ['providers', 'test', 'azure', '--key-env', 'K', '--var', 'b=c,resource=d'],
      { K: 'a' },
      2,
      /for resource alone/,
    ],
    [['providers', 'test', 'opena', '--key-env', 'K'], { K: 'a' }, 1, /did you mean openai/],
    [
      ['providers', 'test', 'gsk_demo', '--key-env', 'K'],
      { K: 'a' },
      1,
      /none of them has this name; see relayapi/,
    ],
    [[...OPENAI, '--key-env', 'K', '--base', 'http://x.example'], { K: 'a' }, 1, /openai: --base/],
    [[...OPENAI, '--key-env', 'K', '--config', '/nowhere.json'], { K: 'a' }, 1, /nowhere\.json/],
  ])('%j is refused', async (args, env, code, told) => {
    const ran = await runHere(args, { env });
    expect(ran.code).toBe(code);
    expect(ran.stderr).toMatch(told);
    expect(ran.stdout + ran.stderr).not.toMatch(/demo\b/);
  });
});
