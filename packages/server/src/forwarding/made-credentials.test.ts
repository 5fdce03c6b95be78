/** A call whose credential has to be made first: what is asked of the token endpoint and when, what goes up then, and who pays when there is none. */
import { Secret } from 'relayapi-token';
import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeTime, type FakeTime, settle } from '../../test/support/fake-time.ts';
import {
  type CallParts,
  callWith,
  createMemorySink,
  type MemorySink,
} from '../../test/support/forwarding.ts';
import {
  createForwardingRig,
  type ForwardingRig,
  JSON_TYPE,
  streamed,
} from '../../test/support/forwarding-rig.ts';
import { createCredentialMaker } from '../credentials/maker.ts';
import type { RouteCredential } from '../exchange.ts';
import type { ExchangedAuth, SignedAuth } from '../providers/provider.ts';

const KEY = 'demo-part-of-a-credential';
const FETCHED = 'demo-fetched-token-1';
const EXCHANGED: ExchangedAuth = {
  kind: 'exchanged',
  by: {
    kind: 'request',
    method: 'POST',
    url: 'https://tokens.example/get',
    form: [['apikey', '{key}']],
    tokenAt: ['access_token'],
    life: { at: ['expires_in'], unit: 'seconds' },
  },
  put: { kind: 'header', name: 'authorization', template: 'Bearer {access_token}' },
};
const SIGNED: SignedAuth = { kind: 'signed', by: 'aws-sigv4', service: 'bedrock', region: '{region}' };
const PAIR = {
  access_key_id: new Secret('demo-identity'),
  secret_access_key: new Secret('demo-shared-word'),
};

let time: FakeTime;
let rig: ForwardingRig;
beforeEach(() => {
  time = createFakeTime();
  rig = createForwardingRig({}, time, createCredentialMaker(time.clock));
});

function made(scheme: ExchangedAuth | SignedAuth, parts: Record<string, Secret>): CallParts {
  const credential: RouteCredential = {
    kind: 'made',
    ingredients: { scheme, parts, vars: { region: 'eu-central-1' } },
    destinationOf: (origin) => ({ origin, allowPrivate: false }),
  };
  return { route: { credential, secrets: Object.values(parts) } };
}
const exchanged = (parts: CallParts = {}): CallParts => ({
  ...parts,
  route: { ...made(EXCHANGED, { key: new Secret(KEY) }).route, ...parts.route },
});

/** Requests that have gone out, as `origin path`. */
const asked = () => rig.transport.requests.map(({ destination, path }) => `${destination.origin} ${path}`);
const TOKEN = 'https://tokens.example /get';
const CALL = 'https://api.example.com /v1/chat/completions';

/** Answers the token request that went out last. */
async function grant(token: string = FETCHED, status = 200): Promise<void> {
  rig.transport.answer(status, JSON_TYPE, JSON.stringify({ access_token: token, expires_in: 3600 }));
  rig.transport.events.onEnd();
  await settle();
}
function lineOf(name: string): string | undefined {
  const { headers } = rig.transport.requests.at(-1) as { headers: readonly string[] };
  const at = headers.findIndex((text, index) => index % 2 === 0 && text === name);
  return at === -1 ? undefined : headers[at + 1];
}
async function answer(status = 200, body = '{}', type: Record<string, string> = JSON_TYPE): Promise<void> {
  rig.transport.answer(status, type, body);
  rig.transport.events.onEnd();
  await settle();
}

