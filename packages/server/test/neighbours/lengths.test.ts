/**
 * Long URLs through nginx, Caddy and haproxy with the guide's blocks: tokens of up to 4,096 characters, URLs of up to 8 KiB, and
 * whose answer it is when they are longer.
 * house: real time, since other people's programs have no fake clock.
 */
import type { ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mintToken } from '../hostile/mint.ts';
import { openHttp2, requestHttp2 } from '../support/http2-client.ts';
import type { RunningProxy } from '../support/proxy-process.ts';
import { PROXY_PROGRAMS } from '../support/proxy-programs.ts';
import { chatBody, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

const MAX_URL = 8192;

/** A token of just under 4,096 characters: its origins make it long. */
function longToken(relay: RelayFixture): string {
  const now = Math.floor(Date.now() / 1000);
  const origins: string[] = ['none'];
  let longest = '';
  for (let size = 60; size > 0; ) {
    const next = `https://${'a'.repeat(size)}.${'b'.repeat(40)}${origins.length}.example.com`;
    try {
      longest = mintToken(relay.files.issuer, now, { origins: [...origins, next] });
      origins.push(next);
    } catch {
      // too long to be sealed: a shorter one may still fit
      size -= 5;
    }
  }
  return longest;
}

describe.each(PROXY_PROGRAMS)('long URLs through $name', (program) => {
  let relay: RelayFixture;
  let proxy: RunningProxy;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    if (program.command === null) return;
    relay = await startRelay({ config: { server: { trusted_proxies: ['127.0.0.1'] } } });
    proxy = await program.start(relay.port);
    session = openHttp2(proxy);
  }, 60_000);
  afterAll(async () => {
    session?.destroy();
    await proxy?.stop();
    await relay?.close();
  });
  beforeEach((context) => context.skip(program.command === null, `${program.name} is missing`));

  /** What an agent sends beside the URL. */
  const AGENT = { 'x-agent-state': 'a'.repeat(6000), 'x-agent-more': 'b'.repeat(6000) };
  const answerTo = (path: string, headers = {}) =>
    requestHttp2(session, path, chatBody(), { headers: { ...AGENT, ...headers } });
  const filledTo = (length: number, start: string) => `${start}?${'q'.repeat(length - start.length - 1)}`;

  it('a token of the greatest length is served, in the path and in each header', async () => {
    const token = longToken(relay);
    expect(token.length).toBeGreaterThan(3900);
    expect((await answerTo(`/relayapi/${token}/v1/chat/completions`)).status).toBe(200);
    for (const name of ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']) {
      expect((await answerTo('/relayapi/-/v1/chat/completions', { [name]: token })).status).toBe(200);
    }
  });

  it('a URL of 8 KiB is served, one byte more gets the relay’s own 414', async () => {
    const start = `/relayapi/${longToken(relay)}/v1/chat/completions`;
    expect((await answerTo(filledTo(MAX_URL, start))).status).toBe(200);
    for (const length of [MAX_URL + 1, 12_000, 16_000]) {
      const answer = await answerTo(filledTo(length, start));
      expect(answer.status).toBe(414);
      expect(JSON.parse(answer.text).error.code).toBe('uri_too_long');
      expect(answer.headers['access-control-allow-origin']).toBe('*');
    }
  });

  it('a token of 4,097 characters gets the relay’s own 401', async () => {
    const answer = await answerTo(`/relayapi/${'a.b.c.d.'.padEnd(4097, 'e')}/v1/chat/completions`);
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.text).error.code).toBe('token_invalid');
  });
});
