/** Certificates of upstreams are always checked: no token, no config and no environment switches that off (behaviour spec §5). */
import { createSelfSignedCertificate } from 'relayapi-demo-provider';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAddressGuard } from '../../src/runtime/node/addresses.ts';
import { createNodeTransport } from '../../src/runtime/node/upstream-transport.ts';
import { postChat, type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import {
  putFile,
  runProcess,
  type ServerProcess,
  startFolder,
  startProcess,
} from '../support/server-process.ts';
import { type Canary, startCanary } from './canary.ts';
import { mintToken } from './mint.ts';
import { wordFrom } from './reading.ts';

const certificate = createSelfSignedCertificate(['127.0.0.1', 'localhost']);
const now = () => Math.floor(Date.now() / 1000);
let up: Canary;
let files: RelayFixture['files'];
beforeAll(async () => {
  up = await startCanary({ tls: certificate });
  const fixture = await startRelay();
  files = fixture.files;
  await fixture.close();
});
beforeEach(() => up.reset());
afterAll(() => up.close());

const config = (more: { upstream?: object; provider?: object } = {}) => ({
  server: { port: 0 },
  admin: { enabled: false },
  providers: { up: { base_url: `${up.origin}/v1`, ...more.provider } },
  upstream: { allow_private: [`127.0.0.1:${up.port}`], ...more.upstream },
});

describe('A30 the program before an upstream with a certificate that nobody trusts', () => {
  let server: ServerProcess | null = null;
  afterEach(async () => {
    await server?.stop();
    server = null;
  });

  async function askWith(env: Record<string, string>): Promise<string> {
    const folder = startFolder();
    putFile(folder, 'relay.rai', files.relay);
    putFile(folder, 'config.json', config());
    putFile(folder, 'ca.pem', certificate.cert);
    server = startProcess(folder, ['-rai', 'relay.rai', '-config', 'config.json'], env);
    const [, relay = ''] = await server.printed(/listening on (http:\S+)/);
    const token = mintToken(files.issuer, now(), { upstream: { provider: 'up', key: UPSTREAM_KEY } });
    return wordFrom(await postChat(new URL(token, relay).href));
  }

  it.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['NODE_TLS_REJECT_UNAUTHORIZED=0', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
    [
      'npm’s and other tools’ switches',
      { NPM_CONFIG_STRICT_SSL: 'false', GIT_SSL_NO_VERIFY: '1', PYTHONHTTPSVERIFY: '0', CURL_INSECURE: '1' },
    ],
    ['an unchecked option of Node', { NODE_OPTIONS: '--tls-min-v1.0', NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
  ])('with %s in the environment sends it nothing', async (_what, env) => {
    expect(await askWith(env)).toBe('502 upstream_unreachable');
    expect(up.heads).toEqual([]);
    expect(up.connections).toBeGreaterThan(0);
  });

  it('takes a certificate that the operator adds: the switch that adds trust works', async () => {
    // the path is relative to the program's folder
    expect(await askWith({ NODE_EXTRA_CA_CERTS: 'ca.pem' })).toBe('200 -');
    expect(up.heads).toHaveLength(1);
  });

  it.each<[string, { upstream?: object; provider?: object }]>([
    ['upstream.reject_unauthorized', { upstream: { reject_unauthorized: false } }],
    ['upstream.rejectUnauthorized', { upstream: { rejectUnauthorized: false } }],
    ['upstream.insecure', { upstream: { insecure: true } }],
    ['upstream.tls', { upstream: { tls: { verify: false } } }],
    ['a provider’s insecure', { provider: { insecure: true } }],
    ['a provider’s tls_verify', { provider: { tls_verify: false } }],
    ['a provider’s ca', { provider: { ca: certificate.cert } }],
  ])('does not start with %s in its config', async (_what, more) => {
    const folder = startFolder();
    putFile(folder, 'relay.rai', files.relay);
    putFile(folder, 'config.json', config(more));
    const { code } = await runProcess(folder, ['-rai', 'relay.rai', '-config', 'config.json']);
    expect(code).toBe(2);
  });

  it.each(['RELAYAPI_UPSTREAM_INSECURE', 'RELAYAPI_UPSTREAM_REJECT_UNAUTHORIZED', 'RELAYAPI_TLS_VERIFY'])(
    '%s in the environment changes nothing',
    async (name) => {
      const word = await askWith({ [name]: name.endsWith('INSECURE') ? 'true' : 'false' }).catch(
        () => 'no start',
      );
      expect(['502 upstream_unreachable', 'no start']).toContain(word);
      expect(up.heads).toEqual([]);
    },
  );

  it.each<[string, object]>([
    ['insecure', { insecure: true }],
    ['rejectUnauthorized', { rejectUnauthorized: false }],
    ['tls', { tls: { verify: false } }],
    ['ca', { ca: certificate.cert }],
  ])('no token can carry upstream.%s', (_what, more) => {
    const upstream = { provider: 'up', key: UPSTREAM_KEY, ...more };
    expect(() => mintToken(files.issuer, now(), { upstream })).toThrow(/upstream/);
  });
});

describe('A30 a trusted authority, but the wrong name', () => {
  let relay: RelayFixture;
  afterEach(() => relay.close());

  it.each([
    ['127.0.0.1', '200 -'],
    ['localhost', '200 -'],
    ['other.example.com', '502 upstream_unreachable'],
    ['127.0.0.1.example.com', '502 upstream_unreachable'],
  ])('%s: %s', async (host, word) => {
    relay = await startRelay({
      config: {
        providers: { up: { base_url: `https://${host}:${up.port}/v1` } },
        upstream: { allow_private: [`${host}:${up.port}`] },
      },
      ports: {
        transport: createNodeTransport({
          guard: createAddressGuard(),
          ca: certificate.cert,
          resolve: async () => ['127.0.0.1'],
        }),
      },
    });
    expect(await wordFrom(await postChat(relay.url({ provider: 'up' })))).toBe(word);
    expect(up.heads).toHaveLength(word === '200 -' ? 1 : 0);
  });
});
