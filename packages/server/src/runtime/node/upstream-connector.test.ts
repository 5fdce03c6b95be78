/** Dialling: hostile addresses get no connection, and the address that was judged is the one that is dialled. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Exchange, OK, send as sendTo } from '../../../test/support/upstream-side.ts';
import type { Transport } from '../../forwarding/transport.ts';
import { createAddressGuard, type ListenAddress } from './addresses.ts';
import { codeOf, type ResolveHost } from './upstream-connector.ts';
import { createNodeTransport } from './upstream-transport.ts';

/** Answers on every loopback address of both families; nothing that the guard refuses may reach it. */
interface Canary {
  readonly port: number;
  readonly connections: number;
  close(): void;
}

async function startCanary(host = '::'): Promise<Canary> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => {});
    socket.on('data', () => socket.write(OK));
  });
  await once(server.listen(0, host), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    close: () => server.close(),
  };
}

let canary: Canary;
const transports: Transport[] = [];
beforeEach(async () => {
  canary = await startCanary();
});
afterEach(async () => {
  await Promise.all(transports.splice(0).map((transport) => transport.close()));
  canary.close();
});

function create(resolve?: ResolveHost, ownListeners: readonly ListenAddress[] = []): Transport {
  const transport = createNodeTransport({
    guard: createAddressGuard({ ownListeners: () => ownListeners }),
    connectTimeoutMs: 2000,
    ...(resolve && { resolve }),
  });
  transports.push(transport);
  return transport;
}

type Result = Pick<Exchange, 'status' | 'failure'>;

async function send(transport: Transport, origin: string, allowPrivate = false): Promise<Result> {
  const exchange = sendTo(transport, { origin, allowPrivate }, { method: 'GET', path: '/' });
  await exchange.ended;
  const { status, failure } = exchange;
  return { status, failure };
}

const DENIED = { status: null, failure: { kind: 'destination_denied', written: false } };
const HOSTILE = [
  ...[
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '168.63.129.16',
    '172.16.0.1',
  ],
  ...[
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
  ],
  ...[
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::7f00:1',
    '2002:7f00:1::',
    '2001:0:7f00:1::',
    'fd00::1',
    'fe80::1',
  ],
]; // prettier-ignore

describe.each(['http', 'https'])('A18 hostile addresses over %s: no connection', (scheme) => {
  test.each(HOSTILE)('as a literal: %s', async (address) => {
    const host = address.includes(':') ? `[${address}]` : address;
    expect(await send(create(), `${scheme}://${host}:${canary.port}`)).toMatchObject(DENIED);
    expect(canary.connections).toBe(0);
  });

  test.each(HOSTILE)('behind a name: %s', async (address) => {
    const transport = create(async () => [address]);
    expect(await send(transport, `${scheme}://api.example.com:${canary.port}`)).toMatchObject(DENIED);
    expect(canary.connections).toBe(0);
  });

  test.each(HOSTILE)('beside a public one: %s', async (address) => {
    const transport = create(async () => ['1.1.1.1', address, '8.8.8.8']);
    expect(await send(transport, `${scheme}://api.example.com:${canary.port}`)).toMatchObject(DENIED);
    expect(canary.connections).toBe(0);
  });

  test.each(['127.1', '0x7f.1', '2130706433', '0177.0.0.1', '127.0.0.1.', 'localhost', 'localhost.'])(
    'in a spelling that a resolver or a URL understands: %s',
    async (host) => {
      const { status, failure } = await send(create(), `${scheme}://${host}:${canary.port}`);
      expect(status).toBeNull();
      expect(['destination_denied', 'unreachable']).toContain(failure?.kind);
      expect(canary.connections).toBe(0);
    },
  );

  test('the relay’s own listener stays closed even where config opens the host', async () => {
    const own = [{ address: '::', port: canary.port }];
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', 'localhost']) {
      expect(await send(create(undefined, own), `${scheme}://${host}:${canary.port}`, true)).toMatchObject(
        DENIED,
      );
    }
    expect(canary.connections).toBe(0);
  });

  test('the reason names the range and no address of the caller’s making', async () => {
    const { failure } = await send(create(), `${scheme}://169.254.169.254`);
    expect(failure?.reason).toBe('address is linkLocal');
  });
});

