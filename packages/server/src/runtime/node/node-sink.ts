/**
 * A Node response as a `ResponseSink`: written straight to the raw response, no Web objects.
 * Ends are honest: a broken answer ends in a truncated message or a reset, never in a clean end.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HeaderList, ResponseSink } from '../../io.ts';
import { linger } from './listener-linger.ts';

/** How answers are sent. */
export interface NodeSinkOptions {
  /** How long a caller may stop reading while bytes wait for it, in milliseconds. */
  readonly writeTimeoutMs: number;
  /** True once the process drains: connections are not kept. */
  readonly draining: () => boolean;
  /** Told of a connection on which an answer says `connection: close`: Node keeps that to itself. */
  readonly onLast?: (socket: Socket) => void;
}

/** Pieces below this that come within one turn of the event loop are gathered into writes of at most `GATHER_BYTES`. */
const SMALL_BYTES = 1024;
const GATHER_BYTES = 16 * 1024;

/** Wraps a response. */
export function wrapNodeResponse(
  req: IncomingMessage,
  res: ServerResponse,
  options: NodeSinkOptions,
): ResponseSink {
  const { socket } = req;
  let started = false;
  let finished = false;
  let framed = false;
  let gone = false;
  let waiting = false;
  let onDrain: (() => void) | null = null;
  const goneListeners: Array<() => void> = [];
  let wrote = false;
  let gathered: Uint8Array | null = null;
  let gatheredBytes = 0;

  function leave(): void {
    if (gone) return;
    gone = true;
    if (finished) return;
    for (const listener of goneListeners.splice(0)) listener();
  }

  // Node's socket timeout looks at whether the send queue moved before it fires: a slow reader is not a stalled one.
  function watchReader(): void {
    waiting = true;
    socket.setTimeout(options.writeTimeoutMs);
  }

  function abort(): void {
    passGathered();
    finished = true;
    // Without a length or chunks the end of the connection is the end of the message: only a reset tells.
    if (!framed && started) socket.resetAndDestroy();
    else if (!started || socket.writableLength === 0) socket.destroySoon();
    else {
      watchReader();
      socket.destroySoon();
    }
  }

  res.on('close', leave);
  res.on('error', leave);
  // The timer is the socket's: with two requests in line it may have been armed for the other one.
  res.on('timeout', () => {
    if (waiting) socket.resetAndDestroy();
  });
  res.on('drain', () => {
    waiting = false;
    socket.setTimeout(0);
    onDrain?.();
  });

  function start(status: number, headers: HeaderList): void {
    if (started || finished || gone) return;
    started = true;
    if (options.draining()) res.shouldKeepAlive = false;
    const flat: string[] = [];
    let hasLength = false;
    for (const [name, value] of headers) {
      flat.push(name, value);
      if (name === 'connection' && /\bclose\b/i.test(value)) options.onLast?.(socket);
      if (name === 'content-length') hasLength = true;
    }
    framed = hasLength || (req.httpVersionMinor === 1 && req.httpVersionMajor === 1);
    res.writeHead(status, flat);
    // Head and first bytes leave in one write when they come in one turn; the head never waits longer than that.
    socket.cork();
    flushHead(flat);
    process.nextTick(() => socket.uncork());
  }

  /** `flushHeaders` writes the head as UTF-8 and so doubles every byte above ASCII; a message without a body leaves that to `end`. */
  function flushHead(flat: readonly string[]): void {
    if (flat.every(isAscii)) res.flushHeaders();
    else res.write('', 'latin1');
  }

  function pass(bytes: Uint8Array): boolean {
    if (res.write(bytes)) return true;
    watchReader();
    return false;
  }

  function passGathered(): boolean {
    if (gathered === null) return true;
    const bytes = gathered.subarray(0, gatheredBytes);
    gathered = null;
    gatheredBytes = 0;
    return gone || pass(bytes);
  }

  /** Gathers a piece until the end of the turn or until there is enough. */
  function gather(chunk: Uint8Array): boolean {
    if (gathered === null) {
      gathered = new Uint8Array(GATHER_BYTES);
      process.nextTick(passGathered);
    }
    gathered.set(chunk, gatheredBytes);
    gatheredBytes += chunk.length;
    return gatheredBytes + SMALL_BYTES <= GATHER_BYTES || passGathered();
  }

  // Node keeps some hundred bytes beside each piece until it is out, and back-pressure counts the pieces alone: chunks of one byte would
  // fill memory. Node holds the socket corked for the rest of a turn in which it wrote, so what follows there gets no later by gathering.
  function write(chunk: Uint8Array): boolean {
    if (finished || gone) return true;
    if (wrote && socket.writableCorked > 0 && chunk.length < SMALL_BYTES) {
      const room = gather(chunk);
      return room && !res.writableNeedDrain;
    }
    wrote = true;
    const room = passGathered();
    return pass(chunk) && room;
  }

  function end(chunk?: Uint8Array): void {
    if (finished || gone) return;
    passGathered();
    finished = true;
    if (req.complete) endNow(chunk);
    else void endWhileUploading(chunk);
  }

  function endNow(chunk?: Uint8Array): void {
    if (chunk === undefined) res.end();
    else res.end(chunk);
    if (!res.writableFinished && socket.writableLength > 0) watchReader();
  }

  /** The caller still sends: it gets the answer now and the close later, so that it can read the one before the other. */
  async function endWhileUploading(chunk?: Uint8Array): Promise<void> {
    const closes = !res.shouldKeepAlive;
    if (!closes) endNow(chunk);
    else if (chunk !== undefined) res.write(chunk);
    req.resume();
    await linger(socket, req);
    if (closes) endNow();
    if (!req.complete) socket.destroySoon();
  }

  return {
    get started() {
      return started;
    },
    get closed() {
      return finished || gone;
    },
    start,
    write,
    end,
    destroy() {
      if (gone || res.writableFinished) return;
      abort();
    },
    onDrain(listener) {
      onDrain = listener;
    },
    onGone(listener) {
      if (gone) listener();
      else goneListeners.push(listener);
    },
  };
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7e) return false;
  return true;
}
