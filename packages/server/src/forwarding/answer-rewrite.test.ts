import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDenial } from '../errors.ts';
import type { RouteIds } from '../exchange.ts';
import { type AnswerRewrite, createAnswerRewrite, MAX_REWRITTEN } from './answer-rewrite.ts';

/** Seals by turning round, and leads URLs of one host through the relay. */
const ids: RouteIds = {
  takes: [],
  makes: [
    { kind: 'job', at: ['id'] },
    { kind: 'job', at: ['response', 'id'] },
    { kind: 'item', at: ['output', '*', 'id'] },
    { kind: 'file', at: ['file', 'name'], prefix: 'files/' },
    { kind: 'file', at: ['file', 'name'], prefix: 'v2/files/' },
  ],
  urls: [{ at: ['urls', 'get'] }],
  seal: (kind, id) => `rai_${kind}_${[...id].reverse().join('')}`,
  open: () => null,
  relayPath: (url) =>
    url.startsWith('https://own.example/') ? url.slice('https://own.example'.length) : null,
};
const BASE = 'https://relay.example/relayapi/T';
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString();

function rewriteOf(type: string, book: (bytes: number) => boolean = () => true, base: string | null = BASE) {
  return createAnswerRewrite(type, { ids, base, tokenPlace: 'path', book });
}

/** What comes out of `input`, cut at the given places. */
function run(type: string, input: string | Uint8Array, cuts: readonly number[] = []): string {
  const rewrite = rewriteOf(type) as AnswerRewrite;
  const all = typeof input === 'string' ? bytes(input) : input;
  const out: Uint8Array[] = [];
  const keep = (pieces: ReturnType<AnswerRewrite['flush']>) => {
    if (isDenial(pieces)) throw new Error(pieces.denied);
    out.push(...pieces);
  };
  let from = 0;
  for (const to of [...cuts.map((at) => at % (all.length + 1)).sort((a, b) => a - b), all.length]) {
    keep(rewrite.push(all.subarray(from, to)));
    from = to;
  }
  keep(rewrite.flush());
  return text(out);
}

const JSON_TYPE = 'application/json';
const SSE = 'text/event-stream';

it('seals an id that comes again and again once', () => {
  let sealings = 0;
  const counting: RouteIds = {
    ...ids,
    seal: (kind, id) => {
      sealings += 1;
      return ids.seal(kind, id);
    },
  };
  const parts = { ids: counting, base: BASE, tokenPlace: 'path' as const, book: () => true };
  const rewrite = createAnswerRewrite(SSE, parts) as AnswerRewrite;
  const out = rewrite.push(bytes('data: {"id":"ab","output":[{"id":"ab"}]}\n'.repeat(500)));
  // once as a job, once as an item
  expect(sealings).toBe(2);
  expect(text(out as Uint8Array[])).toBe(
    'data: {"id":"rai_job_ba","output":[{"id":"rai_item_ba"}]}\n'.repeat(500),
  );
});

it('is refused with more ids than any provider would name', () => {
  const many = (count: number) =>
    JSON.stringify({ output: Array.from({ length: count }, (_, i) => ({ id: `x${i}` })) });
  const whole = (count: number) => {
    const rewrite = rewriteOf(JSON_TYPE) as AnswerRewrite;
    rewrite.push(bytes(many(count)));
    return rewrite.flush();
  };
  expect(isDenial(whole(20_000))).toBe(false);
  expect(whole(20_001)).toMatchObject({ denied: 'upstream_invalid' });
  const stream = rewriteOf(SSE) as AnswerRewrite;
  expect(isDenial(stream.push(bytes(`data: ${many(15_000)}\n`.repeat(2))))).toBe(false);
  expect(stream.push(bytes(`data: ${many(20_001)}\n`))).toMatchObject({ denied: 'upstream_invalid' });
});