test('A18 a canary that config opens is reached: the test would see a connection', async () => {
  for (const host of ['127.0.0.1', '[::1]']) {
    expect(await send(create(), `http://${host}:${canary.port}`, true)).toEqual({
      status: 200,
      failure: null,
    });
  }
  expect(canary.connections).toBe(2);
});

describe('A19 rebinding names', () => {
  test('a name is looked up once per connection and the judged address is the one dialled', async () => {
    const resolve = vi.fn(async () => ['127.0.0.1']);
    await send(create(resolve), `http://api.example.com:${canary.port}`, true);
    expect(resolve).toHaveBeenCalledTimes(1);
    expect(canary.connections).toBe(1);
  });

  test('one that mixes good and bad answers gets through with none of them', async () => {
    const answers = [
      ['127.0.0.1'],
      ['1.1.1.1', '127.0.0.1'],
      ['::1'],
      ['1.1.1.1', '::ffff:127.0.0.1'],
      ['0.0.0.0'],
    ];
    const resolve = vi.fn(async () => answers.shift() ?? ['127.0.0.1']);
    const transport = create(resolve);
    const results = await Promise.all(
      Array.from({ length: 6 }, () => send(transport, `https://api.example.com:${canary.port}`)),
    );
    for (const result of results) expect(result).toMatchObject(DENIED);
    expect(resolve).toHaveBeenCalledTimes(6);
    expect(canary.connections).toBe(0);
  });

  test('one that turns hostile while a connection is kept keeps the old address, and a new connection is judged anew', async () => {
    const own = { address: '127.0.0.1', port: 0 };
    const second = await startCanary('127.0.0.2');
    try {
      const addresses = ['127.0.0.1'];
      const listeners: ListenAddress[] = [];
      const transport = create(async () => [...addresses], listeners);
      const origin = `http://api.example.com:${canary.port}`;
      expect(await send(transport, origin, true)).toMatchObject({ status: 200 });
      // what the name says now is the relay itself
      listeners.push({ ...own, address: '127.0.0.2', port: canary.port });
      addresses[0] = '127.0.0.2';
      // house: real time, because undici takes a connection back one turn after its answer has ended
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await send(transport, origin, true)).toMatchObject({ status: 200 });
      expect(canary.connections).toBe(1);
      const results = await Promise.all([send(transport, origin, true), send(transport, origin, true)]);
      expect(
        results.filter((result) => result.failure?.kind === 'destination_denied').length,
      ).toBeGreaterThan(0);
      expect(canary.connections).toBe(1);
      expect(second.connections).toBe(0);
    } finally {
      second.close();
    }
  });
});

describe('several addresses', () => {
  test('a dead one is passed over', async () => {
    const closed = await startCanary('127.0.0.1');
    closed.close();
    const resolve = async () => ['127.0.0.3', '127.0.0.1'];
    const only = await startCanary('127.0.0.1');
    try {
      expect(await send(create(resolve), `http://api.example.com:${only.port}`, true)).toMatchObject({
        status: 200,
      });
      expect(await send(create(resolve), `http://api.example.com:${closed.port}`, true)).toMatchObject({
        failure: { kind: 'unreachable', reason: 'ECONNREFUSED' },
      });
    } finally {
      only.close();
    }
  });

  test('none at all is unreachable', async () => {
    expect(
      await send(
        create(async () => []),
        'http://api.example.com',
      ),
    ).toMatchObject({
      failure: { kind: 'unreachable', reason: 'no address' },
    });
  });
});

test('an error is named by its code, else by its class, never by its words', () => {
  expect(codeOf(Object.assign(new Error('sk-demo-not-a-key'), { code: 'ECONNRESET' }))).toBe('ECONNRESET');
  expect(codeOf(new TypeError('sk-demo-not-a-key'))).toBe('TypeError');
  expect(codeOf('sk-demo-not-a-key')).toBe('unknown');
});
