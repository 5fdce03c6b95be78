/**
 * Raw framing against the real listener with the whole relay behind it: every row of corpora/framing and corpora/chunks, each before
 * a hidden request. What is not one clear request ends there; neither it nor what hides behind it reaches the upstream (behaviour
 * spec §5 "Framing"). Rows run side by side; each has targets of its own, by which the upstream's requests and answers are told apart.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAnswer } from '../support/raw-http.ts';
import { type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { rowsOf } from './corpora/rows.ts';
import { type Heard, type Judge, startJudge } from './judge.ts';
import { answersIn, mapWide, type Talk, talk, wordIn, writeOut } from './talk.ts';

interface FramingRow {
  readonly what: string;
  readonly head: string;
  readonly body?: string;
  readonly must: string;
  readonly end: 'open' | 'closed';
  readonly dials?: boolean;
}
interface ChunkRow {
  readonly what: string;
  readonly body: string;
  readonly must: 'broken' | 'swallowed' | 'whole';
}

const FRAMING = rowsOf<FramingRow>('framing').map((row, n) => ({ ...row, n }));
const CHUNKS = rowsOf<ChunkRow>('chunks').map((row, n) => ({ ...row, n }));
/** Connections at a time. */
const WIDTH = 16;
/** All rows of a group are sent in one hook; a guard that fails leaves connections open until each has been waited for. */
const HOOK_MS = 120_000;

let judge: Judge;
let relay: RelayFixture;
/** A relay path up to the token; `checked` looks into bodies. */
let plain: string;
let checked: string;
beforeAll(async () => {
  judge = await startJudge();
  relay = await startRelay({
    allow: { paths: ['POST /chat/*'] },
    config: {
      providers: { up: { base_url: `${judge.origin}/v1` } },
      upstream: { allow_private: [`127.0.0.1:${judge.port}`] },
      damping: { failures: 0 },
    },
  });
  const pathFor = (more: object) =>
    new URL(relay.url({ provider: 'up', maxCalls: null, allowedPaths: ['POST /chat/*'], ...more })).pathname;
  plain = pathFor({});
  checked = pathFor({ allowedPaths: undefined, allowedModels: ['x'] });
});
afterAll(async () => {
  await relay.close();
  await judge.close();
});

const heardAt = (target: string): Heard[] => judge.heard.filter((one) => one.target.split('?')[0] === target);
const hiddenRequest = (prefix: string, name: string) =>
  `POST ${prefix}/v1/chat/${name} HTTP/1.1\r\nHost: relay.test\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]`;

it('A22 there are over three hundred messages', () => {
  expect(FRAMING.length).toBeGreaterThan(250);
  expect(CHUNKS.length).toBeGreaterThan(50);
});

describe('A22 a message before a hidden request', () => {
  const wrong = FRAMING.filter(({ must }) => must !== '200');
  let talks: Talk[];
  let connectionsOfClosed: number;

  async function run({ head, body = '', end, n }: (typeof FRAMING)[number]): Promise<Talk> {
    const target = `${plain}/v1/chat/row-${n}`;
    const bytes = `${writeOut(head).replaceAll('TARGET', () => target)}\r\n${body}`;
    const answers = end === 'open' ? 2 : undefined;
    return talk(relay.port, bytes + hiddenRequest(plain, `hidden-${n}`), answers ? { answers } : {});
  }
  beforeAll(async () => {
    talks = [];
    // first those that end their connection: not even one to the upstream may be made for any of them
    const ending = wrong.filter(({ end, dials }) => end === 'closed' && dials !== true);
    const others = FRAMING.filter((row) => !ending.includes(row));
    for (const [i, one] of (await mapWide(ending, WIDTH, run)).entries()) talks[ending[i]?.n ?? -1] = one;
    connectionsOfClosed = judge.connections;
    for (const [i, one] of (await mapWide(others, WIDTH, run)).entries()) talks[others[i]?.n ?? -1] = one;
  }, HOOK_MS);

  it('none of those that end the connection led to one to the upstream', () => {
    expect(connectionsOfClosed).toBe(0);
  });

  it.each(FRAMING)('$group, $what: $must, $end', ({ must, end, n }) => {
    const { text, closed } = talks[n] as Talk;
    const [first = '', ...more] = answersIn(text);
    const own = `/v1/chat/row-${n}`;
    expect(wordIn(first)).toBe(must === '200' ? `200 ${own}` : must === '204' ? '204 -' : must);
    expect(heardAt(own)).toHaveLength(must === '200' ? 1 : 0);
    // a connection that goes on may hear the next request, but never this one
    const hidden = `/v1/chat/hidden-${n}`;
    expect(more.map(wordIn)).toEqual(end === 'open' ? [`200 ${hidden}`] : []);
    expect(heardAt(hidden).map(({ body }) => body)).toEqual(end === 'open' ? ['[]'] : []);
    expect(closed).toBe(end === 'closed');
    const { headers } = parseAnswer(first);
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['vary']).toBe('Origin');
    if (must !== '200') expect(headers['cache-control']).toContain('no-store');
  });

  it('nothing else reached the upstream', () => {
    const known = FRAMING.flatMap(({ n }) => [`/v1/chat/row-${n}`, `/v1/chat/hidden-${n}`]);
    expect(judge.heard.map(({ target }) => target).filter((target) => !known.includes(target))).toEqual([]);
  });
});

