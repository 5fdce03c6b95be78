/** Calls, sinks and transports for the tests of the upstream side. Not part of the relay. */
import { type Claims, Secret } from 'relayapi-token';
import type { CredentialMaker } from '../../src/credentials/credential.ts';
import type { AdmittedCall, Arrival, PreparedBody, Route, RouteCredential, Tap } from '../../src/exchange.ts';
import type { ErrorFrame, RenderError } from '../../src/forwarding/answer.ts';
import type {
  Transport,
  TransportFailure,
  UpstreamEvents,
  UpstreamRequest,
} from '../../src/forwarding/transport.ts';
import type { HeaderList, ResponseSink } from '../../src/io.ts';
import { defineProvider } from '../../src/providers/define.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { KEY, openedWith } from './route.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A provider entry that says little. */
function providerWith(more: Partial<Provider> = {}): Provider {
  const entry = defineProvider({
    id: 'demo',
    name: 'Demo',
    base: 'https://api.example.com/v1',
    requestIdHeader: 'x-request-id',
    endpoints: [],
    asOf: '2026-11',
    sources: [],
  });
  return { ...entry, ...more };
}

/** A credential that is one header line. */
export function headerCredential(name: string, value: string): RouteCredential {
  return { kind: 'header', name, value: new Secret(value) };
}

/** A maker for calls whose credential is put in as it is. */
export const noMaker: CredentialMaker = {
  make: () => Promise.reject(new Error('nothing to make')),
};

/** What a fake call is made of; all of it has defaults. */
export interface CallParts {
  readonly origin?: string;
  readonly allowPrivate?: boolean;
  readonly method?: string;
  readonly path?: string;
  readonly rawHeaders?: readonly string[];
  readonly body?: PreparedBody;
  readonly claims?: Partial<Claims>;
  readonly provider?: Partial<Provider>;
  readonly route?: Partial<Route>;
  readonly arrival?: Partial<Arrival>;
  readonly answerHeaders?: HeaderList;
  readonly remaining?: number | null;
  readonly dialect?: 'openai-chat' | 'gemini' | 'opaque';
  /** Told when the rest of the caller's body is dropped. */
  readonly onDiscard?: (maxBytes: number, maxMs: number) => void;
}

/** An admitted call as the spine would make one. */
export function callWith(parts: CallParts = {}): AdmittedCall {
  const { method = 'POST', path = '/v1/chat/completions', rawHeaders = [], body = { kind: 'none' } } = parts;
  const provider = providerWith(parts.provider);
  const arrival = {
    request: {
      method,
      rawTarget: path,
      rawHeaders,
      httpVersion: '1.1',
      peerAddress: '127.0.0.1',
      exact: true,
      upgrade: false,
      body: { discard: async (maxBytes: number, maxMs: number) => parts.onDiscard?.(maxBytes, maxMs) },
    },
    requestId: 'req-1',
    method,
    shape: 'openai',
    problemJson: false,
    ...parts.arrival,
  } as unknown as Arrival;
  const route: Route = {
    provider,
    destination: {
      origin: parts.origin ?? 'https://api.example.com',
      allowPrivate: parts.allowPrivate ?? false,
    },
    root: '/v1',
    relative: '/chat/completions',
    path,
    endpoint: {
      method,
      path: '/chat/completions',
      kind: 'inference',
      dialect: parts.dialect ?? 'openai-chat',
      body: 'json',
      models: [],
    },
    segments: {},
    query: [],
    vars: {},
    credential: headerCredential('authorization', `Bearer ${KEY}`),
    secrets: [new Secret(KEY)],
    trusted: true,
    vaultModels: null,
    vaultPaths: null,
    ids: null,
    ...parts.route,
  };
  return {
    arrival,
    opened: openedWith({ exp: 1_700_003_600, ...parts.claims }),
    route,
    body,
    reservation: null,
    answerHeaders: parts.answerHeaders ?? [['cache-control', 'no-store']],
    // what never went up is given back
    remainingFor: (status: number | null) =>
      parts.remaining == null ? null : parts.remaining + (status === null ? 1 : 0),
  } as unknown as AdmittedCall;
}

/** A sink that remembers. */
export interface MemorySink extends ResponseSink {
  readonly status: number | null;
  readonly headers: HeaderList;
  readonly chunks: readonly Uint8Array[];
  readonly text: string;
  readonly ended: boolean;
  readonly destroyed: boolean;
  header(name: string): string | null;
  /** The caller leaves. */
  leave(): void;
  /** From now on `write` returns `ready`; true also announces it. */
  setReady(ready: boolean): void;
}

