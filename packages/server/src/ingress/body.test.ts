/** Bodies: limits on length, memory, places and speed. */
import { describe, expect, test } from 'vitest';
import { aborted, type InboundParts, idle, makeInbound } from '../../test/support/inbound.ts';
import { isDenial } from '../errors.ts';
import type { Arrival } from '../exchange.ts';
import { BodyAborted, BodyDenied } from '../io.ts';
import { createBodies, GATHER_BYTES } from './body.ts';
import { createIngressOptions, type IngressOptions } from './options.ts';

function make(changes: Partial<IngressOptions> = {}) {
  // a relay that has been up for a while
  let now = 1_000_000;
  const clock = { nowMs: () => 0, monotonicMs: () => now };
  const bodies = createBodies({ ...createIngressOptions(), ...changes }, clock);
  const pass = (ms: number) => () => {
    now += ms;
  };
  return { bodies, pass };
}

function arrive(parts: InboundParts, clientGroup = '192.0.2.1') {
  const request = makeInbound({ method: 'POST', ...parts });
  return { arrival: { request, clientGroup } as unknown as Arrival, seen: request.seen };
}

const KIB = 1024;
const text = (body: unknown) => (body instanceof Uint8Array ? new TextDecoder().decode(body) : body);

describe('reading a body into memory', () => {
  test('pieces become one array, byte for byte', async () => {
    const { bodies } = make();
    const pieces = Array.from({ length: 300 }, (_, i) => new Uint8Array(137).fill(i));
    const { arrival, seen } = arrive({ body: pieces });
    const body = await bodies.collect(arrival, 't', 100_000);
    expect(Buffer.compare(body as Uint8Array, Buffer.concat(pieces))).toBe(0);
    expect(seen.proceeded).toBe(1);
  });

  test('a whole declared body is taken as it is', async () => {
    const { bodies } = make();
    const piece = new TextEncoder().encode('{"model":"m"}');
    const { arrival } = arrive({ body: [piece], declaredBytes: piece.length });
    expect(await bodies.collect(arrival, 't', 100)).toHaveLength(piece.length);
    expect(bodies.heldBytes).toBe(piece.length);
  });

  test('no body is no bytes and takes nothing', async () => {
    const { bodies } = make({ slotsPerToken: 0 });
    const { arrival, seen } = arrive({});
    expect(await bodies.collect(arrival, 't', 100)).toHaveLength(0);
    expect(seen.proceeded).toBe(0);
  });

  test('a declared length over the limit is refused before the caller may send', async () => {
    const { bodies } = make();
    const { arrival, seen } = arrive({ body: ['xxx'], declaredBytes: 101 });
    expect(await bodies.collect(arrival, 't', 100)).toMatchObject({ denied: 'request_too_large' });
    expect(seen).toEqual({ proceeded: 0, pulled: 0 });
  });

  test('A34 an undeclared body is cut where it passes the limit', async () => {
    const { bodies } = make();
    const { arrival, seen } = arrive({ body: ['x'.repeat(60), 'x'.repeat(60), 'x'.repeat(60)] });
    expect(await bodies.collect(arrival, 't', 100)).toMatchObject({ denied: 'request_too_large' });
    expect(seen.pulled).toBe(2);
    expect(bodies.heldBytes).toBe(0);
  });

  test('exactly the limit passes', async () => {
    const { bodies } = make();
    const { arrival } = arrive({ body: ['x'.repeat(60), 'x'.repeat(40)] });
    expect(await bodies.collect(arrival, 't', 100)).toHaveLength(100);
  });

  test('byte by byte costs at most twice the size', async () => {
    const { bodies } = make();
    const { arrival } = arrive({ body: Array<string>(40_000).fill('x') });
    expect(await bodies.collect(arrival, 't', 1_000_000)).toHaveLength(40_000);
    expect(bodies.heldBytes).toBeLessThanOrEqual(80_000);
  });

  test('a caller that leaves is no answer', async () => {
    const { bodies } = make();
    const { arrival } = arrive({ body: ['xx', aborted()] });
    await expect(bodies.collect(arrival, 't', 100)).rejects.toBeInstanceOf(BodyAborted);
    expect(bodies.heldBytes).toBe(0);
  });

  test('a stalled caller gets 408', async () => {
    const { bodies } = make();
    const { arrival } = arrive({ body: ['xx', idle()] });
    expect(await bodies.collect(arrival, 't', 100)).toMatchObject({
      denied: 'request_timeout',
      reason: 'body idle',
    });
    expect(bodies.heldBytes).toBe(0);
  });
});

