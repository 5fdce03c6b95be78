/**
 * Tokens of version 1 at the door: ten thousand mutations in the path, and one answer to all of them (token spec §7). In a header they
 * have not the shape of a token and are taken for a dummy key.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { mutate } from '../../../token/test/support/mutate.ts';
import { createRandom } from '../../../token/test/support/random.ts';
import { type RelayFixture, startRelay } from '../support/relay-fixture.ts';

const COUNT = 10_000;
const AT_ONCE = 32;

/** As the old server made them: AES-CBC over JSON, without authentication. */
function version1Token(i: number): string {
  const key = createHash('sha256').update(`version 1 key ${i}`).digest();
  const cipher = createCipheriv('aes-256-cbc', key, Buffer.alloc(16, i));
  const claims = {
    api_key: 'sk-demo-not-a-key',
    server: 'https://api.example.com',
    expire: 1_900_000_000 + i,
  };
  const text = Buffer.concat([cipher.update(JSON.stringify(claims)), cipher.final()]);
  return text.toString((['base64url', 'hex'] as const)[i % 2]);
}

test('A13 ten thousand mutations of version 1 tokens get one identical answer, damped or not', {
  timeout: 300_000,
}, async () => {
  // by default a hundred are enough to be held off: the rest would never come to the opener
  const undamped = await startRelay({ config: { damping: { failures: 0 } } });
  const damped = await startRelay();
  const random = createRandom(13);
  const made = Array.from({ length: 16 }, (_, i) => version1Token(i));
  const material = {
    dictionary: ['.', '=', 'AAAA', '-', 'eyJ'],
    other: () => random.pick(made),
    maxLength: 4000,
  };
  // what a URL parser would move away is not the token's any more
  const next = () => `v${mutate(random.pick(made), random, material).replace(/[^A-Za-z0-9_.=-]/g, '_')}`;
  const answers = new Map<string, number>();

  async function ask({ origin }: RelayFixture): Promise<void> {
    const url = `${origin}/relayapi/${next()}/v1/chat/completions`;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const headers = [...response.headers].filter(([name]) => name !== 'date' && name !== 'x-request-id');
    const answer = JSON.stringify([response.status, headers, await response.text()]);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }

  for (const [relay, count] of [
    [undamped, COUNT],
    [damped, 10 * AT_ONCE],
  ] as const) {
    for (let done = 0; done < count; done += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => ask(relay)));
    }
    expect(relay.demo.requests).toEqual([]);
    await relay.close();
  }
  expect([...answers.keys()]).toHaveLength(1);
  expect([...answers.keys()][0]).toContain('token_invalid');
});
