/** A credential that the provider refused: the caller sees our words, and the credential rests. */
import { Secret } from 'relayapi-token';
import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../test/support/fake-time.ts';
import { createMemorySink } from '../../test/support/forwarding.ts';
import { createForwardingRig, type ForwardingRig, JSON_TYPE } from '../../test/support/forwarding-rig.ts';
import { KEY } from '../../test/support/route.ts';

let rig: ForwardingRig;
beforeEach(() => {
  rig = createForwardingRig();
});

describe('A27 a refused credential is never the caller’s', () => {
  test.each([401, 402, 403, 407, 456])('%i becomes 502 with our own body', async (status) => {
    const running = await rig.start();
    rig.transport.answer(status, { ...JSON_TYPE, 'www-authenticate': 'Bearer' }, `{"error":"bad ${KEY}"}`);
    await settle();
    expect(rig.sink).toMatchObject({ status: 502, text: '{"code":"upstream_auth"}' });
    expect(rig.sink.header('x-should-retry')).toBe('false');
    expect(rig.sink.header('www-authenticate')).toBeNull();
    expect(rig.transport.aborted).toBe(1);
    expect(running.outcome).toMatchObject({
      upstreamStatus: status,
      status: 502,
      bodyPassed: false,
      denial: { denied: 'upstream_auth' },
    });
  });

  test('and rests for 30 s at that origin, without being sent again', async () => {
    await rig.start();
    rig.transport.answer(401, JSON_TYPE);
    await rig.time.advance(29_999);
    const resting = createMemorySink();
    const running = await rig.start({}, resting);
    expect(resting.status).toBe(502);
    expect(running.outcome).toMatchObject({ written: false, denial: { denied: 'upstream_auth' } });
    expect(rig.transport.requests).toHaveLength(1);

    await rig.start(
      { route: { credential: { name: 'authorization', value: new Secret('Bearer other') } } },
      createMemorySink(),
    );
    await rig.start({ origin: 'https://other.example.com' }, createMemorySink());
    await rig.start({ route: { credential: null } }, createMemorySink());
    expect(rig.transport.requests).toHaveLength(4);

    await rig.time.advance(1);
    await rig.start({}, createMemorySink());
    expect(rig.transport.requests).toHaveLength(5);
  });

  test.each([402, 403])(
    'after %i, which a caller can provoke, it rests for that token alone',
    async (status) => {
      const other = { claims: { jti: 'BBBBBBBBBBBBBBBBBBBBBB' } };
      await rig.start();
      rig.transport.answer(status, JSON_TYPE);
      await rig.start({}, createMemorySink());
      expect(rig.transport.requests).toHaveLength(1);
      await rig.start(other, createMemorySink());
      expect(rig.transport.requests).toHaveLength(2);
      rig.transport.answer(401, JSON_TYPE);
      await rig.start({ claims: { jti: 'CCCCCCCCCCCCCCCCCCCCCC' } }, createMemorySink());
      expect(rig.transport.requests).toHaveLength(2);
    },
  );

  test('a provider without a credential has none that could rest', async () => {
    const route = { credential: null };
    await rig.start({ route });
    rig.transport.answer(403, JSON_TYPE);
    await rig.start({ route }, createMemorySink());
    expect(rig.transport.requests).toHaveLength(2);
  });
});