describe('a token that is fetched', () => {
  test('goes up in the call’s own lines, and is used by the next call at once', async () => {
    const running = await rig.start(exchanged());
    expect(asked()).toEqual([TOKEN]);
    expect(new TextDecoder().decode(rig.transport.requests[0]?.body as Uint8Array)).toBe(`apikey=${KEY}`);
    expect(lineOf('accept-encoding')).toBe('identity');
    await grant();
    expect(asked()).toEqual([TOKEN, CALL]);
    expect(lineOf('authorization')).toBe(`Bearer ${FETCHED}`);
    await answer();
    expect(running.outcome).toMatchObject({ status: 200, written: true });
    await rig.start(exchanged(), createMemorySink());
    expect(asked()).toEqual([TOKEN, CALL, CALL]);
  });

  test('is waited for before the body is touched', async () => {
    let reads = 0;
    async function* chunks() {
      reads++;
      yield new Uint8Array(10);
    }
    await rig.start(exchanged({ body: streamed(chunks, 100_000) }));
    expect([asked(), reads]).toEqual([[TOKEN], 0]);
    await grant();
    expect((await rig.readBody()).bytes).toBe(10);
  });

  test('comes to those who stay when the one who asked leaves, and nothing is sent for that one', async () => {
    const left = createMemorySink();
    const leaving = await rig.start(exchanged(), left);
    const staying = await rig.start(exchanged());
    left.leave();
    await settle();
    expect(leaving.outcome).toMatchObject({ callerGone: true, written: false, status: null });
    await grant();
    expect([asked(), rig.transport.aborted]).toEqual([[TOKEN, CALL], 0]);
    await answer();
    expect(staying.outcome).toMatchObject({ status: 200 });
    expect(time.pending()).toBe(0);
  });

  test('that nobody waits for any more is kept for the next', async () => {
    const left = createMemorySink();
    await rig.start(exchanged(), left);
    left.leave();
    await grant();
    expect(asked()).toEqual([TOKEN]);
    await rig.start(exchanged());
    expect(asked()).toEqual([TOKEN, CALL]);
  });

  test.each<[string, (sink: MemorySink) => Promise<void>]>([
    ['an error body', () => answer(400, `{"said":"${FETCHED}"}`)],
    ['a header line', () => answer(200, '{}', { ...JSON_TYPE, 'x-request-id': FETCHED })],
    ['an error in base64', () => answer(500, btoa(`Bearer ${FETCHED}`), { 'content-type': 'text/plain' })],
  ])('never comes back in %s', async (_, act) => {
    const running = await rig.start(exchanged());
    await grant();
    await act(rig.sink);
    expect(running.outcome?.denial).toMatchObject({ denied: 'upstream_invalid' });
    expect(rig.sink.text + JSON.stringify(rig.sink.headers)).not.toContain(FETCHED.slice(0, 12));
  });

  test.each([FETCHED, KEY])('nor in the stream of an origin that is not trusted: %s', async (word) => {
    const running = await rig.start(exchanged({ route: { trusted: false } }));
    await grant();
    rig.transport.answer(200, { 'content-type': 'text/plain' }, 'so it is ', word.slice(0, 9), word.slice(9));
    await settle();
    expect(running.outcome?.denial).toMatchObject({ denied: 'upstream_invalid' });
    expect(rig.sink.text).not.toContain(word.slice(0, 9));
  });
});

describe('where the token cannot be had nothing is sent, and the caller is told why', () => {
  test.each<[string, () => Promise<void>, string]>([
    ['refused', () => grant('', 401), 'upstream_auth'],
    ['down', () => grant('', 503), 'upstream_unreachable'],
    ['not to be read', () => grant('a b'), 'upstream_invalid'],
    ['redirected', () => grant(FETCHED, 307), 'upstream_invalid'],
    ['not reached', async () => rig.transport.fail('unreachable'), 'upstream_unreachable'],
    ['broken off', async () => rig.transport.fail('reset'), 'upstream_unreachable'],
    ['no HTTP', async () => rig.transport.fail('protocol'), 'upstream_invalid'],
    ['at a forbidden address', async () => rig.transport.fail('destination_denied'), 'destination_denied'],
  ])('%s', async (_, act, denied) => {
    const running = await rig.start(exchanged());
    await act();
    await settle();
    expect(running.outcome).toMatchObject({ denial: { denied }, written: false, upstreamStatus: null });
    expect(asked()).toEqual([TOKEN]);
    expect(rig.sink.text).not.toContain(KEY);
    expect(JSON.stringify(running.outcome)).not.toContain(KEY);
    expect(time.pending()).toBe(0);
  });

  test('slow: after 15 s, and the endpoint is let go', async () => {
    const running = await rig.start(exchanged());
    rig.transport.answer(200, JSON_TYPE, '{');
    await time.advance(14_999);
    expect(running.outcome).toBeNull();
    await time.advance(1);
    expect(running.outcome).toMatchObject({ denial: { denied: 'upstream_unreachable' }, written: false });
    expect(rig.transport.aborted).toBe(1);
  });

  test('endless: at 64 KiB, and the endpoint is let go', async () => {
    const running = await rig.start(exchanged());
    rig.transport.answer(200, JSON_TYPE, ' '.repeat(65_536));
    await settle();
    expect(running.outcome).toBeNull();
    rig.transport.events.onData(new Uint8Array(1));
    await settle();
    expect(running.outcome).toMatchObject({ denial: { denied: 'upstream_invalid' }, written: false });
    expect(rig.transport.aborted).toBe(1);
  });

  test('only a refused credential rests: 30 s without another request for it', async () => {
    await rig.start(exchanged());
    await grant('', 503);
    await rig.start(exchanged(), createMemorySink());
    await grant('', 400);
    const resting = await rig.start(exchanged(), createMemorySink());
    expect(resting.outcome?.denial).toMatchObject({
      denied: 'upstream_auth',
      reason: 'the credential rests',
    });
    expect(asked()).toEqual([TOKEN, TOKEN]);
    await time.advance(30_000);
    await rig.start(exchanged(), createMemorySink());
    expect(asked()).toEqual([TOKEN, TOKEN, TOKEN]);
  });
});

