/** A Fetch `Response` as a `ResponseSink`: a stream that asks for more only as fast as the caller reads, and errors where the answer broke. */
import type { HeaderList, ResponseSink } from '../../io.ts';

/** How answers are sent. */
export interface FetchSinkOptions {
  /** How long a caller may stop reading while bytes wait for it, in milliseconds. */
  readonly writeTimeoutMs: number;
}

/** How an answer fails that ends before its time: the caller left, or the relay broke it off. No fault of the relay's. */
export class AnswerBroken extends Error {
  override readonly name = 'AnswerBroken';
}

/** A sink and the response it becomes. */
export interface FetchSink {
  readonly sink: ResponseSink;
  /** Resolves at `start`; rejects when the sink is destroyed before. */
  readonly response: Promise<Response>;
}

/** Bytes that may wait in the stream before `write` asks for a pause. */
const HIGH_WATER_BYTES = 64 * 1024;
const BODILESS = new Set([101, 103, 204, 205, 304]);

/** Makes a sink for one request. */
export function createFetchSink(request: Request, options: FetchSinkOptions): FetchSink {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  let started = false;
  let finished = false;
  let gone = false;
  let paused = false;
  let stall: ReturnType<typeof setTimeout> | undefined;
  let onDrain: (() => void) | null = null;
  const goneListeners: Array<() => void> = [];

  function leave(): void {
    clearTimeout(stall);
    if (gone || finished) return;
    gone = true;
    reject(new AnswerBroken('the caller left'));
    for (const listener of goneListeners.splice(0)) listener();
  }

  /** Armed only while bytes wait: closes a caller that takes none of them for the whole time. */
  function watchReader(): void {
    clearTimeout(stall);
    const before = controller?.desiredSize ?? 0;
    stall = setTimeout(() => {
      const now = controller?.desiredSize;
      if (typeof now === 'number' && now > before) return watchReader();
      controller?.error(new Error('the caller stopped reading'));
      leave();
    }, options.writeTimeoutMs);
  }

  function start(status: number, headers: HeaderList): void {
    if (started || finished || gone) return;
    started = true;
    const fields = new Headers();
    for (const [name, value] of headers) fields.append(name, value);
    const bodiless = request.method === 'HEAD' || BODILESS.has(status);
    resolve(new Response(bodiless ? null : openStream(), { status, headers: fields }));
  }

  function openStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start(own) {
          controller = own;
        },
        pull() {
          clearTimeout(stall);
          if (!paused) return;
          paused = false;
          onDrain?.();
        },
        cancel: leave,
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_BYTES }),
    );
  }

  function write(chunk: Uint8Array): boolean {
    if (finished || gone || controller === null || chunk.length === 0) return true;
    controller.enqueue(chunk);
    if ((controller.desiredSize ?? 0) > 0) return true;
    paused = true;
    watchReader();
    return false;
  }

  function end(chunk?: Uint8Array): void {
    if (finished || gone) return;
    if (chunk !== undefined) write(chunk);
    finished = true;
    clearTimeout(stall);
    controller?.close();
  }

  function destroy(): void {
    if (finished || gone) return;
    finished = true;
    clearTimeout(stall);
    const broken = new AnswerBroken('the answer broke off');
    if (started) controller?.error(broken);
    else reject(broken);
  }

  if (request.signal.aborted) leave();
  else request.signal.addEventListener('abort', leave, { once: true });

  const sink: ResponseSink = {
    get started() {
      return started;
    },
    get closed() {
      return finished || gone;
    },
    start,
    write,
    end,
    destroy,
    onDrain(listener) {
      onDrain = listener;
    },
    onGone(listener) {
      if (gone) listener();
      else goneListeners.push(listener);
    },
  };
  return { sink, response: promise };
}
