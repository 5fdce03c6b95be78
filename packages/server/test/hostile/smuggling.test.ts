/**
 * Several messages on one connection, and answers with something behind them: no request is taken out of another's body, no answer
 * goes to another request, on either side of the relay (behaviour spec §5 "Framing"). Runs corpora/pairs and corpora/leftovers.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postChat, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { answerOf, type Canary, startCanary } from './canary.ts';
import { rowsOf } from './corpora/rows.ts';
import { type Judge, startJudge } from './judge.ts';
import { answersIn, mapWide, type Talk, talk, wordIn } from './talk.ts';

interface PairRow {
  readonly what: string;
  readonly bytes: string;
  readonly answers: readonly string[];
  readonly heard: Readonly<Record<string, string>>;
  readonly end: 'open' | 'closed';
}
interface LeftoverRow {
  readonly what: string;
  readonly says: string;
  readonly first: string;
}

const PAIRS = rowsOf<PairRow>('pairs').map((row, n) => ({ ...row, n }));
const LEFTOVERS = rowsOf<LeftoverRow>('leftovers');

describe('A22 several messages in one write', () => {
  let judge: Judge;
  let relay: RelayFixture;
  let prefix: string;
  let talks: Talk[];
  const targetOf = (letter: string, n: number) => `/v1/chat/${letter.toLowerCase()}-${n}`;

  /** `@A` as a relay target, `@X` outside what the token opens. */
  const named = (text: string, n: number) =>
    text.replace(/@([ABCX])/g, (_, letter: string) =>
      letter === 'X' ? `${prefix}/v1/files` : `${prefix}${targetOf(letter, n)}`,
    );
  /** The row's bytes, with the lengths of what stands in `<< >>`. */
  const bytesOf = ({ bytes, n }: (typeof PAIRS)[number]) =>
    named(bytes, n).replace(
      /<(len|hex)>([^<]*)<<(.*?)>>/gs,
      (_, base: string, between: string, counted: string) =>
        counted.length.toString(base === 'hex' ? 16 : 10) + between + counted,
    );

  beforeAll(async () => {
    judge = await startJudge();
    relay = await startRelay({
      allow: { paths: ['POST /chat/*'] },
      config: {
        providers: { up: { base_url: `${judge.origin}/v1` } },
        upstream: { allow_private: [`127.0.0.1:${judge.port}`] },
      },
    });
    const url = relay.url({ provider: 'up', maxCalls: null, allowedPaths: ['POST /chat/*'] });
    prefix = new URL(url).pathname;
    talks = await mapWide(PAIRS, 8, (row) =>
      talk(relay.port, bytesOf(row), row.end === 'open' ? { answers: row.answers.length } : {}),
    );
  }, 120_000);
  afterAll(async () => {
    await relay.close();
    await judge.close();
  });

  it.each(PAIRS)('$what: $answers', ({ answers, heard, end, n }) => {
    const { text, closed } = talks[n] as Talk;
    const words = answers.map((word) =>
      word.replace(/ ([ABC])$/, (_, letter: string) => ` ${targetOf(letter, n)}`),
    );
    expect(answersIn(text).map(wordIn)).toEqual(words);
    expect(closed).toBe(end === 'closed');
    const seen = judge.heard.filter(({ target }) => target.endsWith(`-${n}`));
    expect(Object.fromEntries(seen.map(({ target, body }) => [target, body]))).toEqual(
      Object.fromEntries(
        Object.entries(heard).map(([letter, body]) => [targetOf(letter, n), named(body, n)]),
      ),
    );
    expect(seen).toHaveLength(Object.keys(heard).length);
    expect(seen.every(({ whole }) => whole)).toBe(true);
  });
});

describe('A22 answers with something behind them', () => {
  let canary: Canary;
  let relay: RelayFixture;
  beforeAll(async () => {
    canary = await startCanary();
    relay = await startRelay({
      config: {
        providers: { up: { base_url: `${canary.origin}/v1` } },
        upstream: { allow_private: [`127.0.0.1:${canary.port}`] },
      },
    });
  });
  beforeEach(() => canary.reset());
  afterAll(async () => {
    await relay.close();
    await canary.close();
  });

  async function call(): Promise<string> {
    const response = await postChat(relay.url({ provider: 'up', maxCalls: null }));
    const body = await response.text().catch(() => 'broken off');
    return wordIn(`HTTP/1.1 ${response.status} x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  }

  it.each(LEFTOVERS)('$what: $first, and the next call gets its own', async ({ says, first }) => {
    canary.say((socket) => socket.write(says, 'latin1'));
    expect(await call()).toBe(first);
    for (const turn of [1, 2]) {
      canary.say(answerOf(JSON.stringify({ target: `/next-${turn}` })));
      expect(await call()).toBe(`200 /next-${turn}`);
    }
    expect(canary.heads).toHaveLength(3);
  });
});
