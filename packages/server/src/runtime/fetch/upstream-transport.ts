/**
 * The transport of fetch runtimes: the same port over the platform's `fetch`.
 * What it cannot do: judge the address that is dialled (so `base` and `allow_private` must be refused before), bound the time
 * to connect alone, tell whether a byte went out, count interim answers, or send a stream with a declared length.
 */
import type {
  Transport,
  TransportFailure,
  UpstreamCall,
  UpstreamEvents,
  UpstreamRequest,
} from '../../forwarding/transport.ts';

/** What the transport needs of its platform. */
export interface FetchTransportOptions {
  /** Default: the global one. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** Error codes by which a platform says that no connection came about, so that nothing was sent. */
const UNREACHED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Makes the transport. */
export function createFetchTransport(options: FetchTransportOptions = {}): Transport {
  const send = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const live = new Set<UpstreamCall>();
  return {
    dispatch(request, events) {
      const call = startCall(request, events, send, (ended) => live.delete(ended));
      live.add(call);
      return call;
    },
    async close() {
      for (const call of [...live]) call.abort();
    },
  };
}

interface CallState {
  readonly abort: AbortController;
  readonly events: UpstreamEvents;
  ended: boolean;
  written: boolean;
  bodyFailure: { readonly cause: unknown } | null;
  /** Resolved when reading may go on; null while it may. */
  gate: { readonly open: Promise<void>; readonly release: () => void } | null;
}

function startCall(
  request: UpstreamRequest,
  events: UpstreamEvents,
  send: NonNullable<FetchTransportOptions['fetch']>,
  onEnded: (call: UpstreamCall) => void,
): UpstreamCall {
  const state: CallState = {
    abort: new AbortController(),
    events,
    ended: false,
    written: false,
    bodyFailure: null,
    gate: null,
  };
  const call: UpstreamCall = {
    get written() {
      return state.written;
    },
    pause() {
      if (state.gate) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      state.gate = { open: promise, release: resolve };
    },
    resume() {
      state.gate?.release();
      state.gate = null;
    },
    abort: () => finish(() => fail(state, 'aborted', 'aborted by the relay')),
  };

  function finish(tell: () => void): void {
    if (state.ended) return;
    state.ended = true;
    state.gate?.release();
    onEnded(call);
    state.abort.abort();
    tell();
  }

  queueMicrotask(() => {
    if (state.ended) return;
    run(request, state, send).then(
      () => finish(() => events.onEnd()),
      (error: unknown) => finish(() => failWith(state, error)),
    );
  });
  return call;
}

async function run(
  request: UpstreamRequest,
  state: CallState,
  send: NonNullable<FetchTransportOptions['fetch']>,
): Promise<void> {
  const { destination, method, path, headers, body } = request;
  if (!path.startsWith('/') || path.startsWith('//')) throw new Error('not an origin-form path');
  const fields = new Headers();
  for (let i = 0; i + 1 < headers.length; i += 2)
    fields.append(headers[i] as string, headers[i + 1] as string);
  const streamed = body !== null && !(body instanceof Uint8Array);
  // nobody can tell how far `fetch` got, so a call counts as sent from here on
  state.written = true;
  const response = await send(destination.origin + path, {
    method,
    headers: fields,
    redirect: 'manual',
    signal: state.abort.signal,
    ...(body === null
      ? {}
      : { body: (streamed ? toStream(body as AsyncIterable<Uint8Array>, state) : body) as BodyInit }),
    ...(streamed ? { duplex: 'half' } : {}),
  } as RequestInit);
  if (state.ended) return void response.body?.cancel().catch(() => {});
  // an opaque redirect hides its status; any redirect is refused anyway
  const status = response.type === 'opaqueredirect' ? 302 : response.status;
  state.events.onHeaders(status, [...response.headers].flat());
  const reader = response.body?.getReader();
  while (reader && !state.ended) {
    if (state.gate) await state.gate.open;
    const { done, value } = await reader.read();
    if (done) return;
    if (!state.ended) state.events.onData(value);
  }
}

function toStream(source: AsyncIterable<Uint8Array>, state: CallState): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else if (value.length > 0) controller.enqueue(value);
        else await this.pull?.(controller);
      } catch (cause) {
        state.bodyFailure = { cause };
        controller.error(cause);
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

function failWith(state: CallState, error: unknown): void {
  if (state.bodyFailure) return fail(state, 'body', 'the request body ended early', state.bodyFailure.cause);
  const code = codeOf(error);
  if (UNREACHED.has(code)) {
    state.written = false;
    return fail(state, 'unreachable', code);
  }
  fail(state, 'reset', code);
}

function fail(state: CallState, kind: TransportFailure['kind'], reason: string, cause?: unknown): void {
  state.events.onFailure({ kind, written: state.written, reason, ...(kind === 'body' ? { cause } : {}) });
}

/** The platform's code for an error, never its message. */
function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return error instanceof Error ? error.name : 'unknown';
}
