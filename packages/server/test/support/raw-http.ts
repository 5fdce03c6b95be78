/** HTTP as bytes over a bare socket: what no well-behaved client would send, and answers as they stand on the wire. */
import { connect, type Socket } from 'node:net';

/** An answer as read from the wire. */
export interface RawAnswer {
  /** 0 when the connection ended without one. */
  status: number;
  headers: Record<string, string>;
  body: string;
  /** True when the message was whole by its own framing. */
  complete: boolean;
  /** Every byte that came, interim answers included. */
  text: string;
}

/** Splits the last answer out of what came. */
export function parseAnswer(text: string): RawAnswer {
  let rest = text;
  while (/^HTTP\/1\.1 1\d\d/.test(rest)) rest = rest.slice(rest.indexOf('\r\n\r\n') + 4);
  const end = rest.indexOf('\r\n\r\n');
  const none: RawAnswer = { status: 0, headers: {}, body: '', complete: false, text };
  if (end === -1) return none;
  const [line = '', ...fields] = rest.slice(0, end).split('\r\n');
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    const name = field.slice(0, colon).toLowerCase();
    const value = field.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]} || ${value}` : value;
  }
  const status = Number(line.split(' ')[1]);
  const after = rest.slice(end + 4);
  if (headers['transfer-encoding'] === 'chunked') return { ...none, status, headers, ...readChunked(after) };
  const length = headers['content-length'];
  const complete = length !== undefined ? after.length >= Number(length) : status === 204 || status === 304;
  return {
    ...none,
    status,
    headers,
    body: length === undefined ? after : after.slice(0, Number(length)),
    complete,
  };
}

function readChunked(text: string): { body: string; complete: boolean } {
  let at = 0;
  let body = '';
  for (;;) {
    const line = text.indexOf('\r\n', at);
    const size = line === -1 ? Number.NaN : Number.parseInt(text.slice(at, line), 16);
    if (Number.isNaN(size)) return { body, complete: false };
    if (size === 0) return { body, complete: true };
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

/** Sends bytes (latin1) and reads until an answer is whole, the connection ends or `timeoutMs` have passed. */
export function sendRaw(port: number, bytes: string, timeoutMs = 5000): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(parseAnswer(text));
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (parseAnswer(text).complete) finish();
    });
    socket.on('error', () => {});
    socket.on('close', finish);
    socket.write(bytes, 'latin1');
  });
}

/** A socket that is open and has sent `bytes`. */
export function openRaw(port: number, bytes: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      socket.write(bytes, 'latin1');
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
