/**
 * Path suffixes through raw sockets and the whole relay: whatever arrives upstream is the very path that was checked, and no
 * server, however it reads paths, could take it for one outside what the token opens (behaviour spec §5, §8). Each row of
 * corpora/paths is judged by a plain reading of the rules below, which shares no code with the relay; corpora/roots says it row by row.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../support/raw-http.ts';
import { type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { type Canary, startCanary } from './canary.ts';
import { allRests } from './corpora/rests.ts';
import { rowsOf } from './corpora/rows.ts';
import { mintToken } from './mint.ts';
import { wordOf } from './reading.ts';
import { mapWide } from './talk.ts';

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
        bare: { base_url: canary.origin },
        models: { base_url: `${canary.origin}/v1beta`, like: 'google' },
      },
      upstream: { allow_private: [`127.0.0.1:${canary.port}`] },
      damping: { failures: 0 },
    },
  });
});
beforeEach(() => canary.reset());
afterAll(async () => {
  await relay.close();
  await canary.close();
});

const now = () => Math.floor(Date.now() / 1000);

function tokenFor(provider: string, paths?: string[]): string {
  const upstream = { provider, key: UPSTREAM_KEY };
  return mintToken(relay.files.issuer, now(), { upstream, limits: {}, ...(paths && { paths }) });
}

type Place = 'path' | 'header';

/** The request for one rest, in the path or header form; `name` goes up with it and tells the arrivals apart. */
function request(token: string, rest: string, place: Place, name: string): string {
  const target = place === 'path' ? `/relayapi/${token}${rest}` : `/relayapi/-${rest}`;
  const credential = place === 'header' ? `Authorization: Bearer ${token}\r\n` : '';
  return `POST ${target} HTTP/1.1\r\nHost: relay.test\r\nUser-Agent: ${name}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n${credential}Connection: close\r\n\r\n{}`;
}

interface Seen {
  readonly rest: string;
  readonly word: string;
  /** Raw targets that the upstream got of it. */
  readonly targets: string[];
}

async function sendAll(token: string, rests: readonly string[], place: Place): Promise<Seen[]> {
  const words = await mapWide(rests, 8, async (rest, i) => {
    const { status, body } = await sendRaw(relay.port, request(token, rest, place, `row-${i}`));
    return wordOf(status, body);
  });
  const arrivals = new Map<string, string[]>();
  for (const head of canary.heads) {
    const name = /^user-agent: (.*)$/im.exec(head)?.[1] ?? '';
    arrivals.set(name, [...(arrivals.get(name) ?? []), head.split(' ', 2)[1] ?? '']);
  }
  expect([...arrivals.keys()].filter((name) => !/^row-\d+$/.test(name))).toEqual([]);
  return rests.map((rest, i) => ({ rest, word: words[i] ?? '', targets: arrivals.get(`row-${i}`) ?? [] }));
}

/** What a plain reading of the rules makes of a rest: the root and what follows it, or null where it is refused before that. */
function readPlainly(rest: string): { root: string; relative: string } | null {
  // a joint right behind the token spoils the token itself
  if (rest !== '' && !/^[/?]/.test(rest)) return null;
  if (/[^!-~]|#/.test(rest)) return null;
  const path = (rest.split('?', 1)[0] ?? '').replace(/^\/\//, '/');
  if (/\/\/|[\\;]/.test(path)) return null;
  const segments = path.split('/').slice(1);
  for (const segment of segments) {
    let decoded: string;
    try {
      decoded = decodeURIComponent(segment);
    } catch {
      return null;
    }
    // an escape in what was decoded would be a second level
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    if (decoded !== segment && /[\\?#;%\0-\x1f\x7f-\x9f]/.test(decoded)) return null;
    const parts = decoded.split('/');
    if (parts.some((part) => part === '.' || part === '..' || (parts.length > 1 && part === ''))) return null;
  }
  const [first = ''] = segments;
  if (first !== 'v1' && first !== 'v1beta') return { root: '/v1', relative: path };
  const skipped = segments[1] === first ? 2 : 1;
  return {
    root: `/${first}`,
    relative: segments
      .slice(skipped)
      .map((text) => `/${text}`)
      .join(''),
  };
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

const REFUSED = /^(401 token_invalid|400 (bad_target|bad_framing)|403 path_denied|414 uri_too_long)$/;
/** A rest that no relay path takes: the token is spoilt, or the path. */
const SPOILT = /^(401 token_invalid|400 (bad_target|bad_framing)|414 uri_too_long)$/;

describe('A21 over a thousand path suffixes', () => {
  const rests = allRests();

  it('are there', () => {
    expect(rests.length).toBeGreaterThan(3000);
  });

  it.each(['path', 'header'] as const)(
    'reach the one endpoint that the token opens, byte for byte, or nothing (%s token)',
    async (place) => {
      const answers = await sendAll(tokenFor('up', ['POST /chat/completions']), rests, place);
      const wrong = answers.filter(({ rest, word, targets }) => {
        const plain = readPlainly(rest);
        if (plain === null) return targets.length > 0 || !SPOILT.test(word);
        if (plain.relative !== '/chat/completions') return targets.length > 0 || !REFUSED.test(word);
        return word !== '200 -' || targets.join() !== `${plain.root}/chat/completions`;
      });
      expect(wrong).toEqual([]);
      // the harmless ways to write it do work, and they are few
      const passed = answers.filter(({ targets }) => targets.length > 0).map(({ rest }) => rest);
      expect(passed).toEqual(
        expect.arrayContaining(['/v1/chat/completions', '/v1/v1/chat/completions', '//chat/completions']),
      );
      expect(passed.length).toBeLessThan(60);
    },
  );

  it('stay below the prefix that the token opens, however the upstream may read them', async () => {
    const answers = await sendAll(tokenFor('up', ['POST /chat/*']), rests, 'path');
    const passed = answers.filter(({ targets }) => targets.length > 0);
    expect(passed.length).toBeGreaterThan(20);
    const wrong = answers.filter(({ rest, word, targets }) => {
      const plain = readPlainly(rest);
      if (targets.length === 0) return !(plain === null ? SPOILT : REFUSED).test(word);
      const [target = ''] = targets;
      if (plain === null || targets.length > 1 || target !== plain.root + plain.relative) return true;
      // nothing that could be read in two ways goes up at all
      if (/\/\/|[\\;#?]|%(?:2f|5c|3f|23|3b|25|[01][0-9a-f]|7f)/i.test(target)) return true;
      return readings(target).some((reading) => !/^\/v1(beta)?\/chat(\/|$)/.test(reading));
    });
    expect(wrong).toEqual([]);
  });
});

describe('A21 joining to roots, row by row', () => {
  interface Row {
    readonly provider: string;
    readonly rest: string;
    readonly must: string;
  }
  const PROVIDERS: Readonly<Record<string, string>> = {
    'two roots': 'up',
    'a deep root': 'deep',
    'a base without a path': 'bare',
    'model segments': 'models',
  };

  it.each(rowsOf<Row>('roots'))('$provider: $rest, $must', async ({ provider, rest, must }) => {
    const [seen] = await sendAll(tokenFor(PROVIDERS[provider] ?? ''), [rest], 'path');
    expect(seen).toMatchObject(
      must.startsWith('/') ? { word: '200 -', targets: [must] } : { word: must, targets: [] },
    );
  });
});
