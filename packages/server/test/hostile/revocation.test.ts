/** Revocation through a reload of the key files: new calls are refused and running streams end within a second, others go on (token spec §7). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chatBody, named, postChat, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { mintUrl } from './mint.ts';
import { wordFrom } from './reading.ts';

const now = () => Math.floor(Date.now() / 1000);
const JTI = 'revoked-revoked-revoked';

let relay: RelayFixture;
beforeEach(async () => {
  relay = await startRelay();
});
afterEach(() => relay.close());

type RelayFile = { keys: { kid: string; until?: number; status?: string }[] };
const file = () => relay.files.relay as RelayFile;
const kid = () => file().keys[0]?.kid ?? '';
const withRevoke = (revoke: object) => ({
  ...file(),
  revoke: { iat_before: 0, sub: {}, jti: [], ...revoke },
});

/** Each row: what the operator writes, and what a new call of the victim's token is told from then on. */
const WAYS: [string, () => object | null, string][] = [
  ['its jti', () => withRevoke({ jti: [JTI] }), '403 token_revoked'],
  ['its sub', () => withRevoke({ sub: { 'user-1': now() + 1 } }), '403 token_revoked'],
  ['its issuer, by iat_before', () => withRevoke({ iat_before: now() + 1 }), '403 token_revoked'],
  ['its kid', () => withRevoke({ kid: [kid()] }), '403 token_revoked'],
  ['taking out its key file', () => null, '401 token_invalid'],
  [
    'the end of its key',
    () => ({ ...file(), keys: file().keys.map((key) => ({ ...key, status: 'accept', until: 1 })) }),
    '401 token_invalid',
  ],
];
/** Ways that name one token or subject: the issuer's others must not notice. */
const NARROW = new Set(['its jti', 'its sub']);

const streamOf = (url: string) => postChat(url, chatBody('demo-chunks-10000-20', { stream: true }));

async function readFirst(response: Response) {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  return reader;
}

/** Resolves with how a stream ended: `clean` only by a whole message. */
async function endOf(reader: { read(): Promise<{ done: boolean }> }): Promise<'clean' | 'broken'> {
  try {
    while (!(await reader.read()).done);
    return 'clean';
  } catch {
    return 'broken';
  }
}

describe('A46 revocation by', () => {
  it.each(WAYS)('%s stops new calls and ends the live stream within a second', async (how, write, word) => {
    const victim = mintUrl(relay, now(), { jti: JTI, sub: 'user-1' });
    const other = mintUrl(relay, now(), { sub: 'user-2' });
    const reader = await readFirst(await streamOf(victim));
    const bystander = await readFirst(await streamOf(other));
    const upstream = relay.demo.requests[0];
    const content = write();
    const wallAt = Date.now();
    const at = performance.now();
    await relay.instance.reloadKeys(content === null ? [] : [named('relay.rai', content)]);
    expect(await endOf(reader)).toBe('broken');
    expect(performance.now() - at).toBeLessThan(1000);
    await expect.poll(() => upstream?.closedAt ?? null).not.toBeNull();
    expect((upstream?.closedAt ?? Number.POSITIVE_INFINITY) - wallAt).toBeLessThan(1000);

    const before = relay.demo.counters.requests;
    expect(await wordFrom(await postChat(victim))).toBe(word);
    expect(await wordFrom(await postChat(victim))).toBe(word);
    expect(relay.demo.counters.requests).toBe(before);
    if (NARROW.has(how)) {
      expect((await bystander.read()).done).toBe(false);
      expect(await wordFrom(await postChat(other))).toBe('200 -');
      await bystander.cancel();
    } else {
      expect(await endOf(bystander)).toBe('broken');
    }
  });

  it('a reload that changes nothing leaves streams alone', async () => {
    const reader = await readFirst(await streamOf(mintUrl(relay, now())));
    await relay.instance.reloadKeys([named('relay.rai', file())]);
    for (let i = 0; i < 5; i += 1) expect((await reader.read()).done).toBe(false);
    expect(relay.demo.requests[0]?.closedAt).toBeNull();
    await reader.cancel();
  });

  it('a call that is being sent when the revocation comes is ended, not answered', async () => {
    const call = postChat(mintUrl(relay, now(), { jti: JTI }), chatBody('demo-hang'));
    await relay.demo.waitFor((request) => request.complete);
    await relay.instance.reloadKeys([named('relay.rai', withRevoke({ jti: [JTI] }))]);
    expect(await wordFrom(await call)).toBe('403 token_revoked');
    await expect.poll(() => relay.demo.requests[0]?.closedEarly).toBe(true);
  });

  it('lifting it lets the same token go on with its count', async () => {
    const url = mintUrl(relay, now(), { jti: JTI, limits: { calls: 2 } });
    expect(await wordFrom(await postChat(url))).toBe('200 -');
    await relay.instance.reloadKeys([named('relay.rai', withRevoke({ jti: [JTI] }))]);
    for (let i = 0; i < 3; i += 1) expect(await wordFrom(await postChat(url))).toBe('403 token_revoked');
    await relay.instance.reloadKeys([named('relay.rai', file())]);
    expect(await wordFrom(await postChat(url))).toBe('200 -');
    expect(await wordFrom(await postChat(url))).toBe('402 calls_exhausted');
  });
});
