/** A credential that the provider refused: the caller sees our words, and the credential rests. */
import { Secret } from 'relayapi-token';
import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeTime, settle } from '../../test/support/fake-time.ts';
import { callWith, createMemorySink, headerCredential } from '../../test/support/forwarding.ts';
import { createForwardingRig, type ForwardingRig, JSON_TYPE } from '../../test/support/forwarding-rig.ts';
import { KEY, openedWith } from '../../test/support/route.ts';
import { createCredentialRest } from './credential-rest.ts';

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
      { route: { credential: headerCredential('authorization', 'Bearer other') } },
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

describe('what rests', () => {
  const { route } = callWith();
  const opened = (iss: string, jti: string) => openedWith({ iss, jti });
  const time = createFakeTime();

  test('for one token is that token’s alone: neither issuer nor name can be shifted into the other', () => {
    const rest = createCredentialRest(time.clock);
    rest.rest(route, opened('ab', 'c'), 'token');
    expect(rest.isResting(route, opened('ab', 'c'))).toBe(true);
    for (const [iss, jti] of [
      ['a', 'bc'],
      ['ab', 'd'],
      ['b', 'c'],
      ['', ''],
    ] as const) {
      expect(rest.isResting(route, opened(iss, jti))).toBe(false);
    }
  });

  test('origin and key cannot be shifted into one another either', () => {
    const rest = createCredentialRest(time.clock);
    const at = (origin: string, key: string) => ({
      ...route,
      destination: { origin, allowPrivate: false },
      credential: headerCredential('authorization', key),
    });
    rest.rest(at('https://a.example', 'key-one'), opened('i', 'j'), 'credential');
    expect(rest.isResting(at('https://a.example', 'key-one'), opened('other', 'k'))).toBe(true);
    expect(rest.isResting(at('https://a.examplek', 'ey-one'), opened('i', 'j'))).toBe(false);
    expect(rest.isResting(at('https://a.example', 'key-two'), opened('i', 'j'))).toBe(false);
  });

  test('of a credential that is made is for its variables too: another tenant’s endpoint may take it', () => {
    const rest = createCredentialRest(time.clock);
    const of = (tenant: string): typeof route => ({
      ...route,
      credential: {
        kind: 'made',
        ingredients: {
          scheme: { kind: 'signed', by: 'aws-sigv4', service: 's3', region: 'us-east-1' },
          parts: { access_key_id: new Secret('demo-id'), secret_access_key: new Secret('demo-secret') },
          vars: { tenant },
        },
        destinationOf: (origin) => ({ origin, allowPrivate: false }),
      },
    });
    rest.rest(of('theirs'), opened('i', 'j'), 'credential');
    expect(rest.isResting(of('theirs'), opened('k', 'l'))).toBe(true);
    expect(rest.isResting(of('ours'), opened('k', 'l'))).toBe(false);
  });

  test('ends 30 s after its own refusal, however late another credential was refused', async () => {
    const own = createFakeTime();
    const rest = createCredentialRest(own.clock);
    const other = { ...route, credential: headerCredential('authorization', 'other-demo-key') };
    rest.rest(route, opened('i', 'j'), 'credential');
    await own.advance(20_000);
    rest.rest(other, opened('i', 'j'), 'credential');
    await own.advance(9_999);
    expect(rest.isResting(route, opened('i', 'j'))).toBe(true);
    await own.advance(1);
    expect(rest.isResting(route, opened('i', 'j'))).toBe(false);
    expect(rest.isResting(other, opened('i', 'j'))).toBe(true);
  });

  test('is nothing at the start, and a call without a credential lets nothing rest', () => {
    const rest = createCredentialRest(time.clock);
    expect(rest.isResting(route, opened('i', 'j'))).toBe(false);
    const bare = { ...route, credential: null };
    rest.rest(bare, opened('i', 'j'), 'credential');
    rest.rest(route, opened('i', 'k'), 'token');
    expect(rest.isResting(bare, opened('i', 'j'))).toBe(false);
    expect(rest.isResting(bare, opened('i', 'k'))).toBe(false);
  });
});
