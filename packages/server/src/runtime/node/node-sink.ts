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

/** Shorter bytes wait for the end of the turn of the event loop: what belongs together leaves in one write, at most so many in a piece. */
const HELD_BYTES = 16 * 1024;

/** Wraps a response. */
export function wrapNodeResponse(
  req: IncomingMessage,
  res: ServerResponse,
  options: NodeSinkOptions,
): ResponseSink {
  return new NodeSink(req, res, options);
}

/** A class, as it owns a response; and its methods are shared, where a function for each of them and answer cost more than the sending. */
class NodeSink implements ResponseSink {
  started = false;
  closed = false;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #socket: Socket;
  readonly #options: NodeSinkOptions;
  #finished = false;
  #framed = false;
  #gone = false;
  /** True while the caller does not read as fast as it is written to. */
  #waiting = false;
  #watched = false;
  #drained: (() => void) | null = null;
  #onDrain: (() => void) | null = null;
  #goneListeners: (() => void)[] | null = null;
  /** Status and lines that have not been sent. */
  #status = 0;
  #lines: string[] | null = null;
  /** Bytes that wait for the end of the turn. */
  #held: Uint8Array | null = null;
  #heldBytes = 0;
  #scheduled = false;
  /** An end that waits for the end of the turn, and its bytes. */
  #ending = false;
  #last: Uint8Array | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, options: NodeSinkOptions) {
    this.#req = req;
    this.#res = res;
    this.#socket = req.socket;
    this.#options = options;
    const leave = () => this.#leave();
    res.on('close', leave);
    res.on('error', leave);
  }

  start(status: number, headers: HeaderList): void {
    if (this.started || this.#finished || this.#gone) return;
    const req = this.#req;
    this.started = true;
    if (this.#options.draining()) this.#res.shouldKeepAlive = false;
    const lines: string[] = [];
    this.#framed = req.httpVersionMinor === 1 && req.httpVersionMajor === 1;
    for (const [name, value] of headers) {
      lines.push(name, value);
      if (name === 'connection' && /\bclose\b/i.test(value)) this.#options.onLast?.(this.#socket);
      if (name === 'content-length') this.#framed = true;
    }
    this.#status = status;
    this.#lines = lines;
    this.#schedule();
  }

  write(chunk: Uint8Array): boolean {
    if (this.#finished || this.#gone) return true;
    // the chunk of no bytes is the last one of a message
    if (chunk.length === 0) return !this.#waiting;
    if (chunk.length <= HELD_BYTES) return this.#hold(chunk);
    this.#send();
    return this.#pass(chunk);
  }

  end(chunk?: Uint8Array): void {
    if (this.#finished || this.#gone) return;
    this.#finish();
    if (this.#req.complete) return this.#endWhole(chunk);
    this.#ending = true;
    this.#last = chunk;
    // A caller who was not told to go on is told at once that this answer is the last: no request behind it may be read before that.
    if (this.#req.headers.expect !== undefined) return this.endLater();
    // A short body lies in the packet of its head, and that is still being parsed: within this turn there may be nothing to wait for.
    setImmediate(endLater, this);
  }

  destroy(): void {
    if (this.#gone || this.#res.writableFinished) return;
    this.endLater();
    this.#send();
    this.#finish();
    const socket = this.#socket;
    // Without a length or chunks the end of the connection is the end of the message: only a reset tells.
    if (!this.#framed && this.started) socket.resetAndDestroy();
    else if (!this.started || socket.writableLength === 0) socket.destroySoon();
    else {
      this.#watchReader();
      socket.destroySoon();
    }
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  onGone(listener: () => void): void {
    if (this.#gone) return listener();
    this.#goneListeners ??= [];
    this.#goneListeners.push(listener);
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.closed = true;
    if (this.#drained !== null) this.#socket.off('drain', this.#drained);
    if (this.#finished || this.#goneListeners === null) return;
    for (const listener of this.#goneListeners.splice(0)) listener();
  }

  #finish(): void {
    this.#finished = true;
    this.closed = true;
  }

  /** Holds a piece until the end of the turn or until there is enough: a head and its first bytes, or events that came in one packet. */
  // Node keeps some hundred bytes beside each piece until it is out, and back-pressure counts the pieces alone: chunks of one byte would
  // fill memory.
  #hold(chunk: Uint8Array): boolean {
    const had = this.#heldBytes;
    if (had + chunk.length > HELD_BYTES) this.#send();
    if (this.#held === null) {
      this.#held = chunk;
      this.#heldBytes = chunk.length;
      this.#schedule();
      return !this.#waiting;
    }
    const bytes = had + chunk.length;
    if (this.#held.length < bytes || this.#held.length === had) {
      const more = new Uint8Array(Math.min(HELD_BYTES, Math.max(1024, 2 * bytes)));
      more.set(had < this.#held.length ? this.#held.subarray(0, had) : this.#held);
      this.#held = more;
    }
    this.#held.set(chunk, had);
    this.#heldBytes = bytes;
    return !this.#waiting;
  }

  #takeHeld(): Uint8Array | null {
    const held = this.#held;
    const bytes = this.#heldBytes;
    this.#held = null;
    this.#heldBytes = 0;
    return held === null || held.length === bytes ? held : held.subarray(0, bytes);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(sendScheduled, this);
  }

  /** For the end of the turn. */
  sendScheduled(): void {
    this.#scheduled = false;
    if (!this.#ending) this.#send();
  }

  /** For the end of the turn in which the answer ended before its request. Harmless later. */
  endLater(): void {
    if (!this.#ending || this.#gone) return;
    this.#ending = false;
    const chunk = this.#last;
    if (this.#req.complete) return this.#endWhole(chunk);
    this.#send();
    void this.#endWhileUploading(chunk);
  }

  /** The request has been read: head, what is held and the last bytes leave together. */
  #endWhole(chunk: Uint8Array | undefined): void {
    if (chunk !== undefined && this.#held !== null) this.#send();
    const last = chunk ?? this.#takeHeld() ?? undefined;
    if (this.#lines !== null) this.#res.writeHead(this.#status, this.#lines);
    this.#lines = null;
    this.#endNow(last);
  }

  /** Sends what is held. Head and first bytes leave in one write. */
  #send(): void {
    const lines = this.#lines;
    const held = this.#takeHeld();
    this.#lines = null;
    if (this.#gone) return;
    if (lines === null) {
      if (held !== null) this.#pass(held);
      return;
    }
    this.#res.writeHead(this.#status, lines);
    this.#socket.cork();
    if (held === null) this.#flushHead(lines);
    else this.#judge(this.#res.write(held));
    // Node holds the socket for the rest of the turn only where a body was written.
    process.nextTick(uncork, this.#socket);
  }

  /** `flushHeaders` writes the head as UTF-8 and so doubles every byte above ASCII; a message without a body leaves that to `end`. */
  #flushHead(lines: readonly string[]): void {
    if (lines.every(isAscii)) this.#res.flushHeaders();
    else this.#res.write('', 'latin1');
  }

  /** Writes a piece behind the head. */
  // Node frames a piece in four writes; one of our own costs a third less. It may be made where the answer has the socket to itself: with
  // others before it in line there is none yet, and once there is, Node has written what waited. Never beside pieces that Node holds.
  #pass(bytes: Uint8Array): boolean {
    const res = this.#res;
    const socket = this.#socket;
    const own = res.chunkedEncoding && res.socket === socket && res.writableCorked === 0 && socket.writable;
    if (!own) return this.#judge(res.write(bytes));
    const room = writeFrame(socket, bytes);
    if (!room && this.#drained === null) {
      this.#drained = () => this.#drain();
      socket.on('drain', this.#drained);
    }
    return this.#judge(room);
  }

  #judge(room: boolean): boolean {
    if (!room) this.#watchReader();
    return room;
  }

  // Node's socket timeout looks at whether the send queue moved before it fires: a slow reader is not a stalled one.
  #watchReader(): void {
    const socket = this.#socket;
    this.#waiting = true;
    socket.setTimeout(this.#options.writeTimeoutMs);
    if (this.#watched) return;
    this.#watched = true;
    // The timer is the socket's: with two requests in line it may have been armed for the other one.
    this.#res.on('timeout', () => {
      if (this.#waiting) socket.resetAndDestroy();
    });
    this.#res.on('drain', () => this.#drain());
  }

  #drain(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#socket.setTimeout(0);
    this.#onDrain?.();
  }

  #endNow(chunk?: Uint8Array): void {
    const res = this.#res;
    if (chunk === undefined) res.end();
    // as text of one byte each it joins the head, and both are one buffer of one write
    else if (chunk.length <= HELD_BYTES) res.end(latin1Of(chunk), 'latin1');
    else res.end(chunk);
    if (!res.writableFinished && this.#socket.writableLength > 0) this.#watchReader();
  }

  /** The caller still sends: it gets the answer now and the close later, so that it can read the one before the other. */
  async #endWhileUploading(chunk?: Uint8Array): Promise<void> {
    const closes = !this.#res.shouldKeepAlive;
    if (!closes) this.#endNow(chunk);
    else if (chunk !== undefined) this.#res.write(chunk);
    this.#req.resume();
    await linger(this.#socket, this.#req);
    if (closes) this.#endNow();
    if (!this.#req.complete) this.#socket.destroySoon();
  }
}

function sendScheduled(sink: NodeSink): void {
  sink.sendScheduled();
}

function endLater(sink: NodeSink): void {
  sink.endLater();
}

/** Writes one chunk of a chunked message (RFC 9112 §7.1). */
function writeFrame(socket: Socket, bytes: Uint8Array): boolean {
  const size = bytes.length.toString(16);
  if (bytes.length <= HELD_BYTES) return socket.write(`${size}\r\n${latin1Of(bytes)}\r\n`, 'latin1');
  socket.cork();
  socket.write(`${size}\r\n`, 'latin1');
  socket.write(bytes);
  const room = socket.write('\r\n', 'latin1');
  socket.uncork();
  return room;
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
