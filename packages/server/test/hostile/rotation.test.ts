/** Keys that come and go while the relay runs: rotation by the clock, and revocation that reaches running streams (token spec §4, §7). */
import { rotateRai } from 'relayapi-token';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { named, postChat, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { createStepClock, type StepClock } from '../support/step-clock.ts';
import { mintUrl } from './mint.ts';
import { wordFrom } from './reading.ts';

/** Fresh tokens are made by the real clock, so the relay's starts there too. */
const startClock = () => createStepClock(Math.floor(Date.now() / 1000) * 1000);

describe.each(['aes', 'ecc'] as const)('A9 rotation of an %s pair, without a restart', (method) => {
  let clock: StepClock;
  let relay: RelayFixture;
  let rotated: { relay: object; issuer: object | null };
  beforeEach(async () => {
    clock = startClock();
    relay = await startRelay({ method, clock, allow: { max_ttl_seconds: 3600 } });
    rotated = rotateRai(relay.files.relay, relay.files.issuer, { now: now(), graceSeconds: 600 });
  });
  afterEach(() => relay.close());

  const take = (file: object) => relay.instance.reloadKeys([named('relay.rai', file)]);
  const now = () => clock.nowMs() / 1000;
  const oldUrl = () => mintUrl(relay, now());
  const newUrl = () => mintUrl(relay, now(), {}, rotated.issuer as object);

  it('old and new keys are valid together, whichever order the two sides switch in', async () => {
    const [before, early] = [oldUrl(), newUrl()];
    expect(await wordFrom(await postChat(early))).toBe('401 token_invalid');
    expect(await take(rotated.relay)).toEqual([]);
    for (const url of [before, early, oldUrl(), newUrl()]) {
      expect(await wordFrom(await postChat(url))).toBe('200 -');
    }
  });

  it('a token that was opened before goes on, and keeps its count', async () => {
    const url = relay.url({ maxCalls: 3 });
    const left = async () => {
      const response = await postChat(url);
      await response.text();
      return response.headers.get('relay-calls-remaining');
    };
    expect(await left()).toBe('2');
    await take(rotated.relay);
    expect(await left()).toBe('1');
  });

  it('the old key is refused from `until` on, to the second, cached or not; the new one is not', async () => {
    await take(rotated.relay);
    const until = Math.min(...untilsOf(rotated.relay));
    expect(until - now()).toBe(3600 + 600);
    clock.advance((until - now() - 60) * 1000);
    // minted just now by an issuer that never switched
    const cached = oldUrl();
    expect(await wordFrom(await postChat(cached))).toBe('200 -');
    clock.advance(59_000);
    expect(await wordFrom(await postChat(cached))).toBe('200 -');
    clock.advance(1000);
    const before = relay.demo.counters.requests;
    expect(await wordFrom(await postChat(cached))).toBe('401 token_invalid');
    expect(await wordFrom(await postChat(oldUrl()))).toBe('401 token_invalid');
    expect(relay.demo.counters.requests).toBe(before);
    expect(await wordFrom(await postChat(newUrl()))).toBe('200 -');
  });

  it('a key that is taken out ends at once, and comes back with its counts', async () => {
    const url = relay.url({ maxCalls: 2 });
    expect(await wordFrom(await postChat(url))).toBe('200 -');
    const gone = rotateRai(relay.files.relay, relay.files.issuer, { now: clock.nowMs() / 1000 }).relay;
    await take(withoutOld(gone));
    expect(await wordFrom(await postChat(url))).toBe('401 token_invalid');
    await take(relay.files.relay);
    expect(await wordFrom(await postChat(url))).toBe('200 -');
    expect(await wordFrom(await postChat(url))).toBe('402 calls_exhausted');
  });

  it('an empty set refuses all, says so, and is no end', async () => {
    await relay.instance.reloadKeys([]);
    expect(relay.instance.ready()).toMatchObject({ ok: false, reasons: ['no key loaded'] });
    expect(await wordFrom(await postChat(relay.url()))).toBe('401 token_invalid');
    await take(rotated.relay);
    expect(relay.instance.ready().ok).toBe(true);
    expect(await wordFrom(await postChat(relay.url()))).toBe('200 -');
  });
});

interface KeyLife {
  until?: number;
}
type RelayFile = { keys: KeyLife[]; issuers?: { keys: KeyLife[] }[] };

function untilsOf(file: object): number[] {
  const { keys, issuers = [] } = file as RelayFile;
  return [...keys, ...issuers.flatMap((issuer) => issuer.keys)].flatMap(({ until }) => until ?? []);
}

function withoutOld(file: object): object {
  const current = (keys: KeyLife[]) => keys.filter(({ until }) => until === undefined);
  const { keys, issuers, ...rest } = file as RelayFile;
  const trimmed = issuers?.map((issuer) => ({ ...issuer, keys: current(issuer.keys) }));
  return { ...rest, keys: current(keys), ...(trimmed && { issuers: trimmed }) };
}
