/**
 * One call through a whole relay in this process, without a listener: for tools that try a provider (`relayapi providers test`).
 * Everything between the token and the upstream is the relay's own; what its log would say of the call is handed back.
 */
import { concatBytes, type RaiFile, type Secret } from 'relayapi-token';
import type { Config } from '../../config/schema.ts';
import { createRelay } from '../../create-relay.ts';
import type { ErrorCode } from '../../errors.ts';
import type { HeaderList, InboundRequest, ResponseSink } from '../../io.ts';
import type { LogFields, Logger } from '../../observability/logger.ts';
import { createAddressGuard } from './addresses.ts';
import { nativeOpenToken } from './native-opener.ts';
import { createNodeTransport } from './upstream-transport.ts';

/** What to ask, and of whom. */
export interface OneCall {
  /** Providers, private addresses and times; listeners, vault and stores have no effect. */
  readonly config: Config;
  /** The key file that opens `token`. */
  readonly file: RaiFile;
  readonly token: Secret;
  readonly method: string;
  /** Root, path and query behind the token: `/v1/models`. */
  readonly path: string;
  /** JSON; null for none. */
  readonly body: string | null;
}

/** What came of it. */
export interface OneCallAnswer {
  /** Status as a caller of the relay gets it; null when the answer broke off before one. */
  readonly status: number | null;
  readonly body: Uint8Array;
  /** Origin that was called, or would have been; null when the call did not come so far. */
  readonly origin: string | null;
  /** The provider's own status; null when none came. */
  readonly upstreamStatus: number | null;
  /** What the relay said instead of the provider, of which part, and why: as in its log, without secrets. */
  readonly denied: ErrorCode | null;
  readonly param: string | null;
  readonly reason: string | null;
  /** True when the answer ended before it was complete. */
  readonly broken: boolean;
}

/** Whoever waits for a test waits no longer than this for an answer, seconds. */
const MOST_SECONDS = 60;

/** Makes the call. Throws RelayConfigError for providers in config that cannot be joined with the registry. */
export async function callOnce(call: OneCall): Promise<OneCallAnswer> {
  const config = forOneCall(call.config);
  let told: LogFields = {};
  const logger: Logger = {
    enabled: () => true,
    log(_level, message, fields = {}) {
      if (message === 'refused' || message === 'relayed') told = fields;
    },
  };
  const transport = createNodeTransport({
    guard: createAddressGuard(),
    connectTimeoutMs: config.upstream.connect_timeout * 1000,
  });
  const instance = await createRelay(config, [{ name: 'one call', file: call.file }], {
    transport,
    logger,
    open: nativeOpenToken,
  });
  try {
    const answer = createCollector();
    await instance.relay.handle(inboundOf(call, config.server.base_path), answer.sink);
    const text = (name: string) => (typeof told[name] === 'string' ? told[name] : null);
    const upstreamStatus = told['upstream_status'];
    return {
      ...answer.result(),
      origin: text('server.address'),
      upstreamStatus: typeof upstreamStatus === 'number' ? upstreamStatus : null,
      denied: text('error.type') as ErrorCode | null,
      param: text('param'),
      reason: text('reason'),
    };
  } finally {
    await instance.close();
  }
}

function forOneCall({ upstream, server, ...rest }: Config): Config {
  return {
    ...rest,
    server: { ...server, geoip_file: null, country_header: null },
    upstream: {
      ...upstream,
      headers_timeout: Math.min(upstream.headers_timeout, MOST_SECONDS),
      idle_timeout: Math.min(upstream.idle_timeout, MOST_SECONDS),
      keep_alive_comment: 0,
    },
  };
}

function inboundOf({ token, method, path, body }: OneCall, basePath: string): InboundRequest {
  const bytes = body === null ? null : new TextEncoder().encode(body);
  const framing =
    bytes === null ? [] : ['content-type', 'application/json', 'content-length', String(bytes.length)];
  return {
    method,
    rawTarget: `${basePath}${token.reveal()}${path}`,
    rawHeaders: ['host', '127.0.0.1', 'accept', 'application/json', ...framing],
    httpVersion: '1.1',
    peerAddress: '127.0.0.1',
    exact: true,
    upgrade: false,
    body: {
      declaredBytes: bytes?.length ?? 0,
      proceed: () => {},
      async *chunks() {
        if (bytes !== null) yield bytes;
      },
      discard: () => Promise.resolve(),
    },
  };
}

interface Collector {
  readonly sink: ResponseSink;
  result(): Pick<OneCallAnswer, 'status' | 'body' | 'broken'>;
}

/** A sink that keeps what comes. */
function createCollector(): Collector {
  const pieces: Uint8Array[] = [];
  let status: number | null = null;
  let state: 'open' | 'ended' | 'broken' = 'open';
  const sink: ResponseSink = {
    get started() {
      return status !== null;
    },
    get closed() {
      return state !== 'open';
    },
    start(given: number, _headers: HeaderList) {
      status = given;
    },
    write(chunk) {
      // the pump may use its memory again
      pieces.push(chunk.slice());
      return true;
    },
    end(chunk) {
      if (chunk !== undefined) pieces.push(chunk.slice());
      state = 'ended';
    },
    destroy() {
      if (state === 'open') state = 'broken';
    },
    onDrain: () => {},
    onGone: () => {},
  };
  return { sink, result: () => ({ status, body: concatBytes(...pieces), broken: state === 'broken' }) };
}
