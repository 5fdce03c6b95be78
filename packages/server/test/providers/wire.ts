/**
 * One request through a whole relay, and what the upstream saw of it on the wire. Everything is real but one thing: the transport is wrapped,
 * so that the origin that the relay chose is noted, and the bytes go to a server on this machine instead.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { startDemoProvider } from 'relayapi-demo-provider';
import type { GenerateOptions } from 'relayapi-sdk';
import type { Config } from '../../src/config/schema.ts';
import type { Transport } from '../../src/forwarding/transport.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { REGISTRY } from '../../src/providers/registry.ts';
import { createAddressGuard } from '../../src/runtime/node/addresses.ts';
import { createNodeTransport } from '../../src/runtime/node/upstream-transport.ts';
import { startRelay } from '../support/relay-fixture.ts';
import { demoCredential, sampleVars } from '../support/samples.ts';

/** A request as a caller sends it. */
export interface WireCall {
  /** Id or alias. */
  readonly provider: string;
  /** Parts of the credential. Default: `demoCredential` of the entry. */
  readonly credential?: Readonly<Record<string, string>>;
  /** Default: `sampleVars` of the entry. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Default POST. */
  readonly method?: string;
  /** What follows the token, raw: `/v1/chat/completions`. */
  readonly path: string;
  /** Without `?`. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | FormData | null;
  /** More of what is sealed, such as `allowedModels`. */
  readonly options?: Partial<GenerateOptions>;
}

/** A request as it came to the upstream. */
export interface Seen {
  /** Origin that the relay dialled: `https://api.openai.com`. */
  readonly origin: string;
  readonly method: string;
  /** Path and query, byte for byte. */
  readonly target: string;
  /** Header lines in their order, names as they came. Without `host` and `connection`, which speak of this machine. */
  readonly lines: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** Value of the only line of that name; null where there is none. Throws for two. */
  header(name: string): string | null;
}

/** What came of a call. */
export interface WireResult {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  /** The call as the upstream saw it; null when none reached it. */
  readonly seen: Seen | null;
}

/** What the upstream answers; default 200, JSON, `{}`. */
export interface WireAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A relay under watch. */
export interface Wire {
  send(call: WireCall): Promise<WireResult>;
  /** Requests that the relay made on its own account (token endpoints), in their order. */
  readonly others: Seen[];
  /** Every request that reached the upstream so far. */
  reached(): number;
  close(): Promise<void>;
}

/** How it is set up. */
export interface WireOptions {
  readonly config?: { readonly [Group in keyof Config]?: object };
  readonly moreProviders?: readonly Provider[];
  /** For calls. */
  readonly answer?: (seen: Seen) => WireAnswer;
  /** For requests of the relay's own. Default: an access token in OAuth's shape, `demo-access-token`, for an hour. */
  readonly answerOther?: (seen: Seen) => WireAnswer;
}

const ORIGIN_HEADER = 'x-wire-origin';
const OF_THIS_MACHINE: readonly string[] = [ORIGIN_HEADER, 'host', 'connection'];
const TOKEN_ANSWER: WireAnswer = {
  body: JSON.stringify({ access_token: 'demo-access-token', token_type: 'Bearer', expires_in: 3600 }),
};

/** Starts relay and upstream. */
export async function startWire(options: WireOptions = {}): Promise<Wire> {
  const seenBy = new Map<string, Seen>();
  const others: Seen[] = [];
  let reached = 0;
  let sent = 0;

  const server = createServer(async (request, response) => {
    const seen = await readSeen(request);
    reached += 1;
    // a caller's user agent passes as it is: it tells which call this is, and the relay's own requests have none
    const name = seen.header('user-agent');
    const isCall = name?.startsWith('wire/') === true;
    if (isCall) seenBy.set(name, seen);
    else others.push(seen);
    const answer = isCall ? (options.answer?.(seen) ?? {}) : (options.answerOther?.(seen) ?? TOKEN_ANSWER);
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.body ?? '{}');
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const transport = createNodeTransport({ guard: createAddressGuard() });
  const demo = await startDemoProvider();
  const relay = await startRelay({
    demo,
    allow: { paths: ['GET /*', 'POST /*', 'PUT /*', 'DELETE /*'] },
    ...(options.config && { config: options.config }),
    ports: {
      transport: redirect(transport, `http://127.0.0.1:${port}`),
      moreProviders: options.moreProviders ?? [],
    },
  });
  const known = [...REGISTRY, ...(options.moreProviders ?? [])];
  const urls = new Map<string, string>();

  /** One token serves all calls that are sealed alike: sealing costs more than the call. */
  function urlOf(sealed: Partial<GenerateOptions>): string {
    const name = JSON.stringify(sealed);
    const url = urls.get(name) ?? relay.url({ apiKey: undefined, maxCalls: null, ...sealed });
    urls.set(name, url);
    return url;
  }

  async function send(call: WireCall): Promise<WireResult> {
    sent += 1;
    const name = `wire/${sent}`;
    const entry = known.find(({ id, aliases }) => id === call.provider || aliases.includes(call.provider));
    const vars = call.vars ?? (entry === undefined ? {} : sampleVars(entry));
    const url = urlOf({
      provider: call.provider,
      ...sealedAs(call.credential ?? (entry === undefined ? { key: 'sk-demo' } : demoCredential(entry))),
      ...(Object.keys(vars).length > 0 && { vars }),
      ...call.options,
    });
    const query = call.query === undefined ? '' : `?${call.query}`;
    const answer = await fetch(`${url}${call.path}${query}`, {
      method: call.method ?? 'POST',
      headers: { 'user-agent': name, ...call.headers },
      ...(call.body !== undefined && call.body !== null && { body: call.body }),
    });
    const body = Buffer.from(await answer.arrayBuffer());
    const seen = seenBy.get(name) ?? null;
    seenBy.delete(name);
    return { status: answer.status, headers: answer.headers, body, seen };
  }

  return {
    send,
    others,
    reached: () => reached,
    async close() {
      await relay.close();
      await demo.close();
      await transport.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function redirect(transport: Transport, here: string): Transport {
  return {
    dispatch: (request, events) =>
      transport.dispatch(
        {
          ...request,
          destination: { origin: here, allowPrivate: true },
          headers: [...request.headers, ORIGIN_HEADER, request.destination.origin],
        },
        events,
      ),
    close: () => transport.close(),
  };
}

async function readSeen(request: IncomingMessage): Promise<Seen> {
  const lines: (readonly [string, string])[] = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    lines.push([request.rawHeaders[i] as string, request.rawHeaders[i + 1] as string]);
  }
  const own = lines.filter(([name]) => !OF_THIS_MACHINE.includes(name.toLowerCase()));
  return {
    origin: lines.find(([name]) => name === ORIGIN_HEADER)?.[1] ?? 'nowhere',
    method: request.method ?? '',
    target: request.url ?? '',
    lines: own,
    body: await buffer(request),
    header(wanted) {
      const found = own.filter(([name]) => name.toLowerCase() === wanted.toLowerCase());
      if (found.length > 1) throw new Error(`${found.length} lines of ${wanted}`);
      return found[0]?.[1] ?? null;
    },
  };
}

function sealedAs(credential: Readonly<Record<string, string>>): Partial<GenerateOptions> {
  const names = Object.keys(credential);
  if (names.length === 0) return {};
  if (names.length === 1 && credential['key'] !== undefined) return { apiKey: credential['key'] };
  return { credential };
}
