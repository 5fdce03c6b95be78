/** What the matrix runs against: a relay with every provider of the rows, some that are not as they should be, and a server that says each error in the relay's words. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { parseRai, sealToken } from 'relayapi-token';
import { OPEN_HEADERS } from '../../../src/base-headers.ts';
import { systemClock } from '../../../src/clock.ts';
import { configSchema } from '../../../src/config/schema.ts';
import { createSharedCounters, type SharedCounters, type SharedState } from '../../../src/create-relay.ts';
import { ERRORS, type ErrorCode } from '../../../src/errors.ts';
import { shapeFor } from '../../../src/ingress/error-shape.ts';
import { REGISTRY } from '../../../src/providers/registry.ts';
import { renderError } from '../../../src/render-error.ts';
import { type RelayFixture, startRelay } from '../../support/relay-fixture.ts';
import type { Case, OddRelay } from './cases.ts';

/** Where a token stands. */
export type Place = 'path' | 'header';

const json = { method: 'POST', dialect: 'opaque', body: 'json', models: null } as const;

/** Providers that the registry may not have yet: written out as config would; a row of the registry of the same name takes over. */
const WRITTEN_OUT: Readonly<Record<string, object>> = {
  mcp: {
    roots: [''],
    pass_headers: ['mcp-protocol-version'],
    endpoints: [{ ...json, path: '/mcp' }],
  },
};

/** Variables of an entry's host. */
const VARS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'amazon-bedrock': { region: 'us-east-1' },
};

/** `providers` of config.json: all of them answered by the demo provider at `origin`. */
function providersAt(origin: string, names: readonly string[]): object {
  const known = new Set(REGISTRY.flatMap(({ id, aliases }) => [id, ...aliases]));
  return Object.fromEntries(
    names.map((name) => [
      name,
      { base_url: origin, trusted: true, ...(known.has(name) ? {} : WRITTEN_OUT[name]) },
    ]),
  );
}

/** Everything the matrix needs. */
export interface MatrixRelays {
  /** Base URL and key for a client, for a case or, without one, for success. */
  door(provider: string, place: Place, given?: Case): { base: string; key: string };
  /** The relay's origin and a token alone. */
  token(provider: string, given?: Case): { origin: string; token: string };
  /** Base URL at which every answer is the given error, in the relay's own words. */
  saying(code: ErrorCode): string;
  close(): Promise<void>;
}

/** Starts them for the providers of the rows. */
export async function startMatrixRelays(providers: readonly string[]): Promise<MatrixRelays> {
  const demo: DemoProvider = await startDemoProvider();
  const config = { providers: providersAt(demo.origin, providers) };
  const relay = await startRelay({ demo, config });
  const odd: Readonly<Record<OddRelay, RelayFixture>> = {
    impatient: await startRelay({
      demo,
      files: relay.files,
      // Long enough to dial on a busy machine: a call that was not yet sent is told as unreachable.
      config: { ...config, upstream: { headers_timeout: 2 } },
    }),
    full: await startRelay({ demo, files: relay.files, config, ports: { shared: counters(1).state } }),
    down: await startRelay({ demo, files: relay.files, config, ports: { shared: await closedCounters() } }),
  };
  const relayFor = (given?: Case) => (given?.at === undefined ? relay : odd[given.at]);
  const speaker = await startSpeaker();
  let serial = 0;
  return {
    door(provider, place, given) {
      const token = mint(relay, provider, ++serial, given);
      const { origin } = relayFor(given);
      if (place === 'path') return { base: `${origin}/relayapi/${token}`, key: 'relay' };
      return { base: `${origin}/relayapi/-`, key: token };
    },
    token: (provider, given) => ({
      origin: relayFor(given).origin,
      token: mint(relay, provider, ++serial, given),
    }),
    saying: (code) => `${speaker.origin}/relayapi/${code}`,
    async close() {
      await relay.close();
      for (const one of Object.values(odd)) await one.close();
      await speaker.close();
      await demo.close();
    },
  };
}

/** What threads share, here with room for so many bytes of counters. */
function counters(bytes: number): SharedCounters {
  const config = configSchema.parse({});
  return createSharedCounters(
    { ...config, store: { ...config.store, max_bytes: bytes } },
    { clock: systemClock },
  );
}

/** The owner of the counters has closed them, as it does when it stops. */
async function closedCounters(): Promise<SharedState> {
  const { state, store } = counters(1024 * 1024);
  await store.close();
  return state;
}

function mint(relay: RelayFixture, provider: string, serial: number, given?: Case): string {
  // A refused credential rests: each case has its own.
  const apiKey = `demo-not-a-key-${serial}${given?.knob ? `#${given.knob}` : ''}`;
  if (given?.token === 'expired') return mintExpired(relay, provider, apiKey, serial);
  const token = relay.token({ provider, apiKey, vars: VARS[provider], ...given?.options });
  return given?.token === 'broken' ? `${token}x` : token;
}

function mintExpired(relay: RelayFixture, provider: string, key: string, serial: number): string {
  const now = Math.floor(Date.now() / 1000);
  return sealToken(parseRai(relay.files.issuer), {
    iss: 'shop',
    aud: (relay.files.issuer as { aud: string }).aud,
    jti: `expired${String(serial).padStart(15, '0')}`,
    iat: now - 100,
    exp: now - 1,
    upstream: { provider, key, ...(VARS[provider] && { vars: VARS[provider] }) },
  });
}

/** Answers `/relayapi/<code>/…` with that code as the relay renders it for the rest of the path. */
async function startSpeaker(): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const [, code = '', rest = ''] = /^\/relayapi\/([a-z_0-9]+)([^?]*)/.exec(request.url ?? '') ?? [];
    const audience = { shape: shapeFor(rest), problemJson: false, requestId: 'req-1' };
    const limited = ERRORS[code as ErrorCode].status === 429 ? { retryAtMs: Date.now() + 2_000 } : {};
    const rendered = renderError({ denied: code as ErrorCode, ...limited }, audience);
    request.resume();
    response.writeHead(rendered.status, [...rendered.headers, ...OPEN_HEADERS].flat());
    response.end(rendered.body);
  });
  // As the relay's: a client may find a pooled connection closed else.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
