/** A policy stage with real keys and tokens, a memory store and a clock under control; arrivals and routes by hand. Not part of the relay. */
import {
  type Claims,
  createKeyring,
  createRai,
  encodeUtf8,
  type Keyring,
  type MintClaims,
  type OpenedToken,
  parseRai,
  type RaiFile,
  randomBytes,
  Secret,
  sealToken,
  sha256,
} from 'relayapi-token';
import { type Denial, isDenial } from '../../src/errors.ts';
import type { Arrival, Opened, ProxyCountry, Route } from '../../src/exchange.ts';
import { createPolicyOptions, type PolicyOptions } from '../../src/policy/options.ts';
import { createPolicy, type Policy, type PolicyPorts } from '../../src/policy/policy.ts';
import type { Endpoint, Provider } from '../../src/providers/provider.ts';
import { createMemoryStore, type MemoryStore } from '../../src/stores/memory.ts';
import { createStepClock, type StepClock } from './step-clock.ts';

/** What an arrival may differ in from a plain POST with a path token. */
export interface ArrivalParts {
  token?: string | null;
  method?: string;
  client?: string | null;
  origin?: string | null;
  sameOrigin?: boolean;
  proxyCountry?: ProxyCountry | null;
  place?: 'path' | 'header';
  /** Flat header lines. */
  headers?: readonly string[];
  declaredBytes?: number | null;
}

/** Makes an arrival. */
export function makeArrival(parts: ArrivalParts = {}): Arrival {
  const rawHeaders = parts.headers ?? [];
  const client = parts.client === undefined ? '192.0.2.1' : parts.client;
  const method = parts.method ?? 'POST';
  const bodiless = method === 'GET' || method === 'HEAD' ? 0 : null;
  const declaredBytes = parts.declaredBytes === undefined ? bodiless : parts.declaredBytes;
  return {
    request: { method, rawHeaders, body: { declaredBytes } } as unknown as Arrival['request'],
    requestId: 'request-1',
    startedAtMs: 0,
    method,
    client,
    clientGroup: client,
    origin: parts.origin ?? null,
    sameOrigin: parts.sameOrigin ?? false,
    proxyCountry: () => parts.proxyCountry ?? null,
    token: parts.token == null ? null : new Secret(parts.token),
    tokenPlace: parts.place ?? 'path',
    rest: '/v1/chat/completions',
    query: null,
    shape: 'openai',
    problemJson: false,
    header(name) {
      const at = rawHeaders.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
      return at === -1 ? null : (rawHeaders[at + 1] as string);
    },
  } as Arrival;
}

/** An inference endpoint that names its model in the body; `more` replaces members. */
export function makeEndpoint(more: Partial<Endpoint> = {}): Endpoint {
  return {
    method: 'POST',
    path: '/chat/completions',
    kind: 'inference',
    dialect: 'openai-chat',
    body: 'json',
    models: [{ in: 'body', at: ['model'] }],
    ...more,
  };
}

/** A provider with these endpoints. */
export function makeProvider(endpoints: readonly Endpoint[]): Provider {
  return { id: 'openai', endpoints } as unknown as Provider;
}

/** A route to an endpoint; `relative` defaults to the endpoint's own path. */
export function makeRoute(endpoint: Endpoint | null, more: Partial<Route> = {}): Route {
  return {
    provider: makeProvider(endpoint === null ? [] : [endpoint]),
    root: '/v1',
    relative: endpoint?.path ?? '/unknown',
    endpoint,
    segments: {},
    query: [],
    vaultModels: null,
    vaultPaths: null,
    ...more,
  } as Route;
}

/** Opened claims that no key has sealed, for checks that read nothing else. */
export function makeClaims(more: Partial<Claims> = {}): Claims {
  return {
    iss: 'shop',
    aud: 'relay.example.com',
    jti: 'AAAAAAAAAAAAAAAAAAAAAA',
    iat: 1_800_000_000,
    exp: 1_800_003_600,
    upstream: [{ provider: 'openai', key: new Secret('sk-demo-not-a-key') }],
    limits: {},
    ...more,
  };
}

/** A policy stage and what it stands on. */
export interface PolicyBench {
  readonly policy: Policy;
  readonly clock: StepClock;
  readonly store: MemoryStore;
  /** Openings that reached cryptography. */
  readonly openings: () => number;
  /** Seals a token that is valid now; `more` replaces claims. */
  seal(more?: Partial<MintClaims>): string;
  /** Seals and opens. Throws when the policy refuses. */
  open(more?: Partial<MintClaims>): Promise<Opened>;
  /** Loads the relay's file anew with these changes to it. */
  reload(change: (file: Record<string, unknown>) => void): Promise<void>;
}

/** Makes one, with its own `aes` keys. */
export async function makePolicy(
  options: Partial<PolicyOptions> = {},
  more: { allow?: object; ports?: Partial<PolicyPorts>; catalog?: PolicyPorts['catalog'] } = {},
): Promise<PolicyBench> {
  const clock = createStepClock();
  const { issuer, relay } = createRai({
    method: 'aes',
    relay: 'https://relay.example.com/relayapi/',
    iss: 'shop',
    ...(more.allow ? { allow: more.allow } : {}),
  });
  const issuerFile = parseRai(issuer);
  let generation = 0;
  const load = async (file: RaiFile): Promise<Keyring> => {
    generation += 1;
    return (await createKeyring([{ name: 'relay.rai', file }], { generation })).keyring;
  };
  let keyring = await load(parseRai(relay));
  let openings = 0;
  const store = createMemoryStore({}, { clock });
  const { openToken } = await import('relayapi-token');
  const policy = createPolicy(
    { ...createPolicyOptions(), ...options },
    {
      clock,
      store,
      keyring: () => keyring,
      digest: (text) => sha256(encodeUtf8(text)),
      catalog: more.catalog ?? { find: () => null },
      open: (token, keys, opening): Promise<OpenedToken | null> => {
        openings += 1;
        return openToken(token, keys, opening);
      },
      ...more.ports,
    },
  );
  const seal = (claims: Partial<MintClaims> = {}) => {
    const nowSeconds = Math.floor(clock.nowMs() / 1000);
    return sealToken(issuerFile, {
      iss: 'shop',
      aud: 'relay.example.com',
      jti: Buffer.from(randomBytes(16)).toString('base64url'),
      iat: nowSeconds,
      exp: nowSeconds + 3600,
      upstream: { provider: 'openai', key: 'sk-demo-not-a-key' },
      ...claims,
    });
  };
  return {
    policy,
    clock,
    store,
    openings: () => openings,
    seal,
    async open(claims) {
      const opened: Opened | Denial = await policy.open(makeArrival({ token: seal(claims) }));
      if (isDenial(opened)) throw new Error(`refused: ${opened.denied}`);
      return opened;
    },
    async reload(change) {
      const file = structuredClone(relay) as Record<string, unknown>;
      change(file);
      keyring = await load(parseRai(file));
    },
  };
}
