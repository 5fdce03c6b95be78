/** A caller who speaks HTTP/2 over TLS, from an address of its choice, as a browser would behind a proxy. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectTls } from 'node:tls';
import type { RunningProxy } from './proxy-process.ts';

/** An answer over HTTP/2. */
export interface Http2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** What a request may differ in from a POST of JSON. */
export interface Http2Request {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly onData?: (piece: string) => void;
  readonly onStream?: (stream: ClientHttp2Stream) => void;
}

/** Opens a connection to a proxy; `localAddress` is where it comes from. The caller destroys it. */
export function openHttp2(
  proxy: Pick<RunningProxy, 'host' | 'port' | 'ca'>,
  localAddress?: string,
): ClientHttp2Session {
  const session = connectHttp2(`https://localhost:${proxy.port}`, {
    createConnection: () =>
      connectTls({
        host: proxy.host,
        port: proxy.port,
        ...(localAddress && { localAddress }),
        servername: 'localhost',
        ca: proxy.ca,
        ALPNProtocols: ['h2'],
      }),
  });
  // every stream on it says so, too
  session.on('error', () => {});
  return session;
}

/** Sends one request and reads the whole answer; rejects when the stream breaks. */
export function requestHttp2(
  session: ClientHttp2Session,
  path: string,
  body: string | Buffer | null,
  { method = 'POST', headers = {}, onData, onStream }: Http2Request = {},
): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': method,
      ':path': path,
      ...(body !== null && { 'content-type': 'application/json' }),
      ...headers,
    });
    onStream?.(stream);
    let head: Record<string, unknown> = {};
    let text = '';
    stream.on('response', (received) => {
      head = received;
    });
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      onData?.(piece);
    });
    stream.on('error', reject);
    stream.on('end', () => resolve({ status: Number(head[':status']), headers: head, text }));
    stream.on('close', () => reject(new Error(`the stream ended with code ${stream.rstCode}`)));
    stream.end(body ?? undefined);
  });
}