describe('a JSON answer', () => {
  it('is changed at the named places and nowhere else, spaces and escapes included', () => {
    const before = ` {"id" :"a\\u0062", "note":"id ab", "deep":{"id":"ab"},\n"output":[{"id":"x","n":1.50},{"id":7}],"file":{"name":"files/f"},"urls":{"get":"https://own.example/v1/ab","web":"https://own.example/"}}\n`;
    expect(run(JSON_TYPE, before)).toBe(
      ` {"id" :"rai_job_ba", "note":"id ab", "deep":{"id":"ab"},\n"output":[{"id":"rai_item_x","n":1.50},{"id":7}],"file":{"name":"files/rai_file_f"},"urls":{"get":"${BASE}/v1/ab","web":"https://own.example/"}}\n`,
    );
  });

  it('knows an id behind each prefix that may stand at its place', () => {
    expect(run(JSON_TYPE, '{"file":{"name":"v2/files/ab"}}')).toBe(
      '{"file":{"name":"v2/files/rai_file_ba"}}',
    );
    expect(run(JSON_TYPE, '{"file":{"name":"v3/files/ab"}}')).toBe('{"file":{"name":"v3/files/ab"}}');
  });

  it('keeps URLs of other hosts, and all of them where the relay’s own is not known; a name without its prefix is no id', () => {
    const other = '{"urls":{"get":"https://other.example/v1"},"file":{"name":"f"}}';
    expect(run(JSON_TYPE, other)).toBe(other);
    const own = '{"urls":{"get":"https://own.example/v1"}}';
    const rewrite = rewriteOf(JSON_TYPE, () => true, null) as AnswerRewrite;
    rewrite.push(bytes(own));
    expect(text(rewrite.flush() as Uint8Array[])).toBe(own);
  });

  it('of any content and in any chunking has the same value but for its ids', () => {
    const value = fc.record({
      id: fc.string(),
      output: fc.array(fc.record({ id: fc.string(), other: fc.jsonValue({ maxDepth: 2 }) }), {
        maxLength: 3,
      }),
      rest: fc.jsonValue({ maxDepth: 3 }),
      'previous id': fc.string(),
    });
    const cuts = fc.array(fc.nat(), { maxLength: 8 });
    fc.assert(
      fc.property(value, cuts, fc.constantFrom(0, 1, '\t'), (before, places, indent) => {
        const written = JSON.stringify(before, null, indent);
        const after = structuredClone(before);
        const seal = (kind: string, id: string) => (id === '' ? '' : ids.seal(kind, id));
        after.id = seal('job', before.id);
        for (const item of after.output) item.id = seal('item', item.id);
        expect(run(JSON_TYPE, written, places)).toBe(JSON.stringify(after, null, indent));
      }),
      { numRuns: 200 },
    );
  });

  it('is held to its end, is refused when it is no strict JSON, and is never longer than its bound', () => {
    const rewrite = rewriteOf('application/problem+json') as AnswerRewrite;
    expect(rewrite.whole).toBe(true);
    expect(rewrite.push(bytes('{"id":'))).toEqual([]);
    expect(rewrite.flush()).toMatchObject({ denied: 'upstream_invalid' });
    for (const bad of [
      ' ',
      '{"id":"a","id":"b"}',
      '{"id":NaN}',
      '\ufeff{}',
      `${'['.repeat(300)}${']'.repeat(300)}`,
    ]) {
      const one = rewriteOf(JSON_TYPE) as AnswerRewrite;
      one.push(bytes(bad));
      expect(one.flush()).toMatchObject({ denied: 'upstream_invalid' });
    }
    const long = rewriteOf(JSON_TYPE) as AnswerRewrite;
    const piece = new Uint8Array(1024 * 1024).fill(0x20);
    for (let sent = 0; sent < MAX_REWRITTEN; sent += piece.length) expect(long.push(piece)).toEqual([]);
    expect(long.push(bytes(' '))).toMatchObject({ denied: 'upstream_invalid' });
  });

  it('is nothing where nothing came: a body may be missing with any type', () => {
    expect((rewriteOf(JSON_TYPE) as AnswerRewrite).flush()).toEqual([]);
  });

  it('books its memory as it grows, twice what it holds, and is refused where there is none', () => {
    let booked = 0;
    const rewrite = rewriteOf(JSON_TYPE, (more) => {
      booked += more;
      return booked <= 200_000;
    }) as AnswerRewrite;
    for (let i = 0; i < 100; i++) expect(rewrite.push(bytes(' '))).toEqual([]);
    expect(booked).toBe(2 * 16 * 1024);
    expect(rewrite.push(new Uint8Array(60_000))).toEqual([]);
    expect(booked).toBeGreaterThanOrEqual(2 * 60_100);
    expect(rewrite.push(new Uint8Array(60_000))).toMatchObject({ denied: 'capacity' });
  });
});