const chunkedRequest = (prefix: string, name: string, body: string) =>
  `POST ${prefix}/v1/chat/${name} HTTP/1.1\r\nHost: relay.test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${writeOut(body)}`;
const REFUSED = /^(400 bad_framing|413 request_too_large|431 headers_too_large)$/;
/** How long a row is listened to: what is swallowed never ends by itself. */
const listening = (must: ChunkRow['must']) =>
  must === 'whole' ? { answers: 2 } : must === 'swallowed' ? { maxMs: 500 } : {};

describe('A22 a chunked body that is streamed, before a hidden request', () => {
  let talks: Talk[];
  beforeAll(async () => {
    talks = await mapWide(CHUNKS, WIDTH, ({ body, must, n }) => {
      const bytes = chunkedRequest(plain, `chunk-${n}`, body) + hiddenRequest(plain, `behind-${n}`);
      return talk(relay.port, bytes, listening(must));
    });
  }, HOOK_MS);

  it.each(CHUNKS)('$group, $what: $must', ({ must, n }) => {
    const { text, closed } = talks[n] as Talk;
    const [own, hidden] = [`/v1/chat/chunk-${n}`, `/v1/chat/behind-${n}`];
    const words = answersIn(text).map(wordIn);
    expect(closed).toBe(must === 'broken');
    if (must === 'whole') {
      expect(words).toEqual([`200 ${own}`, `200 ${hidden}`]);
      expect([...heardAt(own), ...heardAt(hidden)].map(({ whole }) => whole)).toEqual([true, true]);
      return;
    }
    expect(heardAt(hidden)).toEqual([]);
    // an upstream that saw the head of a streamed body saw no end of it
    expect(heardAt(own).filter(({ whole }) => whole)).toEqual([]);
    expect(words.length).toBeLessThanOrEqual(1);
    for (const word of words) expect(word).toMatch(REFUSED);
  });
});

describe('A22 a chunked body that is looked into, before a hidden request', () => {
  const rows = CHUNKS.filter(({ must }) => must !== 'whole');
  let talks: Talk[];
  let before: number;
  beforeAll(async () => {
    before = judge.heard.length;
    talks = await mapWide(rows, WIDTH, ({ body, must }) => {
      const bytes = chunkedRequest(checked, 'completions', body) + hiddenRequest(checked, 'completions');
      return talk(relay.port, bytes, listening(must));
    });
  }, HOOK_MS);

  it.each(rows.map((row, i) => ({ ...row, i })))('$group, $what: $must', ({ must, i }) => {
    const { text, closed } = talks[i] as Talk;
    const words = answersIn(text).map(wordIn);
    expect(closed).toBe(must === 'broken');
    expect(words.length).toBeLessThanOrEqual(1);
    for (const word of words) expect(word).toMatch(REFUSED);
  });

  it('none reached the upstream', () => {
    expect(judge.heard.length).toBe(before);
  });
});
