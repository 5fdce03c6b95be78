/**
 * One relay, two ways in: the raw listener with undici, and the fetch entry with the platform's fetch. The same tokens, requests and
 * upstream must come to the same answer, the same request at the upstream and the same end; and each side must have gone its own way.
 */
import fc from 'fast-check';
import type { Responder } from 'relayapi-demo-provider';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { wordOf } from '../hostile/reading.ts';
import { UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { ANSWERS, BREAKS, SILENCES } from './two-paths.answers.ts';
import { CALLERS, DOORS, LOADS, TOKENS } from './two-paths.cases.ts';
import { type Asking, differences, type Seen, startTwins, type Twins } from './two-paths.ts';

vi.mock('../../src/create-relay.ts', async (original) => {
  const real = await original<typeof import('../../src/create-relay.ts')>();
  const { watched } = await import('./witness.ts');
  const createRelay: typeof real.createRelay = async (...parts) => {
    const instance = await real.createRelay(...parts);
    return Object.create(instance, { relay: { value: watched(instance.relay) } });
  };
  return { ...real, createRelay };
});

let twins: Twins;
beforeAll(async () => {
  twins = await startTwins();
});
afterAll(() => twins.close());

/** Names out of the tables. */
interface Case {
  readonly token: string;
  readonly door: string;
  readonly load: string;
  readonly caller: string;
  readonly answer: string;
  readonly provider: 'known' | 'strange' | 'demo' | 'wide';
}

const PLAIN: Case = {
  token: 'plain',
  door: 'POST /v1/chat/completions',
  load: 'chat',
  caller: 'says nothing',
  answer: 'JSON with its length',
  provider: 'known',
};
const ALL: Readonly<Record<string, Responder>> = { ...ANSWERS, ...BREAKS, ...SILENCES };
const BODILESS = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'DELETE']);
let runs = 0;

function askingOf({ door, load, caller }: Case): Asking {
  const way = DOORS[door] as Asking;
  const { lines, body } = LOADS[load] as Asking;
  const carries = !BODILESS.has(way.method);
  return {
    method: way.method,
    target: way.target,
    lines: [...way.lines, ...(carries ? lines : []), ...(CALLERS[caller] ?? [])],
    body: carries ? body : '',
  };
}

/** Runs a case on both paths, each use of its token in turn. */
async function run(one: Case): Promise<{ node: Seen[]; fetch: Seen[] }> {
  const kind = TOKENS[one.token] as (typeof TOKENS)[string];
  const now = Math.floor(twins.clock.nowMs() / 1000);
  // a key of its own: one that was refused rests
  const upstream = { provider: one.provider, key: `${UPSTREAM_KEY}-${++runs}` };
  const minted = twins.mint({ upstream, ...kind.claims(now) });
  const token = kind.forged?.(minted) ?? minted;
  const asking = askingOf(one);
  const respond = ALL[one.answer] as Responder;
  const seen: { node: Seen[]; fetch: Seen[] } = { node: [], fetch: [] };
  for (let i = 0; i < (kind.times ?? 1); i += 1) {
    seen.node.push(await twins.ask('node', token, asking, respond));
    seen.fetch.push(await twins.ask('fetch', token, asking, respond));
    twins.clock.advance(kind.passMs ?? 0);
  }
  // failures of one case must not damp the next
  twins.clock.advance(100_000);
  return seen;
}

/** Runs cases; returns the words of all answers, by how often they came. */
async function compare(cases: readonly Case[]): Promise<Map<string, number>> {
  const words = new Map<string, number>();
  const faults: unknown[] = [];
  for (const one of cases) {
    const { node, fetch } = await run(one);
    for (const [i, seen] of node.entries()) {
      const other = fetch[i] as Seen;
      // each went its own way, through the spine once, and to the upstream with its own client
      expect([one, seen.entries, seen.byFetch]).toEqual([
        one,
        [{ runtime: 'node', exact: true }],
        seen.sent.map(() => false),
      ]);
      expect([one, other.entries, other.byFetch]).toEqual([
        one,
        [{ runtime: 'fetch', exact: false }],
        other.sent.map(() => true),
      ]);
      const found = differences(seen, other);
      if (found) faults.push({ case: Object.values(one).join(' | '), use: i, ...found });
      const { status, body, end } = seen.answer;
      const word = `${wordOf(status, body)}${end === 'cut' ? ' cut' : ''}`;
      words.set(word, (words.get(word) ?? 0) + 1);
    }
  }
  expect(faults).toEqual([]);
  return words;
}

/** That so many different things happened, these among them: agreement on nothing proves nothing. */
function expectWords(words: ReadonlyMap<string, number>, least: number, among: readonly string[]): void {
  expect([...words.keys()]).toEqual(expect.arrayContaining([...among]));
  expect(words.size).toBeGreaterThanOrEqual(least);
}

