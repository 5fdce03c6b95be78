/**
 * Answers to what never became a request: parser errors, slow or oversized heads, CONNECT (behaviour §4).
 * Written as bytes to the bare socket, with CORS headers, so that a page reads words instead of "connection error".
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { OPEN_HEADERS } from '../../base-headers.ts';
import { type Denial, deny, type ErrorCode } from '../../errors.ts';
import { renderError } from '../../render-error.ts';
import { linger } from './listener-linger.ts';

/** An error as Node's parser reports it. */
export interface ClientError extends Error {
  readonly code?: string;
  readonly rawPacket?: Uint8Array;
}

const MAX_TARGET = 8192;

/** The code of the error table that fits an error of Node's HTTP parser. */
export function codeFor(error: ClientError): ErrorCode {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout';
    case 'HPE_HEADER_OVERFLOW':
      return targetOverflows(error.rawPacket) ? 'uri_too_long' : 'headers_too_large';
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 'request_too_large';
    default:
      return 'bad_framing';
  }
}

/** True when the packet begins with a request line that alone is longer than any target may be. */
function targetOverflows(packet: Uint8Array | undefined): boolean {
  if (packet === undefined || !/^[A-Z]+ \//.test(new TextDecoder('latin1').decode(packet.subarray(0, 32)))) {
    return false;
  }
  const end = packet.indexOf(0x0a);
  return end === -1 ? packet.length > MAX_TARGET : end > MAX_TARGET + 32;
}

/** A whole answer as bytes; the connection ends after it. */
export function formatRefusal(denial: Denial, requestId: string = crypto.randomUUID()): Uint8Array {
  const audience = { shape: 'union', problemJson: false, requestId } as const;
  const { status, headers, body } = renderError(denial, audience);
  const lines = [...OPEN_HEADERS, ['x-request-id', audience.requestId], ...headers]
    .filter(([name]) => name !== 'connection')
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ndate: ${new Date().toUTCString()}\r\nconnection: close\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** A refusal that no request stands behind: what is known of it, without a byte of what came. */
export interface SocketRefusal {
  readonly denial: Denial;
  /** The id that the answer names. */
  readonly requestId: string;
  /** The connection's other end. */
  readonly peerAddress: string | null;
}

/** Told of each refusal that is written to a bare socket. */
export type OnRefused = (refusal: SocketRefusal) => void;

/**
 * Writes a refusal to a bare socket and closes it gently; what the caller still sends is dropped. `owed`: answers to earlier requests of
 * this connection that have not ended. A fault behind them takes none of them away (RFC 9112 §9.3.2): they go out, and with them it ends.
 */
export function refuseSocket(
  socket: Socket,
  denial: Denial,
  owed: readonly ServerResponse[],
  onRefused: OnRefused,
): void {
  // The reset of a caller that does not wait for the answer is no news.
  socket.on('error', () => {});
  const last = owed.at(-1);
  if (last !== undefined) {
    last.shouldKeepAlive = false;
    last.once('close', () => socket.destroySoon());
    return;
  }
  const requestId = crypto.randomUUID();
  onRefused({ denial, requestId, peerAddress: socket.remoteAddress ?? null });
  socket.end(formatRefusal(denial, requestId));
  void linger(socket, null).then(() => socket.destroy());
}

/** Handles Node's `clientError`. `owed`: the answers of this connection that have not ended, in their order. */
export function handleClientError(
  error: ClientError,
  socket: Socket,
  owed: readonly ServerResponse[],
  onRefused: OnRefused,
): void {
  const last = owed.at(-1);
  const faulty = last?.req.complete === false ? last : undefined;
  const before = faulty === undefined ? owed : owed.slice(0, -1);
  const silent = error.code === 'ECONNRESET' || !socket.writable || socket.bytesRead === 0;
  // Nothing may be put into an answer that has begun, and it must not end as if it were whole.
  if (silent || (before.length === 0 && faulty?.headersSent === true)) {
    socket.destroy();
    return;
  }
  // A request whose body is at fault is the relay's, and gets its line there.
  const tell = faulty === undefined ? onRefused : () => {};
  refuseSocket(socket, deny(codeFor(error), { reason: error.code ?? 'parser' }), before, tell);
}
