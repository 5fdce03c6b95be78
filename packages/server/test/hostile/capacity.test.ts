/** A flood of fresh tokens through the whole relay with a tiny store: newcomers are turned away, known ones lose nothing (behaviour spec §3). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postChat, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { createStepClock, type StepClock } from '../support/step-clock.ts';
import { mintUrl } from './mint.ts';
import { wordFrom } from './reading.ts';

let relay: RelayFixture;
let clock: StepClock;
const now = () => Math.floor(clock.nowMs() / 1000);
beforeEach(async () => {
  clock = createStepClock(Math.floor(Date.now() / 1000) * 1000);
  relay = await startRelay({ clock, config: { store: { max_bytes: 2 ** 20 } } });
});
afterEach(() => relay.close());

const call = (url: string) => postChat(url).then(wordFrom);

/** Spends one call of each of fresh tokens until the store is full. */
async function flood(sub?: string): Promise<number> {
  for (let admitted = 0; admitted < 50_000; ) {
    const urls = Array.from({ length: 20 }, () =>
      mintUrl(relay, now(), { limits: { calls: 5 }, ...(sub && { sub }) }),
    );
    const words = await Promise.all(urls.map(call));
    admitted += words.filter((word) => word === '200 -').length;
    if (words.includes('503 capacity')) return admitted;
  }
  throw new Error('the store never filled');
}

describe('A48 a capacity flood', () => {
  it('gives newcomers 503 capacity, and known tokens their exact rest', async () => {
    const known = Array.from({ length: 10 }, () => mintUrl(relay, now(), { limits: { calls: 3 } }));
    for (const url of known) expect(await call(url)).toBe('200 -');
    expect(await flood()).toBeGreaterThan(100);

    const before = relay.demo.counters.requests;
    const newcomer = await postChat(mintUrl(relay, now()));
    expect(newcomer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await wordFrom(newcomer)).toBe('503 capacity');
    expect(relay.demo.counters.requests).toBe(before);

    for (const url of known) {
      expect([await call(url), await call(url), await call(url)]).toEqual([
        '200 -',
        '200 -',
        '402 calls_exhausted',
      ]);
    }
    expect(relay.demo.counters.requests).toBe(before + 20);
  });

  it('does not touch tokens without counters', async () => {
    await flood();
    expect(await call(mintUrl(relay, now(), { limits: {} }))).toBe('200 -');
  });

  it('ends when the flood expires', async () => {
    await flood();
    const late = () => mintUrl(relay, now());
    expect(await call(late())).toBe('503 capacity');
    clock.advance((3600 + 120) * 1000);
    expect(await call(late())).toBe('200 -');
  });

  it('refuses nothing forged for want of room: an unauthentic token makes no entry', async () => {
    // fewer than make an address a guesser (damping)
    for (let i = 0; i < 60; i += 1) await postChat(`${mintUrl(relay, now())}A`).then(wordFrom);
    expect(await call(mintUrl(relay, now()))).toBe('200 -');
  });
});
