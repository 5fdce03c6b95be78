/** A whole relay on the Node path before an upstream of the test's own making, and callers that write their bytes themselves. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished, vi } from 'vitest';
import { createAddressGuard } from '../../src/runtime/node/addresses.ts';
import { createNodeTransport, type NodeTransportOptions } from '../../src/runtime/node/upstream-transport.ts';
import { type FixtureOptions, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

/** Looks again and again, more often than vitest does by itself, until `check` throws no more. */
export const eventually = (check: () => void): Promise<void> =>
  vi.waitFor(check, { interval: 2, timeout: 10_000 });

/** What may differ. */
export interface BeforeOptions {
  readonly transport?: Partial<NodeTransportOptions>;
  readonly trusted?: boolean;
  /** Default: the origin's own host. */
  readonly host?: string;
  readonly config?: FixtureOptions['config'];
  /** Laid over the provider's entry. */
  readonly provider?: object;
}

/** A relay whose provider `up` stands at `origin`; closed when the test is over. */
export async function relayBefore(origin: string, options: BeforeOptions = {}): Promise<RelayFixture> {
  const { trusted = true, transport = {}, config = {} } = options;
  const { protocol, host, port } = new URL(origin);
  const named = options.host === undefined ? host : `${options.host}:${port}`;
  const relay = await startRelay({
    config: {
      ...config,
      providers: {
        up: { base_url: `${protocol}//${named}/v1`, like: 'openai', trusted, ...options.provider },
      },
      upstream: { allow_private: [named] },
    },
    ports: { transport: createNodeTransport({ guard: createAddressGuard(), ...transport }) },
  });
  onTestFinished(() => relay.close());
  return relay;
}

/** The target of a chat under a token of its own, or of this one. */
export function targetOf(relay: RelayFixture, options: Parameters<RelayFixture['url']>[0] = {}): string {
  return `${new URL(relay.url({ provider: 'up', maxCalls: null, ...options })).pathname}/v1/chat/completions`;
}

/** A chat as bytes, on a connection that is kept unless a line says otherwise. */
export function chatBytes(target: string, lines: readonly string[] = [], body = '{"model":"m"}'): string {
  const head = [`POST ${target} HTTP/1.1`, 'Host: 127.0.0.1', 'Content-Type: application/json', ...lines];
  return `${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** A caller and what it has got so far, as latin1 text. */
export interface Caller {
  readonly socket: Socket;
  readonly text: string;
  /** Resolves once the text matches; never for a text that does not come. */
  until(pattern: RegExp): Promise<void>;
}

/** Connects and sends `bytes`; gone when the test is over. */
export async function callWith(port: number, bytes: string): Promise<Caller> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let text = '';
  const waiting = new Set<() => void>();
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (const look of waiting) look();
  });
  await once(socket, 'connect');
  socket.write(bytes, 'latin1');
  return {
    socket,
    get text() {
      return text;
    },
    until: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          if (!pattern.test(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}
