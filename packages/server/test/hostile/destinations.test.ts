/**
 * Where the relay will not go, through the whole relay: hostile addresses in a token's `base`, in provider entries and behind
 * names, its own listeners, and names that change their mind (behaviour spec §5). Every dial of this process is counted.
 * house: real time, since one call has to be under way on a real connection while another needs a second one.
 */
import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { createSelfSignedCertificate } from 'relayapi-demo-provider';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { checkProviders } from '../../src/create-relay.ts';
import { type AddressGuard, createAddressGuard } from '../../src/runtime/node/addresses.ts';
import { createNodeTransport } from '../../src/runtime/node/upstream-transport.ts';
import { chatBody, postChat, type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { type Canary, startCanary } from './canary.ts';
import { CROOKED_BASES, HOSTILE_ADDRESSES, SPELLINGS } from './destinations.cases.ts';
import { mintUrl } from './mint.ts';
import { wordFrom } from './reading.ts';

/** Every address that any socket of this process tried to reach. */
const dials: string[] = [];
function watch(message: unknown): void {
  const { socket } = message as { socket: Socket };
  socket.on('connectionAttempt', (ip: string, port: number) => dials.push(`${ip}:${port}`));
}
beforeAll(() => diagnostics.subscribe('net.client.socket', watch));
afterAll(() => void diagnostics.unsubscribe('net.client.socket', watch));
beforeEach(() => void dials.splice(0));

const now = () => Math.floor(Date.now() / 1000);
const bracketed = (address: string) => (address.includes(':') ? `[${address}]` : address);
/** Dials other than a caller's to the relay itself. */
const strayDials = (relay: RelayFixture) => dials.filter((place) => place !== `127.0.0.1:${relay.port}`);
/** The host as a URL writes it, which is how key files list hosts; null when no URL has it. */
const listed = (host: string) => (URL.canParse(`https://${host}/`) ? new URL(`https://${host}/`).host : null);

const NAMES = HOSTILE_ADDRESSES.map(({ address }, i) => ({ address, name: `name-${i}.example.com` }));

describe('A18 a token’s base, with every hostile host listed in the key file', () => {
  let relay: RelayFixture;
  let v4: Canary;
  let v6: Canary;
  beforeAll(async () => {
    v4 = await startCanary({ host: '0.0.0.0' });
    v6 = await startCanary({ host: '::1', port: v4.port });
    const hosts = [
      ...HOSTILE_ADDRESSES.map(({ address }) => bracketed(address)),
      ...SPELLINGS,
      ...NAMES.map(({ name }) => name),
      'mixed.example.com',
    ].flatMap((host) => {
      const plain = listed(host);
      return plain === null ? [] : [plain, `${plain}:${v4.port}`];
    });
    relay = await startRelay({
      allow: { hosts: [...new Set(hosts)] },
      ports: {
        transport: createNodeTransport({
          guard: createAddressGuard(),
          connectTimeoutMs: 2000,
          resolve: async (name) => {
            if (name === 'mixed.example.com') return ['1.1.1.1', '10.0.0.1'];
            const known = NAMES.find((entry) => entry.name === name);
            return known ? [known.address] : ['127.0.0.1'];
          },
        }),
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

  const call = (base: string) =>
    postChat(mintUrl(relay, now(), { upstream: { provider: 'openai', key: UPSTREAM_KEY, base } }));

  async function expectNothing(base: string, word: RegExp) {
    expect([base, await wordFrom(await call(base))]).toEqual([base, expect.stringMatching(word)]);
    expect(strayDials(relay)).toEqual([]);
    expect([v4.connections, v6.connections]).toEqual([0, 0]);
  }

  it('there are at least 120 hostile addresses and bases', () => {
    expect(HOSTILE_ADDRESSES.length + SPELLINGS.length + CROOKED_BASES.length).toBeGreaterThanOrEqual(120);
  });

  it.each(HOSTILE_ADDRESSES)('$address ($kind) as a literal: no connection', async ({ address }) => {
    const host = listed(bracketed(address));
    await expectNothing(`https://${host}/v1`, /^403 destination_denied$/);
    await expectNothing(`https://${host}:${v4.port}/v1`, /^403 destination_denied$/);
    // as written here, where URLs write it otherwise
    await expectNothing(`https://${bracketed(address)}/v1`, /^403 (destination_denied|claim_not_allowed)$/);
  });

  it.each(NAMES)('$address behind a name: no connection', async ({ name }) => {
    await expectNothing(`https://${name}:${v4.port}/v1`, /^403 destination_denied$/);
  });

  it('one bad address beside a public one: no connection to either', async () => {
    await expectNothing('https://mixed.example.com/v1', /^403 destination_denied$/);
  });

  /** Null for what no issuer can seal: no relay has to refuse it. */
  function tryMint(base: string): string | null {
    try {
      return mintUrl(relay, now(), { upstream: { provider: 'openai', key: UPSTREAM_KEY, base } });
    } catch {
      return null;
    }
  }

  it.each(SPELLINGS)('%s: not minted, or no connection', async (host) => {
    const base = `https://${host}:${v4.port}/v1`;
    if (tryMint(base) === null) return expect(host).toMatch(/[^\x21-\x7e]|%/);
    await expectNothing(base, /^403 (destination_denied|claim_not_allowed)$/);
  });

  it.each(CROOKED_BASES)('%j: not minted, or refused without a connection', async (shape) => {
    const base = shape.replaceAll('HOST', 'name-0.example.com');
    const url = tryMint(base);
    if (url !== null) {
      const word = await wordFrom(await postChat(url));
      expect([base, word]).toEqual([
        base,
        expect.stringMatching(/^(403 (claim_not_allowed|destination_denied)|401 token_invalid)$/),
      ]);
    }
    expect(strayDials(relay)).toEqual([]);
    expect(v4.connections).toBe(0);
  });

  it('a host that the file does not list is refused before any name is asked for', async () => {
    await expectNothing('https://other.example.com/v1', /^403 claim_not_allowed$/);
  });
});

describe.each(['http', 'https'])('A18 a provider entry over %s, without allow_private', (scheme) => {
  let relay: RelayFixture;
  let canary: Canary;
  const places = [
    ...HOSTILE_ADDRESSES.map(({ address }) => bracketed(address)),
    'localhost',
    'name-0.example.com',
  ];
  const id = (i: number) => `p${i}`;

  beforeAll(async () => {
    canary = await startCanary({ host: '0.0.0.0' });
    const wanted = places.map(
      (host, i) => [id(i), { base_url: `${scheme}://${host}:${canary.port}/v1` }] as const,
    );
    // an address that URLs write otherwise is refused at the start, with its problem named: that too is no connection
    const taken = wanted.filter(
      ([name, entry]) => checkProviders(configSchema.parse({ providers: { [name]: entry } })).length === 0,
    );
    expect(taken.length).toBeGreaterThan(60);
    relay = await startRelay({
      config: { providers: Object.fromEntries(taken) },
      ports: {
        transport: createNodeTransport({ guard: createAddressGuard(), resolve: async () => ['127.0.0.1'] }),
      },
    });
  });
  afterAll(async () => {
    await relay.close();
    await canary.close();
  });

  it.each(places.map((place, i) => ({ place, i })))('$place: no connection', async ({ i }) => {
    const url = mintUrl(relay, now(), { upstream: { provider: id(i), key: UPSTREAM_KEY } });
    expect(await wordFrom(await postChat(url))).toMatch(/^(403 destination_denied|400 provider_unknown)$/);
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

describe.each(['http', 'https'])('A19 a name that changes its address over %s', (scheme) => {
  let relay: RelayFixture;
  let honest: Canary;
  let inside: Canary;
  let answers: string[][];
  let lookups: number;
  const certificate = createSelfSignedCertificate(['rebind.example.com']);
  const tls = scheme === 'https' ? { tls: certificate } : {};

  beforeEach(async () => {
    honest = await startCanary({ host: '127.0.0.2', ...tls });
    inside = await startCanary({ host: '127.0.0.1', port: honest.port });
    answers = [['127.0.0.2']];
    lookups = 0;
    relay = await startRelay({
      config: { providers: { rebind: { base_url: `${scheme}://rebind.example.com:${honest.port}/v1` } } },
      ports: {
        transport: createNodeTransport({
          guard: takingForPublic('127.0.0.2'),
          ca: certificate.cert,
          resolve: async () => answers[Math.min(lookups++, answers.length - 1)] ?? [],
        }),
      },
    });
  });
  afterEach(async () => {
    await relay.close();
    await honest.close();
    await inside.close();
  });

  const call = async () => wordFrom(await postChat(relay.url({ provider: 'rebind', maxCalls: null })));

  it('is asked once per connection, and the address that was judged is the one that is dialled', async () => {
    answers = [['127.0.0.2'], ['127.0.0.1']];
    expect(await call()).toBe('200 -');
    expect(lookups).toBe(1);
    expect(strayDials(relay)).toEqual([`127.0.0.2:${honest.port}`]);
    expect(inside.connections).toBe(0);
  });

  it('is refused on the first connection', async () => {
    answers = [['127.0.0.1'], ['127.0.0.2']];
    expect(await call()).toBe('403 destination_denied');
    expect(strayDials(relay)).toEqual([]);
    expect([honest.connections, inside.connections]).toEqual([0, 0]);
  });

  it('stays where it was on a pooled connection, and is refused on the next new one', async () => {
    answers = [['127.0.0.2'], ['127.0.0.1']];
    for (let i = 0; i < 3; i += 1) expect(await call()).toBe('200 -');
    expect(honest.connections).toBe(1);
    honest.hangUp();
    await expect.poll(call).toBe('403 destination_denied');
    expect(inside.connections).toBe(0);
    expect(strayDials(relay)).not.toContain(`127.0.0.1:${inside.port}`);
  });

  it('is refused for further connections of a pool that is in use', async () => {
    answers = [['127.0.0.2'], ['127.0.0.1']];
    honest.say(
      (socket) =>
        void setTimeout(
          () =>
            socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'),
          150,
        ),
    );
    const words = await Promise.all([call(), new Promise((resolve) => setTimeout(resolve, 50)).then(call)]);
    expect(words).toEqual(['200 -', '403 destination_denied']);
    expect(inside.connections).toBe(0);
  });

  it('is refused when a later answer adds a private address to the public one', async () => {
    answers = [['127.0.0.2', '127.0.0.1']];
    expect(await call()).toBe('403 destination_denied');
    answers = [['127.0.0.2', '::ffff:127.0.0.1']];
    expect(await call()).toBe('403 destination_denied');
    expect([honest.connections, inside.connections]).toEqual([0, 0]);
  });

  it.each([[[]], [['not an address']], [['127.0.0.1 ']], [['2130706433']]])(
    'answers with %j: no connection',
    async (answer) => {
      answers = [answer];
      expect(await call()).toMatch(/^(403 destination_denied|502 upstream_unreachable)$/);
      expect([honest.connections, inside.connections]).toEqual([0, 0]);
      expect(strayDials(relay)).toEqual([]);
    },
  );

  it('a call that was refused leaves nothing behind: the body is not sent later', async () => {
    answers = [['127.0.0.1'], ['127.0.0.2']];
    expect(await wordFrom(await postChat(relay.url({ provider: 'rebind' }), chatBody('demo-refused')))).toBe(
      '403 destination_denied',
    );
    expect(await call()).toBe('200 -');
    expect(honest.heads).toHaveLength(1);
  });
});

/** The real guard, to which one loopback address counts as public: no test can reach a truly public one. */
function takingForPublic(exempt: string): AddressGuard {
  const guard = createAddressGuard();
  return {
    refuse: (address, port, allowPrivate) =>
      address === exempt ? null : guard.refuse(address, port, allowPrivate),
    // would block the exempt one as well; the other rows try it
    blockList: () => null,
  };
}
