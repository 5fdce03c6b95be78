/**
 * What every counter store must do, whatever it is made of (behaviour spec §2, §3; acceptance A36, A37, A39, A40, A43).
 * A suite, not a test file: each store's test calls it with a way to make itself.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Reservation, ReservationRefusal, ReservationRequest, Store } from '../../src/stores/store.ts';
import { isRefusal } from '../../src/stores/store.ts';
import { createStepClock, type StepClock } from '../support/step-clock.ts';

/** A store under test; `clock` is the only time it may know. */
export type CreateStore = (clock: StepClock) => Store | Promise<Store>;

const LEASE_MS = 30_000;

/** A request of a token that was issued at the clock's time and lives for an hour; `more` adds limits. */
export function requestAt(clock: StepClock, more: Partial<ReservationRequest> = {}): ReservationRequest {
  const nowSeconds = Math.floor(clock.nowMs() / 1000);
  return {
    issuer: 'shop',
    jti: 'AAAAAAAAAAAAAAAAAAAAAA',
    claimsDigest: 'digest-one',
    issuedAtSeconds: nowSeconds,
    expiresAtSeconds: nowSeconds + 3600,
    leaseMs: LEASE_MS,
    ...more,
  };
}

/** The reservation, or a failed test. */
export function held(result: Reservation | ReservationRefusal): Reservation {
  if (isRefusal(result)) throw new Error(`refused: ${result.refused}`);
  return result;
}

/** What a reservation came to: `ok` or the limit that refused it. */
export function verdict(result: Reservation | ReservationRefusal): string {
  return isRefusal(result) ? result.refused : 'ok';
}

/** Deterministic random numbers in [0, 1) (mulberry32), so that a failing schedule can be run again. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The most admissions in any half-open window of this length, counted by hand. */
export function fullestWindow(times: readonly number[], windowMs: number): number {
  let most = 0;
  for (let end = 0, start = 0; end < times.length; end++) {
    while ((times[end] as number) - (times[start] as number) >= windowMs) start++;
    most = Math.max(most, end - start + 1);
  }
  return most;
}

