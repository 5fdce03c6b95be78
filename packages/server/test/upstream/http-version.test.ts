/** The relay speaks HTTP/1.1 to upstreams and offers nothing else: over HTTP/2 streamed POSTs waited for each other. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { createSelfSignedCertificate } from 'relayapi-demo-provider';
import { expect, it, onTestFinished } from 'vitest';
import { answerOf } from '../hostile/canary.ts';
import { wordFrom } from '../hostile/reading.ts';
import { chatBody, postChat, type RelayFixture } from '../support/relay-fixture.ts';
import { relayBefore } from './before.ts';

interface Upstream {
  readonly origin: string;
  /** What each client offered by ALPN. */
  readonly offers: (readonly string[])[];
  /** What was agreed on, and the first bytes that came. */
  readonly spoken: { protocol: string | false | null; bytes: string }[];
  readonly relay: RelayFixture;
}

/** An upstream that takes the first of `protocols` that it is offered. */
async function startUpstream(protocols: readonly string[]): Promise<Upstream> {
  const certificate = createSelfSignedCertificate(['127.0.0.1']);
  const offers: (readonly string[])[] = [];
  const spoken: Upstream['spoken'] = [];
  const server = createServer(
    {
      ...certificate,
      ALPNCallback({ protocols: offered }) {
        offers.push(offered);
        return protocols.find((one) => offered.includes(one));
      },
    },
    (socket: TLSSocket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        spoken.push({ protocol: socket.alpnProtocol, bytes: bytes.toString('latin1') });
        socket.write(answerOf('{}'));
      });
    },
  );
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const relay = await relayBefore(origin, { transport: { ca: certificate.cert } });
  return { origin, offers, spoken, relay };
}

const ask = (relay: RelayFixture) => postChat(relay.url({ provider: 'up' }), chatBody('m'));

it('an upstream that would rather speak HTTP/2 is offered HTTP/1.1 alone, and spoken to so', async () => {
  const { offers, spoken, relay } = await startUpstream(['h2', 'http/1.1']);
  for (let i = 0; i < 3; i += 1) expect(await wordFrom(await ask(relay))).toBe('200 -');
  expect(offers.length).toBeGreaterThan(0);
  for (const offer of offers) expect(offer).toEqual(['http/1.1']);
  expect(spoken).toHaveLength(3);
  for (const { protocol, bytes } of spoken) {
    expect(protocol).toBe('http/1.1');
    expect(bytes).toMatch(/^POST \/v1\/chat\/completions HTTP\/1\.1\r\n/);
  }
});

it('an upstream that speaks HTTP/2 alone is not reached: nothing is said to it, and nothing is counted', async () => {
  const { offers, spoken, relay } = await startUpstream(['h2']);
  const url = relay.url({ provider: 'up', maxCalls: 1 });
  for (let i = 0; i < 2; i += 1)
    expect(await wordFrom(await postChat(url, chatBody('m')))).toBe('502 upstream_unreachable');
  for (const offer of offers) expect(offer).toEqual(['http/1.1']);
  expect(offers.length).toBeGreaterThan(0);
  expect(spoken).toEqual([]);
});

it('an upstream that takes no part in the choice gets HTTP/1.1', async () => {
  const certificate = createSelfSignedCertificate(['127.0.0.1']);
  const lines: string[] = [];
  const server = createServer(certificate, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      lines.push(bytes.toString('latin1').split('\r\n', 1)[0] as string);
      socket.write(answerOf('{}'));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const relay = await relayBefore(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    transport: { ca: certificate.cert },
  });
  expect(await wordFrom(await ask(relay))).toBe('200 -');
  expect(lines).toEqual(['POST /v1/chat/completions HTTP/1.1']);
});
