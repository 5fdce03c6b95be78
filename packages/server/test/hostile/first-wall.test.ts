/** The first wall alone: with the second one taken down, and a key that has no form to be known by, nothing that is logged or counted holds key, token or body. */
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

// the second wall, down: whatever is masked below is masked because no Secret was taken out
vi.mock('../../src/redact.ts', async (original) => ({
  ...(await original<typeof import('../../src/redact.ts')>()),
  redact: (text: string) => text,
}));

/** 32 letters and digits, as some providers' keys are: no pattern knows it. */
const KEY = 'q7Wm3Zr9Tb1Kx5Vd8Ls2Nf6Hc4Jg0PyA';
const BODY = 'body-canary-Zr9Tb1Kx5Vd8';

function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((skip) =>
    bytes.subarray(skip).toString('base64').replace(/=+$/, '').slice(2, -2),
  );
  return [secret, encodeURIComponent(secret), bytes.toString('hex'), ...base64];
}

describe.each(RELAY_PATHS)('A55 without the second wall, on the %s path', (path) => {
  let relay: RelayFixture;
  const tokens: string[] = [];
  beforeAll(async () => {
    relay = await startRelay({ path });
  });
  afterAll(() => relay.close());

  const mint = (apiKey = KEY) => {
    const token = relay.token({ apiKey });
    tokens.push(token);
    return token;
  };
  const body = (model: string, stream = false) =>
    JSON.stringify({ model, stream, messages: [{ role: 'user', content: BODY }], user: BODY });

  it('calls, failures of every kind and refusals leave nothing in log lines, errors and metrics', async () => {
    const models = [
      'demo-echo',
      'demo-echo-headers',
      'demo-error-401',
      'demo-echo+error-400',
      'demo-error-500',
      'demo-die-2',
      'demo-leak-plain',
      'demo-leak-base64+error-422',
      'demo-garbage',
      'demo-gzip',
      'demo-html',
      'demo-trailer',
    ];
    const post = async (url: string, headers: Record<string, string>, text: string) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: text,
      });
      await response.text().catch(() => {});
    };
    for (const [index, model] of models.entries()) {
      // a fresh key each, since a refused one rests
      const token = mint(`${KEY}${index}`);
      await post(`${relay.origin}/relayapi/${token}/v1/chat/completions`, {}, body(model, index % 2 === 0));
      await post(`${relay.origin}/v1/chat/completions`, { authorization: `Bearer ${token}` }, body(model));
    }
    const token = mint();
    const refusals: [string, Record<string, string>][] = [
      [`/relayapi/${token}x/v1/chat/completions`, {}],
      [`/relayapi/${token.slice(0, 60)}/v1`, {}],
      [`/relayapi/${token}/v1/files?key=${KEY}`, {}],
      [`/relayapi/${token}/v1/../x`, {}],
      ['/relayapi/-/v1/models', { 'x-api-key': token, authorization: `Bearer ${mint()}` }],
      ['/relayapi/-/v1/models', { 'x-api-key': KEY }],
      [
        '/v1/chat/completions',
        { authorization: `Bearer ${KEY}`, referer: `https://h/${token}`, 'user-agent': KEY },
      ],
      [
        `/relayapi/-/v1/chat/completions`,
        { origin: `https://${token.slice(0, 40)}.example`, 'x-api-key': token },
      ],
    ];
    for (const [target, headers] of refusals)
      await post(`${relay.origin}${target}`, headers, body('demo-echo'));
    // one line a request at least
    const requests = 2 * models.length + refusals.length;
    await expect.poll(() => relay.lines.length).toBeGreaterThanOrEqual(requests);
    const { text: metrics } = await relay.instance.metrics();
    const written = [
      ...relay.lines.map((line) => `${JSON.stringify(line)} ${inspect(line, { depth: 9 })}`),
      metrics,
    ];
    const secrets = [
      ...spellings(KEY),
      ...spellings(BODY),
      ...tokens.flatMap((each) => [each, ...each.split('.').slice(1)]),
    ];
    const hits = written.flatMap((text) =>
      secrets
        .filter((secret) => secret.length > 12 && text.includes(secret))
        .map((secret) => `${secret.slice(0, 8)}… in ${text.slice(0, 300)}`),
    );
    expect(hits).toEqual([]);
  });
});
