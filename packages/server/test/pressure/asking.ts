/** One call over a socket of its own, read to the end of the connection: what a caller without any library sees. */
import { connect, type Socket } from 'node:net';
import { parseAnswer, type RawAnswer } from '../support/raw-http.ts';

/** An answer and how long it took to its last byte. */
export interface Asked extends RawAnswer {
  readonly ms: number;
  /** True when the connection ended with a reset. */
  readonly reset: boolean;
}

/** A small chat request as bytes. */
export function chatRequest(target: string, body = '{"model":"m","messages":[]}'): string {
  return (
    `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

/** Sends `bytes` and reads until the connection ends; `onSocket` may write more or read slower. */
export function ask(port: number, bytes: string, onSocket?: (socket: Socket) => void): Promise<Asked> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => onSocket?.(socket));
    const pieces: Buffer[] = [];
    let reset = false;
    socket.on('data', (chunk: Buffer) => pieces.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reset = error.code === 'ECONNRESET';
    });
    socket.on('close', () => {
      const answer = parseAnswer(Buffer.concat(pieces).toString('latin1'));
      resolve({ ...answer, reset, ms: performance.now() - startedAt });
    });
    socket.write(bytes, 'latin1');
  });
}
