/**
 * A Node request as an `InboundRequest`: raw target, raw lines, and a body that the relay pulls.
 * Own pull instead of Node's iterator: leaving that early destroys the socket, and with it the answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BodyAborted, BodyIdle, type BodySource, type InboundRequest } from '../../io.ts';
import { linger } from './listener-linger.ts';
import { countRead } from './read-buffers.ts';

/** How bodies are read. */
export interface NodeRequestOptions {
  /** Longest pause between two pieces of a body, in milliseconds. */
  readonly bodyIdleMs: number;
}

/** Wraps a request. `awaitsContinue`: the caller sends its body only after `100 Continue`. */
export function wrapNodeRequest(
  req: IncomingMessage,
  res: ServerResponse,
  awaitsContinue: boolean,
  options: NodeRequestOptions,
): InboundRequest {
  return {
    method: req.method ?? '',
    rawTarget: req.url ?? '',
    rawHeaders: req.rawHeaders,
    httpVersion: req.httpVersion,
    peerAddress: req.socket.remoteAddress ?? null,
    exact: true,
    upgrade: req.headers.upgrade !== undefined,
    body: new NodeBody(req, res, awaitsContinue, options.bodyIdleMs),
  };
}

/** Length by the framing headers. Both at once are refused by ingress; here the coding wins, as in Node's parser. */
function readDeclaredBytes(req: IncomingMessage): number | null {
  if (req.headers['transfer-encoding'] !== undefined) return null;
  return Number(req.headers['content-length'] ?? 0);
}

/** A class, as its methods are shared: most requests need one of them. */
class NodeBody implements BodySource {
  readonly declaredBytes: number | null;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #idleMs: number;
  #waitsForContinue: boolean;
  /** Pieces are being pulled. */
  #pull: Pull | null = null;

  constructor(req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean, idleMs: number) {
    this.declaredBytes = readDeclaredBytes(req);
    this.#req = req;
    this.#res = res;
    this.#idleMs = idleMs;
    this.#waitsForContinue = awaitsContinue;
  }

  proceed(): void {
    const res = this.#res;
    if (!this.#waitsForContinue || res.headersSent || res.destroyed) return;
    this.#waitsForContinue = false;
    res.writeContinue();
  }

  chunks(): AsyncIterable<Uint8Array> {
    this.#pull ??= createPull(this.#req, this.#idleMs);
    return this.#pull.chunks();
  }

  /**
   * Pushed instead of pulled: a short body mostly lies in the packet of its head, and then neither a timer nor a listener for the caller's
   * leaving is needed. The stream flows on to its end by itself, as keep-alive wants it.
   */
  whole(isTooSlow: (bytes: number) => boolean): Promise<Uint8Array> {
    const req = this.#req;
    const bytes = this.declaredBytes ?? 0;
    const idleMs = this.#idleMs;
    return new Promise((resolve, reject) => {
      if (req.destroyed && !req.complete) return reject(new BodyAborted());
      // A single piece is taken as it is; more go into one buffer: kept apart, bytes that come one by one would cost a hundred times as much.
      let body: Uint8Array | null = null;
      let length = 0;
      let timer: NodeJS.Timeout | null = null;
      let settled = false;

      const settle = (error: Error | null) => {
        settled = true;
        if (timer !== null) clearTimeout(timer);
        req.off('data', onData);
        req.off('end', onEnded);
        req.off('close', onEnded);
        if (error !== null) reject(error);
        else resolve(body as Uint8Array);
      };
      const onEnded = () => settle(new BodyAborted());
      const onData = (chunk: Uint8Array) => {
        countRead(chunk.length);
        if (length === 0 && chunk.length >= bytes) body = chunk;
        else {
          body ??= new Uint8Array(bytes);
          body.set(chunk, length);
        }
        length += chunk.length;
        if (length >= bytes) settle(null);
        else if (isTooSlow(length)) settle(new BodyIdle());
        else timer?.refresh();
      };
      req.on('data', onData);
      // behind the one in which the stream begins to flow
      process.nextTick(() => {
        if (settled) return;
        timer = setTimeout(() => settle(new BodyIdle()), idleMs);
        req.on('end', onEnded).on('close', onEnded).on('error', ignore);
      });
    });
  }

  async discard(maxBytes: number, maxMs: number): Promise<void> {
    const req = this.#req;
    if (req.complete || req.destroyed) return;
    this.#pull?.detach();
    req.resume();
    await linger(req.socket, req, maxBytes, maxMs);
  }
}

/** A body that is pulled piece by piece. */
interface Pull {
  chunks(): AsyncGenerator<Uint8Array>;
  detach(): void;
}

function createPull(req: IncomingMessage, idleMs: number): Pull {
  let wake: (() => void) | null = null;
  let ended = false;
  let broken = false;
  let attached = false;

  const onReadable = () => wake?.();
  const onEnd = () => {
    ended = true;
    wake?.();
  };
  const onBroken = () => {
    broken = true;
    wake?.();
  };

  function attach(): void {
    if (attached) return;
    attached = true;
    broken = req.destroyed && !req.complete;
    ended = req.readableEnded;
    req.on('readable', onReadable).on('end', onEnd).on('close', onBroken).on('error', onBroken);
  }

  function detach(): void {
    attached = false;
    req.off('readable', onReadable).off('end', onEnd).off('close', onBroken);
  }

  /** Waits for a byte, the end or the caller's leaving; false after `ms` of nothing. */
  function wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        wake = null;
        resolve(false);
      }, ms);
      wake = () => {
        clearTimeout(timer);
        wake = null;
        resolve(true);
      };
    });
  }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    attach();
    try {
      for (;;) {
        const chunk: Uint8Array | null = req.read();
        if (chunk !== null) {
          countRead(chunk.length);
          yield chunk;
        } else if (ended) return;
        else if (broken) throw new BodyAborted();
        else if (!(await wait(idleMs))) throw new BodyIdle();
      }
    } finally {
      detach();
    }
  }

  return { chunks, detach };
}

function ignore(): void {}
