/**
 * JSON bodies under `models`, row by row of corpora/json-bodies.json on both ways into the relay: refused, or the upstream sees the
 * checked model, as judged by parsers that are not ours (behaviour spec §6).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { bytesOf, type CorpusBytes, readCorpus, rowsOf, sendBytes, sha256Of } from './body-corpus.ts';
import { type Reading, readByAll } from './json-readers.ts';
import { wordOf } from './reading.ts';

interface BodyRow extends CorpusBytes {
  readonly what: string;
  /** Absent: `application/json`; null: none. */
  readonly type?: string | null;
  readonly headers?: readonly (readonly [string, string])[];
  readonly method?: string;
  readonly path?: string;
  /** `up`, or status and code. */
  readonly must: string;
}

const ALLOWED = 'demo-chat';
const corpus = readCorpus<BodyRow>('json-bodies');

describe.each(RELAY_PATHS)('on the %s path', (path) => {
  let relay: RelayFixture;
  let url: string;
  beforeAll(async () => {
    relay = await startRelay({ path });
    url = relay.url({ allowedModels: [ALLOWED], maxCalls: null });
  });
  beforeEach(() => relay.demo.reset());
  afterAll(() => relay.close());

  it.each(rowsOf(corpus, path))('A31 %s', async (_title, row, group) => {
    const body = bytesOf(row, group.wrap);
    const type = row.type === undefined ? 'application/json' : row.type;
    const headers = [...(type === null ? [] : [['content-type', type] as const]), ...(row.headers ?? [])];
    const answer = await sendBytes(`${url}${row.path ?? '/v1/chat/completions'}`, body, headers, row.method);
    const [seen, ...more] = relay.demo.requests;
    expect(more).toEqual([]);
    if (row.must === 'up') {
      expect([answer.status, seen?.sha256]).toEqual([expect.any(Number), sha256Of(body)]);
      expect(wordOf(answer.status, answer.body)).not.toMatch(/bad_body|model_denied|unsupported_body/);
    } else {
      // a HEAD has no body to hold a code
      const word = row.method === 'HEAD' ? `${answer.status}` : wordOf(answer.status, answer.body);
      expect(word).toBe(row.method === 'HEAD' ? row.must.slice(0, 3) : row.must);
      expect([seen, relay.demo.counters.requests]).toEqual([undefined, 0]);
    }
  });
});

describe('A31 as read by parsers that are not ours', () => {
  const rows = rowsOf(corpus).filter(([, row]) => (row.method ?? 'POST') === 'POST');
  const bodies = rows.map(([, row, group]) => bytesOf(row, group.wrap));
  let readings: readonly Reading[];
  beforeAll(async () => {
    readings = await readByAll(bodies);
  }, 240_000);

  /** What each parser reads, with the row's title. */
  const each = (keep: (must: string) => boolean) =>
    readings.flatMap(({ parser, said }) =>
      said.flatMap((one, i) => {
        const [title, row] = rows[i] as (typeof rows)[number];
        return keep(row.must) ? [{ parser, title, said: one }] : [];
      }),
    );

  it('A31 the corpus has its rows, and the parsers are several', () => {
    expect(rows.length).toBeGreaterThan(850);
    expect(rows.filter(([, row]) => row.must === 'up').length).toBeGreaterThan(200);
    expect(readings.length).toBeGreaterThanOrEqual(2);
    if (process.env['RELAYAPI_TEST_REQUIRE'] === 'all') expect(readings.length).toBeGreaterThanOrEqual(8);
  });

  it('A31 in what goes up, each of them sees the allowed model and no other', () => {
    const wrong = each((must) => must === 'up').filter(
      ({ said }) => said !== null && (said.models.length === 0 || said.models.some((one) => one !== ALLOWED)),
    );
    expect(wrong).toEqual([]);
  });

  it('A31 what goes up is JSON to those that hold to the standard', () => {
    const strict = new Set(['JSON.parse', "python's json"]);
    const unread = each((must) => must === 'up').filter(
      ({ parser, said }) => strict.has(parser) && said === null,
    );
    expect(unread).toEqual([]);
  });

  it('A31 the refusals are needed: each parser takes another model from some body that was refused', () => {
    for (const { parser, said } of readings) {
      const misled = rows.filter(([, row], i) => {
        const models = said[i]?.models ?? [];
        return row.must === '400 bad_body' && models.includes('demo-huge');
      });
      expect([parser, misled.length > 5]).toEqual([parser, true]);
    }
    const split = rows.filter(
      ([, row], i) =>
        row.must === '400 bad_body' &&
        new Set(readings.map(({ said }) => JSON.stringify(said[i]?.models ?? []))).size > 1,
    );
    expect(split.length).toBeGreaterThan(150);
  });
});
