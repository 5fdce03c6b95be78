/**
 * Hostile answers through the whole relay: the key comes back in no chunking and no spelling (behaviour spec §5).
 * Answers made to fill memory are in test/pressure.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postChat, type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { type Canary, startCanary } from './canary.ts';
import { spellingsOf } from './reading.ts';

let up: Canary;
beforeAll(async () => {
  up = await startCanary();
});
beforeEach(() => up.reset());
afterAll(() => up.close());

const latin = (bytes: Buffer) => bytes.toString('latin1');
const whole = (lines: string[], body: Buffer) =>
  `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${latin(body)}`;
const JSON_TYPE = 'Content-Type: application/json';

describe('A26 an upstream at a host of its own that sends the key back', () => {
  let relay: RelayFixture;
  const KEY = `${UPSTREAM_KEY}+/=%`;
  beforeAll(async () => {
    relay = await startRelay({
      config: {
        providers: { up: { base_url: `${up.origin}/v1` } },
        upstream: { allow_private: [`127.0.0.1:${up.port}`] },
      },
    });
  });
  afterAll(() => relay.close());

  const FORMS = Object.entries(spellingsOf(KEY));
  const PLACES: [name: string, type: string, status: number, before: string, after: string][] = [
    ['a JSON answer', 'application/json', 200, '{"a":"', '"}'],
    ['an event stream', 'text/event-stream', 200, 'data: first\n\ndata: {"x":"', '"}\n\ndata: [DONE]\n\n'],
    ['audio', 'audio/mpeg', 200, '\x00\xff\xfb', '\x00\x01'],
    ['an error', 'application/json', 400, '{"error":{"message":"', '"}}'],
    ['a server error', 'application/json', 503, '{"error":{"message":"', '"}}'],
  ];

  it.each(PLACES)(
    'in %s: no caller sees it, in any spelling and any chunks',
    async (_name, type, status, before, after) => {
      const seen: string[] = [];
      for (const [form, text] of FORMS) {
        for (const size of [1, 3, 7, 64, 100_000]) {
          const body = before + text + after;
          up.say((socket) => {
            socket.write(
              `HTTP/1.1 ${status} X\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`,
            );
            for (let at = 0; at < body.length; at += size) {
              const piece = body.slice(at, at + size);
              socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`, 'latin1');
            }
            socket.write('0\r\n\r\n');
          });
          const response = await postChat(relay.url({ provider: 'up', apiKey: KEY, maxCalls: null }));
          let got = JSON.stringify([...response.headers]);
          try {
            for await (const chunk of response.body ?? []) got += Buffer.from(chunk).toString('latin1');
          } catch {
            // a cut stream is what should happen
          }
          if (FORMS.some(([, spelled]) => got.includes(spelled))) seen.push(`${form} in pieces of ${size}`);
        }
      }
      expect(seen).toEqual([]);
    },
  );

  it('what is not the key passes whole: the search is not blind', async () => {
    const body = `{"a":"${KEY.slice(0, -1)}","b":"${KEY.slice(1, 9)}"}`;
    up.say(whole([JSON_TYPE], Buffer.from(body, 'latin1')));
    const response = await postChat(relay.url({ provider: 'up', apiKey: KEY }));
    expect(Buffer.from(await response.arrayBuffer()).toString('latin1')).toBe(body);
  });

  it.each(FORMS)('in a header that may pass, as %s: the caller does not see it', async (_form, text) => {
    up.say(
      whole(
        [JSON_TYPE, `Content-Disposition: attachment; filename="${text}"`, `X-Request-Id: ${text}`],
        Buffer.from('{}'),
      ),
    );
    const response = await postChat(relay.url({ provider: 'up', apiKey: KEY, maxCalls: null }));
    const lines = JSON.stringify([...response.headers]) + (await response.text());
    for (const [, spelled] of FORMS) expect(lines).not.toContain(spelled);
  });
});
