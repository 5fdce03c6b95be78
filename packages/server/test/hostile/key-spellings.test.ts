/**
 * The key that an upstream sends back, in every spelling of corpora/key-spellings.json, every chunking and every place: no caller
 * sees it (behaviour spec §5). And an upstream's refusal of the key, row by row of corpora/refusals.json.
 */
import { gzipSync } from 'node:zlib';
import { encodeUtf8, Secret } from 'relayapi-token';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKeyFinder } from '../../src/forwarding/key-search.ts';
import { postChat, type RelayFixture, startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { readCorpus, rowsOf } from './body-corpus.ts';
import { type Canary, startCanary } from './canary.ts';
import { wordFrom, wordOf } from './reading.ts';

interface SpellingRow {
  readonly what: string;
  readonly before?: string;
  readonly after?: string;
  readonly steps: readonly string[];
  readonly must: 'hidden' | 'passes';
}
interface RefusalRow {
  readonly what: string;
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly lines: readonly string[];
  readonly must: string;
}

/** Everything that an encoding treats as special stands in it. */
const KEY = `${UPSTREAM_KEY}+/=%"\\`;

const hex = (char: string) => char.charCodeAt(0).toString(16).padStart(2, '0');
const inTurn = (text: string) =>
  text.replace(/[0-9a-f]/gi, (char, at: number) => (at % 2 ? char.toUpperCase() : char.toLowerCase()));
type Write = (char: string, place: number, last: number) => string;
const each = (write: Write) => (text: string) =>
  [...text].map((char, place, all) => write(char, place, all.length - 1)).join('');
const percent = (char: string) => `%${hex(char)}`;
const json = (char: string) => `\\u00${hex(char)}`;
const only = (write: (char: string) => string, where: (place: number, last: number) => boolean) =>
  each((char, place, last) => (where(place, last) ? write(char) : char));
const latin = (text: string) => Buffer.from(text, 'latin1');

/** What each step of a row does to the text before it. */
const STEPS: Readonly<Record<string, (text: string) => string>> = {
  base64: (text) => latin(text).toString('base64'),
  base64url: (text) => latin(text).toString('base64url'),
  'base64 bare': (text) => latin(text).toString('base64').replace(/=+$/, ''),
  lines: (text) => text.replace(/.{20}/g, '$&\r\n'),
  hex: each(hex),
  HEX: each((char) => hex(char).toUpperCase()),
  hEx: (text) => inTurn(each(hex)(text)),
  percent: each(percent),
  PERCENT: each((char) => percent(char).toUpperCase()),
  pErCeNt: (text) => inTurn(each(percent)(text)),
  'percent odd': only(percent, (place) => place % 2 === 1),
  'percent even': only(percent, (place) => place % 2 === 0),
  'percent third': only(percent, (place) => place % 3 === 0),
  'percent first': only(percent, (place) => place === 0),
  'percent last': only(percent, (place, last) => place === last),
  'percent reserved': encodeURIComponent,
  'percent form': (text) => new URLSearchParams({ k: text }).toString().slice(2),
  'percent sign': (text) => text.replaceAll('%', '%25'),
  json: each(json),
  JSON: each((char) => `\\u00${hex(char).toUpperCase()}`),
  jSoN: each((char, place) => (place % 2 ? `\\u00${hex(char).toUpperCase()}` : json(char))),
  'json odd': (text) => only(json, (place) => place % 2 === 1)(text),
  'json even': only(json, (place) => place % 2 === 0),
  'json third': only(json, (place) => place % 3 === 0),
  'json first': only(json, (place) => place === 0),
  'json last': only(json, (place, last) => place === last),
  'json string': (text) => JSON.stringify(text).slice(1, -1),
  slash: (text) => text.replaceAll('/', '\\/'),
  x: each((char) => `\\x${hex(char)}`),
  X: each((char) => `\\x${hex(char).toUpperCase()}`),
  'half and half': each((char, place) => (place % 2 ? percent(char) : json(char))),
  reverse: (text) => [...text].reverse().join(''),
  spaced: (text) => [...text].join(' '),
  entities: each((char) => `&#${char.charCodeAt(0)};`),
  cut: (text) => text.slice(0, -1),
  upper: (text) => text.toUpperCase(),
};

const corpus = readCorpus<SpellingRow>('key-spellings');
const spellings = rowsOf(corpus).map(([title, row]) => {
  const text = `${(row.before ?? '').replace('{KEY}', KEY)}${KEY}${row.after ?? ''}`;
  return {
    title,
    must: row.must,
    text: row.steps.reduce((so, step) => (STEPS[step] as (text: string) => string)(so), text),
  };
});
const hidden = spellings.filter(({ must }) => must === 'hidden');

describe('A26 the search alone', () => {
  it('A26 the corpus has its rows', () => {
    expect(hidden.length).toBeGreaterThan(70);
  });

  it.each(spellings)('A26 at every split: $title', ({ text, must }) => {
    const front = 'data: {"a":"';
    const bytes = encodeUtf8(`${front}${text}"}`);
    const finder = createKeyFinder([new Secret(KEY)]);
    expect(finder.inBytes(bytes)).toBe(must === 'hidden');
    if (must === 'passes') return;
    for (let split = 0; split <= bytes.length; split++) {
      const search = finder.search();
      const first = search.push(bytes.subarray(0, split));
      const letGo = (first ?? []).reduce((sum, piece) => sum + piece.length, 0);
      expect(first === null || search.push(bytes.subarray(split)) === null).toBe(true);
      // what was let go holds at most what stood before the spelling of the key itself
      expect(createKeyFinder([new Secret(KEY)]).inBytes(bytes.subarray(0, letGo))).toBe(false);
      expect(letGo).toBeLessThan(bytes.length - 8);
    }
    const bytewise = finder.search();
    const found = Array.from(bytes).some((byte) => bytewise.push(Uint8Array.of(byte)) === null);
    expect(found).toBe(true);
  });
});

let up: Canary;
let relay: RelayFixture;
beforeAll(async () => {
  up = await startCanary();
  relay = await startRelay({
    config: {
      providers: { up: { base_url: `${up.origin}/v1`, like: 'openai' } },
      upstream: { allow_private: [`127.0.0.1:${up.port}`] },
    },
  });
});
beforeEach(() => up.reset());
afterAll(async () => {
  await relay.close();
  await up.close();
});

/** Has the upstream say `body` in chunks of `size`. */
function sayInChunks(status: number, type: string, body: string, size: number): void {
  up.say((socket) => {
    let text = `HTTP/1.1 ${status} X\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    for (let at = 0; at < body.length; at += size) {
      const piece = body.slice(at, at + size);
      text += `${piece.length.toString(16)}\r\n${piece}\r\n`;
    }
    socket.write(`${text}0\r\n\r\n`, 'latin1');
  });
}

/** All that a caller got, however the answer ended. */
async function allOf(response: Response): Promise<string> {
  let got = `${response.statusText} ${JSON.stringify([...response.headers])}`;
  try {
    for await (const chunk of response.body ?? []) got += Buffer.from(chunk).toString('latin1');
  } catch {
    // a cut stream is what should happen
  }
  return got;
}

describe('A26 through the whole relay', () => {
  let url: string;
  beforeAll(() => {
    url = relay.url({ provider: 'up', apiKey: KEY, maxCalls: null });
  });

  const PLACES: [name: string, type: string, status: number, before: string, after: string][] = [
    ['a JSON answer', 'application/json', 200, '{"a":"', '"}'],
    ['an event stream', 'text/event-stream', 200, 'data: first\n\ndata: {"x":"', '"}\n\ndata: [DONE]\n\n'],
    ['audio', 'audio/mpeg', 200, '\x00\xff\xfb', '\x00\x01'],
    ['an error', 'application/json', 400, '{"error":{"message":"', '"}}'],
    ['a server error', 'text/plain', 503, 'no: ', '.'],
  ];

  it.each(PLACES)('A26 in %s no caller sees it', async (_name, type, status, before, after) => {
    const seen: string[] = [];
    for (const { title, text } of hidden) {
      // a broken event stream takes its time to leave with its last frame
      for (const size of type === 'text/event-stream' ? [5] : [1, 5, 100_000]) {
        sayInChunks(status, type, before + text + after, size);
        const got = await allOf(await postChat(url));
        if (got.includes(text) || got.includes(KEY)) seen.push(`${title}, in pieces of ${size}`);
      }
    }
    expect(seen).toEqual([]);
  });

  it('A26 in a header that may pass no caller sees it', async () => {
    const seen: string[] = [];
    for (const { title, text } of hidden) {
      for (const line of [
        `Content-Disposition: attachment; filename="${text}"`,
        `X-Request-Id: ${text}`,
        `Content-Type: application/json; x="${text}"`,
        `Content-Range: bytes ${text}`,
      ]) {
        const type = line.startsWith('Content-Type') ? '' : 'Content-Type: application/json\r\n';
        up.say(`HTTP/1.1 200 ${text}\r\n${type}${line}\r\nContent-Length: 2\r\n\r\n{}`);
        const got = await allOf(await postChat(url));
        if (got.includes(text) || got.includes(KEY)) seen.push(`${title} in ${line}`);
      }
    }
    expect(seen).toEqual([]);
  });

  it('A26 what hides it on purpose passes: the search is not blind to honest answers', async () => {
    for (const { text } of spellings.filter(({ must }) => must === 'passes')) {
      sayInChunks(200, 'text/plain', `a ${text} b`, 7);
      expect(await allOf(await postChat(url))).toContain(`a ${text} b`);
    }
  });

  it('A26 compressed it is not passed at all', async () => {
    const body = gzipSync(`{"a":"${KEY}"}`).toString('latin1');
    for (const status of [200, 400, 500]) {
      up.say(
        `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      expect(await wordFrom(await postChat(url))).toMatch(/^50[02] upstream_encoding|^502 upstream_encoding/);
    }
  });
});

describe('A27 an upstream that refuses', () => {
  let count = 0;
  it.each(rowsOf(readCorpus<RefusalRow>('refusals')))('A27 %s', async (_title, row) => {
    // a fresh key each, since a refused one rests
    count += 1;
    const apiKey = `${UPSTREAM_KEY}-${count}-tail`;
    const body = row.body.replaceAll('{TAIL}', 'tail');
    const lines = [...(row.type ? [`Content-Type: ${row.type}`] : []), ...row.lines];
    up.say(
      `HTTP/1.1 ${row.status} No\r\n${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const response = await postChat(relay.url({ provider: 'up', apiKey }));
    const text = await response.text();
    expect(wordOf(response.status, text)).toBe(row.must);
    expect(response.headers.get('www-authenticate')).toBeNull();
    expect(response.headers.get('proxy-authenticate')).toBeNull();
    expect(text).not.toContain('tail');
    if (row.must === '502 upstream_auth') expect(response.headers.get('x-should-retry')).toBe('false');
  });
});
