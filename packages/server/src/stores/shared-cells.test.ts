/** The cells of the shared table: none is lost, none is short. */
import { describe, expect, it } from 'vitest';
import { createRandom, held, requestAt, verdict } from '../../test/contract/store-contract.ts';
import { countSums, readSums } from '../../test/support/shared-audit.ts';
import { createStepClock } from '../../test/support/step-clock.ts';
import { createSharedMemoryStore } from './shared-memory.ts';
import { createSharedTable } from './shared-table.ts';
import { isRefusal, type Reservation, type ReservationRequest } from './store.ts';

describe('the cells of the shared table', () => {
  it('are all free again after long cycles of filling and expiry', { timeout: 60_000 }, async () => {
    const clock = createStepClock();
    const random = createRandom(26);
    const table = createSharedTable({ capacityBytes: 200_000 });
    const store = createSharedMemoryStore(table, {}, { clock });
    let refused = 0;
    const draw = (most: number) => Math.floor(random() * most);
    for (let cycle = 0; cycle < 60; cycle++) {
      const open: Reservation[] = [];
      for (let i = 0; i < 400; i++) {
        const more: Partial<ReservationRequest> = {
          jti: `cycle-${cycle}-${draw(150)}`,
          issuer: `issuer-${draw(5)}`,
          calls: 1000,
          expiresAtSeconds: Math.floor(clock.nowMs() / 1000) + draw(2000),
          ...(draw(2) === 0 ? { rate: { count: 1 + draw(40), windowMs: 1 + draw(100_000) } } : {}),
          ...(draw(2) === 0 ? { concurrency: 1 + draw(9) } : {}),
          ...(draw(3) === 0 ? { once: { kind: 'nonce', hash: `${draw(1e9)}`.padEnd(22, 'A') } } : {}),
          ...(draw(3) === 0
            ? {
                perSubject: {
                  subject: `user-${draw(9)}`,
                  rate: { count: 9, windowMs: 1000 },
                  concurrency: 4,
                },
              }
            : {}),
        };
        const result = await store.reserve(requestAt(clock, more));
        if (isRefusal(result)) refused += result.refused === 'capacity' ? 1 : 0;
        else if (draw(4) > 0) open.push(result);
        if (draw(3) === 0) clock.advance(draw(3000));
        const one = open.splice(draw(open.length), 1)[0];
        if (one !== undefined) await store.settle(one, { calls: draw(2) === 0 ? 'refund' : 'commit' });
      }
      if (cycle % 10 === 0) expect(countSums(table)).toEqual(readSums(table));
    }
    expect(refused).toBeGreaterThan(50);
    for (let i = 0; i < 4; i++) {
      clock.advance(3_600_000);
      held(await store.reserve(requestAt(clock, { jti: `sweep-${i}`, calls: 1 })));
    }
    clock.advance(4_000_000);
    expect(verdict(await store.reserve(requestAt(clock, { jti: 'last', calls: 0 })))).toBe('calls');
    expect(countSums(table)).toEqual({ used: 0, promised: 0, tokens: 0, bytes: 0 });
    expect(readSums(table)).toEqual(countSums(table));
  });

  it('never take more than was charged, whatever a token may grow to', async () => {
    const clock = createStepClock();
    const kinds: Record<string, (n: number) => Partial<ReservationRequest>> = {
      plain: () => ({ calls: 5 }),
      leases: () => ({ concurrency: 30 }),
      'many leases': () => ({ concurrency: 64 }),
      nonces: (n) => ({ calls: 30, once: { kind: 'nonce', hash: `${n}`.padEnd(22, 'A') } }),
      rates: () => ({ rate: { count: 30, windowMs: 1000 } }),
      'one time': () => ({ rate: { count: 1, windowMs: 1 } }),
      subjects: () => ({ perSubject: { subject: 'u', concurrency: 64, rate: { count: 30, windowMs: 1 } } }),
    };
    for (const [kind, more] of Object.entries(kinds)) {
      const table = createSharedTable();
      const store = createSharedMemoryStore(table, {}, { clock });
      for (let n = 0; n < 30; n++) verdict(await store.reserve(requestAt(clock, more(n))));
      const { used, promised, bytes } = readSums(table);
      expect([kind, used * 64 <= bytes, promised * 64 <= bytes + 3 * 64]).toEqual([kind, true, true]);
    }
  });

  it('have room for leases beyond the 64 that are charged, and an end of it', async () => {
    const clock = createStepClock();
    const table = createSharedTable({ capacityBytes: 50_000 });
    const store = createSharedMemoryStore(table, {}, { clock });
    const request = requestAt(clock, { concurrency: 1_000_000 });
    const open: Reservation[] = [];
    for (;;) {
      const result = await store.reserve(request);
      if (isRefusal(result)) {
        expect(result).toEqual({ refused: 'capacity' });
        break;
      }
      open.push(result);
    }
    expect(open.length).toBeGreaterThan(10_000);
    // What was charged is honoured all the same, and what is let go is had again.
    held(await store.reserve(requestAt(clock, { jti: 'known', calls: 5 })));
    for (const one of open) await store.settle(one, { calls: 'commit' });
    expect(verdict(await store.reserve(request))).toBe('ok');
    expect(countSums(table)).toEqual(readSums(table));
  });
});