/** Runs the suite against one store. */
export function storeContract(name: string, createStore: CreateStore): void {
  describe(`${name} keeps the store contract`, () => {
    let clock: StepClock;
    let store: Store;
    beforeEach(async () => {
      clock = createStepClock();
      store = await createStore(clock);
    });
    const reserve = async (more: Partial<ReservationRequest> = {}) => store.reserve(requestAt(clock, more));
    const ask = async (more: Partial<ReservationRequest> = {}) => verdict(await reserve(more));
    const settle = async (
      reservation: Reservation,
      calls: 'commit' | 'refund' | 'refund-5xx',
      ageMs?: number,
    ) => store.settle(reservation, ageMs === undefined ? { calls } : { calls, ageMs });

    describe('calls and attempts', () => {
      it('admits exactly as many calls as the token has and says how many are left', async () => {
        const left: (number | null)[] = [];
        for (let i = 0; i < 3; i++) left.push(held(await reserve({ calls: 3 })).callsRemaining);
        expect(left).toEqual([2, 1, 0]);
        expect(await ask({ calls: 3 })).toBe('calls');
      });

      it('admits none when the token has none, and remembers nothing of it', async () => {
        expect(await ask({ calls: 0 })).toBe('calls');
        expect(await ask({ calls: 0, claimsDigest: 'digest-two' })).toBe('calls');
      });

      it('A36 5,000 reservations at once on a token of 100 calls: exactly 100, on ten runs', async () => {
        for (let run = 0; run < 10; run++) {
          const jti = `run-${run}-AAAAAAAAAAAAAAAA`;
          const all = await Promise.all(
            Array.from({ length: 5000 }, () => ask({ jti, calls: 100, attempts: 200 })),
          );
          expect(all.filter((one) => one === 'ok')).toHaveLength(100);
          expect(new Set(all)).toEqual(new Set(['ok', 'calls']));
        }
      });

      it('gives a refunded call back and keeps a committed one', async () => {
        const first = held(await reserve({ calls: 1, attempts: 9 }));
        expect(await ask({ calls: 1, attempts: 9 })).toBe('calls');
        expect(await settle(first, 'refund')).toBe(1);
        const second = held(await reserve({ calls: 1, attempts: 9 }));
        expect(await settle(second, 'commit')).toBe(0);
        expect(await ask({ calls: 1, attempts: 9 })).toBe('calls');
      });

      it('never gives an attempt back', async () => {
        for (let i = 0; i < 3; i++) {
          await settle(held(await reserve({ calls: 5, attempts: 3 })), 'refund');
        }
        expect(await ask({ calls: 5, attempts: 3 })).toBe('attempts');
      });

      it('ends a reservation once, however often it is told to', async () => {
        const first = held(await reserve({ calls: 2 }));
        held(await reserve({ calls: 2 }));
        expect(await settle(first, 'refund')).toBe(1);
        expect(await settle(first, 'refund')).toBe(1);
        expect(await settle(first, 'commit')).toBe(1);
        expect(await ask({ calls: 2 })).toBe('ok');
        expect(await ask({ calls: 2 })).toBe('calls');
      });

      it('gives the first two 5xx back whenever they come, later ones only within 5 s', async () => {
        const limits = { calls: 1, attempts: 50 };
        const fail = async (ageMs: number) => settle(held(await reserve(limits)), 'refund-5xx', ageMs);
        expect(await fail(60_000)).toBe(1);
        expect(await fail(60_000)).toBe(1);
        expect(await fail(5_000)).toBe(1);
        expect(await fail(4_000)).toBe(1);
        expect(await fail(5_001)).toBe(0);
        expect(await ask(limits)).toBe('calls');
      });

      it('previews what a settlement would leave without changing anything', async () => {
        const limits = { calls: 3, attempts: 50 };
        for (let i = 0; i < 2; i++) await settle(held(await reserve(limits)), 'refund-5xx', 9_000);
        const third = held(await reserve(limits));
        expect(store.preview(third, { calls: 'commit' })).toBe(2);
        expect(store.preview(third, { calls: 'refund' })).toBe(3);
        expect(store.preview(third, { calls: 'refund-5xx', ageMs: 9_000 })).toBe(2);
        expect(store.preview(third, { calls: 'refund-5xx', ageMs: 1_000 })).toBe(3);
        expect(await settle(third, 'commit')).toBe(2);
        expect(store.preview(third, { calls: 'refund' })).toBe(2);
      });

      it('says null for what is left of a token without a limit on calls', async () => {
        const one = held(await reserve({ concurrency: 1 }));
        expect(one.callsRemaining).toBeNull();
        expect(store.preview(one, { calls: 'commit' })).toBeNull();
        expect(await settle(one, 'commit')).toBeNull();
      });

      it('0 ≤ committed ≤ calls at all times, under random settlements', async () => {
        const random = createRandom(37);
        const open: Reservation[] = [];
        let committed = 0;
        for (let step = 0; step < 3000; step++) {
          if (random() < 0.5) {
            const result = await reserve({ calls: 20, attempts: 100_000 });
            if (!isRefusal(result)) open.push(result);
          } else if (open.length > 0) {
            const [one] = open.splice(Math.floor(random() * open.length), 1);
            const refund = random() < 0.7;
            await settle(one as Reservation, refund ? 'refund' : 'commit');
            if (!refund) committed += 1;
          }
          expect(committed + open.length).toBeLessThanOrEqual(20);
          expect(committed).toBeGreaterThanOrEqual(0);
        }
        expect(committed).toBe(20);
      });
    });

    describe('identity', () => {
      it('takes the same issuer and jti with other claims for an impostor', async () => {
        held(await reserve({ calls: 5 }));
        expect(await ask({ calls: 5, claimsDigest: 'digest-two' })).toBe('mismatch');
        expect(await ask({ calls: 5 })).toBe('ok');
      });

      it('keeps two issuers with the same jti apart', async () => {
        expect(await ask({ calls: 1 })).toBe('ok');
        expect(await ask({ calls: 1, issuer: 'other', claimsDigest: 'digest-two' })).toBe('ok');
        expect(await ask({ calls: 1 })).toBe('calls');
      });
    });

    describe('one step over all limits', () => {
      it('changes nothing when a later limit refuses', async () => {
        const limits = { calls: 3, attempts: 3, rate: { count: 3, windowMs: 1000 }, concurrency: 1 };
        const first = held(await reserve(limits));
        for (let i = 0; i < 20; i++) expect(await ask(limits)).toBe('concurrency');
        await settle(first, 'commit');
        const second = held(await reserve(limits));
        expect(second.callsRemaining).toBe(1);
        await settle(second, 'commit');
        expect(await ask(limits)).toBe('ok');
      });

      it('reports the first failing limit: calls, attempts, rate, concurrency, replay', async () => {
        const once = { kind: 'nonce', hash: 'h'.repeat(22) } as const;
        const all = { calls: 1, attempts: 1, rate: { count: 1, windowMs: 1000 }, concurrency: 1, once };
        held(await reserve(all));
        expect(await ask(all)).toBe('calls');
        expect(await ask({ ...all, calls: 2 })).toBe('attempts');
        expect(await ask({ ...all, calls: 2, attempts: 2 })).toBe('rate');
        clock.advance(1000);
        expect(await ask({ ...all, calls: 2, attempts: 2 })).toBe('concurrency');
        expect(await ask({ ...all, calls: 2, attempts: 2, concurrency: 2 })).toBe('nonce');
      });
    });

    describe('rate', () => {
      it('admits n at once, then one whenever one leaves the window, and says when', async () => {
        const rate = { count: 2, windowMs: 1000 };
        expect(await ask({ rate })).toBe('ok');
        clock.advance(400);
        expect(await ask({ rate })).toBe('ok');
        clock.advance(100);
        const refused = await reserve({ rate });
        expect(refused).toMatchObject({ refused: 'rate', retryAtMs: clock.nowMs() + 500 });
        clock.advance(499);
        expect(await ask({ rate })).toBe('rate');
        clock.advance(1);
        expect(await ask({ rate })).toBe('ok');
        expect(await ask({ rate })).toBe('rate');
      });

      it('counts an admission although its call was refunded', async () => {
        const limits = { calls: 9, attempts: 9, rate: { count: 1, windowMs: 1000 } };
        await settle(held(await reserve(limits)), 'refund');
        expect(await ask(limits)).toBe('rate');
      });

      it('A39 no window of a rate limit holds more than n', async () => {
        const random = createRandom(39);
        for (let schedule = 0; schedule < 300; schedule++) {
          const count = 1 + Math.floor(random() * 8);
          const windowMs = 10 + Math.floor(random() * 500);
          const jti = `schedule-${schedule}-AAAAAAAA`;
          const admitted: number[] = [];
          for (let step = 0; step < 60; step++) {
            if (random() < 0.6) clock.advance(random() * (windowMs / count) * 2);
            if ((await ask({ jti, rate: { count, windowMs } })) === 'ok') admitted.push(clock.monotonicMs());
          }
          expect(fullestWindow(admitted, windowMs)).toBeLessThanOrEqual(count);
          expect(admitted.length).toBeGreaterThan(0);
        }
      });
    });

    describe('concurrency', () => {
      it('A40 never admits more at a time than the limit, and frees a place when a call ends', async () => {
        const open = [held(await reserve({ concurrency: 2 })), held(await reserve({ concurrency: 2 }))];
        expect(await ask({ concurrency: 2 })).toBe('concurrency');
        await settle(open[0] as Reservation, 'commit');
        expect(await ask({ concurrency: 2 })).toBe('ok');
        expect(await ask({ concurrency: 2 })).toBe('concurrency');
      });

      it('A40 a lease that nobody renews is free within 35 s, a renewed one is not', async () => {
        held(await reserve({ concurrency: 2 }));
        const renewed = held(await reserve({ concurrency: 2 }));
        for (let passed = 0; passed < 35_000; passed += 5_000) {
          clock.advance(5_000);
          await store.renew(renewed, LEASE_MS);
        }
        expect(await ask({ concurrency: 2 })).toBe('ok');
        expect(await ask({ concurrency: 2 })).toBe('concurrency');
      });

      it('a renewal after the end does not take the place back', async () => {
        const first = held(await reserve({ concurrency: 1 }));
        await settle(first, 'commit');
        await store.renew(first, LEASE_MS);
        expect(await ask({ concurrency: 1 })).toBe('ok');
      });

      it('a lapsed lease that another request replaced is not renewed into a second place', async () => {
        const first = held(await reserve({ concurrency: 1 }));
        clock.advance(LEASE_MS);
        const second = held(await reserve({ concurrency: 1 }));
        await store.renew(first, LEASE_MS);
        await settle(second, 'commit');
        expect(await ask({ concurrency: 1 })).toBe('ok');
      });
    });

    describe('once', () => {
      const nonce = (text: string) => ({ kind: 'nonce' as const, hash: text.padEnd(22, 'A') });

      it('A43 one nonce 1,000 times in parallel is admitted once', async () => {
        const limits = { calls: 5000, attempts: 5000, once: nonce('one') };
        const all = await Promise.all(Array.from({ length: 1000 }, () => ask(limits)));
        expect(all.filter((one) => one === 'ok')).toHaveLength(1);
        expect(all.filter((one) => one === 'nonce')).toHaveLength(999);
        expect(await ask({ ...limits, once: nonce('two') })).toBe('ok');
      });

      it('releases a nonce whose call was refunded and keeps one whose call counts', async () => {
        const limits = { calls: 9, attempts: 9, once: nonce('one') };
        await settle(held(await reserve(limits)), 'refund');
        await settle(held(await reserve(limits)), 'commit');
        expect(await ask(limits)).toBe('nonce');
      });

      it('names an idempotency key as such', async () => {
        const once = { kind: 'idempotency', hash: 'k'.repeat(22) } as const;
        expect(await ask({ calls: 9, once })).toBe('ok');
        expect(await ask({ calls: 9, once })).toBe('idempotency');
      });
    });

    describe('per subject', () => {
      const jti = (n: number) => `token-${n}-AAAAAAAAAAAAAA`;
      const subject = 'user-42';

      it('adds up the calls of all live tokens of a subject', async () => {
        const perSubject = { subject, calls: 3 };
        const first = held(await reserve({ jti: jti(1), calls: 9, perSubject }));
        held(await reserve({ jti: jti(2), calls: 9, perSubject }));
        held(await reserve({ jti: jti(2), calls: 9, perSubject }));
        expect(await reserve({ jti: jti(3), calls: 9, perSubject })).toEqual({
          refused: 'calls',
          perSubject: true,
        });
        expect(await ask({ jti: jti(4), calls: 9, perSubject: { subject: 'user-43', calls: 3 } })).toBe('ok');
        await settle(first, 'refund');
        expect(await ask({ jti: jti(3), calls: 9, perSubject })).toBe('ok');
      });

      it('bounds live tokens; those already in use go on, an expired one makes room', async () => {
        const perSubject = { subject, tokens: 2 };
        const soon = Math.floor(clock.nowMs() / 1000) + 60;
        expect(await ask({ jti: jti(1), perSubject, expiresAtSeconds: soon })).toBe('ok');
        expect(await ask({ jti: jti(2), perSubject })).toBe('ok');
        expect(await ask({ jti: jti(3), perSubject })).toBe('subject-tokens');
        expect(await ask({ jti: jti(2), perSubject })).toBe('ok');
        clock.advance(240_000);
        expect(await ask({ jti: jti(3), perSubject })).toBe('ok');
      });

      it('bounds rate and concurrency over all tokens of a subject', async () => {
        const rate = { subject, rate: { count: 2, windowMs: 1000 } };
        expect(await ask({ jti: jti(1), perSubject: rate })).toBe('ok');
        expect(await ask({ jti: jti(2), perSubject: rate })).toBe('ok');
        expect(await reserve({ jti: jti(3), perSubject: rate })).toMatchObject({
          refused: 'rate',
          perSubject: true,
        });
        clock.advance(1000);
        expect(await ask({ jti: jti(3), perSubject: rate })).toBe('ok');

        const one = { subject: 'user-43', concurrency: 1 };
        const running = held(await reserve({ jti: jti(5), perSubject: one }));
        expect(await ask({ jti: jti(6), perSubject: one })).toBe('concurrency');
        await settle(running, 'commit');
        expect(await ask({ jti: jti(6), perSubject: one })).toBe('ok');
      });

      it('a subject of another issuer is another subject', async () => {
        const perSubject = { subject, calls: 1 };
        expect(await ask({ jti: jti(1), perSubject })).toBe('ok');
        expect(await ask({ jti: jti(2), issuer: 'other', perSubject })).toBe('ok');
        expect(await ask({ jti: jti(3), perSubject })).toBe('calls');
      });
    });

    describe('life', () => {
      it('A59 no step of the wall clock by an hour either way hands a quota out again', async () => {
        const request = requestAt(clock, { calls: 1, attempts: 9, rate: { count: 1, windowMs: 60_000 } });
        held(await store.reserve(request));
        for (const step of [3_600_000, -3_600_000, -3_600_000, 3_600_000]) {
          clock.stepWall(step);
          expect(verdict(await store.reserve({ ...request, calls: 9 }))).toBe('rate');
          expect(verdict(await store.reserve(request))).toBe('calls');
        }
        clock.advance(3_600_000 + 600_000);
        held(await store.reserve(requestAt(clock, { jti: 'sweeps-AAAAAAAAAAAAAA', calls: 1 })));
        clock.stepWall(-3_600_000);
        expect(await store.reserve(request)).toHaveProperty('refused');
      });

      it('refuses everything once closed', async () => {
        expect(store.reachable()).toBe(true);
        await store.close();
        expect(store.reachable()).toBe(false);
        expect(await ask({ calls: 1 })).toBe('down');
        await store.close();
      });

      it('says in a sentence what it promises', () => {
        expect(store.promise.length).toBeGreaterThan(20);
      });
    });
  });
}
