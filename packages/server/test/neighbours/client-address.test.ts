/**
 * Whose address the relay judges behind one proxy and behind two (A52), with the guide's blocks: what the caller claims at the outer
 * end never counts, over IPv4 and IPv6, and `ips` is judged on the caller.
 * house: real time, since other people's programs have no fake clock.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openHttp2, requestHttp2 } from '../support/http2-client.ts';
import type { RunningProxy } from '../support/proxy-process.ts';
import { caddy, haproxy, nginx, PROXY_PROGRAMS, type ProxyProgram } from '../support/proxy-programs.ts';
import { sendRaw } from '../support/raw-http.ts';
import { chatBody, postChat, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

/** What a caller writes to be somebody else; each name goes out as often as it stands here. */
const CLAIMS: Record<string, string | string[]>[] = [
  {},
  { 'x-forwarded-for': '203.0.113.9' },
  { 'x-forwarded-for': ['203.0.113.9', '198.51.100.7'] },
  { 'x-forwarded-for': '203.0.113.9, 127.0.0.1, ::1' },
  { 'x-forwarded-for': '127.0.0.1' },
  { 'x-forwarded-for': 'unknown, "[::1]:80", ,' },
  { 'x-forwarded-for': '::ffff:203.0.113.9' },
  { 'x-forwarded-for': 'x'.repeat(3000) },
  { forwarded: 'for=203.0.113.9;by=127.0.0.1', 'x-real-ip': '203.0.113.9' },
  { 'true-client-ip': '203.0.113.9', 'cf-connecting-ip': '203.0.113.9', 'x-client-ip': '203.0.113.9' },
  { X_Forwarded_For: '203.0.113.9' },
];

const CHAINS: readonly (readonly ProxyProgram[])[] = [
  ...PROXY_PROGRAMS.map((program) => [program]),
  [nginx, haproxy],
  [caddy, nginx],
  [haproxy, caddy],
];

describe.each(CHAINS.map((chain) => ({ chain, name: chain.map(({ name }) => name).join(' → ') })))(
  'A52 behind $name',
  ({ chain }) => {
    const missing = chain.some(({ command }) => command === null);
    let relay: RelayFixture;
    const running: RunningProxy[] = [];
    beforeAll(async () => {
      if (missing) return;
      relay = await startRelay({ config: { server: { trusted_proxies: ['127.0.0.1'] } } });
    });
    afterEach(async () => {
      await Promise.all(running.splice(0).map((proxy) => proxy.stop()));
    });
    afterAll(() => relay?.close());

    /** Starts the chain from the relay outwards; the outermost listens on `host`. */
    async function startChain(host: string): Promise<RunningProxy> {
      let port = relay.port;
      for (const [place, program] of [...chain.entries()].reverse()) {
        const options = place === 0 ? ({ role: 'front', host } as const) : ({ role: 'inner' } as const);
        running.push(await program.start(port, options));
        port = running.at(-1)?.port as number;
      }
      return running.at(-1) as RunningProxy;
    }

    async function expectSeen(proxy: RunningProxy, from: string): Promise<void> {
      const session = openHttp2(proxy, from);
      const call = async (token: string, headers: Record<string, string | string[]>) =>
        (await requestHttp2(session, `/relayapi/${token}/v1/chat/completions`, chatBody(), { headers }))
          .status;
      const good = relay.token({ allowedIps: [from] });
      const bad = relay.token({ allowedIps: ['203.0.113.9', '198.51.100.7', '192.0.2.0/24'] });
      for (const claim of CLAIMS) {
        const label = JSON.stringify(claim).slice(0, 80);
        relay.lines.length = 0;
        expect(await call(good, claim), label).toBe(200);
        expect(relay.lines.findLast((line) => line['client.address'])?.['client.address'], label).toBe(from);
        expect(await call(bad, claim), label).toBe(403);
      }
      session.destroy();
    }

    it('is the caller over IPv4, whatever the caller claims', async (context) => {
      context.skip(missing, 'a proxy is missing');
      await expectSeen(await startChain('127.0.0.1'), '127.0.0.2');
    });

    it('is the caller over IPv6, whatever the caller claims', async (context) => {
      context.skip(missing, 'a proxy is missing');
      await expectSeen(await startChain('::1'), '::1');
    });
  },
);

describe('A52 without a proxy', () => {
  let relay: RelayFixture;
  beforeAll(async () => {
    relay = await startRelay({ config: { server: { trusted_proxies: ['192.0.2.1'] } } });
  });
  afterAll(() => relay.close());

  it('a list from somebody who is not a proxy is not believed', async () => {
    const bad = relay.url({ allowedIps: ['203.0.113.9'] });
    expect((await postChat(bad, chatBody(), { 'x-forwarded-for': '203.0.113.9' })).status).toBe(403);
    const good = relay.url({ allowedIps: ['127.0.0.1'] });
    expect((await postChat(good, chatBody(), { 'x-forwarded-for': '203.0.113.9' })).status).toBe(200);
  });

  it('the PROXY protocol is not spoken: text and binary form get 400 and reach nothing', async () => {
    const before = relay.demo.counters.requests;
    const request = `GET ${new URL(relay.url()).pathname}/v1/models HTTP/1.1\r\nHost: a\r\n\r\n`;
    const text = await sendRaw(relay.port, `PROXY TCP4 203.0.113.9 127.0.0.1 5000 80\r\n${request}`);
    expect(text.status).toBe(400);
    const signature =
      '\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x09\x7f\x00\x00\x01\x13\x88\x00\x50';
    const binary = await sendRaw(relay.port, signature + request);
    expect(binary.status).toBe(400);
    expect(relay.demo.counters.requests).toBe(before);
  });
});