describe('the two paths agree', () => {
  it('on every answer of an upstream, trusted or not, asked with a body or without', async () => {
    const words = await compare(
      Object.keys(ANSWERS).flatMap((answer) => [
        { ...PLAIN, answer },
        { ...PLAIN, answer, provider: 'strange' as const },
        { ...PLAIN, answer, door: 'GET /v1/models' },
        { ...PLAIN, answer, door: 'HEAD /v1/models', provider: 'wide' as const },
      ]),
    );
    expectWords(words, 25, [
      ...['200 -', '204 -', '206 -', '400 no', '404 -', '418 -', '429 no', '500 no', '503 no', '529 no'],
      ...['200 upstream_invalid', '400 upstream_invalid', '502 upstream_auth', '502 upstream_redirect'],
      ...['502 upstream_encoding', '502 upstream_invalid', '200 - cut'],
    ]);
  });

  it('on every token', async () => {
    const words = await compare(
      Object.keys(TOKENS).flatMap((token) =>
        ['says nothing', 'a page that may', 'a proxy in front', 'a nonce'].flatMap((caller) => [
          { ...PLAIN, token, caller },
          { ...PLAIN, token, caller, answer: 'an error 429', load: 'many tokens' },
          { ...PLAIN, token, caller, door: 'GET /v1/models' },
        ]),
      ),
    );
    expectWords(words, 15, [
      ...['200 -', '429 no', '402 calls_exhausted', '402 attempts_exhausted', '429 rate_limited'],
      ...['401 token_expired', '401 token_not_yet_valid', '403 claim_not_allowed', '403 origin_denied'],
      ...['403 ip_denied', '403 feature_denied', '403 path_denied', '402 budget_exhausted'],
      ...['400 nonce_missing', '403 nonce_replayed', '409 idempotency_replayed', '400 provider_unknown'],
      '401 token_invalid',
    ]);
  });

  it('on every door and every body', async () => {
    const words = await compare([
      ...Object.keys(DOORS).flatMap((door) => [
        { ...PLAIN, door },
        { ...PLAIN, door, provider: 'demo' as const, caller: 'an SDK' },
        { ...PLAIN, door, provider: 'wide' as const, load: '200 KB in chunks' },
        { ...PLAIN, door, token: 'models', caller: 'wants problem+json' },
      ]),
      ...Object.keys(LOADS).flatMap((load) =>
        ['plain', 'models', 'set a model', 'cap tokens', 'no features', 'small requests'].map((token) => ({
          ...PLAIN,
          load,
          token,
          door: load.includes('form') ? 'POST /v1/audio/transcriptions' : PLAIN.door,
        })),
      ),
      ...Object.keys(CALLERS).flatMap((caller) => [
        { ...PLAIN, caller },
        { ...PLAIN, caller, token: 'origins' },
      ]),
    ]);
    expectWords(words, 15, [
      ...['200 -', '204 -', '400 bad_target', '400 bad_body', '401 token_missing', '403 path_denied'],
      ...['403 method_denied', '403 model_denied', '403 feature_denied', '403 origin_denied'],
      ...['405 method_not_allowed', '413 request_too_large', '415 unsupported_body', '431 headers_too_large'],
    ]);
  });

  it('on answers that break: never a clean end, and the same bytes before it', async () => {
    const words = await compare(
      [...Object.keys(BREAKS), ...Object.keys(SILENCES)].flatMap((answer) => [
        { ...PLAIN, answer },
        { ...PLAIN, answer, provider: 'strange' as const },
      ]),
    );
    expect(words).toEqual(
      new Map([
        ['200 - cut', 2 * Object.keys(BREAKS).length],
        ['502 upstream_unreachable', 2 * Object.keys(SILENCES).length],
      ]),
    );
  });

  it('on whatever else comes of putting these together', async () => {
    const name = (table: object) => fc.constantFrom(...Object.keys(table));
    const usual = fc.constant(null);
    const seldom = (table: object, value: string) =>
      fc.oneof({ weight: 2, arbitrary: usual }, { weight: 3, arbitrary: name(table) }).map((x) => x ?? value);
    const cases = fc.sample(
      fc.record({
        token: seldom(TOKENS, PLAIN.token),
        door: seldom(DOORS, PLAIN.door),
        load: seldom(LOADS, PLAIN.load),
        caller: seldom(CALLERS, PLAIN.caller),
        answer: seldom(ANSWERS, PLAIN.answer),
        provider: fc.constantFrom('known' as const, 'strange' as const, 'demo' as const, 'wide' as const),
      }),
      { numRuns: 400, seed: 20_261_129 },
    );
    expectWords(await compare(cases), 40, ['200 -', '402 calls_exhausted', '502 upstream_auth']);
  });
});
