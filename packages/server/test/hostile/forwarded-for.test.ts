/**
 * Whose request it is behind proxies, through the whole relay on both paths: the rows of corpora/forwarded-for that a socket can carry,
 * told from the access log and from a token that is bound to an address (behaviour spec §1; spoofed entries never count).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../support/raw-http.ts';
import { chatBody, RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { rowsOf } from './corpora/rows.ts';
import { wordOf } from './reading.ts';

interface Row {
  readonly what: string;
  readonly peer: string | null;
  readonly lines: readonly string[];
  readonly client: string | null;
}

/** The tests' own connections come from 127.0.0.1, which stands for the trusted peer of a row. */
const PEER = '127.0.0.1';
const ROWS = rowsOf<Row>('forwarded-for').flatMap(({ what, peer, lines, client }) => {
  const carried = lines.every((line) => /^[\t\x20-\x7e\xa0-\xff]*$/.test(line) && line.length < 20_000);
  if (peer !== '10.0.0.1' || !carried) return [];
  return [{ what, lines, client: client === peer ? PEER : client }];
});

describe.each(RELAY_PATHS)('A52 behind a trusted proxy, on the %s path', (path) => {
  let relay: RelayFixture;
  beforeAll(async () => {
    relay = await startRelay({
      path,
      config: {
        server: { trusted_proxies: ['10.0.0.0/8', PEER, '2001:db8:aaaa::/48'] },
        damping: { failures: 0 },
      },
    });
  });
  beforeEach(() => {
    relay.lines.length = 0;
    relay.demo.reset();
  });
  afterAll(() => relay.close());

  async function ask(token: string, lines: readonly string[], body = '{}'): Promise<string> {
    const forwarded = lines.map((line) => `X-Forwarded-For: ${line}\r\n`).join('');
    const answer = await sendRaw(
      relay.port,
      `POST /relayapi/${token}/v1/chat/completions HTTP/1.1\r\nHost: relay.test\r\nContent-Type: application/json\r\n${forwarded}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    return wordOf(answer.status, answer.body);
  }

  it('there are over forty rows', () => {
    expect(ROWS.length).toBeGreaterThan(60);
  });

  it.each(ROWS)('$what', async ({ lines, client }) => {
    expect(await ask('broken', lines)).toBe('401 token_invalid');
    expect(relay.lines.map((line) => line['client.address'])).toEqual([client]);
  });

  it.each<[what: string, lines: string[], word: string]>([
    ['the address itself', ['198.51.100.1'], '200 -'],
    ['the address behind a trusted hop', ['198.51.100.1, 10.0.0.9'], '200 -'],
    ['the address as a spoofed left entry', ['198.51.100.1, 203.0.113.9'], '403 ip_denied'],
    ['the address in a spoofed first line', ['198.51.100.1', '203.0.113.9'], '403 ip_denied'],
    ['the address left of a malformed entry', ['198.51.100.1, unknown'], '403 ip_denied'],
    ['no header', [], '403 ip_denied'],
  ])('a token for one address, with %s: %s', async (_what, lines, word) => {
    const token = relay.token({ allowedIps: ['198.51.100.1'] });
    expect(await ask(token, lines, chatBody())).toBe(word);
    expect(relay.demo.counters.requests).toBe(word === '200 -' ? 1 : 0);
  });
});

describe.each(RELAY_PATHS)('A52 without a trusted proxy, on the %s path', (path) => {
  it('no header counts, in any spelling', async () => {
    const relay = await startRelay({ path });
    try {
      const names = [
        'X-Forwarded-For',
        'Forwarded',
        'X-Real-IP',
        'True-Client-IP',
        'CF-Connecting-IP',
        'X-Client-IP',
      ];
      const lines = names
        .map((name) => `${name}: ${name === 'Forwarded' ? 'for=' : ''}198.51.100.1\r\n`)
        .join('');
      const token = relay.token({ allowedIps: ['198.51.100.1'] });
      const body = chatBody();
      const answer = await sendRaw(
        relay.port,
        `POST /relayapi/${token}/v1/chat/completions HTTP/1.1\r\nHost: relay.test\r\nContent-Type: application/json\r\n${lines}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
      expect(wordOf(answer.status, answer.body)).toBe('403 ip_denied');
      expect(relay.lines.at(-1)?.['client.address']).toBe(PEER);
      expect(relay.demo.counters.requests).toBe(0);
    } finally {
      await relay.close();
    }
  });
});
