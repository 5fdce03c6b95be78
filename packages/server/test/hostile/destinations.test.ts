/**
 * Where the relay will not go, through the whole relay: every row of corpora/addresses, hosts, bases and names in a token's `base`
 * and in provider entries, and the relay's own listeners (behaviour spec §5). Every dial of this process is counted.
 */
import { encodeBase64Url, randomBytes } from 'relayapi-token';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { checkProviders } from '../../src/judge-config.ts';
import { createAddressGuard } from '../../src/runtime/node/addresses.ts';
import { createNodeTransport } from '../../src/runtime/node/upstream-transport.ts';
import { postChat, type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { type Canary, startCanary } from './canary.ts';
import { rowsOf } from './corpora/rows.ts';
import { watchDials } from './dials.ts';
import { forgeAes } from './forge.ts';
import { mintUrl } from './mint.ts';
import { wordFrom } from './reading.ts';

interface AddressRow {
  readonly address: string;
  readonly what: string;
  readonly must: 'denied' | 'dialled';
}
interface NameRow {
  readonly name: string;
  readonly what: string;
  readonly answers: readonly string[];
  readonly must: 'denied' | 'dialled' | 'unreachable';
  readonly dials?: readonly string[];
}

const ADDRESSES = rowsOf<AddressRow>('addresses');
const HOSTILE = ADDRESSES.filter(({ must }) => must === 'denied');
const PUBLIC = ADDRESSES.filter(({ must }) => must === 'dialled');
const NAMES = rowsOf<NameRow>('names');
const HOSTS = rowsOf<{ host: string; must: string }>('hosts');
const BASES = rowsOf<{ base: string; must: string }>('bases');

/** What the relay says where no connection came about, by what a row asks for. */
const WORD = {
  denied: '403 destination_denied',
  unreachable: '502 upstream_unreachable',
  dialled: '502 upstream_unreachable',
} as const;
/** The host that stands for HOST in corpora/bases. */
const LISTED = 'name-0.example.com';

const now = () => Math.floor(Date.now() / 1000);
const bracketed = (address: string) => (address.includes(':') ? `[${address}]` : address);
/** The host as a URL writes it, which is how key files list hosts; null when no URL has it. */
const listed = (host: string) => (URL.canParse(`https://${host}/`) ? new URL(`https://${host}/`).host : null);

const dialled = watchDials();
beforeEach(() => dialled.reset());
/** Dials other than a caller's to the relay itself. */
const strayDials = (relay: RelayFixture) =>
  dialled.places.filter((place) => place !== `127.0.0.1:${relay.port}`);

/** Every name of the corpus as it says, every other one to this machine. */
const resolve = async (name: string) => NAMES.find((row) => row.name === name)?.answers ?? ['127.0.0.1'];

it('A18 there are at least 120 hostile addresses and bases', () => {
  expect(HOSTILE.length).toBeGreaterThanOrEqual(300);
  expect(HOSTS.length + BASES.length).toBeGreaterThanOrEqual(270);
  expect(NAMES.length).toBeGreaterThanOrEqual(50);
  expect(PUBLIC.length).toBeGreaterThanOrEqual(60);
  expect(new Set(ADDRESSES.map(({ address }) => address)).size).toBe(ADDRESSES.length);
});

describe('A18 a token’s base, with every hostile host listed in the key file', () => {
  let relay: RelayFixture;
  let v4: Canary;
  let v6: Canary;
  beforeAll(async () => {
    v4 = await startCanary({ host: '0.0.0.0' });
    v6 = await startCanary({ host: '::1', port: v4.port });
    const hosts = [
      ...ADDRESSES.map(({ address }) => bracketed(address)),
      ...HOSTS.map(({ host }) => host),
      ...NAMES.map(({ name }) => name),
      LISTED,
    ].flatMap((host) => {
      const plain = listed(host);
      return plain === null || plain === '' ? [] : [plain, `${plain}:${v4.port}`];
    });
    relay = await startRelay({
      allow: { hosts: [...new Set(hosts)] },
      // a hundred rows that no token may hold look like guessing
      config: { damping: { failures: 0 } },
      ports: {
        transport: createNodeTransport({ guard: createAddressGuard(), connectTimeoutMs: 2000, resolve }),
      },
    });
  });
  afterAll(async () => {
    await relay.close();
    await v4.close();
    await v6.close();
  });
  beforeEach(() => {
    v4.reset();
    v6.reset();
  });

  /** Sealed by a stranger's code: nothing that our own seal refuses is missing here. */
  function urlFor(base: string): string {
    const { aud, iss, keys } = relay.files.issuer as {
      aud: string;
      iss: string;
      keys: { kid: string; k: string }[];
    };
    const [key] = keys;
    if (key === undefined) throw new Error('the fixture has a key');
    const header = { alg: 'A256KW', enc: 'A256GCM', kid: key.kid, typ: 'rai+jwt' };
    const claims = {
      iss,
      aud,
      jti: encodeBase64Url(randomBytes(16)),
      iat: now(),
      exp: now() + 3600,
      upstream: { provider: 'openai', key: UPSTREAM_KEY, base },
      limits: { calls: 100 },
    };
    const token = forgeAes(Buffer.from(key.k, 'base64url'), header, JSON.stringify(claims));
    return `${relay.origin}/relayapi/${token}`;
  }

  async function expectNothing(base: string, word: string) {
    expect([base, await wordFrom(await postChat(urlFor(base)))]).toEqual([base, word]);
    expect(strayDials(relay)).toEqual([]);
    expect([v4.connections, v6.connections]).toEqual([0, 0]);
  }

  it.each(HOSTILE)('$address ($group, $what) as a literal: no connection', async ({ address }) => {
    const host = listed(bracketed(address));
    await expectNothing(`https://${host}/v1`, WORD.denied);
    await expectNothing(`https://${host}:${v4.port}/v1`, WORD.denied);
    // as written in the corpus, where URLs write it otherwise
    if (bracketed(address) !== host) {
      await expectNothing(`https://${bracketed(address)}/v1`, '403 claim_not_allowed');
    }
  });

  it.each(HOSTS)('the host $host ($group): $must', async ({ host, must }) => {
    await expectNothing(`https://${host}/v1`, must);
    // an unreadable host is no better with a port
    await expectNothing(`https://${host}:${v4.port}/v1`, must);
  });

  it.each(BASES)('the base $base ($group): $must', async ({ base, must }) => {
    await expectNothing(base.replaceAll('HOST', LISTED), must);
  });

  it.each(NAMES.filter(({ must }) => must !== 'dialled'))(
    'the name $name ($group, $what): $must',
    async ({ name, must }) => {
      await expectNothing(`https://${name}/v1`, WORD[must]);
      await expectNothing(`https://${name}:${v4.port}/v1`, WORD[must]);
    },
  );

  it('a host that the file does not list is refused before any name is asked for', async () => {
    await expectNothing('https://other.example.com/v1', '403 claim_not_allowed');
  });

  describe('public ones are dialled: the guard is not a wall of its own', () => {
    beforeEach(() => dialled.pretend(relay.port));
    afterEach(() => dialled.pretend(null));

    it.each(PUBLIC)('$address ($what)', async ({ address }) => {
      const host = listed(bracketed(address));
      expect(await wordFrom(await postChat(urlFor(`https://${host}/v1`)))).toBe(WORD.dialled);
      expect(strayDials(relay)).toEqual([`${address}:443`]);
    });

    it.each(NAMES.filter(({ must }) => must === 'dialled'))('$name ($what)', async ({ name, dials = [] }) => {
      expect(await wordFrom(await postChat(urlFor(`https://${name}/v1`)))).toBe(WORD.dialled);
      expect(strayDials(relay)).toEqual(dials.map((address) => `${address}:443`));
    });
  });
});

describe.each(['http', 'https'])('A18 a provider entry over %s, without allow_private', (scheme) => {
  let relay: RelayFixture;
  let canary: Canary;
  const places = [
    ...HOSTILE.map(({ address }) => ({ place: bracketed(address), word: WORD.denied })),
    ...NAMES.flatMap(({ name, must }) => (must === 'dialled' ? [] : [{ place: name, word: WORD[must] }])),
    ...['localhost', 'localhost.', 'relay.internal'].map((place) => ({ place, word: WORD.denied })),
  ].map((row, i) => ({ ...row, id: `p${i}` }));
  let taken: ReadonlySet<string>;

  beforeAll(async () => {
    canary = await startCanary({ host: '0.0.0.0' });
    const wanted = places.map(
      ({ place, id }) => [id, { base_url: `${scheme}://${place}:${canary.port}/v1` }] as const,
    );
    // an address that URLs write otherwise is refused at the start, with its problem named: that too is no connection
    const good = wanted.filter(
      ([name, entry]) => checkProviders(configSchema.parse({ providers: { [name]: entry } })).length === 0,
    );
    taken = new Set(good.map(([name]) => name));
    relay = await startRelay({
      config: { providers: Object.fromEntries(good) },
      ports: { transport: createNodeTransport({ guard: createAddressGuard(), resolve }) },
    });
  });
  afterAll(async () => {
    await relay.close();
    await canary.close();
  });

  it('is refused at the start only where URLs write it otherwise', () => {
    const refused = places.filter(({ id }) => !taken.has(id)).map(({ place }) => place);
    expect(refused.filter((place) => listed(place) === place)).toEqual([]);
    expect(taken.size).toBeGreaterThan(300);
  });

  it.each(places)('$place: no connection', async ({ id, word }) => {
    const url = mintUrl(relay, now(), { upstream: { provider: id, key: UPSTREAM_KEY } });
    expect(await wordFrom(await postChat(url))).toBe(taken.has(id) ? word : '400 provider_unknown');
    expect(strayDials(relay)).toEqual([]);
    expect(canary.connections).toBe(0);
  });
});

describe('A18 what config opens', () => {
  let canary: Canary;
  let relay: RelayFixture;
  afterEach(async () => {
    await relay.close();
    await canary.close();
  });

  async function startOpen(own: boolean, host = '127.0.0.1'): Promise<string> {
    canary = await startCanary();
    const place = `${host}:${canary.port}`;
    const listeners = own ? [{ address: '127.0.0.1', port: canary.port }] : [];
    relay = await startRelay({
      config: {
        providers: { local: { base_url: `http://${place}/v1` } },
        upstream: { allow_private: [place] },
      },
      ports: {
        transport: createNodeTransport({
          guard: createAddressGuard({ ownListeners: () => listeners }),
          resolve: async () => ['127.0.0.1'],
        }),
      },
    });
    return wordFrom(await postChat(relay.url({ provider: 'local' })));
  }

  it('is reached: these tests would see a connection', async () => {
    expect(await startOpen(false)).toBe('200 -');
    expect(canary.connections).toBe(1);
    expect(strayDials(relay)).toEqual([`127.0.0.1:${canary.port}`]);
  });

  it.each(['127.0.0.1', 'localhost', 'relay.internal'])(
    'is never the relay’s own listener, as %s',
    async (host) => {
      expect(await startOpen(true, host)).toBe('403 destination_denied');
      expect(canary.connections).toBe(0);
    },
  );
});

describe('A18 the program’s own two listeners', () => {
  it('are known to it under every name, also with allow_private', async () => {
    const { startProcess, startFolder, putFile } = await import('../support/server-process.ts');
    const { createServer } = await import('node:net');
    const free = () =>
      new Promise<number>((resolve) => {
        const server = createServer().listen(0, '127.0.0.1', () => {
          const { port } = server.address() as { port: number };
          server.close(() => resolve(port));
        });
      });
    const [port, adminPort] = [await free(), await free()];
    const fixture = await startRelay();
    await fixture.close();
    const folder = startFolder();
    putFile(folder, 'relay.rai', fixture.files.relay);
    const hosts = ['127.0.0.1', 'localhost', '127.0.0.9'];
    const entries = hosts.flatMap((host, i) => [
      [`main${i}`, { base_url: `http://${host}:${port}/v1` }],
      [`admin${i}`, { base_url: `http://${host}:${adminPort}/v1` }],
    ]);
    putFile(folder, 'config.json', {
      server: { port },
      admin: { port: adminPort },
      providers: Object.fromEntries(entries),
      upstream: { allow_private: hosts.flatMap((host) => [`${host}:${port}`, `${host}:${adminPort}`]) },
    });
    const server = startProcess(folder, ['-rai', 'relay.rai', '-config', 'config.json']);
    try {
      await server.printed(/listening on/);
      for (const [name] of entries) {
        const token = mintUrl(fixture, now(), { upstream: { provider: String(name), key: UPSTREAM_KEY } })
          .split('/')
          .at(-1);
        const word = await wordFrom(await postChat(`http://127.0.0.1:${port}/relayapi/${token}`));
        // 127.0.0.9 answers nobody here: the listeners are bound to 127.0.0.1
        const bound = !/2$/.test(String(name));
        expect([name, word]).toEqual([name, bound ? '403 destination_denied' : '502 upstream_unreachable']);
      }
    } finally {
      await server.stop();
    }
  });
});
