/**
 * Providers on this machine: the transport is wrapped, so that the origin that the relay chose is noted and the bytes go to one loopback server,
 * which answers as the test says, with absolute URLs of the real hosts.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Transport } from '../../src/forwarding/transport.ts';
import { createAddressGuard } from '../../src/runtime/node/addresses.ts';
import { createNodeTransport } from '../../src/runtime/node/upstream-transport.ts';

/** A request as the provider would see it. */
export interface SeenRequest {
  /** `GET https://api.replicate.com/v1/predictions/p1`, as sent, query included. */
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What it answers; a list of pieces is sent one by one. */
export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: object | string | readonly string[];
}

/** The running thing. */
export interface FakeUpstream {
  readonly transport: Transport;
  readonly seen: SeenRequest[];
  /** Lines of the requests so far. */
  lines(): readonly string[];
  close(): Promise<void>;
}

const ORIGIN = 'x-fake-origin';

/** Starts it. */
export async function startFakeUpstream(answer: (seen: SeenRequest) => FakeAnswer): Promise<FakeUpstream> {
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const { [ORIGIN]: origin, ...headers } = request.headers;
    const body = (await buffer(request)).toString();
    const one = { line: `${request.method} ${String(origin)}${request.url}`, headers, body };
    seen.push(one);
    await send(response, answer(one));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const real = createNodeTransport({ guard: createAddressGuard() });
  const transport: Transport = {
    dispatch: (request, events) =>
      real.dispatch(
        {
          ...request,
          destination: { origin: here, allowPrivate: true },
          headers: [...request.headers, ORIGIN, request.destination.origin],
        },
        events,
      ),
    // several relays share it
    close: async () => {},
  };
  return {
    transport,
    seen,
    lines: () => seen.map(({ line }) => line),
    async close() {
      await real.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function send(
  response: ServerResponse,
  { status = 200, headers, body = {} }: FakeAnswer,
): Promise<void> {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  if (!Array.isArray(body)) return void response.end(typeof body === 'string' ? body : JSON.stringify(body));
  for (const piece of body as readonly string[]) {
    await new Promise<void>((resolve) => response.write(piece, () => resolve()));
  }
  response.end();
}
