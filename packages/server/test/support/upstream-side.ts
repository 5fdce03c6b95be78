/** Both ends of an upstream connection: requests sent by a transport and watched, and a raw server that answers as it likes. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { onTestFinished } from 'vitest';
import type {
  Destination,
  Transport,
  TransportFailure,
  UpstreamCall,
  UpstreamRequest,
} from '../../src/forwarding/transport.ts';

/** An answer as a raw server writes it. */
export const OK = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok';

/** A request under way and what came of it so far. */
export interface Exchange {
  readonly call: UpstreamCall;
  /** Every event in its order: `headers`, `data`, `end`, `failure`. */
  readonly events: string[];
  status: number | null;
  /** Lines as they came: name, value, name, value. */
  headers: readonly string[];
  /** The first megabyte. */
  text: string;
  bytes: number;
  failure: TransportFailure | null;
  /** Resolves with the head, or at the end where there is none. */
  readonly begun: Promise<void>;
  /** Resolves at the end, whichever it is. */
  readonly ended: Promise<void>;
}

/** A destination that may be on this machine. */
export const open = (origin: string): Destination => ({ origin, allowPrivate: true });

/** Sends a request; a POST without a body unless told otherwise. */
export function send(
  transport: Transport,
  destination: Destination,
  more: Partial<UpstreamRequest> = {},
): Exchange {
  const begin = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  const finish = (event: string) => {
    if (exchange.events.includes('end') || exchange.events.includes('failure'))
      throw new Error('ended twice');
    exchange.events.push(event);
    begin.resolve();
    end.resolve();
  };
  const call = transport.dispatch(
    { destination, method: 'POST', path: '/v1/x', headers: [], body: null, bodyBytes: null, ...more },
    {
      onHeaders(status, headers) {
        exchange.events.push('headers');
        exchange.status = status;
        exchange.headers = headers;
        begin.resolve();
      },
      onData(chunk) {
        exchange.events.push('data');
        exchange.bytes += chunk.length;
        if (exchange.bytes < 1_000_000) exchange.text += decoder.decode(chunk, { stream: true });
      },
      onEnd: () => finish('end'),
      onFailure(failure) {
        exchange.failure = failure;
        finish('failure');
      },
    },
  );
  const exchange: Exchange = {
    call,
    events: [],
    status: null,
    headers: [],
    text: '',
    bytes: 0,
    failure: null,
    begun: begin.promise,
    ended: end.promise,
  };
  return exchange;
}

/** A raw server on this machine, closed when the test is over. */
export interface RawUpstream {
  readonly origin: string;
  /** Every connection, in the order in which they came. */
  readonly sockets: readonly Socket[];
  /** Stops listening; connections stay. */
  close(): void;
}

/** Starts a raw server made of one function per connection. */
export async function listenRaw(onSocket: (socket: Socket) => void): Promise<RawUpstream> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
    onSocket(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, sockets, close: () => server.close() };
}

/** A demo provider, closed when the test is over. */
export async function startDemo(
  options: Parameters<typeof startDemoProvider>[0] = {},
): Promise<DemoProvider> {
  const provider = await startDemoProvider(options);
  onTestFinished(() => provider.close());
  return provider;
}

/** A chat for the demo provider, whose knobs stand in the model's name. */
export function chat(model: string, stream = false): Partial<UpstreamRequest> {
  const body = Buffer.from(JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'hi' }] }));
  return { path: '/v1/chat/completions', headers: CHAT_HEADERS, body, bodyBytes: body.length };
}

/** The headers of such a chat. */
export const CHAT_HEADERS = ['authorization', 'Bearer sk-demo-not-a-key', 'content-type', 'application/json'];
