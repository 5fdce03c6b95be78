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

/** A head waits for the first bytes of its body until the end of the turn, and these for the end of the message: a short answer is one write. */
const HELD_BYTES = 16 * 1024;

type MutableSink = { -readonly [K in keyof ResponseSink]: ResponseSink[K] };

/** Wraps a response. */
// house: long, because one answer's few variables are shared by all of its functions
export function wrapNodeResponse(
  req: IncomingMessage,
  res: ServerResponse,
  options: NodeSinkOptions,
): ResponseSink {
  const { socket } = req;
  let finished = false;
  let framed = false;
  let gone = false;
  let waiting = false;
  let watched = false;
  let onDrain: (() => void) | null = null;
  let goneListeners: Array<() => void> | null = null;
  let wrote = false;
  /** Status and lines that have not been sent, and the first bytes behind them. */
  let head: { readonly status: number; readonly lines: string[] } | null = null;
  let held: Uint8Array | null = null;
  let gathered: Uint8Array | null = null;
  let gatheredBytes = 0;

  const leave = (): void => {
    if (gone) return;
    gone = true;
    sink.closed = true;
    if (finished || goneListeners === null) return;
    for (const listener of goneListeners.splice(0)) listener();
  };

  // Node's socket timeout looks at whether the send queue moved before it fires: a slow reader is not a stalled one.
  function watchReader(): void {
    waiting = true;
    socket.setTimeout(options.writeTimeoutMs);
    if (watched) return;
    watched = true;
    // The timer is the socket's: with two requests in line it may have been armed for the other one.
    res.on('timeout', () => {
      if (waiting) socket.resetAndDestroy();
    });
    res.on('drain', () => {
      waiting = false;
      socket.setTimeout(0);
      onDrain?.();
    });
  }

  function finish(): void {
    finished = true;
    sink.closed = true;
  }

  function abort(): void {
    sendHeld();
    passGathered();
    finish();
    // Without a length or chunks the end of the connection is the end of the message: only a reset tells.
    if (!framed && sink.started) socket.resetAndDestroy();
    else if (!sink.started || socket.writableLength === 0) socket.destroySoon();
    else {
      watchReader();
      socket.destroySoon();
    }
  }

  res.on('close', leave);
  res.on('error', leave);

  function start(status: number, headers: HeaderList): void {
    if (sink.started || finished || gone) return;
    sink.started = true;
    if (options.draining()) res.shouldKeepAlive = false;
    const lines: string[] = [];
    framed = req.httpVersionMinor === 1 && req.httpVersionMajor === 1;
    for (const [name, value] of headers) {
      lines.push(name, value);
      if (name === 'connection' && /\bclose\b/i.test(value)) options.onLast?.(socket);
      if (name === 'content-length') framed = true;
    }
    head = { status, lines };
    process.nextTick(sendHeld);
  }

  /** Sends what was held for the end of the turn: head and first bytes leave in one write. */
  function sendHeld(): void {
    if (head === null) return;
    const { status, lines } = head;
    head = null;
    if (gone) return;
    res.writeHead(status, lines);
    socket.cork();
    if (held === null) flushHead(lines);
    else pass(held);
    held = null;
    // Node holds the socket for the rest of the turn only where a body was written.
    process.nextTick(uncork, socket);
  }

  /** `flushHeaders` writes the head as UTF-8 and so doubles every byte above ASCII; a message without a body leaves that to `end`. */
  function flushHead(lines: readonly string[]): void {
    if (lines.every(isAscii)) res.flushHeaders();
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
    if (head !== null && held === null && chunk.length <= HELD_BYTES) {
      held = chunk;
      wrote = true;
      return true;
    }
    sendHeld();
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
    if (!req.complete) {
      sendHeld();
      finish();
      void endWhileUploading(chunk);
      return;
    }
    if (head !== null && (held === null || chunk === undefined)) {
      res.writeHead(head.status, head.lines);
      head = null;
      finish();
      return endNow(held ?? chunk);
    }
    sendHeld();
    finish();
    endNow(chunk);
  }

  function endNow(chunk?: Uint8Array): void {
    if (chunk === undefined) res.end();
    // as text of one byte each it joins the head, and both are one buffer of one write
    else if (chunk.length <= HELD_BYTES) res.end(latin1Of(chunk), 'latin1');
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

  const sink: MutableSink = {
    started: false,
    closed: false,
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
      if (gone) return listener();
      goneListeners ??= [];
      goneListeners.push(listener);
    },
  };
  return sink;
}

function uncork(socket: Socket): void {
  socket.uncork();
}

function latin1Of(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString('latin1');
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7e) return false;
  return true;
}