describe('least rate', () => {
  test('below 1 KiB/s after 10 s is 408', async () => {
    const { bodies, pass } = make();
    const { arrival } = arrive({ body: ['x'.repeat(5000), pass(10_001), 'x', 'x'] });
    expect(await bodies.collect(arrival, 't', KIB * KIB)).toMatchObject({
      denied: 'request_timeout',
      reason: 'body below the least rate',
    });
  });

  test('a declared length excuses nothing before its last byte', async () => {
    const { bodies, pass } = make();
    const { arrival } = arrive({ body: ['x', pass(60_000), 'x', 'x'], declaredBytes: 3 });
    expect(await bodies.collect(arrival, 't', KIB)).toMatchObject({ denied: 'request_timeout' });
  });

  test('within the first 10 s any rate passes', async () => {
    const { bodies, pass } = make();
    const { arrival } = arrive({ body: ['x', pass(9_999), 'x'] });
    expect(text(await bodies.collect(arrival, 't', KIB))).toBe('xx');
  });

  test('a slow but steady body passes', async () => {
    const { bodies, pass } = make();
    const second = [pass(1000), 'x'.repeat(1100)];
    const { arrival } = arrive({ body: Array(60).fill(second).flat() });
    expect(await bodies.collect(arrival, 't', KIB * KIB)).toHaveLength(66_000);
  });

  test('the last bytes of a declared length count as in time', async () => {
    const { bodies, pass } = make();
    const { arrival } = arrive({ body: ['x', pass(60_000), 'x'], declaredBytes: 2 });
    expect(text(await bodies.collect(arrival, 't', KIB))).toBe('xx');
  });
});

describe('memory over all bodies', () => {
  test('is booked until released, and 503 beyond', async () => {
    const { bodies } = make({ maxBufferedBytes: 250 });
    const body = ['x'.repeat(100)];
    const [first, second, third] = [
      arrive({ body, declaredBytes: 100 }),
      arrive({ body, declaredBytes: 100 }),
      arrive({ body, declaredBytes: 100 }),
    ];
    expect(await bodies.collect(first.arrival, 'a', 1000)).toHaveLength(100);
    expect(await bodies.collect(second.arrival, 'b', 1000)).toHaveLength(100);
    expect(bodies.heldBytes).toBe(200);
    expect(await bodies.collect(third.arrival, 'c', 1000)).toMatchObject({
      denied: 'capacity',
      reason: 'buffered bodies',
    });
    expect(bodies.heldBytes).toBe(200);
    bodies.release(first.arrival);
    bodies.release(first.arrival);
    expect(bodies.heldBytes).toBe(100);
    const fourth = arrive({ body, declaredBytes: 100 });
    expect(isDenial(await bodies.collect(fourth.arrival, 'd', 1000))).toBe(false);
  });

  test('a growing body is refused where memory ends', async () => {
    const { bodies } = make({ maxBufferedBytes: 20 * KIB });
    const { arrival } = arrive({ body: Array<string>(40).fill('x'.repeat(KIB)) });
    expect(await bodies.collect(arrival, 'a', KIB * KIB)).toMatchObject({
      denied: 'capacity',
      reason: 'buffered bodies',
    });
    expect(bodies.heldBytes).toBe(0);
  });

  test('a body that grows counts once, by what it holds now', async () => {
    const { bodies } = make({ maxBufferedBytes: 40 * KIB });
    const { arrival } = arrive({ body: Array<string>(20).fill('x'.repeat(KIB)) });
    expect(await bodies.collect(arrival, 'a', KIB * KIB)).toHaveLength(20 * KIB);
    expect(bodies.heldBytes).toBe(32 * KIB);
  });
});

describe('places', () => {
  const stuck = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const made = arrive({ body: ['x'] });
    const { body } = made.arrival.request;
    const chunks = async function* () {
      await promise;
      yield* body.chunks();
    };
    const request = { ...made.arrival.request, body: { ...body, chunks } };
    return { arrival: { ...made.arrival, request } as Arrival, resolve };
  };

  test('per token: others wait, then 503', async () => {
    const { bodies } = make({ slotsPerToken: 1, slotWaitMs: 5 });
    const first = stuck();
    const running = bodies.collect(first.arrival, 'token', 100);
    expect(await bodies.collect(arrive({ body: ['y'] }).arrival, 'token', 100)).toMatchObject({
      denied: 'capacity',
      reason: 'bodies of one token',
    });
    expect(text(await bodies.collect(arrive({ body: ['y'] }).arrival, 'other', 100))).toBe('y');
    first.resolve();
    expect(text(await running)).toBe('x');
    expect(text(await bodies.collect(arrive({ body: ['y'] }).arrival, 'token', 100))).toBe('y');
  });

  test('per address, and the token’s place is given back', async () => {
    const { bodies } = make({ slotsPerAddress: 1, slotsPerToken: 1, slotWaitMs: 5 });
    const first = stuck();
    const running = bodies.collect(first.arrival, 'a', 100);
    expect(await bodies.collect(arrive({ body: ['y'] }).arrival, 'b', 100)).toMatchObject({
      denied: 'capacity',
      reason: 'bodies of one address',
    });
    expect(text(await bodies.collect(arrive({ body: ['y'] }, '198.51.100.1').arrival, 'b', 100))).toBe('y');
    first.resolve();
    await running;
  });
});

