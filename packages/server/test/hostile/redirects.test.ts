/**
 * Redirects are never followed, whatever they are called and wherever they point; a sink on another origin counts (behaviour spec §5).
 * The places stand in corpora/redirects.json.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatBody,
  postChat,
  RELAY_PATHS,
  type RelayFixture,
  startRelay,
  UPSTREAM_KEY,
} from '../support/relay-fixture.ts';
import { readCorpus, rowsOf } from './body-corpus.ts';
import { type Canary, startCanary } from './canary.ts';
import { wordOf } from './reading.ts';

interface RedirectRow {
  readonly what: string;
  readonly location?: string;
  readonly lines?: readonly string[];
  readonly must: string;
}

const STATUSES = [300, 301, 302, 303, 304, 305, 306, 307, 308] as const;
const ROWS = rowsOf(readCorpus<RedirectRow>('redirects'));

describe.each(RELAY_PATHS)('A20 on the %s path', (path) => {
  let relay: RelayFixture;
  let up: Canary;
  let sink: Canary;
  let url: string;
  beforeAll(async () => {
    up = await startCanary();
    sink = await startCanary();
    relay = await startRelay({
      path,
      config: {
        providers: { up: { base_url: `${up.origin}/v1` } },
        upstream: { allow_private: [`127.0.0.1:${up.port}`, `127.0.0.1:${sink.port}`] },
      },
    });
    url = relay.url({ provider: 'up', maxCalls: null });
  });
  beforeEach(() => {
    up.reset();
    sink.reset();
  });
  afterAll(async () => {
    await relay.close();
    await up.close();
    await sink.close();
  });

  const place = (text: string) =>
    text
      .replaceAll('SINKPORT', String(sink.port))
      .replaceAll('UPPORT', String(up.port))
      .replaceAll('SINK', sink.origin);

  it.each(ROWS)(
    'A20 %s: with every status one request upstream, none at the sink, nothing of it in the answer',
    async (_title, row) => {
      for (const status of STATUSES) {
        up.reset();
        const body = status === 304 ? '' : `<a href="${sink.origin}">moved</a>`;
        const lines = [
          ...(row.location === undefined ? [] : [`Location: ${row.location}`]),
          ...(row.lines ?? []),
        ].map(place);
        up.say(
          `HTTP/1.1 ${status} Go\r\n${lines.map((line) => `${line}\r\n`).join('')}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
        const response = await postChat(url, chatBody());
        const text = await response.text();
        expect([status, wordOf(response.status, text)]).toEqual([status, row.must]);
        for (const name of ['location', 'refresh', 'link', 'alt-svc', 'content-location', 'uri'])
          expect(response.headers.get(name)).toBeNull();
        expect(text).not.toContain(UPSTREAM_KEY);
        expect(JSON.stringify([text, ...response.headers])).not.toContain(String(sink.port));
        expect(up.targets()).toEqual(['/v1/chat/completions']);
      }
      expect(sink.connections).toBe(0);
    },
  );

  it('A20 a GET is no different', async () => {
    for (const status of STATUSES) {
      up.say(`HTTP/1.1 ${status} Go\r\nLocation: ${sink.origin}/\r\nContent-Length: 0\r\n\r\n`);
      const response = await fetch(`${url}/v1/models`, { redirect: 'manual' });
      expect(wordOf(response.status, await response.text())).toBe('502 upstream_redirect');
    }
    expect(sink.connections).toBe(0);
  });

  it('the sink would be heard', async () => {
    expect((await fetch(sink.origin)).status).toBe(200);
    expect(sink.connections).toBe(1);
  });
});
