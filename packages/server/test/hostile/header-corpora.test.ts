/**
 * Header lines both ways, row by row of corpora/request-headers.json and corpora/response-headers.json, as they stand on the wire
 * of a bare socket: exactly the allow-list, exactly one credential (behaviour spec §5).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RawAnswer, sendRaw } from '../support/raw-http.ts';
import { chatBody, type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { bytesOf, type CorpusBytes, readCorpus, rowsOf } from './body-corpus.ts';
import { answerOf, type Canary, startCanary } from './canary.ts';
import { wordOf } from './reading.ts';

interface HeaderRow extends CorpusBytes {
  readonly what: string;
  readonly lines?: readonly string[];
  readonly type?: readonly string[];
  readonly raw?: string;
  readonly must: string | Readonly<Record<string, string | null>>;
}

/** Provider, path, credential line, what its entry adds. */
const SCHEMES: [name: string, path: string, credential: [string, string] | null, more: string[]][] = [
  ['like-openai', '/chat/completions', ['authorization', `Bearer ${UPSTREAM_KEY}`], []],
  ['like-anthropic', '/messages', ['x-api-key', UPSTREAM_KEY], ['anthropic-version']],
  ['like-google', '/models/demo-chat:generateContent', ['x-goog-api-key', UPSTREAM_KEY], []],
  ['like-deepl', '/translate', ['authorization', `DeepL-Auth-Key ${UPSTREAM_KEY}`], []],
  ['like-azure', '/openai/v1/chat/completions', ['api-key', UPSTREAM_KEY], []],
  ['bare', '/chat/completions', ['x-own-key', UPSTREAM_KEY], []],
  ['open', '/chat/completions', null, []],
];
const SENT = ['Content-Type: application/json', 'Accept: application/json', 'User-Agent: page/1'];
const ALWAYS = [
  ...['accept', 'accept-encoding', 'cdn-loop', 'connection'],
  ...['content-length', 'content-type', 'host', 'user-agent'],
];

let canary: Canary;
let relay: RelayFixture;
const tokens = new Map<string, string>();
beforeAll(async () => {
  canary = await startCanary();
  const at = (like: string, base = '/v1') => ({ base_url: `${canary.origin}${base}`, like });
  const auth = (scheme: object) => ({ base_url: `${canary.origin}/v1`, auth: scheme });
  relay = await startRelay({
    config: {
      providers: {
        'like-openai': at('openai'),
        'like-anthropic': at('anthropic'),
        'like-google': at('google', '/v1beta'),
        'like-deepl': at('deepl', '/v2'),
        'like-azure': at('azure', '/openai/v1'),
        bare: auth({ kind: 'header', name: 'x-own-key', template: '{key}' }),
        open: auth({ kind: 'none' }),
      },
      upstream: { allow_private: [`127.0.0.1:${canary.port}`] },
    },
  });
  for (const [provider] of SCHEMES) tokens.set(provider, relay.token({ provider, maxCalls: null }));
});
afterAll(async () => {
  await relay.close();
  await canary.close();
});
beforeEach(() => {
  canary.reset();
  canary.say(answerOf('{}'));
});

const nameOf = (line: string) => (line.split(':', 1)[0] ?? '').toLowerCase();