describe('an event stream', () => {
  const events = [
    ': comment "id":"a"\n',
    'event: made\ndata: {"response":{"id":"ab"}}\n\n',
    'data:{"id":"x"}\r\n\r\n',
    'data: [DONE]\n\n',
    'data: {"id":"cut"',
    '\n\nid: 7\ndata: plain "id" text\n\n',
    'data: {"id":"last"}',
  ].join('');
  const after = [
    ': comment "id":"a"\n',
    'event: made\ndata: {"response":{"id":"rai_job_ba"}}\n\n',
    'data:{"id":"rai_job_x"}\r\n\r\n',
    'data: [DONE]\n\n',
    'data: {"id":"cut"',
    '\n\nid: 7\ndata: plain "id" text\n\n',
    'data: {"id":"rai_job_tsal"}',
  ].join('');

  it('is changed in its data lines and nowhere else, in any chunking', () => {
    expect(run(SSE, events)).toBe(after);
    const each = Array.from({ length: events.length }, (_, i) => i);
    expect(run(SSE, events, each)).toBe(after);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
        expect(run(SSE, events, cuts)).toBe(after);
      }),
      { numRuns: 200 },
    );
  });

  it('of bytes of any kind that hold no ids is passed as it is', () => {
    const piece = fc.oneof(fc.constantFrom('\n', '\r', 'data:', 'data: ', '{"a":1}', '"id":'), fc.string());
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 10 }),
        (parts, cuts) => {
          const stream = parts.join('').replaceAll('"id"', '"ID"');
          expect(run(SSE, stream, cuts)).toBe(stream);
        },
      ),
      { numRuns: 200 },
    );
    const noise = Uint8Array.from({ length: 4096 }, (_, i) => (i * 167 + 13) % 256);
    const rewrite = rewriteOf(SSE) as AnswerRewrite;
    const out = [...(rewrite.push(noise) as Uint8Array[]), ...(rewrite.flush() as Uint8Array[])];
    expect(Buffer.concat(out).equals(Buffer.from(noise))).toBe(true);
  });

  it('gives on each line as soon as it ends, and holds no longer one than its bound', () => {
    const rewrite = rewriteOf(SSE) as AnswerRewrite;
    expect(rewrite.whole).toBe(false);
    expect(text(rewrite.push(bytes('event: a\ndata: {"id')) as Uint8Array[])).toBe('event: a\n');
    expect(text(rewrite.push(bytes('":"x"}\nda')) as Uint8Array[])).toBe('data: {"id":"rai_job_x"}\n');
    const long = new Uint8Array(MAX_REWRITTEN - 2).fill(0x61);
    expect(rewrite.push(long)).toEqual([]);
    expect(rewrite.push(bytes('a'))).toMatchObject({ denied: 'upstream_invalid' });
  });
});

it.each([null, 'text/plain', 'application/octet-stream', 'audio/mpeg', 'application/x-ndjson', 'text/json'])(
  'an answer of type %s is not looked into',
  (type) => {
    expect(createAnswerRewrite(type, { ids, base: BASE, tokenPlace: 'path', book: () => true })).toBeNull();
  },
);
