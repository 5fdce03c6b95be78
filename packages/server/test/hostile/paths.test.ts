/**
 * Path suffixes through raw sockets and the whole relay: whatever arrives upstream is the very path that was checked, and no
 * server, however it reads paths, could take it for one outside what the token opens (behaviour spec §5, §8).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../support/raw-http.ts';
import { type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { type Canary, startCanary } from './canary.ts';
import { mintToken } from './mint.ts';
import { allRests } from './paths.cases.ts';
import { wordOf } from './reading.ts';

let canary: Canary;
let relay: RelayFixture;
beforeAll(async () => {
  canary = await startCanary();
  relay = await startRelay({
    allow: { paths: ['POST /chat/*', 'POST /files'] },
    config: {
      providers: {
        up: { base_url: `${canary.origin}/v1`, roots: ['/v1', '/v1beta'] },
        deep: { base_url: `${canary.origin}/api/v1` },
      },
      upstream: { allow_private: [`127.0.0.1:${canary.port}`] },
    },
  });
});
afterAll(async () => {
  await relay.close();
  await canary.close();
});

const now = () => Math.floor(Date.now() / 1000);

function tokenFor(provider: string, paths?: string[]): string {
  const upstream = { provider, key: UPSTREAM_KEY };
  return mintToken(relay.files.issuer, now(), { upstream, limits: {}, ...(paths && { paths }) });
}

/** The sealed request for one rest, in the path or header form; the body is the canary's to skip. */
function request(token: string, rest: string, place: 'path' | 'header', method = 'POST'): string {
  const target = place === 'path' ? `/relayapi/${token}${rest}` : `/relayapi/-${rest}`;
  const credential = place === 'header' ? `Authorization: Bearer ${token}\r\n` : '';
  return `${method} ${target} HTTP/1.1\r\nHost: relay.test\r\nContent-Type: application/json\r\nContent-Length: 2\r\n${credential}Connection: close\r\n\r\n{}`;
}

interface Seen {
  readonly rest: string;
  readonly word: string;
  readonly targets: string[];
}

/** One after another, so that each answer has its own arrivals. */
async function sendAll(token: string, rests: readonly string[], place: 'path' | 'header'): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const rest of rests) {
    canary.reset();
    const { status, body } = await sendRaw(relay.port, request(token, rest, place));
    seen.push({ rest, word: wordOf(status, body), targets: canary.targets() });
  }
  return seen;
}

