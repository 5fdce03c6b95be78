/** What the operator's log is told of a call that the relay ended: reason and parameter, by which a fault is found. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeTime, settle } from '../../test/support/fake-time.ts';
import { callWith, createMemorySink } from '../../test/support/forwarding.ts';
import {
  createForwardingRig,
  type ForwardingRig,
  JSON_TYPE,
  streamed,
} from '../../test/support/forwarding-rig.ts';
import { KEY } from '../../test/support/route.ts';
import { judgeResponse } from './response-rules.ts';

const TEXT_TYPE = { 'content-type': 'text/plain' };
let rig: ForwardingRig;
beforeEach(() => {
  rig = createForwardingRig({ headersTimeoutMs: 5000, idleTimeoutMs: 3000 });
});

/** How a call of an upstream that is not trusted ends. */
async function endOf(play: () => unknown, claims = {}) {
  const running = await rig.start({ claims, route: { trusted: false } });
  await play();
  await rig.time.advance(1000);
  return running.outcome?.denial;
}
const answer = (status: number, headers: Record<string, string>, ...chunks: string[]) => {
  rig.transport.answer(status, headers, ...chunks);
};

describe('the reason', () => {
  test.each<[string, string, () => unknown]>([
    ['upstream_unreachable', 'the upstream broke off', () => rig.transport.events.onEnd()],
    ['upstream_unreachable', 'no connection in time', () => rig.time.advance(5000)],
    [
      'upstream_timeout',
      'no status in time',
      () => {
        rig.transport.write();
        return rig.time.advance(5000);
      },
    ],
    [
      'upstream_timeout',
      'silence',
      () => {
        answer(200, TEXT_TYPE);
        return rig.time.advance(3000);
      },
    ],
    [
      'upstream_invalid',
      'the credential stood in a header',
      () => answer(200, { ...TEXT_TYPE, 'x-request-id': KEY }),
    ],
    ['upstream_invalid', 'the credential stood in the body', () => answer(200, TEXT_TYPE, KEY)],
    [
      'upstream_invalid',
      'the credential stood in an error',
      () => {
        answer(500, TEXT_TYPE, KEY);
        rig.transport.events.onEnd();
      },
    ],
    [
      'upstream_invalid',
      'the error body is too long to be searched',
      () => answer(500, TEXT_TYPE, 'x'.repeat(65_537)),
    ],
    ['upstream_invalid', 'protocol', () => rig.transport.fail('protocol')],
    ['destination_denied', 'destination_denied', () => rig.transport.fail('destination_denied')],
    ['upstream_unreachable', 'reset', () => rig.transport.fail('reset')],
    [
      'upstream_timeout',
      'timeout',
      () => {
        rig.transport.write();
        rig.transport.fail('timeout');
      },
    ],
    ['upstream_auth', 'upstream status 401', () => answer(401, JSON_TYPE)],
    ['upstream_redirect', 'upstream status 302', () => answer(302, JSON_TYPE)],
    ['upstream_invalid', 'upstream status 600', () => answer(600, JSON_TYPE)],
    ['upstream_invalid', 'content type is not passed on', () => answer(200, { 'content-type': 'text/html' })],
  ])('of %s: %s', async (denied, reason, play) => {
    expect(await endOf(play)).toMatchObject({ denied, reason });
  });

  test('of a resting credential, and of a body below the least rate', async () => {
    await rig.start();
    answer(401, JSON_TYPE);
    const resting = await rig.start({}, createMemorySink());
    expect(resting.outcome?.denial).toMatchObject({
      denied: 'upstream_auth',
      reason: 'the credential rests',
    });
    const slow = await rig.start(
      {
        route: { credential: null },
        body: streamed(async function* () {
          yield new Uint8Array(1);
          await rig.time.advance(20_000);
          yield new Uint8Array(1);
        }, 10),
      },
      createMemorySink(),
    );
    // the watch looks round several times in the 20 s
    for (let turns = 0; turns < 10 && slow.ends === 0; turns++) await settle();
    await settle();
    expect(slow.outcome?.denial).toMatchObject({
      denied: 'request_timeout',
      reason: 'body below the least rate',
    });
  });
});

describe('the parameter', () => {
  test('names the claim or the header that ended the call', async () => {
    const limits = { stream_seconds: 2 };
    expect(await endOf(() => rig.time.advance(2000), { limits })).toMatchObject({
      denied: 'upstream_timeout',
      param: 'limits.stream_seconds',
    });
    rig = createForwardingRig();
    const inStream = () => {
      answer(200, TEXT_TYPE);
      return rig.time.advance(2000);
    };
    expect(await endOf(inStream, { limits })).toMatchObject({
      denied: 'token_expired',
      param: 'limits.stream_seconds',
    });
    rig = createForwardingRig();
    const long = () => answer(200, { ...TEXT_TYPE, 'content-length': '3' });
    expect(await endOf(long, { limits: { response_bytes: 2 } })).toMatchObject({
      denied: 'budget_exhausted',
      param: 'limits.response_bytes',
    });
    const { arrival, opened, route } = callWith({ rawHeaders: ['content-encoding', 'br'] });
    expect(rig.forwarding.checkHead(arrival, opened, route)).toMatchObject({
      denied: 'unsupported_body',
      param: 'content-encoding',
    });
  });

  test('is none where exp ended it, before the status as after', async () => {
    for (const play of [() => {}, () => answer(200, TEXT_TYPE)]) {
      const time = createFakeTime();
      rig = createForwardingRig(
        { defaultStreamSeconds: 1, headersTimeoutMs: 10_000, idleTimeoutMs: 10_000 },
        time,
      );
      const denial = await endOf(
        async () => {
          play();
          await time.advance(3000);
        },
        { exp: 1_700_000_002 },
      );
      expect(denial).toMatchObject({ denied: 'token_expired' });
      expect(denial).not.toHaveProperty('param', 'limits.stream_seconds');
    }
  });
});

test('what is judged by the head alone gives its reason too', () => {
  const judge = (status: number) => judgeResponse(status, [], { method: 'POST', allowPdf: false });
  expect(judge(407)).toMatchObject({ denial: { reason: 'upstream status 407' } });
  expect(judge(199)).toMatchObject({ denial: { reason: 'upstream status 199' } });
});