/** Makes an empty sink. */
export function createMemorySink(): MemorySink {
  let status: number | null = null;
  let headers: HeaderList = [];
  const chunks: Uint8Array[] = [];
  let ended = false;
  let destroyed = false;
  let gone = false;
  let ready = true;
  let onDrain = () => {};
  const leaving: (() => void)[] = [];
  return {
    get status() {
      return status;
    },
    get headers() {
      return headers;
    },
    get chunks() {
      return chunks;
    },
    get text() {
      return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('');
    },
    get ended() {
      return ended;
    },
    get destroyed() {
      return destroyed;
    },
    get started() {
      return status !== null;
    },
    get closed() {
      return ended || destroyed || gone;
    },
    header: (name) => headers.find(([field]) => field === name)?.[1] ?? null,
    start(code, list) {
      if (status !== null) throw new Error('started twice');
      status = code;
      headers = list;
    },
    write(chunk) {
      if (status === null || ended || destroyed) throw new Error('write out of turn');
      chunks.push(chunk);
      return ready;
    },
    end(chunk) {
      if (status === null || ended || destroyed) throw new Error('end out of turn');
      if (chunk) chunks.push(chunk);
      ended = true;
    },
    destroy() {
      destroyed = true;
    },
    onDrain(listener) {
      onDrain = listener;
    },
    onGone(listener) {
      if (gone) listener();
      else leaving.push(listener);
    },
    leave() {
      gone = true;
      for (const listener of leaving.splice(0)) listener();
    },
    setReady(next) {
      ready = next;
      if (next) onDrain();
    },
  };
}

/** A transport that is played by the test. */
export interface ScriptedTransport extends Transport {
  readonly requests: readonly UpstreamRequest[];
  readonly events: UpstreamEvents;
  readonly aborted: number;
  readonly paused: boolean;
  /** Says that bytes of the request went out. */
  write(): void;
  answer(status: number, headers: Record<string, string>, ...chunks: string[]): void;
  fail(kind: TransportFailure['kind'], cause?: unknown): void;
}

/** Makes one for one request after another; events go to the latest. */
export function createScriptedTransport(): ScriptedTransport {
  const requests: UpstreamRequest[] = [];
  let events: UpstreamEvents | null = null;
  let aborted = 0;
  let paused = false;
  let written = false;
  const current = () => {
    if (!events) throw new Error('nothing was sent');
    return events;
  };
  return {
    requests,
    get events() {
      return current();
    },
    get aborted() {
      return aborted;
    },
    get paused() {
      return paused;
    },
    dispatch(request, listener) {
      requests.push(request);
      events = listener;
      written = false;
      paused = false;
      let over = false;
      return {
        get written() {
          return written;
        },
        pause: () => {
          paused = true;
        },
        resume: () => {
          paused = false;
        },
        abort: () => {
          if (over) return;
          over = true;
          aborted++;
          listener.onFailure({ kind: 'aborted', written, reason: 'aborted' });
        },
      };
    },
    close: async () => {},
    write() {
      written = true;
    },
    answer(status, headers, ...chunks) {
      written = true;
      current().onHeaders(status, Object.entries(headers).flat());
      for (const chunk of chunks) current().onData(encoder.encode(chunk));
    },
    fail(kind, cause) {
      current().onFailure({ kind, written, reason: kind, ...(cause === undefined ? {} : { cause }) });
    },
  };
}

/** A tap that counts. */
export function createCountingTap(): Tap & { readonly bytes: number; readonly finished: number } {
  let bytes = 0;
  let finished = 0;
  return {
    get bytes() {
      return bytes;
    },
    get finished() {
      return finished;
    },
    onHeaders() {},
    onData(chunk) {
      bytes += chunk.length;
    },
    finish() {
      finished++;
      return { inputTokens: 1 };
    },
  };
}

/** Error bodies that show the code and nothing else. */
export const plainErrors: RenderError = (denial) => ({
  status: Number(STATUS[denial.denied] ?? 502),
  headers: [
    ['content-type', 'application/json'],
    ['x-should-retry', 'false'],
  ],
  body: encoder.encode(JSON.stringify({ code: denial.denied })),
});

const STATUS: Record<string, number> = {
  budget_exhausted: 402,
  destination_denied: 403,
  draining: 503,
  internal: 500,
  loop_detected: 400,
  request_timeout: 408,
  request_too_large: 413,
  token_expired: 401,
  token_revoked: 403,
  unsupported_body: 415,
  upstream_timeout: 504,
};

/** A frame for every dialect but Google's. */
export const plainFrames: ErrorFrame = (dialect, denial) =>
  dialect === 'gemini' ? null : `data: {"error":"${denial.denied}"}\n\n`;