describe('an upstream that refuses the token', () => {
  async function refusedWith(status: number, token: string | null): Promise<string | undefined> {
    const running = await rig.start(exchanged(), createMemorySink());
    if (token !== null) await grant(token);
    await answer(status);
    return running.outcome?.denial?.denied;
  }

  test('with 401 makes the next call fetch anew; refused again, the credential rests', async () => {
    expect(await refusedWith(401, 'demo-token-a')).toBe('upstream_auth');
    expect(asked()).toEqual([TOKEN, CALL]);
    expect(await refusedWith(401, 'demo-token-b')).toBe('upstream_auth');
    expect(asked()).toEqual([TOKEN, CALL, TOKEN, CALL]);
    await rig.start(exchanged(), createMemorySink());
    expect(asked()).toHaveLength(4);
    await time.advance(30_000);
    const running = await rig.start(exchanged());
    await grant('demo-token-c');
    expect(lineOf('authorization')).toBe('Bearer demo-token-c');
    await answer();
    expect(running.outcome?.status).toBe(200);
  });

  test('with 403, which a caller can provoke, costs no token and rests for that caller’s token alone', async () => {
    expect(await refusedWith(403, 'demo-token-a')).toBe('upstream_auth');
    await rig.start(exchanged(), createMemorySink());
    await rig.start(exchanged({ claims: { jti: 'BBBBBBBBBBBBBBBBBBBBBB' } }), createMemorySink());
    expect(asked()).toEqual([TOKEN, CALL, CALL]);
  });
});

describe('a signature', () => {
  // the platform's crypto answers in its own time
  const sent = () => expect.poll(asked).toEqual([CALL]);

  test('covers the body that is held, and stands among the call’s lines', async () => {
    const body = new TextEncoder().encode('{"a":1}');
    await rig.start({ ...made(SIGNED, PAIR), body: { kind: 'bytes', bytes: body, contentType: null } });
    await sent();
    expect(rig.transport.requests[0]?.body).toEqual(body);
    expect(lineOf('authorization')).toMatch(
      /^AWS4-HMAC-SHA256 Credential=demo-identity\/\d{8}\/eu-central-1\/bedrock\//,
    );
    expect(lineOf('x-amz-date')).toMatch(/^\d{8}T\d{6}Z$/);
  });

  test('that is refused rests the credential, as a refused key does', async () => {
    await rig.start(made(SIGNED, PAIR));
    await sent();
    await answer(401);
    const resting = await rig.start(made(SIGNED, PAIR), createMemorySink());
    expect(resting.outcome?.denial).toMatchObject({ reason: 'the credential rests' });
    expect(asked()).toEqual([CALL]);
  });

  test('that no key can make is the operator’s fault, asks nobody, and rests nothing', async () => {
    const parts = {
      tenancy: new Secret('t'),
      user: new Secret('u'),
      fingerprint: new Secret('f'),
      private_key: new Secret('no'),
    };
    for (let i = 0; i < 2; i++) {
      const running = await rig.start(made({ ...SIGNED, by: 'oci' }, parts), createMemorySink());
      expect(running.outcome?.denial).toEqual({
        denied: 'upstream_auth',
        reason: 'the credential holds no RSA private key in PKCS #8',
      });
    }
    expect(asked()).toEqual([]);
  });

  test('whose making fails is a bug of one call', async () => {
    const broken = made(SIGNED, {});
    await expect(rig.forwarding.forward(callWith(broken), rig.sink, rig.tap)).rejects.toThrow(
      'no value for {access_key_id}',
    );
  });
});

describe('a credential that is put in as it is', () => {
  test.each<[string, RouteCredential | null, string]>([
    ['none', null, CALL],
    ['in a header', { kind: 'header', name: 'x-key', value: new Secret(KEY) }, CALL],
    ['in the query', { kind: 'query', value: new Secret('appid=a%26b') }, `${CALL}?appid=a%26b`],
  ])('waits for nothing but the body: %s', async (_, credential, sent) => {
    void rig.forwarding.forward(callWith({ route: { credential } }), rig.sink, rig.tap);
    await Promise.resolve();
    expect(asked()).toEqual([sent]);
  });

  test('stands behind what the caller asked', async () => {
    const credential: RouteCredential = { kind: 'query', value: new Secret('username=u;api_key=k') };
    await rig.start({ path: '/v1/x?limit=2', route: { credential } });
    expect(rig.transport.requests[0]?.path).toBe('/v1/x?limit=2&username=u;api_key=k');
  });
});
