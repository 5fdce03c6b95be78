/** Statements of the token specification that only a whole relay can show: version 1 files, the vault, one id with two meanings, the order of answers. */
import { Buffer } from 'node:buffer';
import { RelayAPIClient } from 'relayapi-sdk';
import { encodeBase64Url, randomBytes, Secret } from 'relayapi-token';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forgeAes } from '../hostile/forge.ts';
import { mintUrl } from '../hostile/mint.ts';
import { wordFrom } from '../hostile/reading.ts';
import {
  chatBody,
  named,
  postChat,
  RELAY_PATHS,
  type RelayFixture,
  startRelay,
  UPSTREAM_KEY,
} from '../support/relay-fixture.ts';

const seconds = () => Math.floor(Date.now() / 1000);

describe.each(RELAY_PATHS)('on the %s path', (path) => {
  let relay: RelayFixture;
  const start = async (options: Parameters<typeof startRelay>[0] = {}) => {
    relay = await startRelay({ path, ...options });
  };
  afterEach(() => relay.close());

  it('A12 one version 1 file seals with the SDK and opens at the relay, limits and all', async () => {
    await start();
    const file = {
      version: '1.0.0',
      crypto: { method: 'aes', aes_key: Buffer.from(randomBytes(32)).toString('hex'), aes_iv_seed: 'demo' },
      server: { host: '127.0.0.1', port: relay.port, base_path: '/relayapi/' },
    };
    expect(await relay.instance.reloadKeys([named('old.rai', file)])).toEqual([]);
    const client = new RelayAPIClient(file);
    const url = client.generateUrl({ provider: 'demo', apiKey: UPSTREAM_KEY, maxCalls: 1 });
    expect(url.startsWith(`${relay.origin}/relayapi/`)).toBe(true);
    expect(await wordFrom(await postChat(url))).toBe('200 -');
    expect(await wordFrom(await postChat(url))).toBe('402 calls_exhausted');
    const long = client.generateToken.bind(client, { apiKey: UPSTREAM_KEY, expireSeconds: 86_401 });
    expect(long).toThrow(/^expireSeconds/);
  });

  describe('a vault key', () => {
    const credential = { key: new Secret(UPSTREAM_KEY) };
    const entry = { provider: 'demo', credential, models: ['demo-*'], paths: ['POST /chat/completions'] };
    beforeEach(() =>
      start({
        allow: { vault: ['main'] },
        ports: { vault: new Map([['main', { ...entry, limits: { calls: 2, request_bytes: 200 } }]]) },
      }),
    );

    it('goes up in place of one in the token, and its limits hold beside the token’s', async () => {
      const url = relay.url({ vault: 'main', maxCalls: 50, maxRequestBytes: 5000 });
      const tooLarge = chatBody('demo-chat', { user: 'x'.repeat(200) });
      expect(await wordFrom(await postChat(url, tooLarge))).toBe('413 request_too_large');
      const left: (string | null)[] = [];
      for (let call = 0; call < 2; call++) {
        const response = await postChat(url);
        expect(await wordFrom(response)).toBe('200 -');
        left.push(response.headers.get('relay-calls-remaining'));
      }
      expect(left).toEqual(['1', '0']);
      expect(await wordFrom(await postChat(url))).toBe('402 calls_exhausted');
      expect(relay.demo.counters.requests).toBe(2);
    });

    it('binds a token that says nothing, and none that has a key of its own', async () => {
      const vault = relay.url({ vault: 'main', maxCalls: null });
      const words = [await postChat(vault), await postChat(vault), await postChat(vault)].map(wordFrom);
      expect(await Promise.all(words)).toEqual(['200 -', '200 -', '402 calls_exhausted']);
      const own = relay.url({ maxCalls: 3 });
      const more = [await postChat(own), await postChat(own), await postChat(own)].map(wordFrom);
      expect(await Promise.all(more)).toEqual(['200 -', '200 -', '200 -']);
    });

    it('is bound by its own models and paths whatever the token allows', async () => {
      const url = relay.url({ vault: 'main', allowedModels: ['*'] });
      expect(await wordFrom(await postChat(url, chatBody('other')))).toBe('403 model_denied');
      const embed = await fetch(`${url}/v1/embeddings`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'demo-embedding', input: 'x' }),
      });
      expect(await wordFrom(embed)).toBe('403 path_denied');
      expect(relay.demo.counters.requests).toBe(0);
    });
  });

  it('one iss and jti with other claims is token_invalid, byte for byte like any other', async () => {
    await start();
    const jti = encodeBase64Url(randomBytes(16));
    const one = mintUrl(relay, seconds(), { jti, limits: { calls: 5 } });
    const more = mintUrl(relay, seconds(), { jti, limits: { calls: 6 } });
    expect(await wordFrom(await postChat(one))).toBe('200 -');
    const refused = await postChat(more);
    expect(refused.status).toBe(401);
    const garbled = await postChat(`${one}A`);
    expect(await refused.text()).toBe(await garbled.text());
    expect((await postChat(one)).headers.get('relay-calls-remaining')).toBe('3');
  });

  describe('answers to an authentic token', () => {
    beforeEach(() => start({ allow: { max_ttl_seconds: 3600 } }));

    /** Sealed past every check of the minting side. */
    function forge(more: object): string {
      const { aud, iss, keys } = relay.files.relay as {
        aud: string;
        iss: string;
        keys: { kid: string; k: string }[];
      };
      const [key] = keys as [{ kid: string; k: string }];
      const header = { alg: 'A256KW', enc: 'A256GCM', kid: key.kid, typ: 'rai+jwt' };
      const claims = {
        iss,
        aud,
        jti: encodeBase64Url(randomBytes(16)),
        iat: seconds(),
        exp: seconds() + 60,
        upstream: { provider: 'demo', key: UPSTREAM_KEY },
        ...more,
      };
      return `${relay.origin}/relayapi/${forgeAes(Buffer.from(key.k, 'base64url'), header, JSON.stringify(claims))}`;
    }

    const long = () => ({ exp: seconds() + 9000 });
    const gone = () => ({ iat: seconds() - 9000, exp: seconds() - 1 });
    const early = () => ({ nbf: seconds() + 70 });
    it.each<[string, () => object, string]>([
      ['nothing wrong', () => ({}), '200 -'],
      ['expired, unknown and too long', () => ({ ...gone(), odd: 1 }), '401 token_expired'],
      [
        'too early, unknown and too long',
        () => ({ ...long(), ...early(), odd: 1 }),
        '401 token_not_yet_valid',
      ],
      ['unknown and too long', () => ({ ...long(), odd: 1 }), '400 token_unsupported'],
      ['an unknown limit', () => ({ limits: { odd: 'x' } }), '400 token_unsupported'],
      ['too long', long, '403 claim_not_allowed'],
      ['expired, with a malformed claim', () => ({ ...gone(), models: 'x' }), '401 token_invalid'],
      [
        'expired, with an unknown member of upstream',
        () => ({ ...gone(), upstream: { provider: 'demo', key: 'k', odd: 1 } }),
        '401 token_invalid',
      ],
      [
        'unknown, with a limit of the wrong type',
        () => ({ odd: 1, limits: { calls: '1' } }),
        '401 token_invalid',
      ],
      ['expired before it was issued', () => ({ iat: seconds(), exp: seconds() - 1 }), '401 token_invalid'],
      ['for another relay and expired', () => ({ ...gone(), aud: 'elsewhere' }), '401 token_invalid'],
      [
        'allowed by the file, absent from the registry',
        () => ({ upstream: { provider: 'nobody', key: 'k' } }),
        '400 provider_unknown',
      ],
    ])('come in order: %s', async (_what, claims, word) => {
      expect(await wordFrom(await postChat(forge(claims())))).toBe(word);
    });
  });
});
