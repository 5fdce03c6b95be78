/**
 * Kept connections that upstreams close just as they are to be used again, through the whole relay: a call that no byte of went out is
 * sent once more, unseen; one that may have arrived never is.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { createSelfSignedCertificate } from 'relayapi-demo-provider';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerOf, startCanary } from '../hostile/canary.ts';
import { wordOf } from '../hostile/reading.ts';
import { parseAnswer } from '../support/raw-http.ts';
import { turns } from '../support/turns.ts';
import { callWith, chatBytes, eventually, relayBefore, targetOf } from './before.ts';

const FINE = answerOf('{"fine":true}');
const SMALL = '{"model":"m"}';
const LARGE = JSON.stringify({ model: 'm', pad: 'x'.repeat(80_000) });
describe.each(['http', 'https'])('over %s', (scheme) => {
  it('a connection that ends at the very moment of its next use costs no call, and no call arrives twice', async () => {
    const tls = createSelfSignedCertificate(['127.0.0.1']);
    let last: Socket | null = null;
    const up = await startCanary({
      ...(scheme === 'https' && { tls }),
      say(socket) {
        last = socket;
        socket.write(FINE);
      },
    });
    onTestFinished(() => up.close());
    const relay = await relayBefore(up.origin, { transport: { ca: tls.cert } });
    const ends = scheme === 'http' ? ['FIN', 'RST'] : ['FIN'];
    const moments = fc.sample(
      fc.record({
        how: fc.constantFrom(...ends),
        // turns of the loop from the arrival of the request to the close
        after: fc.nat(4),
        large: fc.boolean(),
      }),
      { numRuns: 120, seed: 20_261_201 },
    );
    let close = () => {};
    const onRequest = () => close();
    subscribe('http.server.request.start', onRequest);
    onTestFinished(() => void unsubscribe('http.server.request.start', onRequest));
    const words = new Map<string, number>();
    for (const { how, after, large } of moments) {
      // a connection that has served and is kept
      const first = await callWith(relay.port, chatBytes(targetOf(relay)));
      await first.until(/true\}$/);
      first.socket.destroy();
      up.reset();
      const caller = await callWith(relay.port, '');
      close = () => {
        close = () => {};
        void endAfter(last as unknown as Socket, after, how);
      };
      caller.socket.write(chatBytes(targetOf(relay, { maxCalls: 5 }), [], large ? LARGE : SMALL));
      await caller.until(/\r\n\r\n.*\}$/s);
      const { status, body, headers } = parseAnswer(caller.text);
      const word = wordOf(status, body);
      words.set(word, (words.get(word) ?? 0) + 1);
      // where no byte went out the call was made again; a call that failed is one that may have arrived, and counts
      expect([word, headers['relay-calls-remaining']]).toEqual([
        expect.stringMatching(/^(200 -|502 upstream_unreachable)$/),
        '4',
      ]);
      expect(up.heads.length).toBeLessThanOrEqual(1);
      if (status === 200) expect(up.heads).toHaveLength(1);
      caller.socket.destroy();
    }
    expect(words.get('200 -') ?? 0).toBeGreaterThan(moments.length / 2);
    await eventually(() => expect(relay.instance.live()).toBe(0));
  });

  it.each(['FIN', 'RST'])(
    'a request that was read before the connection ended with %s is not sent again',
    async (how) => {
      const tls = createSelfSignedCertificate(['127.0.0.1']);
      const up = await startCanary({ ...(scheme === 'https' && { tls }), say: FINE });
      onTestFinished(() => up.close());
      const relay = await relayBefore(up.origin, { transport: { ca: tls.cert } });
      for (const body of [SMALL, LARGE]) {
        up.say(FINE);
        const first = await callWith(relay.port, chatBytes(targetOf(relay)));
        await first.until(/true\}$/);
        up.reset();
        up.say((socket) => void endAfter(socket, 0, scheme === 'https' ? 'FIN' : how));
        const caller = await callWith(relay.port, chatBytes(targetOf(relay, { maxCalls: 5 }), [], body));
        await caller.until(/\r\n\r\n.*\}$/s);
        const { status, body: answer, headers } = parseAnswer(caller.text);
        expect([wordOf(status, answer), headers['relay-calls-remaining'], up.heads.length]).toEqual([
          '502 upstream_unreachable',
          '4',
          1,
        ]);
      }
    },
  );
});

/** Ends a connection from the upstream's side after so many turns. */
async function endAfter(socket: Socket, count: number, how: string): Promise<void> {
  await turns(count);
  if (how === 'FIN') socket.end();
  else socket.resetAndDestroy();
}