/** Every way that some server somewhere reads a path: decoded up to four times, backslashes, parameters, dots, empty segments. */
function readings(target: string): string[] {
  const [path = ''] = target.split('?', 1);
  const found = new Set<string>([path]);
  let text = path;
  for (let level = 0; level < 4; level += 1) {
    text = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    found.add(text);
  }
  for (const one of [...found]) {
    found.add(one.replaceAll('\\', '/'));
    found.add(one.replace(/;[^/]*/g, ''));
    found.add(one.replaceAll('\\', '/').replace(/;[^/]*/g, ''));
    found.add(one.split(/[?#\0]/, 1)[0] ?? '');
  }
  return [...found].map((one) => {
    const kept: string[] = [];
    for (const segment of one.split('/')) {
      if (segment === '' || segment === '.') continue;
      if (segment === '..') kept.pop();
      else kept.push(segment);
    }
    return `/${kept.join('/')}`;
  });
}

/** A joint right behind the token, without a slash, spoils the token itself. */
const REFUSED =
  /^(401 token_invalid|400 (bad_target|bad_framing)|403 (path_denied|method_denied)|414 uri_too_long)$/;

describe('A21 over a thousand path suffixes', () => {
  const rests = allRests();

  it('are there', () => {
    expect(rests.length).toBeGreaterThan(1000);
  });

  it.each(['path', 'header'] as const)(
    'reach the one endpoint that the token opens, byte for byte, or nothing (%s token)',
    async (place) => {
      const answers = await sendAll(tokenFor('up', ['POST /chat/completions']), rests, place);
      const passed = answers.filter(({ targets }) => targets.length > 0);
      for (const { rest, word, targets } of passed) {
        expect([rest, targets, word]).toEqual([
          rest,
          [expect.stringMatching(/^\/v1(beta)?\/chat\/completions$/)],
          '200 -',
        ]);
      }
      for (const { rest, word, targets } of answers) {
        if (targets.length === 0) expect([rest, word]).toEqual([rest, expect.stringMatching(REFUSED)]);
      }
      // the harmless ways to write it do work, and they are few
      expect(passed.map(({ rest }) => rest)).toEqual(
        expect.arrayContaining(['/v1/chat/completions', '/v1/v1/chat/completions', '//chat/completions']),
      );
      expect(passed.length).toBeLessThan(25);
    },
  );

  it('stay below the prefix that the token opens, however the upstream may read them', async () => {
    const answers = await sendAll(tokenFor('up', ['POST /chat/*']), rests, 'path');
    const passed = answers.filter(({ targets }) => targets.length > 0);
    expect(passed.length).toBeGreaterThan(5);
    for (const { rest, targets } of passed) {
      expect([rest, targets.length]).toEqual([rest, 1]);
      const target = targets[0] ?? '';
      for (const reading of readings(target))
        expect([rest, reading]).toEqual([rest, expect.stringMatching(/^\/v1(beta)?\/chat(\/|$)/)]);
      // nothing that could be read in two ways goes up at all
      expect([rest, target]).toEqual([
        rest,
        expect.not.stringMatching(/\/\/|[\\;#]|%(?:2f|5c|3f|23|3b|25|[01][0-9a-f]|7f)/i),
      ]);
      // sent as it came: the part behind the prefix stands in the rest, byte for byte
      expect(rest).toContain(target.replace(/^\/v1(beta)?/, '').split('?', 1)[0]);
    }
    for (const { rest, word, targets } of answers) {
      if (targets.length === 0) expect([rest, word]).toEqual([rest, expect.stringMatching(REFUSED)]);
    }
  });

  it('never reach /files, which this token does not open', async () => {
    const answers = await sendAll(tokenFor('up'), rests, 'path');
    const files = answers.filter(({ targets }) =>
      targets.some((target) => readings(target).some((reading) => /\/files(\/|$)/i.test(reading))),
    );
    expect(files).toEqual([]);
  });
});

describe('A21 joining to roots', () => {
  it.each<[provider: string, rest: string, arrives: string]>([
    ['up', '/chat/completions', '/v1/chat/completions'],
    ['up', '/v1/chat/completions', '/v1/chat/completions'],
    ['up', '/v1/v1/chat/completions', '/v1/chat/completions'],
    ['up', '//v1/chat/completions', '/v1/chat/completions'],
    ['up', '/v1beta/chat/completions', '/v1beta/chat/completions'],
    ['deep', '/chat/completions', '/api/v1/chat/completions'],
    ['deep', '/v1/chat/completions', '/api/v1/chat/completions'],
    ['deep', '/api/v1/chat/completions', '/api/v1/chat/completions'],
    ['deep', '/api/v1/v1/chat/completions', '/api/v1/chat/completions'],
  ])('%s: %s arrives as %s', async (provider, rest, arrives) => {
    const [seen] = await sendAll(tokenFor(provider), [rest], 'path');
    expect(seen).toMatchObject({ word: '200 -', targets: [arrives] });
  });

  it.each([
    ['up', '/v1/v1/v1/chat/completions'],
    ['up', '/v1/v1beta/chat/completions'],
    ['up', '///v1/chat/completions'],
    ['up', '/v1//chat/completions'],
    ['up', '/v1/chat/completions/'],
    ['deep', '/api/chat/completions'],
    ['deep', '/api/v1/api/v1/chat/completions'],
    ['deep', '/v1/api/v1/chat/completions'],
  ])('%s: %s arrives nowhere', async (provider, rest) => {
    const [seen] = await sendAll(tokenFor(provider), [rest], 'path');
    expect(seen).toMatchObject({ word: expect.stringMatching(REFUSED), targets: [] });
  });

  it('the query goes up only as far as the entry lists it', async () => {
    const rest = '/v1/chat/completions?key=a&api_key=b&token=c&access_token=d&x=../files&%6bey=e';
    const [seen] = await sendAll(tokenFor('up'), [rest], 'path');
    expect(seen).toMatchObject({ word: '200 -', targets: ['/v1/chat/completions'] });
  });
});
