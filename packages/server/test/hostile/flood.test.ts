/**
 * Floods of tokens that do not open, through the whole relay on both paths: what they cost, whom they touch and whom not
 * (behaviour spec §10). The platform's cryptography is counted, not guessed at.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPrometheusMetrics } from '../../src/runtime/node/prometheus.ts';
import { chatBody, postChat, RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { createStepClock, type StepClock } from '../support/step-clock.ts';
import { mintUrl } from './mint.ts';
import { wordFrom } from './reading.ts';

let relay: RelayFixture;
let clock: StepClock;
afterEach(async () => {
  vi.restoreAllMocks();
  await relay.close();
});

const now = () => Math.floor(clock.nowMs() / 1000);
const freshUrl = () => mintUrl(relay, now());

/** Uses of the platform's cryptography since the call, hashing aside. */
function countCryptography(): () => number {
  const names = ['decrypt', 'deriveBits', 'deriveKey', 'unwrapKey', 'importKey', 'verify'] as const;
  const spies = names.map((name) => vi.spyOn(SubtleCrypto.prototype, name));
  return () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
}

/** A sealed URL whose ciphertext was changed, each time otherwise: right header, known key, nothing that opens. */
function spoiledUrls(count: number): string[] {
  const [head = '', key = '', iv = '', text = '', tag = ''] = relay.token().split('.');
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return Array.from({ length: count }, (_, i) => {
    const mark = [i >> 12, i >> 6, i].map((n) => ALPHABET[n & 63]).join('');
    const spoiled = `${text.slice(0, 20)}${mark}A${text.slice(24)}`;
    return `${relay.origin}/relayapi/${[head, key, iv, spoiled, tag].join('.')}`;
  });
}

/** Calls every URL, ten at a time; `chain` is the X-Forwarded-For of each. Returns the different answers. */
async function callAll(urls: readonly string[], chain: (i: number) => string): Promise<Set<string>> {
  const words = new Set<string>();
  for (let at = 0; at < urls.length; at += 10) {
    const calls = urls
      .slice(at, at + 10)
      .map((url, i) => postChat(url, chatBody(), { 'x-forwarded-for': chain(at + i) }).then(wordFrom));
    for (const word of await Promise.all(calls)) words.add(word);
  }
  return words;
}

const callFrom = (address: string, url = freshUrl()) =>
  postChat(url, chatBody(), { 'x-forwarded-for': address }).then(wordFrom);

async function start(options: Parameters<typeof startRelay>[0] = {}): Promise<void> {
  clock = createStepClock(Math.floor(Date.now() / 1000) * 1000);
  relay = await startRelay({
    clock,
    ...options,
    config: { server: { trusted_proxies: ['127.0.0.1', '10.0.0.0/8'] }, ...options.config },
  });
}

const REFUSED = new Set(['401 token_invalid']);