describe('a metered body', () => {
  async function drain(prepared: ReturnType<ReturnType<typeof make>['bodies']['meter']>) {
    if (isDenial(prepared) || prepared.kind !== 'stream') throw new Error('no stream');
    let out = '';
    for await (const chunk of prepared.chunks()) out += text(chunk);
    return out;
  }

  test('A32 passes the pieces untouched and keeps none', async () => {
    const { bodies } = make();
    const { arrival, seen } = arrive({ body: ['ab', 'cd'], declaredBytes: 4 });
    const prepared = bodies.meter(arrival, 4);
    expect(prepared).toMatchObject({ kind: 'stream', declaredBytes: 4 });
    expect(seen.proceeded).toBe(0);
    expect(await drain(prepared)).toBe('abcd');
    expect(seen.proceeded).toBe(1);
  });

  test('a short one may be gathered, and counts against the memory of all', () => {
    const { bodies } = make({ maxBufferedBytes: 1000 });
    const metered = (declaredBytes: number | null) => {
      const { arrival } = arrive({ body: ['x'], declaredBytes });
      return { arrival, gather: (bodies.meter(arrival, 10 ** 6) as { gather?: boolean }).gather };
    };
    const first = metered(400);
    expect([first.gather, bodies.heldBytes]).toEqual([true, 400]);
    // beyond half of the memory it is streamed, never refused
    expect([metered(101).gather, bodies.heldBytes]).toEqual([false, 400]);
    expect([metered(100).gather, bodies.heldBytes]).toEqual([true, 500]);
    expect([metered(null).gather, bodies.heldBytes]).toEqual([false, 500]);
    bodies.release(first.arrival);
    expect(bodies.heldBytes).toBe(100);
    const wide = make();
    const longest = arrive({ body: ['x'], declaredBytes: GATHER_BYTES }).arrival;
    expect(wide.bodies.meter(longest, 10 ** 6)).toMatchObject({ gather: true });
    wide.bodies.release(longest);
    const long = arrive({ body: ['x'], declaredBytes: GATHER_BYTES + 1 }).arrival;
    expect(wide.bodies.meter(long, 10 ** 6)).toMatchObject({ kind: 'stream', gather: false });
    expect(wide.bodies.heldBytes).toBe(0);
  });

  test('one that is read still finds room where short ones have taken theirs', async () => {
    const { bodies } = make({ maxBufferedBytes: 1000 });
    for (let i = 0; i < 20; i++) bodies.meter(arrive({ body: ['x'], declaredBytes: 100 }).arrival, 1000);
    const body = await bodies.collect(
      arrive({ body: [new Uint8Array(500)], declaredBytes: 500 }).arrival,
      't',
      500,
    );
    expect(body).toHaveLength(500);
  });

  test('no body is none', () => {
    expect(make().bodies.meter(arrive({}).arrival, 4)).toEqual({ kind: 'none' });
  });

  test('a declared length over the limit is refused at once', () => {
    const { arrival } = arrive({ body: ['x'], declaredBytes: 5 });
    expect(make().bodies.meter(arrival, 4)).toMatchObject({ denied: 'request_too_large' });
  });

  test('A34 more than the limit throws a denial and passes nothing of that piece', async () => {
    const { arrival, seen } = arrive({ body: ['abc', 'def', 'ghi'] });
    const passed: string[] = [];
    const prepared = make().bodies.meter(arrival, 5);
    if (isDenial(prepared) || prepared.kind !== 'stream') throw new Error('no stream');
    const run = async () => {
      for await (const chunk of prepared.chunks()) passed.push(String(text(chunk)));
    };
    const error = await run().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BodyDenied);
    expect((error as BodyDenied).denial.denied).toBe('request_too_large');
    expect(passed).toEqual(['abc']);
    expect(seen.pulled).toBe(2);
  });

  test('a stall is a denial, a leaving caller is not', async () => {
    const { bodies } = make();
    const stalled = drain(bodies.meter(arrive({ body: ['a', idle()] }).arrival, 9));
    await expect(stalled).rejects.toMatchObject({
      name: 'BodyDenied',
      denial: { denied: 'request_timeout', reason: 'body idle' },
    });
    await expect(drain(bodies.meter(arrive({ body: ['a', aborted()] }).arrival, 9))).rejects.toBeInstanceOf(
      BodyAborted,
    );
  });
});