/** Sends a plain chat with these lines; one of the same name takes the place of a usual one. */
function send(provider: string, path: string, lines: readonly string[]): Promise<RawAnswer> {
  const own = new Set(lines.map((line) => nameOf(line.replace(/^-/, ''))));
  const body = chatBody();
  return sendRaw(
    relay.port,
    [
      `POST /relayapi/${tokens.get(provider)}${path} HTTP/1.1`,
      'Host: relay.test',
      ...SENT.filter((line) => !own.has(nameOf(line))),
      ...lines.filter((line) => !line.startsWith('-')),
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n'),
  );
}

/** Name and value of each line of the one request that went up. */
function wentUp(): [name: string, value: string][] {
  const [head = '', ...more] = canary.heads;
  expect(more).toEqual([]);
  return head
    .split('\r\n')
    .slice(1)
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
}

const requests = rowsOf(readCorpus<HeaderRow>('request-headers'));

describe('A23 what a caller says', () => {
  it('A23 the corpus has its rows', () => {
    expect(requests.length).toBeGreaterThan(400);
  });

  it.each(requests)('A23 %s', async (_title, row) => {
    const answer = await send('like-openai', '/chat/completions', row.lines ?? []);
    const credential: [string, string] = ['authorization', `Bearer ${UPSTREAM_KEY}`];
    if (typeof row.must === 'string' && row.must !== 'dropped') {
      expect([wordOf(answer.status, answer.body), canary.heads]).toEqual([row.must, []]);
      return;
    }
    expect(answer.status).toBe(200);
    const up = wentUp();
    const wanted = typeof row.must === 'string' ? {} : row.must;
    const names = new Set([...ALWAYS, 'authorization', ...Object.keys(wanted)]);
    for (const [name, value] of Object.entries(wanted)) if (value === null) names.delete(name);
    expect(up.map(([name]) => name).sort()).toEqual([...names].sort());
    expect(up).toContainEqual(credential);
    expect(up).toContainEqual(['accept-encoding', 'identity']);
    expect(up).toContainEqual(['host', `127.0.0.1:${canary.port}`]);
    expect(JSON.stringify(up)).not.toContain('page-');
    for (const [name, value] of Object.entries(wanted)) {
      const found = up.find(([one]) => one === name)?.[1] ?? null;
      if (value === '[sealed]') expect(found).toMatch(/^[A-Za-z0-9_-]{43}$/);
      else if (value?.includes('[us]'))
        expect(found?.replace(/relayapi-[0-9A-Za-z._-]+$/, '[us]')).toBe(value);
      else expect(found).toBe(value);
    }
  });
});

describe('A24 exactly one credential, the real one', () => {
  // as many lines at once as a request may have
  const dropped = requests
    .filter(([, row]) => row.must === 'dropped')
    .flatMap(([, row]) => row.lines ?? [])
    .filter((line) => line.length < 200 && !/^(connection|upgrade|expect|content-|te:|cookie)/i.test(line));
  const batches = Array.from({ length: Math.ceil(dropped.length / 50) }, (_, i) =>
    dropped.slice(i * 50, (i + 1) * 50),
  );

  it.each(SCHEMES)('A24 %s%s under every line of the corpus', async (provider, path, credential, more) => {
    expect(dropped.length).toBeGreaterThan(350);
    for (const lines of batches) {
      canary.reset();
      expect((await send(provider, path, lines)).status).toBe(200);
      const up = wentUp();
      const names = [...ALWAYS, ...(credential ? [credential[0]] : []), ...more];
      expect(up.map(([name]) => name).sort()).toEqual(names.sort());
      if (credential) expect(up).toContainEqual(credential);
      const text = JSON.stringify([canary.heads, up.map(([, value]) => value)]);
      expect(JSON.stringify(up).split(UPSTREAM_KEY)).toHaveLength(credential ? 2 : 1);
      expect(text).not.toContain('page-');
    }
  });
});

const answers = rowsOf(readCorpus<HeaderRow>('response-headers'));

describe('A25 what an upstream says', () => {
  /** What the relay says on every relayed answer. */
  const OWN = [
    ...['access-control-allow-origin', 'access-control-expose-headers', 'cache-control'],
    ...['content-security-policy', 'date', 'referrer-policy', 'relay-expires', 'vary'],
    ...['x-accel-buffering', 'x-content-type-options', 'x-request-id', 'x-robots-tag'],
  ];

  function sayingOf(row: HeaderRow): string {
    if (row.raw !== undefined) return row.raw;
    if (row.unit !== undefined) return bytesOf(row).toString('latin1');
    const types = (row.type ?? ['application/json']).map((type) => `Content-Type: ${type}`);
    return answerOf('{}', [...types, ...(row.lines ?? [])]);
  }

  it('A25 the corpus has its rows, sixty times what a hostile upstream may send at once', () => {
    expect(answers.length).toBeGreaterThan(300);
  });

  it.each(answers)('A25 %s', async (_title, row) => {
    const saying = sayingOf(row);
    canary.say((socket) => {
      if (/^HTTP\/1\.1 \d{3} /.test(saying)) socket.write(saying, 'latin1');
      else socket.end(saying, 'latin1');
    });
    const answer = await send('like-openai', '/chat/completions', []);
    canary.hangUp();
    const text = answer.text.toLowerCase();
    expect(text).not.toMatch(/up-value|evil\.test|x-injected/);
    const { must } = row;
    if (must === 'no line of it') return void expect([200, 502]).toContain(answer.status);
    if (typeof must === 'string' && must !== 'dropped' && must !== 'up') {
      expect(wordOf(answer.status, answer.body)).toBe(must);
      expect(answer.headers['content-type']).toBe('application/json');
      return;
    }
    const wanted = typeof must === 'string' ? {} : must;
    expect([answer.status, answer.body, answer.complete]).toEqual([200, '{}', true]);
    const framing =
      answer.headers['transfer-encoding'] === undefined ? 'content-length' : 'transfer-encoding';
    const names = [...OWN, framing, 'content-type', ...Object.keys(wanted)];
    const got = Object.keys(answer.headers).filter((name) => !['connection', 'keep-alive'].includes(name));
    expect(got.sort()).toEqual(names.sort());
    expect(answer.headers).toMatchObject(wanted);
    if (must === 'up') expect(answer.headers['content-type']).toBe(row.type?.[0]);
    expect(Object.values(answer.headers).filter((value) => value.includes(' || '))).toEqual([]);
  });

  it('A25 all lines that are dropped, sixty at once', async () => {
    const lines = answers
      .filter(([, row]) => row.must === 'dropped')
      .flatMap(([, row]) => row.lines ?? [])
      .filter((line) => line.length < 200 && !/^(connection|upgrade|keep-alive|retry-after):/i.test(line));
    expect(lines.length).toBeGreaterThan(150);
    for (let i = 0; i < lines.length; i += 60) {
      canary.say(answerOf('{}', ['Content-Type: application/json', ...lines.slice(i, i + 60)]));
      const answer = await send('like-openai', '/chat/completions', []);
      expect([answer.status, answer.body]).toEqual([200, '{}']);
      const got = Object.keys(answer.headers).filter((name) => !['connection', 'keep-alive'].includes(name));
      expect(got.sort()).toEqual([...OWN, 'content-length', 'content-type'].sort());
      expect(answer.text).not.toContain('up-value');
    }
  });
});