describe.each(RELAY_PATHS)('a guesser on the %s path', (path) => {
  it.each(['aes', 'ecc'] as const)(
    'gets 100 openings, then the same answer without any cryptography (%s)',
    async (method) => {
      const metrics = createPrometheusMetrics({ processMetrics: false });
      await start({ path, method, ports: { metrics } });
      const used = countCryptography();
      const urls = spoiledUrls(300);
      expect(await callAll(urls.slice(0, 100), () => '203.0.113.7')).toEqual(REFUSED);
      const spent = used();
      expect(spent).toBeGreaterThanOrEqual(100);
      expect(await callAll(urls.slice(100), () => '203.0.113.7')).toEqual(REFUSED);
      expect(used()).toBe(spent);
      const { text } = await relay.instance.metrics();
      expect(text).toMatch(/^relayapi_damped_openings 200$/m);
      expect(text).toMatch(/^relayapi_damping_groups 1$/m);
    },
  );

  it('gets the very same answer before and after, apart from the request id', async () => {
    await start({ path });
    const urls = spoiledUrls(120);
    const answerTo = async (url: string) => {
      const response = await postChat(url, chatBody(), { 'x-forwarded-for': '203.0.113.7' });
      const headers = [...response.headers].filter(([name]) => name !== 'x-request-id' && name !== 'date');
      return JSON.stringify([response.status, headers, await response.text()]);
    };
    const answers = new Set<string>();
    for (const url of urls) answers.add(await answerTo(url));
    expect(answers.size).toBe(1);
  });

  it('holds up newcomers at its address until 10 s after its last opening, and nobody else', async () => {
    await start({ path });
    const early = freshUrl();
    expect(await callFrom('203.0.113.7', early)).toBe('200 -');
    await callAll(spoiledUrls(150), () => '203.0.113.7');
    expect(await callFrom('203.0.113.7')).toBe('401 token_invalid');
    expect(await callFrom('203.0.113.7', early)).toBe('200 -');
    expect(await callFrom('203.0.113.8')).toBe('200 -');
    clock.advance(9_000);
    // what is turned away prolongs nothing
    await callAll(spoiledUrls(150), () => '203.0.113.7');
    expect(await callFrom('203.0.113.7')).toBe('401 token_invalid');
    clock.advance(1_000);
    expect(await callFrom('203.0.113.7')).toBe('200 -');
  });

  it('A59 cannot be freed, nor held longer, by a step of the wall clock', async () => {
    await start({ path });
    const early = freshUrl();
    expect(await callFrom('203.0.113.7', early)).toBe('200 -');
    await callAll(spoiledUrls(100), () => '203.0.113.7');
    clock.stepWall(-1_800_000);
    expect(await callFrom('203.0.113.7')).toBe('401 token_invalid');
    clock.stepWall(3_600_000);
    expect(await callFrom('203.0.113.7')).toBe('401 token_invalid');
    clock.advance(10_000);
    expect(await callFrom('203.0.113.7')).toBe('200 -');
  });

  it('A52 does not choose its victim: entries left of its own address count for nothing', async () => {
    await start({ path });
    const used = countCryptography();
    const urls = spoiledUrls(400);
    expect(await callAll(urls.slice(0, 150), () => '198.51.100.1, 203.0.113.7, 10.0.0.9')).toEqual(REFUSED);
    expect(await callFrom('198.51.100.1')).toBe('200 -');
    const spent = used();
    const rotating = (i: number) => `198.51.100.${i % 250}, 10.0.0.${i % 250}, 203.0.113.7`;
    expect(await callAll(urls.slice(150), rotating)).toEqual(REFUSED);
    expect(used()).toBe(spent);
  });

  it('A52 gets no second address by claiming one where no proxy is trusted', async () => {
    await start({ path, config: { server: { trusted_proxies: [] } } });
    const used = countCryptography();
    const urls = spoiledUrls(300);
    await callAll(urls.slice(0, 100), (i) => `203.0.113.${i}`);
    const spent = used();
    await callAll(urls.slice(100), (i) => `198.51.100.${i}`);
    expect(used()).toBe(spent);
  });

  it('is one client in all of an IPv6 /64, and ten of them in a /48', async () => {
    await start({ path });
    const used = countCryptography();
    const urls = spoiledUrls(1500);
    await callAll(urls.slice(0, 100), (i) => `2001:db8:1:2:${i.toString(16)}::${i}`);
    const spent = used();
    await callAll(urls.slice(100, 200), (i) => `2001:db8:1:2::a:${i}`);
    expect(used()).toBe(spent);
    expect(await callFrom('2001:db8:1:3::1')).toBe('200 -');
    await callAll(urls.slice(200), (i) => `2001:db8:1:${(100 + i).toString(16)}::1`);
    expect(await callFrom('2001:db8:1:3::1')).toBe('401 token_invalid');
    expect(await callFrom('2001:db8:2:3::1')).toBe('200 -');
  });
});

describe.each(RELAY_PATHS)('the line before openings on the %s path', (path) => {
  it('holds 32 and 256, answers 503 to the rest, lets known tokens in, and serves all in the end', async () => {
    await start({ path });
    const known = freshUrl();
    expect(await callFrom('203.0.113.7', known)).toBe('200 -');
    clock.advance(61_000);
    const held = Promise.withResolvers<void>();
    let most = 0;
    let running = 0;
    const { decrypt } = SubtleCrypto.prototype;
    vi.spyOn(SubtleCrypto.prototype, 'decrypt').mockImplementation(async function (
      this: SubtleCrypto,
      ...call
    ) {
      running += 1;
      most = Math.max(most, running);
      await held.promise;
      return decrypt.apply(this, call).finally(() => {
        running -= 1;
      });
    });
    const refused: Response[] = [];
    const calls = Array.from({ length: 320 }, (_, i) =>
      postChat(freshUrl(), chatBody(), { 'x-forwarded-for': `203.0.${i >> 7}.${i & 127}` }).then((answer) => {
        if (answer.status === 503) refused.push(answer);
        return wordFrom(answer);
      }),
    );
    await vi.waitFor(() => expect(refused.length).toBe(32), { timeout: 20_000 });
    expect(refused[0]?.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(running).toBe(32);
    const again = callFrom('203.0.113.7', known);
    await vi.waitFor(() => expect(refused.length).toBe(33));
    held.resolve();
    expect(await again).toBe('200 -');
    const words = await Promise.all(calls);
    expect(words.filter((word) => word === '200 -')).toHaveLength(287);
    expect(words.filter((word) => word === '503 capacity')).toHaveLength(33);
    expect(most).toBe(32);
  });
});
