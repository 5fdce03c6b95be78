/** Redirects are never followed, whatever they are called and wherever they point; a sink on another origin counts (behaviour spec §5). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatBody,
  postChat,
  RELAY_PATHS,
  type RelayFixture,
  startRelay,
  UPSTREAM_KEY,
} from '../support/relay-fixture.ts';
import { type Canary, startCanary } from './canary.ts';
import { wordOf } from './reading.ts';

const STATUSES = [300, 301, 302, 303, 304, 305, 306, 307, 308] as const;

describe.each(RELAY_PATHS)('A20 on the %s path', (path) => {
  let relay: RelayFixture;
  let up: Canary;
  let sink: Canary;
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

  /** `SINK` stands for the origin of the sink. */
  const PLACES = [
    'SINK/v1/chat/completions',
    'SINK/steal?key=1',
    '/v1/files',
    '//127.0.0.1:SINKPORT/x',
    '../files',
    '',
    'javascript:alert(1)',
  ];

  it.each(STATUSES.flatMap((status) => PLACES.map((place) => [status, place] as const)))(
    '%i to %j ends at the relay: one request upstream, none at the sink',
    async (status, place) => {
      const location = place.replace('SINKPORT', String(sink.port)).replace('SINK', sink.origin);
      up.say(
        `HTTP/1.1 ${status} Go\r\nLocation: ${location}\r\nRefresh: 0; url=${sink.origin}\r\nContent-Type: application/json\r\nContent-Length: ${status === 304 ? 0 : 2}\r\n\r\n${status === 304 ? '' : '{}'}`,
      );
      const response = await postChat(relay.url({ provider: 'up' }), chatBody());
      const text = await response.text();
      expect(wordOf(response.status, text)).toBe('502 upstream_redirect');
      for (const name of ['location', 'refresh', 'link']) expect(response.headers.get(name)).toBeNull();
      expect(text).not.toContain(UPSTREAM_KEY);
      expect(text).not.toContain(String(sink.port));
      expect(up.targets()).toEqual(['/v1/chat/completions']);
      expect(sink.connections).toBe(0);
    },
  );

  it('a GET is no different', async () => {
    up.say(`HTTP/1.1 302 Go\r\nLocation: ${sink.origin}/\r\nContent-Length: 0\r\n\r\n`);
    const response = await fetch(`${relay.url({ provider: 'up' })}/v1/models`, { redirect: 'manual' });
    expect(wordOf(response.status, await response.text())).toBe('502 upstream_redirect');
    expect(sink.connections).toBe(0);
  });

  it('the sink would be heard', async () => {
    expect((await fetch(sink.origin)).status).toBe(200);
    expect(sink.connections).toBe(1);
  });
});
